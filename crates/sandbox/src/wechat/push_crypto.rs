//! Signs and encrypts pushes, as the page "消息加解密" of WeChat's documentation describes it.

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD as BASE64};
use cbc::Encryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::model::push::{PushFault, PushSettings};
use crate::wechat::push_message::{PushMessage, envelope};

/// Messages are padded to a multiple of this.
const BLOCK: usize = 32;
/// The last character of a key holds two bits that belong to no byte, and they need not be zero.
const KEY_ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    NO_PAD.with_decode_allow_trailing_bits(true),
);
/// The appid of the fault [`PushFault::WrongAppid`].
const OTHER_APPID: &str = "wx0cffffffffffffff";

/// What differs between two tries of the same push.
#[derive(Clone)]
pub(crate) struct Seal {
    /// In seconds of Unix time.
    pub(crate) timestamp: u64,
    pub(crate) nonce: String,
    /// The 16 characters before the message.
    pub(crate) random: String,
    /// A key that the platform does not know, for faults. It is also used as a token.
    pub(crate) unknown_key: String,
}

/// The request of a push.
#[derive(Clone)]
pub(crate) struct PushRequest {
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
    pub(crate) timestamp: u64,
    pub(crate) nonce: String,
}

/// Encrypts and signs a message.
pub(crate) fn seal(
    message: &PushMessage,
    platform: &str,
    settings: &PushSettings,
    seal: &Seal,
    fault: Option<&PushFault>,
) -> PushRequest {
    let key = match fault {
        Some(PushFault::WrongKey) => &seal.unknown_key,
        Some(PushFault::PreviousKey) => settings
            .previous_aes_key
            .as_ref()
            .unwrap_or(&settings.aes_key),
        _ => &settings.aes_key,
    };
    let appid = match fault {
        Some(PushFault::WrongAppid) => OTHER_APPID,
        _ => platform,
    };
    let token = match fault {
        Some(PushFault::WrongSignature) => &seal.unknown_key,
        _ => &settings.token,
    };
    let mut xml = message.to_xml(platform, fault);
    let unpadded = seal.random.len() + 4 + xml.len() + appid.len();
    if fault == Some(&PushFault::PaddingMixed) && unpadded % BLOCK == BLOCK - 1 {
        // A padding of one byte cannot be mixed.
        xml.push('\n');
    }
    let mut encrypted = encrypt(key, &seal.random, &xml, appid, fault);
    if fault == Some(&PushFault::SpaceForPlus) {
        // Longer messages have a plus sign sooner or later.
        while !encrypted.contains('+') {
            xml.push('\n');
            encrypted = encrypt(key, &seal.random, &xml, appid, fault);
        }
    }
    let timestamp = seal.timestamp.to_string();
    let signature = signature(&[token, &timestamp, &seal.nonce]);
    let msg_signature = self::signature(&[token, &timestamp, &seal.nonce, &encrypted]);
    PushRequest {
        query: format!(
            "signature={signature}&timestamp={timestamp}&nonce={}&encrypt_type=aes\
             &msg_signature={msg_signature}",
            seal.nonce
        ),
        body: envelope(platform, &encrypted, fault).into_bytes(),
        timestamp: seal.timestamp,
        nonce: seal.nonce.clone(),
    }
}

/// The SHA-1 of these texts in bytewise order, in lower-case hex.
fn signature(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Encrypts a message with a key that has been checked.
fn encrypt(
    key: &str,
    random: &str,
    message: &str,
    appid: &str,
    fault: Option<&PushFault>,
) -> String {
    let length = match fault {
        Some(PushFault::LengthTooLarge) => message.len() as u32 + 1_000_000,
        Some(PushFault::LengthNegative) => u32::MAX,
        _ => message.len() as u32,
    };
    let mut plain = Vec::new();
    plain.extend_from_slice(random.as_bytes());
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(message.as_bytes());
    plain.extend_from_slice(appid.as_bytes());
    pad(&mut plain, fault);
    let key = KEY_ENGINE.decode(key).unwrap_or_default();
    let mut encrypted = Vec::new();
    if let Some(iv) = key.get(..16)
        && let Ok(encryptor) = Encryptor::<Aes256>::new_from_slices(&key, iv)
    {
        let length = plain.len();
        // The length is a multiple of AES's blocks, so that it needs no other padding.
        if let Ok(bytes) = encryptor.encrypt_padded::<NoPadding>(&mut plain, length) {
            encrypted = bytes.to_vec();
        }
    }
    BASE64.encode(encrypted)
}

/// Pads to a multiple of [`BLOCK`]: 1 to 32 bytes, each of which is their number.
fn pad(plain: &mut Vec<u8>, fault: Option<&PushFault>) {
    let count = BLOCK - plain.len() % BLOCK;
    let byte = match fault {
        Some(PushFault::Padding0) => 0,
        Some(PushFault::Padding33) => 33,
        _ => count as u8,
    };
    plain.resize(plain.len() + count, byte);
    if fault == Some(&PushFault::PaddingMixed) {
        let index = plain.len() - count;
        plain[index] ^= 0x55;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_samples_are_reproduced() {
        for (key, random, message, appid, encrypted) in [
            (
                "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
                "aaaabbbbccccdddd",
                "我是中文abcd123",
                "wxb11529c136998cb6",
                "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP7\
                 2vVOfg==",
            ),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "999951349e8ee746",
                "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>",
                "wx134c8103faa5a59e",
                "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdI\
                 Zcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7",
            ),
        ] {
            assert_eq!(encrypt(key, random, message, appid, None), encrypted);
        }
        assert_eq!(
            signature(&["AAAAA", "1714036504", "1514711492"]),
            "f464b24fc39322e44b38aa78f5edd27bd1441696"
        );
    }

    #[test]
    fn padding_has_one_to_thirty_two_bytes() {
        for length in 0..70 {
            let mut plain = vec![1; length];
            pad(&mut plain, None);
            let count = plain.len() - length;
            assert!((1..=BLOCK).contains(&count) && plain.len() % BLOCK == 0);
            assert!(
                plain[length..]
                    .iter()
                    .all(|byte| usize::from(*byte) == count)
            );
        }
    }
}
