//! Plans: what a job would do, found out without posting anything.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde::Serialize;
use wxlink::{Error, LinkList, LinkStatus, MiniProgram, Text};

use super::source::JobSource;
use super::state::Job;
use crate::error::BulkError;
use crate::lock::lock;
use crate::rate::Rates;
use crate::row::Row;
use crate::runner::{AccountSource, Runner, worker_panicked};

/// How many accounts a plan lists for each reason.
const MAX_LISTED_ACCOUNTS: usize = 20;

/// What a job would do with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It would be posted.
    Post,
    /// It would be posted, but exceeds the account's quota of this month.
    OverQuota,
    /// Nothing: it is already linked.
    Linked,
    /// Nothing: an invitation exists already.
    Pending,
    /// Nothing: the mini program's administrator declined.
    Declined,
    /// Nothing: an earlier row asks for the same link.
    Duplicate,
    /// Unknown, because the account's list cannot be read now.
    Unreadable,
}

impl PlannedAction {
    /// All actions, in the order of plans.
    pub const ALL: [PlannedAction; 7] = [
        PlannedAction::Post,
        PlannedAction::OverQuota,
        PlannedAction::Linked,
        PlannedAction::Pending,
        PlannedAction::Declined,
        PlannedAction::Duplicate,
        PlannedAction::Unreadable,
    ];

    /// Its name in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            PlannedAction::Post => "post",
            PlannedAction::OverQuota => "over_quota",
            PlannedAction::Linked => "linked",
            PlannedAction::Pending => "pending",
            PlannedAction::Declined => "declined",
            PlannedAction::Duplicate => "duplicate",
            PlannedAction::Unreadable => "unreadable",
        }
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> Text {
        match self {
            PlannedAction::Post => Text {
                en: "to be invited",
                zh: "将发出邀请",
            },
            PlannedAction::OverQuota => Text {
                en: "to be invited, but beyond the account's quota of this month",
                zh: "将发出邀请，但超出该账号本月额度",
            },
            PlannedAction::Linked => Text {
                en: "already linked",
                zh: "已关联",
            },
            PlannedAction::Pending => Text {
                en: "already invited",
                zh: "已邀请，等待同意",
            },
            PlannedAction::Declined => Text {
                en: "declined by the mini program's administrator; nothing will be posted",
                zh: "小程序管理员已拒绝，不会再次请求",
            },
            PlannedAction::Duplicate => Text {
                en: "same as an earlier row",
                zh: "与前面的行重复",
            },
            PlannedAction::Unreadable => Text {
                en: "the account's list cannot be read now",
                zh: "目前无法读取该账号的关联列表",
            },
        }
    }
}

/// What a job would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    counts: [u64; PlannedAction::ALL.len()],
    /// Rows that would be posted and message every follower.
    pub notifying: u64,
    /// Accounts whose followers would be messaged.
    pub notified_accounts: u64,
    /// The first 20 accounts with more rows to post than their quota allows.
    pub over_quota: Vec<OverQuotaAccount>,
    /// The first 20 accounts whose list cannot be read.
    pub unreadable: Vec<UnreadableAccount>,
}

/// An account with more rows to post than its quota of this month allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverQuotaAccount {
    /// Its appid.
    pub account: String,
    /// How many rows would be posted for it.
    pub posts: u64,
}

/// An account whose list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableAccount {
    /// Its appid.
    pub account: String,
    /// Why, and what to do about it.
    pub message: String,
}

impl Plan {
    /// For how many rows this is the action.
    pub fn count(&self, action: PlannedAction) -> u64 {
        self.counts[action as usize]
    }
}

impl Job {
    /// Reads the lists of all accounts that have rows left, and finds out what would be done.
    ///
    /// `monthly_links` is how many links an account may request in a month. `observer` is called
    /// for each row, on the workers' threads; the observer of the runner is not called.
    ///
    /// # Errors
    /// The job's files cannot be read. An account that cannot be read is part of the plan.
    pub fn plan(
        &self,
        runner: &Runner<'_>,
        rates: Rates,
        monthly_links: u32,
        observer: &(dyn Fn(&Row, PlannedAction) + Sync),
    ) -> Result<Plan, BulkError> {
        let source = JobSource::new(self, rates)?;
        let planner = Planner {
            runner,
            monthly_links,
            invited: self.journal().invited_this_month()?,
            observer,
            plan: Mutex::default(),
        };
        let result: Result<Vec<()>, BulkError> = thread::scope(|scope| {
            let spawn = || scope.spawn(|| planner.work(&source));
            let workers: Vec<_> = (0..runner.workers.max(1)).map(|_| spawn()).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, _>| {
                worker.join().unwrap_or_else(|_| Err(worker_panicked()))
            };
            workers.into_iter().map(join).collect()
        });
        result?;
        let plan = planner.plan.into_inner();
        Ok(plan.unwrap_or_else(PoisonError::into_inner))
    }
}

/// The rows of a leased account, read batch by batch.
struct RowBatches<'a, 'j> {
    source: &'a JobSource<'j>,
    first: Vec<Row>,
}

impl RowBatches<'_, '_> {
    fn for_each(self, account: &str, mut each: impl FnMut(&Row)) -> Result<(), BulkError> {
        let mut rows = self.first;
        while !rows.is_empty() {
            rows.iter().for_each(&mut each);
            rows = self.source.more_rows(account)?.into();
        }
        Ok(())
    }
}

struct Planner<'a> {
    runner: &'a Runner<'a>,
    monthly_links: u32,
    /// How many links of this month each account has used up in this job.
    invited: HashMap<String, u32>,
    observer: &'a (dyn Fn(&Row, PlannedAction) + Sync),
    plan: Mutex<Plan>,
}

impl Planner<'_> {
    /// The work of one worker.
    fn work(&self, source: &JobSource<'_>) -> Result<(), BulkError> {
        while let Some(mut lease) = source.next(self.runner.stop)? {
            if lease.acquire_permit(self.runner.stop)? {
                let account = lease.account().to_owned();
                let first = lease.rows()?;
                self.plan_account(&account, RowBatches { source, first })?;
            }
            lease.release(None)?;
        }
        Ok(())
    }

    fn plan_account(&self, account: &str, rows: RowBatches<'_, '_>) -> Result<(), BulkError> {
        let client = self.runner.client.account(account);
        match client.and_then(|client| client.get_linked(None)) {
            Ok(list) => self.add_account(account, rows, &list),
            Err(error) => self.add_unreadable_account(account, rows, &error),
        }
    }

    fn add_account(
        &self,
        account: &str,
        rows: RowBatches<'_, '_>,
        list: &LinkList,
    ) -> Result<(), BulkError> {
        let used = self.invited.get(account).copied().unwrap_or(0);
        let mut left = self.monthly_links.saturating_sub(used);
        let mut seen = HashSet::new();
        let (mut posts, mut is_over_quota, mut notifying) = (0, false, 0);
        rows.for_each(account, |row| {
            let item = list.find(&row.appid);
            let action = match item.map(MiniProgram::status) {
                _ if !seen.insert(row.appid.clone()) => PlannedAction::Duplicate,
                Some(Some(LinkStatus::Linked)) => PlannedAction::Linked,
                Some(Some(LinkStatus::Refused)) => PlannedAction::Declined,
                Some(_) => PlannedAction::Pending,
                None if left == 0 => PlannedAction::OverQuota,
                None => {
                    left -= 1;
                    PlannedAction::Post
                }
            };
            if matches!(action, PlannedAction::Post | PlannedAction::OverQuota) {
                posts += 1;
                is_over_quota |= action == PlannedAction::OverQuota;
                notifying += u64::from(row.notify_users);
            }
            self.add_row(row, action);
        })?;
        let mut plan = self.plan();
        plan.notifying += notifying;
        plan.notified_accounts += u64::from(notifying > 0);
        if is_over_quota && plan.over_quota.len() < MAX_LISTED_ACCOUNTS {
            plan.over_quota.push(OverQuotaAccount {
                account: account.to_owned(),
                posts,
            });
        }
        Ok(())
    }

    fn add_unreadable_account(
        &self,
        account: &str,
        rows: RowBatches<'_, '_>,
        error: &Error,
    ) -> Result<(), BulkError> {
        rows.for_each(account, |row| self.add_row(row, PlannedAction::Unreadable))?;
        let mut plan = self.plan();
        if plan.unreadable.len() < MAX_LISTED_ACCOUNTS {
            plan.unreadable.push(UnreadableAccount {
                account: account.to_owned(),
                message: error.message(),
            });
        }
        Ok(())
    }

    fn add_row(&self, row: &Row, action: PlannedAction) {
        self.plan().counts[action as usize] += 1;
        (self.observer)(row, action);
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plan)
    }
}
