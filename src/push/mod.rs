//! Pushes of WeChat to a third-party platform: verification, decryption and reading. Nothing here
//! acts on a push; `token` does.

mod cipher;
mod event;
mod signature;
mod xml;

use crate::config::push_keys::AesKey;
use crate::model::message::Message;

pub(crate) use event::{Event, Push};

/// The largest push that is read, in bytes. WeChat's have about one kilobyte.
pub(crate) const MAX_PUSH_BYTES: usize = 256 * 1024;

/// What pushes are checked with.
pub(crate) struct PushKeys {
    /// The platform's appid.
    pub appid: String,
    /// The current token and earlier ones.
    pub tokens: Vec<String>,
    /// The current key and earlier ones.
    pub aes_keys: Vec<AesKey>,
}

impl PushKeys {
    /// Verifies, decrypts and reads a push. `query` is the raw query string of WeChat's request,
    /// and `body` its body.
    ///
    /// # Errors
    /// Why it is not a push of WeChat's to this platform. The text contains nothing of the push.
    pub fn open(&self, query: &str, body: &[u8]) -> Result<Push, Message> {
        if body.len() > MAX_PUSH_BYTES {
            return Err(Message::new(
                format!("the body is larger than {MAX_PUSH_BYTES} bytes"),
                format!("请求体超过 {MAX_PUSH_BYTES} 字节"),
            ));
        }
        let outer = std::str::from_utf8(body).map_err(|_| NOT_UTF8)?;
        let outer = xml::read(outer).map_err(|why| in_the("the body", "请求体", why))?;
        // White space around it is not signed.
        let encrypted = outer.text("Encrypt").map_err(Message::from)?.trim();
        signature::verify(&self.tokens, query, encrypted)?;
        let message = cipher::decrypt(&self.aes_keys, &self.appid, encrypted)?;
        let message = String::from_utf8(message).map_err(|_| NOT_UTF8)?;
        let inner =
            xml::read(&message).map_err(|why| in_the("the decrypted push", "解密后的内容", why))?;
        Push::read(inner)
    }
}

const NOT_UTF8: crate::model::lang::Text = crate::model::lang::Text {
    en: "it is not UTF-8",
    zh: "内容不是 UTF-8",
};

fn in_the(en: &str, zh: &str, why: crate::model::lang::Text) -> Message {
    Message::new(format!("{en} {}", why.en), format!("{zh}{}", why.zh))
}

#[cfg(test)]
mod tests;
