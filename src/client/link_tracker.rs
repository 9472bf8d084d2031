//! Follows one mini program in the list of one account, and posts its invitation.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::client::{Client, LinkChoices};
use super::progress::{LinkProgress, LinkState, Operation, PostOutcome};
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::errcode::Class;
use crate::model::link_status::LinkStatus;
use crate::model::status::Status;
use crate::response::list::{LinkList, MiniProgram};

/// The pause between two reads of the list starts at `MIN_READ_PAUSE`, or a tenth of the wait if
/// that is shorter, and grows to `MAX_READ_PAUSE`.
const MIN_READ_PAUSE: Duration = Duration::from_secs(2);
const MAX_READ_PAUSE: Duration = Duration::from_secs(30);
/// The shortest pause, however short the wait is.
const SHORTEST_READ_PAUSE: Duration = Duration::from_millis(20);
/// The pause between the two reads that must both not show the mini program before it is posted
/// again.
const CONFIRMATION_PAUSE: Duration = Duration::from_secs(1);
/// A post may use the time limit except its last quarter, which is kept for reading the list in
/// case the post's outcome is unknown.
const PART_RESERVED_FOR_READS: u32 = 4;

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
    deadline: Instant,
    pub(super) progress: LinkProgress,
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
            deadline: Instant::now() + client.timeout() + wait,
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
        Ok(self.update_from(&list))
    }

    /// Returns the mini program's state in a list, and updates that of the link. A mini program
    /// that is absent from the list has vanished, unless a later list shows it.
    pub(super) fn update_from(&mut self, list: &LinkList) -> LinkState {
        if self.progress.posts == 0 {
            self.refused_before = refused_without_appid(list).collect();
        }
        match self.find(list) {
            None => {
                self.progress.state = LinkState::Vanished;
                LinkState::Absent
            }
            Some(item) => {
                let ids = [item.username(), item.appid()].into_iter().flatten();
                if let Some(alias) = ids.into_iter().find(|id| id != self.id) {
                    self.client.aliases().insert(self.id, &alias);
                    self.alias = Some(alias.into_owned());
                }
                self.was_seen = true;
                self.progress.item = Some(item.json());
                self.progress.state = LinkState::from_status(item.status());
                self.progress.state
            }
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
            .or_else(|| list.find(self.alias.as_deref()?))
            .or_else(refused_since_post)
    }

    /// Posts until an invitation is pending, and reads the list before it posts again.
    pub(super) fn post(&mut self, choices: LinkChoices) -> Result<(), Error> {
        let max_posts = self.client.max_retries().saturating_add(1);
        let post_deadline = self.deadline - self.client.timeout() / PART_RESERVED_FOR_READS;
        loop {
            let posted = self
                .client
                .link_until(self.token, self.id, choices, post_deadline);
            let error = match posted {
                Ok(response) => {
                    self.progress.posts += 1;
                    self.progress.post_outcome = PostOutcome::Accepted;
                    self.progress.add_attempts(response.attempts());
                    self.progress.state = LinkState::AwaitingAdministrator;
                    return Ok(());
                }
                Err(e) => e,
            };
            self.progress.add_attempts(error.attempts());
            if error.delivery() != Delivery::NeverSent {
                self.progress.posts += 1;
                self.progress.post_outcome = PostOutcome::from_error(&error);
                if self.progress.post_outcome == PostOutcome::Unknown {
                    // The list that was read before the post is out of date.
                    self.progress.state = LinkState::Unknown;
                }
            }
            match (error.class(), error.status()) {
                (Some(Class::Pending), _) => {
                    self.progress.state = LinkState::AwaitingAdministrator;
                    return Ok(());
                }
                (Some(Class::Ok), _) => {
                    self.progress.state = LinkState::Linked;
                    return Ok(());
                }
                // Return now; the next call finds out whether the post took effect.
                (_, Status::Cancelled) => return Err(error),
                // Busy is WeChat's -1. WeChat may have acted although it answered -1.
                (Some(Class::Busy), _) => {}
                (None, _) if error.delivery() == Delivery::Unknown => {}
                _ => return Err(error),
            }
            let is_listed = self.is_listed().map_err(|e| match e.status() {
                // The cancellation ended the call; `post_outcome` records the post.
                Status::Cancelled => e,
                _ => error.clone(),
            })?;
            if is_listed {
                return Ok(());
            }
            if self.progress.posts >= max_posts || Instant::now() >= post_deadline {
                self.progress.state = LinkState::Vanished;
                return Err(error);
            }
        }
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

    /// Reads the list, at least once, until the link is settled or the wait is over.
    pub(super) fn poll(mut self, wait: Duration) -> LinkProgress {
        let until = (Instant::now() + wait).min(self.deadline);
        let known_state = self.progress.state;
        let mut pause = (wait / 10).clamp(SHORTEST_READ_PAUSE, MIN_READ_PAUSE);
        let mut absent_in_a_row = u32::from(known_state == LinkState::Vanished);
        let mut last_error = None;
        loop {
            match self.read_list() {
                Err(e) if is_permanent(&e) => return self.fail(e),
                Err(e) => last_error = Some(e),
                Ok(LinkState::Absent) => {
                    absent_in_a_row += 1;
                    // A list may show a new invitation late, and may miss an item once.
                    let may_appear = self.progress.posts > 0 && !self.was_seen;
                    if absent_in_a_row >= 2 && !may_appear {
                        return self.progress;
                    }
                    self.progress.state = known_state;
                }
                Ok(_) => absent_in_a_row = 0,
            }
            let now = Instant::now();
            if self.progress.is_settled() || now >= until {
                // If no list could be read, the state is unknown and the error gives the reason.
                let is_unknown = self.progress.state == LinkState::Unknown;
                self.progress.error = last_error.filter(|_| is_unknown);
                return self.progress;
            }
            if let Err(e) = self.client.pause_until((now + jittered(pause)).min(until)) {
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
