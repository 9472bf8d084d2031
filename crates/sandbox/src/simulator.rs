//! The state of a simulator behind its lock, and what becomes of each request and connection.
//!
//! Connections and the admin interface share it. A request is processed in one step under the lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::sync::{Notify, watch};

use crate::faults::active::ActiveFaults;
use crate::faults::apply::apply_fault;
use crate::faults::fault::Fault;
use crate::faults::plan::{PlainResponse, Plan, RequestResult, ResponseSummary};
use crate::faults::rule::{FaultRule, Listener, Phase};
use crate::journal::log::Journal;
use crate::journal::pushes::{PushAnswer, PushJournal, PushRecord, PushResult};
use crate::journal::record::{AppliedFault, Effect, Outcome, ReceivedRequest};
use crate::journal::redaction::Redaction;
use crate::model::clock::{Clock, after_seconds};
use crate::model::endpoint::Endpoint;
use crate::model::policy::Policy;
use crate::model::push::PushFault;
use crate::model::random::mix;
use crate::model::world::World;
use crate::wechat::call::{ApiResponse, Call};
use crate::wechat::dispatch;
use crate::wechat::errcode::RequestId;
use crate::wechat::events;
use crate::wechat::platform::PushState;
use crate::wechat::push_crypto::{self, PushRequest};
use crate::wechat::push_message::PushMessage;
use crate::wechat::pushes::{AfterTry, DuePush};
use crate::wechat::query::parameter;
use crate::wechat::refused::{CallOwner, RefusedCall};
use crate::wechat::rid;
use crate::wechat::state::WechatState;

/// What `POST reset` restores.
#[derive(Clone)]
pub(crate) struct InitialState {
    pub(crate) world: World,
    pub(crate) policy: Policy,
}

/// The state of a simulator.
pub(crate) struct State {
    pub(crate) clock: Arc<Clock>,
    pub(crate) wechat: WechatState,
    pub(crate) policy: Policy,
    pub(crate) faults: ActiveFaults,
    pub(crate) journal: Journal,
    pub(crate) push_journal: PushJournal,
    pub(crate) initial: InitialState,
    /// The requests that take effect later, by the time and their number in the journal.
    pub(crate) late: BTreeMap<(u64, u64), ReceivedRequest>,
    /// How many request ids were generated.
    request_ids: u64,
    /// Grows whenever something has changed that the simulator's page shows.
    pub(crate) revision: u64,
}

/// A simulator, shared by its connections and its admin interface.
pub(crate) struct Simulator {
    state: Mutex<State>,
    /// The clock of the state, which needs no lock.
    clock: Arc<Clock>,
    /// How many connections were accepted.
    connections: AtomicU64,
    /// Wakes the task that sends pushes.
    push_waker: Arc<Notify>,
    /// How many tries of pushes have ended.
    push_tries: watch::Sender<u64>,
    /// Wakes those who wait for a change of the state.
    changes: watch::Sender<()>,
    /// Whether a fault may apply to a new connection. Without one, connections need no lock.
    has_connection_faults: AtomicBool,
}

/// A connection that was accepted.
pub(crate) struct AcceptedConnection {
    /// Its number; the first one is 1.
    pub(crate) number: u64,
    /// The fault to apply to it.
    pub(crate) fault: Option<Arc<FaultRule>>,
}

/// A try of a push, to be sent now.
pub(crate) struct PushAttempt {
    pub(crate) url: String,
    pub(crate) request: PushRequest,
    pub(crate) timeout_ms: u64,
    id: u64,
    number: u32,
    at_ms: u64,
    message: Arc<PushMessage>,
    fault: Option<AppliedFault>,
}

/// What the task that sends pushes does next.
pub(crate) enum NextPush {
    Send(Box<PushAttempt>),
    /// Wait this long, or until it is woken.
    Wait(Duration),
    /// Wait until it is woken.
    WaitForWake,
}

/// What to do with a request that was received.
pub(crate) struct Received {
    pub(crate) plan: Plan,
    /// The number of the request in the journal.
    pub(crate) seq: u64,
}

impl Simulator {
    /// Sets up a world and a policy that have been checked.
    pub(crate) fn new(world: World, policy: Policy, journal_capacity: usize) -> Self {
        let clock = Arc::new(Clock::default());
        let now_ms = clock.now_ms();
        let wechat = WechatState::new(world.clone(), &policy, now_ms);
        Self {
            push_waker: wechat.pushes.waker(),
            push_tries: watch::Sender::new(0),
            changes: watch::Sender::new(()),
            clock: clock.clone(),
            state: Mutex::new(State {
                clock,
                wechat,
                policy: policy.clone(),
                faults: ActiveFaults::default(),
                journal: Journal::new(journal_capacity, now_ms),
                push_journal: PushJournal::new(journal_capacity),
                initial: InitialState { world, policy },
                late: BTreeMap::new(),
                request_ids: 0,
                revision: 0,
            }),
            connections: AtomicU64::new(0),
            has_connection_faults: AtomicBool::new(false),
        }
    }

    /// Locks the state, in which every late request that is due has taken effect. Hold the lock for
    /// the processing of one request at most.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.process_due();
        state
    }

    /// The simulator's time.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Counts a new connection, and finds the fault that applies to it.
    pub(crate) fn accept(&self, listener: Listener) -> AcceptedConnection {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.has_connection_faults.load(Ordering::Acquire) {
            return AcceptedConnection {
                number,
                fault: None,
            };
        }
        let mut state = self.state();
        let fault = state.faults.take_for_connection(listener);
        self.faults_changed(&state);
        self.changed(&mut state);
        AcceptedConnection { number, fault }
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// To be called with the lock held, whenever fault rules were added, removed or used up.
    pub(crate) fn faults_changed(&self, state: &State) {
        let has_faults = state.faults.has_connection_faults();
        self.has_connection_faults
            .store(has_faults, Ordering::Release);
    }

    /// To be called with the lock held, after the state has changed.
    pub(crate) fn changed(&self, state: &mut State) {
        state.revision += 1;
        self.changes.send_replace(());
    }

    /// Is notified after each change of the state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Processes a request, applies a fault if one matches, and records the request in the journal.
    pub(crate) fn receive(&self, request: &ReceivedRequest) -> Received {
        let state = &mut *self.state();
        let received = state.receive(request);
        self.changed(state);
        received
    }

    /// Records that a response was sent that had been delayed. `seq` is the request's number in the
    /// journal.
    pub(crate) fn responded_late(&self, request: &ReceivedRequest, seq: u64) {
        let state = &mut *self.state();
        state.journal.set_latency(request, seq);
        self.changed(state);
    }

    /// Processes a request that was delayed. `seq` is its number in the journal.
    pub(crate) fn process_late(&self, request: &ReceivedRequest, seq: u64) -> PlainResponse {
        let state = &mut *self.state();
        let now_ms = state.clock.now_ms();
        let response = state.process_received(request, seq, now_ms, true);
        self.changed(state);
        PlainResponse::json(200, response.body)
    }
}

impl Simulator {
    /// What the task that sends pushes does next.
    pub(crate) fn next_push(&self) -> NextPush {
        let state = &mut *self.state();
        let now_ms = state.clock.now_ms();
        events::push_due_ticket(&mut state.wechat, now_ms);
        while let Some(due) = state.wechat.pushes.take_due(now_ms) {
            if let Some(attempt) = state.prepare_push(due, now_ms) {
                return NextPush::Send(Box::new(attempt));
            }
        }
        let push = state
            .wechat
            .platform
            .as_ref()
            .and_then(|it| it.push.as_ref());
        let next_ticket_ms = push.and_then(PushState::next_ticket_ms);
        let next_due_ms = state.wechat.pushes.next_due_ms();
        match next_ticket_ms.into_iter().chain(next_due_ms).min() {
            Some(at_ms) => NextPush::Wait(Duration::from_millis(at_ms.saturating_sub(now_ms))),
            None => NextPush::WaitForWake,
        }
    }

    /// Records the answer to a try.
    pub(crate) fn finish_push(&self, attempt: PushAttempt, answer: PushAnswer) {
        let state = &mut *self.state();
        let is_success = answer.result == PushResult::Success;
        let push = state.wechat.platform.as_mut();
        if let Some(push) = push.and_then(|platform| platform.push.as_mut()) {
            let now_ms = state.clock.now_ms();
            let next_ms = now_ms.saturating_add(push.settings.retry_after_ms);
            let tries = push.settings.tries;
            let pushes = &mut state.wechat.pushes;
            match pushes.finish(attempt.id, is_success, tries, next_ms) {
                AfterTry::Unknown => return,
                AfterTry::Retry => {}
                AfterTry::Finished => push.record_result(is_success),
            }
        }
        state.push_journal.add(attempt.into_record(answer));
        self.changed(state);
        self.push_tries.send_modify(|tries| *tries += 1);
        self.push_waker.notify_one();
    }

    /// Waits until the task that sends pushes has something to do.
    pub(crate) async fn push_woken(&self) {
        self.push_waker.notified().await;
    }

    /// Wakes the task that sends pushes.
    pub(crate) fn wake_pushes(&self) {
        self.push_waker.notify_one();
    }

    /// Waits until the first try of each of these pushes has ended.
    pub(crate) async fn wait_for_first_tries(&self, pushes: &[u64]) {
        let mut tries = self.push_tries.subscribe();
        let awaits = || {
            let queue = &self.state().wechat.pushes;
            pushes.iter().any(|id| queue.awaits_first_try(*id))
        };
        while awaits() {
            // The sender lives as long as the simulator.
            let _ = tries.changed().await;
        }
    }
}

impl PushAttempt {
    fn into_record(self, answer: PushAnswer) -> PushRecord {
        PushRecord {
            push: self.id,
            number: self.number,
            at_ms: self.at_ms,
            info_type: self.message.info_type.clone(),
            account: self.message.account.clone(),
            timestamp: self.request.timestamp,
            nonce: self.request.nonce,
            fault: self.fault,
            answer,
        }
    }
}

impl State {
    /// Makes the request of a push, as a fault may ask for. `None`: there is nothing to send now.
    fn prepare_push(&mut self, due: DuePush, now_ms: u64) -> Option<PushAttempt> {
        let id = due.id;
        let platform = self.wechat.platform.as_ref();
        let push = platform.and_then(|platform| platform.push.as_ref());
        let Some((appid, push)) = platform.map(|platform| &platform.appid).zip(push) else {
            self.wechat.pushes.remove(id);
            return None;
        };
        let appid = appid.clone();
        let settings = push.settings.clone();
        let matched = match &due.request {
            // A push that is repeated byte for byte has no fault besides those that it had.
            Some(_) => None,
            None => self.faults.take_for_push(),
        };
        let fault = matched
            .as_ref()
            .and_then(|matched| match &matched.rule.fault {
                Fault::Push(fault) => Some(fault),
                _ => None,
            });
        if let Some(PushFault::LateS(seconds)) = fault {
            let due_ms = after_seconds(now_ms, *seconds);
            self.wechat.pushes.postpone(id, due_ms);
            return None;
        }
        let request = due.request.clone().unwrap_or_else(|| {
            let seal = self.wechat.new_seal(now_ms);
            push_crypto::seal(&due.message, &appid, &settings, &seal, fault)
        });
        let attempt = PushAttempt {
            id,
            number: due.number,
            at_ms: now_ms,
            url: settings.url,
            request,
            timeout_ms: settings.timeout_ms,
            message: due.message.clone(),
            fault: matched.as_ref().map(|matched| AppliedFault {
                id: matched.id,
                name: matched.rule.fault.name(),
            }),
        };
        if fault == Some(&PushFault::Lost) {
            self.wechat.pushes.remove(id);
            let answer = PushAnswer::none(PushResult::NotSent);
            self.push_journal.add(attempt.into_record(answer));
            return None;
        }
        let pushes = &mut self.wechat.pushes;
        pushes.keep_request(&due, &attempt.request, settings.retry);
        if fault == Some(&PushFault::Repeat) {
            pushes.repeat(id, now_ms);
        }
        Some(attempt)
    }

    /// Processes a request, applies a fault if one matches, and records the request in the journal.
    pub(crate) fn receive(&mut self, request: &ReceivedRequest) -> Received {
        let endpoint = Endpoint::from_path(&request.path);
        let state = self;
        let matched = if state.faults.is_empty() {
            None
        } else {
            state.faults.take_for_request(endpoint, request.listener)
        };
        let now_ms = state.clock.now_ms();
        let rid = state.next_request_id(now_ms);
        let rule = matched.as_ref().map(|matched| &*matched.rule);
        let list_lag_ms = match rule.map(|rule| &rule.fault) {
            Some(Fault::ListLagMs(ms)) => *ms,
            _ => 0,
        };
        let mut effect = None;
        let mut process = || {
            let response = state.process(request, now_ms, list_lag_ms, rid);
            effect = Some(Effect::new(now_ms, &response));
            response
        };
        let RequestResult { plan, response } = match rule {
            None => RequestResult::from_api(process()),
            Some(rule) => {
                let original = (rule.phase() == Phase::After).then(process);
                apply_fault(&rule.fault, original, rid)
            }
        };
        if let Plan::Respond(plain) = &plan
            && response.and_then(|summary| summary.errcode).unwrap_or(0) != 0
        {
            state.keep_refused(request, endpoint, now_ms, rid, plain.body.clone());
        }
        let is_late = matches!(plan, Plan::RespondLate(..) | Plan::ProcessLate(_));
        let outcome = Outcome {
            effect,
            response,
            latency_us: (response.is_some() && !is_late).then(|| request.age_us()),
            fault: matched.as_ref().map(|matched| AppliedFault {
                id: matched.id,
                name: matched.rule.fault.name(),
            }),
        };
        let wechat = &state.wechat;
        let redaction = Redaction {
            secrets: &wechat.secrets,
            is_account_token: &|token| wechat.tokens.is_account_token(token),
            endpoint,
        };
        let token = parameter(&request.query, "access_token");
        let found = token.and_then(|token| wechat.tokens.find(&token, now_ms));
        let account = found.and_then(|found| found.account.map(str::to_owned));
        let seq = state
            .journal
            .record(request, account, now_ms, outcome, redaction);
        if let Some(ms) = rule.and_then(|rule| rule.effect_after_ms) {
            let due_ms = now_ms.saturating_add(ms);
            state.late.insert((due_ms, seq), request.clone());
        }
        Received { plan, seq }
    }

    fn next_request_id(&mut self, now_ms: u64) -> RequestId {
        self.request_ids += 1;
        RequestId {
            now_s: now_ms / 1000,
            noise: mix(self.request_ids),
        }
    }

    /// Keeps a call that was refused, for `rid/get`.
    fn keep_refused(
        &mut self,
        request: &ReceivedRequest,
        endpoint: Endpoint,
        now_ms: u64,
        rid: RequestId,
        response: Bytes,
    ) {
        let owner = rid::owner_of(&request.query, &self.wechat, now_ms)
            .or_else(|| endpoint.is_component().then_some(CallOwner::Platform));
        self.wechat.refused_calls.add(RefusedCall {
            rid,
            at_ms: now_ms,
            owner,
            target: format!("{}?{}", request.path, request.query),
            body: request.body.clone(),
            response,
        });
    }

    /// Processes the late requests that are due, each at its time.
    fn process_due(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let now_ms = self.clock.now_ms();
        while let Some(entry) = self.late.first_entry()
            && entry.key().0 <= now_ms
        {
            let ((due_ms, seq), request) = entry.remove_entry();
            self.process_received(&request, seq, due_ms, false);
        }
    }

    /// Processes a request that is in the journal under the number `seq`.
    fn process_received(
        &mut self,
        request: &ReceivedRequest,
        seq: u64,
        now_ms: u64,
        is_answered: bool,
    ) -> ApiResponse {
        let rid = self.next_request_id(now_ms);
        let response = self.process(request, now_ms, 0, rid);
        self.revision += 1;
        let effect = Effect::new(now_ms, &response);
        let summary = is_answered.then(|| ResponseSummary::from_api(&response));
        let endpoint = Endpoint::from_path(&request.path);
        self.journal.complete(seq, endpoint, effect, summary);
        response
    }

    fn process(
        &mut self,
        request: &ReceivedRequest,
        now_ms: u64,
        list_lag_ms: u64,
        rid: RequestId,
    ) -> ApiResponse {
        let call = Call {
            endpoint: Endpoint::from_path(&request.path),
            is_post: request.method == Method::POST,
            query: &request.query,
            body: &request.body,
            list_lag_ms,
        };
        dispatch::process(call, &mut self.wechat, &self.policy, now_ms, rid)
    }
}
