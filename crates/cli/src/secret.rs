//! Reads a secret from a file or from stdin. At a terminal it asks for the secret, and does not
//! show what is typed. The library removes what is around a secret, and refuses what cannot be one.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use wxlink::Lang;

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

/// The secret in the file that a flag names; `-` is stdin. `name` names it at a terminal.
pub(crate) fn in_file(
    flag: &str,
    name: &str,
    path: &Path,
    lang: Lang,
) -> Result<String, CommandError> {
    let what = format!("{flag} {}", path.display());
    let secret = if path.as_os_str() == "-" {
        read_stdin(name, lang)
    } else {
        input::open(path)
            .map_err(Invalid::Unreadable)
            .and_then(read_all)
    };
    checked(secret, Message::from(what))
}

/// The secret on stdin; `name` names it at a terminal.
pub(crate) fn from_stdin(name: &str, lang: Lang) -> Result<String, CommandError> {
    let what = Message::new("the secret on stdin", "标准输入中的密钥");
    checked(read_stdin(name, lang), what)
}

/// Reads the secret from stdin, and asks for it at a terminal.
fn read_stdin(name: &str, lang: Lang) -> Result<String, Invalid> {
    let source = input::stdin().map_err(Invalid::Unreadable)?;
    if !io::stdin().is_terminal() {
        return read_all(source);
    }
    let hidden = HiddenInput::start();
    let prompt = match (lang, hidden.is_some()) {
        (Lang::En, true) => format!("{name} (hidden): "),
        (Lang::En, false) => format!("{name} (visible): "),
        (Lang::Zh, true) => format!("请输入 {name}（不显示）："),
        (Lang::Zh, false) => format!("请输入 {name}（会显示）："),
    };
    let _ = write!(io::stderr(), "{prompt}");
    let mut line = Vec::new();
    let mut limited = BufReader::new(source.take(MAX_BYTES + 1));
    let read = limited.read_until(b'\n', &mut line);
    if hidden.is_some() {
        // The line end was not shown either.
        let _ = writeln!(io::stderr());
    }
    drop(hidden);
    read.map_err(Invalid::Unreadable)?;
    text_of(line)
}

/// `what` names the source of the secret in messages.
fn checked(secret: Result<String, Invalid>, what: Message) -> Result<String, CommandError> {
    secret.map_err(|why| {
        if interrupt::is_interrupted() {
            CommandError::Interrupted
        } else {
            CommandError::Usage(message(&what, &why))
        }
    })
}

fn read_all(source: Box<dyn Read>) -> Result<String, Invalid> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(Invalid::Unreadable)?;
    text_of(bytes)
}

fn text_of(bytes: Vec<u8>) -> Result<String, Invalid> {
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

/// While it exists, the terminal on stdin does not show what is typed.
#[cfg(unix)]
struct HiddenInput {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl HiddenInput {
    fn start() -> Option<HiddenInput> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let before = tcgetattr(io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // What was typed before the prompt is discarded: it was shown.
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).ok()?;
        Some(HiddenInput { before })
    }
}

#[cfg(unix)]
impl Drop for HiddenInput {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};

        // An unfinished line is discarded: the terminal would show it now, and pass it to the next
        // program. If this fails, the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// Terminals cannot be set here.
#[cfg(not(unix))]
struct HiddenInput;

#[cfg(not(unix))]
impl HiddenInput {
    fn start() -> Option<HiddenInput> {
        None
    }
}

fn message(what: &Message, why: &Invalid) -> Message {
    let why = match why {
        Invalid::Unreadable(error) => Message::from(error).after("could not be read", "无法读取"),
        Invalid::NotUtf8 => Message::new("is not UTF-8", "不是 UTF-8 编码"),
        Invalid::Empty => Message::new("is empty", "为空"),
        Invalid::TooLong => Message::new(
            format!("is longer than {MAX_BYTES} bytes, so it is not a secret"),
            format!("超过 {MAX_BYTES} 字节，不是密钥"),
        ),
    };
    let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
    let (what_en, what_zh) = (what.get(Lang::En), what.get(Lang::Zh));
    Message::new(format!("{what_en} {en}"), format!("{what_zh} {zh}"))
}
