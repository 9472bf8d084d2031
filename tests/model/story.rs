//! What happens in a story, and how stories are made up.

use std::fmt;

use proptest::prelude::*;
use serde_json::{Value, json};

/// How many processes share the store.
pub const PROCESSES: usize = 3;

/// What happens to one link.
#[derive(Clone, Debug)]
pub struct Story {
    pub store: StoreKind,
    /// Whether the processes know the account, so that invitations are remembered.
    pub with_account: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    File,
    Redis,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// The next requests meet a fault.
    Fault(Rule),
    /// A process calls `ensure_linked`.
    Ensure {
        process: usize,
        wait_ms: u64,
        then: Then,
    },
    /// Nothing happens.
    Pause { ms: u64 },
    /// An administrator decides, if WeChat has asked them.
    Decide {
        by: &'static str,
        decision: &'static str,
    },
    /// The administrators agree after the list was read so many times.
    Policy { polls: u32 },
}

/// A rule of the simulator, which is shown as JSON.
#[derive(Clone)]
pub struct Rule(pub Value);

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// The story waits for its result.
    Awaited,
    /// The story goes on meanwhile.
    Background,
    /// It is cancelled.
    CancelledAfterMs(u64),
    /// Its process is killed.
    Killed(Moment),
    /// Its process is stopped, and resumed after this time. The story goes on meanwhile.
    Stopped { when: Moment, ms: u64 },
}

/// When a process is killed or stopped, during a call.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// After this time.
    AfterMs(u64),
    /// When the next request for the list has arrived.
    Listed,
    /// When the next invitation has arrived.
    Posted,
}

impl Moment {
    /// The endpoints of the list and of invitations.
    pub const ENDPOINTS: [&str; 2] = ["get", "link"];
}

/// A fault of requests: what the caller gets, and when the request takes effect.
fn fault() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![
        json!({"drop": "close"}),
        json!({"drop": "reset"}),
        json!("hang"),
        json!("garbage"),
        json!({"status": {"code": 502}}),
        json!({"errcode": {"code": -1}}),
        json!({"huge": {"bytes": 10_000_000}}),
    ]);
    let effect = prop_oneof![
        1 => Just(json!({"when": "before"})),
        1 => Just(json!({"when": "after"})),
        2 => (1..120_u64).prop_map(|ms| json!({"effect_after_ms": ms})),
    ];
    let any_effect = (kind, effect).prop_map(|(kind, mut rule)| {
        rule["fault"] = kind;
        rule
    });
    let own_effect = prop::sample::select(vec![
        json!({"fault": {"cut": {"bytes": 7}}}),
        json!({"fault": {"slow": {"bytes": 30, "every_ms": 20}}}),
        json!({"fault": "close_after"}),
        json!({"fault": {"delay_ms": 60}, "when": "before"}),
        json!({"fault": {"delay_ms": 60}}),
        json!({"fault": {"delay_ms": 400}}),
    ]);
    let endpoint = prop::sample::select(vec!["link", "link", "link", "get", "*"]);
    let rule = prop_oneof![3 => any_effect, 2 => own_effect];
    let request = (rule, endpoint, 1..4_u64).prop_map(|(mut rule, endpoint, times)| {
        rule["endpoint"] = endpoint.into();
        rule["times"] = times.into();
        rule
    });
    let connection = (1..3_u64).prop_map(|times| json!({"fault": "accept_close", "times": times}));
    let lag = (1..100_u64)
        .prop_map(|ms| json!({"endpoint": "get", "fault": {"list_lag_ms": ms}, "always": true}));
    prop_oneof![6 => request, 1 => connection, 2 => lag].prop_map(|rule| Step::Fault(Rule(rule)))
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        2 => (0..120_u64).prop_map(Moment::AfterMs),
        1 => Just(Moment::Listed),
        2 => Just(Moment::Posted),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let by = prop::sample::select(vec!["official_account", "mini_program"]);
    let decision = prop::sample::select(vec!["agree", "agree", "refuse", "vanish"]);
    let wait = prop::sample::select(vec![0, 0, 80]);
    prop_oneof![
        4 => fault(),
        8 => (0..PROCESSES, wait, then()).prop_map(
            |(process, wait_ms, then)| Step::Ensure { process, wait_ms, then }),
        1 => (1..350_u64).prop_map(|ms| Step::Pause { ms }),
        1 => (by, decision).prop_map(|(by, decision)| Step::Decide { by, decision }),
        1 => (1..4_u32).prop_map(|polls| Step::Policy { polls }),
    ]
}

fn then() -> impl Strategy<Value = Then> {
    // Shorter than a claim, and longer.
    let stopped = prop_oneof![2 => 10..100_u64, 1 => 600..800_u64];
    prop_oneof![
        4 => Just(Then::Awaited),
        3 => Just(Then::Background),
        1 => (0..120_u64).prop_map(Then::CancelledAfterMs),
        2 => moment().prop_map(Then::Killed),
        1 => (moment(), stopped).prop_map(|(when, ms)| Then::Stopped { when, ms }),
    ]
}

/// A story. Without Redis, all stories use a file.
pub fn story(has_redis: bool) -> impl Strategy<Value = Story> {
    let store = if has_redis {
        prop::sample::select(vec![StoreKind::File, StoreKind::Redis])
    } else {
        prop::sample::select(vec![StoreKind::File])
    };
    let steps = prop::collection::vec(step(), 3..12);
    (store, any::<bool>(), fault(), steps).prop_map(|(store, with_account, first, mut steps)| {
        steps.insert(0, first);
        Story {
            store,
            with_account,
            steps,
        }
    })
}
