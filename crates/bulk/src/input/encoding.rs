//! Finds the encoding of a file and converts its text to UTF-8.

use std::io::{self, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, GB18030, UTF_16BE, UTF_16LE};

/// How much of a file shows its encoding and format (bytes). Only this much is read ahead.
pub(super) const SAMPLE_BYTES: u64 = 1 << 20;
/// How much is converted at once (bytes).
const BUFFER_BYTES: usize = 1 << 14;
/// What a sequence that is invalid in its encoding becomes. It is invalid in UTF-8, too, so that
/// the reader of lines finds it.
const INVALID: u8 = 0xff;

/// The encoding of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    Utf8,
    /// UTF-16. Its byte order is that of its byte-order mark, or of its first character.
    Utf16,
    /// GB18030, and with it GBK and GB2312.
    Gb18030,
}

impl Encoding {
    /// The words for the encodings, as options have them.
    pub const WORDS: [&str; 3] = ["utf-8", "utf-16", "gb18030"];

    /// The encoding with this word.
    pub fn from_word(word: &str) -> Option<Encoding> {
        let all = [Encoding::Utf8, Encoding::Utf16, Encoding::Gb18030];
        let index = Encoding::WORDS.iter().position(|other| *other == word)?;
        Some(all[index])
    }

    /// Its name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16 => "UTF-16",
            Encoding::Gb18030 => "GBK",
        }
    }

    /// The encoding of a file with this start. `is_whole`: it is the whole file.
    pub(super) fn detect(start: &[u8], is_whole: bool) -> Encoding {
        if is_utf_16(start) {
            return Encoding::Utf16;
        }
        // The last line may be cut off in the middle of a character.
        let end = start.iter().rposition(|byte| *byte == b'\n');
        let text = match end {
            Some(end) if !is_whole => &start[..end],
            _ => start,
        };
        let is_utf_8 = match std::str::from_utf8(text) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none() && !is_whole,
        };
        if !is_utf_8 && is_gbk(text) {
            Encoding::Gb18030
        } else {
            Encoding::Utf8
        }
    }

    /// The first character of a text that starts with these bytes, except blanks and byte-order
    /// marks.
    pub(super) fn first_char(self, start: &[u8]) -> Option<char> {
        let text = match self.encoding(start) {
            None => String::from_utf8_lossy(start),
            Some(encoding) => encoding.decode_without_bom_handling(start).0,
        };
        text.chars()
            .find(|c| !c.is_whitespace() && *c != '\u{feff}')
    }

    /// The text of a file in UTF-8, from its start and the rest.
    pub(super) fn decode<R: Read + 'static>(self, start: Vec<u8>, rest: R) -> Box<dyn Read> {
        let encoding = self.encoding(&start);
        let file = Cursor::new(start).chain(rest);
        match encoding {
            None => Box::new(file),
            Some(encoding) => Box::new(Utf8Reader {
                file,
                decoder: encoding.new_decoder_without_bom_handling(),
                input: Vec::new(),
                output: Vec::new(),
                given: 0,
                is_finished: false,
            }),
        }
    }

    /// The converter to UTF-8, if one is needed.
    fn encoding(self, start: &[u8]) -> Option<&'static encoding_rs::Encoding> {
        match self {
            Encoding::Utf8 => None,
            Encoding::Utf16 if matches!(start, [0xfe, 0xff, ..] | [0, (1..), ..]) => Some(UTF_16BE),
            Encoding::Utf16 => Some(UTF_16LE),
            Encoding::Gb18030 => Some(GB18030),
        }
    }
}

fn is_utf_16(start: &[u8]) -> bool {
    match *start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        // Without a mark, the zero bytes of ASCII characters show it.
        [(1..), 0, ..] | [0, (1..), ..] => true,
        _ => false,
    }
}

/// Whether a text that is not UTF-8 is GBK. Western texts are valid in it, too; but a character of
/// GBK has two bytes, and in all common ones both have the highest bit set.
pub(super) fn is_gbk(text: &[u8]) -> bool {
    let is_valid = || {
        GB18030
            .decode_without_bom_handling_and_without_replacement(text)
            .is_some()
    };
    let (mut common, mut rare) = (0, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if !byte.is_ascii() {
            match bytes.next() {
                Some(second) if !second.is_ascii() => common += 1,
                // The first half of a character of four bytes.
                Some(b'0'..=b'9') => {}
                _ => rare += 1,
            }
        }
    }
    common > rare && is_valid()
}

/// Converts a text to UTF-8 while it is read.
struct Utf8Reader<R> {
    file: R,
    decoder: Decoder,
    /// What was read and not converted.
    input: Vec<u8>,
    /// What was converted, of which `given` bytes were returned.
    output: Vec<u8>,
    given: usize,
    is_finished: bool,
}

impl<R: Read> Utf8Reader<R> {
    /// Converts the next part, if there is one.
    fn convert(&mut self) -> io::Result<()> {
        let mut chunk = [0; BUFFER_BYTES];
        let read = self.file.read(&mut chunk)?;
        self.input.extend_from_slice(&chunk[..read]);
        self.is_finished = read == 0;
        self.output.clear();
        self.given = 0;
        let mut converted = 0;
        loop {
            let input = &self.input[converted..];
            let (start, needed) = (
                self.output.len(),
                self.decoder.max_utf8_buffer_length(input.len()),
            );
            self.output.resize(start + needed.unwrap_or(0), 0);
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                input,
                &mut self.output[start..],
                self.is_finished,
            );
            converted += read;
            self.output.truncate(start + written);
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.output.push(INVALID),
            }
        }
        self.input.drain(..converted);
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.is_finished {
            self.convert()?;
        }
        let read = (&self.output[self.given..]).read(into)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_found_in_the_start_of_a_file() {
        let gbk = |text: &str| GB18030.encode(text).0.into_owned();
        let utf_16 =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        for (start, expected) in [
            (b"account,appid\n".to_vec(), Encoding::Utf8),
            ("账号,小程序\n".into(), Encoding::Utf8),
            (gbk("账号,小程序\n"), Encoding::Gb18030),
            // Both of these have characters whose second byte is ASCII.
            (gbk("account,appid,备注\na,b,朱镕基\n"), Encoding::Gb18030),
            (gbk("account,appid,note\na,b,㐀茶\n"), Encoding::Gb18030),
            (utf_16("account"), Encoding::Utf16),
            (utf_16("\u{feff}账号"), Encoding::Utf16),
            (
                b"account,note\na,caf\xe9 au lait, d\xe9j\xe0 vu".to_vec(),
                Encoding::Utf8,
            ),
            (b"".to_vec(), Encoding::Utf8),
        ] {
            assert_eq!(Encoding::detect(&start, true), expected, "{start:?}");
        }
        // A character that the end of the sample cuts off is no sign.
        for (text, expected) in [
            ("账号".as_bytes().to_vec(), Encoding::Utf8),
            (gbk("账号\n账号"), Encoding::Gb18030),
        ] {
            let start = &text[..text.len() - 1];
            assert_eq!(Encoding::detect(start, false), expected, "{start:?}");
        }
    }

    #[test]
    fn text_is_converted_wherever_its_parts_end() {
        /// Delivers a few bytes at a time.
        struct Parts(Vec<u8>, usize);
        impl Read for Parts {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let size = self.1.min(self.0.len()).min(into.len());
                for (to, from) in into.iter_mut().zip(self.0.drain(..size)) {
                    *to = from;
                }
                Ok(size)
            }
        }
        let text = "账号,appid\n𠀀茶㐀,b\n".repeat(3000);
        let (gbk, _, _) = GB18030.encode(&text);
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (encoding, bytes) in [(Encoding::Gb18030, &*gbk), (Encoding::Utf16, &utf_16)] {
            for size in [1, 7, 100_000] {
                let (start, rest) = bytes.split_at(2);
                let mut read = String::new();
                let mut reader = encoding.decode(start.to_vec(), Parts(rest.to_vec(), size));
                reader.read_to_string(&mut read).unwrap();
                assert_eq!(read, text);
            }
            // Half a character at the end is invalid.
            let half = [bytes, &[0x81]].concat();
            let mut read = Vec::new();
            let mut reader = encoding.decode(half, io::empty());
            reader.read_to_end(&mut read).unwrap();
            assert_eq!(read.last(), Some(&INVALID), "{encoding:?}");
            assert!(std::str::from_utf8(&read[..read.len() - 1]).is_ok());
        }
    }
}
