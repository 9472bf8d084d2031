//! `ensure_linked` and `wait_linked`: whatever fails, at most one link is processed, and the result
//! agrees with the simulator's state.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::{Client, Delivery, LinkChoices, LinkProgress, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const ACCOUNT: &str = "wx0a00000000000001";
const TOKEN: &str = "SANDBOX-TOKEN";
const APPID: &str = "wx0b00000000000001";
const GH_ID: &str = "gh_000000000001";
const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: true,
};

struct Bench {
    sandbox: Sandbox,
    client: Client,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(&[])
    }

    fn with(set: &[(&str, &str)]) -> Bench {
        let sandbox = Sandbox::start(Settings::default()).unwrap();
        let mut options = Options::new();
        options.set("base_url", sandbox.http_url()).unwrap();
        options.set("timeout_ms", "20000").unwrap();
        for (key, value) in set {
            options.set(key, value).unwrap();
        }
        let client = Client::new(&options).unwrap();
        Bench { sandbox, client }
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.sandbox.admin(method, path, &body).unwrap()
    }

    fn decide(&self, by: &str, decision: &str) {
        let body = json!({"account": ACCOUNT, "appid": APPID, "by": by, "decision": decision});
        self.admin("POST", "approvals", body);
    }

    fn policy(&self, policy: Value) {
        self.admin("PUT", "policy", policy);
    }

    fn fault(&self, fault: Value) {
        self.admin("POST", "faults", fault);
    }

    /// Makes all reads of the list hang but the first.
    fn hang_lists_after_the_first(&self) {
        self.fault(json!({"endpoint": "get", "fault": {"delay_ms": 1}}));
        self.fault(json!({"endpoint": "get", "fault": "hang", "always": true}));
    }

    /// How many links the simulator has received and processed.
    fn links(&self) -> (u64, u64) {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        let count = |what: &str| counts[what]["link"].as_u64().unwrap();
        (count("received"), count("processed"))
    }

    fn ensure(&self, wait_ms: u64) -> LinkProgress {
        let wait = Duration::from_millis(wait_ms);
        without_token(self.client.ensure_linked(TOKEN, APPID, QUIET, wait))
    }

    fn wait(&self, id: &str, wait_ms: u64) -> LinkProgress {
        without_token(
            self.client
                .wait_linked(TOKEN, id, Duration::from_millis(wait_ms)),
        )
    }
}

/// Checks that no text of the result contains the token, and returns the result.
fn without_token(progress: LinkProgress) -> LinkProgress {
    let texts = format!(
        "{progress:?}{}{}{}",
        progress.message(),
        progress.trace(),
        progress.json()
    );
    assert!(!texts.contains(TOKEN), "{texts}");
    progress
}

#[track_caller]
fn expect(progress: &LinkProgress, status: Status, state: LinkState, posts: u32) {
    let got = (progress.status(), progress.state(), progress.posts());
    assert_eq!(
        got,
        (status, state, posts),
        "{}\n{}",
        progress.json(),
        progress.trace()
    );
}

#[test]
fn repeated_calls_post_one_link() {
    let b = Bench::new();
    let p = b.ensure(0);
    expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
    assert_eq!(p.found(), LinkState::Absent);
    assert!(
        p.message().contains("Official Account's administrator"),
        "{}",
        p.message()
    );
    assert_eq!(p.json()["waits_for"], "official_account");
    assert_eq!(p.item().unwrap()["appid"], APPID);

    b.decide("official_account", "agree");
    let p = b.ensure(0);
    expect(&p, Status::Pending, LinkState::AwaitingMiniProgram, 0);
    b.decide("mini_program", "agree");
    let p = b.ensure(0);
    expect(&p, Status::Ok, LinkState::Linked, 0);
    assert_eq!((p.message().as_str(), p.errcode()), ("", 0));
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn ensure_waits_for_the_administrators() {
    let b = Bench::new();
    b.policy(
        json!({"official_account": {"when": {"polls": 2}}, "mini_program": {"when": {"polls": 2}}}),
    );
    let p = b.ensure(60_000);
    expect(&p, Status::Ok, LinkState::Linked, 1);
    assert_eq!(p.found(), LinkState::Absent);
}

#[test]
fn the_wait_ends_after_its_time() {
    let b = Bench::new();
    let started = Instant::now();
    let p = b.ensure(300);
    expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(5),
        "{took:?}"
    );
}

#[test]
fn a_refusal_is_found_although_its_item_has_no_appid() {
    let b = Bench::new();
    b.policy(json!({"official_account": {"when": {"polls": 1}},
                    "mini_program": {"when": {"polls": 1}, "decision": "refuse"}}));
    let p = b.ensure(60_000);
    expect(&p, Status::Declined, LinkState::Declined, 1);
    assert!(p.item().unwrap().get("appid").is_none());
    // By the original id, the item is found even if this client has not seen it before.
    expect(&b.wait(GH_ID, 0), Status::Declined, LinkState::Declined, 0);
}

#[test]
fn an_item_that_disappears_has_vanished() {
    let b = Bench::new();
    b.policy(json!({"official_account": {"when": {"polls": 2}, "decision": "vanish"}}));
    let p = b.ensure(60_000);
    expect(&p, Status::Vanished, LinkState::Vanished, 1);
    expect(
        &b.wait(APPID, 200),
        Status::Vanished,
        LinkState::Vanished,
        0,
    );
    expect(&b.wait(APPID, 0), Status::Vanished, LinkState::Vanished, 0);
}

#[test]
fn wait_accepts_either_id_and_posts_nothing() {
    let b = Bench::new();
    b.ensure(0);
    expect(
        &b.wait(APPID, 0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        0,
    );
    expect(
        &b.wait(GH_ID, 0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        0,
    );
    b.decide("official_account", "agree");
    b.decide("mini_program", "agree");
    expect(&b.wait(GH_ID, 1000), Status::Ok, LinkState::Linked, 0);
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn errcodes_for_an_existing_invitation_or_link_are_not_failures() {
    for (code, status, state) in [
        (89010, Status::Pending, LinkState::AwaitingAdministrator),
        (89035, Status::Pending, LinkState::AwaitingAdministrator),
        (89015, Status::Ok, LinkState::Linked),
    ] {
        let b = Bench::new();
        b.fault(
            json!({"endpoint": "link", "fault": {"errcode": {"code": code}}, "when": "before"}),
        );
        expect(&b.ensure(0), status, state, 1);
    }
}

#[test]
fn a_lost_outcome_is_found_in_the_list_and_not_posted_again() {
    let lost = [
        json!({"drop": "close"}),
        json!({"drop": "reset"}),
        json!("garbage"),
        json!({"status": {"code": 502}}),
        json!({"errcode": {"code": -1}}),
        json!({"body": {"text": "", "status": 200}}),
        json!({"redirect": {"code": 307, "location": "http://example.invalid/"}}),
        json!({"huge": {"bytes": 10_000_000}}),
        json!({"deep": {"levels": 1000}}),
        json!("hang"),
    ];
    for fault in lost {
        let b = Bench::with(&[("timeout_ms", "3000")]);
        b.fault(json!({"endpoint": "link", "fault": fault, "when": "after"}));
        // After `hang` has used up the time limit, the wait must leave time for reading the list,
        // also on a busy machine.
        let p = b.ensure(if fault == "hang" { 8000 } else { 1000 });
        expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
        assert_eq!(b.links(), (1, 1), "{fault}");
    }
}

#[test]
fn a_wait_invites_only_by_a_list_that_it_has_just_read() {
    let b = Bench::with(&[("max_retries", "0")]);
    // Another call's claim, which ends during the wait.
    let mut options = Options::new();
    options.set("settle_ms", "3000").unwrap();
    let another = b.client.derive(&options).unwrap();
    b.fault(json!({"endpoint": "link", "fault": {"drop": "reset"}, "when": "before"}));
    another.link_miniprogram(TOKEN, APPID, QUIET).unwrap_err();

    b.fault(json!({"endpoint": "get", "fault": {"delay_ms": 1}}));
    b.fault(json!({"endpoint": "get", "fault": {"status": {"code": 502}}, "always": true}));
    expect(&b.ensure(4500), Status::InDoubt, LinkState::InDoubt, 0);
    assert_eq!(b.links(), (1, 0));
    // The claim had ended: with a list, the next call invites.
    b.admin("DELETE", "faults", Value::Null);
    expect(
        &b.ensure(0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        1,
    );
}

#[test]
fn an_invitation_whose_outcome_is_unknown_is_posted_again_only_after_the_settle_time() {
    let lost = json!({"drop": "close"});
    let busy = json!({"errcode": {"code": -1}});
    for (fault, status) in [(lost, Status::ConnectionLost), (busy, Status::Api)] {
        let b = Bench::with(&[("settle_ms", "3000"), ("max_retries", "2")]);
        b.fault(json!({"endpoint": "link", "fault": fault, "when": "before", "always": true}));
        let p = b.ensure(0);
        expect(&p, status, LinkState::InDoubt, 1);
        assert_eq!(b.links(), (1, 0), "{fault}");
        // One read before the post and two after it.
        let counts = b.admin("GET", "journal/counts", Value::Null);
        assert_eq!(counts["received"]["get"], 3);
        b.admin("DELETE", "faults", Value::Null);
        let mut p = b.ensure(0);
        expect(&p, Status::InDoubt, LinkState::InDoubt, 0);
        let retry_after = p.retry_after();
        assert!(!retry_after.is_zero() && retry_after <= Duration::from_secs(3));
        assert_eq!(b.links(), (1, 0), "{fault}");
        let give_up = Instant::now() + Duration::from_secs(60);
        while p.status() == Status::InDoubt {
            assert!(Instant::now() < give_up, "the claim does not end");
            thread::sleep(p.retry_after().min(Duration::from_millis(100)));
            p = b.ensure(0);
        }
        expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
        assert_eq!(b.links(), (2, 1), "{fault}");
    }
}

#[test]
fn a_wait_does_not_post_again() {
    let b = Bench::new();
    b.fault(
        json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "before", "always": true}),
    );
    let p = b.ensure(500);
    expect(&p, Status::ConnectionLost, LinkState::InDoubt, 1);
    assert_eq!(p.delivery(), Delivery::Unknown);
    assert_eq!(b.links(), (1, 0));
}

#[test]
fn an_invitation_that_takes_effect_late_is_not_posted_twice() {
    let b = Bench::new();
    // A gateway resets the connection, and forwards the request later.
    let hour_ms = 3_600_000;
    b.fault(json!({"endpoint": "link", "fault": {"drop": "reset"}, "effect_after_ms": hour_ms}));
    expect(&b.ensure(0), Status::ConnectionLost, LinkState::InDoubt, 1);
    expect(&b.ensure(0), Status::InDoubt, LinkState::InDoubt, 0);
    let client = &b.client;
    thread::scope(|s| {
        let waiting =
            s.spawn(|| client.ensure_linked(TOKEN, APPID, QUIET, Duration::from_secs(60)));
        b.policy(json!({"official_account": {"when": "immediate"},
                        "mini_program": {"when": "immediate"}}));
        b.admin("POST", "clock", json!({"advance_s": hour_ms / 1000}));
        expect(&waiting.join().unwrap(), Status::Ok, LinkState::Linked, 0);
    });
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn a_vanished_invitation_is_remembered_for_its_account_and_repeated_only_on_request() {
    let b = Bench::with(&[("settle_ms", "1"), ("account", ACCOUNT)]);
    expect(
        &b.ensure(0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        1,
    );
    b.decide("official_account", "vanish");
    for _ in 0..3 {
        expect(&b.ensure(0), Status::Vanished, LinkState::Vanished, 0);
    }
    assert_eq!(b.links(), (1, 1));
    let again = b
        .client
        .derive(Options::new().set("reinvite", "yes").unwrap())
        .unwrap();
    let p = again.ensure_linked(TOKEN, APPID, QUIET, Duration::ZERO);
    expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
    // Once it was linked, a later unlinking is no refusal.
    b.decide("official_account", "agree");
    b.decide("mini_program", "agree");
    expect(&b.ensure(0), Status::Ok, LinkState::Linked, 0);
    b.admin("PUT", &format!("accounts/{ACCOUNT}"), json!({"links": []}));
    expect(
        &b.ensure(0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        1,
    );
}

#[test]
fn without_a_list_nothing_is_posted_or_assumed() {
    let b = Bench::with(&[("max_retries", "0")]);
    let no_list = || json!({"endpoint": "get", "fault": {"drop": "close"}, "always": true});
    b.fault(no_list());
    let p = b.ensure(0);
    assert_eq!((p.status(), p.posts()), (Status::ConnectionLost, 0));
    assert_eq!(b.links(), (0, 0));

    // The list can be read before the post but not after it: the outcome stays unknown.
    let b = Bench::with(&[("max_retries", "0"), ("timeout_ms", "2000")]);
    b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
    let sandbox = &b.sandbox;
    thread::scope(|s| {
        s.spawn(|| {
            // Break the list after the post has arrived.
            while b.links().0 == 0 {
                thread::yield_now();
            }
            sandbox.admin("POST", "faults", &no_list()).unwrap();
        });
        let p = b.ensure(0);
        assert_eq!(
            (p.status(), p.delivery()),
            (Status::Timeout, Delivery::Unknown)
        );
        assert_eq!(p.posts(), 1);
    });
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn a_list_that_is_not_valid_is_never_taken_for_an_empty_one() {
    for body in [
        r#"{}"#,
        r#"{"ErrCode":48001}"#,
        r#"{"base_resp":{"ret":0}}"#,
        r#"{"errcode":0,"wxopens":"x"}"#,
        r#"{"errcode":0,"wxopens":{"items":{}}}"#,
        r#"{"errcode":0,"wxopens":{"items":[{"appid":5}]}}"#,
        r#"{"errcode":0,"wxopens":{"items":[{"appid":"wx0b0000000000000\ud83d"}]}}"#,
        r#"{"errcode":0,"wxopens":{"items":[{"appid":"wx0b00000000000001","status":"x"}]}}"#,
    ] {
        let b = Bench::new();
        let fault = json!({"body": {"text": body}});
        b.fault(json!({"endpoint": "get", "fault": fault, "always": true}));
        expect(&b.ensure(0), Status::BadAnswer, LinkState::Unknown, 0);
        expect(&b.wait(APPID, 0), Status::BadAnswer, LinkState::Unknown, 0);
        assert_eq!(b.links(), (0, 0), "{body}");
    }
}

#[test]
fn a_name_that_cannot_be_read_does_not_hide_the_mini_program() {
    let b = Bench::new();
    let item = "{\"appid\":\"wx0b00000000000001\",\"status\":1,\"nickname\":\"a\n\"}";
    let body = format!("{{\"errcode\":0,\"wxopens\":{{\"items\":[{item}]}}}}\0");
    b.fault(json!({"endpoint": "get", "fault": {"body": {"text": body}}, "always": true}));
    let p = b.ensure(0);
    expect(&p, Status::Ok, LinkState::Linked, 0);
    assert_eq!(p.item().unwrap()["nickname"], "a\u{FFFD}");
    assert!(p.trace().contains(r#""repaired":true"#), "{}", p.trace());
    assert_eq!(b.links(), (0, 0));
}

#[test]
fn an_answer_without_an_errcode_is_not_an_invitation() {
    for body in [
        r#"{"ErrCode":48001}"#,
        r#"{"code":0}"#,
        r#"{"base_resp":{"ret":0}}"#,
    ] {
        // Without a claim: a later simulator of this process may get the same port.
        let b = Bench::with(&[("settle_ms", "0")]);
        let fault = json!({"body": {"text": body}});
        b.fault(json!({"endpoint": "link", "when": "before", "fault": fault}));
        let p = b.ensure(0);
        expect(&p, Status::BadAnswer, LinkState::InDoubt, 1);
        assert_eq!(p.delivery(), Delivery::Unknown);
    }
}

#[test]
fn a_refused_token_ends_a_wait_but_a_failed_read_does_not() {
    let b = Bench::with(&[("max_retries", "0")]);
    b.ensure(0);
    b.policy(
        json!({"official_account": {"when": "immediate"}, "mini_program": {"when": "immediate"}}),
    );
    b.decide("official_account", "agree");
    for fault in [
        json!({"drop": "close"}),
        json!("garbage"),
        json!({"errcode": {"code": 45011}}),
    ] {
        b.fault(json!({"endpoint": "get", "fault": fault}));
    }
    expect(&b.wait(APPID, 60_000), Status::Ok, LinkState::Linked, 0);

    let b = Bench::new();
    b.ensure(0);
    let (client, id) = (&b.client, APPID);
    thread::scope(|s| {
        let waiting = s.spawn(|| client.wait_linked(TOKEN, id, Duration::from_secs(60)));
        b.fault(json!({"endpoint": "get", "fault": {"errcode": {"code": 42001}}}));
        let p = waiting.join().unwrap();
        assert_eq!(
            (p.status(), p.errcode()),
            (Status::Api, 42001),
            "{}",
            p.json()
        );
        assert_ne!(p.state(), LinkState::Linked);
    });
}

#[test]
fn a_refusal_ends_the_call_with_its_remedy() {
    let b = Bench::new();
    let choices = QUIET;
    let p = b
        .client
        .ensure_linked(TOKEN, "wx0b000000000000e3", choices, Duration::ZERO);
    assert_eq!(
        (p.status(), p.errcode(), p.posts()),
        (Status::Api, 89245, 1)
    );
    assert!(p.message().contains("89245"), "{}", p.message());
    let p = b
        .client
        .ensure_linked("SANDBOX-EXPIRED", APPID, choices, Duration::from_secs(60));
    assert_eq!(
        (p.status(), p.errcode(), p.posts()),
        (Status::Api, 42001, 0)
    );
}

#[test]
fn a_cancelled_wait_ends_and_other_handles_still_work() {
    let b = Bench::new();
    b.ensure(0);
    let derived = b.client.derive(&Options::new()).unwrap();
    let started = Instant::now();
    thread::scope(|s| {
        let waiting = s.spawn(|| derived.wait_linked(TOKEN, APPID, Duration::from_secs(600)));
        while b.admin("GET", "journal/counts", Value::Null)["received"]["get"]
            .as_u64()
            .unwrap()
            < 3
        {
            thread::yield_now();
        }
        derived.cancel();
        let p = waiting.join().unwrap();
        assert_eq!(p.status(), Status::Cancelled);
        // The read that was cancelled may have been the first.
        assert!(matches!(
            p.state(),
            LinkState::AwaitingOfficialAccount | LinkState::Unknown
        ));
    });
    assert!(started.elapsed() < Duration::from_secs(60));
    expect(
        &b.wait(APPID, 0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        0,
    );
}

#[test]
fn concurrent_calls_make_one_link() {
    // Several calls may see an empty list. One of them gets the claim and posts.
    let b = Bench::new();
    thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                let p = b.ensure(0);
                assert_eq!(p.status(), Status::Pending, "{}", p.json());
            });
        }
    });
    assert_eq!(b.links(), (1, 1));
    assert_eq!(
        b.admin("GET", "state", Value::Null)["world"]["accounts"][ACCOUNT]["links"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_client_that_has_seen_an_invitation_recognises_its_refusal() {
    let b = Bench::new();
    expect(
        &b.ensure(0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        1,
    );
    b.decide("official_account", "agree");
    b.decide("mini_program", "refuse");
    // By the appid, which the list no longer contains; also on a derived handle.
    expect(&b.ensure(0), Status::Declined, LinkState::Declined, 0);
    let other = b.client.derive(&Options::new()).unwrap();
    let p = without_token(other.ensure_linked(TOKEN, APPID, QUIET, Duration::ZERO));
    expect(&p, Status::Declined, LinkState::Declined, 0);
}

#[test]
fn a_lost_link_that_is_refused_before_a_list_shows_it_is_not_posted_again() {
    let b = Bench::new();
    let refuse = json!({"when": "immediate", "decision": "refuse"});
    b.policy(json!({"official_account": {"when": "immediate"}, "mini_program": refuse}));
    // The list also contains another refused item, which has no appid either.
    let others = json!({"links": [{"appid": "wx0b00000000000002", "state": "refused"}]});
    b.admin("PUT", &format!("accounts/{ACCOUNT}"), others);
    b.fault(json!({"endpoint": "link", "fault": {"drop": "reset"}, "when": "after"}));
    let p = b.ensure(0);
    expect(&p, Status::Declined, LinkState::Declined, 1);
    assert_eq!(p.item().unwrap()["username"], GH_ID);
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn one_list_serves_many_calls() {
    let bench = Bench::new();
    let reads = || {
        let counts = bench.admin("GET", "journal/counts", Value::Null);
        counts["received"]["get"].as_u64().unwrap()
    };
    let list = bench.client.get_linked(TOKEN).unwrap();
    let ensure = |appid: &str| {
        let progress = bench
            .client
            .ensure_linked_in(&list, TOKEN, appid, QUIET, &mut || true);
        without_token(progress)
    };
    for n in 1..=3 {
        let progress = ensure(&format!("wx0b{n:014x}"));
        assert_eq!(progress.status(), Status::Pending);
        assert_eq!((progress.found(), progress.posts()), (LinkState::Absent, 1));
    }
    // One read for all of them, and none after a successful post.
    assert_eq!((bench.links(), reads()), ((3, 3), 1));

    // If the list shows the mini program, nothing is posted.
    let list = bench.client.get_linked(TOKEN).unwrap();
    let progress = bench
        .client
        .ensure_linked_in(&list, TOKEN, APPID, QUIET, &mut || true);
    assert_eq!((progress.posts(), progress.status()), (0, Status::Pending));
    assert_eq!(progress.state(), LinkState::AwaitingOfficialAccount);
    assert_eq!((bench.links(), reads()), ((3, 3), 2));

    // The caller withholds a post, and makes it later: nothing is claimed meanwhile.
    let appid = "wx0b00000000000005";
    let progress = bench
        .client
        .ensure_linked_in(&list, TOKEN, appid, QUIET, &mut || false);
    assert_eq!((progress.posts(), progress.state()), (0, LinkState::Absent));
    assert!(progress.error().is_none());
    assert_eq!((bench.links(), reads()), ((3, 3), 2));
    assert_eq!(ensure(appid).posts(), 1);

    // A lost outcome is looked up in a new list.
    bench.fault(json!({"endpoint": "link", "when": "after", "fault": {"drop": "reset"}}));
    let progress = ensure("wx0b00000000000004");
    assert_eq!((progress.posts(), progress.status()), (1, Status::Pending));
    assert_eq!((bench.links(), reads()), ((5, 5), 3));
}

/// Runs a call on a derived handle, and cancels the handle as soon as `reached` holds.
fn cancelled<T: Send>(
    b: &Bench,
    lang: &str,
    reached: impl Fn() -> bool,
    call: impl FnOnce(&Client) -> T + Send,
) -> T {
    let mut options = Options::new();
    options.set("lang", lang).unwrap();
    options.set("timeout_ms", "600000").unwrap();
    let handle = b.client.derive(&options).unwrap();
    thread::scope(|s| {
        let running = s.spawn(|| call(&handle));
        while !reached() {
            thread::sleep(Duration::from_millis(5));
        }
        handle.cancel();
        running.join().unwrap()
    })
}

/// How many requests for the list the simulator has received.
fn lists(b: &Bench) -> u64 {
    let counts = b.admin("GET", "journal/counts", Value::Null);
    counts["received"]["get"].as_u64().unwrap()
}

/// Runs `ensure`, and cancels it as soon as `reached` holds.
fn cancelled_ensure(b: &Bench, lang: &str, reached: impl Fn() -> bool) -> LinkProgress {
    let wait = Duration::from_secs(600);
    let p = cancelled(b, lang, reached, |c| {
        c.ensure_linked(TOKEN, APPID, QUIET, wait)
    });
    assert_eq!(p.status(), Status::Cancelled, "{}", p.json());
    assert_eq!(p.json()["errmsg"], p.message());
    without_token(p)
}

#[track_caller]
fn expect_message(message: &str, expected: &str, not: &[&str]) {
    assert!(message.contains(expected), "{message}");
    for absent in ["delivery", "repeat"].iter().chain(not) {
        assert!(!message.contains(absent), "{message}");
    }
}

#[test]
fn a_cancelled_ensure_says_that_an_invitation_was_posted() {
    for (lang, expected) in [
        (
            "en",
            "An invitation was posted and is awaiting the Official Account's administrator",
        ),
        ("zh", "关联邀请已发出，正在等待公众号管理员确认"),
    ] {
        let b = Bench::new();
        // When the list is requested for the third time, the second one has shown the invitation.
        let p = cancelled_ensure(&b, lang, || b.links().0 == 1 && lists(&b) >= 3);
        expect_message(
            &p.message(),
            expected,
            &["safe", "unknown", "may have acted"],
        );
        assert_eq!(
            (p.json()["state"].as_str(), p.posts()),
            (Some("pending"), 1)
        );
    }
}

#[test]
fn a_cancelled_ensure_says_that_the_outcome_of_its_post_is_unknown() {
    for (lang, expected) in [
        (
            "en",
            "An invitation was posted and its outcome is unknown: the next call reads the list \
             first, and posts nothing while this one may take effect.",
        ),
        (
            "zh",
            "关联邀请已发送，但结果未知：再次调用时会先查询列表，在其仍可能生效期间不会再次发送。",
        ),
    ] {
        // The post is not answered.
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
        let p = cancelled_ensure(&b, lang, || b.links().0 == 1);
        expect_message(&p.message(), expected, &["safe", "awaiting"]);
        assert_eq!((p.state(), p.posts()), (LinkState::Unknown, 1));
        assert_eq!(p.delivery(), Delivery::Unknown);

        // The post's connection breaks, and the next read of the list hangs.
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "after"}));
        b.hang_lists_after_the_first();
        let p = cancelled_ensure(&b, lang, || lists(&b) == 2);
        expect_message(&p.message(), expected, &["safe", "awaiting"]);
        assert_eq!((p.state(), p.posts()), (LinkState::Unknown, 1));
        assert_eq!(p.delivery(), Delivery::Unknown);
    }
}

#[test]
fn a_cancelled_ensure_says_that_nothing_was_posted() {
    for (lang, nothing, earlier, waiting) in [
        (
            "en",
            "Nothing was posted.",
            "Nothing new was posted: \
             an earlier invitation is awaiting the Official Account's administrator.",
            "An invitation is awaiting the Official Account's administrator.",
        ),
        (
            "zh",
            "未发送关联邀请。",
            "未发送新的邀请：此前的关联邀请正在等待公众号管理员确认。",
            "关联邀请正在等待公众号管理员确认。",
        ),
    ] {
        let b = Bench::new();
        b.fault(json!({"endpoint": "get", "fault": "hang"}));
        let p = cancelled_ensure(&b, lang, || lists(&b) == 1);
        expect_message(&p.message(), nothing, &["may have acted", "unknown"]);
        assert_eq!(p.posts(), 0);

        let b = Bench::new();
        b.ensure(0);
        let before = lists(&b);
        let p = cancelled_ensure(&b, lang, || lists(&b) >= before + 2);
        expect_message(&p.message(), earlier, &["may have acted", "unknown"]);
        assert_eq!(p.posts(), 0);
        let before = lists(&b);
        let reached = || lists(&b) >= before + 2;
        let p = cancelled(&b, lang, reached, |c| {
            c.wait_linked(TOKEN, APPID, Duration::from_secs(600))
        });
        expect_message(
            &p.message(),
            waiting,
            &["may have acted", "unknown", "posted"],
        );
    }
}

#[test]
fn an_ensure_that_timed_out_says_what_it_did() {
    // The post's connection breaks, and no list shows its outcome.
    let b = Bench::with(&[("timeout_ms", "1000"), ("max_retries", "0")]);
    b.fault(json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "after"}));
    b.hang_lists_after_the_first();
    let p = b.ensure(0);
    assert_eq!(p.posts(), 1);
    expect_message(
        &p.message(),
        "An invitation was posted and its outcome is unknown",
        &["awaiting"],
    );
    // The list cannot be read at all, so nothing is posted.
    let b = Bench::with(&[("timeout_ms", "500"), ("max_retries", "0")]);
    b.fault(json!({"endpoint": "get", "fault": "hang", "always": true}));
    let p = b.ensure(0);
    assert_eq!((p.status(), p.posts()), (Status::Timeout, 0));
    expect_message(
        &p.message(),
        "The request only reads: it is safe to call again. Nothing was posted.",
        &["may have acted"],
    );
}

#[test]
fn a_cancelled_link_says_that_wechat_may_have_acted() {
    for (lang, sent, unsent) in [
        (
            "en",
            "WeChat may have acted on it. Read the list",
            "before anything was sent",
        ),
        (
            "zh",
            "微信可能已经处理。再次调用前请先查询列表",
            "在发送任何内容之前已被取消",
        ),
    ] {
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
        let reached = || b.links().0 == 1;
        let link = |c: &Client| c.link_miniprogram(TOKEN, APPID, QUIET).unwrap_err();
        let e = cancelled(&b, lang, reached, link);
        assert_eq!(e.delivery(), Delivery::Unknown);
        expect_message(&e.message(), sent, &[unsent]);

        let mut options = Options::new();
        options.set("lang", lang).unwrap();
        let handle = b.client.derive(&options).unwrap();
        handle.cancel();
        let e = link(&handle);
        assert_eq!(e.delivery(), Delivery::NeverSent);
        expect_message(&e.message(), unsent, &[sent]);
    }
}

#[test]
fn an_item_of_an_unknown_status_is_pending_and_the_message_says_so() {
    let b = Bench::new();
    let body = json!({"errcode": 0, "wxopens": {"items": [{"appid": APPID, "status": 4}]}});
    let fault = json!({"body": {"text": body.to_string()}});
    b.fault(json!({"endpoint": "get", "always": true, "fault": fault}));
    let p = b.ensure(0);
    expect(&p, Status::Pending, LinkState::AwaitingAdministrator, 0);
    assert!(p.message().contains("unknown status 4"), "{p:?}");
}

#[test]
fn a_status_that_cannot_be_read_is_no_invitation() {
    for (status, shown) in [
        (r#""status":null"#, "unknown status null"),
        (r#""selected":1"#, "unknown status null"),
        (r#""status":99999999999999999999"#, "unknown status 1e+20"),
        (r#""status":"77""#, "unknown status \"77\""),
    ] {
        let b = Bench::new();
        let text =
            format!(r#"{{"errcode":0,"wxopens":{{"items":[{{"appid":"{APPID}",{status}}}]}}}}"#);
        b.fault(json!({"endpoint": "get", "always": true, "fault": {"body": {"text": text}}}));
        let p = b.ensure(0);
        expect(&p, Status::Pending, LinkState::AwaitingAdministrator, 0);
        assert!(p.message().contains(shown), "{status}: {}", p.message());
        assert!(!p.message().contains("was sent"), "{}", p.message());
    }
}

#[test]
fn an_item_that_may_be_any_mini_program_leads_to_no_post() {
    for item in [
        json!({"AppId": APPID, "status": 1}),
        json!({}),
        json!({"appid": " ", "username": "", "status": 12}),
    ] {
        let b = Bench::new();
        let text = json!({"errcode": 0, "wxopens": {"items": [item]}}).to_string();
        b.fault(json!({"endpoint": "get", "always": true, "fault": {"body": {"text": text}}}));
        let p = b.ensure(0);
        expect(&p, Status::BadAnswer, LinkState::Unknown, 0);
        assert!(p.message().contains("neither an appid nor"), "{p:?}");
    }
    // Blanks around an id do not hide it.
    let b = Bench::new();
    let item = json!({"appid": format!("{APPID} "), "status": 1});
    let text = json!({"errcode": 0, "wxopens": {"items": [item]}}).to_string();
    b.fault(json!({"endpoint": "get", "always": true, "fault": {"body": {"text": text}}}));
    expect(&b.ensure(0), Status::Ok, LinkState::Linked, 0);
}

#[test]
fn after_an_unknown_errcode_nothing_is_posted_while_the_first_post_may_take_effect() {
    let b = Bench::new();
    b.fault(json!({
        "endpoint": "link",
        "effect_after_ms": 3_600_000,
        "fault": {"errcode": {"code": 99999}},
    }));
    let first = b.ensure(0);
    expect(&first, Status::Api, LinkState::InDoubt, 1);
    assert_eq!(first.errcode(), 99999);
    expect(&b.ensure(0), Status::InDoubt, LinkState::InDoubt, 0);
    assert!(b.ensure(0).message().contains("It can take effect for "));
    assert_eq!(b.links().0, 1);
}

#[test]
fn a_refused_invitation_that_never_was_in_the_list_leaves_the_mini_program_absent() {
    let b = Bench::new();
    b.fault(json!({"endpoint": "link", "fault": {"errcode": {"code": 89007}}}));
    let p = b.ensure(0);
    expect(&p, Status::Api, LinkState::Absent, 1);
}

#[test]
fn a_wait_invites_when_the_claim_of_a_call_that_died_ends() {
    let b = Bench::with(&[("timeout_ms", "2000"), ("settle_ms", "1500")]);
    b.fault(json!({"endpoint": "link", "fault": "hang", "when": "before"}));
    expect(&b.ensure(0), Status::Timeout, LinkState::InDoubt, 1);
    // The claim of that post stands: this call posts when it ends.
    b.policy(json!({"official_account": {"when": {"polls": 1}},
                    "mini_program": {"when": {"polls": 1}}}));
    expect(&b.ensure(60_000), Status::Ok, LinkState::Linked, 1);
    assert_eq!(b.links(), (2, 1));
}
