//! The vectors in `tests/vectors/`, which the tests of all languages share, run by the core over
//! real sockets.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wxlink::errcode::ENTRIES;
use wxlink::{
    Class, Client, Delivery, Endpoint, Error, LinkChoices, LinkList, MiniProgram, OPTIONS, Options,
    Response, Status,
};
use wxlink_sandbox::Sandbox;

use wxlink_testkit::vectors::{
    TOKEN, allow, answer_with, query, raw_fault, sandbox, text, vectors,
};

fn client(sandbox: &Sandbox) -> Client {
    client_with(sandbox, &[])
}

fn client_with(sandbox: &Sandbox, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", sandbox.http_url()).unwrap();
    options.set("max_retries", "0").unwrap();
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

/// Makes the call a vector describes.
fn call(client: &Client, call: &Value) -> Result<Response, Error> {
    let (token, appid) = (text(call, "access_token"), text(call, "appid"));
    match Endpoint::parse(call["verb"].as_str().unwrap()).unwrap() {
        Endpoint::Link => {
            let choices = LinkChoices {
                notify_users: call["notify_users"].as_bool().unwrap(),
                show_profile: call["show_profile"].as_bool().unwrap(),
            };
            client.link_miniprogram(token.as_str(), &appid, choices)
        }
        Endpoint::Get => client
            .get_linked(token.as_str())
            .map(LinkList::into_response),
        Endpoint::Unlink => client.unlink_miniprogram(token.as_str(), &appid),
        other => panic!("{} is not a linking endpoint", other.name()),
    }
}

/// Checks that the names of the vectors are unique, and that the values at `place` are `expected`.
#[track_caller]
fn covers(vectors: &[Value], place: &str, expected: &[&str]) {
    let texts = |place| -> BTreeSet<&str> {
        let texts = vectors.iter().filter_map(|v| v.pointer(place)?.as_str());
        texts.collect()
    };
    assert_eq!(texts(place).into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(texts("/name").len(), vectors.len());
}

#[test]
fn requests_are_what_wechat_documents() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let file = vectors("requests.json");
    let all = file["vectors"].as_array().unwrap();
    covers(all, "/call/verb", &["get", "link", "unlink"]);
    for vector in all {
        let name = vector["name"].as_str().unwrap();
        allow(&sandbox, &text(&vector["call"], "access_token"));
        sandbox
            .admin("DELETE", "/__sandbox/journal", &json!(null))
            .unwrap();
        // Only the request is checked, not the outcome.
        let _ = call(&client, &vector["call"]);
        let journal = sandbox
            .admin("GET", "/__sandbox/journal", &json!(null))
            .unwrap();
        let entries = journal["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{name}");
        let (seen, expected) = (&entries[0], &vector["request"]);
        assert_eq!(seen["method"], "POST", "{name}");
        assert_eq!(seen["path"], expected["path"], "{name}");
        assert_eq!(seen["query"], query(expected), "{name}");
        assert_eq!(seen["body"], expected["body"], "{name}");
        let header = |name: &str| {
            seen["headers"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(
            header("content-type"),
            "application/json; charset=utf-8",
            "{name}"
        );
        assert_eq!(
            header("content-length"),
            expected["body"].as_str().unwrap().len().to_string()
        );
        assert_eq!(
            header("host"),
            sandbox.http_url().trim_start_matches("http://"),
            "{name}"
        );
        assert!(header("user-agent").starts_with("wxlink/"), "{name}");
        assert_eq!(header("accept-encoding"), "", "{name}");
        assert_eq!(header("authorization") + &header("cookie"), "", "{name}");
    }
}

#[test]
fn invalid_arguments_are_refused_and_nothing_is_sent() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let file = vectors("requests.json");
    for vector in file["refused"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let error = call(&client, &vector["call"]).unwrap_err();
        assert_eq!(error.status(), Status::BadValue, "{name}");
        assert_eq!(error.delivery(), Delivery::NeverSent, "{name}");
        assert_eq!(error.attempts().len(), 0, "{name}");
        let says = vector["says"].as_str().unwrap();
        assert!(error.message().contains(says), "{name}: {error}");
    }
    let journal = sandbox
        .admin("GET", "/__sandbox/journal", &json!(null))
        .unwrap();
    assert_eq!(journal["entries"].as_array().unwrap().len(), 0);
}

#[test]
fn responses_are_read_as_the_vectors_say() {
    let sandbox = sandbox();
    let client = client(&sandbox);
    let file = vectors("answers.json");
    let all = file["vectors"].as_array().unwrap();
    covers(all, "/endpoint", &["get", "link", "unlink"]);
    covers(all, "/expect/status", &["API", "BAD_ANSWER", "OK"]);
    for vector in all {
        let name = vector["name"].as_str().unwrap();
        let endpoint = Endpoint::parse(vector["endpoint"].as_str().unwrap()).unwrap();
        let ask = json!({
            "verb": endpoint.as_str(), "access_token": TOKEN, "appid": "wx0b00000000000001",
            "notify_users": false, "show_profile": false,
        });
        answer_with(&sandbox, vector);
        let outcome = call(&client, &ask);
        check_outcome(name, &vector["expect"], &outcome);
        let items = &vector["expect"]["items"];
        if items.is_array() {
            let list = LinkList::from_response(outcome.unwrap()).unwrap();
            let got: Vec<Value> = list.items().map(item_json).collect();
            check_items(name, items, &got);
        }
    }
}

fn check_outcome(name: &str, expect: &Value, outcome: &Result<Response, Error>) {
    let answer = match outcome {
        Ok(answer) => Some(answer),
        Err(e) => e.response(),
    };
    let status = outcome.as_ref().err().map_or(Status::Ok, Error::status);
    let delivery = outcome
        .as_ref()
        .err()
        .map_or(Delivery::Answered, Error::delivery);
    let http = outcome
        .as_ref()
        .map_or_else(Error::http_status, Response::http_status);
    let message = outcome
        .as_ref()
        .err()
        .map(Error::message)
        .unwrap_or_default();
    let attempts = outcome
        .as_ref()
        .map_or_else(Error::attempts, Response::attempts);
    let class = answer.and_then(Response::class).map_or("", Class::as_str);
    let got = json!({
        "status": status.name(),
        "repaired": attempts.iter().any(|attempt| attempt.repaired),
        "errcode": answer.map(Response::errcode),
        "class": class,
        "delivery": delivery.as_str(),
        "http_status": http,
        "errmsg": answer.map(Response::errmsg),
        "rid": answer.map(Response::rid),
        "hint": answer.map(Response::hint),
        "request_ip": answer.map(Response::request_ip),
    });
    for (key, wanted) in expect.as_object().unwrap() {
        match key.as_str() {
            "items" => {}
            "message_says" => {
                assert!(
                    message.contains(wanted.as_str().unwrap()),
                    "{name}: {message}"
                );
            }
            _ => assert_eq!(&got[key], wanted, "{name}: {key}; {message}"),
        }
    }
    assert!(!message.contains(TOKEN), "{name}: {message}");
    if let Err(e) = outcome {
        assert!(
            !e.trace().contains(TOKEN) && !format!("{e:?}").contains(TOKEN),
            "{name}"
        );
    }
}

fn item_json(item: MiniProgram<'_>) -> Value {
    let infos: Vec<Value> = item
        .func_infos()
        .iter()
        .map(|f| json!({"id": f.id, "status": f.status, "name": f.name}))
        .collect();
    json!({
        "status": item.status().map(|s| s.code()),
        "username": item.username(),
        "appid": item.appid(),
        "source": item.source(),
        "nickname": item.nickname(),
        "selected": item.selected(),
        "nearby_display_status": item.nearby_display_status(),
        "released": item.released(),
        "headimg_url": item.headimg_url(),
        "func_infos": infos,
        "copy_verify_status": item.copy_verify_status(),
        "email": item.email(),
        "extra": item.extra(),
    })
}

fn check_items(name: &str, expected: &Value, got: &[Value]) {
    let expected = expected.as_array().unwrap();
    assert_eq!(got.len(), expected.len(), "{name}");
    for (wanted, got) in expected.iter().zip(got) {
        for (key, wanted) in wanted.as_object().unwrap() {
            match (key.as_str(), wanted) {
                ("func_infos", Value::Array(infos)) => {
                    assert_eq!(got[key].as_array().unwrap().len(), infos.len(), "{name}");
                    for (wanted, got) in infos.iter().zip(got[key].as_array().unwrap()) {
                        for (k, v) in wanted.as_object().unwrap() {
                            assert_eq!(&got[k], v, "{name}: func_infos.{k}");
                        }
                    }
                }
                _ => assert_eq!(&got[key], wanted, "{name}: {key}"),
            }
        }
    }
}

/// Every errcode in the table, sent by a server and read by a client, in both languages.
#[test]
fn the_message_of_every_errcode_contains_its_meaning_and_remedy() {
    let sandbox = sandbox();
    for (lang, pick) in [("en", wxlink::Lang::En), ("zh", wxlink::Lang::Zh)] {
        let client = client_with(&sandbox, &[("lang", lang)]);
        for entry in ENTRIES.iter().filter(|e| e.errcode != 0) {
            let endpoint = entry.endpoint.unwrap_or(Endpoint::Get);
            // tests/tokens.rs has those of a platform's calls.
            if !Endpoint::LINKING.contains(&endpoint) {
                continue;
            }
            if entry.endpoint.is_none()
                && wxlink::errcode::lookup(endpoint, entry.errcode)
                    .unwrap()
                    .endpoint
                    .is_some()
            {
                continue;
            }
            let errmsg = format!("{} rid: 61-2-3", entry.errmsg);
            let body = json!({"errcode": entry.errcode, "errmsg": errmsg});
            let fault = raw_fault(body.to_string().as_bytes(), &json!({}));
            sandbox.admin("POST", "/__sandbox/faults", &fault).unwrap();
            let ask = json!({
                "verb": endpoint.as_str(), "access_token": TOKEN, "appid": "wx0b00000000000001",
                "notify_users": false, "show_profile": false,
            });
            let error = call(&client, &ask).unwrap_err();
            assert_eq!(error.errcode(), Some(entry.errcode));
            assert_eq!(error.class(), Some(entry.class));
            assert_eq!(error.rid(), "61-2-3");
            let message = error.message();
            for part in [
                entry.name,
                entry.meaning.get(pick),
                entry.remedy.get(pick),
                "61-2-3",
            ] {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}

#[test]
fn options_accept_and_refuse_the_values_in_the_vectors() {
    let file = vectors("options.json");
    let options = file["options"].as_object().unwrap();
    let keys: BTreeSet<&str> = options.keys().map(String::as_str).collect();
    assert_eq!(keys, OPTIONS.iter().map(|o| o.key).collect());
    for (key, values) in options {
        for good in values["good"].as_array().unwrap() {
            let good = good.as_str().unwrap();
            if let Err(e) = Options::new().set(key, good) {
                panic!("{key}={good:?}: {e}");
            }
        }
        let mut bad: Vec<String> = Vec::new();
        bad.extend(
            values["bad"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap().to_owned()),
        );
        if values["bad_repeat"].is_array() {
            bad.push(text(values, "bad"));
        }
        for bad in bad {
            let mut options = Options::new();
            let Err(e) = options.set(key, &bad) else {
                panic!("{key} accepts {bad:?}");
            };
            let e = Error::from(e);
            assert_eq!(e.status(), Status::BadOption);
            assert_eq!(e.delivery(), Delivery::NeverSent);
            assert!(
                e.message().contains(values["says"].as_str().unwrap()),
                "{key}={bad:?}: {e}"
            );
            assert!(!e.message().contains("SECRET"), "{e}");
            // A client can still be created with the options.
            Client::new(&options).unwrap();
        }
    }
    for unknown in file["unknown"].as_array().unwrap() {
        let e = Options::new()
            .set(unknown.as_str().unwrap(), "1")
            .err()
            .unwrap();
        assert!(e.to_string().contains("unknown option"), "{e}");
        // The nearest option, or all of them.
        assert!(e.to_string().contains("timeout_ms"), "{e}");
    }
}
