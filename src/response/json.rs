//! Checks the encoding of WeChat's JSON, and describes what is not JSON.

use serde::de::IgnoredAny;

use super::reader::{Fault, MAX_DEPTH};
use super::repair::without_bom;

/// The body as text, without a byte order mark.
///
/// # Errors
/// What the body is if it is not UTF-8, or does not start an object.
pub(super) fn json_text(body: &[u8]) -> Result<&str, String> {
    let body = without_bom(body);
    let text =
        simdutf8::basic::from_utf8(body).map_err(|_| "bytes that are not UTF-8".to_owned())?;
    match text.trim_start().as_bytes().first() {
        Some(b'{') => Ok(text),
        Some(_) => Err("something that is not a JSON object".into()),
        None => Err("an empty body".into()),
    }
}

/// What the text is, in which a [`Reader`](super::reader::Reader) found this fault.
pub(super) fn describe(fault: Fault, text: &str) -> String {
    match (fault, serde_json::from_str::<IgnoredAny>(text)) {
        (Fault::TooDeep, _) => format!("JSON nested deeper than {MAX_DEPTH}"),
        (Fault::Syntax, Err(e)) if e.is_eof() => {
            format!("JSON that ends early, after {} bytes", text.len())
        }
        // serde's message may contain parts of the text, and so a secret.
        (Fault::Syntax, Err(e)) => format!(
            "something that is not JSON (line {}, column {})",
            e.line(),
            e.column()
        ),
        (Fault::Syntax, Ok(_)) => "something that is not JSON".to_owned(),
    }
}
