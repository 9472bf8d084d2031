//! Random stories of one link: faults, delays, callers that give up or are killed, administrators
//! who decide in between. Whatever happens, no more invitations go out than were meant, and what the
//! last caller is told agrees with the sandbox.
//!
//! `WXLINK_MODEL_RUNS=10000` runs the long form, `WXLINK_MODEL_SEED` tells other stories. A story
//! that fails is shortened to what makes it fail, and shown.

use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use wxlink::{Client, Delivery, LinkChoices, LinkProgress, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const TOKEN: &str = "SANDBOX-TOKEN";
const ACCOUNT: &str = "wx0a00000000000001";
const APPID: &str = "wx0b00000000000001";
/// Short, so that a story with silences in it takes no longer than it must.
const TIMEOUT_MS: u64 = 150;
const THREADS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Something goes wrong with the next requests.
    Fault(Value),
    /// A caller, who may be killed after so many milliseconds.
    Ensure {
        wait_ms: u64,
        killed_after_ms: Option<u64>,
    },
    /// An administrator decides, if they are asked.
    Decide {
        by: &'static str,
        decision: &'static str,
    },
    /// The administrators agree by themselves while the caller looks.
    Policy { polls: u32 },
}

fn fault() -> impl Strategy<Value = Step> {
    let what = prop::sample::select(vec![
        json!({"drop": "close"}),
        json!({"drop": "reset"}),
        json!("hang"),
        json!("garbage"),
        json!({"cut": {"bytes": 7}}),
        json!({"status": {"code": 502}}),
        json!({"errcode": {"code": -1}}),
        json!({"delay_ms": 60}),
        json!({"delay_ms": 400}),
        json!({"slow": {"bytes": 30, "every_ms": 20}}),
        json!({"huge": {"bytes": 10_000_000}}),
        json!("close_after"),
        json!("accept_close"),
    ]);
    let when = prop::sample::select(vec!["before", "after"]);
    let endpoint = prop::sample::select(vec!["link", "link", "get", "*"]);
    (what, when, endpoint, 1..4).prop_map(|(what, when, endpoint, times)| {
        let mut rule = json!({"fault": what, "endpoint": endpoint, "times": times});
        let name = match &what {
            Value::String(name) => name.as_str(),
            other => other.as_object().unwrap().keys().next().unwrap(),
        };
        match name {
            "accept_close" => rule["endpoint"] = "*".into(),
            "cut" | "slow" | "close_after" => {}
            _ => rule["when"] = when.into(),
        }
        Step::Fault(rule)
    })
}

fn step() -> impl Strategy<Value = Step> {
    let by = prop::sample::select(vec!["official_account", "mini_program"]);
    let decision = prop::sample::select(vec!["agree", "agree", "refuse", "vanish"]);
    let killed = prop::option::weighted(0.3, 0..120_u64);
    prop_oneof![
        4 => fault(),
        4 => (prop::sample::select(vec![0, 0, 80]), killed)
            .prop_map(|(wait_ms, killed_after_ms)| Step::Ensure { wait_ms, killed_after_ms }),
        2 => (by, decision).prop_map(|(by, decision)| Step::Decide { by, decision }),
        1 => (1..4_u32).prop_map(|polls| Step::Policy { polls }),
    ]
}

/// The sandbox and what a story needs to know of it.
struct World(Sandbox);

impl World {
    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.0.admin(method, path, &body).unwrap()
    }

    fn account(&self) -> Value {
        let mut state = self.admin("GET", "state", Value::Null);
        state["world"]["accounts"][ACCOUNT].take()
    }

    /// How many links took effect, whatever was answered: each may have messaged the followers.
    fn links(&self) -> u64 {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        counts["processed"]["link"].as_u64().unwrap()
    }

    /// The link's state, as the caller should be told it.
    fn state(&self) -> LinkState {
        match self.account()["links"][0]["state"].as_str() {
            None => LinkState::Vanished,
            Some("waiting_official_account") => LinkState::AwaitingOfficialAccount,
            Some("waiting_mini_program") => LinkState::AwaitingMiniProgram,
            Some("linked") => LinkState::Linked,
            Some("refused") => LinkState::Declined,
            Some(other) => panic!("{other}"),
        }
    }

    fn client(&self) -> Client {
        let mut options = Options::new();
        options.set("base_url", self.0.http_url()).unwrap();
        options.set("timeout_ms", &TIMEOUT_MS.to_string()).unwrap();
        Client::new(&options).unwrap()
    }

    fn ensure(client: &Client, wait_ms: u64) -> LinkProgress {
        let choices = LinkChoices {
            notify_users: true,
            show_profile: true,
        };
        client.ensure_linked(TOKEN, APPID, choices, Duration::from_millis(wait_ms))
    }

    fn tell(&self, story: &[Step]) -> Result<(), TestCaseError> {
        self.admin("POST", "reset", Value::Null);
        let mut client = self.client();
        // An invitation that came to an end may be followed by another.
        let mut meant = 1;
        let mut ended = 0;
        for step in story {
            match step {
                Step::Fault(rule) => {
                    self.admin("POST", "faults", rule.clone());
                }
                Step::Policy { polls } => {
                    let step = json!({"when": {"polls": polls}});
                    let policy = json!({"official_account": step, "mini_program": step});
                    self.admin("PUT", "policy", policy);
                }
                Step::Decide { by, decision } => {
                    let body =
                        json!({"account": ACCOUNT, "appid": APPID, "by": by, "decision": decision});
                    // Nobody may be asked, or somebody else.
                    let _ = self.0.admin("POST", "approvals", &body);
                }
                Step::Ensure {
                    wait_ms,
                    killed_after_ms: Some(ms),
                } => {
                    thread::scope(|s| {
                        let call = s.spawn(|| World::ensure(&client, *wait_ms));
                        thread::sleep(Duration::from_millis(*ms));
                        client.cancel();
                        call.join().unwrap();
                    });
                    // Whoever comes after knows nothing of it.
                    client = self.client();
                }
                Step::Ensure { wait_ms, .. } => {
                    let before = self.links();
                    let told = World::ensure(&client, *wait_ms);
                    let sent = self.links() - before;
                    let now = self.state();
                    prop_assert!(sent <= u64::from(told.posts()), "{sent} sent: {told:?}");
                    if told.delivery() == Delivery::NeverSent {
                        prop_assert_eq!(sent, 0, "never sent? {:?}", told);
                    }
                    // Those are for ever, as far as this story goes.
                    match told.status() {
                        Status::Ok => prop_assert_eq!(now, LinkState::Linked),
                        Status::Declined => prop_assert_eq!(now, LinkState::Declined),
                        _ => {}
                    }
                    if sent > 0 && told.error().is_some() {
                        prop_assert_ne!(told.delivery(), Delivery::NeverSent, "lost: {:?}", told);
                    }
                }
            }
            let sent = self.links();
            prop_assert!(sent <= meant, "{sent} links, {meant} meant, after {step:?}");
            let over = matches!(self.state(), LinkState::Vanished | LinkState::Declined);
            if over && sent > ended {
                (ended, meant) = (sent, meant + 1);
            }
        }

        // In the end nothing goes wrong any more, and one more caller is told how things stand.
        self.admin("DELETE", "faults", Value::Null);
        self.admin("PUT", "policy", json!({}));
        // A decision may fall just after it was told.
        let before = self.state();
        let told = self.settled();
        prop_assert!(told.error().is_none(), "{told:?} {}", told.trace());
        let told_right = told.state() == before || told.state() == self.state();
        prop_assert!(told_right, "{before:?}, {told:?}, {:?}", self.state());
        prop_assert!(self.links() <= meant);
        Ok(())
    }

    /// The last caller, whose machine is not in a hurry.
    fn settled(&self) -> LinkProgress {
        let mut patient = Options::new();
        patient.set("base_url", self.0.http_url()).unwrap();
        World::ensure(&Client::new(&patient).unwrap(), 0)
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect(name))
}

#[test]
fn no_story_ends_with_two_invitations() {
    let runs = u32::try_from(number("WXLINK_MODEL_RUNS", 120)).unwrap();
    let seed = number("WXLINK_MODEL_SEED", 1);
    thread::scope(|s| {
        for thread in 0..THREADS {
            s.spawn(move || {
                let config = Config {
                    cases: runs / u32::from(THREADS),
                    failure_persistence: None,
                    max_shrink_iters: 500,
                    ..Config::default()
                };
                let mut bytes = [thread; 32];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
                let world = World(Sandbox::start(Settings::default()).unwrap());
                let story = prop::collection::vec(step(), 1..12);
                TestRunner::new_with_rng(config, rng)
                    .run(&story, |story| world.tell(&story))
                    .unwrap_or_else(|e| panic!("WXLINK_MODEL_SEED={seed}: {e}"));
            });
        }
    });
}
