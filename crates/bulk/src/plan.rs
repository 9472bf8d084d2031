//! What a job would do, found out without doing it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde::Serialize;
use wxlink::{Error, LinkList, LinkStatus};

use crate::engine::{Crew, Desk, Visit};
use crate::error::BulkError;
use crate::job::Job;
use crate::local::{Local, Rates};
use crate::row::Row;
use crate::sync::lock;

/// How many accounts a plan names where there are many.
const NAMED: usize = 20;

/// What would become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It would be posted.
    Post,
    /// It would be posted, but this month's quota of the account would not do.
    OverQuota,
    /// It is linked already.
    Linked,
    /// An invitation is out already.
    Pending,
    /// The mini program's administrator refused; nothing would be posted.
    Declined,
    /// An earlier row asks for the same.
    Duplicate,
    /// The account's list cannot be read now.
    Unreadable,
}

impl Finding {
    /// Every one, in the order of plans.
    pub const ALL: [Finding; 7] = [
        Finding::Post,
        Finding::OverQuota,
        Finding::Linked,
        Finding::Pending,
        Finding::Declined,
        Finding::Duplicate,
        Finding::Unreadable,
    ];

    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Finding::Post => "post",
            Finding::OverQuota => "over_quota",
            Finding::Linked => "linked",
            Finding::Pending => "pending",
            Finding::Declined => "declined",
            Finding::Duplicate => "duplicate",
            Finding::Unreadable => "unreadable",
        }
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Finding::Post => "to be invited",
            Finding::OverQuota => "to be invited, but beyond the account's quota of this month",
            Finding::Linked => "linked already",
            Finding::Pending => "invited already",
            Finding::Declined => {
                "refused by the mini program's administrator; nothing will be posted"
            }
            Finding::Duplicate => "the same as an earlier row",
            Finding::Unreadable => "the account's list cannot be read now",
        }
    }
}

/// What a job would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    counts: [u64; Finding::ALL.len()],
    /// Rows that would be posted and message every follower.
    pub notifying: u64,
    /// Accounts whose followers would be messaged.
    pub notified_accounts: u64,
    /// Accounts with more to post than their quota, with how many; the first twenty.
    pub over_quota: Vec<(String, u64)>,
    /// Accounts whose list cannot be read, and why; the first twenty.
    pub unreadable: Vec<(String, String)>,
}

impl Plan {
    /// How many rows there are of that.
    pub fn of(&self, finding: Finding) -> u64 {
        self.counts[finding as usize]
    }
}

impl Job {
    /// Reads the lists of all accounts with rows that are left, and says what would be done. `monthly` is how many
    /// links an account may ask for in a month; `tell` hears of each row.
    ///
    /// # Errors
    /// The job's files cannot be read. Accounts that cannot be read are findings.
    pub fn plan(
        &self,
        crew: &Crew<'_>,
        rates: Rates,
        monthly: u32,
        tell: &(dyn Fn(&Row, Finding) + Sync),
    ) -> Result<Plan, BulkError> {
        let desk = Local::new(self, rates)?;
        let planner = Planner {
            crew,
            monthly,
            invited: self.journal().invited_this_month()?,
            tell,
            plan: Mutex::default(),
        };
        let done: Result<Vec<()>, BulkError> = thread::scope(|scope| {
            let worker = || scope.spawn(|| planner.work(&desk));
            let workers: Vec<_> = (0..crew.workers.max(1)).map(|_| worker()).collect();
            let ended = |w: thread::ScopedJoinHandle<'_, _>| {
                let failed = |_| Err(BulkError::again("a worker failed; please report it"));
                w.join().unwrap_or_else(failed)
            };
            workers.into_iter().map(ended).collect()
        });
        done?;
        Ok(planner
            .plan
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

struct Planner<'a> {
    crew: &'a Crew<'a>,
    monthly: u32,
    /// What this job has used up of the quotas already.
    invited: HashMap<String, u32>,
    tell: &'a (dyn Fn(&Row, Finding) + Sync),
    plan: Mutex<Plan>,
}

impl Planner<'_> {
    fn work(&self, desk: &Local<'_>) -> Result<(), BulkError> {
        while let Some(mut visit) = desk.take(self.crew.stop)? {
            self.look(&mut *visit)?;
            visit.leave(None)?;
        }
        Ok(())
    }

    fn look(&self, visit: &mut dyn Visit) -> Result<(), BulkError> {
        if !visit.turn(self.crew.stop)? {
            return Ok(());
        }
        let account = visit.account().to_owned();
        let rows = visit.rows()?;
        let client = self.crew.client.account(&account);
        match client.and_then(|client| client.get_linked(None)) {
            Ok(list) => self.compare(&account, &rows, &list),
            Err(e) => self.is_unreadable(&account, &rows, &e),
        }
        Ok(())
    }

    fn compare(&self, account: &str, rows: &[Row], list: &LinkList) {
        let mut left = self
            .monthly
            .saturating_sub(self.invited.get(account).copied().unwrap_or(0));
        let mut seen = HashSet::new();
        let (mut posts, mut over, mut notifying) = (0, false, 0);
        for row in rows {
            let item = list.find(&row.appid);
            let finding = match item.map(wxlink::MiniProgram::status) {
                _ if !seen.insert(row.appid.as_str()) => Finding::Duplicate,
                Some(Some(LinkStatus::Linked)) => Finding::Linked,
                Some(Some(LinkStatus::Refused)) => Finding::Declined,
                Some(_) => Finding::Pending,
                None if left == 0 => Finding::OverQuota,
                None => {
                    left -= 1;
                    Finding::Post
                }
            };
            if matches!(finding, Finding::Post | Finding::OverQuota) {
                posts += 1;
                over |= finding == Finding::OverQuota;
                notifying += u64::from(row.notify_users);
            }
            self.plan().counts[finding as usize] += 1;
            (self.tell)(row, finding);
        }
        let mut plan = self.plan();
        plan.notifying += notifying;
        plan.notified_accounts += u64::from(notifying > 0);
        if over && plan.over_quota.len() < NAMED {
            plan.over_quota.push((account.to_owned(), posts));
        }
    }

    fn is_unreadable(&self, account: &str, rows: &[Row], why: &Error) {
        for row in rows {
            self.plan().counts[Finding::Unreadable as usize] += 1;
            (self.tell)(row, Finding::Unreadable);
        }
        let mut plan = self.plan();
        if plan.unreadable.len() < NAMED {
            plan.unreadable.push((account.to_owned(), why.message()));
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plan)
    }
}
