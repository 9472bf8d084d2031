//! The secrets that the simulator knows, and their removal from what it shows.
//!
//! A secret is recognised by its value, wherever it stands and however it is escaped: as it is, with
//! percent escapes, with JSON's escapes, with NULs between its letters (UTF-16), or with several of
//! these. Capitals do not matter, because header names lose theirs. Names of fields that hold
//! secrets are recognised by [`is_secret_name`].

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::Value;

use crate::tokens::{ACCOUNT_TOKEN, MINTED};
use crate::world::{Authorizer, Component, Token, TokenKind, World};

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "MASKED";

/// A secret shorter than this is recognised only where it stands alone: it may be part of a word.
const SHORTEST_ANYWHERE: usize = 4;
/// How many digits make a secret of the beginning that the simulator gives its own.
const FEWEST_DIGITS: usize = 4;
/// How many escapes within escapes are undone.
const LAYERS: usize = 4;

/// What a name consists of if its field holds a secret. Compared in lower case and without
/// punctuation.
const SECRET_WORDS: &[&str] = &[
    "token",
    "secret",
    "ticket",
    "code",
    "refresh",
    "password",
    "passwd",
    "credential",
    "authorization",
    "cookie",
    "session",
    "signature",
    "apikey",
    "aeskey",
    "privatekey",
];

/// Whether a secret may be shown as the access token of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An account's access token.
    Account,
    /// The platform's tokens, tickets, appsecret, and refresh tokens.
    Platform,
}

/// The secrets that were given to the simulator. Those it makes itself are recognised by their form,
/// so that this does not grow with every token it issues. A secret is never removed: the journal may
/// hold it for longer than it is valid.
pub(crate) struct Secrets {
    given: HashMap<Box<[u8]>, Kind>,
    /// Whether a secret, given or made here, begins with this byte: most texts hold none.
    begins: [bool; 256],
    /// The lengths of the secrets that begin with these two bytes.
    lengths: HashMap<[u8; 2], Vec<usize>>,
    has_space: bool,
    version: u64,
}

impl Secrets {
    /// The secrets of a world.
    pub(crate) fn of(world: &World) -> Self {
        let mut secrets = Self {
            given: HashMap::new(),
            begins: [false; 256],
            lengths: HashMap::new(),
            has_space: false,
            version: 0,
        };
        for beginning in MINTED {
            secrets.begins[usize::from(beginning.as_bytes()[0].to_ascii_lowercase())] = true;
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
                TokenKind::Component => Kind::Platform,
                _ => Kind::Account,
            },
        );
    }

    pub(crate) fn add_component(&mut self, component: &Component) {
        self.add(&component.appsecret, Kind::Platform);
        self.add(&component.ticket, Kind::Platform);
        for ticket in component.earlier_tickets.keys() {
            self.add(ticket, Kind::Platform);
        }
        for authorizer in component.authorizers.iter().flat_map(BTreeMap::values) {
            self.add_authorizer(authorizer);
        }
    }

    pub(crate) fn add_authorizer(&mut self, authorizer: &Authorizer) {
        self.add(&authorizer.refresh_token, Kind::Platform);
        for token in authorizer.earlier_refresh_tokens.keys() {
            self.add(token, Kind::Platform);
        }
    }

    pub(crate) fn add_ticket(&mut self, ticket: &str) {
        self.add(ticket, Kind::Platform);
    }

    fn add(&mut self, text: &str, kind: Kind) {
        if text.is_empty() {
            return;
        }
        let bytes = text.to_ascii_lowercase().into_bytes();
        if let Some(known) = self.given.get_mut(&*bytes) {
            if kind == Kind::Platform {
                *known = kind;
            }
            return;
        }
        self.version += 1;
        self.has_space |= bytes.contains(&b' ');
        self.begins[usize::from(bytes[0])] = true;
        if let Some(start) = bytes.first_chunk() {
            let lengths = self.lengths.entry(*start).or_default();
            if !lengths.contains(&bytes.len()) {
                lengths.push(bytes.len());
                // The longest first: a secret may begin with another.
                lengths.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
        self.given.insert(bytes.into(), kind);
    }

    /// Grows whenever a secret is added.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Whether this is the platform's: its own token, a ticket, a refresh token, its appsecret.
    pub(crate) fn is_platforms(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.given.get(text.as_bytes()) == Some(&Kind::Platform)
            || MINTED.iter().any(|beginning| {
                *beginning != ACCOUNT_TOKEN && begins_with(text.as_bytes(), beginning)
            })
    }

    /// The text without the secrets in it. All of it is replaced if it names a field that holds
    /// secrets and gives it a value.
    pub(crate) fn mask(&self, text: &str) -> String {
        if assigns_secret(text.as_bytes()) {
            return MASK.to_owned();
        }
        self.mask_values(text)
    }

    /// The text without the known secrets in it, whatever else it says.
    pub(crate) fn mask_values(&self, text: &str) -> String {
        String::from_utf8(self.mask_bytes(text.as_bytes())).unwrap_or_else(|_| MASK.to_owned())
    }

    /// As [`Secrets::mask_values`], of what may be no text.
    pub(crate) fn mask_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if self.given.contains_key(&*bytes.to_ascii_lowercase()) {
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

    /// Masks the known secrets in all texts of a document, its names included.
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
            Value::Number(number) if self.is_given(&number.to_string()) => {
                *value = Value::from(MASK);
            }
            _ => {}
        }
    }

    /// Whether this is one of the given secrets, and nothing else.
    pub(crate) fn is_given(&self, text: &str) -> bool {
        self.given
            .contains_key(text.to_ascii_lowercase().as_bytes())
    }

    /// Where secrets stand, in order of their beginnings.
    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut view = View::of(bytes);
        for _ in 0..=LAYERS {
            self.find_in(&view, &mut found);
            if self.has_space && view.bytes.contains(&b'+') {
                self.find_in(&view.with_spaces(), &mut found);
            }
            match view.unescaped() {
                Some(next) => view = next,
                None => break,
            }
        }
        found.sort_unstable_by_key(|range| range.start);
        found
    }

    fn find_in(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let bytes = &*view.bytes;
        let mut index = 0;
        while index < bytes.len() {
            match self.length_at(bytes, index) {
                Some(length) => {
                    found.push(view.source(index..index + length));
                    index += length;
                }
                None => index += 1,
            }
        }
    }

    /// The length of the secret that begins here, if one does.
    fn length_at(&self, bytes: &[u8], index: usize) -> Option<usize> {
        let rest = &bytes[index..];
        let start: &[u8; 2] = rest.first_chunk()?;
        if !self.begins[usize::from(start[0])] {
            return None;
        }
        for beginning in MINTED {
            if begins_with(rest, beginning) {
                let digits = rest[beginning.len()..].iter();
                let digits = digits.take_while(|d| d.is_ascii_hexdigit()).count();
                if digits >= FEWEST_DIGITS {
                    return Some(beginning.len() + digits);
                }
            }
        }
        let lengths = self.lengths.get(start)?;
        lengths.iter().copied().find(|&length| {
            rest.get(..length)
                .is_some_and(|text| self.given.contains_key(text))
                && (length >= SHORTEST_ANYWHERE || stands_alone(bytes, index..index + length))
        })
    }
}

fn begins_with(bytes: &[u8], beginning: &str) -> bool {
    bytes
        .get(..beginning.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(beginning.as_bytes()))
}

fn stands_alone(bytes: &[u8], range: Range<usize>) -> bool {
    let in_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
    };
    !in_word(range.start.checked_sub(1).and_then(|i| bytes.get(i)))
        && !in_word(bytes.get(range.end))
}

/// Whether a field, a parameter or a header of this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain = plain(name.as_bytes());
    mentions_word(&plain) || plain.ends_with(b"key")
}

/// Whether a text that is no JSON names a secret, however it is escaped.
pub(crate) fn mentions_secret(bytes: &[u8]) -> bool {
    let plain = plain(bytes);
    mentions_word(&plain) || assigns_key(&plain)
}

/// Whether a text gives a value to a name that holds secrets: `token=…`, `"ticket": …`, `<Ticket>…`.
fn assigns_secret(bytes: &[u8]) -> bool {
    if !bytes.iter().any(|byte| b"=:>%\\\0".contains(byte)) {
        return false;
    }
    let plain = plain(bytes);
    let assigned = |at: usize| {
        let end = plain[at..]
            .iter()
            .find(|byte| !byte.is_ascii_alphanumeric());
        end.is_some_and(|byte| b"=:>".contains(byte))
    };
    assigns_key(&plain)
        || SECRET_WORDS.iter().any(|word| {
            let places = plain.windows(word.len()).enumerate();
            places
                .filter(|(_, at)| *at == word.as_bytes())
                .any(|(at, _)| assigned(at))
        })
}

fn mentions_word(plain: &[u8]) -> bool {
    SECRET_WORDS
        .iter()
        .any(|word| plain.windows(word.len()).any(|at| at == word.as_bytes()))
}

fn assigns_key(plain: &[u8]) -> bool {
    plain
        .windows(4)
        .any(|at| at.starts_with(b"key") && b"=:>".contains(&at[3]))
}

/// A text without escapes, capitals and what may stand within and around a name.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = fully_unescaped(bytes).bytes;
    plain.retain(|byte| !b"_-. \t\r\n\"'\\[]".contains(byte));
    plain
}

fn fully_unescaped(bytes: &[u8]) -> View {
    let mut view = View::of(bytes);
    for _ in 0..LAYERS {
        match view.unescaped() {
            Some(next) => view = next,
            None => break,
        }
    }
    view
}

/// A text in lower case, some of whose escapes are undone, and where each byte comes from.
struct View {
    bytes: Vec<u8>,
    /// Where each byte begins in the source, and where the last one ends; `None`: at its own index.
    starts: Option<Vec<usize>>,
}

impl View {
    fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_ascii_lowercase(),
            starts: None,
        }
    }

    fn start(&self, index: usize) -> usize {
        self.starts.as_ref().map_or(index, |starts| starts[index])
    }

    fn source(&self, range: Range<usize>) -> Range<usize> {
        self.start(range.start)..self.start(range.end)
    }

    /// As a form is written, where a plus stands for a space.
    fn with_spaces(&self) -> Self {
        let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
        Self {
            bytes: self.bytes.iter().map(space).collect(),
            starts: self.starts.clone(),
        }
    }

    /// The same with one layer of escapes less; `None`: there are none.
    fn unescaped(&self) -> Option<Self> {
        if !self.bytes.iter().any(|byte| b"%\\\0".contains(byte)) {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut starts = Vec::with_capacity(self.bytes.len() + 1);
        let mut index = 0;
        let mut changed = false;
        while index < self.bytes.len() {
            let (unit, length) = unit(&self.bytes[index..]);
            changed |= length > 1 || unit.is_empty();
            for byte in unit.bytes() {
                bytes.push(byte.to_ascii_lowercase());
                starts.push(self.start(index));
            }
            index += length;
        }
        starts.push(self.start(self.bytes.len()));
        changed.then_some(Self {
            bytes,
            starts: Some(starts),
        })
    }
}

/// What one byte or one escape stands for.
enum Unit {
    Nothing,
    Byte(u8),
    Char(char),
}

impl Unit {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn bytes(&self) -> impl Iterator<Item = u8> + use<> {
        let mut buffer = [0; 4];
        let length = match self {
            Self::Nothing => 0,
            Self::Byte(byte) => {
                buffer[0] = *byte;
                1
            }
            Self::Char(char) => char.encode_utf8(&mut buffer).len(),
        };
        buffer.into_iter().take(length)
    }
}

/// The first byte of these, or the escape they begin with, and its length.
fn unit(bytes: &[u8]) -> (Unit, usize) {
    let hex = |range: Range<usize>| {
        let digits = std::str::from_utf8(bytes.get(range)?).ok()?;
        // `from_str_radix` alone would accept a sign.
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    };
    match bytes {
        // UTF-16 writes one after, or before, every letter of ASCII.
        [0, ..] => (Unit::Nothing, 1),
        [b'%', ..] => match hex(1..3).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => (Unit::Byte(byte), 3),
            None => (Unit::Byte(b'%'), 1),
        },
        [b'\\', b'u', ..] => {
            let first = hex(2..6);
            let second = (bytes.get(6..8) == Some(b"\\u"))
                .then(|| hex(8..12))
                .flatten();
            match (first, second) {
                (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    (Unit::Char(char::from_u32(code).unwrap_or('\u{fffd}')), 12)
                }
                (Some(code), _) => (Unit::Char(char::from_u32(code).unwrap_or('\u{fffd}')), 6),
                (None, _) => (Unit::Byte(b'\\'), 1),
            }
        }
        [b'\\', escaped, ..] => {
            let byte = match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 0x08,
                b'f' => 0x0c,
                other => *other,
            };
            (Unit::Byte(byte), 2)
        }
        [byte, ..] => (Unit::Byte(*byte), 1),
        [] => (Unit::Nothing, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The demo world, a one-letter ticket, a short one, and tokens with a space and with letters
    /// beyond ASCII.
    fn secrets() -> Secrets {
        let mut secrets = Secrets::of(&World::demo());
        for ticket in ["T", "abc", "with space", "令牌secretword", "令牌"] {
            secrets.add_ticket(ticket);
        }
        secrets.add_ticket("");
        secrets
    }

    #[test]
    fn values_are_found_however_they_are_escaped() {
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
            // What is short may be part of a word.
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
    fn names_tell_secrets() {
        for name in [
            "access_token",
            "AccessToken",
            "acc%65ss_t%6Fken",
            "x-auth-token",
            "component_verify_ticket",
            "ComponentVerifyTicket",
            "appsecret",
            "authorization_code",
            "js_code",
            "pre_auth_code",
            r"tic\u006bet",
            "authorizer_refresh_token",
            "encoding_aes_key",
            "proxy-authorization",
            "set-cookie",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "appid",
            "authorizer_appid",
            "notify_users",
            "user-agent",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
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
    fn a_platforms_secrets_are_told_from_access_tokens() {
        let mut secrets = secrets();
        for text in ["SANDBOX-TICKET", "SANDBOX-COMPONENT", "SANDBOX-PLATFORM-00"] {
            assert!(secrets.is_platforms(text), "{text}");
        }
        for text in ["SANDBOX-TOKEN", "SANDBOX-ACCESS-00", "unknown"] {
            assert!(!secrets.is_platforms(text), "{text}");
        }
        let version = secrets.version();
        secrets.add_ticket("SANDBOX-TOKEN");
        assert!(secrets.is_platforms("SANDBOX-TOKEN"));
        secrets.add_ticket("another");
        assert!(secrets.version() > version);
    }
}
