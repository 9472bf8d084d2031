//! The flat door.

use std::ffi::c_char;
use std::fmt::Write;
use std::time::Duration;

use libc::size_t;
use serde_json::{Value, json};

use super::guard::guard;
use super::result::{Outcome, out_bytes, plain, wx_result};
use super::wrong;
use crate::client::{Client, LinkChoices};
use crate::config::options::Options;
use crate::error::Error;
use crate::model::status::Status;

/// The least room for an answer that changes something: what is done must be told.
const MIN_CAP: size_t = 512;

/// One call from start to end, for hosts that cannot hold handles (COBOL, PL/SQL, Visual Basic):
/// the caller's buffers, explicit lengths, nothing kept between calls.
///
/// Every call connects anew; a program that makes many should use a client.
///
///     01 OP      PIC X(4)    VALUE "list".
///     01 ARGS    PIC X(600).
///     01 OUT     PIC X(65536).
///     STRING "access_token=" TOKEN X"0A" "format=lines" DELIMITED BY SIZE INTO ARGS.
///     CALL "wx_exec" USING BY REFERENCE OP BY VALUE 4 BY REFERENCE ARGS BY VALUE 600
///         BY REFERENCE OUT BY VALUE 65536 BY REFERENCE OUT-LEN RETURNING STATUS-CODE.
///
/// Parameters:
///   op        link, list, unlink, ensure or wait; spaces at its end do not count
///   op_len    bytes in op
///   args      lines of KEY=VALUE, UTF-8, ended by LF or CRLF; spaces and NULs around keys and
///             values do not count. Keys:
///               access_token  always, unless other keys name a source of tokens: token_command, or
///                             component_appid with a store that processes share, where
///                             somebody with a client puts the ticket and the accounts
///               appid         all but list (for wait also an original id)
///               notify_users  link, ensure: 0 or 1
///               show_profile  link, ensure: 0 or 1
///               wait_ms       ensure, wait: how long to wait, 0 if left out
///               format        json (the default) or lines, see out
///               and every key of wx_options_set
///   args_len  bytes in args
///   out       receives, with a NUL at the end if there is room,
///               json:  what wx_result_json gives
///               lines: status=, errcode=, class=, delivery=, http_status=, rid=, message=, then
///                      one line for each value of the JSON: its JSON pointer, = and the text,
///                      control characters turned to spaces. For example
///                      /wxopens/items/0/appid=wx0b00000000000001
///   cap       bytes in out; at least 512 for link, unlink and ensure
///   out_len   receives the length of the text, without the NUL; after WX_E_BUFFER the room it
///             needs
/// Returns: as the functions for the calls, and
///   WX_E_BUFFER        out is too small: for link, unlink and ensure nothing was sent, and list and
///                      wait can be repeated. What those that post answer and does not fit after
///                      all is cut down to its errcode (and of ensure state, waits_for and
///                      posts), never lost
///   WX_E_BAD_VALUE     no such op, a line that is not KEY=VALUE, or an argument missing
///   WX_E_BAD_OPTION    a key that is no argument and no option, or a value an option does not take
///   WX_E_NULL_POINTER  a pointer is NULL whose length is not 0, or out_len is NULL
/// out says what to do.
/// Threads: any number at once, each with its own buffers.
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
            // SAFETY: NULL or a place for a length.
            let Some(out_len) = (unsafe { out_len.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *out_len = 0;
            if out.is_null() && cap > 0 {
                return Status::NullPointer.code();
            }
            // SAFETY: the caller vouches for op_len bytes at op.
            let op = unsafe { in_text(op, op_len, "op") };
            // SAFETY: the caller vouches for args_len bytes at args.
            let args = unsafe { in_text(args, args_len, "args") };
            // SAFETY: the caller vouches for cap bytes at out.
            let out = unsafe { out_bytes(out.cast(), cap) }.unwrap_or_default();

            let format = args.as_ref().map_or(Format::Json, |args| Format::of(args));
            let (outcome, posts) = match op.and_then(|op| Request::parse(op, args?)) {
                Ok(r) if r.verb.posts() && cap < MIN_CAP => {
                    *out_len = MIN_CAP;
                    return Status::Buffer.code();
                }
                Ok(r) => (guarded_run(&r), r.verb.posts()),
                Err(e) => (Outcome::No(e), false),
            };
            let result = wx_result::new(outcome);
            let whole = write(&result, format);
            let fits = whole.len() <= out.len();
            let told = if fits || !posts {
                whole
            } else {
                cut(&result, format)
            };
            *out_len = told.len();
            match out.get_mut(..told.len()) {
                Some(place) => {
                    place.copy_from_slice(&told);
                    result.status()
                }
                None => Status::Buffer.code(),
            }
        },
    )
}

/// What was done must be told even if doing it breaks.
fn guarded_run(request: &Request<'_>) -> Outcome {
    let run = || {
        let done = request.run();
        done.unwrap_or_else(|e| Outcome::No(e.with_lang(request.options.lang)))
    };
    guard(|| Outcome::No(wrong(Status::Internal, String::new())), run)
}

/// # Safety
/// `text` is NULL or `len` bytes that stay as they are.
unsafe fn in_text<'a>(text: *const c_char, len: size_t, what: &str) -> Result<&'a str, Error> {
    if len == 0 {
        return Ok("");
    }
    if text.is_null() {
        return Err(wrong(Status::NullPointer, format!("{what} is NULL")));
    }
    if isize::try_from(len).is_err() {
        return Err(wrong(
            Status::BadValue,
            format!("{what}_len is not a length"),
        ));
    }
    // SAFETY: not NULL, and the caller vouches for len bytes.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    std::str::from_utf8(bytes).map_err(|_| wrong(Status::NotUtf8, format!("{what} is not UTF-8")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Link,
    List,
    Unlink,
    Ensure,
    Wait,
}

impl Verb {
    fn posts(self) -> bool {
        !matches!(self, Verb::List | Verb::Wait)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Lines,
}

impl Format {
    /// The format asked for, looked up first of all: what is wrong with the rest is told in it too.
    fn of(args: &str) -> Format {
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

/// What `args` ask for.
struct Request<'a> {
    verb: Verb,
    access_token: Option<&'a str>,
    appid: Option<&'a str>,
    notify_users: Option<bool>,
    show_profile: Option<bool>,
    wait: Duration,
    options: Options,
}

impl<'a> Request<'a> {
    fn parse(op: &str, args: &'a str) -> Result<Request<'a>, Error> {
        let bad = |what: String| wrong(Status::BadValue, what);
        let verb = match trimmed(op) {
            "link" => Verb::Link,
            "list" => Verb::List,
            "unlink" => Verb::Unlink,
            "ensure" => Verb::Ensure,
            "wait" => Verb::Wait,
            _ => return Err(bad("op must be link, list, unlink, ensure or wait".into())),
        };
        let mut request = Request {
            verb,
            access_token: None,
            appid: None,
            notify_users: None,
            show_profile: None,
            wait: Duration::ZERO,
            options: Options::new(),
        };
        let mut seen: Vec<&str> = Vec::new();
        for (line, number) in args.lines().map(trimmed).zip(1_u32..) {
            if line.is_empty() {
                continue;
            }
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| bad(format!("line {number} of args is not KEY=VALUE")))?;
            let (key, value) = (trimmed(key), trimmed(value));
            if seen.contains(&key) {
                return Err(bad(format!("line {number} of args repeats a key")));
            }
            seen.push(key);
            match key {
                "access_token" => request.access_token = Some(value),
                "appid" => request.appid = Some(value),
                "notify_users" => request.notify_users = Some(flag(key, value)?),
                "show_profile" => request.show_profile = Some(flag(key, value)?),
                "wait_ms" => request.wait = milliseconds(key, value)?,
                "format" if ["json", "lines"].contains(&value) => {}
                "format" => return Err(bad("format must be json or lines".into())),
                option => drop(request.options.set(option, value)?),
            }
        }
        Ok(request)
    }

    fn run(&self) -> Result<Outcome, Error> {
        let token = match self.options.names_tokens() {
            true => self.access_token,
            false => Some(given("access_token", self.access_token)?),
        };
        let appid = || given("appid", self.appid);
        let choices = || -> Result<LinkChoices, Error> {
            Ok(LinkChoices {
                notify_users: given("notify_users", self.notify_users)?,
                show_profile: given("show_profile", self.show_profile)?,
            })
        };
        let client = || Client::new(&self.options);
        Ok(match self.verb {
            Verb::List => client()?.get_linked_raw(token).into(),
            Verb::Unlink => client()?.unlink_miniprogram(token, appid()?).into(),
            Verb::Link => client()?
                .link_miniprogram(token, appid()?, choices()?)
                .into(),
            Verb::Ensure => {
                let (appid, choices) = (appid()?, choices()?);
                Outcome::Progress(client()?.ensure_linked(token, appid, choices, self.wait))
            }
            Verb::Wait => Outcome::Progress(client()?.wait_linked(token, appid()?, self.wait)),
        })
    }
}

fn given<T>(key: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| wrong(Status::BadValue, format!("args must hold a line {key}=...")))
}

fn flag(key: &str, value: &str) -> Result<bool, Error> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(wrong(Status::BadValue, format!("{key} must be 0 or 1"))),
    }
}

fn milliseconds(key: &str, value: &str) -> Result<Duration, Error> {
    let ms: Result<u32, _> = value.parse();
    ms.map(|ms| Duration::from_millis(ms.into())).map_err(|_| {
        wrong(
            Status::BadValue,
            format!("{key} must be a whole number up to {}", u32::MAX),
        )
    })
}

/// Without the spaces and NULs with which fixed fields are filled up.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\0'])
}

fn write(result: &wx_result, format: Format) -> Vec<u8> {
    match format {
        Format::Json => result.json().into_owned(),
        Format::Lines => {
            let mut text = head(result);
            line(&mut text, "message", &result.message());
            values(&mut text, &mut String::new(), result.tree());
            text.into_bytes()
        }
    }
}

/// The least that must be told: well under `MIN_CAP`.
fn cut(result: &wx_result, format: Format) -> Vec<u8> {
    let errmsg = "the answer does not fit the buffer";
    match format {
        Format::Json => {
            let mut json = json!({"errcode": result.errcode(), "errmsg": errmsg});
            // What ensure found is told as far as it is short.
            for key in ["state", "waits_for", "posts"] {
                let value = result.tree().get(key);
                let short = value.filter(|v| v.to_string().len() <= 32);
                if let (Some(value), Some(json)) = (short, json.as_object_mut()) {
                    json.insert(key.into(), value.clone());
                }
            }
            json.to_string().into_bytes()
        }
        Format::Lines => {
            let mut text = head(result);
            line(&mut text, "message", errmsg);
            text.into_bytes()
        }
    }
}

fn head(result: &wx_result) -> String {
    let mut text = String::new();
    line(&mut text, "status", &result.status().to_string());
    line(&mut text, "errcode", &result.errcode().to_string());
    line(&mut text, "class", &result.class().to_string_lossy());
    line(&mut text, "delivery", &result.delivery().code().to_string());
    line(&mut text, "http_status", &result.http_status().to_string());
    // WeChat's have 26 characters; one that is longer than sense is not worth the answer.
    let rid: String = result.rid().chars().take(64).collect();
    line(&mut text, "rid", &rid);
    text
}

/// A line for each value, named by its JSON pointer.
fn values(text: &mut String, pointer: &mut String, value: &Value) {
    let mut below = |step: &str, value: &Value| {
        let length = pointer.len();
        let _ = write!(pointer, "/{step}");
        values(text, pointer, value);
        pointer.truncate(length);
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                below(&key.replace('~', "~0").replace('/', "~1"), value);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                below(&i.to_string(), value);
            }
        }
        leaf => line(text, pointer, &plain(leaf)),
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.extend(key.chars().map(printable));
    text.push('=');
    text.extend(value.chars().map(printable));
    text.push('\n');
}
