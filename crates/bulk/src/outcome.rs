//! What became of a row.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::row::Row;
use crate::verdict::Verdict;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is linked.
    Linked,
    /// This job posted the invitation; the administrators have to act.
    Invited,
    /// An invitation was out already; the administrators have to act.
    Pending,
    /// The mini program's administrator refused before; nothing was posted.
    Declined,
    /// WeChat refused: somebody has to act first.
    Refused,
    /// The account's token, permission or whitelist is in the way.
    NoAccess,
    /// A quota is used up; it is due again at `until`.
    Deferred,
    /// Nothing got through, again and again; nothing was posted, or it left no trace.
    Failed,
    /// A post got lost and the list could not be read: it may have been made.
    Unknown,
}

impl Outcome {
    /// Every one, in the order of reports.
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

    /// The word for it in files and JSON.
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

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Outcome::Linked => "linked already",
            Outcome::Invited => "invited now; the administrators have to agree",
            Outcome::Pending => "invited before; the administrators have to agree",
            Outcome::Declined => "the mini program's administrator refused before; talk to them",
            Outcome::Refused => "refused by WeChat; see the remedy of each",
            Outcome::NoAccess => "token, permission or whitelist; see the remedy of each",
            Outcome::Deferred => "a quota is used up; go on with --resume when it begins anew",
            Outcome::Failed => "did not get through; try again with --retry-failed",
            Outcome::Unknown => "may have been posted; --retry-failed reads the list first",
        }
    }

    /// Whether nothing got through.
    pub(crate) const fn is_lost(self) -> bool {
        matches!(self, Outcome::Failed | Outcome::Unknown)
    }

    /// The exit code it asks for.
    pub const fn verdict(self) -> Verdict {
        match self {
            Outcome::Linked => Verdict::Done,
            Outcome::Invited | Outcome::Pending => Verdict::Waiting,
            Outcome::Declined | Outcome::Refused => Verdict::Refused,
            Outcome::NoAccess => Verdict::Access,
            Outcome::Deferred | Outcome::Failed | Outcome::Unknown => Verdict::Again,
        }
    }
}

/// What became of a row, as the journal and the results tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The row.
    #[serde(flatten)]
    pub row: Row,
    /// What became of it.
    pub outcome: Outcome,
    /// WeChat's code, if that says more than the outcome.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errcode: i32,
    /// The id WeChat's support asks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rid: String,
    /// What happened and what to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it is due again (Unix time, s).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// When it was found (Unix time, s).
    pub at: u64,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(code: &i32) -> bool {
    *code == 0
}

/// How many rows came to which outcome.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Outcome::ALL.len()]);

impl Tally {
    /// How many came to that.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        Outcome::ALL.iter().map(|o| self.of(*o)).sum()
    }

    /// Each outcome that there is, with how many came to it.
    pub fn counts(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let all = Outcome::ALL.iter().map(|o| (*o, self.of(*o)));
        all.filter(|(_, n)| *n > 0)
    }

    /// The exit code for all of them: the one that asks most of whoever reads it.
    pub fn verdict(&self) -> Verdict {
        let order = [
            Verdict::Access,
            Verdict::Refused,
            Verdict::Again,
            Verdict::Waiting,
        ];
        let there = |v: &Verdict| self.counts().any(|(o, _)| o.verdict() == *v);
        order.into_iter().find(there).unwrap_or(Verdict::Done)
    }

    /// Counts one more.
    pub fn add(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
