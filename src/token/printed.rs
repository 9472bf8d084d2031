//! Reads what the program of `token_command` printed: a token alone, `key=value` lines, or JSON as
//! WeChat and token servers print it.
//!
//! Output that cannot be a token is refused here with the reason, instead of being sent to WeChat.
//! No message repeats the output: it may contain a secret.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::cached::FetchedToken;
use super::lifetime;
use crate::config::limits::MAX_TOKEN_BYTES;
use crate::config::secret_text::{self, NO_VALUES};
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::response::repair::repair;

/// The lifetime of a token if none is printed (s).
const DEFAULT_LIFETIME_S: u64 = 300;
/// The keys under which programs print a token, in the order of preference.
const TOKEN_KEYS: [&str; 3] = [
    "access_token",
    "authorizer_access_token",
    "component_access_token",
];
/// Words that programs print when they have no token, in lower case.
const ERROR_WORDS: [&str; 11] = [
    "error",
    "err",
    "fail",
    "failed",
    "failure",
    "unauthorized",
    "forbidden",
    "denied",
    "expired",
    "timeout",
    "ok",
];
/// A text that consists of fewer digits is the number of an error.
const MIN_DIGITS: usize = 16;
/// The characters of a token other than letters and digits.
const TOKEN_PUNCTUATION: &[u8] = b"-._~+/=:|@!$*";

// Why the output has no token: clauses whose subject is the program.
const NOT_UTF8: Text = Text {
    en: "printed something that is not UTF-8 text",
    zh: "输出的不是 UTF-8 文本",
};
const NO_TOKEN: Text = Text {
    en: "printed no token",
    zh: "没有输出令牌",
};
const JSON_ARRAY: Text = Text {
    en: "printed a JSON array; print a token, or one JSON object",
    zh: "输出了 JSON 数组；请输出令牌或一个 JSON 对象",
};
const HTML: Text = Text {
    en: "printed HTML or XML; print a token",
    zh: "输出了 HTML 或 XML；请输出令牌",
};
const INVALID_JSON: Text = Text {
    en: "printed invalid JSON; print nothing else beside it",
    zh: "输出了无效的 JSON；JSON 之外请勿输出其他内容",
};
const REPEATED_KEY: Text = Text {
    en: "printed JSON with a key twice",
    zh: "输出的 JSON 中有重复的键",
};
const TOKEN_NOT_TEXT: Text = Text {
    en: "printed JSON whose access_token is not a text",
    zh: "输出的 JSON 中 access_token 不是字符串",
};
const INNER_TOKEN: Text = Text {
    en: "printed JSON whose access_token is inside another object; print that object alone",
    zh: "输出的 JSON 中 access_token 位于内层对象；请只输出该对象",
};
const JSON_WITHOUT_TOKEN: Text = Text {
    en: "printed JSON without an access_token",
    zh: "输出的 JSON 中没有 access_token",
};
const LINE_WITHOUT_TOKEN: Text = Text {
    en: "printed a line KEY=VALUE without an access_token; print access_token=TOKEN",
    zh: "输出了 KEY=VALUE 形式的一行，但不是 access_token；请输出 access_token=TOKEN",
};
const SEVERAL_LINES: Text = Text {
    en: "printed several lines and no token; print it alone, or as access_token=TOKEN",
    zh: "输出了多行但没有令牌；请只输出令牌，或输出 access_token=TOKEN",
};
const ERRCODE_NOT_NUMBER: Text = Text {
    en: "printed an errcode that is not a number",
    zh: "输出的 errcode 不是数字",
};
const INVALID_EXPIRES_IN: Text = Text {
    en: "printed an expires_in that is not a number of seconds",
    zh: "输出的 expires_in 不是秒数",
};

/// Reads the token and its lifetime from the output.
///
/// # Errors
/// Why there is no token, as a clause whose subject is the program.
pub(crate) fn read(printed: &[u8]) -> Result<FetchedToken, Message> {
    // JSON may contain other texts than the token, which need not be readable.
    let repaired = repair(printed);
    let json = repaired.as_deref().map(secret_text::bare);
    if let Some(json) = json.filter(|json| json.starts_with('{')) {
        return checked(read_json(json)?);
    }
    let text = std::str::from_utf8(printed).map_err(|_| NOT_UTF8)?;
    let text = secret_text::bare(text);
    checked(match text.as_bytes().first() {
        None => return Err(NO_TOKEN.into()),
        Some(b'{') => read_json(text)?,
        Some(b'[') => return Err(JSON_ARRAY.into()),
        Some(b'<') => return Err(HTML.into()),
        Some(_) => read_lines(text)?,
    })
}

/// The token, if it can be one.
fn checked((token, seconds): TokenAndLifetime<'_>) -> Result<FetchedToken, Message> {
    check_token(&token)?;
    let alive = lifetime::clamp(seconds.unwrap_or(DEFAULT_LIFETIME_S));
    Ok(FetchedToken {
        token: token.into_owned(),
        refresh_after: alive / 12 * 11,
        stale_after: alive,
        expires_after: alive,
    })
}

/// A token and its printed lifetime (s), if any.
type TokenAndLifetime<'a> = (Cow<'a, str>, Option<u64>);

/// The relevant keys of a token server's response. A repeated key is an error.
#[derive(Deserialize)]
struct Json {
    access_token: Option<Value>,
    authorizer_access_token: Option<Value>,
    component_access_token: Option<Value>,
    expires_in: Option<Value>,
    errcode: Option<Value>,
}

fn read_json(text: &str) -> Result<TokenAndLifetime<'_>, Message> {
    let whole: Value = serde_json::from_str(text).map_err(|_| INVALID_JSON)?;
    let json: Json = serde_json::from_str(text).map_err(|_| REPEATED_KEY)?;
    refuse_errcode(json.errcode.as_ref().map(plain).as_deref())?;
    let tokens = [
        json.access_token,
        json.authorizer_access_token,
        json.component_access_token,
    ];
    let token = match tokens.into_iter().flatten().next() {
        Some(Value::String(token)) => token,
        Some(_) => return Err(TOKEN_NOT_TEXT.into()),
        None if has_inner_token(&whole) => return Err(INNER_TOKEN.into()),
        None => return Err(JSON_WITHOUT_TOKEN.into()),
    };
    let seconds = json.expires_in.as_ref().map(plain);
    Ok((
        Cow::from(secret_text::bare(&token).to_owned()),
        seconds_of(seconds.as_deref())?,
    ))
}

/// A JSON value as text: numbers and texts are treated alike.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_token_key(key: &str) -> bool {
    TOKEN_KEYS.contains(&key)
}

/// Whether the value contains a token anywhere.
fn has_inner_token(value: &Value) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| has_inner_token(value) || value.is_string() && is_token_key(key)),
        Value::Array(items) => items.iter().any(has_inner_token),
        _ => false,
    }
}

fn read_lines(text: &str) -> Result<TokenAndLifetime<'_>, Message> {
    let lines = || {
        text.lines()
            .map(secret_text::bare)
            .filter(|line| !line.is_empty())
    };
    let value = |key: &str| only_value(lines(), key);
    refuse_errcode(value("errcode")?)?;
    let mut token = None;
    for key in TOKEN_KEYS {
        token = token.or(value(key)?);
    }
    if let Some(token) = token {
        return Ok((token.into(), seconds_of(value("expires_in")?)?));
    }
    let mut all = lines();
    match (all.next(), all.next()) {
        (Some(only), None) if has_key(only) => Err(LINE_WITHOUT_TOKEN.into()),
        (Some(only), None) => Ok((only.into(), None)),
        _ => Err(SEVERAL_LINES.into()),
    }
}

/// The value of the lines `key=value`; `None` if there are none.
fn only_value<'a>(
    lines: impl Iterator<Item = &'a str>,
    key: &str,
) -> Result<Option<&'a str>, Message> {
    let value = |line: &'a str| {
        let (found, value) = line.split_once('=')?;
        found
            .trim()
            .eq_ignore_ascii_case(key)
            .then(|| secret_text::bare(value))
    };
    let mut values = lines.filter_map(value);
    let first = values.next();
    if values.any(|other| Some(other) != first) {
        Err(message!(
            "printed {key} twice, with different values",
            "输出了两个不同的 {key}"
        ))
    } else {
        Ok(first)
    }
}

/// Whether a line looks like a pair: its key consists of letters, as in `accessToken=…`. A token
/// may contain an equals sign, usually at its end.
fn has_key(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else {
        return false;
    };
    let is_key = |b: u8| b.is_ascii_alphabetic() || b"_- ".contains(&b);
    let is_padding = value.bytes().all(|b| b == b'=');
    key.len() > 1 && key.bytes().all(is_key) && (!is_padding || is_token_key(key.trim()))
}

/// Refuses an errcode other than 0: the error of WeChat, or of a server that responds like it.
fn refuse_errcode(errcode: Option<&str>) -> Result<(), Message> {
    match errcode.map(str::trim) {
        None | Some("" | "0" | "null") => Ok(()),
        Some(code) => Err(match code.parse::<i64>() {
            Ok(code) => message!(
                "printed an error: errcode {code}; run it by hand to see why",
                "输出了错误：errcode {code}；请手动运行以查明原因"
            ),
            Err(_) => ERRCODE_NOT_NUMBER.into(),
        }),
    }
}

/// Reads a number of seconds; `None` if the text is none. A negative number becomes 0, a fraction
/// is cut off, and a number out of range becomes the largest one.
fn seconds_of(text: Option<&str>) -> Result<Option<u64>, Message> {
    let text = match text.map(str::trim) {
        None | Some("" | "null") => return Ok(None),
        Some(text) => text,
    };
    // Words such as "inf" are not accepted as numbers.
    let is_written_in_digits = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match text.parse::<f64>() {
        Ok(seconds) if is_written_in_digits => Ok(Some(
            Duration::try_from_secs_f64(seconds.max(0.0)).map_or(u64::MAX, |d| d.as_secs()),
        )),
        _ => Err(INVALID_EXPIRES_IN.into()),
    }
}

/// Refuses a text that cannot be a token of WeChat.
fn check_token(token: &str) -> Result<(), Message> {
    let is_mark = |b: u8| b.is_ascii_alphanumeric() || TOKEN_PUNCTUATION.contains(&b);
    let is_scheme = token
        .split_once(char::is_whitespace)
        .is_some_and(|(scheme, _)| ["bearer", "token"].contains(&&*scheme.to_ascii_lowercase()));
    let why = if token.is_empty() {
        Message::new("printed an empty token", "输出了空令牌")
    } else if token.len() > MAX_TOKEN_BYTES {
        message!(
            "printed a token longer than {MAX_TOKEN_BYTES} bytes",
            "输出的令牌超过 {MAX_TOKEN_BYTES} 字节"
        )
    } else if NO_VALUES.contains(&&*token.to_ascii_lowercase()) {
        Message::new(
            "printed null or the like in place of a token",
            "输出的是 null 之类的空值，而不是令牌",
        )
    } else if ERROR_WORDS.contains(&&*token.to_ascii_lowercase()) {
        Message::new(
            "printed an error in place of a token; run it by hand to see why",
            "输出的是错误，而不是令牌；请手动运行以查明原因",
        )
    } else if token.len() < MIN_DIGITS && token.bytes().all(|b| b.is_ascii_digit()) {
        Message::new(
            "printed a number in place of a token",
            "输出的是数字，而不是令牌",
        )
    } else if is_scheme {
        Message::new(
            "printed a token with a word such as Bearer before it; print the token alone",
            "输出的令牌前有 Bearer 之类的词；请只输出令牌",
        )
    } else if token.contains("://") {
        Message::new(
            "printed a URL in place of a token",
            "输出的是 URL，而不是令牌",
        )
    } else if token.chars().any(char::is_whitespace) {
        Message::new(
            "printed a text with blanks, which no token has",
            "输出的文本含有空白，而令牌中不会有空白",
        )
    } else if token.chars().any(char::is_control) {
        Message::new(
            "printed a token with a control character",
            "输出的令牌含有控制字符",
        )
    } else if !token.is_ascii() {
        Message::new(
            "printed a token with a character that is not ASCII",
            "输出的令牌含有非 ASCII 字符",
        )
    } else if token.contains(['"', '\'', '`']) {
        Message::new("printed a token with a quote in it", "输出的令牌含有引号")
    } else if !token.bytes().all(is_mark) {
        Message::new(
            "printed a token with a punctuation mark that no token has",
            "输出的令牌含有令牌中不会出现的标点",
        )
    } else {
        return Ok(());
    };
    Err(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lang::Lang;

    fn ok(printed: &str) -> (String, u64) {
        let fetched = read(printed.as_bytes()).unwrap_or_else(|why| panic!("{printed:?}: {why}"));
        assert_eq!(fetched.refresh_after, fetched.expires_after / 12 * 11);
        assert_eq!(fetched.stale_after, fetched.expires_after);
        (fetched.token, fetched.expires_after.as_secs())
    }

    #[test]
    fn a_token_is_read_from_every_form() {
        for (printed, token, seconds) in [
            ("T\n", "T", 300),
            ("\u{feff}T\r\n", "T", 300),
            ("\u{200b}T\u{2060}\0\0", "T", 300),
            ("access_token=\u{200b}T\nexpires_in=60\0", "T", 60),
            ("  T  \n\n", "T", 300),
            ("\"T\"\n", "T", 300),
            ("'T'", "T", 300),
            ("aB3-_x==", "aB3-_x==", 300),
            ("abc=", "abc=", 300),
            ("T=1", "T=1", 300),
            ("access_token=T\nexpires_in=7200\n", "T", 7200),
            ("expires_in=7200\r\naccess_token=T=1\r\n", "T=1", 7200),
            ("access_token = \"T\"\nexpires_in = '60'", "T", 60),
            ("authorizer_access_token=T\nother=1\n", "T", 300),
            ("component_access_token=T", "T", 300),
            ("fetching\naccess_token=T\nexpires_in=\n", "T", 300),
            ("access_token=T\naccess_token=T", "T", 300),
            ("errcode=0\naccess_token=T", "T", 300),
            (r#"{"access_token":"T","expires_in":7200}"#, "T", 7200),
            (r#"{"access_token":"T","expires_in":"7200"}"#, "T", 7200),
            ("\u{feff}{\r\n \"access_token\": \"T\"\r\n}\r\n", "T", 300),
            (
                r#"{"authorizer_access_token":"T","expires_in":60,"func_info":[]}"#,
                "T",
                60,
            ),
            (r#"{"component_access_token":"T","expires_in":60}"#, "T", 60),
            (
                "{\"access_token\":\"T\",\"x\":\"\u{1}\\ud83d\"}\0\n\0",
                "T",
                300,
            ),
            ("{\"access_token\":\"\u{200b}T\u{feff}\"}", "T", 300),
            (
                r#"{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":null}"#,
                "T",
                300,
            ),
            (r#"{"access_token":" T\n","access_tokens":[]}"#, "T", 300),
            (
                r#"{"access_token":null,"authorizer_access_token":"T"}"#,
                "T",
                300,
            ),
        ] {
            assert_eq!(ok(printed), (token.to_owned(), seconds), "{printed:?}");
        }
    }

    #[test]
    fn a_lifetime_is_clamped_to_a_second_and_a_day() {
        const DAY: u64 = 86_400;
        for (expires_in, seconds) in [
            ("0", 1),
            ("-1", 1),
            ("-9e99", 1),
            ("0.5", 1),
            ("60.9", 60),
            ("7.2e3", 7200),
            ("9223372036854775807", DAY),
            ("18446744073709551616", DAY),
            ("1e30", DAY),
        ] {
            let lines = format!("access_token=T\nexpires_in={expires_in}\n");
            assert_eq!(ok(&lines).1, seconds, "{expires_in}");
            let json = format!("{{\"access_token\":\"T\",\"expires_in\":{expires_in}}}");
            assert_eq!(ok(&json).1, seconds, "{expires_in}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_repeating_it() {
        let long = "SECRET".repeat(MAX_TOKEN_BYTES);
        for (printed, says) in [
            ("", "no token"),
            (" \r\n\n", "no token"),
            ("\u{feff}", "no token"),
            ("SECRET one", "blanks"),
            ("SECRET\u{a0}one", "blanks"),
            ("SECRET\nSECRET\n", "several lines"),
            ("Bearer SECRET", "Bearer"),
            ("bearer  SECRET", "Bearer"),
            ("SEC\"RET", "quote"),
            ("'SECRET", "quote"),
            ("\"\"", "no token"),
            ("access_token=''", "empty token"),
            ("SECRET\0SECRET", "control"),
            ("SECRET\u{1b}[0m", "control"),
            ("SECRET\u{200b}SECRET", "not ASCII"),
            ("令牌SECRET", "not ASCII"),
            ("null\n", "null"),
            ("undefined", "null"),
            ("\"None\"", "null"),
            ("(null)", "punctuation"),
            ("SECRET,7200", "punctuation"),
            ("https://example.com/SECRET", "URL"),
            ("<html>SECRET</html>", "HTML"),
            ("<!DOCTYPE html>\n<html>SECRET</html>", "HTML"),
            (&long, "longer"),
            ("token=SECRET", "KEY=VALUE"),
            ("error=SECRET", "KEY=VALUE"),
            ("accessToken=SECRET", "KEY=VALUE"),
            ("WECHAT_TOKEN=SECRET", "KEY=VALUE"),
            ("ACCESS_TOKEN=SECRET\nAccess_Token=SECRET2", "twice"),
            ("error", "an error"),
            ("Unauthorized", "an error"),
            ("404", "a number"),
            ("access_token=", "empty token"),
            ("access_token=\nexpires_in=7200", "empty token"),
            ("access_token=SECRET one", "blanks"),
            ("access_token=SECRET&expires_in=7200", "punctuation"),
            ("access_token=SECRET\naccess_token=SECRET2", "twice"),
            ("access_token=SECRET\nexpires_in=soon", "expires_in"),
            ("access_token=SECRET\nexpires_in=7200s", "expires_in"),
            ("access_token=SECRET\nexpires_in=inf", "expires_in"),
            ("access_token=SECRET\nexpires_in=--", "expires_in"),
            ("expires_in=7200", "without an access_token"),
            ("errcode=40001", "errcode 40001"),
            ("errcode=40001\naccess_token=SECRET", "errcode 40001"),
            ("[\"SECRET\"]", "array"),
            ("[{\"access_token\":\"SECRET\"}]", "array"),
            ("{\"access_token\":\"SECRET\"", "invalid JSON"),
            ("{\"access_token\":\"SECRET\"} done", "invalid JSON"),
            (
                "{\"access_token\":\"SECRET\"}\n{\"access_token\":\"SECRET\"}",
                "invalid JSON",
            ),
            ("{'access_token':'SECRET'}", "invalid JSON"),
            ("{}", "without an access_token"),
            ("{\"accessToken\":\"SECRET\"}", "without an access_token"),
            ("{\"access_token\":null}", "without an access_token"),
            ("{\"access_token\":7}", "not a text"),
            (
                "{\"access_token\":{\"access_token\":\"SECRET\"}}",
                "not a text",
            ),
            ("{\"access_token\":\"\"}", "empty token"),
            ("{\"access_token\":\"SECRET one\"}", "blanks"),
            (
                "{\"access_token\":\"SECRET\",\"access_token\":\"SECRET2\"}",
                "twice",
            ),
            (
                "{\"access_token\":\"SECRET\",\"expires_in\":\"soon\"}",
                "expires_in",
            ),
            (
                "{\"access_token\":\"SECRET\",\"expires_in\":[7200]}",
                "expires_in",
            ),
            (
                "{\"access_token\":\"SECRET\",\"expires_in\":true}",
                "expires_in",
            ),
            ("{\"data\":{\"access_token\":\"SECRET\"}}", "inside another"),
            (
                "{\"authorization_info\":{\"authorizer_access_token\":\"SECRET\"}}",
                "inside another",
            ),
            ("{\"errcode\":40001,\"errmsg\":\"SECRET\"}", "errcode 40001"),
            (
                "{\"errcode\":\"40001\",\"errmsg\":\"SECRET\"}",
                "errcode 40001",
            ),
            ("{\"errcode\":-1,\"access_token\":\"SECRET\"}", "errcode -1"),
            ("{\"errcode\":\"SECRET\"}", "errcode that is not a number"),
        ] {
            let why = read(printed.as_bytes()).err();
            let why = why.unwrap_or_else(|| panic!("{printed:?} was taken"));
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            assert!(en.contains(says), "{printed:?}: {en}");
            assert!(en != zh, "{en}");
            assert!(
                !format!("{en}{zh}").contains("SECRET"),
                "{printed:?}: {why}"
            );
        }
        assert!(read(b"\xff\xfeT\0").is_err_and(|why| why.to_string().contains("UTF-8")));
    }
}
