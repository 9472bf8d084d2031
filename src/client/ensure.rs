//! What callers really want: a link that is there in the end, asked for once.
//!
//! The list is the truth, posting is the exception: a post is made only after a list that shows no
//! trace of the mini program, and an outcome that got lost is looked up, never guessed.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, LinkChoices};
use crate::error::Error;
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::errcode::Class;
use crate::model::lang::Lang;
use crate::model::status::Status;
use crate::response::list::{LinkList, LinkStatus, MiniProgram};

/// The pauses between two looks at the list grow from the first to the last of these.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));
/// Between two looks that must both show no trace.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// The part of the time limit that no post may use up.
const LOOK_SHARE: u32 = 4;
/// What a trace calls the two operations.
const ENSURE: &str = "ensure";
const WAIT: &str = "wait";
/// How many attempts a record keeps; of a longer one the middle is left out.
const MAX_ATTEMPTS: usize = 64;

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Linked.
    Linked,
    /// An invitation is out; the Official Account's administrator has to act.
    AwaitingOfficialAccount,
    /// An invitation is out; the mini program's administrator has to act.
    AwaitingMiniProgram,
    /// An invitation is out; the list does not say (or with a number nobody has described) who has
    /// to act.
    AwaitingSomebody,
    /// The mini program's administrator refused.
    Declined,
    /// Not in the list, or there no more.
    Vanished,
    /// Nobody could be asked.
    Unknown,
}

impl LinkState {
    fn of(status: Option<LinkStatus>) -> LinkState {
        match status {
            Some(LinkStatus::Linked) => LinkState::Linked,
            Some(LinkStatus::AwaitingOfficialAccount) => LinkState::AwaitingOfficialAccount,
            Some(LinkStatus::AwaitingMiniProgram) => LinkState::AwaitingMiniProgram,
            Some(LinkStatus::Refused) => LinkState::Declined,
            Some(LinkStatus::Other(_)) | None => LinkState::AwaitingSomebody,
        }
    }

    /// The word that stands for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            LinkState::Linked => "linked",
            LinkState::AwaitingOfficialAccount
            | LinkState::AwaitingMiniProgram
            | LinkState::AwaitingSomebody => "pending",
            LinkState::Declined => "declined",
            LinkState::Vanished => "vanished",
            LinkState::Unknown => "unknown",
        }
    }

    /// Who has to act, in JSON: `official_account`, `mini_program`, or nothing.
    pub const fn waits_for(self) -> &'static str {
        match self {
            LinkState::AwaitingOfficialAccount => "official_account",
            LinkState::AwaitingMiniProgram => "mini_program",
            _ => "",
        }
    }
}

/// What became of [`Client::ensure_linked`] or [`Client::wait_linked`].
#[derive(Clone)]
pub struct LinkProgress {
    verb: &'static str,
    state: LinkState,
    item: Option<Value>,
    found: LinkState,
    posts: u32,
    posted: Posted,
    attempts: Vec<Attempt>,
    error: Option<Error>,
    lang: Lang,
}

/// The outcome of the latest post of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Posted {
    /// Nothing was posted.
    Nothing,
    /// WeChat accepted the invitation.
    Accepted,
    /// WeChat answered that an invitation, or the link, was there before.
    ThereBefore,
    /// WeChat refused it.
    Refused,
    /// No usable answer came, or WeChat's -1: it may have acted.
    Unknown,
}

impl Posted {
    /// The outcome of a post that failed with `error` after something was sent.
    fn from_error(error: &Error) -> Posted {
        match error.class() {
            Some(Class::Pending | Class::Ok) => Posted::ThereBefore,
            Some(Class::Busy) => Posted::Unknown,
            Some(_) => Posted::Refused,
            None if error.status() == Status::Api => Posted::Refused,
            None => Posted::Unknown,
        }
    }
}

impl LinkProgress {
    /// [`Status::Ok`] if linked, else why not.
    pub fn status(&self) -> Status {
        match (&self.error, self.state) {
            (Some(e), _) => e.status(),
            (None, LinkState::Linked) => Status::Ok,
            (None, LinkState::Declined) => Status::Declined,
            (None, LinkState::Vanished) => Status::Vanished,
            (None, _) => Status::Pending,
        }
    }

    /// How far the link has come, as far as is known.
    pub fn state(&self) -> LinkState {
        self.state
    }

    /// The list's item as it was last seen, every field as WeChat sent it.
    pub fn item(&self) -> Option<&Value> {
        self.item.as_ref()
    }

    /// What the list showed at first; [`LinkState::Vanished`] if no trace.
    pub fn found(&self) -> LinkState {
        self.found
    }

    /// How many links were posted of which WeChat may have seen something.
    pub fn posts(&self) -> u32 {
        self.posts
    }

    /// What ended it before it was known whether the link is there.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Everything that was tried, in order; the middle of a very long record is left out.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Whether WeChat may have seen what it does not show: unknown if a post's outcome is.
    pub fn delivery(&self) -> Delivery {
        match &self.error {
            Some(e) if self.posts > 0 && e.errcode().is_none() => match self.is_post_decided() {
                true => Delivery::Answered,
                false => Delivery::Unknown,
            },
            Some(e) => e.delivery(),
            None => Delivery::Answered,
        }
    }

    /// Whether the outcome of the last post is known, by its answer or by a list since.
    fn is_post_decided(&self) -> bool {
        let is_listed = !matches!(self.state, LinkState::Vanished | LinkState::Unknown);
        self.posted != Posted::Unknown || is_listed
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.verb, self.delivery(), &self.attempts)
    }

    /// What happened and what to do about it; empty if linked.
    pub fn message(&self) -> String {
        if let Some(e) = &self.error {
            return self.message_of(e);
        }
        let who = match (self.state, self.lang) {
            (LinkState::AwaitingOfficialAccount, Lang::En) => {
                " (the Official Account's administrator)"
            }
            (LinkState::AwaitingMiniProgram, Lang::En) => " (the mini program's administrator)",
            (LinkState::AwaitingOfficialAccount, Lang::Zh) => "（公众号管理员）",
            (LinkState::AwaitingMiniProgram, Lang::Zh) => "（小程序管理员）",
            _ => "",
        };
        match (self.status(), self.lang) {
            (Status::Ok, _) => String::new(),
            (s, Lang::En) => format!("{}{who}: {}", s.name(), s.text(self.lang)),
            (s, Lang::Zh) => format!("{}{who}：{}", s.name(), s.text(self.lang)),
        }
    }

    /// The message of a call that `error` ended: what happened, then what the call did before.
    fn message_of(&self, error: &Error) -> String {
        let zh = self.lang == Lang::Zh;
        let done = self.done(error);
        let message = match (error.status(), zh) {
            // What was posted decides what to do next, not how far the last request came.
            (Status::Cancelled, false) => {
                return error.message_with(&join("The call was cancelled.", &done));
            }
            (Status::Cancelled, true) => {
                return error.message_with(&format!("调用已被取消。{done}"));
            }
            _ => error.message(),
        };
        if zh {
            message + &done
        } else {
            join(&message, &done)
        }
    }

    /// What the call did before `error` ended it, as sentences; empty if the error's own message
    /// covers it.
    fn done(&self, error: &Error) -> String {
        let zh = self.lang == Lang::Zh;
        let who = match (self.state, zh) {
            (LinkState::AwaitingOfficialAccount, false) => "the Official Account's administrator",
            (LinkState::AwaitingMiniProgram, false) => "the mini program's administrator",
            (_, false) => "the administrators",
            (LinkState::AwaitingOfficialAccount, true) => "公众号管理员",
            (LinkState::AwaitingMiniProgram, true) => "小程序管理员",
            (_, true) => "管理员",
        };
        // Only what a wait or a network failure interrupted leaves open what was done.
        let interrupted = matches!(
            error.status(),
            Status::Cancelled
                | Status::TimeoutUnsent
                | Status::Timeout
                | Status::ConnectionLost
                | Status::BadAnswer
                | Status::TooLarge
        );
        match (self.posted, self.state) {
            (Posted::Refused, _) => String::new(),
            (Posted::Nothing, _) if !interrupted => String::new(),
            (_, LinkState::Linked) if zh => "该小程序已关联。".into(),
            (_, LinkState::Linked) => "The mini program is linked.".into(),
            (_, LinkState::Declined) if zh => "小程序管理员已拒绝。".into(),
            (_, LinkState::Declined) => "The mini program's administrator refused.".into(),
            (Posted::Accepted, _) | (Posted::Unknown, LinkState::AwaitingOfficialAccount
                | LinkState::AwaitingMiniProgram
                | LinkState::AwaitingSomebody) => match zh {
                false => format!(
                    "An invitation was posted and is awaiting {who}: do not post another one. Read the list to see \
                     when it is linked."
                ),
                true => format!("关联邀请已发出，正在等待{who}确认：请勿重复发送，可查询列表了解进展。"),
            },
            (Posted::Unknown, _) => match zh {
                false => "An invitation was posted and its outcome is unknown: read the list before posting again.".into(),
                true => "关联邀请已发送，但结果未知：再次发送前请先查询列表。".into(),
            },
            (Posted::Nothing | Posted::ThereBefore, LinkState::AwaitingOfficialAccount
                | LinkState::AwaitingMiniProgram
                | LinkState::AwaitingSomebody) => match (zh, self.verb == ENSURE) {
                (false, true) => format!(
                    "Nothing new was posted: an earlier invitation is awaiting {who}."
                ),
                (false, false) => format!("An invitation is awaiting {who}."),
                (true, true) => format!("未发送新的邀请：此前的关联邀请正在等待{who}确认。"),
                (true, false) => format!("关联邀请正在等待{who}确认。"),
            },
            (Posted::Nothing | Posted::ThereBefore, _) => match zh {
                false => "Nothing was posted.".into(),
                true => "未发送关联邀请。".into(),
            },
        }
    }

    /// The errcode of the answer that ended it, else the status: 0 if linked.
    pub fn errcode(&self) -> i32 {
        let of_answer = self.error.as_ref().and_then(Error::errcode);
        of_answer.unwrap_or(self.status().code())
    }

    /// All of it as JSON.
    pub fn json(&self) -> Value {
        json!({
            "errcode": self.errcode(),
            "errmsg": if self.status() == Status::Ok { "ok".into() } else { self.message() },
            "state": self.state.as_str(),
            "waits_for": self.state.waits_for(),
            "item": self.item,
            "found": if self.found == LinkState::Vanished { "absent" } else { self.found.as_str() },
            "posts": self.posts,
        })
    }
}

impl fmt::Debug for LinkProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkProgress")
            .field("state", &self.state)
            .field("found", &self.found)
            .field("posts", &self.posts)
            .field("error", &self.error)
            .finish()
    }
}

impl Client {
    /// Sees to it that a mini program is linked: asks the list, posts a link if that shows no trace,
    /// and with a `wait` waits so long for the administrators. Safe to repeat, whatever happened
    /// before. Takes at most `timeout_ms` and `wait` together.
    ///
    /// A post whose outcome got lost, or that WeChat answered with -1, is looked up in the list; only
    /// two looks with a pause between them, both without a trace, allow another post, and at most
    /// `max_retries` of those are made. A quarter of the time limit is kept for looking. A refusal that the list shows is not argued with.
    pub fn ensure_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
        wait: Duration,
    ) -> LinkProgress {
        let mut watch = LinkTracker::new(self, ENSURE, access_token.into(), appid, wait);
        match watch.look() {
            Err(e) => return watch.ended(e),
            Ok(found) => watch.progress.found = found,
        }
        if watch.progress.found == LinkState::Vanished {
            if let Err(e) = watch.post(choices) {
                return watch.ended(e);
            }
            watch.follow(wait)
        } else if watch.is_settled() || wait.is_zero() {
            watch.progress
        } else {
            watch.follow(wait)
        }
    }

    /// The same for callers with many mini programs for one account: `list` is the first look, which they read just
    /// now and once for all of them. After a yes it does not look again.
    pub fn ensure_linked_in<'a>(
        &self,
        list: &LinkList,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
    ) -> LinkProgress {
        let token = access_token.into();
        let mut watch = LinkTracker::new(self, ENSURE, token, appid, Duration::ZERO);
        watch.progress.found = watch.see(list);
        if watch.progress.found == LinkState::Vanished {
            if let Err(e) = watch.post(choices) {
                return watch.ended(e);
            }
        }
        watch.progress
    }

    /// Waits until a mini program, named by its appid or original id (`gh_…`), is linked, or will
    /// not be. Looks at the list with growing pauses (2 s to 30 s, shorter if the wait is short). A
    /// look that fails does not end it; a refused token does, with the state so far. Takes at most
    /// `timeout_ms` and `wait` together.
    pub fn wait_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid_or_username: &str,
        wait: Duration,
    ) -> LinkProgress {
        let mut watch = LinkTracker::new(self, WAIT, access_token.into(), appid_or_username, wait);
        match watch.look() {
            Err(e) if wait.is_zero() || ends(&e) => return watch.ended(e),
            Err(_) => {}
            Ok(found) => watch.progress.found = found,
        }
        if watch.is_settled() || wait.is_zero() {
            return watch.progress;
        }
        watch.follow(wait)
    }
}

/// One mini program, watched in the list of one account.
struct LinkTracker<'a> {
    client: &'a Client,
    token: Option<&'a str>,
    id: &'a str,
    /// Its other name, once seen by this client: a refused item has no appid.
    alias: Option<String>,
    /// Whether the list has shown it.
    seen: bool,
    /// The original ids of refused items that were there before anything was posted.
    refused_before: Vec<String>,
    end: Instant,
    progress: LinkProgress,
}

impl<'a> LinkTracker<'a> {
    fn new(
        client: &'a Client,
        verb: &'static str,
        token: Option<&'a str>,
        id: &'a str,
        wait: Duration,
    ) -> Self {
        LinkTracker {
            client,
            token,
            id,
            alias: client.aliases().get(id),
            seen: false,
            refused_before: Vec::new(),
            end: Instant::now() + client.timeout() + wait,
            progress: LinkProgress {
                verb,
                state: LinkState::Unknown,
                item: None,
                found: LinkState::Unknown,
                posts: 0,
                posted: Posted::Nothing,
                attempts: Vec::new(),
                error: None,
                lang: client.lang(),
            },
        }
    }

    /// Whether waiting can change nothing any more.
    fn is_settled(&self) -> bool {
        matches!(self.progress.state, LinkState::Linked | LinkState::Declined)
    }

    fn ended(mut self, error: Error) -> LinkProgress {
        self.progress.error = Some(error);
        self.progress
    }

    fn record(&mut self, attempts: &[Attempt]) {
        let all = &mut self.progress.attempts;
        all.extend_from_slice(attempts);
        while all.len() > MAX_ATTEMPTS {
            all.remove(MAX_ATTEMPTS / 2);
        }
    }

    /// Looks at the list: what it shows of the mini program, `Vanished` if no trace.
    fn look(&mut self) -> Result<LinkState, Error> {
        let list = self.client.get_linked_until(self.token, self.id, self.end);
        let list = list.inspect_err(|e| self.record(e.attempts()))?;
        self.record(list.response().attempts());
        Ok(self.see(&list))
    }

    /// What a list shows of it.
    fn see(&mut self, list: &LinkList) -> LinkState {
        if self.progress.posts == 0 {
            self.refused_before = nameless(list).collect();
        }
        self.progress.state = match self.find(list) {
            None => LinkState::Vanished,
            Some(item) => {
                let names = [item.username(), item.appid()].into_iter().flatten();
                if let Some(name) = names.into_iter().find(|n| n != self.id) {
                    self.client.aliases().insert(self.id, &name);
                    self.alias = Some(name.into_owned());
                }
                self.seen = true;
                self.progress.item = Some(item.json());
                LinkState::of(item.status())
            }
        };
        self.progress.state
    }

    /// Where it stands in the list: under the name we were given, else under the one we learnt, else
    /// as a refused item without an appid that was not there before we posted: ours was refused
    /// before we saw it, and posting again would message the followers again.
    fn find<'l>(&self, list: &'l LinkList) -> Option<MiniProgram<'l>> {
        let under = |id: &str| list.find(id);
        let of_late = || {
            let late = nameless(list).find(|name| !self.refused_before.contains(name));
            under(&late.filter(|_| self.progress.posts > 0 && self.alias.is_none())?)
        };
        under(self.id)
            .or_else(|| under(self.alias.as_deref()?))
            .or_else(of_late)
    }

    /// Posts until an invitation is out, looking before every repetition.
    fn post(&mut self, choices: LinkChoices) -> Result<(), Error> {
        let posts_allowed = self.client.max_retries().saturating_add(1);
        // A post whose answer does not come must leave time to look what became of it.
        let last = self.end - self.client.timeout() / LOOK_SHARE;
        loop {
            let posted = self.client.link_until(self.token, self.id, choices, last);
            let error = match posted {
                Ok(answer) => {
                    self.progress.posts += 1;
                    self.progress.posted = Posted::Accepted;
                    self.record(answer.attempts());
                    self.progress.state = LinkState::AwaitingSomebody;
                    return Ok(());
                }
                Err(e) => e,
            };
            self.record(error.attempts());
            if error.delivery() != Delivery::NeverSent {
                self.progress.posts += 1;
                self.progress.posted = Posted::from_error(&error);
                if self.progress.posted == Posted::Unknown {
                    // What the list showed before the post no longer counts.
                    self.progress.state = LinkState::Unknown;
                }
            }
            match (error.class(), error.status()) {
                (Some(Class::Pending), _) => {
                    self.progress.state = LinkState::AwaitingSomebody;
                    return Ok(());
                }
                (Some(Class::Ok), _) => {
                    self.progress.state = LinkState::Linked;
                    return Ok(());
                }
                // The next call reads what became of it.
                (_, Status::Cancelled) => return Err(error),
                // Busy is WeChat's -1, after which it may have acted all the same.
                (Some(Class::Busy), _) => {}
                (None, _) if error.delivery() == Delivery::Unknown => {}
                _ => return Err(error),
            }
            let leaves_a_trace = self.leaves_a_trace().map_err(|e| match e.status() {
                // What ended the call is the cancelling; the lost post is in the progress.
                Status::Cancelled => e,
                _ => error.clone(),
            })?;
            if leaves_a_trace {
                return Ok(());
            }
            if self.progress.posts >= posts_allowed || Instant::now() >= last {
                self.progress.state = LinkState::Vanished;
                return Err(error);
            }
        }
    }

    /// Whether the list shows the mini program in one of two looks.
    fn leaves_a_trace(&mut self) -> Result<bool, Error> {
        if self.look()? != LinkState::Vanished {
            return Ok(true);
        }
        let pause = SECOND_LOOK.min(self.client.timeout() / 10);
        self.client.pause_until(Instant::now() + pause)?;
        Ok(self.look()? != LinkState::Vanished)
    }

    /// Looks until it is settled or the wait is over; at least once.
    fn follow(mut self, wait: Duration) -> LinkProgress {
        let until = (Instant::now() + wait).min(self.end);
        let known = self.progress.state;
        let mut pause = (wait / 10).clamp(Duration::from_millis(20), PAUSES.0);
        let mut absent = u32::from(known == LinkState::Vanished);
        let mut unread = None;
        loop {
            match self.look() {
                Err(e) if ends(&e) => return self.ended(e),
                Err(e) => unread = Some(e),
                Ok(LinkState::Vanished) => {
                    absent += 1;
                    // What was posted may take a moment to be shown; what was seen must be missed
                    // twice.
                    let gone = absent >= 2 && (self.seen || self.progress.posts == 0);
                    if gone {
                        return self.progress;
                    }
                    self.progress.state = known;
                }
                Ok(_) => absent = 0,
            }
            let now = Instant::now();
            if self.is_settled() || now >= until {
                // Of a list that never could be read nothing else is known.
                self.progress.error = unread.filter(|_| self.progress.state == LinkState::Unknown);
                return self.progress;
            }
            if let Err(e) = self.client.pause_until((now + jittered(pause)).min(until)) {
                return self.ended(e);
            }
            pause = (pause * 3 / 2).min(PAUSES.1);
        }
    }
}

/// Two sentences of English, the second of which may be missing.
fn join(first: &str, second: &str) -> String {
    if second.is_empty() {
        return first.to_owned();
    }
    format!("{first} {second}")
}

/// Whether a look that failed this way would fail again: the token is refused, somebody must act
/// first, or the handle is of no more use.
fn ends(error: &Error) -> bool {
    match error.class() {
        Some(Class::Token | Class::ActionRequired | Class::InvalidRequest) => true,
        Some(_) => false,
        None => matches!(
            error.status(),
            Status::Cancelled | Status::Forked | Status::BadValue | Status::Internal
        ),
    }
}

/// The original ids of a list's refused items, which have no appid.
fn nameless(list: &LinkList) -> impl Iterator<Item = String> {
    let refused =
        |i: &MiniProgram<'_>| i.status() == Some(LinkStatus::Refused) && i.appid().is_none();
    let items = list.items().filter(refused);
    items.filter_map(|i| Some(i.username()?.into_owned()))
}

/// Between four and six fifths of a pause, so that many callers do not look all at once.
fn jittered(pause: Duration) -> Duration {
    let dice = RandomState::new().hash_one(0);
    let percent = 80 + u32::try_from(dice % 41).unwrap_or(20);
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
