//! The template messages that WeChat sends to administrators: each asks for one decision.

use std::collections::VecDeque;

use crate::model::policy::{Decision, Question, When};
use crate::model::world::LinkEntry;

/// How many messages of an account are kept. Those that wait for a decision are always kept.
const MAX_MESSAGES: usize = 100;

/// A message to an administrator.
#[derive(Clone)]
pub(crate) struct AdminMessage {
    /// The appid of the mini program to link or unlink.
    pub(crate) appid: String,
    pub(crate) question: Question,
    /// Whether the link was requested in the account's console.
    pub(crate) from_console: bool,
    pub(crate) sent_ms: u64,
    /// When the policy decides.
    pub(crate) when: When,
    /// `None`: it waits for a decision.
    pub(crate) answer: Option<Answer>,
}

/// The decision that followed a message.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) decision: Decision,
    pub(crate) at_ms: u64,
    /// Whether the policy decided.
    pub(crate) is_automatic: bool,
}

/// The latest messages about the links of one account, oldest first.
#[derive(Default)]
pub(crate) struct Messages(VecDeque<AdminMessage>);

impl Messages {
    pub(crate) fn send(&mut self, entry: &LinkEntry, question: Question, when: When, now_ms: u64) {
        if self.0.len() >= MAX_MESSAGES
            && let Some(index) = self.0.iter().position(|message| message.answer.is_some())
        {
            self.0.remove(index);
        }
        self.0.push_back(AdminMessage {
            appid: entry.appid.clone(),
            question,
            from_console: entry.from_console,
            sent_ms: now_ms,
            when,
            answer: None,
        });
    }

    /// Records the decision that the message about this mini program waited for.
    pub(crate) fn answer(&mut self, appid: &str, answer: Answer) {
        let waiting =
            |message: &&mut AdminMessage| message.answer.is_none() && message.appid == appid;
        if let Some(message) = self.0.iter_mut().rev().find(waiting) {
            message.answer = Some(answer);
        }
    }

    /// Removes the messages that wait for a decision: the links that they are about are replaced.
    pub(crate) fn withdraw(&mut self) {
        self.0.retain(|message| message.answer.is_some());
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &AdminMessage> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::LinkState;

    fn send(messages: &mut Messages, number: u64, is_answered: bool) {
        let entry = LinkEntry {
            appid: number.to_string(),
            state: LinkState::WaitingMiniProgram,
            from_console: false,
            selected: true,
        };
        messages.send(&entry, Question::LinkToMiniProgram, When::Manual, number);
        if is_answered {
            let answer = Answer {
                decision: Decision::Agree,
                at_ms: number,
                is_automatic: false,
            };
            messages.answer(&entry.appid, answer);
        }
    }

    #[test]
    fn messages_that_wait_are_kept_and_the_others_within_a_limit() {
        let mut messages = Messages::default();
        send(&mut messages, 0, false);
        for number in 1..=300 {
            send(&mut messages, number, true);
        }
        let sent: Vec<_> = messages.iter().map(|message| message.sent_ms).collect();
        assert_eq!(sent.len(), MAX_MESSAGES);
        assert_eq!((sent[0], sent[1], sent[99]), (0, 202, 300));
        for number in 301..=500 {
            send(&mut messages, number, false);
        }
        let waiting = messages.iter().filter(|message| message.answer.is_none());
        assert_eq!(waiting.count(), 201);
        messages.withdraw();
        assert_eq!(messages.iter().count(), 0);
    }
}
