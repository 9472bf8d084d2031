//! Reads a secret from a file or from stdin. The library removes what is around it, and refuses what
//! cannot be one.

use std::io::{self, Read};
use std::path::Path;

use crate::error::CommandError;
use crate::message::Message;
use crate::{input, interrupt};

/// The longest text that is read (bytes). A secret may be in JSON or XML.
const MAX_BYTES: u64 = 64 * 1024;

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
    let secret = source.map_err(Invalid::Unreadable).and_then(read_text);
    secret.map_err(|why| {
        if interrupt::is_interrupted() {
            CommandError::Interrupted
        } else {
            CommandError::Usage(message(&what, &why))
        }
    })
}

fn read_text(source: Box<dyn Read>) -> Result<String, Invalid> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(Invalid::Unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Invalid::TooLong);
    }
    let text = String::from_utf8(bytes).map_err(|_| Invalid::NotUtf8)?;
    // For an option, an empty text means that it is not set.
    if text.trim().is_empty() {
        return Err(Invalid::Empty);
    }
    Ok(text)
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
            format!("is longer than {MAX_BYTES} bytes, so it is not a secret"),
            format!("超过 {MAX_BYTES} 字节，不是密钥"),
        ),
    };
    let (what_en, what_zh) = (what.get(wxlink::Lang::En), what.get(wxlink::Lang::Zh));
    Message::new(format!("{what_en} {en}"), format!("{what_zh} {zh}"))
}
