//! The signature of a push: `msg_signature` in the query, a SHA-1 over a token that only WeChat and
//! the platform know.

use std::borrow::Cow;
use std::fmt::Write;

use percent_encoding::percent_decode_str;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use subtle::{Choice, ConstantTimeEq};

use crate::model::lang::Text;
use crate::model::message::{Message, message};

/// The longest query that is read, in bytes. WeChat's have about 200.
const MAX_QUERY_BYTES: usize = 4096;

/// Checks `msg_signature` against every token. The parameter `signature`, which WeChat sends too,
/// proves nothing: it does not cover the body.
///
/// There is no window on `timestamp`: a push may be repeated late, and one that is repeated changes
/// nothing.
///
/// # Errors
/// Why the signature is not WeChat's.
pub(super) fn verify(tokens: &[String], query: &str, encrypted: &str) -> Result<(), Message> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(message!(
            "the query is longer than {MAX_QUERY_BYTES} bytes",
            "查询字符串超过 {MAX_QUERY_BYTES} 字节"
        ));
    }
    let signature = parameter(query, "msg_signature")?;
    let timestamp = parameter(query, "timestamp")?;
    let nonce = parameter(query, "nonce")?;
    let mut is_known = Choice::from(0);
    for token in tokens {
        let expected = sign([token, &timestamp, &nonce, encrypted]);
        is_known |= expected.as_bytes().ct_eq(signature.as_bytes());
    }
    if is_known.into() {
        Ok(())
    } else {
        Err(WRONG.into())
    }
}

const WRONG: Text = Text {
    en: "msg_signature does not match. If the push is WeChat's, set push_token to the token in the \
         platform's settings, and pass the query and the body unchanged",
    zh: "msg_signature 不符。如果推送确实来自微信，请将 push_token 设为平台设置中的 Token，\
         并原样传入查询字符串和请求体",
};

/// The lower-case hexadecimal SHA-1 of the texts, sorted and joined.
pub(super) fn sign<const N: usize>(mut parts: [&str; N]) -> String {
    parts.sort_unstable();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    let mut text = String::with_capacity(40);
    for byte in hash.as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The value of a parameter that occurs once.
fn parameter<'a>(query: &'a str, name: &str) -> Result<Cow<'a, str>, Message> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => percent_decode_str(value).decode_utf8().map_err(|_| {
            message!(
                "the query's {name} is not UTF-8",
                "查询字符串中的 {name} 不是 UTF-8"
            )
        }),
        (None, _) => Err(message!(
            "the query has no {name}; pass the raw query string of WeChat's request",
            "查询字符串中没有 {name}；请传入微信请求的原始查询字符串"
        )),
        (Some(_), Some(_)) => Err(message!(
            "the query has several values of {name}",
            "查询字符串中有多个 {name}"
        )),
    }
}
