//! How WeChat pushes events to the platform, and what can be wrong with a push.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::message::{Message, message};
use crate::model::random::TokenGenerator;
use crate::model::web_url::WebUrl;

/// Where and how events are pushed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSettings {
    /// The platform's URL for events.
    pub url: String,
    /// The token that signatures are made with. Empty: one is generated.
    #[serde(default)]
    pub token: String,
    /// The EncodingAESKey. Empty: one is generated.
    #[serde(default)]
    pub aes_key: String,
    /// The key before the last change, for the fault `previous_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_aes_key: Option<String>,
    /// How often a ticket is pushed, in seconds by the simulator's clock. 0: only when asked for.
    #[serde(default = "default_ticket_every_s")]
    pub ticket_every_s: u64,
    /// How often a push is tried until it is answered with `success`.
    #[serde(default = "default_tries")]
    pub tries: u32,
    /// The pause before the next try, in milliseconds by the simulator's clock.
    #[serde(default = "default_retry_after_ms")]
    pub retry_after_ms: u64,
    /// What a repeated try looks like.
    #[serde(default)]
    pub retry: RetryForm,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// After how many pushes in a row that failed no more tickets are pushed. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_after_failures: Option<u32>,
    /// Whether no tickets are pushed. `api_start_push_ticket` starts them.
    #[serde(default)]
    pub stopped: bool,
}

/// What a repeated try of a push looks like. WeChat does not document it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryForm {
    /// It has a timestamp and a nonce of its own.
    #[default]
    New,
    /// It is the same, byte for byte.
    Same,
}

/// What is wrong with a push, or unusual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFault {
    /// It is encrypted with an unknown key.
    WrongKey,
    /// It is encrypted with the previous key; with the current one if there is no previous one.
    PreviousKey,
    /// The appid after the encrypted message is another one.
    WrongAppid,
    /// The signature is made with another token.
    WrongSignature,
    /// Each byte of the padding is 0.
    #[serde(rename = "padding_0")]
    Padding0,
    /// Each byte of the padding is 33.
    #[serde(rename = "padding_33")]
    Padding33,
    /// Only the last byte of the padding is right.
    PaddingMixed,
    /// The length field is beyond the end.
    LengthTooLarge,
    /// The length field is negative when it is read as a signed number.
    LengthNegative,
    /// Spaces stand in place of the plus signs of the base64.
    SpaceForPlus,
    /// Blanks and line breaks surround the base64. The push is valid.
    BlanksAroundEncrypt,
    /// The document has a `<!DOCTYPE>` with an entity.
    Doctype,
    /// The encrypted document has a `<!DOCTYPE>` with an entity.
    InnerDoctype,
    /// Numbers are written as CDATA. The push is valid.
    CdataNumbers,
    /// The encrypted document ends in `<xml>` instead of `</xml>`, as in a sample of WeChat's. The
    /// push is valid.
    UnclosedXml,
    /// The event has an unknown InfoType. The push is valid.
    UnknownInfoType,
    /// The document starts with a byte order mark. The push is valid.
    Bom,
    /// The document has another mebibyte. The push is valid.
    LargeBody,
    /// The push is sent twice, byte for byte the same. It is valid.
    Repeat,
    /// The push is sent this many seconds later, by the simulator's clock. It is valid.
    LateS(u64),
    /// The push is never sent.
    Lost,
}

/// The characters of an EncodingAESKey.
const KEY_LENGTH: usize = 43;
/// The longest pause: a day.
const MAX_PAUSE_MS: u64 = 86_400_000;

fn default_ticket_every_s() -> u64 {
    600
}

fn default_tries() -> u32 {
    3
}

fn default_retry_after_ms() -> u64 {
    1000
}

fn default_timeout_ms() -> u64 {
    5000
}

/// Shows neither the token nor keys.
impl fmt::Debug for PushSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PushSettings")
            .field("ticket_every_s", &self.ticket_every_s)
            .field("tries", &self.tries)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

impl PushSettings {
    /// Pushes to this URL, with a generated token and key and the usual times.
    pub fn to_url(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: String::new(),
            aes_key: String::new(),
            previous_aes_key: None,
            ticket_every_s: default_ticket_every_s(),
            tries: default_tries(),
            retry_after_ms: default_retry_after_ms(),
            retry: RetryForm::default(),
            timeout_ms: default_timeout_ms(),
            stop_after_failures: None,
            stopped: false,
        }
    }

    /// Checks the settings. The error names the invalid field and contains no secrets.
    pub(crate) fn check(&self) -> Result<(), Message> {
        match WebUrl::parse(&self.url) {
            Err(Message { en, zh }) => {
                return Err(message!(
                    "`push`: invalid `url`: {en}",
                    "`push`：`url` 无效：{zh}"
                ));
            }
            Ok(url) if url.target.contains('#') => {
                return Err(Message::new(
                    "`push`: `url` must have no fragment",
                    "`push`：`url` 不能含有片段 (#)",
                ));
            }
            Ok(_) => {}
        }
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain(&self.token) || self.token.len() > 32 {
            return Err(Message::new(
                "`push`: `token` must be at most 32 letters and digits",
                "`push`：`token` 最多为 32 个字母和数字",
            ));
        }
        let keys = [Some(&self.aes_key), self.previous_aes_key.as_ref()];
        for key in keys.into_iter().flatten().filter(|key| !key.is_empty()) {
            if !is_plain(key) || key.len() != KEY_LENGTH {
                return Err(message!(
                    "`push`: a key must be {KEY_LENGTH} letters and digits",
                    "`push`：密钥必须是 {KEY_LENGTH} 个字母和数字"
                ));
            }
        }
        if !(1..=10).contains(&self.tries) {
            return Err(Message::new(
                "`push`: `tries` must be 1 to 10",
                "`push`：`tries` 应为 1 至 10",
            ));
        }
        if self.retry_after_ms > MAX_PAUSE_MS {
            return Err(message!(
                "`push`: `retry_after_ms` is at most {MAX_PAUSE_MS}",
                "`push`：`retry_after_ms` 最多为 {MAX_PAUSE_MS}"
            ));
        }
        if !(1..=60_000).contains(&self.timeout_ms) {
            return Err(Message::new(
                "`push`: `timeout_ms` must be 1 to 60000",
                "`push`：`timeout_ms` 应为 1 至 60000",
            ));
        }
        if self.stop_after_failures == Some(0) {
            return Err(Message::new(
                "`push`: `stop_after_failures` must be at least 1",
                "`push`：`stop_after_failures` 至少为 1",
            ));
        }
        Ok(())
    }

    /// Generates the token and the key if they are empty.
    pub(crate) fn generate_missing(&mut self, generator: &mut TokenGenerator) {
        if self.token.is_empty() {
            self.token = generator.letters(32);
        }
        if self.aes_key.is_empty() {
            self.aes_key = generator.letters(KEY_LENGTH);
        }
    }
}
