//! Undoes the escapes in a text, layer by layer, and keeps track of where each byte comes from.
//!
//! The escapes are those of URLs and of JSON strings, and the NULs that UTF-16 puts between ASCII
//! letters.

use std::ops::Range;

/// How many layers of escapes are undone: a secret may be escaped several times.
pub(crate) const MAX_LAYERS: usize = 4;

/// A text in lower case, some of whose layers of escapes are undone.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    /// The position in the source at which each byte starts, then the position at which the last
    /// one ends. `None`: the positions are the same as in the source.
    starts: Option<Vec<usize>>,
}

impl Text {
    /// A text whose escapes are not undone.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_ascii_lowercase(),
            starts: None,
        }
    }

    /// A text with all layers undone, [`MAX_LAYERS`] at most.
    pub(crate) fn fully_unescaped(bytes: &[u8]) -> Self {
        let mut text = Self::new(bytes);
        for _ in 0..MAX_LAYERS {
            match text.unescaped() {
                Some(next) => text = next,
                None => break,
            }
        }
        text
    }

    fn start(&self, index: usize) -> usize {
        self.starts.as_ref().map_or(index, |starts| starts[index])
    }

    /// The range of the source that these bytes come from.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        self.start(range.start)..self.start(range.end)
    }

    /// The text with each plus replaced by a space, as in forms.
    pub(crate) fn with_spaces(&self) -> Self {
        let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
        Self {
            bytes: self.bytes.iter().map(space).collect(),
            starts: self.starts.clone(),
        }
    }

    /// The text with one more layer of escapes undone. `None`: it has no escapes.
    pub(crate) fn unescaped(&self) -> Option<Self> {
        if !self.bytes.iter().any(|byte| b"%\\\0".contains(byte)) {
            return None;
        }
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut starts = Vec::with_capacity(self.bytes.len() + 1);
        let mut index = 0;
        let mut is_changed = false;
        while index < self.bytes.len() {
            let Unit { decoded, length } = first_unit(&self.bytes[index..]);
            is_changed |= length > 1 || matches!(decoded, Decoded::Nothing);
            for byte in decoded.bytes() {
                bytes.push(byte.to_ascii_lowercase());
                starts.push(self.start(index));
            }
            index += length;
        }
        starts.push(self.start(self.bytes.len()));
        is_changed.then_some(Self {
            bytes,
            starts: Some(starts),
        })
    }
}

/// What one byte or one escape stands for.
enum Decoded {
    /// A NUL of UTF-16, which is skipped.
    Nothing,
    Byte(u8),
    Char(char),
}

impl Decoded {
    fn from_code(code: u32) -> Self {
        Self::Char(char::from_u32(code).unwrap_or('\u{fffd}'))
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

/// The first byte or escape of a text.
struct Unit {
    decoded: Decoded,
    /// How many bytes of the text it takes up.
    length: usize,
}

fn unit(decoded: Decoded, length: usize) -> Unit {
    Unit { decoded, length }
}

/// Decodes the first byte or escape of a text.
fn first_unit(bytes: &[u8]) -> Unit {
    let hex = |range: Range<usize>| {
        let digits = std::str::from_utf8(bytes.get(range)?).ok()?;
        // `from_str_radix` alone accepts a sign.
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    };
    match bytes {
        // In UTF-16, every ASCII letter has a NUL before or after it.
        [0, ..] => unit(Decoded::Nothing, 1),
        [b'%', ..] => match hex(1..3).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => unit(Decoded::Byte(byte), 3),
            None => unit(Decoded::Byte(b'%'), 1),
        },
        [b'\\', b'u', ..] => {
            let first = hex(2..6);
            let second = (bytes.get(6..8) == Some(b"\\u"))
                .then(|| hex(8..12))
                .flatten();
            match (first, second) {
                (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    unit(Decoded::from_code(code), 12)
                }
                (Some(code), _) => unit(Decoded::from_code(code), 6),
                (None, _) => unit(Decoded::Byte(b'\\'), 1),
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
            unit(Decoded::Byte(byte), 2)
        }
        [byte, ..] => unit(Decoded::Byte(*byte), 1),
        [] => unit(Decoded::Nothing, 1),
    }
}
