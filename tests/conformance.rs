//! Reads the shared vectors, sends each to a small program in every language, and checks the
//! replies. A verb, option, errcode or vector that a language does not handle fails here.
//!
//! The program of a language reads one request a line from stdin and writes one reply a line to
//! stdout (`bindings/LANGUAGE/run.sh conform`). Fields are separated by tabs, the first of a
//! request is the verb; the others are KEY=VALUE, values percent-encoded:
//!
//! | verb | fields of the request | fields of the reply |
//! |---|---|---|
//! | `link` `get` `unlink` `ensure` `wait` | arguments, `option.KEY` | see below |
//! | `push` | `query`, `body`, `option.KEY` | see below |
//! | `option` | `key`, `value` | `status`, `message` |
//! | `errcodes` | `errcode`, `endpoint` | `status`, `name`, `class`, `meaning`, `remedy` |
//!
//! The reply to a call has `status`, `errcode` if WeChat answered, `class`, `delivery`,
//! `http_status`, `rid`, `message` and `body`; that to `ensure` and `wait` also `state`,
//! `waits_for` and `posts`.
//!
//! The reply to `get`, if the status is OK, also has `items` (how many), `item.0.appid` and so on
//! for each field, `item.0.func_infos` (how many) and `item.0.func_infos.0.id`, `status` and
//! `name`. A number is reported as its digits, also one that WeChat sends as a text or that is
//! beyond 32 bits. A field that is missing or null is left out. A field whose value has another
//! type than the field is left out by a language with typed fields; a language that reads fields as
//! texts (`wx_list_text`) reports the text. `body` is WeChat's, byte for byte.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use wxlink::errcode::{self, ENTRIES};
use wxlink::{Endpoint, OPTIONS, Status};
use wxlink_sandbox::Sandbox;

use wxlink_testkit::vectors::{
    TOKEN, allow, answer_with, body, query, raw_fault, sandbox, text, vectors,
};
use wxlink_testkit::{lib_dir, root, skip};

const APPID: &str = "wx0b00000000000001";

type Fields = BTreeMap<String, String>;

/// The running program of a language.
struct Language {
    name: &'static str,
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Language {
    /// Starts the program. If its tools are missing, reports that the language is skipped and
    /// returns `None`.
    fn start(name: &'static str, dir: &str) -> Option<Language> {
        let run: PathBuf = root().join(dir).join("run.sh");
        let mut child = Command::new(run)
            .arg("conform")
            .env("WXLINK_LIB_DIR", lib_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut language = Language {
            name,
            requests: child.stdin.take().unwrap(),
            replies: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        // A first request shows whether it runs.
        if language
            .try_ask("option", &[("key", "lang"), ("value", "en")])
            .is_none()
        {
            let code = language.child.wait().unwrap().code();
            assert_eq!(code, Some(127), "{name} does not run");
            skip(
                &format!("the vectors in {name}"),
                &format!("a tool that {dir}/run.sh needs"),
            );
            return None;
        }
        Some(language)
    }

    fn try_ask(&mut self, verb: &str, fields: &[(&str, &str)]) -> Option<Fields> {
        let mut request = verb.to_owned();
        for (key, value) in fields {
            request += &format!("\t{key}={}", encoded(value));
        }
        // The program may have ended already; then there is no reply either.
        let _ = writeln!(self.requests, "{request}");
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        let fields = line.strip_suffix('\n')?.split('\t');
        let pair = |field: &str| {
            let (key, value) = field.split_once('=').unwrap();
            (key.to_owned(), decoded(value))
        };
        Some(fields.map(pair).collect())
    }

    fn ask(&mut self, verb: &str, fields: &[(&str, &str)]) -> Fields {
        let reply = self.try_ask(verb, fields);
        let reply = reply.unwrap_or_else(|| panic!("{}: no reply to {verb} {fields:?}", self.name));
        // Only the body, WeChat's own bytes, may repeat the token.
        let message = reply.get("message").map_or("", String::as_str);
        assert!(!message.contains(TOKEN), "{}: {reply:?}", self.name);
        reply
    }

    /// Makes the call of a vector, without retries.
    fn call(&mut self, sandbox: &Sandbox, call: &Value) -> Fields {
        let (token, appid) = (text(call, "access_token"), text(call, "appid"));
        let flag = |name: &str| if call[name] == true { "1" } else { "0" };
        let fields = [
            ("option.base_url", sandbox.http_url()),
            ("option.max_retries", "0"),
            ("access_token", &token),
            ("appid", &appid),
            ("notify_users", flag("notify_users")),
            ("show_profile", flag("show_profile")),
        ];
        self.ask(call["verb"].as_str().unwrap(), &fields)
    }
}

impl Drop for Language {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| (b' '..=b'~').contains(&b) && b != b'%';
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// The value of a reply. Only a body may contain bytes that are not UTF-8.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn conforms(name: &'static str, dir: &str) {
    let Some(mut language) = Language::start(name, dir) else {
        return;
    };
    let sandbox = sandbox();
    requests(&mut language, &sandbox);
    refusals(&mut language, &sandbox);
    answers(&mut language, &sandbox);
    pushes(&mut language);
    errcodes(&mut language, &sandbox);
    options(&mut language, &sandbox);
    idempotent_verbs(&mut language);
}

fn journal(sandbox: &Sandbox) -> Vec<Value> {
    let journal = sandbox.admin("GET", "journal", &Value::Null).unwrap();
    sandbox.admin("DELETE", "journal", &Value::Null).unwrap();
    journal["entries"].as_array().unwrap().clone()
}

fn requests(language: &mut Language, sandbox: &Sandbox) {
    for vector in vectors("requests.json")["vectors"].as_array().unwrap() {
        let what = format!("{}: {}", language.name, vector["name"]);
        allow(sandbox, &text(&vector["call"], "access_token"));
        journal(sandbox);
        language.call(sandbox, &vector["call"]);
        let (seen, expected) = (journal(sandbox), &vector["request"]);
        assert_eq!(seen.len(), 1, "{what}");
        assert_eq!(seen[0]["path"], expected["path"], "{what}");
        assert_eq!(seen[0]["query"], query(expected), "{what}");
        assert_eq!(seen[0]["body"], expected["body"], "{what}");
    }
}

fn refusals(language: &mut Language, sandbox: &Sandbox) {
    for vector in vectors("requests.json")["refused"].as_array().unwrap() {
        let reply = language.call(sandbox, &vector["call"]);
        let what = format!("{}: {}: {reply:?}", language.name, vector["name"]);
        // Texts that C cannot hold are refused by the language's layer, with another message.
        let has_nul = vector["call"].to_string().contains("\\u0000");
        assert_eq!(reply["status"], "BAD_VALUE", "{what}");
        assert_eq!(reply["delivery"], "never sent", "{what}");
        assert!(
            has_nul || reply["message"].contains(vector["says"].as_str().unwrap()),
            "{what}"
        );
    }
    assert_eq!(journal(sandbox).len(), 0, "{}", language.name);
}

fn answers(language: &mut Language, sandbox: &Sandbox) {
    for vector in vectors("answers.json")["vectors"].as_array().unwrap() {
        let expect = &vector["expect"];
        answer_with(sandbox, vector);
        let ask = json!({"verb": vector["endpoint"], "access_token": TOKEN, "appid": APPID});
        let reply = language.call(sandbox, &ask);
        let what = format!("{}: {}: {reply:?}", language.name, vector["name"]);
        if ["OK", "API"].contains(&reply["status"].as_str()) {
            let sent = body(vector);
            assert_eq!(reply["body"], String::from_utf8_lossy(&sent), "{what}");
        }
        for (key, wanted) in expect.as_object().unwrap() {
            let given = reply.get(key).map_or("", String::as_str);
            match key.as_str() {
                "items" => items(wanted, &reply, &what),
                "message_says" => {
                    assert!(
                        reply["message"].contains(wanted.as_str().unwrap()),
                        "{what}"
                    );
                }
                // Parts of the errmsg, which the body contains.
                "errmsg" | "hint" | "request_ip" => {}
                // In the trace, which is not part of the reply.
                "repaired" => {}
                _ => assert_eq!(given, as_text(wanted), "{key}: {what}"),
            }
        }
    }
}

fn pushes(language: &mut Language) {
    for vector in vectors("pushes.json")["vectors"].as_array().unwrap() {
        let options = vector["options"].as_object().unwrap();
        let options: Vec<(String, &str)> = options
            .iter()
            .map(|(key, value)| (format!("option.{key}"), value.as_str().unwrap()))
            .collect();
        let mut fields: Vec<(&str, &str)> = options
            .iter()
            .map(|(key, value)| (key.as_str(), *value))
            .collect();
        fields.push(("option.component_appsecret", "S"));
        fields.push(("query", vector["query"].as_str().unwrap()));
        fields.push(("body", vector["body"].as_str().unwrap()));
        let reply = language.ask("push", &fields);
        let what = format!("{}: {}: {reply:?}", language.name, vector["name"]);
        let expect = &vector["expect"];
        assert_eq!(
            reply["status"],
            expect["status"].as_str().unwrap(),
            "{what}"
        );
        if expect["json"].is_object() {
            let json: Value = serde_json::from_str(&reply["body"]).unwrap();
            assert_eq!(json, expect["json"], "{what}");
        }
    }
}

/// A JSON value as the text in a reply.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn items(wanted: &Value, reply: &Fields, what: &str) {
    let wanted = wanted.as_array().unwrap();
    assert_eq!(reply["items"], wanted.len().to_string(), "{what}");
    let field = |name: String| reply.get(&name).map_or("", String::as_str);
    for (i, item) in wanted.iter().enumerate() {
        for (key, value) in item.as_object().unwrap() {
            match (key.as_str(), value) {
                // Fields without a name of their own are in the body.
                ("extra", _) => {}
                // For a field of another type, languages without types return what is there.
                (_, Value::Null) => {}
                ("func_infos", Value::Array(infos)) => {
                    let count = field(format!("item.{i}.func_infos"));
                    assert_eq!(count, infos.len().to_string(), "{what}");
                    for (j, info) in infos.iter().enumerate() {
                        for (k, v) in info.as_object().unwrap() {
                            assert_eq!(
                                field(format!("item.{i}.func_infos.{j}.{k}")),
                                as_text(v),
                                "{what}"
                            );
                        }
                    }
                }
                _ => assert_eq!(
                    field(format!("item.{i}.{key}")),
                    as_text(value),
                    "{key}: {what}"
                ),
            }
        }
    }
}

fn errcodes(language: &mut Language, sandbox: &Sandbox) {
    for entry in ENTRIES.iter().filter(|e| e.errcode != 0) {
        let endpoint = entry.endpoint.unwrap_or(Endpoint::Get);
        let entry = errcode::lookup(endpoint, entry.errcode).unwrap();
        let code = entry.errcode.to_string();
        let what = format!("{}: {code} on {}", language.name, endpoint.as_str());

        let asked = [("errcode", code.as_str()), ("endpoint", endpoint.as_str())];
        let reply = language.ask("errcodes", &asked);
        let known = [
            ("name", entry.name),
            ("class", entry.class.as_str()),
            ("meaning", entry.meaning.en),
            ("remedy", entry.remedy.en),
        ];
        for (key, value) in known {
            assert_eq!(
                reply.get(key).map_or("", String::as_str),
                value,
                "{what}: {key}"
            );
        }

        // No function calls the other endpoints directly.
        if !Endpoint::LINKING.contains(&endpoint) {
            continue;
        }
        let body = json!({"errcode": entry.errcode, "errmsg": "x rid: 61-2-3"}).to_string();
        let fault = raw_fault(body.as_bytes(), &json!({}));
        sandbox.admin("POST", "faults", &fault).unwrap();
        let ask = json!({"verb": endpoint.as_str(), "access_token": TOKEN, "appid": APPID});
        let reply = language.call(sandbox, &ask);
        assert_eq!(
            (reply["status"].as_str(), &reply["errcode"]),
            ("API", &code),
            "{what}"
        );
        assert_eq!(reply["class"], entry.class.as_str(), "{what}");
        assert_eq!(reply["rid"], "61-2-3", "{what}");
        assert!(
            reply["message"].contains(entry.remedy.en),
            "{what}: {reply:?}"
        );
    }
}

fn options(language: &mut Language, sandbox: &Sandbox) {
    let file = vectors("options.json");
    for (key, values) in file["options"].as_object().unwrap() {
        for good in values["good"].as_array().unwrap() {
            let value = good.as_str().unwrap();
            let reply = language.ask("option", &[("key", key), ("value", value)]);
            assert_eq!(
                reply["status"], "OK",
                "{}: {key}={value}: {reply:?}",
                language.name
            );
        }
        for bad in values["bad"].as_array().unwrap() {
            let value = bad.as_str().unwrap();
            let reply = language.ask("option", &[("key", key), ("value", value)]);
            let what = format!("{}: {key}={value:?}: {reply:?}", language.name);
            assert_eq!(reply["status"], "BAD_OPTION", "{what}");
            assert!(
                reply["message"].contains(values["says"].as_str().unwrap()),
                "{what}"
            );
            assert!(!reply["message"].contains("SECRET"), "{what}");
        }
    }
    let reply = language.ask("option", &[("key", "no_such"), ("value", "1")]);
    assert_eq!(reply["status"], "BAD_OPTION", "{}", language.name);

    // A client accepts each of them.
    let ca_file = sandbox.ca_file().to_str().unwrap();
    for option in OPTIONS {
        let name = format!("option.{}", option.key);
        let value = if option.key == "ca_file" {
            ca_file
        } else {
            option.default
        };
        let mut fields = vec![
            ("access_token", TOKEN),
            ("option.base_url", sandbox.http_url()),
        ];
        if option.key != "base_url" {
            fields.push((&name, value));
        }
        let reply = language.ask("get", &fields);
        assert_eq!(
            reply["status"], "OK",
            "{}: {}: {reply:?}",
            language.name, option.key
        );
    }
    let reply = language.ask("get", &[("access_token", TOKEN), ("option.lang", "fr")]);
    assert_eq!(
        reply["status"], "BAD_OPTION",
        "{}: {reply:?}",
        language.name
    );
}

fn idempotent_verbs(language: &mut Language) {
    let sandbox = sandbox();
    let url = sandbox.http_url();
    let fields = [
        ("option.base_url", url),
        ("access_token", TOKEN),
        ("appid", APPID),
        ("notify_users", "0"),
        ("show_profile", "1"),
        ("wait_ms", "0"),
    ];
    let name = language.name;
    let expect = |language: &mut Language, verb: &str, wanted: [&str; 4]| {
        let reply = language.ask(verb, &fields);
        let got = ["status", "state", "waits_for", "posts"].map(|k| reply[k].as_str());
        assert_eq!(got, wanted, "{name}: {verb}: {reply:?}");
    };
    expect(language, "wait", ["VANISHED", "vanished", "", "0"]);
    expect(
        language,
        "ensure",
        ["PENDING", "pending", "official_account", "1"],
    );
    for by in ["official_account", "mini_program"] {
        let account = "wx0a00000000000001";
        let body = json!({"account": account, "appid": APPID, "by": by, "decision": "agree"});
        sandbox.admin("POST", "approvals", &body).unwrap();
    }
    expect(language, "wait", ["OK", "linked", "", "0"]);
    expect(language, "ensure", ["OK", "linked", "", "0"]);

    // The token is refused before the state is known.
    let refused = [
        ("access_token", "SANDBOX-EXPIRED"),
        ("option.base_url", url),
        ("appid", APPID),
    ];
    for verb in ["ensure", "wait"] {
        let reply = language.ask(verb, &[&refused[..], &fields[3..]].concat());
        assert_eq!(
            (reply["status"].as_str(), reply["errcode"].as_str()),
            ("API", "42001"),
            "{name}"
        );
        assert_eq!(reply["posts"], "0", "{name}");
    }
    // Statuses are reported by their names.
    assert_eq!(Status::entry_of(-80).unwrap().name, "PENDING");
}

#[test]
fn c() {
    conforms("C", "bindings/c");
}

#[test]
fn cpp() {
    conforms("C++", "bindings/cpp");
}

#[test]
fn csharp() {
    conforms("C#", "bindings/csharp");
}

#[test]
fn go() {
    conforms("Go", "bindings/go");
}

#[test]
fn java() {
    conforms("Java", "bindings/java");
}

#[test]
fn php() {
    conforms("PHP", "bindings/php");
}

#[test]
fn pascal() {
    conforms("Pascal", "bindings/pascal");
}

#[test]
fn cobol() {
    conforms("COBOL", "bindings/cobol");
}

#[test]
fn node() {
    conforms("Node", "bindings/node");
}

#[test]
fn python() {
    conforms("Python", "python");
}

#[test]
#[ignore = "needs the library for Windows and Wine: make test-windows"]
fn c_for_windows() {
    conforms("C for Windows", "tests/windows");
}
