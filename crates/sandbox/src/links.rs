//! The list of one account and the approvals its entries wait for.

use bytes::Bytes;

use crate::clock::month;
use crate::codes::Refused;
use crate::policy::{Decision, Policy, Question, Step, When};
use crate::world::{Account, LinkEntry, LinkState};

/// A link with the decision it waits for.
struct Link {
    entry: LinkEntry,
    pending: Option<Pending>,
}

/// A decision that has not fallen.
#[derive(Clone, Copy)]
struct Pending {
    step: Step,
    since_ms: u64,
    polls: u32,
}

impl Pending {
    /// When the decision falls or fell, if that time has come.
    fn due(&self, now_ms: u64) -> Option<u64> {
        match self.step.when {
            When::Manual => None,
            When::Immediate => Some(self.since_ms),
            When::Polls(polls) => (self.polls >= polls).then_some(now_ms),
            When::Seconds(seconds) => {
                let due = self.since_ms.saturating_add(seconds.saturating_mul(1000));
                (due <= now_ms).then_some(due)
            }
        }
    }
}

/// The administrator who is asked about a link in this state, and what.
fn question(state: LinkState) -> Option<Question> {
    match state {
        LinkState::WaitingOfficialAccount => Some(Question::LinkToOfficialAccount),
        LinkState::WaitingMiniProgram => Some(Question::LinkToMiniProgram),
        LinkState::Unlinking => Some(Question::Unlink),
        LinkState::Linked | LinkState::Refused => None,
    }
}

/// What a decision makes of a link; `None`: it leaves the list.
fn decided(state: LinkState, decision: Decision) -> Option<LinkState> {
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

/// An account's list, its use of the month, and its list answer while that holds.
#[derive(Default)]
pub(crate) struct Links {
    links: Vec<Link>,
    /// The month being counted, and the links asked for in it.
    counted: (u32, u32),
    /// How many decisions fall by themselves: none makes reading the list cheap.
    automatic: usize,
    /// The serialised list, dropped whenever anything in it changes.
    pub(crate) answer: Option<Bytes>,
}

impl Links {
    pub(crate) fn new(account: &Account, policy: &Policy, now_ms: u64) -> Self {
        let mut links = Self {
            counted: (month(now_ms), account.linked_this_month),
            ..Self::default()
        };
        links.replace(account.links.clone().unwrap_or_default(), policy, now_ms);
        links
    }

    /// Takes a list as given, quotas or not.
    pub(crate) fn replace(&mut self, entries: Vec<LinkEntry>, policy: &Policy, now_ms: u64) {
        self.links = entries
            .into_iter()
            .map(|entry| {
                let pending = begin(&entry, policy, now_ms);
                Link { entry, pending }
            })
            .collect();
        self.settle(policy, now_ms);
        self.changed();
    }

    pub(crate) fn set_linked_this_month(&mut self, count: u32, now_ms: u64) {
        self.counted = (month(now_ms), count);
    }

    pub(crate) fn linked_this_month(&self, now_ms: u64) -> u32 {
        if self.counted.0 == month(now_ms) {
            self.counted.1
        } else {
            0
        }
    }

    /// Counts a link that was asked for.
    pub(crate) fn count(&mut self, now_ms: u64) {
        let count = self.linked_this_month(now_ms).saturating_add(1);
        self.counted = (month(now_ms), count);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &LinkEntry> {
        self.links.iter().map(|link| &link.entry)
    }

    pub(crate) fn find(&self, appid: &str) -> Option<&LinkEntry> {
        self.entries().find(|entry| entry.appid == appid)
    }

    /// Whether decisions may fall without anybody asking for them.
    pub(crate) fn moves_by_itself(&self) -> bool {
        self.automatic > 0
    }

    /// Counts one answered list.
    pub(crate) fn polled(&mut self) {
        for pending in self
            .links
            .iter_mut()
            .filter_map(|link| link.pending.as_mut())
        {
            pending.polls = pending.polls.saturating_add(1);
        }
    }

    /// Lets every decision fall whose time has come.
    pub(crate) fn settle(&mut self, policy: &Policy, now_ms: u64) {
        let mut changed = false;
        self.links.retain_mut(|link| {
            while let Some(pending) = link.pending {
                let Some(due) = pending.due(now_ms) else {
                    return true;
                };
                changed = true;
                // A step begins when the one before it ended, however late anybody looks.
                if !apply(link, pending.step.decision, policy, due) {
                    return false;
                }
            }
            true
        });
        if changed {
            self.changed();
        }
    }

    /// Starts linking, or starts again after a refusal.
    pub(crate) fn ask_to_link(&mut self, entry: LinkEntry, policy: &Policy, now_ms: u64) {
        let pending = begin(&entry, policy, now_ms);
        let link = Link { entry, pending };
        match self
            .links
            .iter_mut()
            .find(|known| known.entry.appid == link.entry.appid)
        {
            Some(known) => *known = link,
            None => self.links.push(link),
        }
        self.settle(policy, now_ms);
        self.changed();
    }

    /// Asks the account's administrator to unlink, if there is anything to unlink.
    pub(crate) fn ask_to_unlink(
        &mut self,
        appid: &str,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<(), Refused> {
        let found = self.links.iter_mut().find(|link| link.entry.appid == appid);
        match found {
            Some(link) if link.entry.state == LinkState::Linked => {
                link.entry.state = LinkState::Unlinking;
                link.pending = begin(&link.entry, policy, now_ms);
                self.settle(policy, now_ms);
                self.changed();
                Ok(())
            }
            Some(link) if link.entry.state == LinkState::Unlinking => {
                Err(Refused::UnlinkAlreadySent)
            }
            // Nobody documents what WeChat answers here.
            _ => Err(Refused::BadAppid),
        }
    }

    /// An administrator decides by hand. The error says what the link waits for instead.
    pub(crate) fn decide(
        &mut self,
        appid: &str,
        by_mini_program: bool,
        decision: Decision,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<Option<LinkState>, String> {
        let Some(index) = self.links.iter().position(|link| link.entry.appid == appid) else {
            return Err(format!(
                "the account's list holds no {appid}: nobody waits for a decision about it"
            ));
        };
        let link = &mut self.links[index];
        let asked = question(link.entry.state);
        let waits_for = match asked {
            None => "nobody: it is linked or refused already",
            Some(Question::LinkToMiniProgram) if !by_mini_program => {
                "the mini program's administrator: say \"by\":\"mini_program\""
            }
            Some(Question::LinkToOfficialAccount | Question::Unlink) if by_mini_program => {
                "the Official Account's administrator: say \"by\":\"official_account\""
            }
            Some(_) => {
                if !apply(link, decision, policy, now_ms) {
                    self.links.remove(index);
                }
                self.settle(policy, now_ms);
                self.changed();
                return Ok(self.find(appid).map(|entry| entry.state));
            }
        };
        Err(format!("{appid} waits for {waits_for}"))
    }

    fn changed(&mut self) {
        self.answer = None;
        self.automatic = self
            .links
            .iter()
            .filter_map(|link| link.pending)
            .filter(|pending| pending.step.when != When::Manual)
            .count();
    }
}

/// The decision a link in its present state waits for.
fn begin(entry: &LinkEntry, policy: &Policy, now_ms: u64) -> Option<Pending> {
    question(entry.state).map(|question| Pending {
        step: policy.step(question, &entry.appid),
        since_ms: now_ms,
        polls: 0,
    })
}

/// Applies a decision; `false`: the link leaves the list.
fn apply(link: &mut Link, decision: Decision, policy: &Policy, at_ms: u64) -> bool {
    match decided(link.entry.state, decision) {
        Some(state) => {
            link.entry.state = state;
            link.pending = begin(&link.entry, policy, at_ms);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPID: &str = "wx0b00000000000001";

    fn asked(policy: &Policy) -> Links {
        let mut links = Links::default();
        let entry = LinkEntry {
            appid: APPID.to_owned(),
            state: LinkState::WaitingOfficialAccount,
            from_console: false,
            selected: true,
        };
        links.ask_to_link(entry, policy, 1_000_000);
        links
    }

    fn state(links: &Links) -> Option<LinkState> {
        links.find(APPID).map(|entry| entry.state)
    }

    #[test]
    fn seconds_count_from_the_end_of_the_step_before() {
        let policy = Policy::all(When::Seconds(10));
        let mut links = asked(&policy);
        links.settle(&policy, 1_009_999);
        assert_eq!(state(&links), Some(LinkState::WaitingOfficialAccount));
        links.settle(&policy, 1_010_000);
        assert_eq!(state(&links), Some(LinkState::WaitingMiniProgram));
        links.settle(&policy, 1_020_000);
        assert_eq!(state(&links), Some(LinkState::Linked));
        assert!(!links.moves_by_itself());
        // Nobody looked for long: both steps lie in the past.
        let mut links = asked(&policy);
        links.settle(&policy, 1_020_000);
        assert_eq!(state(&links), Some(LinkState::Linked));
    }

    #[test]
    fn immediate_decisions_chain() {
        assert_eq!(
            state(&asked(&Policy::all(When::Immediate))),
            Some(LinkState::Linked)
        );
        let mut policy = Policy::all(When::Immediate);
        policy.mini_program.decision = Decision::Refuse;
        assert_eq!(state(&asked(&policy)), Some(LinkState::Refused));
        policy.official_account.decision = Decision::Vanish;
        assert_eq!(state(&asked(&policy)), None);
    }

    #[test]
    fn polls_show_each_state_as_often_as_said() {
        let policy = Policy::all(When::Polls(2));
        let mut links = asked(&policy);
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(state(&links));
            links.polled();
            links.settle(&policy, 1_000_000);
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
    fn only_the_administrator_who_is_asked_decides() {
        let policy = Policy::default();
        let mut links = asked(&policy);
        let error = links
            .decide(APPID, true, Decision::Agree, &policy, 0)
            .unwrap_err();
        assert!(error.contains("official_account"), "{error}");
        let after = links.decide(APPID, false, Decision::Agree, &policy, 0);
        assert_eq!(after, Ok(Some(LinkState::WaitingMiniProgram)));
        let after = links.decide(APPID, true, Decision::Vanish, &policy, 0);
        assert_eq!(after, Ok(None));
        let error = links.decide(APPID, true, Decision::Agree, &policy, 0);
        assert!(error.unwrap_err().contains("nobody waits"));
    }
}
