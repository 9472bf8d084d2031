//! The outcome of a row, its record, and counts of outcomes.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use wxlink::Text;

use crate::row::Row;
use crate::severity::Severity;

/// The outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The mini program is linked.
    Linked,
    /// This job posted the invitation; the administrators must agree.
    Invited,
    /// An invitation existed already; the administrators must agree.
    Pending,
    /// An administrator declined earlier, or an earlier invitation is no longer in the list.
    /// Nothing was posted.
    Declined,
    /// WeChat refused the link: an administrator must act first, or the row is invalid.
    Refused,
    /// The account's token or permissions do not allow the call, or the address is on no whitelist.
    NoAccess,
    /// A quota is used up, or an earlier invitation may still take effect; the row is due again at
    /// [`Record::until`].
    Deferred,
    /// WeChat could not be reached in any attempt. Nothing was posted, or the list does not show
    /// it.
    Failed,
    /// A post was sent and no answer arrived, and the list could not be read: it may have taken
    /// effect.
    Unknown,
}

impl Outcome {
    /// All outcomes, in the order of reports.
    pub const ALL: [Outcome; 9] = [
        Outcome::Linked,
        Outcome::Invited,
        Outcome::Pending,
        Outcome::Declined,
        Outcome::Refused,
        Outcome::NoAccess,
        Outcome::Deferred,
        Outcome::Failed,
        Outcome::Unknown,
    ];

    /// Its name in JSON, CSV and file names.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Linked => "linked",
            Outcome::Invited => "invited",
            Outcome::Pending => "pending",
            Outcome::Declined => "declined",
            Outcome::Refused => "refused",
            Outcome::NoAccess => "no_access",
            Outcome::Deferred => "deferred",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        }
    }

    /// Its name for people. In English it is the one of [`word`](Outcome::word).
    pub const fn name(self) -> Text {
        let zh = match self {
            Outcome::Linked => "已关联",
            Outcome::Invited => "已邀请",
            Outcome::Pending => "待同意",
            Outcome::Declined => "未获同意",
            Outcome::Refused => "微信拒绝",
            Outcome::NoAccess => "无权限",
            Outcome::Deferred => "已推迟",
            Outcome::Failed => "失败",
            Outcome::Unknown => "未知",
        };
        Text {
            en: self.word(),
            zh,
        }
    }

    /// What it means, and what to do about it, in a few words.
    pub const fn meaning(self, place: Place) -> Text {
        match (self, place) {
            (Outcome::Linked, _) => Text {
                en: "already linked",
                zh: "已关联",
            },
            (Outcome::Invited, _) => Text {
                en: "invited now; the administrators must agree",
                zh: "本次已发出邀请，等待管理员同意",
            },
            (Outcome::Pending, _) => Text {
                en: "invited earlier; the administrators must agree",
                zh: "此前已发出邀请，等待管理员同意",
            },
            (Outcome::Declined, _) => Text {
                en: "declined earlier, or the invitation expired; talk to the administrators",
                zh: "此前已被拒绝或邀请已失效，请与管理员沟通",
            },
            (Outcome::Refused, _) => Text {
                en: "refused by WeChat; see the remedy of each row",
                zh: "被微信拒绝，处理办法见各行",
            },
            (Outcome::NoAccess, _) => Text {
                en: "the token, a permission or the whitelist; see the remedy of each row",
                zh: "access_token、权限或 IP 白名单有问题，处理办法见各行",
            },
            (Outcome::Deferred, Place::Job) => Text {
                en: "a quota is used up, or an invitation is in doubt; run with --resume later",
                zh: "额度已用完，或此前的邀请结果未明，请稍后用 --resume 继续",
            },
            (Outcome::Deferred, Place::Queue) => Text {
                en: "a quota is used up, or an invitation is in doubt; workers do it when it is due",
                zh: "额度已用完，或此前的邀请结果未明，到期后由工作进程处理",
            },
            (Outcome::Failed, Place::Job) => Text {
                en: "WeChat could not be reached. Run again with --retry-failed.",
                zh: "无法连接微信。请用 --retry-failed 重新运行。",
            },
            (Outcome::Failed, Place::Queue) => Text {
                en: "WeChat could not be reached. Push these rows again: collect writes failed.csv.",
                zh: "无法连接微信。请重新推送这些行：collect 会写入 failed.csv。",
            },
            (Outcome::Unknown, Place::Job) => Text {
                en: "may have been posted; --retry-failed reads the list first",
                zh: "请求可能已生效，--retry-failed 会先读取列表",
            },
            (Outcome::Unknown, Place::Queue) => Text {
                en: "may have been posted. Push these rows again: workers read the list first.",
                zh: "请求可能已生效。请重新推送这些行：工作进程会先读取列表。",
            },
        }
    }

    /// Whether WeChat did not answer, or its answer was lost.
    pub(crate) const fn is_lost(self) -> bool {
        matches!(self, Outcome::Failed | Outcome::Unknown)
    }

    /// Whether an invitation waits for the administrators.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Outcome::Invited | Outcome::Pending)
    }

    /// How serious it is.
    pub const fn severity(self) -> Severity {
        match self {
            Outcome::Linked => Severity::Done,
            Outcome::Invited | Outcome::Pending => Severity::Waiting,
            Outcome::Declined | Outcome::Refused => Severity::Refused,
            Outcome::NoAccess => Severity::NoAccess,
            Outcome::Deferred | Outcome::Failed | Outcome::Unknown => Severity::Retry,
        }
    }
}

/// Where rows are processed. What can be done about some outcomes depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A job in a folder, which is resumed.
    Job,
    /// A queue, which workers process.
    Queue,
}

/// The result of a row, as the journal, reports and the queue keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The row.
    #[serde(flatten)]
    pub row: Row,
    /// Its outcome.
    pub outcome: Outcome,
    /// WeChat's errcode, if it is more precise than the outcome; otherwise 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errcode: i32,
    /// The request id that WeChat's support asks for, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rid: String,
    /// What happened and what to do about it, in the client's language, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How many invitations WeChat may have received for the row, over all runs.
    #[serde(default, skip_serializing_if = "is_none_posted")]
    pub posts: u32,
    /// When a deferred row is due again (Unix time, s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// When the outcome was recorded (Unix time, s).
    pub at: u64,
}

// serde prescribes the signature.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(code: &i32) -> bool {
    *code == 0
}

// serde prescribes the signature.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none_posted(posts: &u32) -> bool {
    *posts == 0
}

/// How many rows have an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutcomeCount {
    /// The outcome.
    pub outcome: Outcome,
    /// How many rows have it.
    pub rows: u64,
}

/// Counts rows by outcome. All threads may use it at the same time.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Outcome::ALL.len()]);

impl Tally {
    /// Counts one more row.
    pub fn add(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a row under another outcome than before.
    pub(crate) fn replace(&self, old: Outcome, new: Outcome) {
        self.0[old as usize].fetch_sub(1, Ordering::Relaxed);
        self.add(new);
    }

    /// How many rows have the outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }

    /// How many rows have any outcome.
    pub fn total(&self) -> u64 {
        Outcome::ALL.iter().map(|o| self.count(*o)).sum()
    }

    /// The outcomes that at least one row has, in the order of reports.
    pub fn counts(&self) -> impl Iterator<Item = OutcomeCount> {
        let all = Outcome::ALL.iter().map(|outcome| OutcomeCount {
            outcome: *outcome,
            rows: self.count(*outcome),
        });
        all.filter(|count| count.rows > 0)
    }

    /// The most serious severity of all counted outcomes.
    pub fn severity(&self) -> Severity {
        let severities = self.counts().map(|count| count.outcome.severity());
        severities.max().unwrap_or(Severity::Done)
    }
}
