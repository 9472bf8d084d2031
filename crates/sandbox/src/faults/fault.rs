//! The kinds of faults, and the checks of their parameters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::model::clock::MAX_LIST_LAG_MS;
use crate::model::message::{Message, at_most, message};
use crate::model::push::PushFault;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The response has this errcode.
    Errcode(Errcode),
    /// The response is this many milliseconds late.
    DelayMs(u64),
    /// The response is the list as it was this many milliseconds ago.
    ListLagMs(u64),
    /// No response ever comes.
    Hang,
    /// The connection ends without a response.
    Drop(DropKind),
    /// The `Content-Length` is that of the whole body, but the connection ends after a part of it.
    Cut(Cut),
    /// The response is not HTTP.
    Garbage,
    /// The response is an HTML page, as from a proxy.
    Status(HtmlPage),
    /// The response is a redirect.
    Redirect(Redirect),
    /// The response is the one given here.
    Body(CustomBody),
    /// The response is a small gzip body that unpacks to many bytes.
    GzipBomb(Size),
    /// The response has many bytes.
    Huge(Size),
    /// The response is deeply nested JSON.
    Deep(Depth),
    /// The response is sent slowly.
    Slow(Slow),
    /// The response has no length; it ends with the connection.
    CloseDelimited,
    /// The response starts with a byte order mark.
    Bom,
    /// The response is valid and does not announce that the connection closes, but it closes.
    CloseAfter,
    /// The connection is accepted and closed before anything is read.
    AcceptClose,
    /// A push to the platform is unusual or invalid.
    Push(PushFault),
    /// The TLS handshake hangs.
    TlsHang,
    /// The connection is reset during the TLS handshake.
    TlsReset,
}

/// The parameters of [`Fault::Errcode`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errcode {
    /// The errcode.
    pub code: i64,
    /// The text, used verbatim. `None`: WeChat's text with a request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errmsg: Option<String>,
}

/// How [`Fault::Drop`] ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropKind {
    /// With FIN.
    Close,
    /// With RST.
    Reset,
}

/// The parameters of [`Fault::Cut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// How many bytes of the body are sent.
    pub bytes: usize,
}

/// The parameters of [`Fault::Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HtmlPage {
    /// The HTTP status, 200 to 599.
    pub code: u16,
    /// The HTML. `None`: a page that shows the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// The parameters of [`Fault::Redirect`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// The HTTP status: 301, 302, 303, 307 or 308.
    #[serde(default = "default_redirect_status")]
    pub code: u16,
    /// The `Location` header.
    pub location: String,
}

/// The parameters of [`Fault::Body`]. The connection ends after the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomBody {
    /// The body as text. Give either this or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body as base64. Give either this or `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The HTTP status, 200 to 599.
    #[serde(default = "default_body_status")]
    pub status: u16,
    /// Headers to add. A usual header of the same name is replaced, or omitted if the value is
    /// `None`.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Whether the body is sent in chunks instead of with a length.
    #[serde(default)]
    pub chunked: bool,
    /// Whether the response is HTTP/1.0.
    #[serde(default)]
    pub http10: bool,
}

/// The parameters of [`Fault::GzipBomb`] and [`Fault::Huge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The size of the body; for a gzip bomb, after unpacking.
    pub bytes: u64,
}

/// The parameters of [`Fault::Deep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depth {
    /// How many arrays are nested.
    pub levels: usize,
}

/// The parameters of [`Fault::Slow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// How many bytes of the response, head included, are sent at a time.
    pub bytes: usize,
    /// The pause between them, in milliseconds.
    pub every_ms: u64,
}

fn default_redirect_status() -> u16 {
    302
}

fn default_body_status() -> u16 {
    200
}

/// The most bytes a gzip bomb unpacks to. Its body, held in memory, has a 300th of them.
const MAX_GZIP_BOMB_BYTES: u64 = 1 << 30;
/// The most bytes of a huge response.
const MAX_HUGE_BYTES: u64 = 1 << 40;
/// The fewest bytes of a huge response: its JSON must fit.
const MIN_HUGE_BYTES: u64 = 64;
/// The most nested arrays: far more than any stack holds.
const MAX_LEVELS: usize = 50_000_000;
/// The longest delay in milliseconds: a day.
pub(crate) const MAX_DELAY_MS: u64 = 86_400_000;

impl Fault {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Errcode(_) => "errcode",
            Self::DelayMs(_) => "delay_ms",
            Self::ListLagMs(_) => "list_lag_ms",
            Self::Hang => "hang",
            Self::Drop(_) => "drop",
            Self::Cut(_) => "cut",
            Self::Garbage => "garbage",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::Body(_) => "body",
            Self::GzipBomb(_) => "gzip_bomb",
            Self::Huge(_) => "huge",
            Self::Deep(_) => "deep",
            Self::Slow(_) => "slow",
            Self::CloseDelimited => "close_delimited",
            Self::Bom => "bom",
            Self::CloseAfter => "close_after",
            Self::AcceptClose => "accept_close",
            Self::Push(_) => "push",
            Self::TlsHang => "tls_hang",
            Self::TlsReset => "tls_reset",
        }
    }

    /// Whether it applies to a new connection, before a request is read.
    pub(crate) fn is_for_connections(&self) -> bool {
        matches!(self, Self::AcceptClose | Self::TlsHang | Self::TlsReset)
    }

    /// Whether it applies to a push, which the simulator sends.
    pub(crate) fn is_for_pushes(&self) -> bool {
        matches!(self, Self::Push(_))
    }

    /// Whether it changes WeChat's response, so that the request has to take effect first.
    pub(crate) fn needs_response(&self) -> bool {
        matches!(
            self,
            Self::ListLagMs(_)
                | Self::Cut(_)
                | Self::Slow(_)
                | Self::CloseDelimited
                | Self::Bom
                | Self::CloseAfter
        )
    }

    /// Checks the parameters. The error names the invalid parameter.
    pub(crate) fn check(&self) -> Result<(), Message> {
        match self {
            Self::DelayMs(ms) if *ms > MAX_DELAY_MS => Err(message!(
                "`delay_ms` is at most {MAX_DELAY_MS}. Use \"hang\" for a response that never comes",
                "`delay_ms` 最多为 {MAX_DELAY_MS}。永远没有响应请用 \"hang\""
            )),
            Self::ListLagMs(ms) if *ms > MAX_LIST_LAG_MS => {
                Err(at_most("list_lag_ms", MAX_LIST_LAG_MS))
            }
            Self::Status(page) => check_status(page.code),
            Self::Redirect(redirect) => redirect.check(),
            Self::Body(body) => body.check(),
            Self::GzipBomb(size) if size.bytes > MAX_GZIP_BOMB_BYTES => {
                Err(at_most("bytes", MAX_GZIP_BOMB_BYTES))
            }
            Self::Huge(size) if !(MIN_HUGE_BYTES..=MAX_HUGE_BYTES).contains(&size.bytes) => {
                Err(message!(
                    "`bytes` must be {MIN_HUGE_BYTES} to {MAX_HUGE_BYTES}",
                    "`bytes` 应为 {MIN_HUGE_BYTES} 至 {MAX_HUGE_BYTES}"
                ))
            }
            Self::Deep(depth) if depth.levels > MAX_LEVELS => Err(at_most("levels", MAX_LEVELS)),
            Self::Slow(slow) if slow.bytes == 0 => Err(Message::new(
                "`bytes` must be at least 1. Use \"hang\" for a response that never comes",
                "`bytes` 至少为 1。永远没有响应请用 \"hang\"",
            )),
            Self::Slow(slow) if slow.every_ms > MAX_DELAY_MS => {
                Err(at_most("every_ms", MAX_DELAY_MS))
            }
            _ => Ok(()),
        }
    }
}

fn check_status(code: u16) -> Result<(), Message> {
    if (200..=599).contains(&code) {
        Ok(())
    } else {
        Err(message!(
            "invalid HTTP status {code}: expected 200 to 599",
            "HTTP 状态码 {code} 无效：应为 200 至 599"
        ))
    }
}

impl Redirect {
    fn check(&self) -> Result<(), Message> {
        if !matches!(self.code, 301 | 302 | 303 | 307 | 308) {
            let code = self.code;
            return Err(message!(
                "`code` {code} is not a redirect: expected 301, 302, 303, 307 or 308",
                "`code` {code} 不是重定向：应为 301、302、303、307 或 308"
            ));
        }
        let is_graphic = self.location.bytes().all(|byte| byte.is_ascii_graphic());
        if self.location.is_empty() || !is_graphic {
            return Err(Message::new(
                "`location` must be a URL in ASCII without spaces",
                "`location` 应为不含空格的 ASCII URL",
            ));
        }
        Ok(())
    }
}

impl CustomBody {
    /// The bytes of the body. `check` has made sure that they can be read.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => BASE64.decode(base64).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), Message> {
        check_status(self.status)?;
        match (&self.text, &self.base64) {
            (Some(_), None) => {}
            (None, Some(base64)) => {
                BASE64.decode(base64).map_err(|error| {
                    message!("`base64` is invalid: {error}", "`base64` 无效：{error}")
                })?;
            }
            _ => {
                return Err(Message::new(
                    "give the body either as `text` or as `base64`",
                    "请用 `text` 或 `base64` 提供响应体，二者选一",
                ));
            }
        }
        for (name, value) in &self.headers {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(message!(
                    "invalid header name {name:?}",
                    "响应头的名称 {name:?} 无效"
                ));
            }
            let has_line_break = |value: &String| value.contains(['\r', '\n']);
            if value.as_ref().is_some_and(has_line_break) {
                return Err(message!(
                    "the value of header {name:?} contains a line break",
                    "响应头 {name:?} 的值含有换行符"
                ));
            }
        }
        Ok(())
    }
}
