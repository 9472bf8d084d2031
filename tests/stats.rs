//! What a client counts, against what it does.

use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wxlink::{Client, EndpointStats, LinkChoices, LinkState, Options, Status};
use wxlink_sandbox::Sandbox;
use wxlink_testkit::world::{World, account};

const TOKEN: &str = "SANDBOX-TOKEN";
const APPID: &str = "wx0b00000000000001";
const CHOICES: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: false,
};

fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start(Default::default()).unwrap();
    let client = client(sandbox.http_url(), &[]);
    (sandbox, client)
}

fn client(url: &str, settings: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", url).unwrap();
    options.set("timeout_ms", "60000").unwrap();
    for (key, value) in settings {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

fn fault(sandbox: &Sandbox, endpoint: &str, fault: Value) {
    let rule = json!({"endpoint": endpoint, "fault": fault});
    sandbox.admin("POST", "faults", &rule).unwrap();
}

/// The numbers of an endpoint that was called.
fn of(client: &Client, endpoint: &str) -> EndpointStats {
    let stats = client.stats().unwrap();
    let mut endpoints = stats.endpoints.into_iter();
    endpoints
        .find(|e| e.endpoint.as_str() == endpoint)
        .unwrap_or_else(|| panic!("{endpoint} was not called"))
}

#[test]
fn a_new_client_has_done_nothing_yet() {
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let stats = client("http://127.0.0.1:9", &[]).stats().unwrap();
    assert!(stats.since >= before.as_secs() && stats.since <= before.as_secs() + 600);
    assert!(stats.endpoints.is_empty());
    let counts = [
        stats.in_doubt,
        stats.tokens_fetched,
        stats.connections_opened,
        stats.connections_reused,
        stats.connections_idle as u64,
    ];
    assert_eq!(counts, [0; 5]);
}

#[test]
fn calls_are_counted_by_endpoint_and_outcome() {
    let (_sandbox, client) = start();
    client.get_linked(TOKEN).unwrap();
    client.get_linked(TOKEN).unwrap();
    client.get_linked("WRONG-TOKEN").unwrap_err();
    client.link_miniprogram(TOKEN, APPID, CHOICES).unwrap();
    // Refused before it is a call.
    client.link_miniprogram(TOKEN, "", CHOICES).unwrap_err();

    let get = of(&client, "get");
    assert_eq!(get.outcomes, [(Status::Ok, 2), (Status::Api, 1)]);
    assert_eq!((get.retries, get.delivery_unknown), (0, 0));
    assert_eq!(get.latency.count(), 3);
    assert!(get.latency.max() <= get.latency.sum());
    let in_buckets: u64 = get.latency.buckets().map(|b| b.count).sum();
    assert_eq!(in_buckets, 3);
    assert_eq!(of(&client, "link").outcomes, [(Status::Ok, 1)]);
    let stats = client.stats().unwrap();
    assert_eq!(stats.endpoints.len(), 2);
    assert_eq!((stats.connections_opened, stats.connections_reused), (1, 3));
    assert_eq!(stats.connections_idle, 1);
}

#[test]
fn handles_share_their_numbers_and_clients_do_not() {
    let (sandbox, client) = start();
    let handle = client.derive(&Options::new()).unwrap();
    handle.get_linked(TOKEN).unwrap();
    assert_eq!(of(&client, "get").latency.count(), 1);
    let other = self::client(sandbox.http_url(), &[]);
    assert!(other.stats().unwrap().endpoints.is_empty());
}

#[test]
fn a_lost_answer_is_a_retry_of_a_list_and_an_unknown_delivery_of_a_link() {
    let (sandbox, client) = start();
    for endpoint in ["get", "link"] {
        fault(&sandbox, endpoint, json!({"drop": "reset"}));
    }
    client.get_linked(TOKEN).unwrap();
    client.link_miniprogram(TOKEN, APPID, CHOICES).unwrap_err();
    let (get, link) = (of(&client, "get"), of(&client, "link"));
    assert_eq!((get.retries, get.delivery_unknown), (1, 0));
    assert_eq!(get.outcomes, [(Status::Ok, 1)]);
    assert_eq!((link.retries, link.delivery_unknown), (0, 1));
    assert_eq!(link.outcomes, [(Status::ConnectionLost, 1)]);
}

#[test]
fn a_host_without_a_listener_opens_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&url, &[("max_retries", "1")]);
    client.get_linked(TOKEN).unwrap_err();
    let get = of(&client, "get");
    assert_eq!(get.outcomes, [(Status::Connect, 1)]);
    assert_eq!((get.retries, get.delivery_unknown), (1, 0));
    let stats = client.stats().unwrap();
    assert_eq!((stats.connections_opened, stats.connections_idle), (0, 0));
}

#[test]
fn a_link_in_doubt_is_counted() {
    let (sandbox, client) = start();
    let lost = json!({"endpoint": "link", "fault": {"drop": "reset"}, "when": "before"});
    sandbox.admin("POST", "faults", &lost).unwrap();
    let progress = client.ensure_linked(TOKEN, APPID, CHOICES, Duration::ZERO);
    assert_eq!(progress.state(), LinkState::InDoubt, "{progress:?}");
    assert_eq!(client.stats().unwrap().in_doubt, 1);
    client.ensure_linked(TOKEN, "wx0b00000000000002", CHOICES, Duration::ZERO);
    assert_eq!(client.stats().unwrap().in_doubt, 1);
}

#[test]
fn fetched_tokens_are_counted_once_and_the_platforms_calls_as_well() {
    let world = World::new("stats", 2, 1);
    let client = world.client();
    for n in [1, 2, 1, 2] {
        let handle = client.account(&account(n)).unwrap();
        handle.get_linked(None).unwrap();
    }
    assert_eq!(client.stats().unwrap().tokens_fetched, 2);
    assert_eq!(of(&client, "get").latency.count(), 4);
    assert_eq!(of(&client, "component_token").latency.count(), 1);
    assert_eq!(of(&client, "authorizer_token").latency.count(), 2);
}

#[test]
fn an_observer_sees_every_attempt_in_order() {
    let world = World::new("observer", 1, 1);
    let client = world.client();
    let (seen, attempts) = mpsc::channel();
    client.observe_attempts(move |endpoint, attempt| {
        let json = attempt.json();
        assert_eq!(json["outcome"], attempt.outcome.name());
        seen.send((endpoint.as_str(), attempt.outcome)).unwrap();
    });
    client.observe_attempts(|_, _| panic!("the first observer stays"));
    fault(&world.sandbox, "get", json!({"drop": "reset"}));
    let handle = client.account(&account(1)).unwrap();
    handle.get_linked(None).unwrap();
    let seen: Vec<_> = attempts.try_iter().collect();
    let expected = [
        ("component_token", Status::Ok),
        // For the account's refresh token.
        ("authorizer_list", Status::Ok),
        ("authorizer_token", Status::Ok),
        ("get", Status::ConnectionLost),
        ("get", Status::Ok),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_json_has_every_number() {
    let (_sandbox, client) = start();
    client.get_linked(TOKEN).unwrap();
    let stats = client.stats().unwrap();
    let json = stats.json();
    let get = &stats.endpoints[0];
    let bucket = get.latency.buckets().next().unwrap();
    assert_eq!(
        json,
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "since": stats.since,
            "endpoints": {"get": {
                "calls": 1,
                "outcomes": {"OK": 1},
                "retries": 0,
                "delivery_unknown": 0,
                "latency": {
                    "sum_us": get.latency.sum().as_micros() as u64,
                    "max_us": get.latency.max().as_micros() as u64,
                    "buckets": [{"below_us": bucket.below.as_micros() as u64, "calls": 1}],
                },
            }},
            "in_doubt": 0,
            "tokens_fetched": 0,
            "connections": {"opened": 1, "reused": 0, "idle": 1},
        })
    );
    assert!(get.latency.max() < bucket.below);
}
