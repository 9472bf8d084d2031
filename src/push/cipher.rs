//! The encryption of a push: AES-256-CBC with a constant IV, over random bytes, the length of the
//! message, the message and the platform's appid.

use aes::Aes256;
use base64::prelude::{BASE64_STANDARD, Engine};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};

use crate::config::push_keys::AesKey;
use crate::model::lang::Text;
use crate::model::message::Message;

/// WeChat pads to this length, which is two blocks of the cipher.
const PADDED_TO: usize = 32;
/// 16 random bytes and 4 of the message's length.
const HEAD_BYTES: usize = 20;

/// Decrypts `encrypted` with the key that fits and returns the message.
///
/// A wrong key leaves a valid last byte in one of eight cases. So padding, length and appid decide
/// together which key is right.
///
/// # Errors
/// Why it cannot be decrypted.
pub(super) fn decrypt(keys: &[AesKey], appid: &str, encrypted: &str) -> Result<Vec<u8>, Message> {
    let bytes = BASE64_STANDARD.decode(encrypted).map_err(|_| NOT_BASE64)?;
    if bytes.is_empty() || bytes.len() % PADDED_TO != 0 {
        return Err(WRONG_LENGTH.into());
    }
    let decrypted = keys.iter().find_map(|key| {
        let iv = key.bytes.first_chunk::<16>()?;
        let cipher = cbc::Decryptor::<Aes256>::new(&key.bytes.into(), &(*iv).into());
        let mut plain = bytes.clone();
        cipher.decrypt_padded::<NoPadding>(&mut plain).ok()?;
        message_in(&plain, appid).map(<[u8]>::to_vec)
    });
    decrypted.ok_or_else(|| WRONG_KEY.into())
}

/// The message in decrypted bytes; `None` if anything in them is not as it must be.
pub(crate) fn message_in<'a>(plain: &'a [u8], appid: &str) -> Option<&'a [u8]> {
    let padding = usize::from(*plain.last()?);
    let content = plain.len().checked_sub(padding)?;
    let (content, padded) = plain.split_at(content);
    let is_padded = (1..=PADDED_TO).contains(&padding)
        && padded.iter().all(|byte| usize::from(*byte) == padding);
    let (head, rest) = content.split_first_chunk::<HEAD_BYTES>()?;
    let length = u32::from_be_bytes(*head.last_chunk()?);
    let (message, receiver) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (is_padded && receiver == appid.as_bytes()).then_some(message)
}

const NOT_BASE64: Text = Text {
    en: "Encrypt is not base64. Pass the body unchanged: a form decoder turns + into a space",
    zh: "Encrypt 不是有效的 base64。请原样传入请求体：表单解码会把 + 变成空格",
};
const WRONG_LENGTH: Text = Text {
    en: "Encrypt is truncated",
    zh: "Encrypt 不完整",
};
const WRONG_KEY: Text = Text {
    en: "it cannot be decrypted for this platform. Set push_aes_key to the EncodingAESKey in the \
         platform's settings, and component_appid to the platform's appid",
    zh: "无法用该平台的密钥解密。请将 push_aes_key 设为平台设置中的 EncodingAESKey，\
         并确认 component_appid 是该平台的 appid",
};
