//! Follows one mini program in the list of one account, and invites it.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::claims::{Attempt, Claim, ClaimError, SettleWait};
use super::client::{Client, LinkChoices};
use super::progress::{LinkProgress, LinkState, Operation, PostOutcome};
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::failure::Failure;
use crate::model::link_status::LinkStatus;
use crate::model::status::Status;
use crate::response::list::{LinkList, MiniProgram};
use crate::response::response::Response;
use crate::store::{PostedOutcome, Settlement};

/// The pause between two reads of the list starts at `MIN_READ_PAUSE`, or a tenth of the wait if
/// that is shorter, and grows to `MAX_READ_PAUSE`.
const MIN_READ_PAUSE: Duration = Duration::from_secs(2);
const MAX_READ_PAUSE: Duration = Duration::from_secs(30);
/// The shortest pause, however short the wait is.
const SHORTEST_READ_PAUSE: Duration = Duration::from_millis(20);
/// The pause between the two reads of the list after a post whose outcome is unknown.
const CONFIRMATION_PAUSE: Duration = Duration::from_secs(1);
/// The pause between two attempts to claim a link that another call is posting.
const MIN_CLAIM_PAUSE: Duration = Duration::from_millis(20);
const MAX_CLAIM_PAUSE: Duration = Duration::from_millis(500);
/// A post may use the time limit except its last quarter, which is kept for reading the list in
/// case the post's outcome is unknown.
const PART_RESERVED_FOR_READS: u32 = 4;

/// The longest wait: what fits into the C interface.
pub(super) const MAX_WAIT: Duration = Duration::from_millis(u32::MAX as u64);

/// One mini program and the progress of its link.
pub(super) struct LinkTracker<'a> {
    client: &'a Client,
    token: Option<&'a str>,
    id: &'a str,
    /// The mini program's other id, once this client has seen it: a refused item has no appid.
    alias: Option<String>,
    /// Whether a list has shown the mini program.
    was_seen: bool,
    /// The original ids of the refused items that were in the list before the first post.
    refused_before: Vec<String>,
    /// When the list that the state is from was read.
    read_at: Option<Instant>,
    deadline: Instant,
    /// Why the outcome of this call's post is unknown.
    doubt: Option<Error>,
    /// Whether the call waits until the store has the end of its claim.
    pub(super) waits_for_store: bool,
    pub(super) progress: LinkProgress,
}

/// What became of an invitation.
pub(super) enum Invited {
    /// It was posted.
    Posted,
    /// Another call posts or has posted it.
    Elsewhere,
    /// Another read of the list shows the mini program.
    Listed,
    /// An earlier one was accepted and is no longer in the list.
    NotRepeated,
    /// The caller did not let it be posted.
    Withheld,
}

/// A claim that is held, or none if claims are switched off.
#[derive(Default)]
struct HeldClaim {
    claim: Option<Claim>,
    earlier: Option<PostedOutcome>,
    /// Whether another call held the claim before.
    has_waited: bool,
}

impl<'a> LinkTracker<'a> {
    pub(super) fn new(
        client: &'a Client,
        operation: Operation,
        token: Option<&'a str>,
        id: &'a str,
        wait: Duration,
    ) -> Self {
        LinkTracker {
            client,
            token,
            id,
            alias: client.aliases().get(id),
            was_seen: false,
            refused_before: Vec::new(),
            read_at: None,
            deadline: Instant::now() + client.timeout() + wait,
            doubt: None,
            waits_for_store: true,
            progress: LinkProgress::new(operation, client.lang()),
        }
    }

    pub(super) fn fail(mut self, error: Error) -> LinkProgress {
        self.progress.error = Some(error);
        self.progress
    }

    /// Reads the list and returns the mini program's state in it; `Absent` if it is not there.
    pub(super) fn read_list(&mut self) -> Result<LinkState, Error> {
        let list = self
            .client
            .get_linked_until(self.token, self.id, self.deadline)
            .inspect_err(|e| self.progress.add_attempts(e.attempts()))?;
        self.progress.add_attempts(list.response().attempts());
        self.update_from(&list)
    }

    /// Returns the mini program's state in a list, and updates that of the link. A mini program
    /// that an earlier list showed has vanished, unless a later one shows it again.
    ///
    /// # Errors
    /// The list does not show it, but has an item that may be any mini program.
    pub(super) fn update_from(&mut self, list: &LinkList) -> Result<LinkState, Error> {
        self.read_at = Some(list.read_at());
        if self.progress.posts == 0 {
            self.refused_before = refused_without_appid(list).collect();
        }
        match self.find(list) {
            None if list.has_unnamed_item() => Err(self.unnamed_item()),
            None => {
                self.progress.state = self.state_if_absent();
                Ok(LinkState::Absent)
            }
            Some(item) => {
                // Only an item that shows both ids shows that they belong together.
                let other = match (item.username(), item.appid()) {
                    (Some(username), Some(appid)) if appid == self.id => Some(username),
                    (Some(username), Some(appid)) if username == self.id => Some(appid),
                    _ => None,
                };
                if let Some(alias) = other {
                    self.client.aliases().insert(self.id, &alias);
                    self.alias = Some(alias.into_owned());
                }
                self.was_seen = true;
                self.progress.item = Some(item.json());
                self.progress.state = LinkState::from_status(item.status());
                Ok(self.progress.state)
            }
        }
    }

    fn unnamed_item(&self) -> Error {
        let why = "a list with an item that has neither an appid nor a username";
        let failure = Failure::new(Status::BadAnswer, why);
        let lang = self.client.lang();
        Error::failed(Endpoint::Get, failure, Delivery::Unknown, Vec::new(), lang)
    }

    /// The state of a mini program that is not in the list. A wait presumes an invitation.
    fn state_if_absent(&self) -> LinkState {
        if self.was_seen || self.progress.operation == Operation::Wait {
            LinkState::Vanished
        } else {
            LinkState::Absent
        }
    }

    /// Finds the mini program in the list: by the caller's id, else by its other id, else as a
    /// refused item without an appid that appeared after the post. The last case means that the
    /// invitation was refused before a list showed it, and posting again would message the
    /// followers again.
    fn find<'l>(&self, list: &'l LinkList) -> Option<MiniProgram<'l>> {
        let refused_since_post = || {
            if self.progress.posts == 0 || self.alias.is_some() {
                return None;
            }
            let mut refused = refused_without_appid(list);
            list.find(&refused.find(|id| !self.refused_before.contains(id))?)
        };
        list.find(self.id)
            .or_else(|| {
                let found = list.find(self.alias.as_deref()?)?;
                let is_same = |id: &str| id == self.id || Some(id) == self.alias.as_deref();
                found
                    .appid()
                    .is_none_or(|appid| is_same(&appid))
                    .then_some(found)
            })
            .or_else(refused_since_post)
    }

    /// Invites the mini program, unless its claim shows that nothing may be posted now. Posts at
    /// most once. `wait` is what is left of the wait after it. `may_post` is called when nothing
    /// else prevents the post; if it returns `false`, nothing is posted.
    ///
    /// # Errors
    /// The claim could not be taken, the invitation was refused, or its outcome is unknown, two
    /// reads of the list do not show it, and `wait` is zero.
    pub(super) fn invite(
        &mut self,
        choices: LinkChoices,
        wait: Duration,
        may_post: &mut dyn FnMut() -> bool,
    ) -> Result<Invited, Error> {
        let post_deadline = self.deadline - wait - self.client.timeout() / PART_RESERVED_FOR_READS;
        let Some(claim) = self.claim(post_deadline)? else {
            return Ok(Invited::Elsewhere);
        };
        if claim.earlier.is_some() || claim.has_waited || self.is_list_old() {
            let found = self.read_list();
            let is_listed = !matches!(found, Ok(LinkState::Absent));
            let was_accepted = claim.earlier == Some(PostedOutcome::Accepted);
            let vanished = was_accepted && !self.client.settings.reinvite;
            if is_listed || vanished {
                self.settle(&claim, Settlement::NotPosted);
                found?;
                if is_listed {
                    return Ok(Invited::Listed);
                }
                self.progress.state = LinkState::Vanished;
                return Ok(Invited::NotRepeated);
            }
        }
        if !may_post() {
            self.settle(&claim, Settlement::NotPosted);
            return Ok(Invited::Withheld);
        }
        let posted = self
            .client
            .link_until(self.token, self.id, choices, post_deadline);
        let settlement = self.client.settlement_of(&posted);
        if let Some(Settlement::Posted { stands, .. }) = settlement {
            self.progress.retry_at = Some(Instant::now() + stands);
        }
        self.settle(&claim, settlement.unwrap_or(Settlement::NotPosted));
        self.note(posted, wait)
    }

    /// Updates the progress from the response to a post.
    fn note(&mut self, posted: Result<Response, Error>, wait: Duration) -> Result<Invited, Error> {
        let error = match posted {
            Ok(response) => {
                self.progress.add_post(response.attempts());
                self.progress.post_outcome = PostOutcome::Accepted;
                self.progress.state = LinkState::AwaitingAdministrator;
                return Ok(Invited::Posted);
            }
            Err(e) => e,
        };
        if error.delivery() == Delivery::NeverSent {
            self.progress.add_attempts(error.attempts());
            return Err(error);
        }
        self.progress.add_post(error.attempts());
        self.progress.post_outcome = PostOutcome::from_error(&error);
        match (self.progress.post_outcome, error.class()) {
            (PostOutcome::AlreadyExisted, Some(Class::Ok)) => {
                self.progress.state = LinkState::Linked;
                return Ok(Invited::Posted);
            }
            (PostOutcome::AlreadyExisted, _) => {
                self.progress.state = LinkState::AwaitingAdministrator;
                return Ok(Invited::Posted);
            }
            (PostOutcome::Unknown, _) => {}
            _ => return Err(error),
        }
        // The list that was read before the post is out of date.
        self.progress.state = LinkState::Unknown;
        // The next call finds out whether the post took effect.
        if error.status() == Status::Cancelled {
            return Err(error);
        }
        let is_listed = self.is_listed().map_err(|e| match e.status() {
            // The cancellation ended the call; `post_outcome` records the post.
            Status::Cancelled => e,
            _ => error.clone(),
        })?;
        if is_listed {
            return Ok(Invited::Posted);
        }
        self.progress.state = LinkState::InDoubt;
        if wait.is_zero() {
            return Err(error);
        }
        self.doubt = Some(error);
        Ok(Invited::Posted)
    }

    /// Claims the link; `None` if another call posts or has posted, which the state then shows.
    fn claim(&mut self, post_deadline: Instant) -> Result<Option<HeldClaim>, Error> {
        let client = self.client;
        if client.settings.settle.is_zero() {
            return Ok(Some(HeldClaim::default()));
        }
        let now = Instant::now();
        let left = post_deadline.saturating_duration_since(now);
        let timed_out = || {
            let error = Error::before_send(Status::TimeoutUnsent, "", client.lang());
            error.with_endpoint(Endpoint::Link)
        };
        if left.is_zero() {
            return Err(timed_out());
        }
        // If the list took most of the time, a late store is not to blame.
        let has_time = left >= client.timeout() / 4;
        let keys = client.link_keys(self.token, self.id, post_deadline);
        // Half of the time is for the post.
        let limit = now + left / 2;
        let lasts = left + client.settings.settle;
        let mut next_pause = MIN_CLAIM_PAUSE;
        let mut has_waited = false;
        loop {
            let attempt = client
                .claims
                .take(keys.clone(), lasts, limit, &client.cancel);
            let (outcome, left) = match attempt.map_err(|e| match e {
                ClaimError::Store(store) if store.is_late && !has_time => timed_out(),
                e => client.claim_error(e),
            })? {
                Attempt::Taken(claim, earlier) => {
                    let claim = Some(claim);
                    return Ok(Some(HeldClaim {
                        claim,
                        earlier,
                        has_waited,
                    }));
                }
                Attempt::Held { outcome, left } => (outcome, left),
            };
            let now = Instant::now();
            // A call that is posting will soon know the outcome.
            if outcome.is_none() && now + next_pause < limit {
                client.pause_until(now + next_pause)?;
                next_pause = (next_pause * 2).min(MAX_CLAIM_PAUSE);
                has_waited = true;
                continue;
            }
            self.progress.retry_at = Some(now + left);
            self.progress.state = match outcome {
                Some(PostedOutcome::Accepted) => LinkState::AwaitingAdministrator,
                _ => LinkState::InDoubt,
            };
            return Ok(None);
        }
    }

    /// Whether another call may have taken its claim after the list was read, and lost it before
    /// this call got the claim. Of an account, the outcome of its post would be remembered.
    fn is_list_old(&self) -> bool {
        let settle = self.client.settings.settle;
        let is_remembered = self.client.account.is_some() || settle.is_zero();
        !is_remembered && self.read_at.is_some_and(|at| at.elapsed() >= settle)
    }

    fn settle(&self, held: &HeldClaim, settlement: Settlement) {
        if let Some(claim) = &held.claim {
            let wait = SettleWait {
                limit: self.deadline,
                cancel: &self.client.cancel,
            };
            let wait = Some(wait).filter(|_| self.waits_for_store);
            self.client.claims.settle(claim, settlement, wait);
        }
    }

    /// The progress of a call that has ended. If the mini program is linked, its invitation is
    /// forgotten.
    pub(super) fn finish(self) -> LinkProgress {
        if self.progress.state == LinkState::Linked {
            // The caller's id may be the original id.
            let item = self.progress.item.as_ref();
            let appid = item.and_then(|item| item["appid"].as_str());
            let appid = appid.unwrap_or(self.id);
            let linked = self.client.settlement_if_linked();
            self.client.record(self.token, appid, linked, self.deadline);
        }
        self.progress
    }

    /// Whether one of two reads of the list shows the mini program.
    fn is_listed(&mut self) -> Result<bool, Error> {
        if self.read_list()? != LinkState::Absent {
            return Ok(true);
        }
        let pause = CONFIRMATION_PAUSE.min(self.client.timeout() / 10);
        self.client.pause_until(Instant::now() + pause)?;
        Ok(self.read_list()? != LinkState::Absent)
    }

    /// Reads the list, at least once, until the link is settled or the wait is over. With
    /// `choices`, invites the mini program when the claim of another call ends and nothing shows
    /// the invitation of that call.
    pub(super) fn poll(mut self, wait: Duration, choices: Option<LinkChoices>) -> LinkProgress {
        let until = (Instant::now() + wait).min(self.deadline);
        let mut known_state = self.progress.state;
        let mut pause = (wait / 10).clamp(SHORTEST_READ_PAUSE, MIN_READ_PAUSE);
        let is_absent = |state| matches!(state, LinkState::Absent | LinkState::Vanished);
        let mut absent_in_a_row = u32::from(is_absent(known_state));
        let mut last_error = None;
        loop {
            let read = self.read_list();
            // Only what this list does not show may be posted.
            let may_invite = matches!(read, Ok(LinkState::Absent));
            match read {
                Err(e) if is_permanent(&e) => return self.fail(e),
                Err(e) => last_error = Some(e),
                Ok(LinkState::Absent) => {
                    absent_in_a_row += 1;
                    // A list may show a new invitation late, and may miss an item once.
                    let is_invited = self.progress.posts > 0 || self.progress.retry_at.is_some();
                    let may_appear = is_invited && !self.was_seen;
                    if absent_in_a_row >= 2 && !may_appear {
                        return self.finish();
                    }
                    self.progress.state = known_state;
                }
                Ok(_) => absent_in_a_row = 0,
            }
            let now = Instant::now();
            let other = self.progress.retry_at.filter(|_| self.progress.posts == 0);
            if let (Some(ends), Some(choices)) = (other.filter(|_| !self.was_seen), choices) {
                if may_invite && ends <= now && now < until {
                    self.progress.retry_at = None;
                    match self.invite(choices, until - now, &mut || true) {
                        Err(e) => return self.fail(e),
                        Ok(Invited::NotRepeated) => return self.progress,
                        Ok(_) => known_state = self.progress.state,
                    }
                }
            }
            let now = Instant::now();
            if self.progress.is_settled() || now >= until {
                // If no list could be read, the state is unknown and the error gives the reason.
                self.progress.error = match self.progress.state {
                    LinkState::Unknown => last_error,
                    LinkState::InDoubt => self.doubt.take(),
                    _ => None,
                };
                return self.finish();
            }
            let next = (now + jittered(pause)).min(until);
            let claim_ends = self.progress.retry_at.filter(|ends| *ends > now);
            let next = claim_ends.map_or(next, |ends| next.min(ends));
            if let Err(e) = self.client.pause_until(next) {
                return self.fail(e);
            }
            pause = (pause * 3 / 2).min(MAX_READ_PAUSE);
        }
    }
}

/// Whether reading the list again would fail in the same way: WeChat refuses the token, an
/// administrator or the caller must change something first, or the handle cannot be used any more.
pub(super) fn is_permanent(error: &Error) -> bool {
    match error.class() {
        Some(Class::Token | Class::ActionRequired | Class::InvalidRequest) => true,
        Some(_) => false,
        None => matches!(
            error.status(),
            Status::Cancelled | Status::Forked | Status::BadValue | Status::Internal
        ),
    }
}

/// The original ids of the refused items in a list that have no appid.
fn refused_without_appid(list: &LinkList) -> impl Iterator<Item = String> {
    let is_refused = |item: &MiniProgram<'_>| {
        item.status() == Some(LinkStatus::Refused) && item.appid().is_none()
    };
    let items = list.items().filter(is_refused);
    items.filter_map(|item| Some(item.username()?.into_owned()))
}

/// The pause, varied at random by up to a fifth, so that many callers do not read at the same time.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0);
    let percent = 80 + u32::try_from(random % 41).unwrap_or(20);
    pause * percent / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..1000 {
            let ms = jittered(Duration::from_millis(1000)).as_millis();
            assert!((800..=1200).contains(&ms), "{ms}");
        }
    }
}
