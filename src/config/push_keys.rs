//! The secrets that a platform's pushes are checked with: parsers of the options `push_token` and
//! `push_aes_key`.

use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};

use crate::model::lang::Lang;

/// The most tokens and keys of each kind. All are tried on every push.
const MAX_VALUES: usize = 8;
/// The longest push token, in bytes. WeChat's settings accept 32.
const MAX_PUSH_TOKEN_BYTES: usize = 128;
/// The length of an EncodingAESKey, in characters.
const AES_KEY_CHARS: usize = 43;

/// The last character of a key has two bits that decode to nothing, and WeChat sets them at random.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// An EncodingAESKey. It has no `Debug`, because all of it is secret.
#[derive(Clone)]
pub(crate) struct AesKey {
    /// As WeChat's settings show it.
    pub text: String,
    pub bytes: [u8; 32],
}

/// Parses push tokens, separated by commas.
///
/// # Errors
/// A clause that follows "option push_token".
pub(super) fn parse_tokens(value: &str, lang: Lang) -> Result<Vec<String>, String> {
    parse_values(value, lang, |text| {
        let is_token = (1..=MAX_PUSH_TOKEN_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic());
        is_token.then(|| text.to_owned()).ok_or_else(|| match lang {
            Lang::En => format!(
                "takes tokens of 1 to {MAX_PUSH_TOKEN_BYTES} printable ASCII characters without \
                 blanks, separated by commas"
            ),
            Lang::Zh => format!(
                "应为 1 至 {MAX_PUSH_TOKEN_BYTES} 个可打印 ASCII 字符（不含空格），多个以逗号分隔"
            ),
        })
    })
}

/// Parses EncodingAESKeys, separated by commas.
///
/// # Errors
/// A clause that follows "option push_aes_key".
pub(super) fn parse_aes_keys(value: &str, lang: Lang) -> Result<Vec<AesKey>, String> {
    parse_values(value, lang, |text| {
        let decoded = Some(text)
            .filter(|text| text.len() == AES_KEY_CHARS)
            .and_then(|text| KEY_BASE64.decode(text).ok())
            .and_then(|bytes| bytes.try_into().ok());
        let key = decoded.map(|bytes| AesKey {
            text: text.to_owned(),
            bytes,
        });
        key.ok_or_else(|| match lang {
            Lang::En => format!(
                "takes keys of {AES_KEY_CHARS} characters (EncodingAESKey in the platform's \
                 settings), separated by commas"
            ),
            Lang::Zh => format!(
                "应为 {AES_KEY_CHARS} 个字符的密钥（平台设置中的 EncodingAESKey），多个以逗号分隔"
            ),
        })
    })
}

/// Parses values that are separated by commas. An empty text has none.
fn parse_values<T>(
    value: &str,
    lang: Lang,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let parsed = value.split(',').map(|text| parse(text.trim()));
    let values = parsed.collect::<Result<Vec<T>, String>>()?;
    if values.len() > MAX_VALUES {
        return Err(match lang {
            Lang::En => format!("takes at most {MAX_VALUES} values"),
            Lang::Zh => format!("最多接受 {MAX_VALUES} 个值"),
        });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_stray_bits_in_the_last_character_are_accepted() {
        for key in [
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
            "0123456789012345678901234567890123456789012",
        ] {
            let keys = parse_aes_keys(key, Lang::En);
            assert!(keys.is_ok_and(|keys| keys.len() == 1), "{key}");
        }
        // The two bits change nothing.
        let of_last = |last: char| {
            let key = format!("{}{last}", "A".repeat(AES_KEY_CHARS - 1));
            parse_aes_keys(&key, Lang::En).map(|keys| keys[0].bytes)
        };
        assert_eq!(of_last('A'), of_last('D'));
        assert_ne!(of_last('A'), of_last('E'));
    }

    #[test]
    fn several_values_are_separated_by_commas() {
        let tokens = parse_tokens("new, old", Lang::En);
        assert_eq!(tokens, Ok(vec!["new".to_owned(), "old".to_owned()]));
        assert_eq!(parse_tokens("", Lang::En), Ok(Vec::new()));
        for bad in [",", "a,", "a b", "é", "a\n\nb"] {
            assert!(parse_tokens(bad, Lang::En).is_err(), "{bad:?}");
        }
        let many = ["t"; MAX_VALUES + 1].join(",");
        assert!(parse_tokens(&many, Lang::En).is_err());
    }
}
