//! Checks that must succeed for any input. The fuzzers look for an input that fails;
//! `tests/corpus.rs` runs the checks on the inputs in `fuzz/corpus`.

#![allow(dead_code)] // Each fuzzer uses one of the checks.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::ffi::exec::wx_exec;
use wxlink::ffi::list::{
    wx_list_has, wx_list_json, wx_list_length, wx_list_number, wx_list_size, wx_list_text,
};
use wxlink::ffi::result::{wx_result, wx_result_get};
use wxlink::fuzzing::{self, Answer, Claims, End, TimedToken};
use wxlink::{
    Client, Endpoint, Error, Lang, LinkList, MAX_TOKEN_BYTES, MiniProgram, Options, Response,
    Status,
};

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
                // The empty path is the whole item.
                if key.is_empty() || key.contains('\0') || key.starts_with("func_") {
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
            "store",
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

/// Input: a byte, of which a bit chooses how the rest is a mini program's nickname: as raw bytes,
/// or as the code units of `\uXXXX`. However damaged the nickname is, the list can be read, and
/// only what is unreadable is replaced.
pub fn list(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let mut nickname = Vec::new();
    let expected: String = if choice & 1 == 0 {
        let readable = |byte: &u8| !matches!(byte, b'"' | b'\\');
        nickname.extend(data.iter().copied().filter(readable));
        let text = String::from_utf8_lossy(&nickname);
        let replaced = |c: char| if c < ' ' { '\u{FFFD}' } else { c };
        text.chars().map(replaced).collect()
    } else {
        let units = data
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let units: Vec<u16> = units.collect();
        for (number, unit) in units.iter().enumerate() {
            let escape = if number % 2 == 0 {
                format!("\\u{unit:04x}")
            } else {
                format!("\\u{unit:04X}")
            };
            nickname.extend(escape.into_bytes());
        }
        String::from_utf16_lossy(&units)
    };
    // Padding after the body, and a mark before it.
    let (mark, padding) = match choice >> 1 & 3 {
        0 => ("", ""),
        1 => ("\u{FEFF}", ""),
        2 => ("", "\0\0"),
        _ => ("\u{FEFF}", " \n\0"),
    };
    let body = [
        mark.as_bytes(),
        br#"{"errcode":0,"wxopens":{"items":[{"status":1,"username":"gh_1","nickname":""#,
        &nickname,
        br#"","appid":"wx1"},{"status":2,"appid":"wx2"}]}}"#,
        padding.as_bytes(),
    ]
    .concat();
    let response = Response::from_bytes(Endpoint::Get, 200, body.clone()).unwrap();
    assert_eq!(response.body(), body);
    assert_eq!(response.errcode(), 0);
    let list = LinkList::from_response(response).unwrap();
    let items: Vec<MiniProgram<'_>> = list.items().collect();
    let appids = items.iter().map(|item| item.appid().unwrap().into_owned());
    assert_eq!(appids.collect::<Vec<_>>(), ["wx1", "wx2"]);
    assert_eq!(items[0].nickname().unwrap(), expected);
    assert_eq!(items[0].json()["nickname"], expected);
    assert_eq!(items[0].username().unwrap(), "gh_1");
}

/// Input: a byte that chooses the source of a token. For a program's output: where a secret is
/// inserted, then the output. For WeChat's token endpoints: the body of a response. For its tokens:
/// where a refresh token is inserted, then the body.
pub fn token(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    match choice % 5 {
        0 => printed_token(data),
        1 => token_response(Endpoint::ComponentToken, data),
        2 => token_response(Endpoint::AuthorizerToken, data),
        3 => token_response(Endpoint::AuthorizerList, data),
        _ => received_tokens(data),
    }
}

/// The reason why there is no token does not repeat the output; a token that is read can be sent.
fn printed_token(data: &[u8]) {
    const SECRET: &[u8] = b"Zq7-SECRET-9xK";
    let Some((at, output)) = data.split_first() else {
        return;
    };
    let at = usize::from(*at).min(output.len());
    let printed = [&output[..at], SECRET, &output[at..]].concat();
    for printed in [output, &printed] {
        match fuzzing::printed_token(printed) {
            Ok(read) => {
                check_times(&read);
                let token = read.token;
                assert!(!token.is_empty() && token.len() <= MAX_TOKEN_BYTES);
                assert!(token.bytes().all(|b| b.is_ascii_graphic()), "{token:?}");
                for again in [
                    format!("access_token={token}\n"),
                    json!({"access_token": token, "expires_in": 7200}).to_string(),
                ] {
                    let read = fuzzing::printed_token(again.as_bytes()).unwrap();
                    assert_eq!(read.token, token);
                }
            }
            Err(why) => {
                for text in [why.get(Lang::En), why.get(Lang::Zh)] {
                    assert!(!text.is_empty());
                    let secret = std::str::from_utf8(SECRET).unwrap();
                    assert!(!text.contains(secret), "{text}");
                }
            }
        }
    }
}

/// Of a refusal only the errcode and errmsg are kept.
fn token_response(endpoint: Endpoint, body: &[u8]) {
    let Ok(response) = Response::from_bytes(endpoint, 200, body.to_vec()) else {
        return;
    };
    let _ = (response.trace(), format!("{response:?}"));
    if response.errcode() != 0 {
        let kept: Value = serde_json::from_slice(response.body()).unwrap();
        let fields: Vec<_> = kept.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["errcode", "errmsg"]);
    }
}

/// A new refresh token is found, however damaged the rest of the response is: WeChat sends it once.
fn received_tokens(data: &[u8]) {
    const NEW: &str = "refreshtoken@@@new";
    const SENT: &str = "refreshtoken@@@sent";
    let Some((at, body)) = data.split_first() else {
        return;
    };
    for endpoint in [Endpoint::ComponentToken, Endpoint::AuthorizerToken] {
        let found = fuzzing::received_tokens(endpoint, body, SENT);
        for token in [&found.access_token, &found.refresh_token]
            .into_iter()
            .flatten()
        {
            assert!(!token.is_empty() && token.len() <= MAX_TOKEN_BYTES);
            assert!(token.bytes().all(|b| b.is_ascii_graphic()), "{token:?}");
            assert!(found.access_token.as_ref() == Some(token) || token != SENT);
        }
        let _ = found.expires_in;
    }
    // Within a text, the field would be a part of that text.
    let readable = |byte: &u8| !matches!(byte, b'"' | b'\\');
    let rest: Vec<u8> = body.iter().copied().filter(readable).collect();
    let at = usize::from(*at).min(rest.len());
    let field = format!("\"authorizer_refresh_token\":\"{NEW}\"");
    let body = [&rest[..at], field.as_bytes(), &rest[at..]].concat();
    let found = fuzzing::received_tokens(Endpoint::AuthorizerToken, &body, SENT);
    assert_eq!(found.refresh_token.as_deref(), Some(NEW));
    let repeated = fuzzing::received_tokens(Endpoint::AuthorizerToken, &body, NEW);
    assert_eq!(repeated.refresh_token, None);
}

/// A token is renewed before it expires, and no clock overflows.
fn check_times(token: &TimedToken) {
    let day = Duration::from_secs(24 * 60 * 60);
    assert!(token.expires_after <= day);
    assert!(token.stale_after <= token.expires_after);
    assert!(token.refresh_after <= token.expires_after);
    let _ = Instant::now() + token.expires_after;
}

/// Input: a byte that chooses what is read of a push; then the body of its request, decrypted
/// bytes, or a decrypted message. Fields never contain a ticket or a code.
pub fn push(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let read = match choice % 3 {
        // The body of a request, with the right signature.
        0 => fuzzing::signed_push(data),
        // Decrypted bytes that are not padded.
        1 => fuzzing::decrypted_push(data),
        _ => fuzzing::push_message(data),
    };
    let Ok(push) = read else { return };
    let fields: Value = serde_json::from_str(&push.fields).unwrap();
    assert!(!has_secret(&fields), "{push:?}");
    assert!(push.is_handled || fields.is_object(), "{push:?}");
}

/// Whether a text is a ticket or a code.
fn has_secret(fields: &Value) -> bool {
    match fields {
        Value::Object(fields) => fields.values().any(has_secret),
        Value::Array(values) => values.iter().any(has_secret),
        Value::String(text) => ["ticket", "preauthcode", "queryauthcode", "refreshtoken"]
            .iter()
            .any(|kind| {
                text.strip_prefix(kind)
                    .is_some_and(|rest| rest.starts_with("@@@"))
            }),
        _ => false,
    }
}

/// Input: a byte that chooses the kind of record; then the record of an account, numbers of a
/// record in a file, or steps of claims.
pub fn record(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    match choice % 3 {
        0 => account_record(data),
        1 => file_record(data),
        _ => claims(data),
    }
}

fn account_record(text: &[u8]) {
    let Some(record) = fuzzing::stored_record(text) else {
        return;
    };
    check_times(&record.token);
    assert!(record.is_due_if_refused);
    assert!(record.is_due || !record.token.token.is_empty());
    let again = fuzzing::stored_record(record.text.as_bytes()).unwrap();
    assert_eq!(again.text, record.text);
    assert_eq!(again.grant, record.grant);
    assert_eq!(again.token.token, record.token.token);
}

/// The time left is at most what the record was written for, and never grows.
fn file_record(data: &[u8]) {
    let mut numbers = data.chunks(8).map(|bytes| {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        u64::from_be_bytes(whole)
    });
    let mut next = || numbers.next().unwrap_or_default();
    let boot = ["BOOT", "", "ANOTHER"][usize::try_from(next() % 3).unwrap()];
    let (boot_ms, wall_ms, lasts_ms) = (next(), next(), next());
    let (now_ms, now_wall_ms, later_ms) = (next(), next(), next());
    let left = |passed: u64| {
        let now = (
            now_ms.saturating_add(passed),
            now_wall_ms.saturating_add(passed),
        );
        fuzzing::time_left_ms((boot, boot_ms, wall_ms, lasts_ms), now)
    };
    assert!(left(0) <= lasts_ms);
    assert!(left(0) <= 90 * 24 * 60 * 60 * 1000);
    // A time of this boot's future is another boot's.
    if boot != "BOOT" || boot_ms <= now_ms {
        assert!(left(later_ms) <= left(0));
    }
    if boot == "BOOT" && boot_ms <= now_ms {
        let until = u128::from(boot_ms) + u128::from(lasts_ms);
        assert!(u128::from(left(0)) <= until.saturating_sub(now_ms.into()));
    }
}

/// Who stands in the way of a claim under a name, and how long.
#[derive(Clone, Copy)]
struct Stands {
    /// `None`: another program's text.
    owner: Option<usize>,
    has_posted: bool,
    is_accepted: bool,
    until: Duration,
}

/// Claims do what this simple model does: no two owners hold one, and a post keeps all away.
fn claims(data: &[u8]) {
    let mut claims = Claims::default();
    let mut now = Duration::ZERO;
    let mut model: BTreeMap<u8, Stands> = BTreeMap::new();
    for step in data.chunks_exact(4) {
        let [kind, who, names, time] = *step else {
            return;
        };
        let owner = usize::from(who) % Claims::OWNERS;
        // One or two of three names.
        let names: &[u8] =
            [&[0][..], &[1], &[2], &[0, 1], &[1, 2], &[0, 2]][usize::from(names % 6)];
        // Up to 5 hours: longer than the longest claim.
        let time = Duration::from_secs(u64::from(time) * u64::from(time) / 4);
        let standing = |model: &BTreeMap<u8, Stands>, name: &u8| {
            model.get(name).copied().filter(|stands| stands.until > now)
        };
        match kind % 8 {
            0..=2 => {
                let others = names.iter().filter_map(|name| standing(&model, name));
                let others = others.filter(|s| s.owner != Some(owner) || s.has_posted);
                let left = others.map(|stands| stands.until - now).max();
                let answer = claims.claim(names, owner, time);
                match left {
                    Some(left) => assert_eq!(answer, Answer::Held { left }),
                    None => {
                        assert_eq!(answer, Answer::Taken);
                        let stands = Stands {
                            owner: Some(owner),
                            has_posted: false,
                            is_accepted: false,
                            until: now + time.min(Claims::LONGEST),
                        };
                        model.extend(names.iter().map(|name| (*name, stands)));
                    }
                }
            }
            3 => {
                claims.settle(names, owner, End::NotPosted);
                model.retain(|name, s| !(names.contains(name) && s.owner == Some(owner)));
            }
            4 | 5 => {
                let is_accepted = kind % 8 == 4;
                let end = if is_accepted {
                    End::Accepted { stands: time }
                } else {
                    End::Unknown { stands: time }
                };
                claims.settle(names, owner, end);
                for name in names {
                    let before = standing(&model, name).filter(|s| s.owner != Some(owner));
                    let left = before.map_or(Duration::ZERO, |stands| stands.until - now);
                    let stands = Stands {
                        owner: Some(owner),
                        has_posted: true,
                        is_accepted,
                        until: now + time.max(left).min(Claims::LONGEST),
                    };
                    model.insert(*name, stands);
                }
            }
            6 if who >= 128 => {
                claims.settle(names, owner, End::Linked { stands: time });
                for name in names {
                    if standing(&model, name).is_some_and(|s| s.owner == Some(owner)) {
                        let stands = Stands {
                            owner: Some(owner),
                            has_posted: true,
                            is_accepted: true,
                            until: now + time.min(Claims::LONGEST),
                        };
                        model.insert(*name, stands);
                    }
                }
            }
            6 => {
                claims.settle(names, owner, End::Unlinked);
                model.retain(|name, s| {
                    let is_removed = s.owner == Some(owner) || s.is_accepted;
                    !(names.contains(name) && is_removed && s.until > now)
                });
            }
            _ if who < 128 => {
                now += time;
                claims.advance(time);
            }
            _ => {
                // What another version, or another program, may have written.
                let texts = [
                    "",
                    " ",
                    "x",
                    "x accepted",
                    "x unknown",
                    "x later",
                    " accepted",
                ];
                let text = texts[usize::from(who) % texts.len()];
                let is_accepted = text.ends_with(" accepted");
                claims.write(names[0], text, time);
                let stands = Stands {
                    owner: None,
                    has_posted: false,
                    is_accepted,
                    until: now + time,
                };
                model.insert(names[0], stands);
            }
        }
    }
}
