//! Checks that must succeed for any input. The fuzzers look for an input that fails;
//! `tests/corpus.rs` runs the checks on the inputs in `fuzz/corpus`.

#![allow(dead_code)] // Each fuzzer uses one of the checks.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use serde_json::Value;
use wxlink::ffi::exec::wx_exec;
use wxlink::ffi::result::{wx_result, wx_result_get};
use wxlink::{Client, Endpoint, Error, LinkList, MiniProgram, Options, Response, Status};

/// Fills the bytes after a buffer, which must not be overwritten.
const UNTOUCHED: u8 = 0xA5;

/// Input: a byte that selects the endpoint and the HTTP status, then the body of a response.
pub fn answer(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let endpoint = [Endpoint::Link, Endpoint::Get, Endpoint::Unlink][usize::from(choice % 3)];
    let http_status = [200, 412, 502][usize::from(choice / 3 % 3)];
    let Ok(answer) = Response::from_bytes(endpoint, http_status, body.to_vec()) else {
        return;
    };
    assert_eq!(answer.body(), body);
    let _ = (answer.class(), answer.trace(), format!("{answer:?}"));
    if answer.json().is_null() {
        let text = String::from_utf8_lossy(body);
        let why = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).unwrap_err();
        let why = why.to_string();
        // serde_json stops at the first problem: the number, or a lone surrogate before it, which
        // the library repairs.
        assert!(
            why.contains("out of range") || why.contains("hex escape"),
            "{why}"
        );
    } else {
        let expected = match &answer.json()["errcode"] {
            Value::Number(n) => n.as_i64(),
            Value::String(s) => s.trim().parse().ok(),
            _ => Some(0),
        };
        assert_eq!(expected, Some(answer.errcode().into()));
    }
    if let Some(list) = LinkList::from_response(answer) {
        // The tree is null if a number is too large for any type.
        if let Value::Object(whole) = list.response().json() {
            let shown = whole.get("wxopens").and_then(|w| w["items"].as_array());
            assert_eq!(shown.map_or(0, Vec::len), list.len());
            for (item, shown) in list.items().zip(shown.into_iter().flatten()) {
                check_item(item, shown);
            }
        }
    }
}

/// The fields of an item, typed or extra, have the values in the tree.
fn check_item(item: MiniProgram<'_>, shown: &Value) {
    assert_eq!(item.json(), *shown);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        value.as_i64().or_else(|| text.parse().ok())
    };
    assert_eq!(item.appid().map(Into::into), text(&shown["appid"]));
    assert_eq!(item.nickname().map(Into::into), text(&shown["nickname"]));
    // serde_json reads -0 as a floating-point number.
    if shown["released"].as_f64() != Some(0.0) {
        assert_eq!(item.released(), number(&shown["released"]));
    }
    for (key, kept) in item.extra() {
        assert_eq!(shown[&key], kept);
    }
    let _ = (format!("{item:?}"), item.func_infos());
}

/// Input: the op, a line end, the arguments. Options with which the call could leave this machine
/// or take long are removed.
pub fn exec(data: &[u8]) {
    let mut parts = data.splitn(2, |b| *b == b'\n');
    let op = parts.next().unwrap_or_default();
    let mut args =
        b"base_url=http://127.0.0.1:1\nproxy=none\ntrust=bundled\nmax_retries=0\n".to_vec();
    for line in parts.next().unwrap_or_default().split(|b| *b == b'\n') {
        let key = line.split(|b| *b == b'=').next().unwrap_or_default();
        let key = String::from_utf8_lossy(key);
        let key = key.trim_matches([' ', '\t', '\r', '\0']);
        if [
            "base_url",
            "proxy",
            "trust",
            "max_retries",
            "ca_file",
            "wait_ms",
        ]
        .contains(&key)
        {
            continue;
        }
        args.extend_from_slice(line);
        args.push(b'\n');
    }
    for cap in [0, 1, 100, 512, 65_536] {
        let mut out = vec![UNTOUCHED; cap + 8];
        let mut len = usize::MAX;
        let (ops, text) = (op.as_ptr().cast(), args.as_ptr().cast());
        // SAFETY: the pointers and lengths are those of live buffers.
        let status = unsafe {
            wx_exec(
                ops,
                op.len(),
                text,
                args.len(),
                out.as_mut_ptr().cast(),
                cap,
                &mut len,
            )
        };
        assert!(out[cap..].iter().all(|b| *b == UNTOUCHED));
        if len <= cap {
            std::str::from_utf8(&out[..len]).unwrap();
        } else {
            assert_eq!(status, Status::Buffer.code());
        }
        assert!(status < 0, "no server listens at port 1");
    }
}

/// Input: an option's key, `=`, its value.
pub fn options(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let mut options = Options::new();
    match options.set(key, value) {
        Err(e) => {
            assert!(!e.to_string().is_empty());
            assert_eq!(Error::from(e).status(), Status::BadOption);
        }
        // Creating a client would read the file.
        Ok(_) if key == "ca_file" => {}
        Ok(_) => {
            options.set("trust", "bundled").unwrap();
            let _ = format!("{:?}", Client::new(&options).unwrap());
        }
    }
}

/// Input: a byte that is the buffer's size, then a JSON pointer into a list.
pub fn pointer(data: &[u8]) {
    const LIST: &str = r#"{"errcode":0,"":{"a/b":1,"m~n":[true,null]},"wxopens":{"items":[
        {"status":1,"username":"gh_1","appid":"wx1","nickname":"示例😀\u0000"},{"status":3}]}}"#;
    static RESULT: OnceLock<(wx_result, Value)> = OnceLock::new();
    let (result, tree) = RESULT.get_or_init(|| {
        let answer = Response::from_bytes(Endpoint::Get, 200, LIST.into()).unwrap();
        (
            wx_result::from_response(answer),
            serde_json::from_str(LIST).unwrap(),
        )
    });
    let Some((cap, pointer)) = data.split_first() else {
        return;
    };
    let Ok(c_pointer) = CString::new(pointer) else {
        return;
    };
    let cap = usize::from(*cap);
    let mut out = vec![UNTOUCHED; cap + 8];
    let buf: *mut c_char = out.as_mut_ptr().cast();
    // SAFETY: the result is static, and the pointer and the buffer outlive the call.
    let got = unsafe { wx_result_get(result, c_pointer.as_ptr(), buf, cap) };
    assert!(out[cap..].iter().all(|b| *b == UNTOUCHED));

    let found = std::str::from_utf8(pointer)
        .ok()
        .and_then(|p| tree.pointer(p));
    match usize::try_from(got) {
        Ok(length) => {
            let text = match found.unwrap() {
                Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            assert_eq!(length, text.len());
            // With a size of 0, the function only returns the length.
            if cap > 0 {
                assert_eq!(&out[..length], text.as_bytes());
                assert_eq!(out[length], 0);
            }
        }
        Err(_) if got == Status::Buffer.code() => {
            assert!(found.unwrap().to_string().len() + 3 > cap);
        }
        Err(_) => assert!(
            found.is_none() || got == Status::BadValue.code(),
            "{got}, although the value exists"
        ),
    }
}
