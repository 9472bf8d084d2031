//! Records of a CSV file, read strictly: whatever could merge, split or shift rows is an error with
//! its line.

use std::io::BufRead;

use crate::lines::Lines;
use crate::row::BadRow;

/// The longest record (bytes). A quote that is never closed is noticed after that much.
const MAX_RECORD: usize = 1 << 20;

/// A record.
pub(crate) struct Cells {
    /// The line it starts in.
    pub line: u64,
    /// Its cells, without the quotes around them and the blanks before and after.
    pub cells: Vec<String>,
    /// The lines of the file that it consists of, if there is more than one.
    pub lines: Vec<Part>,
}

/// A line of a record that has several.
pub(crate) struct Part {
    pub text: String,
    /// Whether the whole line is inside one quoted cell.
    pub is_inside: bool,
}

/// Reads records.
pub(crate) struct Records<R> {
    lines: Lines<R>,
    delimiter: char,
    over: bool,
}

impl<R: BufRead> Records<R> {
    pub fn new(lines: Lines<R>, delimiter: char) -> Records<R> {
        Records {
            lines,
            delimiter,
            over: false,
        }
    }

    /// The next record that is not blank.
    pub fn next(&mut self) -> Option<Result<Cells, BadRow>> {
        while !self.over {
            let read = self.lines.next()?;
            let line = self.lines.number();
            let text = match read {
                Ok(text) => text,
                Err(why) => return Some(Err(BadRow { line, why })),
            };
            match self.record(line, text) {
                Ok(cells) if cells.cells.iter().all(String::is_empty) => {}
                done => return Some(done),
            }
        }
        None
    }

    fn record(&mut self, line: u64, text: String) -> Result<Cells, BadRow> {
        let mut cursor = Cursor {
            text,
            at: 0,
            delimiter: self.delimiter,
        };
        let (mut cells, mut lines) = (Vec::new(), Vec::new());
        loop {
            cursor.skip_blanks();
            let cell = match cursor.rest().strip_prefix('"') {
                Some(_) => self.quoted(&mut cursor, &mut lines)?,
                None => {
                    let number = self.lines.number();
                    cursor
                        .unquoted()
                        .map_err(|why| BadRow { line: number, why })?
                }
            };
            cells.push(cell);
            if !cursor.skip_delimiter() {
                break;
            }
        }
        if !lines.is_empty() {
            lines.push(Part {
                text: cursor.text,
                is_inside: false,
            });
        }
        Ok(Cells { line, cells, lines })
    }

    /// A cell in quotes. Where its end is in doubt nothing after it can be trusted, and the reading
    /// ends.
    fn quoted(&mut self, cursor: &mut Cursor, lines: &mut Vec<Part>) -> Result<String, BadRow> {
        let line = self.lines.number();
        cursor.at += 1;
        let (mut cell, mut starts_here) = (String::new(), true);
        loop {
            if let Some(length) = cursor.rest().find('"') {
                cell.push_str(&cursor.rest()[..length]);
                cursor.at += length + 1;
                if cursor.rest().starts_with('"') {
                    cell.push('"');
                    cursor.at += 1;
                    continue;
                }
                break;
            }
            cell.push_str(cursor.rest());
            cell.push('\n');
            let next = match cell.len() > MAX_RECORD {
                true => None,
                false => self.lines.next(),
            };
            let text = match next {
                Some(Ok(text)) => text,
                Some(Err(why)) => {
                    self.over = true;
                    let line = self.lines.number();
                    return Err(BadRow { line, why });
                }
                None => {
                    self.over = true;
                    let why = "it opens a quote that is never closed".into();
                    return Err(BadRow { line, why });
                }
            };
            lines.push(Part {
                text: std::mem::replace(&mut cursor.text, text),
                is_inside: !starts_here,
            });
            starts_here = false;
            cursor.at = 0;
        }
        cursor.skip_blanks();
        if cursor.rest().is_empty() || cursor.rest().starts_with(self.delimiter) {
            return Ok(cell.trim().to_owned());
        }
        self.over = true;
        let closed = self.lines.number();
        let why = format!(
            "the quote that opens here is closed in line {closed} with text after it; a quote is \
             missing, or one inside a cell is not doubled"
        );
        Err(BadRow { line, why })
    }
}

/// A place in a line.
struct Cursor {
    text: String,
    at: usize,
    delimiter: char,
}

impl Cursor {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let delimiter = self.delimiter;
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(|c: char| c != delimiter && c.is_whitespace());
        self.at += rest.len() - trimmed.len();
    }

    /// Whether there is another cell.
    fn skip_delimiter(&mut self) -> bool {
        let more = self.rest().starts_with(self.delimiter);
        self.at += usize::from(more);
        more
    }

    fn unquoted(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let length = rest.find(self.delimiter).unwrap_or(rest.len());
        let cell = &rest[..length];
        if cell.contains('"') {
            return Err(
                "a quote opens inside a cell; put the whole cell in quotes and double those \
                 inside, or take the quote away"
                    .into(),
            );
        }
        let cell = cell.trim_end().to_owned();
        self.at += length;
        Ok(cell)
    }
}
