//! `wx_exec`: one call from start to finish, for languages that cannot hold handles.

use std::borrow::Cow;
use std::ffi::c_char;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use libc::size_t;
use serde_json::{Value, json};

use super::guard::guard;
use super::result::{Outcome, out_bytes, plain, wx_result};
use super::{argument_error, bytes_of_length};
use crate::client::{Client, LinkChoices};
use crate::config::options::Options;
use crate::error::Error;
use crate::model::errcode::Class;
use crate::model::status::Status;

/// The smallest output buffer for a call that posts, in bytes: its outcome must always fit.
const MIN_POST_CAP: size_t = 512;

/// The longest rid that is written, in characters.
const MAX_RID_CHARS: usize = 64;
/// The longest value of a field that the shortened JSON contains, in bytes.
const MAX_SHORTENED_VALUE_BYTES: usize = 32;

/// Makes one call from start to finish, for languages that cannot hold handles (COBOL, PL/SQL).
/// All buffers belong to the caller and have explicit lengths; nothing is kept between calls. For
/// Visual Basic and other languages on Windows see wx_stdcall_exec_utf16.
///
/// Every call opens a new connection. A program that makes many calls should use a client instead.
///
///     01 OP      PIC X(4)    VALUE "list".
///     01 ARGS    PIC X(600).
///     01 OUT     PIC X(65536).
///     STRING "access_token=" TOKEN X"0A" "format=lines" DELIMITED BY SIZE INTO ARGS.
///     CALL "wx_exec" USING BY REFERENCE OP BY VALUE 4 BY REFERENCE ARGS BY VALUE 600
///         BY REFERENCE OUT BY VALUE 65536 BY REFERENCE OUT-LEN RETURNING STATUS-CODE.
///
/// Parameters:
///   op        the call to make: link, list, unlink, ensure or wait; for a third-party platform
///             push (wx_client_accept_push), url (wx_client_authorization_url), code
///             (wx_client_accept_authorization) or info (wx_client_account_info), with a file or
///             Redis store. Trailing spaces are ignored
///   op_len    the length of op in bytes
///   args      the arguments: UTF-8 lines KEY=VALUE that end with LF or CRLF. Spaces and NULs
///             around keys and values are ignored. The keys are
///               access_token  the Official Account's access token. Required, unless a token source
///                             is set: token_command, or component_appid with a file or Redis
///                             store, which holds the ticket and the accounts that another program
///                             stored with wx_client_set_ticket and wx_client_add_account
///               appid         the mini program's appid; for wait also its original id. Required
///                             for all calls but list, push, url and code. For url and info: the
///                             account's appid
///               notify_users  0 or 1. Required for link and ensure
///               show_profile  0 or 1. Required for link and ensure
///               wait_ms       for ensure and wait: how long to wait, in milliseconds; default 0
///               query, body_base64
///                             for push: the query string of WeChat's request, and its body in
///                             base64. Required
///               redirect_uri  for url. Required
///               code          for code: auth_code of the redirect. Required
///               format        the format of out: json (the default) or lines
///             and all keys of wx_options_set
///   args_len  the length of args in bytes
///   out       receives the result, followed by a NUL if there is room
///               json   the text that wx_result_json returns, but always valid JSON: what cannot
///                      be read in WeChat's body is replaced by U+FFFD
///               lines  the lines status=, errcode=, class=, delivery=, http_status=, rid= and
///                      message=, then one line for each value in the JSON: its JSON pointer, =,
///                      and the value. Control characters are replaced by spaces. For example
///                      /wxopens/items/0/appid=wx0b00000000000001
///   cap       the size of out in bytes; at least 512 for link, unlink and ensure
///   out_len   receives the length of the result in bytes without the NUL; after WX_E_BUFFER, the
///             size that out needs
/// Returns: as the function for the call, such as wx_ensure_linked for ensure, or
///   WX_E_BUFFER        out is too small. For link, unlink and ensure: cap is less than 512 and
///                      nothing was sent. For the others: call again with a larger buffer
///   WX_E_BAD_VALUE     op is unknown, a line is not KEY=VALUE, or an argument is missing or
///                      invalid
///   WX_E_BAD_OPTION    a key is unknown, or an option does not take the value
///   WX_E_NULL_POINTER  out_len is NULL, or another pointer is NULL and its length is not 0
/// After a failure, out contains the message, unless out is NULL or too small. If the result of
/// link, unlink or ensure does not fit into out, out receives a shorter one: the errcode, and for
/// ensure also state, waits_for, posts and retry_after_ms.
/// Ownership: the library keeps none of the buffers.
/// Threads: may be called from several threads at the same time, each with its own buffers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_exec(
    op: *const c_char,
    op_len: size_t,
    args: *const c_char,
    args_len: size_t,
    out: *mut c_char,
    cap: size_t,
    out_len: *mut size_t,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a pointer to a length.
            let Some(out_len) = (unsafe { out_len.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *out_len = 0;
            if out.is_null() && cap > 0 {
                return Status::NullPointer.code();
            }
            // SAFETY: the caller guarantees op_len bytes at op.
            let op = unsafe { text_of_length(op, op_len, "op") }.map(Cow::Borrowed);
            // SAFETY: the caller guarantees args_len bytes at args.
            let args = unsafe { text_of_length(args, args_len, "args") }.map(Cow::Borrowed);
            // SAFETY: the caller guarantees cap bytes at out.
            let place = unsafe { out_bytes(out.cast(), cap) }.unwrap_or_default();
            let out = OutBuffer {
                place,
                unit_bytes: NonZeroUsize::MIN,
                encode: |utf8| utf8,
            };
            let (status, len) = exec(op, args, out);
            *out_len = len;
            status
        },
    )
}

/// The caller's buffer for the result.
pub(super) struct OutBuffer<'a> {
    pub place: &'a mut [u8],
    /// The bytes of a unit, which lengths count: 1 for UTF-8, 2 for UTF-16.
    pub unit_bytes: NonZeroUsize,
    /// Converts a text from UTF-8.
    pub encode: fn(Vec<u8>) -> Vec<u8>,
}

/// Makes the call and writes its result. Returns the status and the result's length in units.
pub(super) fn exec(
    op: Result<Cow<'_, str>, Error>,
    args: Result<Cow<'_, str>, Error>,
    out: OutBuffer<'_>,
) -> (i32, size_t) {
    let units = |bytes: &[u8]| bytes.len() / out.unit_bytes;
    let format = args
        .as_ref()
        .map_or(Format::Json, |args| Format::find_in(args));
    let texts = op.and_then(|op| Ok((op, args?)));
    let (outcome, posts) = match texts {
        Ok((op, args)) => match ExecRequest::parse(&op, &args) {
            Ok(request) if request.op.posts() && units(out.place) < MIN_POST_CAP => {
                return (Status::Buffer.code(), MIN_POST_CAP);
            }
            Ok(request) => (run_guarded(&request), request.op.posts()),
            Err(e) => (Outcome::Error(e), false),
        },
        Err(e) => (Outcome::Error(e), false),
    };
    let result = wx_result::new(outcome);
    let mut output = (out.encode)(write(&result, format));
    if posts && output.len() > out.place.len() {
        output = (out.encode)(write_shortened(&result, format));
    }
    let len = units(&output);
    match out.place.get_mut(..output.len()) {
        Some(place) => {
            place.copy_from_slice(&output);
            (result.status(), len)
        }
        None => (Status::Buffer.code(), len),
    }
}

/// Runs the request. A panic becomes an outcome here, so that the caller still receives a result.
fn run_guarded(request: &ExecRequest<'_>) -> Outcome {
    let run = || {
        let outcome = request.run();
        outcome.unwrap_or_else(|e| Outcome::Error(e.with_lang(request.options.lang)))
    };
    let on_panic = || Outcome::Error(argument_error(Status::Internal, String::new()));
    guard(on_panic, run)
}

/// A text argument with an explicit length.
///
/// # Safety
/// `text` is NULL or points to `len` bytes that are not modified during the call.
unsafe fn text_of_length<'a>(
    text: *const c_char,
    len: size_t,
    name: &str,
) -> Result<&'a str, Error> {
    if len == 0 {
        return Ok("");
    }
    // SAFETY: the caller guarantees it.
    let bytes = unsafe { bytes_of_length(text, len, name) }?;
    std::str::from_utf8(bytes)
        .map_err(|_| argument_error(Status::NotUtf8, format!("{name} is not UTF-8")))
}

/// The call to make.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Link,
    List,
    Unlink,
    Ensure,
    Wait,
    Push,
    Url,
    Code,
    Info,
}

impl Operation {
    fn posts(self) -> bool {
        matches!(
            self,
            Operation::Link | Operation::Unlink | Operation::Ensure
        )
    }
}

/// The format of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Lines,
}

impl Format {
    /// Finds the format before the arguments are parsed, because errors in them are written in it.
    fn find_in(args: &str) -> Format {
        let key_value = |line| {
            let (key, value) = trimmed(line).split_once('=')?;
            Some((trimmed(key), trimmed(value)))
        };
        if args
            .lines()
            .filter_map(key_value)
            .any(|kv| kv == ("format", "lines"))
        {
            Format::Lines
        } else {
            Format::Json
        }
    }
}

/// The operation and its arguments.
struct ExecRequest<'a> {
    op: Operation,
    access_token: Option<&'a str>,
    appid: Option<&'a str>,
    notify_users: Option<bool>,
    show_profile: Option<bool>,
    wait: Duration,
    query: Option<&'a str>,
    body: Option<Vec<u8>>,
    redirect_uri: Option<&'a str>,
    code: Option<&'a str>,
    options: Options,
}

impl<'a> ExecRequest<'a> {
    fn parse(op: &str, args: &'a str) -> Result<ExecRequest<'a>, Error> {
        let op = match trimmed(op) {
            "link" => Operation::Link,
            "list" => Operation::List,
            "unlink" => Operation::Unlink,
            "ensure" => Operation::Ensure,
            "wait" => Operation::Wait,
            "push" => Operation::Push,
            "url" => Operation::Url,
            "code" => Operation::Code,
            "info" => Operation::Info,
            _ => {
                return Err(bad_value(
                    "op must be link, list, unlink, ensure, wait, push, url, code or info".into(),
                ));
            }
        };
        let mut request = ExecRequest {
            op,
            access_token: None,
            appid: None,
            notify_users: None,
            show_profile: None,
            wait: Duration::ZERO,
            query: None,
            body: None,
            redirect_uri: None,
            code: None,
            options: Options::new(),
        };
        let mut seen: Vec<&str> = Vec::new();
        for (line, number) in args.lines().map(trimmed).zip(1_u32..) {
            if line.is_empty() {
                continue;
            }
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| bad_value(format!("args, line {number}: expected KEY=VALUE")))?;
            let (key, value) = (trimmed(key), trimmed(value));
            if seen.contains(&key) {
                return Err(bad_value(format!(
                    "args, line {number}: the key was already set above"
                )));
            }
            seen.push(key);
            match key {
                "access_token" => request.access_token = Some(value),
                "appid" => request.appid = Some(value),
                "notify_users" => request.notify_users = Some(flag(key, value)?),
                "show_profile" => request.show_profile = Some(flag(key, value)?),
                "query" => request.query = Some(value),
                "body_base64" => request.body = Some(from_base64(key, value)?),
                "redirect_uri" => request.redirect_uri = Some(value),
                "code" => request.code = Some(value),
                "wait_ms" => request.wait = milliseconds(key, value)?,
                "format" if ["json", "lines"].contains(&value) => {}
                "format" => return Err(bad_value("format must be json or lines".into())),
                option => drop(request.options.set(option, value)?),
            }
        }
        Ok(request)
    }

    fn run(&self) -> Result<Outcome, Error> {
        match self.op {
            Operation::Push | Operation::Url | Operation::Code | Operation::Info => {
                self.run_for_platform()
            }
            _ => self.run_link(),
        }
    }

    /// The calls of a third-party platform, which need no access token.
    fn run_for_platform(&self) -> Result<Outcome, Error> {
        let client = Client::new(&self.options)?;
        Ok(match self.op {
            Operation::Push => {
                let query = required("query", self.query)?;
                let body = required("body_base64", self.body.as_deref())?;
                Outcome::kept(client.accept_push(query, body)?.json())
            }
            Operation::Url => {
                let uri = required("redirect_uri", self.redirect_uri)?;
                Outcome::answered(client.authorization_url(uri, self.appid)?.json())
            }
            Operation::Code => {
                let code = required("code", self.code)?;
                Outcome::answered(client.accept_authorization(code)?.json())
            }
            _ => {
                let account = required("appid", self.appid)?;
                Outcome::answered(client.account_info(account)?.json())
            }
        })
    }

    fn run_link(&self) -> Result<Outcome, Error> {
        let token = if self.options.has_token_source() {
            self.access_token
        } else {
            Some(required("access_token", self.access_token)?)
        };
        let appid = || required("appid", self.appid);
        let choices = || -> Result<LinkChoices, Error> {
            Ok(LinkChoices {
                notify_users: required("notify_users", self.notify_users)?,
                show_profile: required("show_profile", self.show_profile)?,
            })
        };
        let client = || Client::new(&self.options);
        Ok(match self.op {
            Operation::List => {
                let list = client()?.get_linked(token)?;
                Outcome::Response(list.into_response())
            }
            Operation::Unlink => client()?.unlink_miniprogram(token, appid()?).into(),
            Operation::Link => client()?
                .link_miniprogram(token, appid()?, choices()?)
                .into(),
            Operation::Ensure => {
                let (appid, choices) = (appid()?, choices()?);
                Outcome::Progress(client()?.ensure_linked(token, appid, choices, self.wait))
            }
            // The others are the platform's.
            _ => Outcome::Progress(client()?.wait_linked(token, appid()?, self.wait)),
        })
    }
}

fn bad_value(detail: String) -> Error {
    argument_error(Status::BadValue, detail)
}

fn required<T>(key: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| bad_value(format!("{key} is missing; add a line {key}=... to args")))
}

fn flag(key: &str, value: &str) -> Result<bool, Error> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(bad_value(format!("{key} must be 0 or 1"))),
    }
}

fn milliseconds(key: &str, value: &str) -> Result<Duration, Error> {
    let ms: Result<u32, _> = value.parse();
    ms.map(|ms| Duration::from_millis(ms.into())).map_err(|_| {
        bad_value(format!(
            "{key} must be a whole number from 0 to {}",
            u32::MAX
        ))
    })
}

fn from_base64(key: &str, value: &str) -> Result<Vec<u8>, Error> {
    let decoded = BASE64_STANDARD.decode(value);
    decoded.map_err(|_| bad_value(format!("{key} is not base64")))
}

/// Removes the spaces and NULs that pad fields of a fixed length.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\0'])
}

fn write(result: &wx_result, format: Format) -> Vec<u8> {
    match format {
        Format::Json => result.valid_json().into_owned(),
        Format::Lines => {
            let mut text = head_lines(result);
            push_line(&mut text, "message", &result.message());
            push_values(&mut text, &mut String::new(), result.tree());
            text.into_bytes()
        }
    }
}

/// The part of a result that the caller must not miss. Always shorter than `MIN_POST_CAP`.
fn write_shortened(result: &wx_result, format: Format) -> Vec<u8> {
    let errmsg = "the result does not fit into the buffer";
    match format {
        Format::Json => {
            let mut json = json!({"errcode": result.errcode(), "errmsg": errmsg});
            for key in ["state", "waits_for", "posts", "retry_after_ms"] {
                let value = result.tree().get(key);
                let short = value.filter(|v| v.to_string().len() <= MAX_SHORTENED_VALUE_BYTES);
                if let (Some(value), Some(json)) = (short, json.as_object_mut()) {
                    json.insert(key.into(), value.clone());
                }
            }
            json.to_string().into_bytes()
        }
        Format::Lines => {
            let mut text = head_lines(result);
            push_line(&mut text, "message", errmsg);
            text.into_bytes()
        }
    }
}

/// The first lines of a result, down to `rid`.
fn head_lines(result: &wx_result) -> String {
    let mut text = String::new();
    push_line(&mut text, "status", &result.status().to_string());
    push_line(&mut text, "errcode", &result.errcode().to_string());
    push_line(&mut text, "class", result.class().map_or("", Class::as_str));
    let delivery = result.delivery().code().to_string();
    push_line(&mut text, "delivery", &delivery);
    push_line(&mut text, "http_status", &result.http_status().to_string());
    // A rid of WeChat's has 26 characters. A longer one must not make the result too large.
    let rid: String = result.rid().chars().take(MAX_RID_CHARS).collect();
    push_line(&mut text, "rid", &rid);
    text
}

/// Appends a line for each value, named by its JSON pointer.
fn push_values(text: &mut String, pointer: &mut String, value: &Value) {
    let mut push_child = |step: &str, child: &Value| {
        let length = pointer.len();
        let _ = write!(pointer, "/{step}");
        push_values(text, pointer, child);
        pointer.truncate(length);
    };
    match value {
        Value::Object(fields) => {
            for (key, child) in fields {
                push_child(&key.replace('~', "~0").replace('/', "~1"), child);
            }
        }
        Value::Array(items) => {
            for (i, child) in items.iter().enumerate() {
                push_child(&i.to_string(), child);
            }
        }
        leaf => push_line(text, pointer, &plain(leaf)),
    }
}

fn push_line(text: &mut String, key: &str, value: &str) {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.extend(key.chars().map(printable));
    text.push('=');
    text.extend(value.chars().map(printable));
    text.push('\n');
}
