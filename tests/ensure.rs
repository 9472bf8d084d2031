//! The idempotent verbs: whatever breaks, at most one link is processed, and what is told agrees
//! with what the sandbox knows.

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

    /// Lists hang, but for the first.
    fn no_list_but_the_first(&self) {
        self.fault(json!({"endpoint": "get", "fault": {"delay_ms": 1}}));
        self.fault(json!({"endpoint": "get", "fault": "hang", "always": true}));
    }

    /// Links the sandbox has received and processed.
    fn links(&self) -> (u64, u64) {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        let of = |what: &str| counts[what]["link"].as_u64().unwrap();
        (of("received"), of("processed"))
    }

    fn ensure(&self, wait_ms: u64) -> LinkProgress {
        let wait = Duration::from_millis(wait_ms);
        discreet(self.client.ensure_linked(TOKEN, APPID, QUIET, wait))
    }

    fn wait(&self, id: &str, wait_ms: u64) -> LinkProgress {
        discreet(
            self.client
                .wait_linked(TOKEN, id, Duration::from_millis(wait_ms)),
        )
    }
}

fn discreet(progress: LinkProgress) -> LinkProgress {
    let words = format!(
        "{progress:?}{}{}{}",
        progress.message(),
        progress.trace(),
        progress.json()
    );
    assert!(!words.contains(TOKEN), "{words}");
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
fn a_link_is_posted_once_however_often_it_is_asked_for() {
    let b = Bench::new();
    let p = b.ensure(0);
    expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
    assert_eq!(p.found(), LinkState::Vanished);
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
fn it_waits_for_the_administrators() {
    let b = Bench::new();
    b.policy(
        json!({"official_account": {"when": {"polls": 2}}, "mini_program": {"when": {"polls": 2}}}),
    );
    let p = b.ensure(60_000);
    expect(&p, Status::Ok, LinkState::Linked, 1);
    assert_eq!(p.found(), LinkState::Vanished);
}

#[test]
fn a_wait_ends_with_its_time() {
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
fn a_refusal_is_told_though_its_item_has_no_appid() {
    let b = Bench::new();
    b.policy(json!({"official_account": {"when": {"polls": 1}},
                    "mini_program": {"when": {"polls": 1}, "decision": "refuse"}}));
    let p = b.ensure(60_000);
    expect(&p, Status::Declined, LinkState::Declined, 1);
    assert!(p.item().unwrap().get("appid").is_none());
    // By the original id it is found without having been seen before.
    expect(&b.wait(GH_ID, 0), Status::Declined, LinkState::Declined, 0);
}

#[test]
fn what_was_seen_and_is_gone_has_vanished() {
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
fn wait_goes_by_either_name_and_posts_nothing() {
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
fn codes_that_mean_it_is_on_its_way_are_no_failures() {
    for (code, status, state) in [
        (89010, Status::Pending, LinkState::AwaitingSomebody),
        (89035, Status::Pending, LinkState::AwaitingSomebody),
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
fn an_outcome_that_got_lost_is_looked_up_and_not_posted_again() {
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
        // What is left after the whole limit has to suffice for a look, also on a busy machine.
        let p = b.ensure(if fault == "hang" { 8000 } else { 1000 });
        expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 1);
        assert_eq!(b.links(), (1, 1), "{fault}");
    }
}

#[test]
fn only_a_list_without_a_trace_allows_another_post() {
    for fault in [json!({"drop": "close"}), json!({"errcode": {"code": -1}})] {
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": fault, "when": "before"}));
        let p = b.ensure(0);
        expect(&p, Status::Pending, LinkState::AwaitingOfficialAccount, 2);
        assert_eq!(b.links(), (2, 1), "{fault}");
        // A look before, two without a trace between the posts, one after.
        let counts = b.admin("GET", "journal/counts", Value::Null);
        assert_eq!(counts["received"]["get"], 4);
    }
}

#[test]
fn posts_are_bounded() {
    let b = Bench::with(&[("max_retries", "2")]);
    b.fault(
        json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "before", "always": true}),
    );
    let p = b.ensure(0);
    assert_eq!(
        (p.status(), p.posts()),
        (Status::ConnectionLost, 3),
        "{}",
        p.json()
    );
    assert_eq!(p.delivery(), Delivery::Unknown);
    assert_eq!(b.links(), (3, 0));
}

#[test]
fn without_a_list_nothing_is_posted_and_nothing_is_guessed() {
    let b = Bench::with(&[("max_retries", "0")]);
    let no_list = || json!({"endpoint": "get", "fault": {"drop": "close"}, "always": true});
    b.fault(no_list());
    let p = b.ensure(0);
    assert_eq!((p.status(), p.posts()), (Status::ConnectionLost, 0));
    assert_eq!(b.links(), (0, 0));

    // The list can be read before the post and not after it: the outcome stays unknown.
    let b = Bench::with(&[("max_retries", "0"), ("timeout_ms", "2000")]);
    b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
    let sandbox = &b.sandbox;
    thread::scope(|s| {
        s.spawn(|| {
            // When the post has come, lists end.
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
fn a_bad_poll_does_not_end_a_wait_and_a_refused_token_does() {
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
fn refusals_end_it_with_their_remedy() {
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
fn a_cancelled_wait_ends_at_once_and_other_handles_go_on() {
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
        // The look that was under way may have been the first.
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
fn many_at_once_post_one_link() {
    // Two callers may both see an empty list: WeChat answers the second one 89010.
    let b = Bench::new();
    thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                let p = b.ensure(0);
                assert_eq!(p.status(), Status::Pending, "{}", p.json());
            });
        }
    });
    assert_eq!(
        b.admin("GET", "state", Value::Null)["world"]["accounts"][ACCOUNT]["links"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_client_that_saw_an_invitation_knows_it_when_it_is_refused() {
    let b = Bench::new();
    expect(
        &b.ensure(0),
        Status::Pending,
        LinkState::AwaitingOfficialAccount,
        1,
    );
    b.decide("official_account", "agree");
    b.decide("mini_program", "refuse");
    // By appid, which the list does not have any more; and through a handle of its own.
    expect(&b.ensure(0), Status::Declined, LinkState::Declined, 0);
    let other = b.client.derive(&Options::new()).unwrap();
    let p = discreet(other.ensure_linked(TOKEN, APPID, QUIET, Duration::ZERO));
    expect(&p, Status::Declined, LinkState::Declined, 0);
}

#[test]
fn a_lost_link_that_was_refused_before_it_was_seen_is_not_posted_again() {
    let b = Bench::new();
    let refuse = json!({"when": "immediate", "decision": "refuse"});
    b.policy(json!({"official_account": {"when": "immediate"}, "mini_program": refuse}));
    // The list has refused items of others, which have no appid either.
    let others = json!({"links": [{"appid": "wx0b00000000000002", "state": "refused"}]});
    b.admin("PUT", &format!("accounts/{ACCOUNT}"), others);
    b.fault(json!({"endpoint": "link", "fault": {"drop": "reset"}, "when": "after"}));
    let p = b.ensure(0);
    expect(&p, Status::Declined, LinkState::Declined, 1);
    assert_eq!(p.item().unwrap()["username"], GH_ID);
    assert_eq!(b.links(), (1, 1));
}

#[test]
fn a_list_that_was_read_serves_for_many() {
    let bench = Bench::new();
    let reads = || {
        let counts = bench.admin("GET", "journal/counts", Value::Null);
        counts["received"]["get"].as_u64().unwrap()
    };
    let list = bench.client.get_linked(TOKEN).unwrap();
    let ensure = |appid: &str| {
        let progress = bench.client.ensure_linked_in(&list, TOKEN, appid, QUIET);
        discreet(progress)
    };
    for n in 1..=3 {
        let progress = ensure(&format!("wx0b{n:014x}"));
        assert_eq!(progress.status(), Status::Pending);
        assert_eq!(
            (progress.found(), progress.posts()),
            (LinkState::Vanished, 1)
        );
    }
    // One look for all of them, and none after a yes.
    assert_eq!((bench.links(), reads()), ((3, 3), 1));

    // By a list that shows it nothing is posted.
    let list = bench.client.get_linked(TOKEN).unwrap();
    let progress = bench.client.ensure_linked_in(&list, TOKEN, APPID, QUIET);
    assert_eq!((progress.posts(), progress.status()), (0, Status::Pending));
    assert_eq!(progress.state(), LinkState::AwaitingOfficialAccount);
    assert_eq!((bench.links(), reads()), ((3, 3), 2));

    // What got lost is looked up, as ever.
    bench.fault(json!({"endpoint": "link", "when": "after", "fault": {"drop": "reset"}}));
    let progress = ensure("wx0b00000000000004");
    assert_eq!((progress.posts(), progress.status()), (1, Status::Pending));
    assert_eq!((bench.links(), reads()), ((4, 4), 3));
}

/// Cancels a call of its own handle as soon as `reached` holds.
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

/// How many lists the sandbox was asked for.
fn lists(b: &Bench) -> u64 {
    let counts = b.admin("GET", "journal/counts", Value::Null);
    counts["received"]["get"].as_u64().unwrap()
}

/// Cancels `ensure` as soon as `reached` holds.
fn cancelled_ensure(b: &Bench, lang: &str, reached: impl Fn() -> bool) -> LinkProgress {
    let wait = Duration::from_secs(600);
    let p = cancelled(b, lang, reached, |c| {
        c.ensure_linked(TOKEN, APPID, QUIET, wait)
    });
    assert_eq!(p.status(), Status::Cancelled, "{}", p.json());
    assert_eq!(p.json()["errmsg"], p.message());
    discreet(p)
}

#[track_caller]
fn says(message: &str, expected: &str, not: &[&str]) {
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
        // The list has shown the invitation once it is asked for a third time.
        let p = cancelled_ensure(&b, lang, || b.links().0 == 1 && lists(&b) >= 3);
        says(
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
            "An invitation was posted and its outcome is unknown: read the list before posting again.",
        ),
        ("zh", "关联邀请已发送，但结果未知：再次发送前请先查询列表。"),
    ] {
        // No answer to the post.
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
        let p = cancelled_ensure(&b, lang, || b.links().0 == 1);
        says(&p.message(), expected, &["safe", "awaiting"]);
        assert_eq!((p.state(), p.posts()), (LinkState::Unknown, 1));
        assert_eq!(p.delivery(), Delivery::Unknown);

        // The post's connection breaks, and the list that would show its outcome hangs.
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "after"}));
        b.no_list_but_the_first();
        let p = cancelled_ensure(&b, lang, || lists(&b) == 2);
        says(&p.message(), expected, &["safe", "awaiting"]);
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
            "Nothing new was posted: an earlier invitation is awaiting the Official Account's administrator.",
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
        says(&p.message(), nothing, &["may have acted", "unknown"]);
        assert_eq!(p.posts(), 0);

        let b = Bench::new();
        b.ensure(0);
        let before = lists(&b);
        let p = cancelled_ensure(&b, lang, || lists(&b) >= before + 2);
        says(&p.message(), earlier, &["may have acted", "unknown"]);
        assert_eq!(p.posts(), 0);
        let before = lists(&b);
        let reached = || lists(&b) >= before + 2;
        let p = cancelled(&b, lang, reached, |c| {
            c.wait_linked(TOKEN, APPID, Duration::from_secs(600))
        });
        says(
            &p.message(),
            waiting,
            &["may have acted", "unknown", "posted"],
        );
    }
}

#[test]
fn an_ensure_that_ran_out_of_time_says_what_it_did() {
    // The post is answered, then no list: what is known is that the invitation is out.
    let b = Bench::with(&[("timeout_ms", "1000"), ("max_retries", "0")]);
    b.fault(json!({"endpoint": "link", "fault": {"drop": "close"}, "when": "after"}));
    b.no_list_but_the_first();
    let p = b.ensure(0);
    assert_eq!(p.posts(), 1);
    says(
        &p.message(),
        "An invitation was posted and its outcome is unknown",
        &["awaiting"],
    );
    // No list at all: reading it again is safe.
    let b = Bench::with(&[("timeout_ms", "500"), ("max_retries", "0")]);
    b.fault(json!({"endpoint": "get", "fault": "hang", "always": true}));
    let p = b.ensure(0);
    assert_eq!((p.status(), p.posts()), (Status::Timeout, 0));
    says(&p.message(), "Nothing was posted.", &["may have acted"]);
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
            "微信可能已经处理。再次关联前请先查询列表",
            "在发送任何内容之前已被取消",
        ),
    ] {
        let b = Bench::new();
        b.fault(json!({"endpoint": "link", "fault": "hang", "when": "after"}));
        let reached = || b.links().0 == 1;
        let link = |c: &Client| c.link_miniprogram(TOKEN, APPID, QUIET).unwrap_err();
        let e = cancelled(&b, lang, reached, link);
        assert_eq!(e.delivery(), Delivery::Unknown);
        says(&e.message(), sent, &[unsent]);

        let mut options = Options::new();
        options.set("lang", lang).unwrap();
        let handle = b.client.derive(&options).unwrap();
        handle.cancel();
        let e = link(&handle);
        assert_eq!(e.delivery(), Delivery::NeverSent);
        says(&e.message(), unsent, &[sent]);
    }
}
