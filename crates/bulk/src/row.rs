//! The rows of a job, as people and programs write them.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wxlink::{LinkChoices, MAX_APPID_BYTES};

use crate::json;
use crate::lines::Lines;
use crate::table::{Cells, Records};

/// The columns; others are left alone.
const COLUMNS: [&str; 4] = ["account", "appid", "notify_users", "show_profile"];
/// What may separate the columns of a CSV file. Of those that serve equally the last is taken.
const DELIMITERS: [char; 3] = ['\t', ';', ','];

/// One link to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands in the input: the line it begins in, or how many-th it is.
    pub line: u64,
    /// The Official Account's appid.
    pub account: String,
    /// The mini program's appid.
    pub appid: String,
    /// Whether every follower is messaged.
    pub notify_users: bool,
    /// Whether the account's page shows the mini program.
    pub show_profile: bool,
}

impl Row {
    /// The choices for its link.
    pub fn choices(&self) -> LinkChoices {
        LinkChoices {
            notify_users: self.notify_users,
            show_profile: self.show_profile,
        }
    }

    /// A row from what its columns hold.
    fn new<'a>(
        line: u64,
        choices: Choices,
        mut column: impl FnMut(usize) -> Option<Cow<'a, str>>,
    ) -> Result<Row, BadRow> {
        let wrong = |why: String| BadRow { line, why };
        let mut appid = |at: usize| {
            let name = COLUMNS[at];
            match column(at) {
                None => Err(wrong(format!("it has no {name}"))),
                Some(text) if text.is_empty() => Err(wrong(format!("its {name} is empty"))),
                Some(text) if text.len() > MAX_APPID_BYTES => {
                    Err(wrong(format!("its {name} is too long")))
                }
                Some(text) => match text.chars().find(|c| !is_of_an_appid(*c)) {
                    Some(c) => Err(wrong(format!(
                        "its {name} holds {}, which no appid does",
                        shown(c)
                    ))),
                    None => Ok(text.into_owned()),
                },
            }
        };
        let (account, linked) = (appid(0)?, appid(1)?);
        let mut flag = |at: usize, otherwise: Option<bool>| {
            let name = COLUMNS[at];
            let text = column(at).filter(|text| !text.is_empty());
            match (text, otherwise) {
                (Some(text), _) => flag_of(&text).ok_or_else(|| {
                    wrong(format!(
                        "its {name} is neither 0 nor 1 (or no, yes, false, true)"
                    ))
                }),
                (None, Some(otherwise)) => Ok(otherwise),
                (None, None) => Err(wrong(format!(
                    "it does not say {name}, which has no default: write 0 or 1, or say for all rows"
                ))),
            }
        };
        Ok(Row {
            line,
            account,
            appid: linked,
            notify_users: flag(2, choices.notify_users)?,
            show_profile: flag(3, choices.show_profile)?,
        })
    }

    /// A row from a JSON object. The keys are recognised as [`column_of`] does.
    ///
    /// # Errors
    /// It is no object, a field is missing or has an unknown value, or two keys mean the same.
    pub fn of_json(line: u64, value: &Value, choices: Choices) -> Result<Row, BadRow> {
        let wrong = |why: String| BadRow { line, why };
        let Value::Object(fields) = value else {
            let why = "it is no object with account, appid, notify_users and show_profile";
            return Err(wrong(why.into()));
        };
        let mut found: [Option<(&str, &Value)>; 4] = [None; 4];
        for (key, value) in fields {
            let Some(at) = index_of(key) else { continue };
            if let Some((other, _)) = found[at] {
                let name = COLUMNS[at];
                return Err(wrong(format!(
                    "its keys {other:?} and {key:?} both mean {name}; leave one"
                )));
            }
            found[at] = Some((key, value));
        }
        for (name, found) in COLUMNS.iter().zip(found).take(2) {
            if found.is_some_and(|(_, v)| !v.is_string() && !v.is_null()) {
                return Err(wrong(format!("its {name} is no text")));
            }
        }
        Row::new(line, choices, |at| match found[at]?.1 {
            Value::String(text) => Some(Cow::from(text.trim())),
            Value::Null => None,
            other => Some(other.to_string().into()),
        })
    }
}

/// What an appid, or the original id of an account, is made of.
fn is_of_an_appid(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.@".contains(c)
}

/// A character, so that an invisible one can be found.
fn shown(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    match c.is_ascii_graphic() || c.is_alphanumeric() {
        true => format!("{c:?} ({code})"),
        false => code,
    }
}

/// The column that a name means, if it is one of those that rows have: capitals, blanks and
/// punctuation do not matter ("Notify Users").
pub fn column_of(name: &str) -> Option<&'static str> {
    index_of(name).map(|at| COLUMNS[at])
}

fn index_of(name: &str) -> Option<usize> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    // Most names are the very ones, or far from them.
    if let Some(at) = COLUMNS.iter().position(|column| *column == name) {
        return Some(at);
    }
    let name = plain(name);
    COLUMNS.iter().position(|column| plain(column) == name)
}

/// A yes or a no, as spreadsheets and programs write them.
fn flag_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "y" | "是" => Some(true),
        "0" | "no" | "false" | "n" | "否" => Some(false),
        _ => None,
    }
}

/// A row that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Where it stands.
    pub line: u64,
    /// What is wrong with it, as a clause.
    pub why: String,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// What rows have that do not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choices {
    /// For `notify_users`.
    pub notify_users: Option<bool>,
    /// For `show_profile`.
    pub show_profile: Option<bool>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With a line of column names; separated by commas, semicolons or tabs.
    Csv,
    /// An object a line.
    Jsonl,
}

/// Reads rows, one by one. A row that could be read in two ways is a bad one.
///
/// # Errors
/// The names of a CSV file's columns are missing, or not clear.
pub fn read_rows(
    input: impl Read + 'static,
    format: Option<Format>,
    choices: Choices,
) -> Result<Box<dyn Iterator<Item = Result<Row, BadRow>>>, BadRow> {
    let wrong = |why: String| BadRow { line: 1, why };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let start = input.fill_buf().map_err(|e| wrong(e.to_string()))?;
    // Spreadsheets like to begin with a byte-order mark.
    let mark = match start.starts_with("\u{feff}".as_bytes()) {
        true => 3,
        false => 0,
    };
    let looks_like = match start[mark..].trim_ascii_start().first() {
        Some(b'{' | b'[') => Format::Jsonl,
        _ => Format::Csv,
    };
    input.consume(mark);
    let lines = Lines::new(input);
    match format.unwrap_or(looks_like) {
        Format::Jsonl => Ok(Box::new(of_jsonl(lines, choices))),
        Format::Csv => Ok(Box::new(of_csv(lines, choices)?)),
    }
}

fn of_jsonl(
    mut lines: Lines<impl BufRead>,
    choices: Choices,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    std::iter::from_fn(move || {
        loop {
            let text = lines.next()?;
            let line = lines.number();
            let wrong = |why: String| Some(Err(BadRow { line, why }));
            match text {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => match json::parse(&text) {
                    Ok(value) => return Some(Row::of_json(line, &value, choices)),
                    Err(why) => return wrong(format!("it is no JSON: {why}")),
                },
                Err(why) => return wrong(why),
            }
        }
    })
}

fn of_csv(
    lines: Lines<impl BufRead>,
    choices: Choices,
) -> Result<impl Iterator<Item = Result<Row, BadRow>>, BadRow> {
    let (mut records, head) = Head::read(lines)?;
    let have = [None, None, choices.notify_users, choices.show_profile];
    for ((name, at), have) in COLUMNS.iter().zip(head.at).zip(have) {
        if at.is_none() && have.is_none() {
            let why = format!(
                "there is no column {name}; the first line is to name the columns {}",
                COLUMNS.join(", ")
            );
            return Err(BadRow {
                line: head.line,
                why,
            });
        }
    }
    Ok(std::iter::from_fn(move || {
        let record = match records.next()? {
            Ok(record) => record,
            Err(bad) => return Some(Err(bad)),
        };
        let line = record.line;
        if let Err(why) = head.check(&record) {
            return Some(Err(BadRow { line, why }));
        }
        let cell = |at: usize| Some(Cow::from(record.cells[head.at[at]?].as_str()));
        Some(Row::new(line, choices, cell))
    }))
}

/// The first line of a CSV file that is not blank.
struct Head {
    line: u64,
    delimiter: char,
    /// How many columns there are.
    columns: usize,
    /// Where the columns of [`COLUMNS`] are.
    at: [Option<usize>; 4],
}

impl Head {
    fn read<R: BufRead>(mut lines: Lines<R>) -> Result<(Records<R>, Head), BadRow> {
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
        // The separator is the one that yields most of the columns; failing that, the most frequent
        // one.
        let yields = |d: &char| {
            let known = naive(&first, *d).filter(|cell| index_of(cell).is_some());
            (known.count(), first.matches(*d).count())
        };
        let delimiter = DELIMITERS.into_iter().max_by_key(yields).unwrap_or(',');
        if !first.is_empty() {
            lines.unread(first);
        }
        let mut records = Records::new(lines, delimiter);
        let record = records.next().transpose()?.unwrap_or(Cells {
            line: 1,
            cells: Vec::new(),
            lines: Vec::new(),
        });
        let (line, names) = (record.line, &record.cells);
        let mut at = [None; 4];
        for (nth, name) in names.iter().enumerate() {
            let Some(known) = index_of(name) else {
                continue;
            };
            if let Some(other) = at[known].replace(nth) {
                let why = match names[other] == *name {
                    true => format!("there are several columns {name}; leave one"),
                    false => format!(
                        "there are several columns {}: {:?} and {name:?}; leave one",
                        COLUMNS[known], names[other]
                    ),
                };
                return Err(BadRow { line, why });
            }
        }
        let head = Head {
            line,
            delimiter,
            columns: names.len(),
            at,
        };
        head.check_lines(&record)
            .map_err(|why| BadRow { line, why })?;
        Ok((records, head))
    }

    /// Sees whether the record is one row and no more, as far as its form tells.
    fn check(&self, record: &Cells) -> Result<(), String> {
        let cells = &record.cells;
        let extra = cells.get(self.columns..).unwrap_or_default();
        if extra.iter().any(|cell| !cell.is_empty()) {
            return Err(format!(
                "it has {} cells for {} columns; a cell that holds a {:?} is to be in quotes",
                cells.len(),
                self.columns,
                self.delimiter
            ));
        }
        for (name, at) in COLUMNS.iter().zip(self.at) {
            if at.is_some_and(|at| at >= cells.len()) {
                let n = cells.len();
                return Err(format!("it ends after {n} cells, before its {name}"));
            }
        }
        let repeats =
            |name: usize| self.at[name].is_some_and(|at| index_of(&cells[at]) == Some(name));
        if repeats(0) && repeats(1) {
            return Err("it names the columns again; are these several files in one?".into());
        }
        self.check_lines(record)
    }

    /// Sees whether a cell of several lines has swallowed a row. One of the record's lines may look
    /// like a row, since the record is one; a line that is nothing but a part of a cell may not.
    fn check_lines(&self, record: &Cells) -> Result<(), String> {
        let mut rows = 0;
        for (number, part) in (record.line..).zip(&record.lines) {
            let is_row = self.looks_like_a_row(&part.text);
            rows += u32::from(is_row);
            if rows > 1 || (is_row && part.is_inside) {
                return Err(format!(
                    "a cell in quotes goes on to line {number}, which looks like a row of its own; \
                     is a quote missing?"
                ));
            }
        }
        Ok(())
    }

    /// Whether a line that is a part of a record could be a row itself, good or bad: in the places
    /// of its account and appid are words that could be appids, or one that surely is, or in those
    /// of its flags are flags.
    fn looks_like_a_row(&self, line: &str) -> bool {
        let cells: Vec<&str> = line.split(self.delimiter).map(str::trim).collect();
        let cell = |name: usize| {
            let cell = self.at[name].and_then(|at| cells.get(at).copied());
            let cell = cell.unwrap_or_default();
            let inner = cell.strip_prefix('"').and_then(|c| c.strip_suffix('"'));
            // With a quote at one end it is the border of a cell of several lines, and no cell of a
            // row by itself.
            let inner = inner.unwrap_or(cell);
            if inner.contains('"') { "" } else { inner }
        };
        let both = |a: usize, b: usize, is: &dyn Fn(&str) -> bool| is(cell(a)) && is(cell(b));
        let may_be = |c: &str| !c.is_empty() && c.chars().all(is_of_an_appid);
        let surely_is = |c: &str| c.len() >= 16 && (c.starts_with("wx") || c.starts_with("gh_"));
        both(0, 1, &may_be)
            || surely_is(cell(0))
            || surely_is(cell(1))
            || both(2, 3, &|c| flag_of(c).is_some())
    }
}

/// The cells of a line, as if quotes meant nothing.
fn naive(line: &str, delimiter: char) -> impl Iterator<Item = &str> {
    let cells = line.split(delimiter);
    cells.map(|cell| cell.trim_matches(|c: char| c == '"' || c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: impl Into<Vec<u8>>, choices: Choices) -> Vec<Result<Row, String>> {
        let input = std::io::Cursor::new(text.into());
        match read_rows(input, None, choices) {
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
    fn every_way_of_writing_them_is_read() {
        let same = [Ok(row(2, "wx0a", false)), Ok(row(3, "wx0c", true))];
        for text in [
            "account,appid,notify_users,show_profile\nwx0a,wx0b,0,1\nwx0c,wx0b,1,1\n",
            "account;appid;notify_users;show_profile\nwx0a;wx0b;0;1\nwx0c;wx0b;1;1\n",
            "\u{feff}Show_Profile\tNote\tAppid\tAccount\tNotify_Users\r\nyes\t茶\twx0b\twx0a\tno\r\n\
             TRUE\t\twx0b\twx0c\t是\r\n",
            " account , appid , notify_users , show_profile \n\"wx0a\", wx0b ,false,true\nwx0c,wx0b,1,1",
            "\n{\"account\":\"wx0a\",\"appid\":\"wx0b\",\"notify_users\":0,\"show_profile\":true}\n\
             {\"account\":\"wx0c\",\"appid\":\" wx0b \",\"notify_users\":\"1\",\"show_profile\":1}\n",
        ] {
            assert_eq!(all(text, Choices::default()), same, "{text}");
        }
    }

    #[test]
    fn what_rows_do_not_say_may_be_said_for_all() {
        let choices = Choices {
            notify_users: Some(false),
            show_profile: Some(true),
        };
        let same = [Ok(row(2, "wx0a", false)), Ok(row(4, "wx0c", true))];
        assert_eq!(all("account,appid\nwx0a,wx0b\n", choices)[..], same[..1]);
        for text in [
            "appid,account,notify_users\nwx0b,wx0a,\n\nwx0b,wx0c,1\n",
            "appid,account,notify_users\r\nwx0b,wx0a,\r\n\r\nwx0b,wx0c,1",
            "appid,note,account\nwx0b,\"two\nlines\",wx0a\nwx0b,,wx0c\n",
        ] {
            let rows = all(text, choices);
            assert_eq!(rows[0], same[0], "{text}");
            assert_eq!(rows[1].as_ref().map(|row| row.line), Ok(4), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let head = "account,appid,notify_users,show_profile\n";
        for (text, says) in [
            (
                "account,appid,notify_users\na,b,1\n".to_owned(),
                "line 1: there is no column show_profile",
            ),
            (String::new(), "line 1: there is no column account"),
            (
                "account,appid,AppID,notify_users,show_profile\na,b,c,1,1\n".into(),
                "line 1: there are several columns appid",
            ),
            (
                format!("{head}a,b,1,1\na,,1,1\n"),
                "line 3: its appid is empty",
            ),
            (
                format!("{head}a,b,,1\n"),
                "line 2: it does not say notify_users",
            ),
            (
                format!("{head}a,b,maybe,1\n"),
                "line 2: its notify_users is neither",
            ),
            (
                format!("{head}a,b,1\n"),
                "line 2: it ends after 3 cells, before its show_profile",
            ),
            (
                format!("{head}a,{},1,1\n", "b".repeat(300)),
                "line 2: its appid is too long",
            ),
            ("{\"account\":\"a\"".into(), "line 1: it is no JSON"),
            ("{}\n[]".into(), "line 2: it is no object"),
        ] {
            let rows = all(text.clone(), Choices::default());
            let told = rows.into_iter().filter_map(Result::err).next_back();
            assert!(
                told.as_deref().is_some_and(|t| t.contains(says)),
                "{text}: {told:?}"
            );
        }
        // 茶 in the encoding that older spreadsheets save.
        let gbk = [head.as_bytes(), b"\xb2\xe8,b,1,1\n"].concat();
        let told = all(gbk, Choices::default()).remove(0).unwrap_err();
        assert!(told.contains("line 2") && told.contains("UTF-8"), "{told}");
    }

    /// The lines of good rows, and what is said of the bad ones.
    fn read(text: &str, choices: Choices) -> (Vec<u64>, Vec<String>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for row in all(text, choices) {
            match row {
                Ok(row) => good.push(row.line),
                Err(why) => bad.push(why),
            }
        }
        (good, bad)
    }

    const CHOICES: Choices = Choices {
        notify_users: Some(true),
        show_profile: Some(true),
    };

    #[test]
    fn a_quote_cannot_swallow_rows() {
        let head = "account,appid,notify_users,show_profile,note";
        let note_first = "note,account,appid,notify_users,show_profile";
        let within = "account,note,appid,notify_users,show_profile";
        for (head, rows, says) in [
            (
                head,
                "a,b,0,1,\"Beijing\nc,b,0,1,x\nd,b,0,1,y",
                "line 2: it opens a quote",
            ),
            (
                head,
                "a,b,0,1,x\nc,b,0,1,\"\nd,b,0,1,y\n",
                "line 3: it opens a quote",
            ),
            // The quote opens in a later line than its row.
            (head, "\"a\n\",b,0,1,\"x\ny", "line 3: it opens a quote"),
            // Closed by the next quote there is.
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,\"y\"\n",
                "line 2: the quote that opens here is closed in line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,y\"\nd,b,0,1,z\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b,0,1,y\nz\"\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nc,b\nz\"\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                head,
                "a,b,0,1,\"x\nno appid,,0,1\nz\"\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                note_first,
                "\"x,a,b,0,1\ny\",c,b,0,1\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                within,
                "a,\"x,b,0,1\nc,y\",b,0,1\n",
                "line 2: a cell in quotes goes on to line 3",
            ),
            (
                within,
                "a,\"x,b,0,1\nc,\"\",b,0,1\n",
                "line 2: it opens a quote",
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
            (head, "a,\"b\nc\",0,1,x\n", "line 2: its appid holds U+000A"),
            (
                "account,appid,notify_users,show_profile,\"note",
                "a,b,0,1,x\"\n",
                "line 1: a cell in quotes goes on",
            ),
            (
                "account,appid,notify_users,show_profile,\"note",
                "a,b,0,1,x\n",
                "line 1: it opens a quote",
            ),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("{head}\n{rows}").replace('\n', end);
                let (_, bad) = read(&text, CHOICES);
                assert_eq!(bad.len(), 1, "{text:?} {bad:?}");
                assert!(bad[0].starts_with(says), "{text:?} {bad:?}");
            }
        }
        let long = format!("{head}\na,b,0,1,\"{}", "x\n".repeat(1 << 20));
        let (_, bad) = read(&long, CHOICES);
        assert!(bad[0].starts_with("line 2: it opens a quote"), "{bad:?}");
    }

    #[test]
    fn cells_of_several_lines_may_hold_anything_else() {
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
                let (good, bad) = read(&text.replace('\n', end), Choices::default());
                assert_eq!(bad, [""; 0], "{text:?}");
                assert_eq!(good, [2, 2 + lines, 3 + 2 * lines], "{text:?}");
            }
        }
        // The own row may be the line that ends the cell.
        let text = "note,account,appid\n\"x\ny\",a,b\nz,c,b\n";
        assert_eq!(read(text, CHOICES), (vec![2, 4], vec![]));
    }

    #[test]
    fn a_row_that_could_be_read_in_two_ways_is_refused() {
        for (text, says) in [
            // Cells that are too many shift the others; those that are missing would have a
            // default.
            (
                "account,note,appid\na,x, y,b\n",
                "line 2: it has 4 cells for 3 columns",
            ),
            (
                "account,appid,notify_users\na,b,0\nc,b",
                "line 3: it ends after 2 cells, before its notify_users",
            ),
            (
                "account,appid\na,b\n\u{feff}account,appid\nc,b\n",
                "line 3: it names the columns again",
            ),
            (
                "account,appid\na,b\nAccount,App ID\n",
                "line 3: it names the columns again",
            ),
            (
                "account,appid\na\u{200b},b\n",
                "line 2: its account holds U+200B",
            ),
            (
                "account,appid\na,b\u{ff11}\n",
                "line 2: its appid holds '\u{ff11}' (U+FF11)",
            ),
            ("account,appid\na,b c\n", "line 2: its appid holds U+0020"),
            (
                "account,appid,note\na,b,\0\n",
                "line 2: it holds a NUL byte",
            ),
            (
                "account,appid,Notify Users,notify-users\na,b,0,1\n",
                "line 1: there are several columns notify_users",
            ),
            (
                "account,appid,notify_users\na,b,0.5\n",
                "line 2: its notify_users is neither",
            ),
            (
                "account,appid,notify_users\na,b,0 1\n",
                "line 2: its notify_users is neither",
            ),
            (
                "wx0a,wx0b\nwx0c,wx0d\n",
                "line 1: there is no column account",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"notify_users\":0,\"notify_users\":1}",
                "line 1: it is no JSON: the key \"notify_users\" is there twice",
            ),
            (
                "{\"account\":\"a\",\"\\u0061ppid\":\"b\",\"appid\":\"c\"}",
                "line 1: it is no JSON: the key \"appid\" is there twice",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"Notify_Users\":0,\"notify_users\":1}",
                "line 1: its keys \"Notify_Users\" and \"notify_users\" both mean notify_users",
            ),
            (
                "\n{\"account\":\"a\",\"appid\":\"b\",\"x\":{\"y\":1,\"y\":1}}",
                "line 2: it is no JSON: the key \"y\" is there twice",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\"} {\"account\":\"c\",\"appid\":\"b\"}",
                "line 1: it is no JSON: trailing characters",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\"}\n{\"account\":\"c\",\"app",
                "line 2: it is no JSON: EOF",
            ),
            (
                "[{\"account\":\"a\",\"appid\":\"b\"}]",
                "line 1: it is no object",
            ),
            (
                "{\"account\":[\"a\"],\"appid\":\"b\"}",
                "line 1: its account is no text",
            ),
            (
                "{\"account\":\"a\",\"appid\":7}",
                "line 1: its appid is no text",
            ),
            (
                "{\"account\":\"a\",\"appid\":\"b\",\"notify_users\":[0]}",
                "line 1: its notify_users is neither",
            ),
        ] {
            let (_, bad) = read(text, CHOICES);
            assert_eq!(bad.len(), 1, "{text:?} {bad:?}");
            assert!(bad[0].starts_with(says), "{text:?} {bad:?}");
        }
        let flags = "account,appid,Notify Users,show-profile\na,b,FALSE ,no\nc,b, No,\"0\"\n";
        for row in all(flags, CHOICES) {
            let row = row.unwrap();
            assert!(!row.notify_users && !row.show_profile, "{row:?}");
        }
        let same = "{\"account\":\"a\",\"appid\":\"b\",\"Notify-Users\":0}";
        assert!(!all(same, CHOICES)[0].as_ref().unwrap().notify_users);
        // A cell too many that is empty says nothing.
        assert_eq!(
            read("account;appid;;\na;b;;;;\n;;;\n \nc;b\n", CHOICES),
            (vec![2, 5], vec![])
        );
    }
}
