//! The vectors of answers that all languages share, read by the command.
#![cfg(unix)]

mod common;

use common::*;
use serde_json::{Value, json};
use wxlink_testkit::vectors::{TOKEN as VECTOR_TOKEN, answer_with, sandbox, vectors};

#[test]
fn answers_are_read_as_the_vectors_say() {
    let sandbox = sandbox();
    for vector in vectors("answers.json")["vectors"].as_array().unwrap() {
        answer_with(&sandbox, vector);
        let endpoint = vector["endpoint"].as_str().unwrap();
        let arguments = match endpoint {
            "get" => vec!["list"],
            "link" => [&["link", APPID][..], &CHOICES].concat(),
            _ => vec!["unlink", APPID],
        };
        let arguments = [&arguments[..], &["--json"]].concat();
        let mut command = calling(&sandbox, VECTOR_TOKEN, &arguments);
        command.env("WXLINK_MAX_RETRIES", "0");
        let ran = run(command);
        let expect = &vector["expect"];
        let what = format!("{}: {}", vector["name"], ran.out);
        if endpoint == "get" && ran.code == 0 {
            let status = expect.get("status").unwrap_or(&json!("OK")).clone();
            assert_eq!(status, "OK", "{what}");
            check_items(expect["items"].as_array(), &ran.lines(), &what);
        } else {
            check_line(expect, &ran.json(), &what);
        }
    }
}

/// The line of a call that returns no list.
fn check_line(expect: &Value, line: &Value, what: &str) {
    for field in ["status", "errcode", "class", "delivery", "errmsg", "rid"] {
        if let Some(wanted) = expect.get(field) {
            // A class that is not known is null.
            let wanted = Some(wanted).filter(|wanted| **wanted != "" || field != "class");
            assert_eq!(
                line[field],
                *wanted.unwrap_or(&Value::Null),
                "{field}: {what}"
            );
        }
    }
    assert_eq!(expect.get("items"), None, "{what}");
    if let Some(part) = expect["message_says"].as_str() {
        assert!(line["message"].as_str().unwrap().contains(part), "{what}");
    }
}

/// The lines have WeChat's fields, whatever their types.
fn check_items(wanted: Option<&Vec<Value>>, lines: &[Value], what: &str) {
    let Some(wanted) = wanted else {
        return;
    };
    assert_eq!(lines.len(), wanted.len(), "{what}");
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    for (wanted, line) in wanted.iter().zip(lines) {
        for (key, wanted) in wanted.as_object().unwrap() {
            match key.as_str() {
                // A typed field without a value, and the fields without a type.
                _ if wanted.is_null() => {}
                "extra" => {
                    for (key, wanted) in wanted.as_object().unwrap() {
                        assert_eq!(line[key], *wanted, "{key}: {what}");
                    }
                }
                "func_infos" => {
                    let spelled = ["func_infos", "func_info", "func_News"];
                    let shown = spelled.iter().find_map(|name| line[name].as_array());
                    let count = |infos: &Vec<Value>| infos.len();
                    let wanted = wanted.as_array().map(count);
                    assert_eq!(shown.map(count), wanted, "{what}");
                }
                _ => assert_eq!(text(&line[key]), text(wanted), "{key}: {what}"),
            }
        }
    }
}
