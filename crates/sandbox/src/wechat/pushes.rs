//! The pushes that wait to be sent, and their tries.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::model::push::RetryForm;
use crate::wechat::push_crypto::PushRequest;
use crate::wechat::push_message::PushMessage;

/// Of how many pushes that are finished the latest request is kept, to be repeated.
const MAX_FINISHED: usize = 100;

/// A push that waits for its first or its next try.
struct WaitingPush {
    message: Arc<PushMessage>,
    due_ms: u64,
    /// How many tries were made, including the one that is being made.
    tries: u32,
    is_being_sent: bool,
    /// The request to send as it is. `None`: one is made for the next try.
    request: Option<PushRequest>,
}

/// A push to try now.
pub(crate) struct DuePush {
    pub(crate) id: u64,
    /// The number of the try; the first one is 1.
    pub(crate) number: u32,
    pub(crate) message: Arc<PushMessage>,
    /// The request to send as it is. `None`: it is to be made.
    pub(crate) request: Option<PushRequest>,
}

/// The latest request of a push.
struct SentPush {
    id: u64,
    message: Arc<PushMessage>,
    request: PushRequest,
}

/// What follows a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterTry {
    /// The push is no longer known: the simulator was reset.
    Unknown,
    /// It is tried again.
    Retry,
    /// It was the last one.
    Finished,
}

/// All pushes.
#[derive(Default)]
pub(crate) struct Pushes {
    /// Wakes the task that sends pushes.
    wake: Arc<Notify>,
    last_id: u64,
    waiting: BTreeMap<u64, WaitingPush>,
    /// Those whose tries ended last come last.
    sent: VecDeque<SentPush>,
}

impl Pushes {
    /// An empty queue, for the same task that sends pushes. Numbers continue, so that a try that
    /// ends after a reset is not taken for a new one.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            wake: self.wake.clone(),
            last_id: self.last_id,
            ..Self::default()
        }
    }

    /// What wakes the task that sends pushes.
    pub(crate) fn waker(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Adds a push. Returns its number.
    pub(crate) fn add(&mut self, message: Arc<PushMessage>, due_ms: u64) -> u64 {
        self.add_with(message, None, due_ms)
    }

    fn add_with(
        &mut self,
        message: Arc<PushMessage>,
        request: Option<PushRequest>,
        due_ms: u64,
    ) -> u64 {
        self.last_id += 1;
        let push = WaitingPush {
            message,
            due_ms,
            tries: 0,
            is_being_sent: false,
            request,
        };
        self.waiting.insert(self.last_id, push);
        self.wake.notify_one();
        self.last_id
    }

    /// Sends a request again, byte for byte, as a new push. Returns its number; `None` if the push
    /// is unknown or was never sent.
    pub(crate) fn repeat(&mut self, id: u64, due_ms: u64) -> Option<u64> {
        let sent = self.sent.iter().rev().find(|sent| sent.id == id)?;
        let (message, request) = (sent.message.clone(), sent.request.clone());
        Some(self.add_with(message, Some(request), due_ms))
    }

    /// The oldest push that is due. Its next try has started.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Option<DuePush> {
        let (id, push) = self
            .waiting
            .iter_mut()
            .filter(|(_, push)| !push.is_being_sent && push.due_ms <= now_ms)
            .min_by_key(|(id, push)| (push.due_ms, **id))?;
        push.is_being_sent = true;
        push.tries += 1;
        Some(DuePush {
            id: *id,
            number: push.tries,
            message: push.message.clone(),
            request: push.request.clone(),
        })
    }

    /// Remembers the request of the try that has started.
    pub(crate) fn keep_request(&mut self, push: &DuePush, request: &PushRequest, retry: RetryForm) {
        if let Some(waiting) = self.waiting.get_mut(&push.id)
            && retry == RetryForm::Same
        {
            waiting.request = Some(request.clone());
        }
        self.sent.retain(|sent| sent.id != push.id);
        self.sent.push_back(SentPush {
            id: push.id,
            message: push.message.clone(),
            request: request.clone(),
        });
    }

    /// Notes that a try of the push has just ended, and forgets what was sent long ago.
    fn keep_last(&mut self, id: u64) {
        if let Some(n) = self.sent.iter().position(|sent| sent.id == id) {
            let last = self.sent.remove(n);
            self.sent.extend(last);
        }
        if self.sent.len() > self.waiting.len() + MAX_FINISHED
            && let Some(n) = self
                .sent
                .iter()
                .position(|sent| !self.waiting.contains_key(&sent.id))
        {
            self.sent.remove(n);
        }
    }

    /// Takes back a try that has started, and makes it later.
    pub(crate) fn postpone(&mut self, id: u64, due_ms: u64) {
        if let Some(push) = self.waiting.get_mut(&id) {
            push.is_being_sent = false;
            push.tries -= 1;
            push.due_ms = due_ms;
        }
    }

    /// Removes a push.
    pub(crate) fn remove(&mut self, id: u64) {
        self.waiting.remove(&id);
    }

    /// Records that a try has ended.
    pub(crate) fn finish(
        &mut self,
        id: u64,
        is_success: bool,
        tries: u32,
        next_ms: u64,
    ) -> AfterTry {
        let Some(push) = self.waiting.get_mut(&id) else {
            return AfterTry::Unknown;
        };
        let after = if is_success || push.tries >= tries {
            self.waiting.remove(&id);
            AfterTry::Finished
        } else {
            push.is_being_sent = false;
            push.due_ms = next_ms;
            AfterTry::Retry
        };
        self.keep_last(id);
        after
    }

    /// When the next push is due.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        let waiting = self.waiting.values().filter(|push| !push.is_being_sent);
        waiting.map(|push| push.due_ms).min()
    }

    /// How many pushes wait or are being sent.
    pub(crate) fn pending(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a push waits for the result of its first try.
    pub(crate) fn awaits_first_try(&self, id: u64) -> bool {
        self.waiting
            .get(&id)
            .is_some_and(|push| push.tries == 0 || (push.tries == 1 && push.is_being_sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(pushes: &mut Pushes) -> u64 {
        let message = PushMessage {
            info_type: "authorized".to_owned(),
            account: None,
            create_time: 0,
            fields: Vec::new(),
        };
        pushes.add(Arc::new(message), 0)
    }

    fn start(pushes: &mut Pushes) -> u64 {
        let due = pushes.take_due(0).unwrap();
        let request = PushRequest {
            query: String::new(),
            body: due.id.to_string().into_bytes(),
            timestamp: 0,
            nonce: String::new(),
        };
        pushes.keep_request(&due, &request, RetryForm::New);
        due.id
    }

    #[test]
    fn the_pushes_whose_tries_ended_last_can_be_repeated() {
        let mut pushes = Pushes::default();
        let slow = add(&mut pushes);
        assert_eq!(start(&mut pushes), slow);
        let mut others = Vec::new();
        for _ in 0..2 * MAX_FINISHED {
            let id = add(&mut pushes);
            others.push(id);
            // Tries of one push count once.
            for (is_success, after) in [(false, AfterTry::Retry), (true, AfterTry::Finished)] {
                assert_eq!(start(&mut pushes), id);
                assert_eq!(pushes.finish(id, is_success, 4, 0), after);
            }
        }
        assert_eq!(pushes.finish(slow, true, 4, 0), AfterTry::Finished);
        let (forgotten, kept) = others.split_at(MAX_FINISHED + 1);
        assert!(forgotten.iter().all(|id| pushes.repeat(*id, 0).is_none()));
        for id in kept.iter().chain([&slow]) {
            pushes.repeat(*id, 0).unwrap();
            let repeated = pushes.take_due(0).unwrap();
            assert_eq!(repeated.request.unwrap().body, id.to_string().into_bytes());
        }
    }
}
