//! The links of one account, and the decisions that they wait for.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::model::clock::{MAX_LIST_LAG_MS, Month, after_seconds};
use crate::model::message::{Message, message};
use crate::model::policy::{Decision, Policy, Question, Step, When};
use crate::model::world::{Account, LinkEntry, LinkState};
use crate::wechat::errcode::Refused;
use crate::wechat::messages::{Answer, Messages};

/// A link, and the decision that it waits for.
struct Link {
    entry: LinkEntry,
    pending: Option<PendingDecision>,
}

/// A decision that has not been made.
#[derive(Clone, Copy)]
struct PendingDecision {
    step: Step,
    /// When the step started.
    since_ms: u64,
    /// How many times the list was read since then.
    polls: u32,
}

impl PendingDecision {
    /// The time at which the decision is made; `None` if it is not made yet.
    fn due_ms(&self, now_ms: u64) -> Option<u64> {
        match self.step.when {
            When::Manual => None,
            When::Immediate => Some(self.since_ms),
            When::Polls(polls) => (self.polls >= polls).then_some(now_ms),
            When::Seconds(seconds) => {
                let due_ms = after_seconds(self.since_ms, seconds);
                (due_ms <= now_ms).then_some(due_ms)
            }
        }
    }
}

/// The question that a link in this state waits for.
fn question(state: LinkState) -> Option<Question> {
    match state {
        LinkState::WaitingOfficialAccount => Some(Question::LinkToOfficialAccount),
        LinkState::WaitingMiniProgram => Some(Question::LinkToMiniProgram),
        LinkState::Unlinking => Some(Question::Unlink),
        LinkState::Linked | LinkState::Refused => None,
    }
}

/// The state after a decision; `None`: the link is removed from the list.
fn next_state(state: LinkState, decision: Decision) -> Option<LinkState> {
    use LinkState as S;
    match (state, decision) {
        (S::WaitingOfficialAccount, Decision::Agree) => Some(S::WaitingMiniProgram),
        (S::WaitingMiniProgram, Decision::Agree) => Some(S::Linked),
        (S::WaitingMiniProgram, Decision::Refuse) => Some(S::Refused),
        (S::WaitingOfficialAccount | S::WaitingMiniProgram, _) => None,
        (S::Unlinking, Decision::Agree) => None,
        (S::Unlinking, _) => Some(S::Linked),
        (S::Linked | S::Refused, _) => Some(state),
    }
}

/// How many changes of an account's links are kept for lists that show an earlier state.
const MAX_CHANGES: usize = 1000;

/// A change of an account's links, and what was before.
struct Change {
    at_ms: u64,
    before: Before,
}

/// What was before a change.
enum Before {
    /// All links.
    All(Vec<LinkEntry>),
    /// This link was not there.
    Without(String),
    /// This link, at this place of the list.
    Link(usize, LinkEntry),
}

impl Before {
    /// Takes the change back.
    fn restore(&self, entries: &mut Vec<LinkEntry>) {
        let position = |appid: &str| entries.iter().position(|entry| entry.appid == appid);
        match self {
            Self::All(before) => entries.clone_from(before),
            Self::Without(appid) => entries.retain(|entry| entry.appid != *appid),
            Self::Link(index, before) => match position(&before.appid) {
                Some(index) => entries[index] = before.clone(),
                None => entries.insert((*index).min(entries.len()), before.clone()),
            },
        }
    }
}

/// How many links an account requested in a month.
#[derive(Default)]
struct MonthlyRequests {
    month: Month,
    count: u32,
}

/// The links of an account, and how many it requested this month.
#[derive(Default)]
pub(crate) struct AccountLinks {
    links: Vec<Link>,
    requests: MonthlyRequests,
    /// How many pending decisions are made without an admin request. If there are none, the list
    /// cannot change by itself and is read quickly.
    automatic: usize,
    /// The changes of the last [`MAX_LIST_LAG_MS`], oldest first, at most [`MAX_CHANGES`].
    changes: VecDeque<Change>,
    /// What the administrators were asked.
    pub(crate) messages: Messages,
    /// The serialised list; `None` after a change.
    pub(crate) cached_list: Option<Bytes>,
}

impl AccountLinks {
    pub(crate) fn new(account: &Account, policy: &Policy, now_ms: u64) -> Self {
        let mut links = Self {
            requests: MonthlyRequests {
                month: Month::from_ms(now_ms),
                count: account.linked_this_month,
            },
            ..Self::default()
        };
        links.replace(account.links.clone().unwrap_or_default(), policy, now_ms);
        // Nothing was before.
        links.changes.clear();
        links
    }

    /// Replaces all links. Quotas are not checked.
    pub(crate) fn replace(&mut self, entries: Vec<LinkEntry>, policy: &Policy, now_ms: u64) {
        let before = self.entries().cloned().collect();
        self.record(now_ms, Before::All(before));
        self.messages.withdraw();
        let messages = &mut self.messages;
        self.links = entries
            .into_iter()
            .map(|entry| {
                let pending = ask(&entry, policy, messages, now_ms);
                Link { entry, pending }
            })
            .collect();
        self.changed();
        self.apply_due_decisions(policy, now_ms);
    }

    /// Sets how many links the account requested this month.
    pub(crate) fn set_requests_this_month(&mut self, count: u32, now_ms: u64) {
        self.requests = MonthlyRequests {
            month: Month::from_ms(now_ms),
            count,
        };
    }

    /// How many links the account requested this month.
    pub(crate) fn requests_this_month(&self, now_ms: u64) -> u32 {
        if self.requests.month == Month::from_ms(now_ms) {
            self.requests.count
        } else {
            0
        }
    }

    /// Counts a request for a link.
    pub(crate) fn count_request(&mut self, now_ms: u64) {
        let count = self.requests_this_month(now_ms).saturating_add(1);
        self.set_requests_this_month(count, now_ms);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &LinkEntry> {
        self.links.iter().map(|link| &link.entry)
    }

    pub(crate) fn find(&self, appid: &str) -> Option<&LinkEntry> {
        self.entries().find(|entry| entry.appid == appid)
    }

    /// The links as they were at a time of the last [`MAX_LIST_LAG_MS`].
    pub(crate) fn entries_at(&self, ms: u64) -> Vec<LinkEntry> {
        let mut entries = self.entries().cloned().collect();
        // The times are not in order if several decisions were due when the list was read.
        for change in self.changes.iter().rev().filter(|change| change.at_ms > ms) {
            change.before.restore(&mut entries);
        }
        entries
    }

    /// To be called before every change of the links.
    fn record(&mut self, at_ms: u64, before: Before) {
        let is_old = |change: &Change| change.at_ms.saturating_add(MAX_LIST_LAG_MS) < at_ms;
        while self.changes.front().is_some_and(is_old) || self.changes.len() >= MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(Change { at_ms, before });
    }

    /// Whether decisions are pending that are made without an admin request.
    pub(crate) fn has_automatic_decisions(&self) -> bool {
        self.automatic > 0
    }

    fn position(&self, appid: &str) -> Option<usize> {
        self.links.iter().position(|link| link.entry.appid == appid)
    }

    /// The link at a place, for [`record`](Self::record).
    fn before(&self, index: usize) -> Before {
        Before::Link(index, self.links[index].entry.clone())
    }

    /// Counts that the list was read.
    pub(crate) fn count_poll(&mut self) {
        for pending in self
            .links
            .iter_mut()
            .filter_map(|link| link.pending.as_mut())
        {
            pending.polls = pending.polls.saturating_add(1);
        }
    }

    /// Makes all decisions that are due. Returns whether there were any.
    pub(crate) fn apply_due_decisions(&mut self, policy: &Policy, now_ms: u64) -> bool {
        if self.automatic == 0 {
            return false;
        }
        let mut changes = Vec::new();
        let mut index = 0;
        let messages = &mut self.messages;
        self.links.retain_mut(|link| {
            while let Some(pending) = link.pending {
                let Some(due_ms) = pending.due_ms(now_ms) else {
                    break;
                };
                changes.push((due_ms, Before::Link(index, link.entry.clone())));
                let answer = Answer {
                    decision: pending.step.decision,
                    at_ms: due_ms,
                    is_automatic: true,
                };
                // The next step starts when this one ended, even if that is long ago.
                if !decide(link, answer, policy, messages) {
                    return false;
                }
            }
            index += 1;
            true
        });
        if changes.is_empty() {
            return false;
        }
        for (at_ms, before) in changes {
            self.record(at_ms, before);
        }
        self.changed();
        true
    }

    /// Adds a link, or replaces one that was refused.
    pub(crate) fn request_link(&mut self, entry: LinkEntry, policy: &Policy, now_ms: u64) {
        let pending = ask(&entry, policy, &mut self.messages, now_ms);
        let link = Link { entry, pending };
        match self.position(&link.entry.appid) {
            Some(index) => {
                self.record(now_ms, self.before(index));
                self.links[index] = link;
            }
            None => {
                self.record(now_ms, Before::Without(link.entry.appid.clone()));
                self.links.push(link);
            }
        }
        self.changed();
        self.apply_due_decisions(policy, now_ms);
    }

    /// Asks the account's administrator to unlink a linked mini program.
    pub(crate) fn request_unlink(
        &mut self,
        appid: &str,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<(), Refused> {
        // WeChat does not document the errcode of a link that is not in the list.
        let index = self.position(appid).ok_or(Refused::BadAppid)?;
        match self.links[index].entry.state {
            LinkState::Linked => {
                self.record(now_ms, self.before(index));
                let link = &mut self.links[index];
                link.entry.state = LinkState::Unlinking;
                link.pending = ask(&link.entry, policy, &mut self.messages, now_ms);
                self.changed();
                self.apply_due_decisions(policy, now_ms);
                Ok(())
            }
            LinkState::Unlinking => Err(Refused::UnlinkAlreadySent),
            // Not documented either.
            _ => Err(Refused::BadAppid),
        }
    }

    /// Makes a decision by hand. Returns the state that follows; `None`: the link was removed from
    /// the list. The error names the administrator that the link waits for instead.
    pub(crate) fn decide(
        &mut self,
        appid: &str,
        by_mini_program: bool,
        decision: Decision,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<Option<LinkState>, Message> {
        let Some(index) = self.position(appid) else {
            return Err(message!(
                "no decision is pending for {appid}: it is not in the account's list",
                "{appid} 没有待作的决定：它不在账号的列表中"
            ));
        };
        match question(self.links[index].entry.state) {
            None => Err(message!(
                "no decision is pending for {appid}: it is linked or refused already",
                "{appid} 没有待作的决定：它已关联或已被拒绝"
            )),
            Some(Question::LinkToMiniProgram) if !by_mini_program => Err(message!(
                "{appid} waits for the mini program's administrator: \
                 use \"by\":\"mini_program\"",
                "{appid} 正在等待小程序的管理员：请用 \"by\":\"mini_program\""
            )),
            Some(Question::LinkToOfficialAccount | Question::Unlink) if by_mini_program => {
                Err(message!(
                    "{appid} waits for the Official Account's administrator: \
                     use \"by\":\"official_account\"",
                    "{appid} 正在等待公众号的管理员：请用 \"by\":\"official_account\""
                ))
            }
            Some(_) => {
                self.record(now_ms, self.before(index));
                let answer = Answer {
                    decision,
                    at_ms: now_ms,
                    is_automatic: false,
                };
                if !decide(&mut self.links[index], answer, policy, &mut self.messages) {
                    self.links.remove(index);
                }
                self.changed();
                self.apply_due_decisions(policy, now_ms);
                Ok(self.find(appid).map(|entry| entry.state))
            }
        }
    }

    /// To be called after every change of the links.
    fn changed(&mut self) {
        self.cached_list = None;
        self.automatic = self
            .links
            .iter()
            .filter_map(|link| link.pending)
            .filter(|pending| pending.step.when != When::Manual)
            .count();
    }
}

/// Asks for the decision that a link in its present state waits for.
fn ask(
    entry: &LinkEntry,
    policy: &Policy,
    messages: &mut Messages,
    now_ms: u64,
) -> Option<PendingDecision> {
    let question = question(entry.state)?;
    let step = policy.step(question, &entry.appid);
    messages.send(entry, question, step.when, now_ms);
    Some(PendingDecision {
        step,
        since_ms: now_ms,
        polls: 0,
    })
}

/// Applies a decision. Returns `false` if the link is to be removed from the list.
fn decide(link: &mut Link, answer: Answer, policy: &Policy, messages: &mut Messages) -> bool {
    messages.answer(&link.entry.appid, answer);
    match next_state(link.entry.state, answer.decision) {
        Some(state) => {
            link.entry.state = state;
            link.pending = ask(&link.entry, policy, messages, answer.at_ms);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPID: &str = "wx0b00000000000001";

    fn requested(policy: &Policy) -> AccountLinks {
        let mut links = AccountLinks::default();
        let entry = LinkEntry {
            appid: APPID.to_owned(),
            state: LinkState::WaitingOfficialAccount,
            from_console: false,
            selected: true,
        };
        links.request_link(entry, policy, 1_000_000);
        links
    }

    fn state(links: &AccountLinks) -> Option<LinkState> {
        links.find(APPID).map(|entry| entry.state)
    }

    #[test]
    fn seconds_count_from_the_end_of_the_previous_step() {
        let policy = Policy::all(When::Seconds(10));
        let mut links = requested(&policy);
        links.apply_due_decisions(&policy, 1_009_999);
        assert_eq!(state(&links), Some(LinkState::WaitingOfficialAccount));
        links.apply_due_decisions(&policy, 1_010_000);
        assert_eq!(state(&links), Some(LinkState::WaitingMiniProgram));
        links.apply_due_decisions(&policy, 1_020_000);
        assert_eq!(state(&links), Some(LinkState::Linked));
        assert!(!links.has_automatic_decisions());
        // Both steps are over by the time the list is read.
        let mut links = requested(&policy);
        links.apply_due_decisions(&policy, 1_020_000);
        assert_eq!(state(&links), Some(LinkState::Linked));
    }

    #[test]
    fn immediate_decisions_chain() {
        assert_eq!(
            state(&requested(&Policy::all(When::Immediate))),
            Some(LinkState::Linked)
        );
        let mut policy = Policy::all(When::Immediate);
        policy.mini_program.decision = Decision::Refuse;
        assert_eq!(state(&requested(&policy)), Some(LinkState::Refused));
        policy.official_account.decision = Decision::Vanish;
        assert_eq!(state(&requested(&policy)), None);
    }

    #[test]
    fn each_state_is_shown_for_as_many_polls_as_the_policy_says() {
        let policy = Policy::all(When::Polls(2));
        let mut links = requested(&policy);
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(state(&links));
            links.count_poll();
            links.apply_due_decisions(&policy, 1_000_000);
        }
        let (first, second) = (
            Some(LinkState::WaitingOfficialAccount),
            Some(LinkState::WaitingMiniProgram),
        );
        assert_eq!(
            seen,
            [first, first, second, second, Some(LinkState::Linked)]
        );
    }

    #[test]
    fn only_the_administrator_who_is_asked_can_decide() {
        let policy = Policy::default();
        let mut links = requested(&policy);
        let error = links
            .decide(APPID, true, Decision::Agree, &policy, 0)
            .unwrap_err();
        assert!(error.en.contains("official_account"), "{error}");
        let after = links.decide(APPID, false, Decision::Agree, &policy, 0);
        assert_eq!(after, Ok(Some(LinkState::WaitingMiniProgram)));
        let after = links.decide(APPID, true, Decision::Vanish, &policy, 0);
        assert_eq!(after, Ok(None));
        let error = links.decide(APPID, true, Decision::Agree, &policy, 0);
        assert!(error.unwrap_err().en.contains("no decision is pending"));
    }
}
