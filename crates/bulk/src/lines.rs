//! Text line by line, with the line numbers an editor shows: LF, CRLF and a lone CR each end a
//! line.

use std::io::BufRead;

/// The longest line (bytes). A row takes far less; a file without line ends is not read into
/// memory.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Reads lines.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    /// The last line ended in a CR; a LF that follows belongs to it.
    after_cr: bool,
    over: bool,
    /// A line that was read and is to be read again.
    unread: Option<String>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Lines<R> {
        Lines {
            input,
            number: 0,
            after_cr: false,
            over: false,
            unread: None,
        }
    }

    /// The number of the line that was read last; the first line of the file is 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Has `next` return this text once more, under the number it had.
    pub fn unread(&mut self, line: String) {
        self.number -= 1;
        self.unread = Some(line);
    }

    /// The next line without its end; `None` after the last one. Why a line cannot be used, as a
    /// clause.
    pub fn next(&mut self) -> Option<Result<String, String>> {
        if let Some(line) = self.unread.take() {
            self.number += 1;
            return Some(Ok(line));
        }
        if self.over {
            return None;
        }
        let line = self.bytes().transpose()?;
        self.number += 1;
        let line = match line {
            Ok(line) => line,
            Err(why) => {
                self.over = true;
                return Some(Err(why));
            }
        };
        if line.contains(&0) {
            let why = "it holds a NUL byte: the file is damaged, or is not UTF-8";
            return Some(Err(why.into()));
        }
        Some(String::from_utf8(line).map_err(|_| {
            "it is not UTF-8; save the file as CSV UTF-8 (spreadsheets offer that under Save as)"
                .into()
        }))
    }

    fn bytes(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut line = Vec::new();
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(format!("it cannot be read: {e}")),
            };
            let Some(first) = chunk.first() else {
                self.over = true;
                return Ok((!line.is_empty()).then_some(line));
            };
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                self.input.consume(1);
                continue;
            }
            let end = chunk.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let taken = end.unwrap_or(chunk.len());
            if line.len() + taken > MAX_LINE {
                return Err(format!("it is longer than {MAX_LINE} bytes"));
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

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn every_line_end_counts_once_wherever_the_buffer_ends() {
        let text = "a\r\n\r\nb\rc\n\n\rd";
        for buffer in 1..=text.len() {
            let mut lines = Lines::new(BufReader::with_capacity(buffer, text.as_bytes()));
            let mut seen = Vec::new();
            while let Some(line) = lines.next() {
                seen.push((lines.number(), line.unwrap()));
            }
            let seen: Vec<_> = seen.iter().map(|(n, l)| (*n, l.as_str())).collect();
            let right = [
                (1, "a"),
                (2, ""),
                (3, "b"),
                (4, "c"),
                (5, ""),
                (6, ""),
                (7, "d"),
            ];
            assert_eq!(seen, right, "{buffer}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let endless = BufReader::new(std::io::Read::take(std::io::repeat(b'x'), u64::MAX));
        let mut lines = Lines::new(endless);
        assert!(lines.next().unwrap().unwrap_err().contains("longer than"));
        assert!(lines.next().is_none());
    }
}
