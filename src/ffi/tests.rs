//! Every function of the C interface with invalid arguments, and with a panic inside.
//!
//! The C programs in `bindings/c` and the tests in `tests/` cover valid use.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block
)]

use std::ffi::{CStr, CString, c_char};
use std::net::TcpListener;
use std::ptr::{null, null_mut};

use super::authorization::{
    wx_client_accept_authorization, wx_client_accept_push, wx_client_account_info,
    wx_client_authorization_url,
};
use super::calls::{
    wx_ensure_linked, wx_get_linked, wx_link_miniprogram, wx_unlink_miniprogram, wx_wait_linked,
};
use super::client::{
    wx_client, wx_client_add_account, wx_client_cancel, wx_client_derive, wx_client_free,
    wx_client_new, wx_client_set_ticket, wx_client_stats,
};
use super::errcode::{wx_catalogue_json, wx_class_text, wx_errcode_text};
use super::exec::wx_exec;
use super::guard::injected;
use super::list::{
    wx_list_has, wx_list_json, wx_list_length, wx_list_number, wx_list_size, wx_list_text,
};
use super::options::{
    wx_options, wx_options_free, wx_options_message, wx_options_new, wx_options_set,
};
use super::result::{
    wx_result, wx_result_class, wx_result_delivery, wx_result_errcode, wx_result_free,
    wx_result_get, wx_result_http_status, wx_result_json, wx_result_message, wx_result_rid,
    wx_result_trace,
};
use super::status::{WX_ABI_VERSION, wx_abi_version, wx_status_text, wx_version};
use crate::model::endpoint::Endpoint;
use crate::model::errcode::CLASSES;
use crate::model::status::{STATUSES, Status};
use crate::response::response::Response;

const BAD_UTF8: &CStr = c"\xff\xfe";

// As the header spells them.
const WX_OK: i32 = Status::Ok.code();
const WX_E_NULL_POINTER: i32 = Status::NullPointer.code();
const WX_E_NOT_UTF8: i32 = Status::NotUtf8.code();
const WX_E_BAD_VALUE: i32 = Status::BadValue.code();
const WX_E_BAD_OPTION: i32 = Status::BadOption.code();
const WX_E_BUFFER: i32 = Status::Buffer.code();
const WX_E_NOT_FOUND: i32 = Status::NotFound.code();
const WX_E_TIMEOUT: i32 = Status::Timeout.code();
const WX_E_CANCELLED: i32 = Status::Cancelled.code();
const WX_E_INTERNAL: i32 = Status::Internal.code();

/// A client whose host never responds: its calls end with TIMEOUT.
struct SilentHost {
    client: *mut wx_client,
    /// Listens while the client exists, and accepts nothing.
    _listener: TcpListener,
}

impl SilentHost {
    fn new() -> SilentHost {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // The system completes the connections, which then wait in the listener's queue.
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut client = null_mut();
        unsafe {
            let options = wx_options_new();
            let set = |k: &CStr, v: &str| {
                let v = CString::new(v).unwrap();
                assert_eq!(wx_options_set(options, k.as_ptr(), v.as_ptr()), WX_OK);
            };
            set(c"base_url", &url);
            set(c"timeout_ms", "200");
            set(c"max_retries", "0");
            assert_eq!(wx_client_new(options, &mut client), WX_OK);
            wx_options_free(options);
        }
        SilentHost {
            client,
            _listener: listener,
        }
    }
}

impl Drop for SilentHost {
    fn drop(&mut self) {
        unsafe { wx_client_free(self.client) };
    }
}

fn string(text: *const c_char) -> String {
    assert!(!text.is_null());
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}

/// Checks the result of a call that failed before it sent anything or without a response, frees it,
/// and returns its status and message.
fn check_failure(status: i32, result: *mut wx_result) -> (i32, String) {
    unsafe {
        assert!(!result.is_null());
        assert_ne!(wx_result_errcode(result), 0);
        assert_eq!(wx_result_errcode(result), status);
        assert_eq!(wx_result_http_status(result), 0);
        let mut len = usize::MAX;
        let json = string(wx_result_json(result, &mut len));
        assert_eq!(len, json.len());
        let tree: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(tree["errcode"], status);
        let message = string(wx_result_message(result));
        assert_eq!(tree["errmsg"], message.as_str());
        assert!(
            serde_json::from_str::<serde_json::Value>(&string(wx_result_trace(result))).is_ok()
        );
        assert_eq!(string(wx_result_rid(result)), "");
        assert_eq!(wx_result_class(result), 0);
        wx_result_free(result);
        (status, message)
    }
}

#[test]
fn every_status_and_class_has_its_text() {
    for e in STATUSES {
        let text = string(wx_status_text(e.status.code()));
        assert_eq!(text, format!("{}: {}", e.name, e.text.en));
    }
    assert_eq!(string(wx_status_text(1)), "");
    assert_eq!(string(wx_status_text(i32::MIN)), "");

    for e in CLASSES {
        let text = |field: *const c_char, lang: *const c_char| {
            string(unsafe { wx_class_text(e.class.code(), field, lang) })
        };
        assert_eq!(text(null(), null()), e.word);
        assert_eq!(text(c"name".as_ptr(), c"zh".as_ptr()), e.word);
        assert_eq!(text(c"advice".as_ptr(), null()), e.advice.en);
        assert_eq!(text(c"advice".as_ptr(), c"zh".as_ptr()), e.advice.zh);
        assert_eq!(text(c"color".as_ptr(), null()), "");
        assert_eq!(text(null(), c"fr".as_ptr()), "");
        assert_eq!(text(BAD_UTF8.as_ptr(), null()), "");
    }
    for unknown in [0, 99, -1, i32::MIN] {
        assert_eq!(
            string(unsafe { wx_class_text(unknown, null(), null()) }),
            ""
        );
    }
}

#[test]
fn versions() {
    assert_eq!(wx_abi_version(), WX_ABI_VERSION);
    assert_eq!(string(wx_version()), env!("CARGO_PKG_VERSION"));
}

#[test]
fn null_in_every_argument() {
    let silent = SilentHost::new();
    let (client, text) = (silent.client, c"text".as_ptr());
    unsafe {
        wx_options_free(null_mut());
        wx_client_free(null_mut());
        wx_result_free(null_mut());

        let options = wx_options_new();
        assert_eq!(wx_options_set(null_mut(), text, text), WX_E_NULL_POINTER);
        assert_eq!(wx_options_set(options, null(), text), WX_E_NULL_POINTER);
        assert_eq!(wx_options_set(options, text, null()), WX_E_NULL_POINTER);
        assert!(string(wx_options_message(options)).contains("value is NULL"));
        assert_eq!(string(wx_options_message(null::<wx_options>())), "");
        wx_options_free(options);

        assert_eq!(wx_client_new(null_mut(), null_mut()), WX_E_NULL_POINTER);

        let mut none = null_mut();
        assert_eq!(
            wx_client_derive(null(), null_mut(), &mut none),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_client_derive(client, null_mut(), null_mut()),
            WX_E_NULL_POINTER
        );
        wx_client_cancel(null());

        // If there is nowhere to store the result, the call is not made.
        let nowhere = null_mut();
        assert_eq!(
            wx_ensure_linked(client, text, text, 0, 0, 0, nowhere),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_wait_linked(client, text, text, 0, nowhere),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_link_miniprogram(client, text, text, 0, 0, null_mut()),
            WX_E_NULL_POINTER
        );
        assert_eq!(wx_get_linked(client, text, null_mut()), WX_E_NULL_POINTER);
        assert_eq!(
            wx_unlink_miniprogram(client, text, text, null_mut()),
            WX_E_NULL_POINTER
        );

        let mut r = null_mut();
        let calls: [(&str, i32, *mut wx_result); 29] = [
            (
                "client",
                wx_link_miniprogram(null(), text, text, 0, 0, &mut r),
                r,
            ),
            (
                "access_token",
                wx_link_miniprogram(client, null(), text, 0, 0, &mut r),
                r,
            ),
            (
                "appid",
                wx_link_miniprogram(client, text, null(), 0, 0, &mut r),
                r,
            ),
            ("client", wx_get_linked(null(), text, &mut r), r),
            ("access_token", wx_get_linked(client, null(), &mut r), r),
            (
                "client",
                wx_unlink_miniprogram(null(), text, text, &mut r),
                r,
            ),
            (
                "access_token",
                wx_unlink_miniprogram(client, null(), text, &mut r),
                r,
            ),
            (
                "appid",
                wx_unlink_miniprogram(client, text, null(), &mut r),
                r,
            ),
            (
                "client",
                wx_ensure_linked(null(), text, text, 0, 0, 0, &mut r),
                r,
            ),
            (
                "access_token",
                wx_ensure_linked(client, null(), text, 0, 0, 0, &mut r),
                r,
            ),
            (
                "appid",
                wx_ensure_linked(client, text, null(), 0, 0, 0, &mut r),
                r,
            ),
            ("client", wx_wait_linked(null(), text, text, 0, &mut r), r),
            ("client", wx_client_set_ticket(null(), text, &mut r), r),
            ("ticket", wx_client_set_ticket(client, null(), &mut r), r),
            (
                "client",
                wx_client_add_account(null(), text, text, &mut r),
                r,
            ),
            (
                "appid",
                wx_client_add_account(client, null(), text, &mut r),
                r,
            ),
            (
                "refresh_token",
                wx_client_add_account(client, text, null(), &mut r),
                r,
            ),
            (
                "client",
                wx_client_accept_push(null(), text, text, 4, &mut r),
                r,
            ),
            (
                "query",
                wx_client_accept_push(client, null(), text, 4, &mut r),
                r,
            ),
            (
                "body",
                wx_client_accept_push(client, text, null(), 0, &mut r),
                r,
            ),
            (
                "client",
                wx_client_authorization_url(null(), text, text, &mut r),
                r,
            ),
            (
                "redirect_uri",
                wx_client_authorization_url(client, null(), null(), &mut r),
                r,
            ),
            (
                "client",
                wx_client_accept_authorization(null(), text, &mut r),
                r,
            ),
            (
                "code",
                wx_client_accept_authorization(client, null(), &mut r),
                r,
            ),
            ("client", wx_client_account_info(null(), text, &mut r), r),
            ("account", wx_client_account_info(client, null(), &mut r), r),
            ("client", wx_client_stats(null(), &mut r), r),
            (
                "access_token",
                wx_wait_linked(client, null(), text, 0, &mut r),
                r,
            ),
            (
                "appid_or_gh_id",
                wx_wait_linked(client, text, null(), 0, &mut r),
                r,
            ),
        ];
        for (what, status, result) in calls {
            let (status, message) = check_failure(status, result);
            assert_eq!(status, WX_E_NULL_POINTER);
            assert!(message.contains(&format!("{what} is NULL")), "{message}");
        }

        let none = null::<wx_result>();
        let mut len = 7;
        assert_eq!(string(wx_result_json(none, &mut len)), "");
        assert_eq!(len, 0);
        assert_eq!(string(wx_result_json(none, null_mut())), "");
        assert_eq!(wx_result_errcode(none), WX_E_NULL_POINTER);
        assert_eq!(wx_result_http_status(none), 0);
        assert_eq!(wx_result_delivery(none), 0);
        assert_eq!(wx_result_class(none), 0);
        for get in [wx_result_message, wx_result_rid, wx_result_trace] {
            assert_eq!(string(get(none)), "");
        }
        assert_eq!(wx_result_get(none, text, null_mut(), 0), WX_E_NULL_POINTER);
        check_no_list(none);

        assert_eq!(string(wx_errcode_text(null(), 0, null(), null())), "");
        assert_eq!(
            string(wx_errcode_text(null(), 0, c"class".as_ptr(), null())),
            "ok"
        );

        let (mut out, mut len) = ([0; 600], 0);
        let out_ptr: *mut c_char = out.as_mut_ptr();
        assert_eq!(
            wx_exec(text, 4, text, 4, out_ptr, 600, null_mut()),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_exec(null(), 4, text, 4, out_ptr, 600, &mut len),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_exec(text, 4, null(), 4, out_ptr, 600, &mut len),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_exec(text, 4, text, 4, null_mut(), 600, &mut len),
            WX_E_NULL_POINTER
        );
        assert_eq!(
            wx_exec(null(), 0, null(), 0, out_ptr, 600, &mut len),
            WX_E_BAD_VALUE
        );
        assert_eq!(
            wx_exec(null(), 0, null(), 0, null_mut(), 0, &mut len),
            WX_E_BUFFER
        );
        assert!(len > 0);
    }
}

#[test]
fn invalid_utf8_in_every_argument() {
    let silent = SilentHost::new();
    let (client, text, bad) = (silent.client, c"text".as_ptr(), BAD_UTF8.as_ptr());
    unsafe {
        let options = wx_options_new();
        assert_eq!(wx_options_set(options, bad, text), WX_E_NOT_UTF8);
        assert_eq!(wx_options_set(options, text, bad), WX_E_NOT_UTF8);
        wx_options_free(options);

        let mut r = null_mut();
        let calls = [
            (wx_link_miniprogram(client, bad, text, 0, 0, &mut r), r),
            (wx_link_miniprogram(client, text, bad, 0, 0, &mut r), r),
            (wx_get_linked(client, bad, &mut r), r),
            (wx_unlink_miniprogram(client, bad, text, &mut r), r),
            (wx_unlink_miniprogram(client, text, bad, &mut r), r),
            (wx_ensure_linked(client, bad, text, 0, 0, 0, &mut r), r),
            (wx_ensure_linked(client, text, bad, 0, 0, 0, &mut r), r),
            (wx_wait_linked(client, bad, text, 0, &mut r), r),
            (wx_wait_linked(client, text, bad, 0, &mut r), r),
        ];
        for (i, (status, result)) in calls.into_iter().enumerate() {
            if i == 4 {
                assert_eq!(wx_result_get(result, bad, null_mut(), 0), WX_E_NOT_UTF8);
            }
            assert_eq!(check_failure(status, result).0, WX_E_NOT_UTF8);
        }
        assert_eq!(string(wx_errcode_text(bad, 0, text, text)), "");
        assert_eq!(string(wx_errcode_text(null(), 0, bad, null())), "");
        assert_eq!(
            string(wx_errcode_text(null(), 0, c"name".as_ptr(), bad)),
            ""
        );

        let (mut out, mut len) = ([0; 600], 0);
        assert_eq!(
            wx_exec(bad, 2, text, 4, out.as_mut_ptr(), 600, &mut len),
            WX_E_NOT_UTF8
        );
        assert_eq!(
            wx_exec(text, 4, bad, 2, out.as_mut_ptr(), 600, &mut len),
            WX_E_NOT_UTF8
        );
    }
}

#[test]
fn values_out_of_range() {
    let silent = SilentHost::new();
    let (client, text) = (silent.client, c"text".as_ptr());
    let long_token = CString::new(vec![b'a'; 4097]).unwrap();
    let long_appid = CString::new(vec![b'a'; 257]).unwrap();
    unsafe {
        let mut r = null_mut();
        let calls = [
            (
                wx_link_miniprogram(client, c"".as_ptr(), text, 0, 0, &mut r),
                r,
            ),
            (
                wx_link_miniprogram(client, text, c"".as_ptr(), 0, 0, &mut r),
                r,
            ),
            (
                wx_link_miniprogram(client, c"a\nb".as_ptr(), text, 0, 0, &mut r),
                r,
            ),
            (
                wx_link_miniprogram(client, text, c"\x7f".as_ptr(), 0, 0, &mut r),
                r,
            ),
            (
                wx_link_miniprogram(client, long_token.as_ptr(), text, 0, 0, &mut r),
                r,
            ),
            (
                wx_link_miniprogram(client, text, long_appid.as_ptr(), 0, 0, &mut r),
                r,
            ),
            (wx_link_miniprogram(client, text, text, 2, 0, &mut r), r),
            (wx_link_miniprogram(client, text, text, 0, -1, &mut r), r),
            (wx_get_linked(client, c"".as_ptr(), &mut r), r),
            (
                wx_unlink_miniprogram(client, text, c"\t".as_ptr(), &mut r),
                r,
            ),
            (wx_ensure_linked(client, text, text, 0, 2, 0, &mut r), r),
            (
                wx_ensure_linked(client, text, c"".as_ptr(), 0, 0, 9, &mut r),
                r,
            ),
            (
                wx_ensure_linked(client, c"\n".as_ptr(), text, 0, 0, 9, &mut r),
                r,
            ),
            (wx_wait_linked(client, text, c"".as_ptr(), 9, &mut r), r),
            (
                wx_wait_linked(client, text, long_appid.as_ptr(), 9, &mut r),
                r,
            ),
        ];
        for (status, result) in calls {
            assert_eq!(check_failure(status, result).0, WX_E_BAD_VALUE);
        }
    }
}

#[test]
fn a_derived_handle_has_its_own_limits_and_cancellation() {
    let silent = SilentHost::new();
    let text = c"text".as_ptr();
    unsafe {
        let options = wx_options_new();
        let mut derived = null_mut();
        // An option of the shared connections cannot be changed.
        assert_eq!(
            wx_options_set(options, c"proxy".as_ptr(), c"none".as_ptr()),
            WX_OK
        );
        assert_eq!(
            wx_client_derive(silent.client, options, &mut derived),
            WX_E_BAD_OPTION
        );
        assert!(derived.is_null());
        assert!(
            string(wx_options_message(options))
                .contains("option proxy cannot be changed on a derived client")
        );
        wx_options_free(options);

        assert_eq!(
            wx_client_derive(silent.client, null_mut(), &mut derived),
            WX_OK
        );
        wx_client_cancel(derived);
        let mut r = null_mut();
        let status = wx_get_linked(derived, text, &mut r);
        assert_eq!(wx_result_delivery(r), 0);
        assert_eq!(check_failure(status, r).0, WX_E_CANCELLED);
        let status = wx_ensure_linked(derived, text, text, 0, 0, 1000, &mut r);
        assert_eq!(check_failure(status, r).0, WX_E_CANCELLED);
        // The base handle still works: it waits for its host, which does not respond.
        let status = wx_get_linked(silent.client, text, &mut r);
        assert_eq!(check_failure(status, r).0, WX_E_TIMEOUT);
        wx_client_free(derived);
    }
}

/// A result without items, with every kind of argument.
fn check_no_list(result: *const wx_result) {
    let mut len = 7;
    unsafe {
        assert_eq!(wx_list_length(result), 0);
        assert_eq!(string(wx_list_json(result, &mut len)), "[]");
        assert_eq!(len, 2);
        assert_eq!(string(wx_list_json(result, null_mut())), "[]");
        for field in [null(), c"".as_ptr(), c"appid".as_ptr(), BAD_UTF8.as_ptr()] {
            for index in [0, 1, usize::MAX] {
                assert_eq!(string(wx_list_text(result, index, field)), "");
                assert_eq!(wx_list_number(result, index, field, -7), -7);
                assert_eq!(wx_list_has(result, index, field), 0);
                assert_eq!(wx_list_size(result, index, field), 0);
            }
        }
    }
}

fn list_of(body: &[u8]) -> wx_result {
    let response = Response::from_bytes(Endpoint::Get, 200, body.to_vec()).unwrap();
    wx_result::from_response(response)
}

#[test]
fn fields_are_read_by_name_and_path() {
    let list = list_of(
        br#"{"errcode":0,"wxopens":{"items":[{"status":1,"appid":"wx1","nickname":"a\u0000\n\ud83d\ude00",
        "selected":"12","released":null,"nearby_display_status":2147483648,"email":true,
        "copy_verify_status":-2147483648,"func_info":[{"id":1,"name":"n\u0000"},{"id":"2"}],
        "a/b~":[[],{"c":[7]}],"":5},{"func_News":[{}],"func_infos":null}]}}"#,
    );
    let field = |i, name: &CStr| string(unsafe { wx_list_text(&list, i, name.as_ptr()) });
    let number = |i, name: &CStr| unsafe { wx_list_number(&list, i, name.as_ptr(), -7) };
    let has = |i, name: &CStr| unsafe { wx_list_has(&list, i, name.as_ptr()) };
    let size = |i, name: &CStr| unsafe { wx_list_size(&list, i, name.as_ptr()) };
    for _ in 0..2 {
        assert_eq!(unsafe { wx_list_length(&list) }, 2);
        // A known field: a number, a text, a number in a text, null, and other types.
        assert_eq!((field(0, c"status"), number(0, c"status")), ("1".into(), 1));
        assert_eq!(field(0, c"appid"), "wx1");
        assert_eq!(field(0, c"nickname"), "a\u{FFFD}\n\u{1F600}");
        let selected = (field(0, c"selected"), number(0, c"selected"));
        assert_eq!(selected, ("12".into(), 12));
        assert_eq!(has(0, c"released") + has(1, c"appid"), 0);
        assert_eq!(
            (field(0, c"released"), number(0, c"released")),
            ("".into(), -7)
        );
        assert_eq!(
            (field(0, c"email"), number(0, c"email")),
            ("true".into(), -7)
        );
        // Beyond the range, the digits are a text.
        assert_eq!(field(0, c"nearby_display_status"), "2147483648");
        assert_eq!(number(0, c"nearby_display_status"), -7);
        assert_eq!(number(0, c"copy_verify_status"), i32::MIN);
        // All spellings of func_infos.
        for name in [c"func_infos", c"func_info", c"func_News"] {
            assert_eq!((size(0, name), size(1, name)), (2, 1), "{name:?}");
            assert_eq!(has(0, name), 1);
        }
        assert_eq!(field(0, c"func_infos/0/name"), "n\u{FFFD}");
        assert_eq!(number(0, c"func_News/1/id"), 2);
        assert_eq!(
            field(0, c"func_info"),
            r#"[{"id":1,"name":"n\u0000"},{"id":"2"}]"#
        );
        // Unknown fields, and a name that contains separators.
        assert_eq!(field(0, c"a~1b~0/1/c/0"), "7");
        assert_eq!((size(0, c"a~1b~0"), size(0, c"a~1b~0/1/c")), (2, 1));
        assert_eq!(field(1, c""), r#"{"func_News":[{}],"func_infos":null}"#);
        for missing in [
            c"x",
            c"appid/0",
            c"func_infos/2",
            c"func_infos/01",
            c"func_infos/-1",
            c"/",
        ] {
            assert_eq!(
                (field(0, missing), has(0, missing)),
                (String::new(), 0),
                "{missing:?}"
            );
        }
        assert_eq!(
            (field(2, c"appid"), has(usize::MAX, c"appid")),
            (String::new(), 0)
        );
        assert_eq!(field(0, BAD_UTF8), "");
    }
    let mut len = 0;
    let json = string(unsafe { wx_list_json(&list, &mut len) });
    assert_eq!(len, json.len());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["nickname"], "a\0\n\u{1F600}");
}

#[test]
fn a_damaged_body_is_kept_and_its_list_is_json() {
    let body =
        b"{\"errcode\":0,\"wxopens\":{\"items\":[{\"appid\":\"wx1\",\"nickname\":\"\xff\0\"}]}}\0";
    let list = list_of(body);
    let mut len = 0;
    let json = unsafe { wx_result_json(&list, &mut len) };
    let kept = unsafe { std::slice::from_raw_parts(json.cast::<u8>(), len + 1) };
    assert_eq!(kept, [&body[..], b"\0"].concat());
    let json = string(unsafe { wx_list_json(&list, null_mut()) });
    assert_eq!(
        json,
        "[{\"appid\":\"wx1\",\"nickname\":\"\u{FFFD}\u{FFFD}\"}]"
    );
    let nickname = unsafe { wx_list_text(&list, 0, c"nickname".as_ptr()) };
    assert_eq!(string(nickname), "\u{FFFD}\u{FFFD}");
}

#[test]
fn threads_read_the_same_texts() {
    let list = list_of(
        br#"{"errcode":0,"wxopens":{"items":[{"appid":"wx1","func_infos":[{"name":"a"}]}]}}"#,
    );
    let texts = |list: &wx_result| {
        let text = |field: &CStr| unsafe { wx_list_text(list, 0, field.as_ptr()) } as usize;
        [text(c"appid"), text(c"func_infos/0/name"), text(c"")]
    };
    let seen: Vec<_> = std::thread::scope(|scope| {
        let read = |_| scope.spawn(|| texts(&list));
        let threads: Vec<_> = (0..4).map(read).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|pointers| *pointers == texts(&list)));
}

#[test]
fn ensure_and_wait_return_the_item_as_a_list() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let url = CString::new(sandbox.http_url()).unwrap();
    unsafe {
        let options = wx_options_new();
        let set = wx_options_set(options, c"base_url".as_ptr(), url.as_ptr());
        assert_eq!(set, WX_OK);
        let mut client = null_mut();
        assert_eq!(wx_client_new(options, &mut client), WX_OK);
        wx_options_free(options);
        let (token, appid) = (c"SANDBOX-TOKEN".as_ptr(), c"wx0b00000000000001".as_ptr());
        let mut r = null_mut();

        // The list does not show the mini program.
        assert_eq!(
            wx_wait_linked(client, token, appid, 0, &mut r),
            Status::Vanished.code()
        );
        check_no_list(r);
        wx_result_free(r);
        assert_eq!(
            wx_link_miniprogram(client, token, appid, 0, 0, &mut r),
            WX_OK
        );
        check_no_list(r);
        wx_result_free(r);

        assert_eq!(
            wx_wait_linked(client, token, appid, 0, &mut r),
            Status::Pending.code()
        );
        assert_eq!(wx_list_length(r), 1);
        assert_eq!(
            string(wx_list_text(r, 0, c"appid".as_ptr())),
            "wx0b00000000000001"
        );
        assert_eq!(wx_list_number(r, 0, c"status".as_ptr(), 0), 12);
        let json: serde_json::Value =
            serde_json::from_str(&string(wx_list_json(r, null_mut()))).unwrap();
        assert_eq!(json[0]["status"], 12);
        wx_result_free(r);
        wx_client_free(client);
    }
}

#[test]
fn a_value_is_copied_completely_or_not_at_all() {
    let silent = SilentHost::new();
    unsafe {
        let mut r = null_mut();
        wx_get_linked(silent.client, null(), &mut r);
        let mut buf = [b'x' as c_char; 8];
        let get =
            |pointer: &CStr, buf: *mut c_char, cap| wx_result_get(r, pointer.as_ptr(), buf, cap);
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 8), 2);
        assert_eq!(string(buf.as_ptr()), "-1");
        // A buffer that fits exactly, one byte too few, and room for the NUL alone.
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 3), 2);
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 2), WX_E_BUFFER);
        assert_eq!(string(buf.as_ptr()), "");
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 1), WX_E_BUFFER);
        assert_eq!(get(c"/errcode", null_mut(), 0), 2);
        assert_eq!(get(c"/errcode", null_mut(), 1), WX_E_NULL_POINTER);
        assert_eq!(get(c"/nothing", null_mut(), 0), WX_E_NOT_FOUND);
        for bad in [c"errcode", c"/a~", c"/a~2"] {
            assert_eq!(get(bad, null_mut(), 0), WX_E_BAD_VALUE, "{bad:?}");
        }
        assert!(get(c"", null_mut(), 0) > 0);
        wx_result_free(r);
    }
}

/// Calls `wx_exec` with a buffer of `cap` bytes. Returns the status, the output and its length.
fn exec(op: &str, args: &str, cap: usize) -> (i32, String, usize) {
    let (mut out, mut len) = (vec![0_u8; 4096], 0);
    let (ops, text) = (op.as_ptr().cast(), args.as_ptr().cast());
    let place = out.as_mut_ptr().cast();
    let status = unsafe { wx_exec(ops, op.len(), text, args.len(), place, cap, &mut len) };
    out.truncate(len.min(cap));
    (status, String::from_utf8(out).unwrap(), len)
}

#[test]
fn exec_shortens_the_result_of_a_post_that_does_not_fit() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let url = sandbox.http_url();
    let args = format!(
        "base_url={url}\naccess_token=SANDBOX-TOKEN\nappid=wx0b00000000000001\n\
         notify_users=0\nshow_profile=1"
    );
    let (status, out, len) = exec("ensure", &args, 512);
    assert_eq!((status, len), (Status::Pending.code(), out.len()));
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["errcode"], Status::Pending.code());
    assert_eq!(json["waits_for"], "official_account");
    assert_eq!((&json["posts"], &json["item"]), (&1.into(), &().into()));

    let (status, out, _) = exec("ensure", &(args + "\nformat=lines"), 512);
    assert_eq!(status, Status::Pending.code());
    assert!(
        out.starts_with("status=-80\nerrcode=-80\nclass=pending\ndelivery=2\n"),
        "{out}"
    );
    assert!(
        out.ends_with("message=the result does not fit into the buffer\n"),
        "{out}"
    );
}

#[test]
fn a_message_contains_no_control_characters_of_wechats() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let body = r#"{"errcode":77777,"errmsg":"a\u0000b\nc"}"#;
    let fault = serde_json::json!({"fault": {"body": {"text": body}}});
    sandbox.admin("POST", "faults", &fault).unwrap();
    let mut options = crate::Options::new();
    options.set("base_url", sandbox.http_url()).unwrap();
    let client = wx_client {
        client: crate::Client::new(&options).unwrap(),
    };
    let mut result = null_mut();
    unsafe {
        assert_eq!(
            wx_get_linked(&client, c"t".as_ptr(), &mut result),
            Status::Api.code()
        );
        let message = string(wx_result_message(result));
        assert!(message.contains("77777 (a b c)"), "{message}");
        wx_result_free(result);
    }
}

#[test]
fn exec_reports_invalid_arguments() {
    let cases = [
        ("jump", "", WX_E_BAD_VALUE, "op must be"),
        ("link", "", WX_E_BAD_VALUE, "access_token="),
        ("link", "access_token=t", WX_E_BAD_VALUE, "appid="),
        (
            "link",
            "access_token=t\nappid=a",
            WX_E_BAD_VALUE,
            "notify_users=",
        ),
        (
            "link",
            "access_token=t\nappid=a\nnotify_users=2",
            WX_E_BAD_VALUE,
            "notify_users must be",
        ),
        ("unlink", "access_token=t", WX_E_BAD_VALUE, "appid="),
        ("list", "access_token", WX_E_BAD_VALUE, "line 1"),
        (
            "list",
            "access_token=t\naccess_token=t",
            WX_E_BAD_VALUE,
            "line 2",
        ),
        (
            "list",
            "access_token=t\nformat=xml",
            WX_E_BAD_VALUE,
            "format",
        ),
        ("push", "query=x", WX_E_BAD_VALUE, "body_base64="),
        ("push", "body_base64=AA==", WX_E_BAD_VALUE, "query="),
        ("push", "body_base64=*", WX_E_BAD_VALUE, "not base64"),
        (
            "push",
            "component_appid=a\ncomponent_appsecret=b\npush_token=c\n\
             push_aes_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
             query=msg_signature=x\nbody_base64=PHhtbC8+",
            Status::BadPush.code(),
            "Encrypt",
        ),
        ("url", "", WX_E_BAD_VALUE, "redirect_uri="),
        ("code", "", WX_E_BAD_VALUE, "code="),
        ("info", "", WX_E_BAD_VALUE, "appid="),
        ("list", "token=t", WX_E_BAD_OPTION, "unknown option"),
        ("list", "timeout_ms=x", WX_E_BAD_OPTION, "timeout_ms takes"),
    ];
    for (op, args, status, expected) in cases {
        let (got, out, _) = exec(op, args, 4096);
        assert_eq!(got, status, "{op} {args}: {out}");
        assert!(out.contains(expected), "{op} {args}: {out}");
        let tree: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(tree["errcode"], status);
    }
    // Spaces and NULs pad fields of a fixed length. The error has the requested format.
    let (status, out, _) = exec(
        "list \0",
        " timeout_ms = 0 \0\r\n format = lines\r\n\0\0",
        4096,
    );
    assert_eq!(status, WX_E_BAD_OPTION);
    assert!(
        out.starts_with("status=-4\nerrcode=-4\nclass=\ndelivery=0\nhttp_status=0\nrid=\nmessage=")
    );
    assert!(out.contains("\n/errcode=-4\n"), "{out}");

    // Nothing is posted if the shortest result might not fit.
    let (status, out, len) = exec("unlink", "access_token=t\nappid=a", 511);
    assert_eq!(
        (status, out.trim_matches('\0'), len),
        (WX_E_BUFFER, "", 512)
    );
}

#[test]
fn exec_uses_the_token_source_in_args() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let common = format!(
        "base_url={}\naccount=wx0a00000000000001\n",
        sandbox.http_url()
    );
    let (status, out, _) = exec(
        "list",
        &format!("{common}token_command=echo SANDBOX-TOKEN"),
        4096,
    );
    assert_eq!(status, WX_OK, "{out}");

    let platform = [
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "SANDBOX-COMPONENT-SECRET"),
    ];
    let component = platform.map(|(key, value)| format!("{key}={value}\n"));
    let component = common + &component.concat();
    // With the memory store, the ticket of an earlier call is lost.
    let (status, out, _) = exec("list", &component, 4096);
    assert_eq!(status, Status::NoToken.code(), "{out}");
    assert!(out.contains("component_verify_ticket"), "{out}");

    #[cfg(feature = "file-store")]
    {
        let path = std::env::temp_dir().join(format!("wxlink-exec-{}.redb", std::process::id()));
        let store = format!("file:{}", path.display());
        let mut options = crate::Options::new();
        options.set("store", &store).unwrap();
        options.set("base_url", sandbox.http_url()).unwrap();
        for (key, value) in platform {
            options.set(key, value).unwrap();
        }
        let client = crate::Client::new(&options).unwrap();
        client.set_ticket("SANDBOX-TICKET").unwrap();
        client
            .add_account("wx0a00000000000001", "SANDBOX-REFRESH-1")
            .unwrap();
        let link = "\nappid=wx0b00000000000001\nnotify_users=0\nshow_profile=1";
        let (status, out, _) = exec("link", &format!("{component}store={store}{link}"), 4096);
        std::fs::remove_file(path).unwrap();
        assert_eq!(status, WX_OK, "{out}");
    }
}

#[test]
fn a_panic_becomes_internal_and_the_client_still_works() {
    let silent = SilentHost::new();
    let (client, text) = (silent.client, c"text".as_ptr());
    /// Calls one function, which panics inside.
    fn panicking<T>(call: impl FnOnce() -> T) -> T {
        injected::ask();
        let answer = call();
        assert!(!injected::is_pending(), "the function has no guard");
        answer
    }
    unsafe {
        let mut r = null_mut();
        let calls = [
            (
                panicking(|| wx_link_miniprogram(client, text, text, 0, 0, &mut r)),
                r,
            ),
            (panicking(|| wx_get_linked(client, text, &mut r)), r),
            (
                panicking(|| wx_unlink_miniprogram(client, text, text, &mut r)),
                r,
            ),
            (
                panicking(|| wx_ensure_linked(client, text, text, 0, 0, 0, &mut r)),
                r,
            ),
            (
                panicking(|| wx_wait_linked(client, text, text, 0, &mut r)),
                r,
            ),
            (
                panicking(|| wx_client_accept_push(client, text, text, 4, &mut r)),
                r,
            ),
            (
                panicking(|| wx_client_authorization_url(client, text, text, &mut r)),
                r,
            ),
            (
                panicking(|| wx_client_accept_authorization(client, text, &mut r)),
                r,
            ),
            (
                panicking(|| wx_client_account_info(client, text, &mut r)),
                r,
            ),
            (panicking(|| wx_client_stats(client, &mut r)), r),
        ];
        for (status, result) in calls {
            let (status, message) = check_failure(status, result);
            assert_eq!(status, WX_E_INTERNAL);
            assert!(!message.contains("TOKEN-IN-A-PANIC"), "{message}");
        }

        assert_eq!(panicking(|| wx_abi_version()), 0);
        assert_eq!(string(panicking(|| wx_version())), "");
        assert_eq!(string(panicking(|| wx_status_text(0))), "");
        assert!(panicking(|| wx_options_new()).is_null());
        let options = wx_options_new();
        assert_eq!(
            panicking(|| wx_options_set(options, text, text)),
            WX_E_INTERNAL
        );
        assert_eq!(string(panicking(|| wx_options_message(options))), "");
        let mut none = null_mut();
        assert_eq!(
            panicking(|| wx_client_new(options, &mut none)),
            WX_E_INTERNAL
        );
        let derive = |place| wx_client_derive(client, null_mut(), place);
        assert_eq!(panicking(|| derive(&mut none)), WX_E_INTERNAL);
        panicking(|| wx_client_cancel(client));
        // The options were not freed and are still valid.
        panicking(|| wx_options_free(options));
        wx_options_free(options);
        panicking(|| wx_client_free(null_mut()));
        panicking(|| wx_result_free(null_mut()));

        let mut r = null_mut();
        wx_get_linked(client, c"".as_ptr(), &mut r);
        assert_eq!(panicking(|| wx_result_errcode(r)), WX_E_NULL_POINTER);
        assert_eq!(panicking(|| wx_result_http_status(r)), 0);
        assert_eq!(panicking(|| wx_result_delivery(r)), 0);
        assert_eq!(panicking(|| wx_result_class(r)), 0);
        for get in [wx_result_message, wx_result_rid, wx_result_trace] {
            assert_eq!(string(panicking(|| get(r))), "");
        }
        assert_eq!(string(panicking(|| wx_result_json(r, null_mut()))), "");
        assert_eq!(
            panicking(|| wx_result_get(r, text, null_mut(), 0)),
            WX_E_NULL_POINTER
        );
        wx_result_free(r);

        let list = list_of(br#"{"errcode":0,"wxopens":{"items":[{"appid":"7"}]}}"#);
        let appid = c"appid".as_ptr();
        assert_eq!(panicking(|| wx_list_length(&list)), 0);
        assert_eq!(string(panicking(|| wx_list_text(&list, 0, appid))), "");
        assert_eq!(panicking(|| wx_list_number(&list, 0, appid, -7)), -7);
        assert_eq!(panicking(|| wx_list_has(&list, 0, appid)), 0);
        assert_eq!(panicking(|| wx_list_size(&list, 0, appid)), 0);
        assert_eq!(string(panicking(|| wx_list_json(&list, null_mut()))), "[]");

        assert_eq!(string(panicking(|| wx_catalogue_json())), "");
        assert_eq!(
            string(panicking(|| wx_errcode_text(null(), 0, text, null()))),
            ""
        );
        assert_eq!(string(panicking(|| wx_class_text(1, null(), null()))), "");
        let (mut out, mut len) = ([0; 600], 0);
        let exec = || wx_exec(text, 4, text, 4, out.as_mut_ptr(), 600, &mut len);
        assert_eq!(panicking(exec), WX_E_INTERNAL);

        // The client still works: it waits for its host, which does not respond.
        let mut r = null_mut();
        let status = wx_get_linked(client, text, &mut r);
        assert_eq!(check_failure(status, r).0, Status::Timeout.code());
    }
}
