//! Pushes as WeChat makes them, and as it never makes them. Written apart from the library, so that
//! a mistake of one is not repeated by the other.

use aes::Aes256;
use base64::prelude::{BASE64_STANDARD, Engine};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The settings that WeChat signs and encrypts with.
#[derive(Clone)]
pub struct Pusher {
    /// The token of the signature.
    pub token: String,
    /// The key of the encryption.
    pub aes_key: [u8; 32],
    /// The platform.
    pub appid: String,
}

/// The request of a push.
#[derive(Clone)]
pub struct PushRequest {
    /// The raw query string.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Pusher {
    /// The token of [`Pusher::new`].
    pub const TOKEN: &str = "PUSHTOKEN";
    /// The EncodingAESKey of [`Pusher::new`].
    pub const AES_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

    /// Settings for a platform.
    pub fn new(appid: &str) -> Pusher {
        Pusher {
            token: Pusher::TOKEN.into(),
            aes_key: *b"0123456789abcdef0123456789abcdef",
            appid: appid.into(),
        }
    }

    /// A push of this message.
    pub fn push(&self, message: &str) -> PushRequest {
        self.push_encrypted(&self.encrypt(&self.plain(message)))
    }

    /// A push of an event: the fields as XML.
    pub fn event(&self, info_type: &str, create_time: u64, fields: &[(&str, &str)]) -> PushRequest {
        let mut xml = format!(
            "<xml><AppId><![CDATA[{}]]></AppId>\n<CreateTime>{create_time}</CreateTime>\n\
             <InfoType><![CDATA[{info_type}]]></InfoType>\n",
            self.appid
        );
        for (name, value) in fields {
            xml += &format!("<{name}><![CDATA[{value}]]></{name}>\n");
        }
        self.push(&(xml + "</xml>"))
    }

    /// The bytes of a message before their padding.
    pub fn plain(&self, message: &str) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [
            b"0123456789abcdef",
            &length[..],
            message.as_bytes(),
            self.appid.as_bytes(),
        ]
        .concat()
    }

    /// Pads to 32 bytes and encrypts.
    pub fn encrypt(&self, plain: &[u8]) -> String {
        let count = 32 - plain.len() % 32;
        let padding = vec![u8::try_from(count).unwrap(); count];
        self.encrypt_padded(&[plain, &padding].concat())
    }

    /// Encrypts bytes whose number is a multiple of 16.
    pub fn encrypt_padded(&self, padded: &[u8]) -> String {
        let iv: [u8; 16] = self.aes_key[..16].try_into().unwrap();
        let cipher = cbc::Encryptor::<Aes256>::new(&self.aes_key.into(), &iv.into());
        let mut bytes = padded.to_vec();
        cipher
            .encrypt_padded::<NoPadding>(&mut bytes, padded.len())
            .unwrap();
        BASE64_STANDARD.encode(bytes)
    }

    /// A push with this text as `Encrypt`, signed.
    pub fn push_encrypted(&self, encrypted: &str) -> PushRequest {
        self.push_body(
            encrypted,
            &format!(
                "<xml>\n    <AppId><![CDATA[{}]]></AppId>\n    \
                 <Encrypt><![CDATA[{encrypted}]]></Encrypt>\n</xml>\n",
                self.appid
            ),
        )
    }

    /// A push with this body, and the signature of `encrypted`.
    pub fn push_body(&self, encrypted: &str, body: &str) -> PushRequest {
        let (timestamp, nonce) = ("1413192605", "1455013172");
        let plain = self.sign(&[timestamp, nonce]);
        let signed = self.sign(&[timestamp, nonce, encrypted]);
        PushRequest {
            query: format!(
                "signature={plain}&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes\
                 &msg_signature={signed}"
            ),
            body: body.as_bytes().to_vec(),
        }
    }

    /// The signature of the token and these texts.
    pub fn sign(&self, parts: &[&str]) -> String {
        let mut parts = [parts, &[self.token.as_str()]].concat();
        parts.sort_unstable();
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
        hash.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
