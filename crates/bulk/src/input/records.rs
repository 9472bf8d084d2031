//! Splits a CSV file into records, strictly: anything that could merge, split or shift rows is an
//! error.

use std::io::BufRead;

use super::lines::Lines;
use crate::message::message;
use crate::row::{BadRow, is_blank};

/// The longest quoted cell (bytes). It limits how far the end of an unclosed quote is searched.
const MAX_QUOTED_CELL_BYTES: usize = 1 << 20;

/// One record.
pub(super) struct CsvRecord {
    /// The number of its first line.
    pub line: u64,
    /// Its cells, without enclosing quotes and surrounding blanks.
    pub cells: Vec<String>,
    /// The lines of the file that it consists of, if there are several.
    pub lines: Vec<RecordLine>,
}

impl CsvRecord {
    /// The first record of an empty file.
    pub fn empty() -> CsvRecord {
        CsvRecord {
            line: 1,
            cells: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// One line of a record of several lines.
pub(super) struct RecordLine {
    pub text: String,
    /// Whether the whole line is inside one quoted cell.
    pub is_inside_cell: bool,
}

/// Reads records.
pub(super) struct CsvRecords<R> {
    lines: Lines<R>,
    delimiter: char,
    finished: bool,
}

impl<R: BufRead> CsvRecords<R> {
    pub fn new(lines: Lines<R>, delimiter: char) -> CsvRecords<R> {
        CsvRecords {
            lines,
            delimiter,
            finished: false,
        }
    }

    /// The next record that contains more than blanks, of any kind.
    pub fn next(&mut self) -> Option<Result<CsvRecord, BadRow>> {
        while !self.finished {
            let read = self.lines.next()?;
            let line = self.lines.number();
            let text = match read {
                Ok(text) => text,
                Err(why) => return Some(Err(BadRow { line, why })),
            };
            match self.record(line, text) {
                Ok(record) if record.cells.iter().all(|cell| cell.trim().is_empty()) => {}
                result => return Some(result),
            }
        }
        None
    }

    fn record(&mut self, line: u64, text: String) -> Result<CsvRecord, BadRow> {
        let mut cursor = Cursor {
            text,
            at: 0,
            delimiter: self.delimiter,
        };
        let (mut cells, mut lines) = (Vec::new(), Vec::new());
        loop {
            cursor.skip_blanks();
            let cell = if cursor.rest().starts_with('"') {
                self.quoted_cell(&mut cursor, &mut lines)?
            } else {
                cursor.unquoted_cell(self.lines.number())?
            };
            cells.push(cell);
            if !cursor.skip_delimiter() {
                break;
            }
        }
        if !lines.is_empty() {
            lines.push(RecordLine {
                text: cursor.text,
                is_inside_cell: false,
            });
        }
        Ok(CsvRecord { line, cells, lines })
    }

    /// Reads a quoted cell. If its end is in doubt, nothing after it can be trusted, and reading
    /// ends with the error.
    fn quoted_cell(
        &mut self,
        cursor: &mut Cursor,
        lines: &mut Vec<RecordLine>,
    ) -> Result<String, BadRow> {
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
            let next = if cell.len() > MAX_QUOTED_CELL_BYTES {
                None
            } else {
                self.lines.next()
            };
            let text = match next {
                Some(Ok(text)) => text,
                Some(Err(why)) => {
                    self.finished = true;
                    let line = self.lines.number();
                    return Err(BadRow { line, why });
                }
                None => {
                    self.finished = true;
                    let why = message!("a quote is opened and never closed", "引号没有闭合");
                    return Err(BadRow { line, why });
                }
            };
            lines.push(RecordLine {
                text: std::mem::replace(&mut cursor.text, text),
                is_inside_cell: !starts_here,
            });
            starts_here = false;
            cursor.at = 0;
        }
        cursor.skip_blanks();
        if cursor.rest().is_empty() || cursor.rest().starts_with(self.delimiter) {
            return Ok(cell.trim_matches(is_blank).to_owned());
        }
        self.finished = true;
        let closed = self.lines.number();
        let why = message!(
            "the quote opened here is closed on line {closed} with text after it; a quote is \
             missing, or a quote inside a cell is not doubled",
            "此处的引号在第 {closed} 行闭合，但其后还有文字；可能漏了引号，或单元格内的引号没有写成两个"
        );
        Err(BadRow { line, why })
    }
}

/// A position in a line.
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
        let trimmed = rest.trim_start_matches(|c: char| c != delimiter && is_blank(c));
        self.at += rest.len() - trimmed.len();
    }

    /// Skips a delimiter. Returns whether there was one, so that another cell follows.
    fn skip_delimiter(&mut self) -> bool {
        let more = self.rest().starts_with(self.delimiter);
        self.at += usize::from(more);
        more
    }

    /// Reads a cell without quotes. `line` is the number of the line, for the error.
    fn unquoted_cell(&mut self, line: u64) -> Result<String, BadRow> {
        let rest = self.rest();
        let length = rest.find(self.delimiter).unwrap_or(rest.len());
        let cell = rest[..length].trim_end_matches(is_blank);
        if cell.contains('"') && !is_text_formula(cell) {
            let why = message!(
                "a quote opens inside a cell; put the whole cell in quotes and double the quotes \
                 inside, or remove the quote",
                "引号出现在单元格中间；请给整个单元格加引号并把其中的引号写成两个，或删除该引号"
            );
            return Err(BadRow { line, why });
        }
        let cell = cell.to_owned();
        self.at += length;
        Ok(cell)
    }
}

/// Whether a cell is a formula such as `="007"`, with which spreadsheets keep text from becoming a
/// number. Its quotes do not delimit the cell.
fn is_text_formula(cell: &str) -> bool {
    let text = cell.strip_prefix("=\"").and_then(|c| c.strip_suffix('"'));
    text.is_some_and(|text| !text.contains('"'))
}
