//! Every function of the C interface, called as badly as a program can call it.
//!
//! What it does when called well is shown by the C programs of `bindings/c` and by `tests/`.

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

use super::calls::{
    wx_ensure_linked, wx_get_linked, wx_link_miniprogram, wx_unlink_miniprogram, wx_wait_linked,
};
use super::client::{wx_client, wx_client_cancel, wx_client_derive, wx_client_free, wx_client_new};
use super::errcode::{wx_catalogue_json, wx_errcode_text};
use super::exec::wx_exec;
use super::guard::injected;
use super::options::{
    wx_options, wx_options_free, wx_options_message, wx_options_new, wx_options_set,
};
use super::result::{
    wx_result, wx_result_class, wx_result_delivery, wx_result_errcode, wx_result_free,
    wx_result_get, wx_result_http_status, wx_result_json, wx_result_message, wx_result_rid,
    wx_result_trace,
};
use super::status::*;
use crate::model::status::{STATUSES, Status};

const BAD_UTF8: &CStr = c"\xff\xfe";

/// A client whose host accepts connections and never answers: its calls end with TIMEOUT.
struct Bench {
    client: *mut wx_client,
    /// Listens for as long as the client lives and accepts nothing.
    _port: TcpListener,
}

impl Bench {
    fn new() -> Bench {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        // The system completes connections to a listener that accepts none; they stay in its queue.
        let url = format!("http://{}", port.local_addr().unwrap());
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
        Bench {
            client,
            _port: port,
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        unsafe { wx_client_free(self.client) };
    }
}

fn words(text: *const c_char) -> String {
    assert!(!text.is_null());
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}

/// Takes a result apart, checks what every result promises, and frees it.
fn opened(status: i32, result: *mut wx_result) -> (i32, String) {
    unsafe {
        assert!(!result.is_null());
        assert_ne!(wx_result_errcode(result), 0);
        assert_eq!(wx_result_errcode(result), status);
        assert_eq!(wx_result_http_status(result), 0);
        let mut len = usize::MAX;
        let json = words(wx_result_json(result, &mut len));
        assert_eq!(len, json.len());
        let tree: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(tree["errcode"], status);
        let message = words(wx_result_message(result));
        assert_eq!(tree["errmsg"], message.as_str());
        assert!(serde_json::from_str::<serde_json::Value>(&words(wx_result_trace(result))).is_ok());
        assert_eq!(words(wx_result_rid(result)), "");
        assert_eq!(words(wx_result_class(result)), "");
        wx_result_free(result);
        (status, message)
    }
}

#[test]
fn constants_are_the_statuses() {
    let constants = [
        ("OK", WX_OK),
        ("NULL_POINTER", WX_E_NULL_POINTER),
        ("NOT_UTF8", WX_E_NOT_UTF8),
        ("BAD_VALUE", WX_E_BAD_VALUE),
        ("BAD_OPTION", WX_E_BAD_OPTION),
        ("BUFFER", WX_E_BUFFER),
        ("NOT_FOUND", WX_E_NOT_FOUND),
        ("RESOLVE", WX_E_RESOLVE),
        ("CONNECT", WX_E_CONNECT),
        ("TLS", WX_E_TLS),
        ("PROXY", WX_E_PROXY),
        ("TIMEOUT_UNSENT", WX_E_TIMEOUT_UNSENT),
        ("NO_TOKEN", WX_E_NO_TOKEN),
        ("TIMEOUT", WX_E_TIMEOUT),
        ("CONNECTION_LOST", WX_E_CONNECTION_LOST),
        ("BAD_ANSWER", WX_E_BAD_ANSWER),
        ("TOO_LARGE", WX_E_TOO_LARGE),
        ("API", WX_E_API),
        ("PENDING", WX_E_PENDING),
        ("DECLINED", WX_E_DECLINED),
        ("VANISHED", WX_E_VANISHED),
        ("CANCELLED", WX_E_CANCELLED),
        ("FORKED", WX_E_FORKED),
        ("INTERNAL", WX_E_INTERNAL),
    ];
    let table: Vec<_> = STATUSES.iter().map(|e| (e.name, e.status.code())).collect();
    assert_eq!(constants.to_vec(), table);
    for (name, code) in constants {
        assert!(words(wx_status_text(code)).starts_with(name));
    }
    assert_eq!(words(wx_status_text(1)), "");
    assert_eq!(words(wx_status_text(i32::MIN)), "");
}

#[test]
fn versions() {
    assert_eq!(wx_abi_version(), WX_ABI_VERSION);
    assert_eq!(words(wx_version()), env!("CARGO_PKG_VERSION"));
}

#[test]
fn null_everywhere() {
    let bench = Bench::new();
    let (client, text) = (bench.client, c"text".as_ptr());
    unsafe {
        wx_options_free(null_mut());
        wx_client_free(null_mut());
        wx_result_free(null_mut());

        let options = wx_options_new();
        assert_eq!(wx_options_set(null_mut(), text, text), WX_E_NULL_POINTER);
        assert_eq!(wx_options_set(options, null(), text), WX_E_NULL_POINTER);
        assert_eq!(wx_options_set(options, text, null()), WX_E_NULL_POINTER);
        assert!(words(wx_options_message(options)).contains("value is NULL"));
        assert_eq!(words(wx_options_message(null::<wx_options>())), "");
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

        // Without a place for the result nothing happens at all.
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
        let calls: [(&str, i32, *mut wx_result); 14] = [
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
            let (status, message) = opened(status, result);
            assert_eq!(status, WX_E_NULL_POINTER);
            assert!(message.contains(&format!("{what} is NULL")), "{message}");
        }

        let none = null::<wx_result>();
        let mut len = 7;
        assert_eq!(words(wx_result_json(none, &mut len)), "");
        assert_eq!(len, 0);
        assert_eq!(words(wx_result_json(none, null_mut())), "");
        assert_eq!(wx_result_errcode(none), WX_E_NULL_POINTER);
        assert_eq!(wx_result_http_status(none), 0);
        assert_eq!(wx_result_delivery(none), 0);
        for get in [
            wx_result_class,
            wx_result_message,
            wx_result_rid,
            wx_result_trace,
        ] {
            assert_eq!(words(get(none)), "");
        }
        assert_eq!(wx_result_get(none, text, null_mut(), 0), WX_E_NULL_POINTER);

        assert_eq!(words(wx_errcode_text(null(), 0, null(), null())), "");
        assert_eq!(
            words(wx_errcode_text(null(), 0, c"class".as_ptr(), null())),
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
fn bad_utf8_everywhere() {
    let bench = Bench::new();
    let (client, text, bad) = (bench.client, c"text".as_ptr(), BAD_UTF8.as_ptr());
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
            assert_eq!(opened(status, result).0, WX_E_NOT_UTF8);
        }
        assert_eq!(words(wx_errcode_text(bad, 0, text, text)), "");
        assert_eq!(words(wx_errcode_text(null(), 0, bad, null())), "");
        assert_eq!(words(wx_errcode_text(null(), 0, c"name".as_ptr(), bad)), "");

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
fn bad_values() {
    let bench = Bench::new();
    let (client, text) = (bench.client, c"text".as_ptr());
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
                wx_link_miniprogram(client, c"a\n".as_ptr(), text, 0, 0, &mut r),
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
            assert_eq!(opened(status, result).0, WX_E_BAD_VALUE);
        }
    }
}

#[test]
fn a_derived_handle_has_its_own_limits_and_cancellation() {
    let bench = Bench::new();
    let text = c"text".as_ptr();
    unsafe {
        let options = wx_options_new();
        let mut derived = null_mut();
        // What is a matter of the connections is refused.
        assert_eq!(
            wx_options_set(options, c"proxy".as_ptr(), c"none".as_ptr()),
            WX_OK
        );
        assert_eq!(
            wx_client_derive(bench.client, options, &mut derived),
            WX_E_BAD_OPTION
        );
        assert!(derived.is_null());
        assert!(
            words(wx_options_message(options))
                .contains("option proxy cannot be changed on a derived client")
        );
        wx_options_free(options);

        assert_eq!(
            wx_client_derive(bench.client, null_mut(), &mut derived),
            WX_OK
        );
        wx_client_cancel(derived);
        let mut r = null_mut();
        let status = wx_get_linked(derived, text, &mut r);
        assert_eq!(wx_result_delivery(r), 0);
        assert_eq!(opened(status, r).0, WX_E_CANCELLED);
        let status = wx_ensure_linked(derived, text, text, 0, 0, 1000, &mut r);
        assert_eq!(opened(status, r).0, WX_E_CANCELLED);
        // The base handle goes on: its host does not answer, which is what it says.
        let status = wx_get_linked(bench.client, text, &mut r);
        assert_eq!(opened(status, r).0, WX_E_TIMEOUT);
        wx_client_free(derived);
    }
}

#[test]
fn values_are_copied_whole_or_not_at_all() {
    let bench = Bench::new();
    unsafe {
        let mut r = null_mut();
        wx_get_linked(bench.client, null(), &mut r);
        let mut buf = [b'x' as c_char; 8];
        let get =
            |pointer: &CStr, buf: *mut c_char, cap| wx_result_get(r, pointer.as_ptr(), buf, cap);
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 8), 2);
        assert_eq!(words(buf.as_ptr()), "-1");
        // Exactly fitting, one too few, nothing but the NUL.
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 3), 2);
        assert_eq!(get(c"/errcode", buf.as_mut_ptr(), 2), WX_E_BUFFER);
        assert_eq!(words(buf.as_ptr()), "");
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

/// Knocks at the flat door.
fn run(op: &str, args: &str, cap: usize) -> (i32, String, usize) {
    let (mut out, mut len) = (vec![0_u8; 4096], 0);
    let (ops, text) = (op.as_ptr().cast(), args.as_ptr().cast());
    let place = out.as_mut_ptr().cast();
    let status = unsafe { wx_exec(ops, op.len(), text, args.len(), place, cap, &mut len) };
    out.truncate(len.min(cap));
    (status, String::from_utf8(out).unwrap(), len)
}

#[test]
fn what_was_done_is_told_even_if_it_does_not_fit() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let url = sandbox.http_url();
    let args = format!(
        "base_url={url}\naccess_token=SANDBOX-TOKEN\nappid=wx0b00000000000001\nnotify_users=0\nshow_profile=1"
    );
    let (status, out, len) = run("ensure", &args, 512);
    assert_eq!((status, len), (Status::Pending.code(), out.len()));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["errcode"], Status::Pending.code());
    assert_eq!(told["waits_for"], "official_account");
    assert_eq!((&told["posts"], &told["item"]), (&1.into(), &().into()));

    let (status, out, _) = run("ensure", &(args + "\nformat=lines"), 512);
    assert_eq!(status, Status::Pending.code());
    assert!(
        out.starts_with("status=-80\nerrcode=-80\nclass=pending\ndelivery=2\n"),
        "{out}"
    );
    assert!(
        out.ends_with("message=the answer does not fit the buffer\n"),
        "{out}"
    );
}

#[test]
fn a_message_is_one_line_whatever_wechat_says() {
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
        let message = words(wx_result_message(result));
        assert!(message.contains("77777 (a b c)"), "{message}");
        wx_result_free(result);
    }
}

#[test]
fn exec_says_what_is_wrong() {
    let wrong = [
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
        ("list", "token=t", WX_E_BAD_OPTION, "unknown option"),
        ("list", "timeout_ms=x", WX_E_BAD_OPTION, "timeout_ms takes"),
    ];
    for (op, args, status, says) in wrong {
        let (got, out, _) = run(op, args, 4096);
        assert_eq!(got, status, "{op} {args}: {out}");
        assert!(out.contains(says), "{op} {args}: {out}");
        let tree: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(tree["errcode"], status);
    }
    // Spaces and NULs fill fixed fields; what is wrong is told in the format asked for.
    let (status, out, _) = run(
        "list \0",
        " timeout_ms = 0 \0\r\n format = lines\r\n\0\0",
        4096,
    );
    assert_eq!(status, WX_E_BAD_OPTION);
    assert!(
        out.starts_with("status=-4\nerrcode=-4\nclass=\ndelivery=0\nhttp_status=0\nrid=\nmessage=")
    );
    assert!(out.contains("\n/errcode=-4\n"), "{out}");

    // Nothing is posted whose answer might not fit.
    let (status, out, len) = run("unlink", "access_token=t\nappid=a", 511);
    assert_eq!(
        (status, out.trim_matches('\0'), len),
        (WX_E_BUFFER, "", 512)
    );
}

#[test]
fn exec_gets_tokens_from_the_source_that_args_name() {
    let sandbox = wxlink_sandbox::Sandbox::start(wxlink_sandbox::Settings::default()).unwrap();
    let common = format!(
        "base_url={}\naccount=wx0a00000000000001\n",
        sandbox.http_url()
    );
    let (status, out, _) = run(
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
    // In memory nothing is kept from one call to the next.
    let (status, out, _) = run("list", &component, 4096);
    assert_eq!(status, Status::NoToken.code(), "{out}");
    assert!(out.contains("component_verify_ticket"), "{out}");

    #[cfg(feature = "file-store")]
    {
        let path = std::env::temp_dir().join(format!("wxlink-exec-{}.redb", std::process::id()));
        let store = format!("file:{}", path.display());
        let mut options = crate::Options::new();
        options.set("store", &store).unwrap();
        for (key, value) in platform {
            options.set(key, value).unwrap();
        }
        let client = crate::Client::new(&options).unwrap();
        client.set_ticket("SANDBOX-TICKET").unwrap();
        client
            .add_account("wx0a00000000000001", "SANDBOX-REFRESH-1")
            .unwrap();
        let link = "\nappid=wx0b00000000000001\nnotify_users=0\nshow_profile=1";
        let (status, out, _) = run("link", &format!("{component}store={store}{link}"), 4096);
        std::fs::remove_file(path).unwrap();
        assert_eq!(status, WX_OK, "{out}");
    }
}

#[test]
fn a_panic_comes_back_as_internal_and_the_client_goes_on() {
    let bench = Bench::new();
    let (client, text) = (bench.client, c"text".as_ptr());
    /// Runs one function with a panic behind its entry.
    fn hurt<T>(call: impl FnOnce() -> T) -> T {
        injected::ask();
        let answer = call();
        assert!(!injected::is_pending(), "the function has no guard");
        answer
    }
    unsafe {
        let mut r = null_mut();
        let calls = [
            (
                hurt(|| wx_link_miniprogram(client, text, text, 0, 0, &mut r)),
                r,
            ),
            (hurt(|| wx_get_linked(client, text, &mut r)), r),
            (
                hurt(|| wx_unlink_miniprogram(client, text, text, &mut r)),
                r,
            ),
            (
                hurt(|| wx_ensure_linked(client, text, text, 0, 0, 0, &mut r)),
                r,
            ),
            (hurt(|| wx_wait_linked(client, text, text, 0, &mut r)), r),
        ];
        for (status, result) in calls {
            let (status, message) = opened(status, result);
            assert_eq!(status, WX_E_INTERNAL);
            assert!(!message.contains("TOKEN-IN-A-PANIC"), "{message}");
        }

        assert_eq!(hurt(|| wx_abi_version()), 0);
        assert_eq!(words(hurt(|| wx_version())), "");
        assert_eq!(words(hurt(|| wx_status_text(0))), "");
        assert!(hurt(|| wx_options_new()).is_null());
        let options = wx_options_new();
        assert_eq!(hurt(|| wx_options_set(options, text, text)), WX_E_INTERNAL);
        assert_eq!(words(hurt(|| wx_options_message(options))), "");
        let mut none = null_mut();
        assert_eq!(hurt(|| wx_client_new(options, &mut none)), WX_E_INTERNAL);
        let with = |place| wx_client_derive(client, null_mut(), place);
        assert_eq!(hurt(|| with(&mut none)), WX_E_INTERNAL);
        hurt(|| wx_client_cancel(client));
        // What could not be freed is still whole.
        hurt(|| wx_options_free(options));
        wx_options_free(options);
        hurt(|| wx_client_free(null_mut()));
        hurt(|| wx_result_free(null_mut()));

        let mut r = null_mut();
        wx_get_linked(client, c"".as_ptr(), &mut r);
        assert_eq!(hurt(|| wx_result_errcode(r)), WX_E_NULL_POINTER);
        assert_eq!(hurt(|| wx_result_http_status(r)), 0);
        assert_eq!(hurt(|| wx_result_delivery(r)), 0);
        for get in [
            wx_result_class,
            wx_result_message,
            wx_result_rid,
            wx_result_trace,
        ] {
            assert_eq!(words(hurt(|| get(r))), "");
        }
        assert_eq!(words(hurt(|| wx_result_json(r, null_mut()))), "");
        assert_eq!(
            hurt(|| wx_result_get(r, text, null_mut(), 0)),
            WX_E_NULL_POINTER
        );
        wx_result_free(r);

        assert_eq!(words(hurt(|| wx_catalogue_json())), "");
        assert_eq!(words(hurt(|| wx_errcode_text(null(), 0, text, null()))), "");
        let (mut out, mut len) = ([0; 600], 0);
        let exec = || wx_exec(text, 4, text, 4, out.as_mut_ptr(), 600, &mut len);
        assert_eq!(hurt(exec), WX_E_INTERNAL);

        // The client works as before: its host does not answer, which is what it says.
        let mut r = null_mut();
        let status = wx_get_linked(client, text, &mut r);
        assert_eq!(opened(status, r).0, Status::Timeout.code());
    }
}
