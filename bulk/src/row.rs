//! The rows of a job, as people and programs write them.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wxlink::{LinkChoices, MAX_APPID};

/// The columns; others are left alone.
const COLUMNS: [&str; 4] = ["account", "appid", "notify_users", "show_profile"];

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
        mut column: impl FnMut(&'static str) -> Option<Cow<'a, str>>,
    ) -> Result<Row, BadRow> {
        let wrong = |why: String| BadRow { line, why };
        let mut appid = |name| match column(name) {
            Some(text) if text.len() > MAX_APPID || text.contains(char::is_control) => Err(wrong(
                format!("its {name} is too long or holds control characters"),
            )),
            Some(text) if text.is_empty() => Err(wrong(format!("its {name} is empty"))),
            Some(text) => Ok(text.into_owned()),
            None => Err(wrong(format!("it has no {name}"))),
        };
        let (account, linked) = (appid("account")?, appid("appid")?);
        let mut flag = |name, otherwise: Option<bool>| {
            let text = column(name).filter(|text| !text.is_empty());
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
            notify_users: flag("notify_users", choices.notify_users)?,
            show_profile: flag("show_profile", choices.show_profile)?,
        })
    }

    /// A row from a JSON object.
    ///
    /// # Errors
    /// It is none, or a field is missing or makes no sense.
    pub fn of_json(line: u64, value: &Value, choices: Choices) -> Result<Row, BadRow> {
        let Value::Object(fields) = value else {
            let why = "it is no object with account, appid, notify_users and show_profile".into();
            return Err(BadRow { line, why });
        };
        Row::new(line, choices, |name| match fields.get(name)? {
            Value::String(text) => Some(Cow::from(text.trim())),
            Value::Null => None,
            other => Some(other.to_string().into()),
        })
    }
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

/// Reads rows, one by one.
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
        Some(b'{') => Format::Jsonl,
        _ => Format::Csv,
    };
    let first_line = start[mark..].split(|b| *b == b'\n').next();
    let delimiter = delimiter_of(first_line.unwrap_or_default());
    input.consume(mark);
    match format.unwrap_or(looks_like) {
        Format::Jsonl => Ok(Box::new(of_jsonl(input, choices))),
        Format::Csv => Ok(Box::new(of_csv(input, delimiter, choices)?)),
    }
}

fn of_jsonl(
    mut input: impl BufRead,
    choices: Choices,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    let (mut text, mut line) = (Vec::new(), 0);
    std::iter::from_fn(move || {
        loop {
            text.clear();
            line += 1;
            let wrong = |why: String| Some(Err(BadRow { line, why }));
            match input.read_until(b'\n', &mut text) {
                Ok(0) => return None,
                Ok(_) if text.trim_ascii().is_empty() => {}
                Ok(_) => match serde_json::from_slice(&text) {
                    Ok(value) => return Some(Row::of_json(line, &value, choices)),
                    Err(e) => return wrong(format!("it is no JSON: {e}")),
                },
                Err(e) => return wrong(format!("it cannot be read: {e}")),
            }
        }
    })
}

fn of_csv(
    input: impl Read,
    delimiter: u8,
    choices: Choices,
) -> Result<impl Iterator<Item = Result<Row, BadRow>>, BadRow> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        // The other end of line, CR and LF, is then trimmed.
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .trim(csv::Trim::All)
        // Every record then has an end.
        .from_reader(input.chain(&b"\n"[..]));
    let names = reader.headers().map_err(|e| bad_csv(&e))?;
    let at = COLUMNS.map(|c| names.iter().position(|n| n.eq_ignore_ascii_case(c)));
    for name in COLUMNS {
        let same = names.iter().filter(|n| n.eq_ignore_ascii_case(name));
        if same.count() > 1 {
            let why = format!("there are several columns {name}; leave one");
            return Err(BadRow { line: 1, why });
        }
    }
    let have = [None, None, choices.notify_users, choices.show_profile];
    for ((name, at), have) in COLUMNS.iter().zip(at).zip(have) {
        if at.is_none() && have.is_none() {
            let why = format!(
                "there is no column {name}; the first line is to name the columns {}",
                COLUMNS.join(", ")
            );
            return Err(BadRow { line: 1, why });
        }
    }
    let mut record = csv::StringRecord::new();
    Ok(std::iter::from_fn(move || {
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => return None,
                Ok(true) if record.iter().all(str::is_empty) => {}
                Ok(true) => break,
                Err(e) => return Some(Err(bad_csv(&e))),
            }
        }
        // Where a record begins, the reader counts empty lines before it to it; so it is counted from the end.
        let within = record.iter().flat_map(str::bytes).filter(|b| *b == b'\n');
        let line = reader.position().line() - 1 - within.count() as u64;
        let column = |name: &str| {
            let nth = COLUMNS.iter().position(|c| *c == name)?;
            Some(Cow::from(record.get(at[nth]?)?))
        };
        Some(Row::new(line, choices, column))
    }))
}

/// What separates the columns of a first line.
fn delimiter_of(line: &[u8]) -> u8 {
    let count = |d: &u8| line.iter().filter(|b| *b == d).count();
    // Of equals the last is taken.
    let found = [b'\t', b';', b','].into_iter().max_by_key(count);
    found.unwrap_or(b',')
}

fn bad_csv(error: &csv::Error) -> BadRow {
    let line = error.position().map_or(1, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            "it is not UTF-8; save the file as CSV UTF-8 (spreadsheets offer that under Save as)"
                .into()
        }
        _ => error.to_string(),
    };
    BadRow { line, why }
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
                "line 2: it does not say show_profile",
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
}
