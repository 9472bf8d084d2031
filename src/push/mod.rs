//! Pushes of WeChat to a third-party platform: verification, decryption and reading. Nothing here
//! acts on a push; `token` does.

mod cipher;
mod event;
mod signature;
mod xml;

use crate::config::push_keys::AesKey;
use crate::model::lang::Text;
use crate::model::message::{Message, message};

pub(crate) use cipher::message_in;
pub(crate) use event::{Event, Push};

/// The largest push that is read, in bytes. WeChat's have about one kilobyte.
const MAX_PUSH_BYTES: usize = 256 * 1024;

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
        let encrypted = encrypted_in(body)?;
        signature::verify(&self.tokens, query, &encrypted)?;
        self.decrypt(&encrypted)
    }

    /// Decrypts and reads a push whose signature is right.
    pub fn decrypt(&self, encrypted: &str) -> Result<Push, Message> {
        read_message(cipher::decrypt(&self.aes_keys, &self.appid, encrypted)?)
    }
}

/// The field `Encrypt` of a push's body, without white space around it, which is not signed.
pub(crate) fn encrypted_in(body: &[u8]) -> Result<String, Message> {
    if body.len() > MAX_PUSH_BYTES {
        return Err(message!(
            "the body is larger than {MAX_PUSH_BYTES} bytes",
            "请求体超过 {MAX_PUSH_BYTES} 字节"
        ));
    }
    let body = std::str::from_utf8(body).map_err(|_| NOT_UTF8)?;
    let outer = xml::read(body).map_err(|why| {
        let (en, zh) = (why.en, why.zh);
        message!("the body {en}", "请求体{zh}")
    })?;
    outer.text("Encrypt").map(str::to_owned)
}

/// Reads a decrypted push.
pub(crate) fn read_message(message: Vec<u8>) -> Result<Push, Message> {
    let message = String::from_utf8(message).map_err(|_| NOT_UTF8)?;
    let inner = xml::read(&message).map_err(|why| {
        let (en, zh) = (why.en, why.zh);
        message!("the decrypted push {en}", "解密后的内容{zh}")
    })?;
    Push::read(inner)
}

const NOT_UTF8: Text = Text {
    en: "it is not UTF-8",
    zh: "内容不是 UTF-8",
};

#[cfg(test)]
mod tests;
