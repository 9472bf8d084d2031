//! Reads rows from CSV, JSON and XLSX, strictly: a row that could be read in two ways is invalid.

mod array;
mod check;
mod encoding;
mod json;
mod lines;
mod records;
mod xlsx;

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use crate::columns::{
    ACCOUNT, APPID, COLUMNS, ColumnMap, LINK_COLUMNS, NOTIFY_USERS, OtherCells, OtherColumn,
    SHOW_PROFILE, column_index, is_added_by_report, is_report,
};
use crate::message::{Message, message};
use crate::row::{
    BadRow, MAX_SHOWN_CHARS, Row, RowDefaults, describe_char, is_allowed_in_appid, parse_flag,
};
use crate::spreadsheet;
use array::ArrayItems;
pub(crate) use check::{RowSummary, check_rows};
pub use encoding::Encoding;
use encoding::SAMPLE_BYTES;
use lines::{Lines, invalid_text};
use records::{CsvRecord, CsvRecords};
use xlsx::{Limits, MAX_WORKBOOK_BYTES, SheetRows, old_spreadsheet, read_sheet};

/// The delimiters that a CSV file may use. If several fit equally well, the last one is taken.
const DELIMITERS: [char; 3] = ['\t', ';', ','];
/// How many column names an error shows.
const MAX_SHOWN_NAMES: usize = 10;
/// How much of the input is read at once (bytes).
const READ_BUFFER_SIZE: usize = 1 << 16;
/// How files of XLSX, which are ZIP files, start.
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";
/// How files of older spreadsheets, and workbooks with a password, start.
const OLD_SPREADSHEET_SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0";

/// The format of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CSV with a line of column names, delimited by commas, semicolons or tabs.
    Csv,
    /// One JSON object a line, or a JSON array of objects.
    Json,
    /// A sheet of an XLSX workbook with a row of column names.
    Xlsx,
}

/// How a file of rows is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Its format. Without one, its start decides: `{` and `[` are JSON.
    pub format: Option<Format>,
    /// The encoding of its text. Without one, its start decides: the first MiB.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook. Without a name, the first one that is visible.
    pub sheet: Option<String>,
    /// Values for what rows leave empty.
    pub defaults: RowDefaults,
}

/// Rows, or why they are invalid.
pub type Rows = Box<dyn Iterator<Item = Result<Row, BadRow>>>;

/// Reads rows one by one. Reading continues after an invalid row where it can.
///
/// A workbook is read into memory; of other files only a part at a time.
///
/// # Errors
/// The input cannot be read or its text is invalid, or the column names are missing or ambiguous.
pub fn read_rows(input: impl Read + 'static, options: &ReadOptions) -> Result<Rows, BadRow> {
    let at_start = |why: Message| BadRow { line: 1, why };
    let unreadable =
        |error: io::Error| at_start(Message::from(error).after("could not be read", "无法读取"));
    let defaults = options.defaults;
    let mut input = BufReader::with_capacity(READ_BUFFER_SIZE, input);
    let mut start = Vec::new();
    let read = input.by_ref().take(SAMPLE_BYTES).read_to_end(&mut start);
    let is_whole = (read.map_err(unreadable)? as u64) < SAMPLE_BYTES;
    let is_zip = start.starts_with(ZIP_SIGNATURE);
    let is_old = start.starts_with(OLD_SPREADSHEET_SIGNATURE);
    if is_zip || is_old || options.format == Some(Format::Xlsx) {
        let more = MAX_WORKBOOK_BYTES + 1 - start.len() as u64;
        input
            .take(more)
            .read_to_end(&mut start)
            .map_err(unreadable)?;
        if is_old {
            return Err(at_start(old_spreadsheet(&start)));
        }
        if start.len() as u64 > MAX_WORKBOOK_BYTES {
            return Err(at_start(message!(
                "the workbook is larger than {MAX_WORKBOOK_BYTES} bytes. Save the sheet as CSV \
                 UTF-8",
                "工作簿超过 {MAX_WORKBOOK_BYTES} 字节。请将工作表另存为“CSV UTF-8”格式"
            )));
        }
        let sheet = read_sheet(start, options.sheet.as_deref(), Limits::default());
        let sheet = sheet.map_err(at_start)?;
        return Ok(Box::new(rows_of_sheet(sheet, defaults)?));
    }
    if let Some(sheet) = &options.sheet {
        return Err(at_start(message!(
            "not a workbook (XLSX), so it has no sheet {sheet:?}. Leave out --sheet",
            "不是工作簿 (XLSX)，没有工作表 {sheet:?}。请去掉 --sheet"
        )));
    }
    let encoding = options.encoding;
    let encoding = encoding.unwrap_or_else(|| Encoding::detect(&start, is_whole));
    let first = encoding.first_char(&start);
    let format = match (options.format, first) {
        (Some(format), _) => format,
        (None, Some('{' | '[')) => Format::Json,
        (None, _) => Format::Csv,
    };
    let text = encoding.decode(start, input);
    let text = BufReader::with_capacity(READ_BUFFER_SIZE, text);
    Ok(match format {
        Format::Json if first == Some('[') => Box::new(rows_of_array(text, encoding, defaults)),
        Format::Json => Box::new(rows_of_json_lines(Lines::new(text, encoding), defaults)),
        Format::Csv | Format::Xlsx => Box::new(rows_of_csv(Lines::new(text, encoding), defaults)?),
    })
}

fn rows_of_json_lines(
    mut lines: Lines<impl BufRead>,
    defaults: RowDefaults,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    std::iter::from_fn(move || {
        let text = lines.next_with_text()?;
        let line = lines.number();
        let text = match text {
            Ok(text) => text,
            Err(why) => return Some(Err(BadRow { line, why })),
        };
        Some(row_of_json(line, &text, true, defaults))
    })
}

fn rows_of_array(
    text: impl BufRead,
    encoding: Encoding,
    defaults: RowDefaults,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    let mut items = ArrayItems::new(text);
    std::iter::from_fn(move || {
        let row = items.next()?.and_then(|item| {
            let line = item.line;
            match std::str::from_utf8(&item.text) {
                // The line starts with the item's text.
                Ok(text) => row_of_json(line, text.trim_start(), false, defaults),
                Err(_) => {
                    let why = invalid_text(&item.text, encoding);
                    Err(BadRow { line, why })
                }
            }
        });
        Some(row)
    })
}

/// A row from a JSON text that starts on this line of the file. `is_line`: it is the whole line, so
/// that the columns in it are those of the file.
fn row_of_json(line: u64, text: &str, is_line: bool, defaults: RowDefaults) -> Result<Row, BadRow> {
    let error = match json::parse(text) {
        Ok(Some(fields)) => return Row::from_fields(line, fields, defaults),
        Ok(None) => return Err(BadRow::not_an_object(line)),
        Err(error) => error,
    };
    let line = line + error.line.saturating_sub(1);
    let mut why = error.why;
    if is_line {
        why += &format!(" (column {})", error.column);
    }
    let why = match json::foreign_char(text) {
        None if is_line => message!(
            "invalid JSON: {why}. Each line must be one complete object",
            "JSON 无效：{why}。每行必须是一个完整的对象"
        ),
        None => message!("invalid JSON: {why}", "JSON 无效：{why}"),
        Some(found) => {
            let found = describe_char(found, false);
            let (en, zh) = (found.get(wxlink::Lang::En), found.get(wxlink::Lang::Zh));
            message!(
                "invalid JSON: {why}; it contains {en} outside of its texts",
                "JSON 无效：{why}；文本之外含有 {zh}"
            )
        }
    };
    Err(BadRow { line, why })
}

fn rows_of_csv(
    lines: Lines<impl BufRead>,
    defaults: RowDefaults,
) -> Result<impl Iterator<Item = Result<Row, BadRow>>, BadRow> {
    let (mut records, header) = Header::read(lines)?;
    header.check_columns(defaults)?;
    Ok(std::iter::from_fn(move || {
        let record = records.next()?;
        Some(record.and_then(|record| header.row(&record, defaults)))
    }))
}

fn rows_of_sheet(
    rows: SheetRows,
    defaults: RowDefaults,
) -> Result<impl Iterator<Item = Result<Row, BadRow>>, BadRow> {
    let SheetRows { sheet, width, rows } = rows;
    let in_sheet = move |BadRow { line, why }: BadRow| {
        let (en, zh) = (why.get(wxlink::Lang::En), why.get(wxlink::Lang::Zh));
        let why = message!("{en} (sheet {sheet:?})", "{zh}（工作表 {sheet:?}）");
        BadRow { line, why }
    };
    let mut records = rows.into_iter().map(move |mut record| {
        record.cells.resize(width, String::new());
        record
    });
    let names = records.next().unwrap_or_else(CsvRecord::empty);
    let header = Header::new(&names, None).map_err(&in_sheet)?;
    header.check_columns(defaults).map_err(&in_sheet)?;
    Ok(records.map(move |record| header.row(&record, defaults).map_err(&in_sheet)))
}

/// The line of a file that names its columns.
struct Header {
    line: u64,
    /// What delimits the cells of CSV.
    delimiter: Option<char>,
    names: Vec<String>,
    /// The position in the file of each column of [`COLUMNS`].
    positions: [Option<usize>; 4],
    /// The columns that are kept.
    other: Vec<OtherColumn>,
    /// Whether the file is one of a report, whose cells are escaped.
    is_report: bool,
}

impl Header {
    fn read<R: BufRead>(mut lines: Lines<R>) -> Result<(CsvRecords<R>, Header), BadRow> {
        let (first, declared) = match next_with_cells(&mut lines)? {
            Some(first) => match declared_delimiter(&first) {
                Some(delimiter) => {
                    let line = lines.number();
                    let delimiter = delimiter.map_err(|why| BadRow { line, why })?;
                    (next_with_cells(&mut lines)?, Some(delimiter))
                }
                None => (Some(first), None),
            },
            None => (None, None),
        };
        let detected = || detect_delimiter(first.as_deref().unwrap_or_default());
        let delimiter = declared.unwrap_or_else(detected);
        if let Some(first) = first {
            lines.unread(first);
        }
        let mut records = CsvRecords::new(lines, delimiter);
        let record = records.next().transpose()?;
        let header = Header::new(&record.unwrap_or_else(CsvRecord::empty), Some(delimiter))?;
        Ok((records, header))
    }

    /// The header in a record.
    fn new(record: &CsvRecord, delimiter: Option<char>) -> Result<Header, BadRow> {
        let line = record.line;
        let bad = |why: Message| BadRow { line, why };
        let names: Vec<&str> = record.cells.iter().map(String::as_str).collect();
        let is_report = is_report(&names);
        let map = ColumnMap::new(&names, |name| is_report && is_added_by_report(name));
        let mut map = map.map_err(|duplicate| {
            let (other, name) = (names[duplicate.first], names[duplicate.second]);
            let column = COLUMNS[duplicate.index];
            bad(if other == name {
                message!(
                    "duplicate column {name}; keep one",
                    "列 {name} 重复，请只保留一个"
                )
            } else {
                message!(
                    "columns {other:?} and {name:?} both mean {column}; keep or rename \
                     one",
                    "列 {other:?} 和 {name:?} 都表示 {column}，请只保留一个，或将另一个改名"
                )
            })
        })?;
        if is_report {
            for column in &mut map.other {
                column.name = spreadsheet::unescape(&column.name).to_owned();
            }
        }
        map.name_others().map_err(bad)?;
        let header = Header {
            line,
            delimiter,
            positions: map.positions,
            other: map.other,
            is_report,
            names: record.cells.clone(),
        };
        header
            .check_lines(record)
            .map_err(|why| BadRow { line, why })?;
        Ok(header)
    }

    /// Checks whether all columns exist that have no default.
    fn check_columns(&self, defaults: RowDefaults) -> Result<(), BadRow> {
        let default_of = [None, None, defaults.notify_users, defaults.show_profile];
        for ((name, position), default) in COLUMNS.iter().zip(self.positions).zip(default_of) {
            if position.is_none() && default.is_none() {
                return Err(BadRow {
                    line: self.line,
                    why: self.missing_column(name),
                });
            }
        }
        Ok(())
    }

    fn missing_column(&self, name: &str) -> Message {
        let columns = COLUMNS.join(", ");
        let columns_zh = LINK_COLUMNS.map(|column| column.chinese).join("、");
        let columns_zh = format!("{columns_zh}（或 {columns}）");
        if self.names.is_empty() {
            return message!(
                "missing column {name}: the first line must name the columns {columns}",
                "缺少列 {name}：第一行必须写明列名 {columns_zh}"
            );
        }
        let shorten = |name: &String| {
            let mut short: String = name.chars().take(MAX_SHOWN_CHARS).collect();
            if short.len() < name.len() {
                short.push('…');
            }
            format!("{short:?}")
        };
        let mut found: Vec<String> = self
            .names
            .iter()
            .take(MAX_SHOWN_NAMES)
            .map(shorten)
            .collect();
        if self.names.len() > MAX_SHOWN_NAMES {
            found.push("…".into());
        }
        let found = found.join(", ");
        if self.delimiter.is_none() {
            return message!(
                "missing column {name}: the first row must name the columns {columns}; it names \
                 {found}",
                "缺少列 {name}：第一行必须写明列名 {columns_zh}；该行的列名为 {found}"
            );
        }
        message!(
            "missing column {name}: the first line must name the columns {columns}, delimited by \
             commas, semicolons or tabs; it names {found}",
            "缺少列 {name}：第一行必须写明列名 {columns_zh}，以逗号、分号或制表符分隔；\
             该行的列名为 {found}"
        )
    }

    /// The row of a record.
    fn row(&self, record: &CsvRecord, defaults: RowDefaults) -> Result<Row, BadRow> {
        let line = record.line;
        let bad = |why: Message| BadRow { line, why };
        self.check(record).map_err(bad)?;
        let cell = |position: usize| {
            let cell = record.cells.get(position).map_or("", String::as_str);
            if self.is_report {
                spreadsheet::unescape(cell)
            } else {
                cell
            }
        };
        let row = Row::from_columns(line, defaults, |column| {
            Some(Cow::from(cell(self.positions[column]?)))
        })?;
        let other = OtherCells::read(&self.other, cell).map_err(bad)?;
        Ok(Row { other, ..row })
    }

    /// Checks whether the form of the record shows that it is exactly one row.
    fn check(&self, record: &CsvRecord) -> Result<(), Message> {
        let (cells, width) = (&record.cells, self.names.len());
        // Without a delimiter, every record has all cells.
        let delimiter = self.delimiter.unwrap_or(',');
        let count = cells.len();
        let cells_en = if count == 1 { "cell" } else { "cells" };
        let extra = cells.get(width..).unwrap_or_default();
        if extra.iter().any(|cell| !cell.is_empty()) {
            return Err(message!(
                "{count} cells for {width} columns; put a cell that contains {delimiter:?} in \
                 quotes",
                "有 {count} 个单元格，但只有 {width} 列；含有 {delimiter:?} 的单元格请加引号"
            ));
        }
        for (name, position) in COLUMNS.iter().zip(self.positions) {
            if position.is_some_and(|position| position >= count) {
                return Err(message!(
                    "the row ends after {count} {cells_en}, before {name}; cells are delimited by \
                     {delimiter:?}",
                    "该行在 {count} 个单元格后结束，缺少 {name}；单元格以 {delimiter:?} 分隔"
                ));
            }
        }
        let repeats_name = |column: usize| {
            self.positions[column]
                .is_some_and(|position| column_index(&cells[position]) == Some(column))
        };
        if repeats_name(ACCOUNT) && repeats_name(APPID) {
            return Err(message!(
                "the column names are repeated; were several files joined?",
                "列名重复出现；是否把多个文件合并成了一个？"
            ));
        }
        self.check_lines(record)
    }

    /// Checks whether a cell of several lines has swallowed a row. One line of the record may look
    /// like a row, because the record is one; a line entirely inside a cell may not.
    fn check_lines(&self, record: &CsvRecord) -> Result<(), Message> {
        let mut rows = 0;
        for (number, part) in (record.line..).zip(&record.lines) {
            let is_row = self.looks_like_a_row(&part.text);
            rows += u32::from(is_row);
            if rows > 1 || (is_row && part.is_inside_cell) {
                return Err(message!(
                    "a quoted cell continues on line {number}, which looks like a row of its own; \
                     is a quote missing?",
                    "引号中的单元格延续到第 {number} 行，而该行看起来是单独的一行；是否漏了引号？"
                ));
            }
        }
        Ok(())
    }

    /// Whether a line that is part of a record could be a row itself, valid or not. It could if
    /// the cells for account and appid both hold text that could be an appid, or one of them text
    /// that certainly is, or if the cells for both flags hold flags.
    fn looks_like_a_row(&self, line: &str) -> bool {
        let delimiter = self.delimiter.unwrap_or(',');
        let cells: Vec<&str> = line.split(delimiter).map(str::trim).collect();
        let cell = |column: usize| {
            let cell = self.positions[column].and_then(|position| cells.get(position).copied());
            let cell = cell.unwrap_or_default();
            let inner = cell.strip_prefix('"').and_then(|c| c.strip_suffix('"'));
            // A cell with a quote at one end only is the border of a cell of several lines.
            let inner = inner.unwrap_or(cell);
            if inner.contains('"') { "" } else { inner }
        };
        let both = |a: usize, b: usize, is: &dyn Fn(&str) -> bool| is(cell(a)) && is(cell(b));
        let may_be_appid = |c: &str| !c.is_empty() && c.chars().all(is_allowed_in_appid);
        let is_certainly_appid =
            |c: &str| c.len() >= 16 && (c.starts_with("wx") || c.starts_with("gh_"));
        both(ACCOUNT, APPID, &may_be_appid)
            || is_certainly_appid(cell(ACCOUNT))
            || is_certainly_appid(cell(APPID))
            || both(NOTIFY_USERS, SHOW_PROFILE, &|c| parse_flag(c).is_some())
    }
}

/// The next line that contains more than blanks and delimiters.
fn next_with_cells<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<String>, BadRow> {
    let is_empty = |line: &str| {
        line.chars()
            .all(|c| c.is_whitespace() || DELIMITERS.contains(&c))
    };
    loop {
        match lines.next_with_text() {
            Some(Ok(line)) if is_empty(&line) => {}
            Some(Ok(line)) => return Ok(Some(line)),
            Some(Err(why)) => {
                let line = lines.number();
                return Err(BadRow { line, why });
            }
            None => return Ok(None),
        }
    }
}

/// The delimiter that a line such as `sep=;` declares, with which some spreadsheets begin a file;
/// `None` if the line is no such declaration.
fn declared_delimiter(line: &str) -> Option<Result<char, Message>> {
    let text = line.trim_start().trim_start_matches('"');
    let (key, value) = text.split_at_checked("sep=".len())?;
    let mut value = value.chars();
    let (true, Some(delimiter)) = (key.eq_ignore_ascii_case("sep="), value.next()) else {
        return None;
    };
    // A spreadsheet that saves the file again may put the line into quotes and add empty cells.
    if !value.all(|c| c == '"' || c == ' ' || DELIMITERS.contains(&c)) {
        return None;
    }
    Some(if DELIMITERS.contains(&delimiter) {
        Ok(delimiter)
    } else {
        Err(message!(
            "unsupported delimiter {delimiter:?}; expected a comma, a semicolon or a tab",
            "不支持分隔符 {delimiter:?}；应为逗号、分号或制表符"
        ))
    })
}

/// The delimiter that yields most of the known columns, and of these the most frequent one.
fn detect_delimiter(first_line: &str) -> char {
    let score = |delimiter: &char| {
        let cells = first_line.split(*delimiter);
        let names = cells.map(|c| c.trim_matches(|c: char| c == '"' || c.is_whitespace()));
        let known = names.filter(|name| column_index(name).is_some());
        (known.count(), first_line.matches(*delimiter).count())
    };
    DELIMITERS.into_iter().max_by_key(score).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: impl Into<Vec<u8>>, defaults: RowDefaults) -> Vec<Result<Row, String>> {
        let options = ReadOptions {
            defaults,
            ..ReadOptions::default()
        };
        all_with(text, &options)
    }

    fn all_with(text: impl Into<Vec<u8>>, options: &ReadOptions) -> Vec<Result<Row, String>> {
        match read_rows(io::Cursor::new(text.into()), options) {
            Ok(rows) => rows.map(|r| r.map_err(|e| e.to_string())).collect(),
            Err(e) => vec![Err(e.to_string())],
        }
    }

    fn row(line: u64, account: &str, notify: bool) -> Row {
        Row {
            line,
            account: account.into(),
            appid: "wx0b".into(),
            notify_users: notify,
            show_profile: true,
            other: OtherCells::default(),
        }
    }

    /// The row without its other columns.
    fn link(row: Row) -> Row {
        let other = OtherCells::default();
        Row { other, ..row }
    }

    /// The other columns of the rows, which must all be valid.
    fn others(text: &str) -> Vec<Vec<(String, String)>> {
        let rows = all(text, DEFAULTS).into_iter();
        let cells = rows.map(|row| {
            let other = row.unwrap().other;
            let cells = other.iter();
            cells.map(|c| (c.name.clone(), c.text.clone())).collect()
        });
        cells.collect()
    }

    fn cells(cells: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        cells.iter().map(owned).collect()
    }

    #[test]
    fn other_columns_of_csv_are_kept_in_their_order() {
        let text = "备注,account,note,Note,note,,appid,Line,\n\
                    茶,wx0a,\"a, \"\"b\"\"\nc\",=1+1,,,wx0b,7,\n\
                    ,wx0c,,,,stray,wx0b,,\n";
        let first = [
            ("备注", "茶"),
            ("note", "a, \"b\"\nc"),
            ("Note", "=1+1"),
            ("note (2)", ""),
            ("Line (2)", "7"),
        ];
        let second = [
            ("备注", ""),
            ("note", ""),
            ("Note", ""),
            ("note (2)", ""),
            ("column 6", "stray"),
            ("Line (2)", ""),
        ];
        assert_eq!(others(text), [cells(&first), cells(&second)]);
        assert_eq!(others("account,appid,,\nwx0a,wx0b,,\n"), [cells(&[])]);
    }

    #[test]
    fn other_fields_of_json_are_kept_in_their_order() {
        let text = "{\"z\":\" 茶 \",\"account\":\"wx0a\",\"id\":1234567890123456789012,\
                    \"price\":1.10,\"appid\":\"wx0b\",\"tags\":[\"a\", {\"b\":null}],\"none\":null,\
                    \"yes\":true,\"rid\":\"r\",\"\":\"\",\" \":1}\n\
                    {\"account\":\"wx0a\",\"appid\":\"wx0b\"}\n";
        let first = [
            ("z", " 茶 "),
            ("id", "1234567890123456789012"),
            ("price", "1.10"),
            ("tags", "[\"a\", {\"b\":null}]"),
            ("none", ""),
            ("yes", "true"),
            ("rid (2)", "r"),
            ("column 11", "1"),
        ];
        assert_eq!(others(text), [cells(&first), cells(&[])]);
    }

    #[test]
    fn what_a_report_adds_is_not_kept() {
        let csv = "\u{feff}line,account,appid,notify_users,show_profile,outcome,errcode,rid,\
                   due_in_beijing,remedy,备注,message,'=sum,line (2),empty\n\
                   7,wx0a,wx0b,0,1,failed,-1,r1,,try again,茶,'=1+1,''-2,x,\n";
        let kept = [
            ("备注", "茶"),
            ("message", "=1+1"),
            ("=sum", "'-2"),
            ("line (2)", "x"),
            ("empty", ""),
        ];
        assert_eq!(others(csv), [cells(&kept)]);
        // In other files, an apostrophe is part of the cell.
        let csv = "account,appid,remedy,note\nwx0a,wx0b,tea,'=1\n";
        assert_eq!(
            others(csv),
            [cells(&[("remedy (2)", "tea"), ("note", "'=1")])]
        );

        let json = "{\"line\":7,\"account\":\"wx0a\",\"appid\":\"wx0b\",\"notify_users\":false,\
                    \"show_profile\":true,\"other\":{\"z\":\"茶\",\"line (2)\":\"x\"},\
                    \"outcome\":\"failed\",\"errcode\":-1,\"rid\":\"r1\",\"message\":\"m\",\
                    \"posts\":1,\"until\":5,\"at\":4,\"job\":\"j\",\"added\":1}\n\
                    {\"action\":\"post\",\"line\":8,\"account\":\"wx0a\",\"appid\":\"wx0b\"}\n\
                    {\"account\":\"wx0a\",\"appid\":\"wx0b\",\"other\":{\"z\":1},\"message\":\"m\"}\n";
        let first = [("z", "茶"), ("line (2)", "x"), ("added", "1")];
        let last = [("other", "{\"z\":1}"), ("message", "m")];
        assert_eq!(others(json), [cells(&first), cells(&[]), cells(&last)]);
    }

    #[test]
    fn too_many_or_too_large_other_columns_are_refused_with_their_line() {
        let csv = |names: usize| {
            let names: String = (0..names).map(|n| format!(",c{n}")).collect();
            format!("account,appid{names}\nwx0a,wx0b\n")
        };
        assert_eq!(read(&csv(1000), DEFAULTS), (vec![2], vec![]));
        let (good, bad) = read(&csv(1001), DEFAULTS);
        assert!(good.is_empty(), "{good:?}");
        assert!(
            bad[0].starts_with("line 1: more than 1000 columns besides"),
            "{bad:?}"
        );
        let fields: String = (0..1001).map(|n| format!("\"c{n}\":{n},")).collect();
        let json = format!("{{{fields}\"account\":\"wx0a\",\"appid\":\"wx0b\"}}");
        let (_, bad) = read(&format!("{{}}\n{json}"), DEFAULTS);
        assert!(
            bad[1].starts_with("line 2: more than 1000 columns besides"),
            "{bad:?}"
        );

        let long = |length: usize| format!("account,appid,n\na,b,\nc,b,{}\n", "x".repeat(length));
        assert_eq!(read(&long(65_535), DEFAULTS), (vec![2, 3], vec![]));
        let (good, bad) = read(&long(65_536), DEFAULTS);
        assert_eq!(good, [2]);
        assert!(
            bad[0].starts_with("line 3: the columns besides those of a link are larger"),
            "{bad:?}"
        );
        let name = "n".repeat(1001);
        let (_, bad) = read(&format!("account,appid,{name}\na,b,\n"), DEFAULTS);
        assert!(
            bad[0].starts_with("line 1: the column name \"nnn"),
            "{bad:?}"
        );
        // Columns without a name or text are no columns.
        let commas = ",".repeat(20_000);
        let text = format!("account,appid{commas}\na,b{commas}\n");
        assert_eq!(read(&text, DEFAULTS), (vec![2], vec![]));
    }

    #[test]
    fn lines_of_blanks_and_the_mark_at_the_end_of_old_files_are_no_rows() {
        for end in [
            "\u{1a}",
            "\n\u{1a}",
            "\n\u{3000}",
            "\n\u{a0} \n",
            "\n,\u{3000}\n\u{1a}",
        ] {
            let csv = format!("account,appid\na,b{end}");
            assert_eq!(read(&csv, DEFAULTS), (vec![2], vec![]), "{csv:?}");
            let json = format!("{{\"account\":\"a\",\"appid\":\"b\"}}{end}").replace("\n,", "\n");
            assert_eq!(read(&json, DEFAULTS), (vec![1], vec![]), "{json:?}");
        }
        // Elsewhere, the mark is an invalid character.
        let (_, bad) = read("account,appid\n\u{1a}a,b\n", DEFAULTS);
        assert!(
            bad[0].starts_with("line 2: account contains U+001A"),
            "{bad:?}"
        );
    }

    #[test]
    fn csv_and_json_are_read_in_every_usual_form() {
        let expected = [Ok(row(2, "wx0a", false)), Ok(row(3, "wx0c", true))];
        let links = |text: &str| -> Vec<_> {
            let rows = all(text, RowDefaults::default()).into_iter();
            rows.map(|row| row.map(link)).collect()
        };
        for text in [
            "account,appid,notify_users,show_profile\nwx0a,wx0b,0,1\nwx0c,wx0b,1,1\n",
            "account;appid;notify_users;show_profile\nwx0a;wx0b;0;1\nwx0c;wx0b;1;1\n",
            "公众号appid,小程序 AppID,是否通知粉丝？,展示\nwx0a,wx0b,否,是\nwx0c,wx0b,是,是\n",
            "\u{feff}Show_Profile\tNote\tAppid\tAccount\tNotify_Users\r\nyes\t茶\twx0b\twx0a\tno\r\n\
             TRUE\t\twx0b\twx0c\t是\r\n",
            " account , appid , notify_users , show_profile \n\"wx0a\", wx0b ,false,true\n\
             wx0c,wx0b,1,1",
            "\n{\"account\":\"wx0a\",\"appid\":\"wx0b\",\"notify_users\":0,\"show_profile\":true}\n\
             {\"account\":\"wx0c\",\"appid\":\" wx0b \",\"notify_users\":\"1\",\
             \"show_profile\":1}\n",
        ] {
            assert_eq!(links(text), expected, "{text}");
        }
    }

    #[test]
    fn defaults_fill_empty_columns() {
        let defaults = RowDefaults {
            notify_users: Some(false),
            show_profile: Some(true),
        };
        let expected = [Ok(row(2, "wx0a", false)), Ok(row(4, "wx0c", true))];
        assert_eq!(
            all("account,appid\nwx0a,wx0b\n", defaults)[..],
            expected[..1]
        );
        for text in [
            "appid,account,notify_users\nwx0b,wx0a,\n\nwx0b,wx0c,1\n",
            "appid,account,notify_users\r\nwx0b,wx0a,\r\n\r\nwx0b,wx0c,1",
            "appid,note,account\nwx0b,\"two\nlines\",wx0a\nwx0b,,wx0c\n",
        ] {
            let rows = all(text, defaults);
            assert_eq!(rows[0].clone().map(link), expected[0], "{text}");
            assert_eq!(rows[1].as_ref().map(|row| row.line), Ok(4), "{text}");
        }
    }

    #[test]
    fn errors_name_the_line_and_the_problem() {
        let head = "account,appid,notify_users,show_profile\n";
        for (text, expected) in [
            (
                "account,appid,notify_users\na,b,1\n".to_owned(),
                "line 1: missing column show_profile",
            ),
            (String::new(), "line 1: missing column account"),
            (
                "account,appid,AppID,notify_users,show_profile\na,b,c,1,1\n".into(),
                "line 1: columns \"appid\" and \"AppID\" both mean appid; keep or rename one",
            ),
            (format!("{head}a,b,1,1\na,,1,1\n"), "line 3: appid is empty"),
            (format!("{head}a,b,,1\n"), "line 2: missing notify_users"),
            (
                format!("{head}a,b,maybe,1\n"),
                "line 2: invalid notify_users",
            ),
            (
                format!("{head}a,b,1\n"),
                "line 2: the row ends after 3 cells, before show_profile",
            ),
            (
                format!("{head}a,{},1,1\n", "b".repeat(300)),
                "line 2: appid is longer than",
            ),
            ("{\"account\":\"a\"".into(), "line 1: invalid JSON"),
            ("{}\n[]".into(), "line 2: expected an object"),
        ] {
            let rows = all(text.clone(), RowDefaults::default());
            let message = rows.into_iter().filter_map(Result::err).next_back();
            assert!(
                message.as_deref().is_some_and(|t| t.contains(expected)),
                "{text}: {message:?}"
            );
        }
    }

    /// The lines of the valid rows, and the messages for the invalid ones.
    fn read(text: &str, defaults: RowDefaults) -> (Vec<u64>, Vec<String>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for row in all(text, defaults) {
            match row {
                Ok(row) => good.push(row.line),
                Err(why) => bad.push(why),
            }
        }
        (good, bad)
    }

    const DEFAULTS: RowDefaults = RowDefaults {
        notify_users: Some(true),
        show_profile: Some(true),
    };

    #[test]
    fn files_of_spreadsheets_are_read_whatever_precedes_their_columns() {
        let rows = "account;appid;notify_users;show_profile\nwx0a;wx0b;0;1\nwx0c;wx0b;1;1\n";
        let with_delimiter = |delimiter| rows.replace(';', delimiter);
        for (start, rows, first_line) in [
            ("sep=;\n", with_delimiter(";"), 3),
            ("\u{feff}sep=,\r\n", with_delimiter(","), 3),
            ("sep=\t\n", with_delimiter("\t"), 3),
            ("\n SEP=;\n\n", with_delimiter(";"), 5),
            ("\"sep=;\";;;\n;;;\n", with_delimiter(";"), 4),
            ("\u{feff}\u{feff}", with_delimiter(","), 2),
            ("\u{feff}\n\u{3000}\n,,,\n", with_delimiter(";"), 5),
            (";;;;;;\n", with_delimiter(","), 3),
        ] {
            let text = format!("{start}{rows}");
            let expected = [
                Ok(row(first_line, "wx0a", false)),
                Ok(row(first_line + 1, "wx0c", true)),
            ];
            assert_eq!(
                all(text.clone(), RowDefaults::default()),
                expected,
                "{text:?}"
            );
        }
        // Column names in any case, with blanks, quotes and invisible characters, among others that
        // contain delimiters.
        for head in [
            " ACCOUNT ,\"App ID\",notify-users,Show_Profile,",
            "account,\u{200b}appid\u{a0},\u{feff}Notify Users,\"show\nprofile\",\"a;b;c;d;e;f\"",
            "account,appid,notify_users,show_profile,\"account; appid, notify_users\"",
        ] {
            let text = format!("{head}\nwx0a,wx0b,0,1,\n,,,,\nwx0c,wx0b,1,1,\n");
            let read: Vec<_> = all(text.clone(), RowDefaults::default())
                .into_iter()
                .map(|row| {
                    row.map(|row| Row {
                        line: 0,
                        ..link(row)
                    })
                })
                .collect();
            assert_eq!(
                read,
                [Ok(row(0, "wx0a", false)), Ok(row(0, "wx0c", true))],
                "{text:?}"
            );
        }
    }

    #[test]
    fn flags_of_spreadsheets_and_pandas_are_read_and_others_refused() {
        let read_flag = |cell: &str| {
            let text = format!("account,appid,notify_users,show_profile\nwx0a,wx0b,{cell},1\n");
            all(text, RowDefaults::default())
                .remove(0)
                .map(|row| row.notify_users)
        };
        for yes in ["1", "1.0", "TRUE", "True", " yes ", "Y", "\"1\"", "是"] {
            assert_eq!(read_flag(yes), Ok(true), "{yes}");
        }
        for no in ["0", "0.0", "FALSE", "False", "No", "n", "否"] {
            assert_eq!(read_flag(no), Ok(false), "{no}");
        }
        for (other, shown) in [
            ("2", "\"2\""),
            ("-1", "\"-1\""),
            ("1.5", "\"1.5\""),
            ("10", "\"10\""),
            ("=1", "\"=1\""),
            ("=\"1\"", "\"=\\\"1\\\"\""),
            ("'1", "\"'1\""),
            ("1\u{200b}", "\"1\\u{200b}\""),
            ("\u{a0}1", "\"\\u{a0}1\""),
            ("nan", "\"nan\""),
            ("１", "\"１\""),
            ("on", "\"on\""),
        ] {
            let expected = format!("line 2: invalid notify_users {shown}: expected 0 or 1");
            let why = read_flag(other).unwrap_err();
            assert!(why.starts_with(&expected), "{other:?}: {why}");
        }
        let json = |flag: &str| {
            let text = format!(
                "{{\"account\":\"wx0a\",\"appid\":\"wx0b\",\"notify_users\":{flag},\
                 \"show_profile\":true}}"
            );
            all(text, RowDefaults::default())
                .remove(0)
                .map(|row| row.notify_users)
        };
        assert_eq!(
            (json("1.0"), json("\"FALSE\""), json("0")),
            (Ok(true), Ok(false), Ok(false))
        );
        for other in ["2", "0.5", "[1]", "{}", "\"\\u200b1\""] {
            let why = json(other).unwrap_err();
            assert!(
                why.starts_with("line 1: invalid notify_users"),
                "{other}: {why}"
            );
        }
        assert!(json("null").unwrap_err().contains("missing notify_users"));
    }

    #[test]
    fn an_invalid_character_of_an_appid_is_named_with_its_line_and_column() {
        for (cell, expected) in [
            (
                "wx0\u{200b}b",
                "U+200B (zero-width space) as its character 4",
            ),
            (
                "\u{feff}wx0b",
                "U+FEFF (byte-order mark) as its character 1",
            ),
            ("wx0b\u{a0}", "U+00A0 (no-break space) as its character 5"),
            (
                "\u{3000}wx0b",
                "U+3000 (full-width space) as its character 1",
            ),
            ("wx0b\u{2060}", "U+2060 (word joiner) as its character 5"),
            (
                "\u{202a}wx0b\u{202c}",
                "U+202A (invisible direction mark) as its character 1",
            ),
            ("ｗｘ0b", "\"ｗ\" (U+FF57, full-width) as its character 1"),
            ("wx0\u{430}", "\"\u{430}\" (U+0430) as its character 4"),
            ("wx 0b", "U+0020 (space) as its character 3"),
            ("wx\u{7}0b", "U+0007 as its character 3"),
            (
                "'wx0b",
                "\"'\" (U+0027, with which spreadsheets mark text) as its character 1",
            ),
            (
                "=\"wx0b\"",
                "\"=\" (U+003D, with which spreadsheets mark text) as its character 1",
            ),
            (
                "\"=\"\"wx0b\"\"\"",
                "\"=\" (U+003D, with which spreadsheets",
            ),
            ("#N/A", "\"#\" (U+0023) as its character 1"),
        ] {
            for (head, row, column) in [
                ("account,appid", format!("wx0a,{cell}"), "appid"),
                ("account;appid", format!("{cell} ; wx0b"), "account"),
                (
                    "note\tappid\taccount",
                    format!("x\twx0b\t{cell}"),
                    "account",
                ),
            ] {
                let text = format!("{head}\n{row}\n");
                let expected = format!("line 2: {column} contains {expected}");
                let (good, bad) = read(&text, DEFAULTS);
                assert!(good.is_empty() && bad.len() == 1, "{text:?} {bad:?}");
                assert!(bad[0].starts_with(&expected), "{text:?} {bad:?}");
            }
        }
        for (json, expected) in [
            (
                "{}\n\u{feff}{\"account\":\"茶\\\"\",\"appid\":\"b\"}",
                "it contains U+FEFF (byte-order mark) outside of its texts",
            ),
            (
                "{\"account\":\"茶\\\"\",\u{a0}\"appid\":\"b\"}",
                "it contains U+00A0 (no-break space) outside of its texts",
            ),
            (
                "{“account”:\"a\",\"appid\":\"b\"}",
                "it contains U+201C outside of its texts",
            ),
        ] {
            let (good, bad) = read(json, DEFAULTS);
            assert!(good.is_empty(), "{json}: {bad:?}");
            assert!(bad[bad.len() - 1].contains(expected), "{json}: {bad:?}");
        }
        let json = "{\"account\":\"wx0a\",\"appid\":\"wx0b\\u200b\"}";
        let expected = "line 1: appid contains U+200B (zero-width space) as its character 5";
        assert!(read(json, DEFAULTS).1[0].starts_with(expected));
        // The usual text of a spreadsheet in a column that is not read.
        let text = "account,appid,note\nwx0a,wx0b,=\"007\"\n";
        assert_eq!(read(text, DEFAULTS), (vec![2], vec![]));
    }

    fn utf_16(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(encode).collect()
    }

    fn gbk(text: &str) -> Vec<u8> {
        encoding_rs::GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn text_is_read_in_the_encodings_of_spreadsheets() {
        let csv = "account,appid,备注\nwx0a,wx0b,茶\r\nwx0c,wx0b,\"𠀀\n\"\n";
        let jsonl = "{\"account\":\"wx0a\",\"appid\":\"wx0b\",\"备注\":\"茶\"}\n\
                     {\"account\":\"wx0c\",\"appid\":\"wx0b\",\"备注\":\"𠀀\"}\n";
        let array = format!("\n[{}]", jsonl.replace("}\n{", "},\n{"));
        for (text, first_line) in [(csv, 2), (jsonl, 1), (&array, 2)] {
            let marked = format!("\u{feff}{text}");
            let files = [
                text.into(),
                marked.clone().into_bytes(),
                utf_16(&marked, u16::to_le_bytes),
                utf_16(&marked, u16::to_be_bytes),
                utf_16(text.trim_start(), u16::to_le_bytes),
                utf_16(text.trim_start(), u16::to_be_bytes),
                gbk(text),
                gbk(&marked),
            ];
            for (n, file) in files.into_iter().enumerate() {
                let rows = all(file.clone(), DEFAULTS);
                let trimmed = u64::from(text.starts_with('\n') && matches!(n, 4 | 5));
                let rows: Vec<Row> = rows.into_iter().map(Result::unwrap).collect();
                assert_eq!(rows.len(), 2, "{n}: {text}");
                assert_eq!(rows[0].line, first_line - trimmed, "{n}: {text}");
                let other: Vec<_> = rows.iter().flat_map(|r| r.other.iter()).collect();
                assert_eq!((&*other[0].name, &*other[0].text), ("备注", "茶"), "{n}");
                assert_eq!(other[1].text.trim(), "𠀀", "{n}");
            }
        }
    }

    #[test]
    fn text_that_is_invalid_in_its_encoding_is_refused_with_the_remedy() {
        let head = "account,appid,note\na,b,茶\n";
        let invalid = b"a,b,\xb2\xe8\n";
        let with_invalid = [head.as_bytes(), invalid].concat();
        let with_half = [&gbk(head)[..], b"a,b,\xff\n"].concat();
        let surrogate = [utf_16(head, u16::to_le_bytes), vec![0, 0xd8, b'x', 0]].concat();
        for (file, encoding, expected) in [
            (
                with_invalid,
                None,
                "line 3: not UTF-8, but perhaps GBK. Read the file with --encoding gb18030",
            ),
            (
                b"account,appid,note\na,b,caf\xe9 au lait\n".to_vec(),
                None,
                "line 2: neither UTF-8 nor GBK, but perhaps Windows-1252",
            ),
            (
                gbk(head),
                Some(Encoding::Utf8),
                "line 2: not UTF-8, but perhaps GBK",
            ),
            (
                with_half,
                Some(Encoding::Gb18030),
                "line 3: invalid GBK: the file is damaged",
            ),
            (
                surrogate,
                None,
                "line 3: invalid UTF-16: the file is damaged",
            ),
            (
                b"[\n{\"account\":\"a\",\"appid\":\"b\",\"n\":\"caf\xe9\"}]".to_vec(),
                None,
                "line 2: neither UTF-8 nor GBK",
            ),
        ] {
            let options = ReadOptions {
                encoding,
                defaults: DEFAULTS,
                ..ReadOptions::default()
            };
            let last = all_with(file, &options).pop().unwrap().unwrap_err();
            assert!(last.starts_with(expected), "{expected}: {last}");
            assert!(last.contains("CSV UTF-8"), "{last}");
        }
        // A name with a character of the rarer half of GBK alone needs the option.
        let file = gbk("account,appid,备注\na,b,镕镕镕\n");
        assert!(all(file.clone(), DEFAULTS).pop().unwrap().is_err());
        let options = ReadOptions {
            encoding: Some(Encoding::Gb18030),
            defaults: DEFAULTS,
            ..ReadOptions::default()
        };
        assert!(all_with(file, &options).pop().unwrap().is_ok());
    }

    #[test]
    fn the_encoding_of_a_long_file_is_that_of_its_start() {
        let row = format!("wx0a,wx0b,{}\n", "茶".repeat(1000));
        let long = format!("account,appid,note\n{}", row.repeat(600));
        assert!(long.len() as u64 > SAMPLE_BYTES);
        for file in [long.clone().into_bytes(), gbk(&long)] {
            let rows = all(file, DEFAULTS);
            assert_eq!(rows.len(), 600);
            assert!(rows.iter().all(Result::is_ok));
        }
    }

    #[test]
    fn the_items_of_a_json_array_are_rows() {
        let item = |more: &str| format!("{{\"account\":\"wx0a\",\"appid\":\"wx0b\"{more}}}");
        let text = format!(
            "[{},\n {},\n7,\n{}\n]\n",
            item(""),
            item(",\n\"x\":1.0"),
            item(",\"x\"")
        );
        let (good, bad) = read(&text, DEFAULTS);
        assert_eq!(good, [1, 2]);
        assert!(bad[0].starts_with("line 4: expected an object"), "{bad:?}");
        assert!(
            bad[1].starts_with("line 5: invalid JSON: expected `:`"),
            "{bad:?}"
        );
        for (text, expected) in [
            (
                "[{\"account\":\"a\",\n\"account\":\"b\"}]",
                "line 2: invalid JSON: duplicate key",
            ),
            ("[{\"account\":\"a\"}", "line 1: the array is not closed"),
            (
                "[{\"account\":\"a\",\"appid\":\"b\"},]",
                "line 1: invalid JSON: EOF",
            ),
            ("[]\n[]", "line 2: text follows the array"),
        ] {
            let (good, bad) = read(text, DEFAULTS);
            assert_eq!(
                (good.len(), bad.len()),
                (usize::from(text.contains(",]")), 1)
            );
            assert!(bad[0].starts_with(expected), "{bad:?}");
        }
        // One line may be longer than a line of another file.
        let wide = item(&format!(",\"x\":\"{}\"", "x".repeat(10_000)));
        let long = format!("[{}{wide}]", format!("{wide},").repeat(110));
        assert!(long.len() > 1 << 20);
        assert_eq!(read(&long, DEFAULTS).0.len(), 111);
        assert_eq!(read(" [ ]\n", DEFAULTS), (vec![], vec![]));
    }

    /// A file of `crates/bulk/tests/inputs`, made by the script there.
    fn input(name: &str) -> Vec<u8> {
        std::fs::read(format!(
            "{}/tests/inputs/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    }

    #[test]
    fn a_sheet_of_a_workbook_is_read_as_a_spreadsheet_shows_it() {
        let kept = cells(&[
            ("备注", "茶, \"x\"\ny"),
            ("编号", "13800138000"),
            ("金额", "0.3"),
            ("日期", "2026-11-26"),
            ("时间", "2026-11-26 08:30:00"),
            ("column 10", "stray"),
        ]);
        for file in ["links.xlsx", "inline.xlsx"] {
            let rows = all(input(file), RowDefaults::default());
            let rows: Vec<Row> = rows.into_iter().map(Result::unwrap).collect();
            assert_eq!(
                rows.iter().map(|row| row.line).collect::<Vec<_>>(),
                [3, 6],
                "{file}"
            );
            let [first, second] = &rows[..] else { panic!() };
            assert_eq!(
                (&*first.account, &*first.appid),
                ("wx0a00000000000001", "wx0b00000000000001")
            );
            assert_eq!(
                (first.notify_users, first.show_profile),
                (false, true),
                "{file}"
            );
            assert_eq!(
                (second.notify_users, second.show_profile),
                (true, false),
                "{file}"
            );
            let other = first.other.iter().map(|c| (c.name.clone(), c.text.clone()));
            assert_eq!(other.collect::<Vec<_>>(), kept, "{file}");
        }
    }

    #[test]
    fn an_unsuitable_workbook_is_refused_with_the_remedy() {
        let read = |file: Vec<u8>, sheet: Option<&str>| {
            let options = ReadOptions {
                sheet: sheet.map(str::to_owned),
                ..ReadOptions::default()
            };
            all_with(file, &options).remove(0)
        };
        let links = input("links.xlsx");
        for (file, sheet, expected) in [
            (
                links.clone(),
                Some("Other"),
                "line 1: missing column account: the first row must name the columns account, \
                 appid, notify_users, show_profile; it names \"nothing\" (sheet \"Other\")",
            ),
            (
                links.clone(),
                Some("Links"),
                "the workbook has no sheet \"Links\"; it has \"Hidden\"",
            ),
            (
                links.clone(),
                Some("Wrong"),
                "line 2: appid contains \"#\" (U+0023)",
            ),
            (
                input("protected.xlsx"),
                None,
                "line 1: the workbook is protected by a password",
            ),
            (
                input("old.xls"),
                None,
                "line 1: the file is a spreadsheet of the old format XLS",
            ),
            (
                links[..links.len() / 2].to_vec(),
                None,
                "line 1: the workbook cannot be read",
            ),
            // The reader panics on this one if it checks for overflows.
            (input("damaged.xlsx"), None, "line 1: the workbook "),
            (
                b"PK\x03\x04\x14\0".to_vec(),
                None,
                "line 1: the workbook cannot be read",
            ),
            (
                b"account,appid\n".to_vec(),
                Some("Links"),
                "line 1: not a workbook (XLSX)",
            ),
        ] {
            let why = read(file, sheet).unwrap_err();
            assert!(why.contains(expected), "{expected}: {why}");
        }
        let options = ReadOptions {
            format: Some(Format::Xlsx),
            ..ReadOptions::default()
        };
        let why = all_with("account,appid\n", &options).remove(0).unwrap_err();
        assert!(why.contains("the workbook cannot be read"), "{why}");
    }

    #[test]
    fn a_pipe_that_delivers_single_bytes_is_read_like_a_file() {
        struct Bytes(&'static [u8]);
        impl Read for Bytes {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                (&mut self.0).take(1).read(into)
            }
        }
        let text = "\u{feff}\n{\"account\":\"wx0a\",\"appid\":\"wx0b\"}\n";
        let options = ReadOptions {
            defaults: DEFAULTS,
            ..ReadOptions::default()
        };
        let rows: Vec<_> = read_rows(Bytes(text.as_bytes()), &options)
            .unwrap()
            .collect();
        assert_eq!(
            rows,
            [Ok(Row {
                line: 2,
                ..row(2, "wx0a", true)
            })]
        );
    }

    #[test]
    fn a_missing_column_is_reported_with_the_columns_there_are() {
        for (head, expected) in [
            ("公众号名称,小程序", "it names \"公众号名称\", \"小程序\""),
            (
                "account，appid，notify_users",
                "it names \"account，appid，notify_users\"",
            ),
            ("\"account,appid\"", "it names \"account,appid\""),
            ("ａccount,appid", "it names \"ａccount\", \"appid\""),
            ("sep=;\naccount,appid", "it names \"account,appid\""),
        ] {
            let (good, bad) = read(&format!("{head}\nwx0a,wx0b\n"), DEFAULTS);
            assert!(good.is_empty() && bad.len() == 1, "{head}: {bad:?}");
            assert!(bad[0].contains(expected), "{head}: {bad:?}");
        }
        let (_, bad) = read("sep=|\naccount|appid\na|b\n", DEFAULTS);
        assert!(
            bad[0].starts_with("line 1: unsupported delimiter '|'"),
            "{bad:?}"
        );
        let wide = "column,".repeat(1000);
        let (_, bad) = read(&format!("{wide}\n"), DEFAULTS);
        assert!(bad[0].len() < 400 && bad[0].ends_with('…'), "{bad:?}");
    }

    #[test]
    fn a_quote_cannot_swallow_rows() {
        let head = "account,appid,notify_users,show_profile,note";
        let note_first = "note,account,appid,notify_users,show_profile";
        let within = "account,note,appid,notify_users,show_profile";
        for (head, rows, expected) in [
            (
                head,
                "a,b,0,1,\"Beijing\nc,b,0,1,x\nd,b,0,1,y",
                "line 2: a quote is opened and never closed",
            ),
            (
                head,
                "a,b,0,1,x\nc,b,0,1,\"\nd,b,0,1,y\n",
                "line 3: a quote is opened and never closed",
            ),
            // The quote is opened on a later line than its row.
            (
                head,
                "\"a\n\",b,0,1,\"x\ny",
                "line 3: a quote is opened and never closed",
            ),
            // The next quote closes it.
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,\"y\"\n",
                "line 2: the quote opened here is closed on line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,y\"\nd,b,0,1,z\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,y\nz\"\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b\nz\"\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nno appid,,0,1\nz\"\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                note_first,
                "\"x,a,b,0,1\ny\",c,b,0,1\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                within,
                "a,\"x,b,0,1\nc,y\",b,0,1\n",
                "line 2: a quoted cell continues on line 3",
            ),
            (
                within,
                "a,\"x,b,0,1\nc,\"\",b,0,1\n",
                "line 2: a quote is opened and never closed",
            ),
            (
                head,
                "a,b,0,1,x \"y\n",
                "line 2: a quote opens inside a cell",
            ),
            (
                head,
                "a,b,0,1,x \"y\" z\n",
                "line 2: a quote opens inside a cell",
            ),
            (
                head,
                "a,=\"b,c\",0,1,x\n",
                "line 2: a quote opens inside a cell",
            ),
            (head, "a,\"b\nc\",0,1,x\n", "line 2: appid contains U+000A"),
            (
                "account,appid,notify_users,show_profile,\"note",
                "a,b,0,1,x\"\n",
                "line 1: a quoted cell continues on",
            ),
            (
                "account,appid,notify_users,show_profile,\"note",
                "a,b,0,1,x\n",
                "line 1: a quote is opened and never closed",
            ),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("{head}\n{rows}").replace('\n', end);
                let (_, bad) = read(&text, DEFAULTS);
                assert_eq!(bad.len(), 1, "{text:?} {bad:?}");
                assert!(bad[0].starts_with(expected), "{text:?} {bad:?}");
            }
        }
        let long = format!("{head}\na,b,0,1,\"{}", "x\n".repeat(1 << 20));
        let (_, bad) = read(&long, DEFAULTS);
        assert!(
            bad[0].starts_with("line 2: a quote is opened and never closed"),
            "{bad:?}"
        );
    }

    #[test]
    fn cells_of_several_lines_may_contain_anything_else() {
        let head = "account,appid,notify_users,show_profile,note,more\n";
        for note in [
            "\"two\nlines\"",
            "\"\n\n\"",
            "\"she said \"\"no\"\"\nand left\"",
            "\"Dear Wang, dear Li,\nplease call, or write, then link\nthanks, all\"",
            "\"茶,咖啡\n水,酒\"",
            "  \"a\nb\"  ",
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("{head}a,b,0,1,{note},\nc,b,0,1,{note},\"x\ny\"\nd,b,0,1,,\n");
                let lines = 1 + note.matches('\n').count() as u64;
                let (good, bad) = read(&text.replace('\n', end), RowDefaults::default());
                assert_eq!(bad, [""; 0], "{text:?}");
                assert_eq!(good, [2, 2 + lines, 3 + 2 * lines], "{text:?}");
            }
        }
        // The record's own row may be the line that ends the cell.
        let text = "note,account,appid\n\"x\ny\",a,b\nz,c,b\n";
        assert_eq!(read(text, DEFAULTS), (vec![2, 4], vec![]));
    }

    #[test]
    fn a_row_that_could_be_read_in_two_ways_is_refused() {
        for (text, expected) in [
            // Extra cells shift the others; missing ones would get a default.
            (
                "account,note,appid\na,x, y,b\n",
                "line 2: 4 cells for 3 columns",
            ),
            (
                "account,appid,notify_users\na,b,0\nc,b",
                "line 3: the row ends after 2 cells, before notify_users",
            ),
            (
                "account,appid\na,b\n\u{feff}account,appid\nc,b\n",
                "line 3: the column names are repeated",
            ),
            (
                "account,appid\na,b\nAccount,App ID\n",
                "line 3: the column names are repeated",
            ),
            (
                "account,appid\na\u{200b},b\n",
                "line 2: account contains U+200B",
            ),
            (
                "account,appid\na,b\u{ff11}\n",
                "line 2: appid contains \"\u{ff11}\" (U+FF11, full-width) as its character 2",
            ),
            ("account,appid\na,b c\n", "line 2: appid contains U+0020"),
            (
                "account,appid,note\na,b,\0\n",
                "line 2: contains a NUL byte",
            ),
            (
                "account,appid,Notify Users,notify-users\na,b,0,1\n",
                "line 1: columns \"Notify Users\" and \"notify-users\" both mean notify_users",
            ),
            (
                "account,appid,notify_users\na,b,0.5\n",
                "line 2: invalid notify_users",
            ),
            (
                "account,appid,notify_users\na,b,0 1\n",
                "line 2: invalid notify_users",
            ),
            ("wx0a,wx0b\nwx0c,wx0d\n", "line 1: missing column account"),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"notify_users\":0,\"notify_users\":1}",
                "line 1: invalid JSON: duplicate key \"notify_users\"",
            ),
            (
                "{\"account\":\"a\",\"\\u0061ppid\":\"b\",\"appid\":\"c\"}",
                "line 1: invalid JSON: duplicate key \"appid\"",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"Notify_Users\":0,\"notify_users\":1}",
                "line 1: keys \"Notify_Users\" and \"notify_users\" both mean notify_users",
            ),
            (
                "\n{\"account\":\"a\",\"appid\":\"b\",\"x\":{\"y\":1,\"y\":1}}",
                "line 2: invalid JSON: duplicate key \"y\"",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\"} {\"account\":\"c\",\"appid\":\"b\"}",
                "line 1: invalid JSON: trailing characters",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\"}\n{\"account\":\"c\",\"app",
                "line 2: invalid JSON: EOF",
            ),
            (
                "{\"account\":[\"a\"],\"appid\":\"b\"}",
                "line 1: account is not a string",
            ),
            (
                "{\"account\":\"a\",\"appid\":7}",
                "line 1: appid is not a string",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"notify_users\":[0]}",
                "line 1: invalid notify_users",
            ),
        ] {
            let (_, bad) = read(text, DEFAULTS);
            assert_eq!(bad.len(), 1, "{text:?} {bad:?}");
            assert!(bad[0].starts_with(expected), "{text:?} {bad:?}");
        }
        let flags = "account,appid,Notify Users,show-profile\na,b,FALSE ,no\nc,b, No,\"0\"\n";
        for row in all(flags, DEFAULTS) {
            let row = row.unwrap();
            assert!(!row.notify_users && !row.show_profile, "{row:?}");
        }
        let expected = "{\"account\":\"a\",\"appid\":\"b\",\"Notify-Users\":0}";
        assert!(!all(expected, DEFAULTS)[0].as_ref().unwrap().notify_users);
        // Extra empty cells are accepted.
        assert_eq!(
            read("account;appid;;\na;b;;;;\n;;;\n \nc;b\n", DEFAULTS),
            (vec![2, 5], vec![])
        );
    }
}
