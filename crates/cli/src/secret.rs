//! Reads a secret, one line, from a file or from stdin. At a terminal it asks for the secret and
//! does not show what is typed.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use wxlink::{Lang, MAX_TOKEN_BYTES};

use crate::error::CommandError;
use crate::message::Message;
use crate::{input, interrupt};

/// How much is read: enough to notice a secret that is too long, with a byte-order mark, blanks and
/// line ends around it.
const MAX_INPUT_BYTES: u64 = MAX_TOKEN_BYTES as u64 + 256;

/// Why there is no secret.
enum Invalid {
    Unreadable(io::Error),
    NotUtf8,
    Empty,
    TooLong,
    /// XML or JSON, such as a push or a response of WeChat.
    Document,
    /// It contains this character, which no secret of WeChat does.
    Character(char),
}

/// The access token in the file that `--token-file` names; `-` is stdin.
pub(crate) fn token_in(path: &Path, lang: Lang) -> Result<String, CommandError> {
    let what = format!("--token-file {}", path.display());
    let secret = if path.as_os_str() == "-" {
        read_stdin("access token", lang)
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
    let mut limited = BufReader::new(source.take(MAX_INPUT_BYTES));
    let read = limited.read_until(b'\n', &mut line);
    if hidden.is_some() {
        // The line end was not shown either.
        let _ = writeln!(io::stderr());
    }
    drop(hidden);
    read.map_err(Invalid::Unreadable)?;
    secret_in(line)
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
    let read = source.take(MAX_INPUT_BYTES).read_to_end(&mut bytes);
    read.map_err(Invalid::Unreadable)?;
    secret_in(bytes)
}

/// The secret alone in a text; a byte-order mark, blanks and line ends around it are ignored.
fn secret_in(bytes: Vec<u8>) -> Result<String, Invalid> {
    let text = String::from_utf8(bytes).map_err(|_| Invalid::NotUtf8)?;
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        return Err(Invalid::Empty);
    }
    if secret.starts_with(['<', '{', '[']) {
        return Err(Invalid::Document);
    }
    if secret.len() > MAX_TOKEN_BYTES {
        return Err(Invalid::TooLong);
    }
    let is_part = |c: char| c.is_ascii_graphic() && !"\"'`<>{}".contains(c);
    match secret.chars().find(|c| !is_part(*c)) {
        Some(found) => Err(Invalid::Character(found)),
        None => Ok(secret.to_owned()),
    }
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
    let (en, zh) = match why {
        Invalid::Unreadable(error) => (
            format!("could not be read: {error}"),
            format!("无法读取：{error}"),
        ),
        Invalid::NotUtf8 => ("is not UTF-8".into(), "不是 UTF-8 编码".into()),
        Invalid::Empty => ("is empty".into(), "为空".into()),
        Invalid::Document => (
            "is XML or JSON: give the value alone, without the document around it".into(),
            "是 XML 或 JSON：请只提供其中的值，不要提供整个文档".into(),
        ),
        Invalid::Character(found) => {
            let code = format!("U+{:04X}", u32::from(*found));
            (
                format!("contains {code}, which no token or ticket does: give the value alone"),
                format!("含有 {code}，token 和 ticket 中不会出现该字符：请只提供值本身"),
            )
        }
        Invalid::TooLong => (
            format!("is longer than {MAX_TOKEN_BYTES} bytes, the limit for a secret"),
            format!("超过 {MAX_TOKEN_BYTES} 字节的上限"),
        ),
    };
    let (what_en, what_zh) = (what.get(Lang::En), what.get(Lang::Zh));
    Message::new(format!("{what_en} {en}"), format!("{what_zh} {zh}"))
}
