//! Random stories about one link: faults, delays, callers that are killed, and administrators who
//! decide in between. In every story, no more invitations are sent than intended, and the result
//! that the last caller gets agrees with the simulator's state.
//!
//! `WXLINK_MODEL_RUNS=10000` runs the long form, and `WXLINK_MODEL_SEED` selects other stories. If
//! a story fails, the test shortens it as far as it still fails, and prints it.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use wxlink::{Client, Delivery, LinkChoices, LinkProgress, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const ACCOUNT: &str = "wx0a00000000000001";
const APPID: &str = "wx0b00000000000001";
/// Short, because every call that meets a silent server takes this long.
const TIMEOUT_MS: u64 = 150;
/// Short, because the last caller waits until the claims of the others have ended.
const SETTLE_MS: u64 = 100;
const THREADS: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// The next requests fail in some way.
    Fault(Value),
    /// A process calls `ensure_linked`, and may be killed during the call.
    Ensure {
        wait_ms: u64,
        killed_after_ms: Option<u64>,
    },
    /// An administrator decides, if WeChat has asked them.
    Decide {
        by: &'static str,
        decision: &'static str,
    },
    /// The administrators agree after the list was read so many times.
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

/// The simulator, and the number of stories it has seen. Each story has a token of its own, so that
/// no claim of an earlier one stands.
struct World(Sandbox, Cell<u32>);

impl World {
    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.0.admin(method, path, &body).unwrap()
    }

    fn account(&self) -> Value {
        let mut state = self.admin("GET", "state", Value::Null);
        state["world"]["accounts"][ACCOUNT].take()
    }

    /// How many links took effect, whatever the response was: each may have messaged the followers.
    fn links(&self) -> u64 {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        counts["processed"]["link"].as_u64().unwrap()
    }

    /// The link's state, as the caller should see it.
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

    fn token(&self) -> String {
        format!("STORY-{}", self.1.get())
    }

    fn client(&self) -> Client {
        self.client_with(TIMEOUT_MS)
    }

    fn client_with(&self, timeout_ms: u64) -> Client {
        let mut options = Options::new();
        options.set("base_url", self.0.http_url()).unwrap();
        options.set("timeout_ms", &timeout_ms.to_string()).unwrap();
        options.set("settle_ms", &SETTLE_MS.to_string()).unwrap();
        options.set("access_token", &self.token()).unwrap();
        Client::new(&options).unwrap()
    }

    fn ensure(client: &Client, wait_ms: u64) -> LinkProgress {
        let choices = LinkChoices {
            notify_users: true,
            show_profile: true,
        };
        client.ensure_linked(None, APPID, choices, Duration::from_millis(wait_ms))
    }

    fn run(&self, story: &[Step]) -> Result<(), TestCaseError> {
        self.admin("POST", "reset", Value::Null);
        self.1.set(self.1.get() + 1);
        let token = json!({"account": ACCOUNT, "kind": "good"});
        self.admin("PUT", &format!("tokens/{}", self.token()), token);
        let mut client = self.client();
        // After an invitation was declined or vanished, another one is allowed.
        let mut allowed = 1;
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
                    // Fails if WeChat has not asked this administrator.
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
                    // The next caller is a new process, which knows nothing of this call.
                    client = self.client();
                }
                Step::Ensure { wait_ms, .. } => {
                    let before = self.links();
                    let progress = World::ensure(&client, *wait_ms);
                    let sent = self.links() - before;
                    let now = self.state();
                    prop_assert!(
                        sent <= u64::from(progress.posts()),
                        "{sent} sent: {progress:?}"
                    );
                    if progress.delivery() == Delivery::NeverSent {
                        prop_assert_eq!(sent, 0, "never sent? {:?}", progress);
                    }
                    // These states do not change any more within a story.
                    match progress.status() {
                        Status::Ok => prop_assert_eq!(now, LinkState::Linked),
                        Status::Declined => prop_assert_eq!(now, LinkState::Declined),
                        _ => {}
                    }
                    if sent > 0 && progress.error().is_some() {
                        prop_assert_ne!(
                            progress.delivery(),
                            Delivery::NeverSent,
                            "lost: {:?}",
                            progress
                        );
                    }
                }
            }
            let sent = self.links();
            prop_assert!(
                sent <= allowed,
                "{sent} links, {allowed} allowed, after {step:?}"
            );
            let has_ended = matches!(self.state(), LinkState::Vanished | LinkState::Declined);
            if has_ended && sent > ended {
                (ended, allowed) = (sent, allowed + 1);
            }
        }

        // Finally, without faults and claims, one more caller must see the simulator's state.
        thread::sleep(Duration::from_millis(TIMEOUT_MS + SETTLE_MS));
        self.admin("DELETE", "faults", Value::Null);
        self.admin("PUT", "policy", json!({}));
        // An administrator may decide during or right after the call.
        let before = self.state();
        let last = self.final_ensure();
        prop_assert!(last.error().is_none(), "{last:?} {}", last.trace());
        let after = self.state();
        let is_right = last.state() == before || last.state() == after;
        prop_assert!(is_right, "{before:?}, {last:?}, {after:?}");
        prop_assert!(self.links() <= allowed);
        Ok(())
    }

    /// The last caller, with a time limit that a busy machine does not reach.
    fn final_ensure(&self) -> LinkProgress {
        World::ensure(&self.client_with(10_000), 0)
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect(name))
}

#[test]
fn no_story_sends_two_invitations() {
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
                let world = World(Sandbox::start(Settings::default()).unwrap(), Cell::new(0));
                let story = prop::collection::vec(step(), 1..12);
                TestRunner::new_with_rng(config, rng)
                    .run(&story, |story| world.run(&story))
                    .unwrap_or_else(|e| panic!("WXLINK_MODEL_SEED={seed}: {e}"));
            });
        }
    });
}
