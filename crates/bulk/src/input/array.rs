//! Splits a JSON array into its items, one by one, without parsing them.

use std::io::{BufRead, ErrorKind};

use crate::message::{Message, message};
use crate::row::BadRow;

/// The largest item (bytes).
const MAX_ITEM_BYTES: usize = 1 << 20;

/// An item of an array.
pub(super) struct ArrayItem {
    /// The number of its first line.
    pub line: u64,
    /// Its bytes, which may be anything but an end of the item.
    pub text: Vec<u8>,
}

/// Reads the items of an array.
pub(super) struct ArrayItems<R> {
    input: R,
    /// The number of the current line.
    line: u64,
    after_cr: bool,
    items: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the opening bracket.
    Start,
    /// An item follows.
    Item,
    /// After the closing bracket.
    End,
    /// Nothing more is read.
    Finished,
}

impl<R: BufRead> ArrayItems<R> {
    pub fn new(input: R) -> ArrayItems<R> {
        ArrayItems {
            input,
            line: 1,
            after_cr: false,
            items: 0,
            state: State::Start,
        }
    }

    /// The next item, or why the array cannot be read.
    pub fn next(&mut self) -> Option<Result<ArrayItem, BadRow>> {
        let item = self.read_item();
        if item.is_err() {
            self.state = State::Finished;
        }
        item.transpose()
    }

    fn read_item(&mut self) -> Result<Option<ArrayItem>, BadRow> {
        if self.state == State::Start {
            // The caller has seen the bracket; only blanks and byte-order marks precede it.
            while self.next_byte()?.is_some_and(|byte| byte != b'[') {}
            self.state = State::Item;
        }
        let (mut text, mut first_line) = (Vec::new(), None);
        let (mut depth, mut is_in_string, mut is_escaped) = (0_usize, false, false);
        while self.state == State::Item {
            let Some(byte) = self.next_byte()? else {
                let why = message!("the array is not closed", "数组没有结束");
                return Err(self.bad(first_line, why));
            };
            let is_end = !is_in_string && depth == 0 && matches!(byte, b',' | b']');
            if is_end {
                let is_last = byte == b']';
                if is_last {
                    self.state = State::End;
                    if self.items == 0 && first_line.is_none() {
                        break;
                    }
                }
                self.items += 1;
                let line = first_line.unwrap_or(self.line);
                return Ok(Some(ArrayItem { line, text }));
            }
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_in_string => is_escaped = true,
                b'"' => is_in_string = !is_in_string,
                b'[' | b'{' if !is_in_string => depth += 1,
                b']' | b'}' if !is_in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            if first_line.is_none() && !byte.is_ascii_whitespace() {
                first_line = Some(self.line);
            }
            if text.len() >= MAX_ITEM_BYTES {
                let why = message!(
                    "an item is longer than {MAX_ITEM_BYTES} bytes, or a quote is missing",
                    "有一项超过 {MAX_ITEM_BYTES} 字节，或漏了引号"
                );
                return Err(self.bad(first_line, why));
            }
            text.push(byte);
        }
        while self.state == State::End {
            match self.next_byte()? {
                None => self.state = State::Finished,
                Some(byte) if byte.is_ascii_whitespace() || byte == 0x1a => {}
                Some(_) => {
                    let why = message!("text follows the array", "数组之后还有文字");
                    return Err(self.bad(None, why));
                }
            }
        }
        Ok(None)
    }

    /// The next byte. Counts lines as an editor does.
    fn next_byte(&mut self) -> Result<Option<u8>, BadRow> {
        let byte = loop {
            match self.input.fill_buf() {
                Ok(chunk) => break chunk.first().copied(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let why = Message::from(error).after("could not be read", "无法读取");
                    return Err(self.bad(None, why));
                }
            }
        };
        if let Some(byte) = byte {
            self.input.consume(1);
            let is_second_half = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            self.line += u64::from(matches!(byte, b'\r' | b'\n') && !is_second_half);
        }
        Ok(byte)
    }

    fn bad(&self, line: Option<u64>, why: Message) -> BadRow {
        let line = line.unwrap_or(self.line);
        BadRow { line, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> (Vec<(u64, String)>, Option<String>) {
        let mut array = ArrayItems::new(text.as_bytes());
        let mut items = Vec::new();
        while let Some(item) = array.next() {
            match item {
                Ok(item) => items.push((item.line, String::from_utf8(item.text).unwrap())),
                Err(bad) => return (items, Some(bad.to_string())),
            }
        }
        (items, None)
    }

    #[test]
    fn an_array_is_split_into_its_items() {
        let text = "\u{feff}\r\n [ {\"a\":[1,{}],\"b\":\"],\\\"\"}\r\n,\r 7,\n{\n}\n]\n\u{1a}";
        let expected = [
            (2, " {\"a\":[1,{}],\"b\":\"],\\\"\"}\r\n".to_owned()),
            (4, "\r 7".to_owned()),
            (5, "\n{\n}\n".to_owned()),
        ];
        assert_eq!(items(text), (expected.to_vec(), None));
        assert_eq!(items("[]"), (vec![], None));
        assert_eq!(items("[\n]\n"), (vec![], None));
        // It is up to the parser that an item is missing.
        assert_eq!(items("[1,]").0.len(), 2);
    }

    #[test]
    fn a_damaged_array_is_reported_with_its_line() {
        let long = format!("[1,\n\"{}", "x".repeat(MAX_ITEM_BYTES + 1));
        for (text, expected) in [
            ("[1,\n{", "line 2: the array is not closed"),
            ("[1\n\n", "line 1: the array is not closed"),
            ("[1]\n\n[2]", "line 3: text follows the array"),
            ("[1]]", "line 1: text follows the array"),
            (&long, "line 2: an item is longer than"),
        ] {
            let (_, why) = items(text);
            assert!(why.unwrap().starts_with(expected), "{expected}");
        }
    }
}
