//! Everything a sandbox remembers, and what it makes of a request.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;

use crate::clock::Clock;
use crate::codes::{Rid, mix, text_of};
use crate::faults::{DropKind, Fault, FaultRule, Faults, Listener, Moment};
use crate::journal::{Answered, Journal, Outcome, Received, Struck};
use crate::policy::Policy;
use crate::raw::{Ending, Payload, Script};
use crate::redaction::Redaction;
use crate::registry::Registry;
use crate::wechat::{self, Call, Endpoint, Reply, error_body};
use crate::world::World;

/// The type WeChat gives its JSON.
pub(crate) const JSON: &str = "application/json; encoding=utf-8";

/// An answer that goes out in the ordinary way.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Bytes) -> Self {
        Self {
            status,
            content_type: JSON,
            location: None,
            body,
        }
    }
}

/// What to do about a request.
pub(crate) enum Plan {
    Answer(Answer),
    /// Answer after a while.
    Late(Duration, Answer),
    /// Let the request take effect after a while, then answer. The number is its place in the journal.
    ProcessLate(Duration, u64),
    /// Never answer.
    Hang,
    /// Take the connection from the HTTP server and do this with it.
    TakeOver(Script),
}

/// The state behind its lock.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) policy: Policy,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// What `reset` goes back to.
    pub(crate) initial: (World, Policy),
    /// How many answers were made: every rid differs.
    answers: u64,
}

/// A sandbox's state, shared by its connections and its admin interface.
pub(crate) struct Shared {
    state: Mutex<State>,
    connections: AtomicU64,
    connection_faults: AtomicBool,
}

impl Shared {
    /// Sets up a world and a policy that have been checked.
    pub(crate) fn new(world: World, policy: Policy, journal: usize) -> Self {
        let clock = Clock::default();
        let now_ms = clock.now_ms();
        Self {
            state: Mutex::new(State {
                clock,
                registry: Registry::new(world.clone(), &policy, now_ms),
                policy: policy.clone(),
                faults: Faults::default(),
                journal: Journal::new(journal),
                initial: (world, policy),
                answers: 0,
            }),
            connections: AtomicU64::new(0),
            connection_faults: AtomicBool::new(false),
        }
    }

    /// The state; held for the moment of one request.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a new connection, and the fault that strikes it.
    pub(crate) fn connected(&self, listener: Listener) -> (u64, Option<Arc<FaultRule>>) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.connection_faults.load(Ordering::Acquire) {
            return (number, None);
        }
        let mut state = self.state();
        let struck = state.faults.strike_connection(listener);
        self.faults_changed(&state);
        (number, struck)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// To be called whenever rules come or go, with the lock held.
    pub(crate) fn faults_changed(&self, state: &State) {
        let any = state.faults.any_of_connection();
        self.connection_faults.store(any, Ordering::Release);
    }

    /// Decides what becomes of a request, lets it take effect and enters it in the journal.
    pub(crate) fn receive(&self, received: &Received) -> Plan {
        let endpoint = Endpoint::of(&received.path);
        let state = &mut *self.state();
        let struck = if state.faults.is_empty() {
            None
        } else {
            state.faults.strike(endpoint, received.listener)
        };
        let now_ms = state.clock.now_ms();
        let rid = state.rid(now_ms);
        let (plan, outcome) = match &struck {
            None => {
                let reply = state.process(received, endpoint, now_ms, rid);
                let answered = answered(&reply);
                (
                    Plan::Answer(Answer::json(200, reply.body)),
                    (true, answered),
                )
            }
            Some((_, rule)) => {
                let reply = (rule.moment() == Moment::After)
                    .then(|| state.process(received, endpoint, now_ms, rid));
                let processed = reply.is_some();
                let (plan, answered) = spoil(&rule.fault, reply, rid);
                (plan, (processed, answered))
            }
        };
        let outcome = Outcome {
            processed: outcome.0,
            answered: outcome.1,
            fault: struck.map(|(id, rule)| Struck {
                id,
                name: rule.fault.name(),
            }),
        };
        let registry = &state.registry;
        let redaction = Redaction {
            secrets: &registry.secrets,
            is_account_token: &|token| registry.tokens.is_accounts(token),
            endpoint,
        };
        let seq = state.journal.enter(received, now_ms, outcome, redaction);
        match plan {
            Plan::ProcessLate(delay, _) => Plan::ProcessLate(delay, seq),
            plan => plan,
        }
    }

    /// Lets a request take effect that was held back.
    pub(crate) fn process_late(&self, received: &Received, seq: u64) -> Answer {
        let endpoint = Endpoint::of(&received.path);
        let state = &mut *self.state();
        let now_ms = state.clock.now_ms();
        let rid = state.rid(now_ms);
        let reply = state.process(received, endpoint, now_ms, rid);
        let answered = Answered {
            status: 200,
            errcode: reply.errcode,
        };
        state.journal.complete(seq, endpoint, answered);
        Answer::json(200, reply.body)
    }
}

impl State {
    fn rid(&mut self, now_ms: u64) -> Rid {
        self.answers += 1;
        Rid {
            now_s: now_ms / 1000,
            noise: mix(self.answers),
        }
    }

    fn process(&mut self, received: &Received, endpoint: Endpoint, now_ms: u64, rid: Rid) -> Reply {
        let call = Call {
            endpoint,
            is_post: received.method == Method::POST,
            query: &received.query,
            body: &received.body,
        };
        wechat::call(call, &mut self.registry, &self.policy, now_ms, rid)
    }
}

fn answered(reply: &Reply) -> Option<Answered> {
    Some(Answered {
        status: 200,
        errcode: reply.errcode,
    })
}

/// What a fault makes of a request and of the answer it would have had.
fn spoil(fault: &Fault, reply: Option<Reply>, rid: Rid) -> (Plan, Option<Answered>) {
    let status = |status: u16| {
        Some(Answered {
            status,
            errcode: None,
        })
    };
    let genuine = reply.as_ref().and_then(answered);
    // Faults that need the answer always have one: see `FaultRule::moment`.
    let body = || {
        reply
            .as_ref()
            .map(|reply| reply.body.clone())
            .unwrap_or_default()
    };
    match fault {
        Fault::Errcode(errcode) => {
            let text = match &errcode.errmsg {
                Some(errmsg) => errmsg.clone(),
                None => text_of(errcode.code, rid),
            };
            let body = error_body(errcode.code, &text);
            let answered = Answered {
                status: 200,
                errcode: Some(errcode.code),
            };
            (Plan::Answer(Answer::json(200, body)), Some(answered))
        }
        Fault::DelayMs(ms) => {
            let delay = Duration::from_millis(*ms);
            match &reply {
                Some(reply) => (
                    Plan::Late(delay, Answer::json(200, reply.body.clone())),
                    genuine,
                ),
                None => (Plan::ProcessLate(delay, 0), None),
            }
        }
        Fault::Hang => (Plan::Hang, None),
        Fault::Drop(kind) => {
            let ending = match kind {
                DropKind::Close => Ending::Abrupt,
                DropKind::Reset => Ending::Reset,
            };
            (Plan::TakeOver(Script::silent(ending)), None)
        }
        Fault::Cut(cut) => {
            let mut script = Script::answer(body(), "Connection: close\r\n", Ending::Abrupt);
            script.payload.truncate(cut.bytes);
            (Plan::TakeOver(script), genuine)
        }
        Fault::Garbage => (Plan::TakeOver(Script::garbage()), None),
        Fault::Status(page) => {
            let answer = Answer {
                status: page.code,
                content_type: "text/html",
                location: None,
                body: page.html.clone().unwrap_or_else(|| html(page.code)).into(),
            };
            (Plan::Answer(answer), status(page.code))
        }
        Fault::Redirect(redirect) => {
            let answer = Answer {
                status: redirect.code,
                content_type: "text/html",
                location: Some(redirect.location.clone()),
                body: html(redirect.code).into(),
            };
            (Plan::Answer(answer), status(redirect.code))
        }
        Fault::Body(body) => (
            Plan::TakeOver(Script::made_to_measure(body)),
            status(body.status),
        ),
        Fault::GzipBomb(size) => (
            Plan::TakeOver(Script::of(Payload::GzipBomb(size.bytes))),
            status(200),
        ),
        Fault::Huge(size) => (
            Plan::TakeOver(Script::of(Payload::Huge(size.bytes))),
            status(200),
        ),
        Fault::Deep(deep) => (
            Plan::TakeOver(Script::of(Payload::Deep(deep.levels))),
            status(200),
        ),
        Fault::Slow(slow) => {
            let mut script = Script::answer(body(), "Connection: close\r\n", Ending::Close);
            script.pace = Some((slow.bytes, Duration::from_millis(slow.every_ms)));
            (Plan::TakeOver(script), genuine)
        }
        Fault::CloseDelimited => (Plan::TakeOver(Script::close_delimited(body())), genuine),
        Fault::Bom => {
            let body = [b"\xef\xbb\xbf", &*body()].concat();
            (Plan::Answer(Answer::json(200, body.into())), genuine)
        }
        Fault::CloseAfter => (
            Plan::TakeOver(Script::answer(body(), "", Ending::Close)),
            genuine,
        ),
        // Struck when the connection was accepted, never here.
        Fault::AcceptClose | Fault::TlsHang | Fault::TlsReset => {
            (Plan::TakeOver(Script::silent(Ending::Abrupt)), None)
        }
    }
}

/// A page as proxies make them.
fn html(code: u16) -> String {
    let reason = hyper::StatusCode::from_u16(code)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Error");
    format!(
        "<!DOCTYPE html>\n<html><head><title>{code} {reason}</title></head>\n\
         <body><h1>{code} {reason}</h1><p>wxlink sandbox</p></body></html>\n"
    )
}
