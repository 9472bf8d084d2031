//! Every fault, as a client sees it.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::Sandbox;

/// A call of `wxamplink` under a fault.
struct Faulted {
    sandbox: Sandbox,
    /// What the connection brought.
    bytes: Vec<u8>,
    error: Option<ErrorKind>,
}

fn link_with_fault(rule: Value) -> Faulted {
    let sandbox = start();
    fault(&sandbox, rule);
    let Received { bytes, error } = exchange(&sandbox, &link_request());
    Faulted {
        sandbox,
        bytes,
        error,
    }
}

fn last_entry(sandbox: &Sandbox) -> Value {
    let journal = admin(sandbox, "GET", "journal", Value::Null);
    journal["entries"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[test]
fn errcode_before_and_after() {
    let sandbox = start();
    fault(
        &sandbox,
        json!({"endpoint": "link", "fault": {"errcode": {"code": 45009}}}),
    );
    assert_eq!(errcode(&call(&sandbox, "get", TOKEN, "{}")), 0);
    let response = call(&sandbox, "link", TOKEN, &link_body(APPID));
    assert_eq!(errcode(&response), 45009);
    assert!(response["errmsg"].as_str().unwrap().starts_with(" rid: "));
    assert!(statuses(&sandbox).is_empty());
    fault(
        &sandbox,
        json!({
            "endpoint": "link",
            "when": "after",
            "fault": {"errcode": {"code": -1, "errmsg": "system error"}},
        }),
    );
    let response = call(&sandbox, "link", TOKEN, &link_body(APPID));
    assert_eq!(response, json!({"errcode": -1, "errmsg": "system error"}));
    assert_eq!(statuses(&sandbox), [12]);
}

#[test]
fn delays() {
    for (when, is_immediate) in [("before", false), ("after", true)] {
        let sandbox = start();
        fault(
            &sandbox,
            json!({"endpoint": "link", "when": when, "fault": {"delay_ms": 2000}}),
        );
        let mut stream = connect(&sandbox);
        let asked = Instant::now();
        stream.write_all(link_request().as_bytes()).unwrap();
        // Wait until the request has been received.
        while admin(&sandbox, "GET", "journal/counts", Value::Null)["received"]["link"] == 0 {
            std::thread::yield_now();
        }
        assert_eq!(last_entry(&sandbox)["processed"], is_immediate);
        assert_eq!(statuses(&sandbox).is_empty(), !is_immediate);
        let mut first = [0; 9];
        stream.read_exact(&mut first).unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(2000));
        assert_eq!(statuses(&sandbox), [12]);
        let journal = admin(&sandbox, "GET", "journal", Value::Null);
        let entry = &journal["entries"][0];
        assert_eq!(entry["processed"], true);
        assert_eq!(entry["answered"], json!({"status": 200, "errcode": 0}));
        assert_eq!(entry["fault"], json!({"id": 1, "name": "delay_ms"}));
    }
}

#[test]
fn hang() {
    for (when, effect) in [("before", 0), ("after", 1)] {
        let sandbox = start();
        fault(
            &sandbox,
            json!({"endpoint": "link", "when": when, "fault": "hang"}),
        );
        let mut stream = connect(&sandbox);
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        stream.write_all(link_request().as_bytes()).unwrap();
        let error = stream.read(&mut [0]).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut
        ));
        assert_eq!(statuses(&sandbox).len(), effect);
        // Stopping does not wait for the response.
        drop(sandbox);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
}

#[test]
fn drop_by_close_and_by_reset() {
    for (kind, error) in [("close", None), ("reset", Some(ErrorKind::ConnectionReset))] {
        for (when, effect) in [("before", 0), ("after", 1)] {
            let Faulted {
                sandbox,
                bytes,
                error: ended,
            } = link_with_fault(json!({"when": when, "fault": {"drop": kind}}));
            assert_eq!((bytes.len(), ended), (0, error), "{kind}");
            let entry = last_entry(&sandbox);
            assert_eq!(entry["answered"], Value::Null);
            assert_eq!(entry["processed"], effect == 1);
            assert_eq!(statuses(&sandbox).len(), effect);
        }
    }
}

#[test]
fn cut() {
    let Faulted {
        sandbox,
        bytes,
        error: ended,
    } = link_with_fault(json!({"fault": {"cut": {"bytes": 10}}}));
    let response = parse(&bytes);
    assert!(
        response.head.contains("Content-Length: 27"),
        "{}",
        response.head
    );
    assert_eq!(response.body, b"{\"errcode\"");
    assert_eq!(ended, None);
    assert_eq!(statuses(&sandbox), [12]);
}

#[test]
fn garbage() {
    let Faulted { bytes, .. } = link_with_fault(json!({"fault": "garbage"}));
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"));
}

#[test]
fn pages_and_redirects_keep_the_connection() {
    let sandbox = start();
    fault(&sandbox, json!({"fault": {"status": {"code": 502}}}));
    fault(
        &sandbox,
        json!({"fault": {"status": {"code": 503, "html": "<p>维护中"}}}),
    );
    fault(
        &sandbox,
        json!({"fault": {"redirect": {"code": 307, "location": "http://127.0.0.1:9/x"}}}),
    );
    let mut stream = connect(&sandbox);
    let page = send(&mut stream, &link_request()).unwrap();
    assert_eq!(page.status, 502);
    assert!(page.head.contains("Content-Type: text/html"));
    assert!(page.text().contains("<h1>502 Bad Gateway</h1>"));
    let page = send(&mut stream, &link_request()).unwrap();
    assert_eq!((page.status, page.text()), (503, "<p>维护中"));
    let redirect = send(&mut stream, &link_request()).unwrap();
    assert_eq!(redirect.status, 307);
    assert!(redirect.head.contains("Location: http://127.0.0.1:9/x"));
    assert_eq!(send(&mut stream, &link_request()).unwrap().status, 200);
}

#[test]
fn custom_bodies() {
    let Faulted { bytes, .. } = link_with_fault(json!({"fault": {"body": {
        "base64": "//4=", "status": 201, "http10": true,
        "headers": {"Content-Type": null, "Content-Encoding": "gzip"},
    }}}));
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        "HTTP/1.0 201 Created\r\nConnection: close\r\nContent-Length: 2\r\n\
         Content-Encoding: gzip\r\n\r\n\u{fffd}\u{fffd}"
    );
    let Faulted { bytes, .. } = link_with_fault(
        json!({"fault": {"body": {"text": "{\"errcode\":\"0\"}", "chunked": true}}}),
    );
    let response = parse(&bytes);
    assert!(response.head.contains("Transfer-Encoding: chunked"));
    assert!(!response.head.contains("Content-Length"));
    assert_eq!(
        response.text(),
        "8\r\n{\"errcod\r\n7\r\ne\":\"0\"}\r\n0\r\n\r\n"
    );
}

#[test]
fn a_gzip_bomb_unpacks_to_the_requested_size() {
    for size in [0_usize, 1, 258, 259, 260, 5_000_000] {
        let Faulted { bytes, .. } =
            link_with_fault(json!({"fault": {"gzip_bomb": {"bytes": size}}}));
        let response = parse(&bytes);
        assert!(response.head.contains("Content-Encoding: gzip"));
        assert!(
            response.body.len() <= 300 + size / 150,
            "{}",
            response.body.len()
        );
        let mut gzip = Command::new("gzip")
            .arg("-dc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program gzip is installed");
        let mut input = gzip.stdin.take().unwrap();
        let packed = response.body;
        let feeder = std::thread::spawn(move || input.write_all(&packed));
        let output = gzip.wait_with_output().unwrap();
        feeder.join().unwrap().unwrap();
        assert!(output.status.success(), "{size}");
        assert!(output.stdout.len() == size && output.stdout.iter().all(|byte| *byte == b' '));
    }
}

#[test]
fn huge_and_deep() {
    let Faulted { bytes, .. } = link_with_fault(json!({"fault": {"huge": {"bytes": 3_000_000}}}));
    let response = parse(&bytes);
    assert_eq!(response.body.len(), 3_000_000);
    assert_eq!(errcode(&response.json()), 0);
    let Faulted { bytes, .. } = link_with_fault(json!({"fault": {"deep": {"levels": 100_000}}}));
    let response = parse(&bytes);
    assert!(
        response
            .head
            .contains(&format!("Content-Length: {}", response.body.len()))
    );
    assert_eq!(
        response.body.iter().filter(|byte| **byte == b'[').count(),
        100_000
    );
    let Faulted { bytes, .. } = link_with_fault(json!({"fault": {"deep": {"levels": 3}}}));
    assert_eq!(parse(&bytes).json()["deep"], json!([[[]]]));
}

#[test]
fn slow() {
    let asked = Instant::now();
    let Faulted {
        bytes,
        error: ended,
        ..
    } = link_with_fault(json!({"fault": {"slow": {"bytes": 20, "every_ms": 20}}}));
    let pauses = bytes.len().div_ceil(20) - 1;
    assert!(asked.elapsed() >= Duration::from_millis(20) * pauses as u32);
    assert_eq!(ended, None);
    assert_eq!(errcode(&parse(&bytes).json()), 0);
}

#[test]
fn without_a_length_and_with_a_bom() {
    let Faulted {
        bytes,
        error: ended,
        ..
    } = link_with_fault(json!({"fault": "close_delimited"}));
    let response = parse(&bytes);
    assert!(!response.head.contains("Content-Length"));
    assert_eq!((errcode(&response.json()), ended), (0, None));

    let sandbox = start();
    fault(&sandbox, json!({"fault": "bom"}));
    let response = send(&mut connect(&sandbox), &link_request()).unwrap();
    assert_eq!(response.text(), "\u{feff}{\"errcode\":0,\"errmsg\":\"ok\"}");
}

#[test]
fn close_after_closes_a_connection_that_seems_to_stay_open() {
    let sandbox = start();
    fault(&sandbox, json!({"fault": "close_after"}));
    let mut stream = connect(&sandbox);
    let response = send(&mut stream, &link_request()).unwrap();
    assert_eq!(errcode(&response.json()), 0);
    assert!(!response.head.contains("close"), "{}", response.head);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(
        admin(&sandbox, "GET", "journal/counts", Value::Null)["received"]["link"],
        1
    );
}

#[test]
fn accept_close() {
    let sandbox = start();
    fault(&sandbox, json!({"fault": "accept_close"}));
    let mut stream = connect(&sandbox);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    // No request was read, and the next connection works.
    assert_eq!(
        admin(&sandbox, "GET", "journal", Value::Null)["entries"],
        json!([])
    );
    assert!(statuses(&sandbox).is_empty());
    // A fault for the other listener does not apply to this one.
    fault(
        &sandbox,
        json!({"fault": "accept_close", "listener": "https", "always": true}),
    );
    assert!(statuses(&sandbox).is_empty());
}

#[test]
fn faults_are_counted_listed_and_removed() {
    let sandbox = start();
    fault(
        &sandbox,
        json!({"endpoint": "get", "times": 2, "fault": {"errcode": {"code": -1}}}),
    );
    fault(
        &sandbox,
        json!({"probability": 0.5, "seed": 3, "fault": {"status": {"code": 500}}}),
    );
    let shown = || admin(&sandbox, "GET", "faults", Value::Null);
    assert_eq!(errcode(&call(&sandbox, "get", TOKEN, "{}")), -1);
    let faults = shown();
    assert_eq!(faults["faults"][0]["hits"], 1);
    assert_eq!(faults["faults"][0]["left"], 1);
    assert_eq!(faults["faults"][1]["left"], Value::Null);
    assert_eq!(
        faults["faults"][0]["rule"],
        json!({"endpoint": "get", "times": 2, "fault": {"errcode": {"code": -1}}})
    );
    assert_eq!(
        admin(&sandbox, "DELETE", "faults", Value::Null),
        json!({"removed": 2})
    );
    assert_eq!(shown(), json!({"faults": []}));
    assert!(statuses(&sandbox).is_empty());
}

#[test]
fn faults_do_not_apply_to_admin_requests() {
    let sandbox = start();
    fault(&sandbox, json!({"always": true, "fault": "garbage"}));
    let response = send(
        &mut connect(&sandbox),
        &request("DELETE", "/__sandbox/faults", ""),
    )
    .unwrap();
    assert_eq!(response.json(), json!({"removed": 1}));
}

/// A request whose caller got nothing, or something else, takes effect later.
#[test]
fn late_effects() {
    for (kind, answered) in [
        (json!({"drop": "reset"}), Value::Null),
        (json!({"drop": "close"}), Value::Null),
        (json!("garbage"), Value::Null),
        (json!({"status": {"code": 502}}), json!(502)),
        (json!({"body": {"text": "{}"}}), json!(200)),
        (json!({"errcode": {"code": -1}}), json!(200)),
    ] {
        let rule = json!({"endpoint": "link", "effect_after_ms": 60_000, "fault": kind});
        let sandbox = start();
        fault(&sandbox, rule);
        let mut stream = connect(&sandbox);
        stream.write_all(link_request().as_bytes()).unwrap();
        // The caller has its response, whatever it is, long before the effect.
        let _ = stream.read(&mut [0; 4096]);
        assert!(statuses(&sandbox).is_empty(), "{kind}");
        advance(&sandbox, 60);
        assert_eq!(statuses(&sandbox), [12], "{kind}");
        let journal = admin(&sandbox, "GET", "journal", Value::Null);
        let entry = &journal["entries"][0];
        assert_eq!(entry["processed"], true, "{entry}");
        assert_eq!(entry["answered"]["status"], answered, "{entry}");
        let at_ms = |value: &Value| value.as_u64().unwrap();
        assert_eq!(
            at_ms(&entry["effect"]["at_ms"]) - at_ms(&entry["at_ms"]),
            60_000,
            "{entry}"
        );
        assert_eq!(entry["effect"]["errcode"], 0, "{entry}");
    }
}

/// Quotas and earlier links count at the time of the effect, not when the request arrived.
#[test]
fn a_late_effect_is_processed_as_of_its_time() {
    let rule = json!({"endpoint": "link", "effect_after_ms": 60_000, "fault": {"drop": "reset"}});
    let Faulted { sandbox, .. } = link_with_fault(rule);
    let counts = || admin(&sandbox, "GET", "journal/counts", Value::Null);
    let this_month = || {
        let state = admin(&sandbox, "GET", "state", Value::Null);
        state["world"]["accounts"][ACCOUNT]["linked_this_month"].clone()
    };
    assert_eq!(counts()["received"]["link"], 1);
    assert_eq!(counts()["processed"]["link"], 0);
    assert_eq!(this_month(), 0);
    // The second post is earlier at WeChat, so the first one is the duplicate.
    assert_eq!(link(&sandbox, APPID), 0);
    advance(&sandbox, 60);
    assert_eq!(counts()["processed"]["link"], 2);
    assert_eq!(this_month(), 1);
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    assert_eq!(journal["entries"][0]["effect"]["errcode"], 89010);
    // A reset forgets requests that have not taken effect.
    fault(
        &sandbox,
        json!({"endpoint": "link", "effect_after_ms": 60_000, "fault": "garbage"}),
    );
    exchange(&sandbox, &link_request());
    admin(&sandbox, "POST", "reset", Value::Null);
    advance(&sandbox, 60);
    assert!(statuses(&sandbox).is_empty());
}

/// The caller leaves, and its request takes effect nevertheless.
#[test]
fn a_caller_that_has_left() {
    let sandbox = start();
    fault(
        &sandbox,
        json!({"endpoint": "link", "effect_after_ms": 60_000, "fault": "hang"}),
    );
    let mut stream = connect(&sandbox);
    stream.write_all(link_request().as_bytes()).unwrap();
    while admin(&sandbox, "GET", "journal/counts", Value::Null)["received"]["link"] == 0 {
        std::thread::yield_now();
    }
    drop(stream);
    assert!(statuses(&sandbox).is_empty());
    advance(&sandbox, 60);
    assert_eq!(statuses(&sandbox), [12]);
}

/// The list is that of an earlier time; after the lag it is up to date.
#[test]
fn lagging_lists() {
    let sandbox = start();
    let lag = |ms: u64| {
        admin(&sandbox, "DELETE", "faults", Value::Null);
        let lag = json!({"endpoint": "get", "always": true, "fault": {"list_lag_ms": ms}});
        fault(&sandbox, lag);
    };
    // Each change is a minute after the one before.
    assert_eq!(link(&sandbox, APPID), 0);
    advance(&sandbox, 60);
    assert_eq!(link(&sandbox, "wx0b00000000000002"), 0);
    decide(&sandbox, "official_account", "agree");
    advance(&sandbox, 60);
    decide(&sandbox, "mini_program", "refuse");
    advance(&sandbox, 60);
    assert_eq!(link(&sandbox, APPID), 0);
    decide(&sandbox, "official_account", "vanish");
    for (seconds_ago, expected) in [
        (0, &[12][..]),
        (30, &[3, 12]),
        (90, &[2, 12]),
        (150, &[12]),
        (210, &[]),
    ] {
        lag(seconds_ago * 1000);
        assert_eq!(statuses(&sandbox), expected, "{seconds_ago} s ago");
    }
    let entry = last_entry(&sandbox);
    assert_eq!(entry["fault"]["name"], "list_lag_ms");
    assert_eq!(entry["answered"]["errcode"], 0);
    // The lag of a list does not change what WeChat knows.
    assert_eq!(link(&sandbox, "wx0b00000000000002"), 89010);
    advance(&sandbox, 210);
    assert_eq!(statuses(&sandbox), [12]);
}

/// Decisions of a policy are shown as of the time at which they were made, not when the list is
/// read.
#[test]
fn lagging_lists_show_automatic_decisions_at_their_time() {
    let step = json!({"when": {"seconds": 60}});
    let sandbox = start_with(json!({"official_account": step, "mini_program": step}));
    assert_eq!(link(&sandbox, APPID), 0);
    advance(&sandbox, 150);
    for (seconds_ago, expected) in [(0, &[1][..]), (60, &[2]), (120, &[12]), (180, &[])] {
        admin(&sandbox, "DELETE", "faults", Value::Null);
        let lag = json!({"list_lag_ms": seconds_ago * 1000});
        fault(&sandbox, json!({"endpoint": "get", "fault": lag}));
        assert_eq!(statuses(&sandbox), expected, "{seconds_ago} s ago");
    }
}
