//! Checks that must succeed for any input. The fuzzers look for an input that fails;
//! `tests/corpus.rs` runs the checks on the inputs in `fuzz/corpus`.

#![allow(dead_code)] // Each fuzzer uses one of the checks.

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use serde_json::{Value, json};
use wxlink::ffi::exec::wx_exec;
use wxlink::ffi::list::{
    wx_list_has, wx_list_json, wx_list_length, wx_list_number, wx_list_size, wx_list_text,
};
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
        // A number is too large for any type. Such a body is not a list.
        assert!(LinkList::from_response(answer).is_none());
        return;
    }
    let expected = match &answer.json()["errcode"] {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => Some(0),
    };
    assert_eq!(expected, Some(answer.errcode().into()));
    let result = wx_result::from_response(answer.clone());
    let shown = answer.json().pointer("/wxopens/items").cloned();
    let shown = shown.filter(Value::is_array).unwrap_or_else(|| json!([]));
    match LinkList::from_response(answer) {
        Some(list) => {
            let shown = shown.as_array().unwrap();
            assert_eq!(shown.len(), list.len());
            for (item, shown) in list.items().zip(shown) {
                check_item(item, shown);
            }
            check_list(&result, shown);
        }
        None => check_list(&result, &[]),
    }
}

/// The functions of the C interface return what is in the tree.
fn check_list(result: &wx_result, shown: &[Value]) {
    // SAFETY: the result and the texts outlive the calls.
    unsafe {
        assert_eq!(wx_list_length(result), shown.len());
        let mut len = 0;
        let array = text_of(wx_list_json(result, &mut len));
        assert_eq!(array.len(), len);
        let array: Value = serde_json::from_str(array).unwrap();
        assert_eq!(array.as_array().unwrap(), shown);
        for (i, item) in shown.iter().enumerate() {
            let whole = text_of(wx_list_text(result, i, c"".as_ptr()));
            assert_eq!(serde_json::from_str::<Value>(whole).unwrap(), *item);
            for (key, value) in item.as_object().unwrap() {
                if key.contains('\0') || key.starts_with("func_") {
                    continue;
                }
                let path = CString::new(key.replace('~', "~0").replace('/', "~1")).unwrap();
                check_value(result, i, &path, Some(value));
            }
        }
        assert_eq!(text_of(wx_list_text(result, shown.len(), c"".as_ptr())), "");
    }
}

/// A field has the value, or is missing.
unsafe fn check_value(result: &wx_result, index: usize, path: &CStr, value: Option<&Value>) {
    let value = value.filter(|value| !value.is_null());
    let path = path.as_ptr();
    // SAFETY: the caller guarantees it.
    unsafe {
        assert_eq!(wx_list_has(result, index, path) == 1, value.is_some());
        let text = text_of(wx_list_text(result, index, path));
        match value {
            None => assert_eq!(text, ""),
            Some(Value::String(s)) => assert_eq!(text, s.replace('\0', "\u{FFFD}")),
            Some(other) => assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *other),
        }
        assert_eq!(text_of(wx_list_text(result, index, path)), text);
        let entries = value.and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(wx_list_size(result, index, path), entries);
        // serde_json reads -0 as a floating-point number.
        if value.and_then(Value::as_f64) != Some(0.0) {
            let number = match value {
                Some(Value::String(s)) => s.parse::<i64>().ok(),
                other => other.and_then(Value::as_i64),
            };
            let number = number.and_then(|n| i32::try_from(n).ok());
            assert_eq!(
                wx_list_number(result, index, path, -7),
                number.unwrap_or(-7)
            );
        }
    }
}

/// A text that the library returned.
unsafe fn text_of<'a>(text: *const c_char) -> &'a str {
    // SAFETY: the caller guarantees it.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap()
}

/// The fields of an item, typed or extra, have the values in the tree.
fn check_item(item: MiniProgram<'_>, shown: &Value) {
    assert_eq!(item.json(), *shown);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        value.as_i64().or_else(|| text.parse().ok())
    };
    let appid = text(&shown["appid"]).filter(|appid| !appid.is_empty());
    assert_eq!(item.appid().map(Into::into), appid);
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

/// Input: a byte that is the buffer's size, then a JSON pointer into a list, and without its first
/// byte a path into the first item.
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
    if let (Ok(pointer), Some(path)) = (c_pointer.to_str(), pointer.get(1..)) {
        let item = &tree["wxopens"]["items"][0];
        let value = item.pointer(&format!("/{}", pointer.get(1..).unwrap_or("?")));
        if !path.is_empty() {
            // SAFETY: the result is static, and the path outlives the call.
            unsafe { check_value(result, 0, &CString::new(path).unwrap(), value) };
        }
    }
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
