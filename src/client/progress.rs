//! The result of `ensure_linked` and `wait_linked`: how far the link has come, and what the call
//! did.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::Error;
use crate::model::attempt::{Attempt, Phase, trace_json};
use crate::model::delivery::Delivery;
use crate::model::errcode::Class;
use crate::model::lang::Lang;
use crate::model::link_status::LinkStatus;
use crate::model::status::Status;

/// How many attempts a result keeps. Of a longer record, the ones in the middle are dropped.
const MAX_ATTEMPTS: usize = 64;

/// The state of a link, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// The mini program is linked.
    Linked,
    /// An invitation is pending; the Official Account's administrator has to act.
    AwaitingOfficialAccount,
    /// An invitation is pending; the mini program's administrator has to act.
    AwaitingMiniProgram,
    /// An invitation is pending; the list does not show which administrator has to act.
    AwaitingAdministrator,
    /// The mini program's administrator refused: [`LinkStatus::Refused`].
    Declined,
    /// The list does not show the mini program, and nothing is known of an earlier invitation.
    Absent,
    /// The mini program was in the list or was invited earlier, and is no longer in the list; or a
    /// wait did not find it.
    Vanished,
    /// The list does not show the mini program, and an earlier invitation may still take effect.
    /// Nothing else is posted until [`LinkProgress::retry_after`] has passed.
    InDoubt,
    /// The list could not be read.
    Unknown,
}

impl LinkState {
    /// The state of an item with this status. An item without a known status is pending.
    pub(super) fn from_status(status: Option<LinkStatus>) -> LinkState {
        match status {
            Some(LinkStatus::Linked) => LinkState::Linked,
            Some(LinkStatus::AwaitingOfficialAccount) => LinkState::AwaitingOfficialAccount,
            Some(LinkStatus::AwaitingMiniProgram) => LinkState::AwaitingMiniProgram,
            Some(LinkStatus::Refused) => LinkState::Declined,
            Some(LinkStatus::Other(_)) | None => LinkState::AwaitingAdministrator,
        }
    }

    /// The word for the state in JSON: `linked`, `pending`, `declined`, `absent`, `vanished`,
    /// `in_doubt` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LinkState::Linked => "linked",
            LinkState::AwaitingOfficialAccount
            | LinkState::AwaitingMiniProgram
            | LinkState::AwaitingAdministrator => "pending",
            LinkState::Declined => "declined",
            LinkState::Absent => "absent",
            LinkState::Vanished => "vanished",
            LinkState::InDoubt => "in_doubt",
            LinkState::Unknown => "unknown",
        }
    }

    /// Which administrator has to act, in JSON: `official_account`, `mini_program`, or empty if
    /// neither has to or the list does not show which.
    pub const fn waits_for(self) -> &'static str {
        match self {
            LinkState::AwaitingOfficialAccount => "official_account",
            LinkState::AwaitingMiniProgram => "mini_program",
            _ => "",
        }
    }

    const fn is_pending(self) -> bool {
        matches!(
            self,
            LinkState::AwaitingOfficialAccount
                | LinkState::AwaitingMiniProgram
                | LinkState::AwaitingAdministrator
        )
    }

    /// The administrator who has to act, for messages.
    const fn administrator(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (LinkState::AwaitingOfficialAccount, Lang::En) => {
                "the Official Account's administrator"
            }
            (LinkState::AwaitingMiniProgram, Lang::En) => "the mini program's administrator",
            (_, Lang::En) => "the administrators",
            (LinkState::AwaitingOfficialAccount, Lang::Zh) => "公众号管理员",
            (LinkState::AwaitingMiniProgram, Lang::Zh) => "小程序管理员",
            (_, Lang::Zh) => "管理员",
        }
    }
}

/// The method that made a [`LinkProgress`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Ensure,
    Wait,
}

impl Operation {
    /// The name in traces.
    const fn as_str(self) -> &'static str {
        match self {
            Operation::Ensure => "ensure",
            Operation::Wait => "wait",
        }
    }
}

/// The outcome of the latest post of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PostOutcome {
    /// Nothing was posted.
    NotPosted,
    /// WeChat accepted the invitation.
    Accepted,
    /// WeChat answered that an invitation was already pending, or that the link already existed.
    AlreadyExisted,
    /// WeChat refused the invitation.
    Refused,
    /// There was no usable response, or WeChat answered -1 (busy) or an errcode whose meaning is
    /// not known: it may have acted.
    Unknown,
}

impl PostOutcome {
    /// The outcome of a post that failed with `error` after something was sent.
    pub(super) fn from_error(error: &Error) -> PostOutcome {
        match error.class() {
            Some(Class::Pending | Class::Ok) => PostOutcome::AlreadyExisted,
            Some(Class::Busy) => PostOutcome::Unknown,
            Some(_) => PostOutcome::Refused,
            None => PostOutcome::Unknown,
        }
    }
}

/// The result of [`Client::ensure_linked`](crate::Client::ensure_linked) and
/// [`Client::wait_linked`](crate::Client::wait_linked).
#[derive(Clone)]
pub struct LinkProgress {
    pub(super) operation: Operation,
    pub(super) state: LinkState,
    pub(super) item: Option<Value>,
    pub(super) found: LinkState,
    pub(super) posts: u32,
    pub(super) post_outcome: PostOutcome,
    /// When the claim of an earlier post ends.
    pub(super) retry_at: Option<Instant>,
    attempts: Vec<Attempt>,
    pub(super) error: Option<Error>,
    lang: Lang,
}

impl LinkProgress {
    /// The progress of a call that has not sent anything yet.
    pub(super) fn new(operation: Operation, lang: Lang) -> LinkProgress {
        LinkProgress {
            operation,
            state: LinkState::Unknown,
            item: None,
            found: LinkState::Unknown,
            posts: 0,
            post_outcome: PostOutcome::NotPosted,
            retry_at: None,
            attempts: Vec::new(),
            error: None,
            lang,
        }
    }

    pub(super) fn add_attempts(&mut self, attempts: &[Attempt]) {
        self.attempts.extend_from_slice(attempts);
        while self.attempts.len() > MAX_ATTEMPTS {
            self.attempts.remove(MAX_ATTEMPTS / 2);
        }
    }

    /// Adds the attempts of a post that WeChat may have received, once or several times.
    pub(super) fn add_post(&mut self, attempts: &[Attempt]) {
        let received = attempts.iter().filter(|a| a.phase >= Phase::Send);
        self.posts += u32::try_from(received.count()).unwrap_or(u32::MAX).max(1);
        self.add_attempts(attempts);
    }

    /// Whether waiting can change nothing any more.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, LinkState::Linked | LinkState::Declined)
    }

    /// [`Status::Ok`] if the mini program is linked, otherwise the reason why it is not.
    pub fn status(&self) -> Status {
        match (&self.error, self.state) {
            (Some(e), _) => e.status(),
            (None, LinkState::Linked) => Status::Ok,
            (None, LinkState::Declined) => Status::Declined,
            (None, LinkState::Absent | LinkState::Vanished) => Status::Vanished,
            (None, LinkState::InDoubt) => Status::InDoubt,
            (None, _) => Status::Pending,
        }
    }

    /// The state of the link, as far as it is known.
    pub fn state(&self) -> LinkState {
        self.state
    }

    /// The mini program's item in the list when it was last seen there, with all of WeChat's
    /// fields.
    pub fn item(&self) -> Option<&Value> {
        self.item.as_ref()
    }

    /// The state that the first read of the list showed; [`LinkState::Absent`] if the mini program
    /// was not in it.
    pub fn found(&self) -> LinkState {
        self.found
    }

    /// How many times the call posted a link that WeChat may have received.
    pub fn posts(&self) -> u32 {
        self.posts
    }

    /// How long an earlier invitation may still take effect, if the state is
    /// [`LinkState::InDoubt`]; zero otherwise. A call that shares the store is safe before.
    pub fn retry_after(&self) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let is_in_doubt = self.state == LinkState::InDoubt;
        self.retry_at
            .filter(|_| is_in_doubt)
            .map_or(Duration::ZERO, left)
    }

    /// The error that ended the call early, if any.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// All attempts, in order. Of more than 64, those in the middle are missing.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Whether WeChat may have received a request whose outcome is not known.
    pub fn delivery(&self) -> Delivery {
        match &self.error {
            Some(e) if self.posts > 0 && e.errcode().is_none() => {
                if self.is_post_outcome_known() {
                    Delivery::Answered
                } else {
                    Delivery::Unknown
                }
            }
            Some(e) => e.delivery(),
            None => Delivery::Answered,
        }
    }

    /// Whether the outcome of the last post is known, by its response or by a later list.
    fn is_post_outcome_known(&self) -> bool {
        let is_listed = !matches!(
            self.state,
            LinkState::Absent | LinkState::Vanished | LinkState::InDoubt | LinkState::Unknown
        );
        self.post_outcome != PostOutcome::Unknown || is_listed
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.operation.as_str(), self.delivery(), &self.attempts)
    }

    /// What happened and what to do about it, in the client's language; empty if linked.
    pub fn message(&self) -> String {
        if let Some(e) = &self.error {
            return self.message_of_error(e);
        }
        let status = self.status();
        if status == Status::Ok {
            return String::new();
        }
        let (name, text) = (status.name(), status.text(self.lang));
        if let Some(shown) = self.unknown_link_status() {
            return match self.lang {
                Lang::En => format!(
                    "{name}: the list shows the mini program with the unknown status {shown}. \
                     Look at it in the account's settings before linking it again."
                ),
                Lang::Zh => format!(
                    "{name}：列表中该小程序的状态 {shown} 未知。再次关联前请在公众号后台查看。"
                ),
            };
        }
        let administrator = match (self.state, self.lang) {
            (LinkState::AwaitingOfficialAccount | LinkState::AwaitingMiniProgram, Lang::En) => {
                format!(" ({})", self.state.administrator(self.lang))
            }
            (LinkState::AwaitingOfficialAccount | LinkState::AwaitingMiniProgram, Lang::Zh) => {
                format!("（{}）", self.state.administrator(self.lang))
            }
            _ => String::new(),
        };
        match self.lang {
            Lang::En => format!("{name}{administrator}: {text}{}", self.due_again()),
            Lang::Zh => format!("{name}{administrator}：{text}{}", self.due_again()),
        }
    }

    /// When an earlier invitation can no longer take effect, as a sentence; empty otherwise.
    fn due_again(&self) -> String {
        let seconds = self.retry_after().as_millis().div_ceil(1000);
        match (seconds, self.lang) {
            (0, _) => String::new(),
            (_, Lang::En) => format!(" It can take effect for {seconds} s."),
            (_, Lang::Zh) => format!("仍可能生效的时间：{seconds} 秒。"),
        }
    }

    /// The status of the mini program's item, as JSON, if its meaning is not known. A list that
    /// was read before a post says nothing about the invitation.
    fn unknown_link_status(&self) -> Option<String> {
        let is_from_list = self.state == LinkState::AwaitingAdministrator
            && self.post_outcome == PostOutcome::NotPosted;
        let item = self.item.as_ref().filter(|_| is_from_list)?;
        let status = item.get("status").unwrap_or(&Value::Null);
        let number = match status {
            Value::String(text) => text.trim().parse().ok(),
            status => status.as_i64(),
        };
        let is_known =
            number.is_some_and(|n: i64| !matches!(LinkStatus::from(n), LinkStatus::Other(_)));
        (!is_known).then(|| status.to_string())
    }

    /// The message if `error` ended the call: the error, then what the call had done before.
    fn message_of_error(&self, error: &Error) -> String {
        let summary = self.summary(error);
        // After a cancellation, the summary gives the next step. The status's own text, which
        // speaks of the last request alone, might contradict it.
        let is_cancelled = error.status() == Status::Cancelled;
        match (is_cancelled, self.lang) {
            (true, Lang::En) => {
                error.message_with(&join_sentences("The call was cancelled.", &summary))
            }
            (true, Lang::Zh) => error.message_with(&format!("调用已被取消。{summary}")),
            (false, Lang::En) => join_sentences(&error.message(), &summary),
            (false, Lang::Zh) => error.message() + &summary,
        }
    }

    /// What the call had done before `error` ended it, as sentences. Empty if the error's own
    /// message covers it.
    fn summary(&self, error: &Error) -> String {
        let zh = self.lang == Lang::Zh;
        let administrator = self.state.administrator(self.lang);
        // Other errors were found before anything was posted, or are WeChat's answer to the post.
        let was_interrupted = matches!(
            error.status(),
            Status::Cancelled
                | Status::TimeoutUnsent
                | Status::Timeout
                | Status::ConnectionLost
                | Status::BadAnswer
                | Status::TooLarge
        );
        let is_pending = self.state.is_pending();
        match (self.post_outcome, self.state) {
            (PostOutcome::Refused, _) => String::new(),
            (PostOutcome::NotPosted, _) if !was_interrupted => String::new(),
            (_, LinkState::Linked) if zh => "该小程序已关联。".into(),
            (_, LinkState::Linked) => "The mini program is linked.".into(),
            (_, LinkState::Declined) if zh => "小程序管理员已拒绝。".into(),
            (_, LinkState::Declined) => "The mini program's administrator refused.".into(),
            (PostOutcome::Accepted, _) => invitation_posted(administrator, zh),
            (PostOutcome::Unknown, _) if is_pending => invitation_posted(administrator, zh),
            (PostOutcome::Unknown, _) if zh => format!(
                "关联邀请已发送，但结果未知：再次调用时会先查询列表，在其仍可能生效期间不会再次发送。{}",
                self.due_again()
            ),
            (PostOutcome::Unknown, _) => format!(
                "An invitation was posted and its outcome is unknown: the next call reads the list \
                 first, and posts nothing while this one may take effect.{}",
                self.due_again()
            ),
            (PostOutcome::NotPosted | PostOutcome::AlreadyExisted, _) if is_pending => {
                match (zh, self.operation) {
                    (false, Operation::Ensure) => format!(
                        "Nothing new was posted: an earlier invitation is awaiting {administrator}."
                    ),
                    (false, Operation::Wait) => {
                        format!("An invitation is awaiting {administrator}.")
                    }
                    (true, Operation::Ensure) => {
                        format!("未发送新的邀请：此前的关联邀请正在等待{administrator}确认。")
                    }
                    (true, Operation::Wait) => format!("关联邀请正在等待{administrator}确认。"),
                }
            }
            (PostOutcome::NotPosted | PostOutcome::AlreadyExisted, _) if zh => {
                "未发送关联邀请。".into()
            }
            (PostOutcome::NotPosted | PostOutcome::AlreadyExisted, _) => {
                "Nothing was posted.".into()
            }
        }
    }

    /// The errcode of WeChat's response that ended the call, otherwise the status: 0 if linked.
    pub fn errcode(&self) -> i32 {
        let answered = self.error.as_ref().and_then(Error::errcode);
        answered.unwrap_or(self.status().code())
    }

    /// The result as JSON, in the form that `wx_ensure_linked` of the C interface describes.
    pub fn json(&self) -> Value {
        let errmsg = match self.status() {
            Status::Ok => "ok".to_owned(),
            _ => self.message(),
        };
        json!({
            "errcode": self.errcode(),
            "errmsg": errmsg,
            "state": self.state.as_str(),
            "waits_for": self.state.waits_for(),
            "item": self.item,
            "found": self.found.as_str(),
            "posts": self.posts,
            "retry_after_ms": self.retry_after().as_millis() as u64,
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

fn invitation_posted(administrator: &str, zh: bool) -> String {
    if zh {
        format!("关联邀请已发出，正在等待{administrator}确认：请勿重复发送，可查询列表了解进展。")
    } else {
        format!(
            "An invitation was posted and is awaiting {administrator}: do not post another one. \
             Read the list to see when it is linked."
        )
    }
}

/// Joins two English sentences, the second of which may be empty.
fn join_sentences(first: &str, second: &str) -> String {
    if second.is_empty() {
        return first.to_owned();
    }
    format!("{first} {second}")
}
