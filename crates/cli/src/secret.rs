//! Reads a secret, one line, from a file or from stdin.

use std::io::{self, Read};
use std::path::Path;

use wxlink::MAX_TOKEN_BYTES;

use crate::error::CommandError;
use crate::message::Message;
use crate::{input, interrupt};

/// Why there is no secret.
enum Invalid {
    Unreadable(io::Error),
    NotUtf8,
    Empty,
    TooLong,
}

/// The access token in the file that `--token-file` names; `-` is stdin.
pub(crate) fn token_in(path: &Path) -> Result<String, CommandError> {
    let what = format!("--token-file {}", path.display());
    let is_stdin = path.as_os_str() == "-";
    read(is_stdin, path, Message::from(what))
}

/// The secret on stdin.
pub(crate) fn from_stdin() -> Result<String, CommandError> {
    let what = Message::new("the secret on stdin", "标准输入中的密钥");
    read(true, Path::new("-"), what)
}

/// Reads the secret; `what` names its source in messages.
fn read(is_stdin: bool, path: &Path, what: Message) -> Result<String, CommandError> {
    let source = if is_stdin {
        input::stdin()
    } else {
        input::open(path)
    };
    let secret = source.map_err(Invalid::Unreadable).and_then(read_line);
    secret.map_err(|why| {
        if interrupt::is_interrupted() {
            CommandError::Interrupted
        } else {
            CommandError::Usage(message(&what, &why))
        }
    })
}

/// Reads one line, which may end with LF or CRLF or without either.
fn read_line(source: Box<dyn Read>) -> Result<String, Invalid> {
    // Enough to notice a secret that is too long: its line end counts two bytes.
    let limit = MAX_TOKEN_BYTES as u64 + 3;
    let mut bytes = Vec::new();
    let read = source.take(limit).read_to_end(&mut bytes);
    read.map_err(Invalid::Unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| Invalid::NotUtf8)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = line.strip_suffix('\r').unwrap_or(line);
    match secret.len() {
        0 => Err(Invalid::Empty),
        1..=MAX_TOKEN_BYTES => Ok(secret.to_owned()),
        _ => Err(Invalid::TooLong),
    }
}

fn message(what: &Message, why: &Invalid) -> Message {
    let (en, zh) = match why {
        Invalid::Unreadable(error) => (
            format!("could not be read: {error}"),
            format!("无法读取：{error}"),
        ),
        Invalid::NotUtf8 => ("is not UTF-8".into(), "不是 UTF-8 编码".into()),
        Invalid::Empty => ("is empty".into(), "为空".into()),
        Invalid::TooLong => (
            format!("is longer than {MAX_TOKEN_BYTES} bytes, the limit for a secret"),
            format!("超过 {MAX_TOKEN_BYTES} 字节的上限"),
        ),
    };
    let (what_en, what_zh) = (what.get(wxlink::Lang::En), what.get(wxlink::Lang::Zh));
    Message::new(format!("{what_en} {en}"), format!("{what_zh} {zh}"))
}
