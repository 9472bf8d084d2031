//! Reads text line by line and counts the lines as an editor does: LF, CRLF and a lone CR each end
//! a line. Byte-order marks at the start are skipped.

use std::io::{BufRead, ErrorKind};

use super::encoding::{Encoding, is_gbk};
use crate::message::{Message, message};

/// The longest line (bytes). A row is far shorter; the limit keeps a file without line ends from
/// being read into memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The mark with which spreadsheets begin UTF-8 files. Some programs write it twice.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The byte with which old programs mark the end of a text.
const END_OF_TEXT: u8 = 0x1a;

/// Reads lines.
pub(crate) struct Lines<R> {
    input: R,
    /// The encoding of the file, from which the input was converted to UTF-8.
    encoding: Encoding,
    number: u64,
    /// Whether the last line ended with a CR; an LF that follows belongs to it.
    after_cr: bool,
    finished: bool,
    /// A line that `next` returns again.
    unread: Option<String>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R, encoding: Encoding) -> Lines<R> {
        Lines {
            input,
            encoding,
            number: 0,
            after_cr: false,
            finished: false,
            unread: None,
        }
    }

    /// The number of the line that `next` returned last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Makes `next` return this line again, with the same number.
    pub fn unread(&mut self, line: String) {
        self.number -= 1;
        self.unread = Some(line);
    }

    /// The next line that contains text, or why it cannot be used; `None` if none is left.
    pub fn next_with_text(&mut self) -> Option<Result<String, Message>> {
        loop {
            match self.next()? {
                Ok(line) if line.trim().is_empty() => {}
                result => return Some(result),
            }
        }
    }

    /// The next line without its line end, or why it cannot be used; `None` after the last line.
    pub fn next(&mut self) -> Option<Result<String, Message>> {
        if let Some(line) = self.unread.take() {
            self.number += 1;
            return Some(Ok(line));
        }
        if self.finished {
            return None;
        }
        let line = self.next_bytes().transpose()?;
        self.number += 1;
        let line = match line {
            Ok(line) => line,
            Err(why) => {
                self.finished = true;
                return Some(Err(why));
            }
        };
        if line.contains(&0) {
            return Some(Err(message!(
                "contains a NUL byte: the file is damaged, or UTF-16 (--encoding utf-16)",
                "含有 NUL 字节：文件已损坏，或为 UTF-16 编码 (--encoding utf-16)"
            )));
        }
        let line = match String::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                // The other lines have the same encoding.
                self.finished = true;
                return Some(Err(invalid_text(error.as_bytes(), self.encoding)));
            }
        };
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            return Some(Ok(line.trim_start_matches(BYTE_ORDER_MARK).to_owned()));
        }
        Some(Ok(line))
    }

    fn next_bytes(&mut self) -> Result<Option<Vec<u8>>, Message> {
        let mut line = Vec::new();
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Message::from(error).after("could not be read", "无法读取"));
                }
            };
            let Some(first) = chunk.first() else {
                self.finished = true;
                if line.last() == Some(&END_OF_TEXT) {
                    line.pop();
                }
                return Ok((!line.is_empty()).then_some(line));
            };
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                self.input.consume(1);
                continue;
            }
            let end = chunk.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let taken = end.unwrap_or(chunk.len());
            if line.len() + taken > MAX_LINE_BYTES {
                return Err(message!(
                    "longer than {MAX_LINE_BYTES} bytes",
                    "超过 {MAX_LINE_BYTES} 字节"
                ));
            }
            line.extend_from_slice(&chunk[..taken]);
            if let Some(end) = end {
                self.after_cr = chunk[end] == b'\r';
                self.input.consume(end + 1);
                return Ok(Some(line));
            }
            self.input.consume(taken);
        }
    }
}

/// The error for text that is invalid in the encoding of its file.
pub(super) fn invalid_text(text: &[u8], encoding: Encoding) -> Message {
    if encoding != Encoding::Utf8 {
        let name = encoding.name();
        return message!(
            "invalid {name}: the file is damaged, or has another encoding (--encoding). In the \
             spreadsheet, choose Save as and the format CSV UTF-8",
            "不是有效的 {name}：文件已损坏，或为其他编码 (--encoding)。\
             请在表格软件中另存为“CSV UTF-8”格式"
        );
    }
    if is_gbk(text) {
        return message!(
            "not UTF-8, but perhaps GBK. Read the file with --encoding gb18030; or choose Save as \
             and the format CSV UTF-8 in the spreadsheet",
            "不是 UTF-8 编码，可能是 GBK。请用 --encoding gb18030 读取该文件，\
             或在表格软件中另存为“CSV UTF-8”格式"
        );
    }
    message!(
        "neither UTF-8 nor GBK, but perhaps Windows-1252. In the spreadsheet, choose Save as and \
         the format CSV UTF-8; or convert the file: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW_FILE",
        "既不是 UTF-8 也不是 GBK 编码，可能是 Windows-1252。请在表格软件中另存为“CSV UTF-8”格式，\
         或转换该文件：iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW_FILE"
    )
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines_of<R: BufRead>(input: R) -> Lines<R> {
        Lines::new(input, Encoding::Utf8)
    }

    #[test]
    fn a_line_end_across_two_buffers_counts_once() {
        let text = "a\r\n\r\nb\rc\n\n\rd";
        for buffer in 1..=text.len() {
            let mut lines = lines_of(BufReader::with_capacity(buffer, text.as_bytes()));
            let mut seen = Vec::new();
            while let Some(line) = lines.next() {
                seen.push((lines.number(), line.unwrap()));
            }
            let seen: Vec<_> = seen.iter().map(|(n, l)| (*n, l.as_str())).collect();
            let expected = [
                (1, "a"),
                (2, ""),
                (3, "b"),
                (4, "c"),
                (5, ""),
                (6, ""),
                (7, "d"),
            ];
            assert_eq!(seen, expected, "{buffer}");
        }
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_the_memory() {
        let endless = BufReader::new(std::io::Read::take(std::io::repeat(b'x'), u64::MAX));
        let mut lines = lines_of(endless);
        let why = lines.next().unwrap().unwrap_err().to_string();
        assert!(why.contains("longer than"), "{why}");
        assert!(lines.next().is_none());
    }
}
