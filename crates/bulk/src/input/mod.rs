//! Reads rows from CSV and JSON lines, strictly: a row that could be read in two ways is invalid.

mod check;
mod json;
mod lines;
mod records;

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use crate::message::{Message, message};
use crate::row::{
    ACCOUNT, APPID, BadRow, COLUMNS, NOTIFY_USERS, Row, RowDefaults, SHOW_PROFILE, column_index,
    is_allowed_in_appid, parse_flag,
};
pub(crate) use check::{RowSummary, check_rows};
use lines::Lines;
use records::{CsvRecord, CsvRecords};

/// The delimiters that a CSV file may use. If several fit equally well, the last one is taken.
const DELIMITERS: [char; 3] = ['\t', ';', ','];
/// The mark with which spreadsheets begin UTF-8 files.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// How much of the input is read at once (bytes).
const READ_BUFFER_SIZE: usize = 1 << 16;

/// The format of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CSV with a line of column names, delimited by commas, semicolons or tabs.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Reads rows one by one. Without a `format`, the first character decides: `{` or `[` is JSON.
///
/// Each item is a row or why it is invalid; reading continues after an invalid row where it can.
///
/// # Errors
/// The input cannot be read, or the column names of a CSV file are missing or ambiguous.
pub fn read_rows(
    input: impl Read + 'static,
    format: Option<Format>,
    defaults: RowDefaults,
) -> Result<Box<dyn Iterator<Item = Result<Row, BadRow>>>, BadRow> {
    let mut input = BufReader::with_capacity(READ_BUFFER_SIZE, input);
    let start = input.fill_buf().map_err(|error| BadRow {
        line: 1,
        why: message!("could not be read: {error}", "无法读取：{error}"),
    })?;
    let mark = if start.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let detected = match start[mark..].trim_ascii_start().first() {
        Some(b'{' | b'[') => Format::Jsonl,
        _ => Format::Csv,
    };
    input.consume(mark);
    let lines = Lines::new(input);
    match format.unwrap_or(detected) {
        Format::Jsonl => Ok(Box::new(read_jsonl(lines, defaults))),
        Format::Csv => Ok(Box::new(read_csv(lines, defaults)?)),
    }
}

fn read_jsonl(
    mut lines: Lines<impl BufRead>,
    defaults: RowDefaults,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    std::iter::from_fn(move || {
        loop {
            let text = lines.next()?;
            let line = lines.number();
            let bad = |why: Message| Some(Err(BadRow { line, why }));
            match text {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => match json::parse(&text) {
                    Ok(value) => return Some(Row::from_json(line, &value, defaults)),
                    Err(why) => return bad(message!("invalid JSON: {why}", "JSON 无效：{why}")),
                },
                Err(why) => return bad(why),
            }
        }
    })
}

fn read_csv(
    lines: Lines<impl BufRead>,
    defaults: RowDefaults,
) -> Result<impl Iterator<Item = Result<Row, BadRow>>, BadRow> {
    let (mut records, header) = Header::read(lines)?;
    let default_of = [None, None, defaults.notify_users, defaults.show_profile];
    for ((name, position), default) in COLUMNS.iter().zip(header.positions).zip(default_of) {
        if position.is_none() && default.is_none() {
            let columns = COLUMNS.join(", ");
            return Err(BadRow {
                line: header.line,
                why: message!(
                    "missing column {name}: the first line must name the columns {columns}",
                    "缺少列 {name}：第一行必须写明列名 {columns}"
                ),
            });
        }
    }
    Ok(std::iter::from_fn(move || {
        let record = match records.next()? {
            Ok(record) => record,
            Err(bad) => return Some(Err(bad)),
        };
        let line = record.line;
        if let Err(why) = header.check(&record) {
            return Some(Err(BadRow { line, why }));
        }
        let cell =
            |column: usize| Some(Cow::from(record.cells[header.positions[column]?].as_str()));
        Some(Row::from_columns(line, defaults, cell))
    }))
}

/// The first line of a CSV file that is not blank.
struct Header {
    line: u64,
    delimiter: char,
    /// How many columns the file has.
    width: usize,
    /// The position in the file of each column of [`COLUMNS`].
    positions: [Option<usize>; 4],
}

impl Header {
    fn read<R: BufRead>(mut lines: Lines<R>) -> Result<(CsvRecords<R>, Header), BadRow> {
        let first = loop {
            match lines.next() {
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(Ok(line)) => break line,
                Some(Err(why)) => {
                    let line = lines.number();
                    return Err(BadRow { line, why });
                }
                None => break String::new(),
            }
        };
        let delimiter = detect_delimiter(&first);
        if !first.is_empty() {
            lines.unread(first);
        }
        let mut records = CsvRecords::new(lines, delimiter);
        let record = records.next().transpose()?.unwrap_or(CsvRecord {
            line: 1,
            cells: Vec::new(),
            lines: Vec::new(),
        });
        let (line, names) = (record.line, &record.cells);
        let mut positions = [None; 4];
        for (position, name) in names.iter().enumerate() {
            let Some(index) = column_index(name) else {
                continue;
            };
            if let Some(other) = positions[index].replace(position) {
                let (other, column) = (&names[other], COLUMNS[index]);
                let why = if other == name {
                    message!(
                        "duplicate column {name}; keep one",
                        "列 {name} 重复，请只保留一个"
                    )
                } else {
                    message!(
                        "columns {other:?} and {name:?} both mean {column}; keep one",
                        "列 {other:?} 和 {name:?} 都表示 {column}，请只保留一个"
                    )
                };
                return Err(BadRow { line, why });
            }
        }
        let header = Header {
            line,
            delimiter,
            width: names.len(),
            positions,
        };
        header
            .check_lines(&record)
            .map_err(|why| BadRow { line, why })?;
        Ok((records, header))
    }

    /// Checks whether the form of the record shows that it is exactly one row.
    fn check(&self, record: &CsvRecord) -> Result<(), Message> {
        let (cells, width, delimiter) = (&record.cells, self.width, self.delimiter);
        let count = cells.len();
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
                    "the row ends after {count} cells, before {name}",
                    "该行在 {count} 个单元格后结束，缺少 {name}"
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
        let cells: Vec<&str> = line.split(self.delimiter).map(str::trim).collect();
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
        let input = std::io::Cursor::new(text.into());
        match read_rows(input, None, defaults) {
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
        }
    }

    #[test]
    fn csv_and_json_are_read_in_every_usual_form() {
        let expected = [Ok(row(2, "wx0a", false)), Ok(row(3, "wx0c", true))];
        for text in [
            "account,appid,notify_users,show_profile\nwx0a,wx0b,0,1\nwx0c,wx0b,1,1\n",
            "account;appid;notify_users;show_profile\nwx0a;wx0b;0;1\nwx0c;wx0b;1;1\n",
            "\u{feff}Show_Profile\tNote\tAppid\tAccount\tNotify_Users\r\nyes\t茶\twx0b\twx0a\tno\r\n\
             TRUE\t\twx0b\twx0c\t是\r\n",
            " account , appid , notify_users , show_profile \n\"wx0a\", wx0b ,false,true\n\
             wx0c,wx0b,1,1",
            "\n{\"account\":\"wx0a\",\"appid\":\"wx0b\",\"notify_users\":0,\"show_profile\":true}\n\
             {\"account\":\"wx0c\",\"appid\":\" wx0b \",\"notify_users\":\"1\",\
             \"show_profile\":1}\n",
        ] {
            assert_eq!(all(text, RowDefaults::default()), expected, "{text}");
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
            assert_eq!(rows[0], expected[0], "{text}");
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
                "line 1: columns \"appid\" and \"AppID\" both mean appid",
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
        // 茶 in GBK, which older spreadsheets save.
        let gbk = [head.as_bytes(), b"\xb2\xe8,b,1,1\n"].concat();
        let message = all(gbk, RowDefaults::default()).remove(0).unwrap_err();
        assert!(
            message.contains("line 2") && message.contains("UTF-8"),
            "{message}"
        );
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
                "a,=\"b\",0,1,x\n",
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
                "line 2: appid contains '\u{ff11}' (U+FF11)",
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
                "[{\"account\":\"a\",\"appid\":\"b\"}]",
                "line 1: expected an object",
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
