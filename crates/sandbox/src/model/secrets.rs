//! The secrets that the simulator knows, and their removal from what it shows.
//!
//! A secret is recognised by its value, in any letter case and with any escapes: percent escapes,
//! JSON escapes, UTF-16, or several of these. The letter case is ignored because header names are
//! shown in lower case. Secrets that the simulator does not know are recognised by the names of
//! their fields: see `secret_names`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;

use crate::model::escapes::{MAX_LAYERS, Text};
use crate::model::push::PushSettings;
use crate::model::secret_names::assigns_secret;
use crate::model::tokens::{ACCOUNT_TOKEN_PREFIX, GENERATED_PREFIXES};
use crate::model::world::{Authorizer, Component, Token, TokenKind, World};

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "MASKED";

/// The fewest bytes of a secret that is recognised inside a word. A shorter one is recognised only
/// as a separate word.
const MIN_LENGTH_INSIDE_WORDS: usize = 4;
/// The fewest hex digits after a generated prefix that make it a secret.
const MIN_DIGITS: usize = 4;

/// Whether a secret may be shown as the access token of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SecretKind {
    /// The access token of an account: it may.
    Account,
    /// The platform's token, a ticket, the appsecret or a refresh token: it may not.
    Platform,
}

/// The secrets that were given to the simulator. Those that it generates are recognised by their
/// prefixes, so that this collection does not grow with every token. A secret is never removed: the
/// journal may hold it for longer than it is valid.
pub(crate) struct Secrets {
    known: HashMap<Box<[u8]>, SecretKind>,
    /// Whether a secret starts with this byte. Most texts contain none of these bytes, and are
    /// searched quickly.
    first_bytes: [bool; 256],
    /// The lengths of the secrets that start with these two bytes.
    lengths_by_start: HashMap<[u8; 2], Vec<usize>>,
    has_space: bool,
    version: u64,
}

impl Secrets {
    /// The secrets of a world.
    pub(crate) fn from_world(world: &World) -> Self {
        let mut secrets = Self {
            known: HashMap::new(),
            first_bytes: [false; 256],
            lengths_by_start: HashMap::new(),
            has_space: false,
            version: 0,
        };
        for prefix in GENERATED_PREFIXES {
            let first = prefix.as_bytes()[0].to_ascii_lowercase();
            secrets.first_bytes[usize::from(first)] = true;
        }
        for (text, token) in &world.tokens {
            secrets.add_token(text, token);
        }
        if let Some(component) = &world.component {
            secrets.add_component(component);
        }
        secrets
    }

    pub(crate) fn add_token(&mut self, text: &str, token: &Token) {
        self.add(
            text,
            match token.kind {
                TokenKind::Component => SecretKind::Platform,
                _ => SecretKind::Account,
            },
        );
    }

    pub(crate) fn add_component(&mut self, component: &Component) {
        self.add(&component.appsecret, SecretKind::Platform);
        self.add(&component.ticket, SecretKind::Platform);
        let codes = component.pre_auth_codes.keys();
        let codes = codes.chain(component.authorization_codes.keys());
        for secret in component.earlier_tickets.keys().chain(codes) {
            self.add(secret, SecretKind::Platform);
        }
        if let Some(push) = &component.push {
            self.add_push(push);
        }
        for authorizer in component.authorizers.iter().flat_map(BTreeMap::values) {
            self.add_authorizer(authorizer);
        }
    }

    pub(crate) fn add_authorizer(&mut self, authorizer: &Authorizer) {
        self.add(&authorizer.refresh_token, SecretKind::Platform);
        for token in authorizer.earlier_refresh_tokens.keys() {
            self.add(token, SecretKind::Platform);
        }
    }

    pub(crate) fn add_push(&mut self, settings: &PushSettings) {
        self.add(&settings.token, SecretKind::Platform);
        self.add(&settings.aes_key, SecretKind::Platform);
        if let Some(key) = &settings.previous_aes_key {
            self.add(key, SecretKind::Platform);
        }
    }

    pub(crate) fn add_ticket(&mut self, ticket: &str) {
        self.add(ticket, SecretKind::Platform);
    }

    fn add(&mut self, text: &str, kind: SecretKind) {
        if text.is_empty() {
            return;
        }
        let bytes = text.to_ascii_lowercase().into_bytes();
        if let Some(known) = self.known.get_mut(&*bytes) {
            if kind == SecretKind::Platform {
                *known = kind;
            }
            return;
        }
        self.version += 1;
        self.has_space |= bytes.contains(&b' ');
        self.first_bytes[usize::from(bytes[0])] = true;
        if let Some(start) = bytes.first_chunk() {
            let lengths = self.lengths_by_start.entry(*start).or_default();
            if !lengths.contains(&bytes.len()) {
                lengths.push(bytes.len());
                // The longest first: a secret may start with another one.
                lengths.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
        self.known.insert(bytes.into(), kind);
    }

    /// A number that grows whenever a secret is added.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether this is a secret of the platform: its own token, a ticket, a refresh token or its
    /// appsecret.
    pub(crate) fn is_platform_secret(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.known.get(text.as_bytes()) == Some(&SecretKind::Platform)
            || GENERATED_PREFIXES.iter().any(|prefix| {
                *prefix != ACCOUNT_TOKEN_PREFIX && starts_with(text.as_bytes(), prefix)
            })
    }

    /// Masks the secrets in a text. If the text gives a value to the name of a secret, all of it is
    /// masked.
    pub(crate) fn mask(&self, text: &str) -> String {
        if assigns_secret(text.as_bytes()) {
            return MASK.to_owned();
        }
        self.mask_values(text)
    }

    /// Masks the known secrets in a text.
    pub(crate) fn mask_values(&self, text: &str) -> String {
        String::from_utf8(self.mask_bytes(text.as_bytes())).unwrap_or_else(|_| MASK.to_owned())
    }

    /// As [`Secrets::mask_values`], for bytes that may not be text.
    pub(crate) fn mask_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if self.is_known(bytes) {
            return MASK.into();
        }
        let mut masked = Vec::with_capacity(bytes.len());
        let mut shown = 0;
        for found in self.find(bytes) {
            if found.start >= shown {
                masked.extend_from_slice(&bytes[shown..found.start]);
                masked.extend_from_slice(MASK.as_bytes());
            }
            shown = shown.max(found.end);
        }
        masked.extend_from_slice(&bytes[shown..]);
        masked
    }

    /// Masks the known secrets in all texts of a document, including the names of fields.
    pub(crate) fn mask_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask_values(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.mask_json(value)),
            Value::Object(fields) => {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.mask_json(&mut value);
                        (self.mask_values(&name), value)
                    })
                    .collect();
            }
            Value::Number(number) if self.is_known(number.to_string()) => {
                *value = Value::from(MASK);
            }
            _ => {}
        }
    }

    /// Whether this text as a whole is a secret that was given to the simulator.
    pub(crate) fn is_known(&self, text: impl AsRef<[u8]>) -> bool {
        let text = text.as_ref();
        let starts_one = |first: &u8| self.first_bytes[usize::from(first.to_ascii_lowercase())];
        text.first().is_some_and(starts_one) && self.known.contains_key(&*text.to_ascii_lowercase())
    }

    /// The ranges of the secrets in a text, ordered by their starts.
    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut text = Text::new(bytes);
        for _ in 0..=MAX_LAYERS {
            self.find_in(&text, &mut found);
            if self.has_space && text.bytes.contains(&b'+') {
                self.find_in(&text.with_spaces(), &mut found);
            }
            match text.unescaped() {
                Some(next) => text = next,
                None => break,
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        found
    }

    fn find_in(&self, text: &Text, found: &mut Vec<Range<usize>>) {
        let bytes = &*text.bytes;
        let mut index = 0;
        while index < bytes.len() {
            match self.length_at(bytes, index) {
                Some(length) => {
                    found.push(text.source(index..index + length));
                    index += length;
                }
                None => index += 1,
            }
        }
    }

    /// The length of the secret that starts at this index, if there is one.
    fn length_at(&self, bytes: &[u8], index: usize) -> Option<usize> {
        let rest = &bytes[index..];
        let start: &[u8; 2] = rest.first_chunk()?;
        if !self.first_bytes[usize::from(start[0])] {
            return None;
        }
        for prefix in GENERATED_PREFIXES {
            if starts_with(rest, prefix) {
                let digits = rest[prefix.len()..].iter();
                let digits = digits.take_while(|d| d.is_ascii_hexdigit()).count();
                if digits >= MIN_DIGITS {
                    return Some(prefix.len() + digits);
                }
            }
        }
        let lengths = self.lengths_by_start.get(start)?;
        lengths.iter().copied().find(|&length| {
            rest.get(..length)
                .is_some_and(|text| self.known.contains_key(text))
                && (length >= MIN_LENGTH_INSIDE_WORDS
                    || is_separate_word(bytes, index..index + length))
        })
    }
}

fn starts_with(bytes: &[u8], prefix: &str) -> bool {
    bytes
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Whether neither a letter nor a digit is next to this range.
fn is_separate_word(bytes: &[u8], range: Range<usize>) -> bool {
    let in_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
    };
    !in_word(range.start.checked_sub(1).and_then(|i| bytes.get(i)))
        && !in_word(bytes.get(range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secrets of the demo world, two short tickets, one with a space, and two that are not
    /// ASCII.
    fn secrets() -> Secrets {
        let mut secrets = Secrets::from_world(&World::demo());
        for ticket in ["T", "abc", "with space", "令牌secretword", "令牌"] {
            secrets.add_ticket(ticket);
        }
        secrets.add_ticket("");
        secrets
    }

    #[test]
    fn values_are_found_with_any_escapes() {
        let secrets = secrets();
        for (text, expected) in [
            ("a SANDBOX-TICKET b", "a MASKED b"),
            ("xSANDBOX-TICKETx", "xMASKEDx"),
            ("sandbox-ticket", "MASKED"),
            ("SANDBOX%2DTICKET.", "MASKED."),
            ("%53%41%4e%44%42%4f%58%2d%54%49%43%4b%45%54!", "MASKED!"),
            ("%2553ANDBOX%252DTICKET!", "MASKED!"),
            ("%2525253ANDBOX", "%2525253ANDBOX"),
            (r"\u0053ANDBOX-TICKE\u0054!", "MASKED!"),
            (r"\\u0053ANDBOX-TICKET!", r"MASKED!"),
            ("S\0A\0N\0D\0B\0O\0X\0-\0T\0I\0C\0K\0E\0T\0!\0", "MASKED!\0"),
            ("a with+space b", "a MASKED b"),
            ("%E4%BB%A4%E7%89%8C?", "MASKED?"),
            (r"\u4ee4\u724c?", "MASKED?"),
            ("令牌secretword?", "MASKED?"),
            ("SANDBOX-TOKEN SANDBOX-TOKEN-2", "MASKED MASKED"),
            ("SANDBOX-ACCESS-0123456789abcdef/", "MASKED/"),
            ("ticket%40%40%40SANDBOX-00ff&", "MASKED&"),
            ("SANDBOX-ACCESS-DENIED", "SANDBOX-ACCESS-DENIED"),
            // A short secret inside a word is not recognised.
            ("T", "MASKED"),
            ("abc", "MASKED"),
            ("xabcx abc", "xabcx MASKED"),
            ("Test", "Test"),
            ("%", "%"),
            (r"\", r"\"),
            (r"\u12", r"\u12"),
            (r"\ud83d\ude00", r"\ud83d\ude00"),
            ("", ""),
        ] {
            assert_eq!(secrets.mask_values(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_assigns_a_secret_is_masked_as_a_whole() {
        let secrets = secrets();
        for text in [
            "access_token=x",
            r#"say "ticket" : "x""#,
            "<ComponentVerifyTicket>x",
            "refresh%5Ftoken%3Dx",
            "encoding_aes_key=x",
        ] {
            assert_eq!(secrets.mask(text), MASK, "{text}");
        }
        for text in ["ticket-shop/1.0", "a=b", "token"] {
            assert_eq!(secrets.mask(text), text);
        }
    }

    #[test]
    fn secrets_of_the_platform_are_distinguished_from_access_tokens() {
        let mut secrets = secrets();
        for text in ["SANDBOX-TICKET", "SANDBOX-COMPONENT", "SANDBOX-PLATFORM-00"] {
            assert!(secrets.is_platform_secret(text), "{text}");
        }
        for text in ["SANDBOX-TOKEN", "SANDBOX-ACCESS-00", "unknown"] {
            assert!(!secrets.is_platform_secret(text), "{text}");
        }
        let version = secrets.version();
        secrets.add_ticket("SANDBOX-TOKEN");
        assert!(secrets.is_platform_secret("SANDBOX-TOKEN"));
        secrets.add_ticket("another");
        assert!(secrets.version() > version);
    }
}
