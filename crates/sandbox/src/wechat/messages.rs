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
