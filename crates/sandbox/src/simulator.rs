//! The state of a simulator behind its lock, and what becomes of each request and connection.
//!
//! Connections and the admin interface share it. A request is processed in one step under the lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Method;

use crate::faults::active::ActiveFaults;
use crate::faults::apply::apply_fault;
use crate::faults::plan::{PlainResponse, Plan, RequestResult, ResponseSummary};
use crate::faults::rule::{FaultRule, Listener, Phase};
use crate::journal::log::Journal;
use crate::journal::record::{AppliedFault, Outcome, ReceivedRequest};
use crate::journal::redaction::Redaction;
use crate::model::clock::Clock;
use crate::model::endpoint::Endpoint;
use crate::model::policy::Policy;
use crate::model::random::mix;
use crate::model::world::World;
use crate::wechat::call::{ApiResponse, Call};
use crate::wechat::dispatch;
use crate::wechat::errcode::RequestId;
use crate::wechat::state::WechatState;

/// What `POST reset` restores.
#[derive(Clone)]
pub(crate) struct InitialState {
    pub(crate) world: World,
    pub(crate) policy: Policy,
}

/// The state of a simulator.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) wechat: WechatState,
    pub(crate) policy: Policy,
    pub(crate) faults: ActiveFaults,
    pub(crate) journal: Journal,
    pub(crate) initial: InitialState,
    /// How many request ids were generated.
    request_ids: u64,
}

/// A simulator, shared by its connections and its admin interface.
pub(crate) struct Simulator {
    state: Mutex<State>,
    /// How many connections were accepted.
    connections: AtomicU64,
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

/// What to do with a request that was received.
pub(crate) struct Received {
    pub(crate) plan: Plan,
    /// The number of the request in the journal.
    pub(crate) seq: u64,
}

impl Simulator {
    /// Sets up a world and a policy that have been checked.
    pub(crate) fn new(world: World, policy: Policy, journal_capacity: usize) -> Self {
        let clock = Clock::default();
        let now_ms = clock.now_ms();
        Self {
            state: Mutex::new(State {
                clock,
                wechat: WechatState::new(world.clone(), &policy, now_ms),
                policy: policy.clone(),
                faults: ActiveFaults::default(),
                journal: Journal::new(journal_capacity),
                initial: InitialState { world, policy },
                request_ids: 0,
            }),
            connections: AtomicU64::new(0),
            has_connection_faults: AtomicBool::new(false),
        }
    }

    /// Locks the state. Hold the lock for the processing of one request at most.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Processes a request, applies a fault if one matches, and records the request in the journal.
    pub(crate) fn receive(&self, request: &ReceivedRequest) -> Received {
        let endpoint = Endpoint::from_path(&request.path);
        let state = &mut *self.state();
        let matched = if state.faults.is_empty() {
            None
        } else {
            state.faults.take_for_request(endpoint, request.listener)
        };
        let now_ms = state.clock.now_ms();
        let rid = state.next_request_id(now_ms);
        let (processed, RequestResult { plan, response }) = match &matched {
            None => {
                let response = state.process(request, endpoint, now_ms, rid);
                (true, RequestResult::from_api(response))
            }
            Some(matched) => {
                let original = (matched.rule.phase() == Phase::After)
                    .then(|| state.process(request, endpoint, now_ms, rid));
                let processed = original.is_some();
                let faulted = apply_fault(&matched.rule.fault, original, rid);
                (processed, faulted)
            }
        };
        let outcome = Outcome {
            processed,
            response,
            fault: matched.map(|matched| AppliedFault {
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
        let seq = state.journal.record(request, now_ms, outcome, redaction);
        Received { plan, seq }
    }

    /// Processes a request that was delayed. `seq` is its number in the journal.
    pub(crate) fn process_late(&self, request: &ReceivedRequest, seq: u64) -> PlainResponse {
        let endpoint = Endpoint::from_path(&request.path);
        let state = &mut *self.state();
        let now_ms = state.clock.now_ms();
        let rid = state.next_request_id(now_ms);
        let response = state.process(request, endpoint, now_ms, rid);
        let summary = ResponseSummary::from_api(&response);
        state.journal.complete(seq, endpoint, summary);
        PlainResponse::json(200, response.body)
    }
}

impl State {
    fn next_request_id(&mut self, now_ms: u64) -> RequestId {
        self.request_ids += 1;
        RequestId {
            now_s: now_ms / 1000,
            noise: mix(self.request_ids),
        }
    }

    fn process(
        &mut self,
        request: &ReceivedRequest,
        endpoint: Endpoint,
        now_ms: u64,
        rid: RequestId,
    ) -> ApiResponse {
        let call = Call {
            endpoint,
            is_post: request.method == Method::POST,
            query: &request.query,
            body: &request.body,
        };
        dispatch::process(call, &mut self.wechat, &self.policy, now_ms, rid)
    }
}
