//! Checks all rows before any is sent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use crate::columns::{MAX_OTHER_COLUMNS, OtherNames, too_many_columns};
use crate::error::BulkError;
use crate::message::{Message, message};
use crate::row::{BadRow, Row};

/// How many invalid rows an error lists.
const MAX_LISTED_BAD_ROWS: usize = 20;

/// What is known about all rows of an input.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowSummary {
    /// The checksum of all rows, in the order of the input.
    pub crc32: u32,
    pub rows: u64,
    /// Rows that message every follower of their account.
    pub notifying: u64,
    /// The largest line number of a row.
    pub last_line: u64,
    /// The names of the other columns, in the order in which they first appear.
    pub other_columns: Vec<String>,
}

/// Reads all rows, calls `each` with every valid one and its JSON line, and summarises them.
///
/// # Errors
/// Rows are invalid (the error lists them), there are none, or `each` failed.
pub(crate) fn check_rows(
    rows: impl Iterator<Item = Result<Row, BadRow>>,
    mut each: impl FnMut(&Row, &[u8]) -> Result<(), BulkError>,
) -> Result<RowSummary, BulkError> {
    let mut bad = BadRows::default();
    let mut checksum = crc32fast::Hasher::new();
    let mut summary = RowSummary::default();
    let mut links = Links::default();
    let mut names = OtherNames::default();
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(row) => {
                bad.add(&row);
                continue;
            }
        };
        if row.line > u64::from(u32::MAX) {
            return Err(BulkError::usage(message!(
                "too many lines: a job takes at most 4,294,967,295. Split the file into several \
                 jobs",
                "行数过多：一个任务最多 4,294,967,295 行。请拆分为多个任务"
            )));
        }
        if let Err(row) = links.add(&row) {
            bad.add(&row);
            continue;
        }
        names.add(&row.other);
        if names.count() > MAX_OTHER_COLUMNS {
            let (line, why) = (row.line, too_many_columns());
            bad.add(&BadRow { line, why });
            break;
        }
        let text = row.to_json_line();
        checksum.update(&text);
        summary.rows += 1;
        summary.notifying += u64::from(row.notify_users);
        summary.last_line = summary.last_line.max(row.line);
        each(&row, &text)?;
    }
    bad.check()?;
    if summary.rows == 0 {
        return Err(BulkError::usage(message!("no rows", "没有任何行")));
    }
    summary.crc32 = checksum.finalize();
    summary.other_columns = names.into_names();
    Ok(summary)
}

/// The links of the rows so far, to find rows that contradict each other.
#[derive(Default)]
struct Links {
    /// The line of each link's first row and its two choices, by a hash of the link.
    first: HashMap<u64, (u32, [bool; 2])>,
    hasher: RandomState,
}

impl Links {
    /// # Errors
    /// An earlier row has the same link with other choices. It would be a guess which of them
    /// counts.
    fn add(&mut self, row: &Row) -> Result<(), BadRow> {
        let choices = [row.notify_users, row.show_profile];
        let line = u32::try_from(row.line).unwrap_or(u32::MAX);
        let link = self.hasher.hash_one((&row.account, &row.appid));
        let first = match self.first.entry(link) {
            Entry::Vacant(entry) => {
                entry.insert((line, choices));
                return Ok(());
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        if first.1 == choices {
            return Ok(());
        }
        let earlier = first.0;
        Err(BadRow {
            line: row.line,
            why: message!(
                "the same account and appid as line {earlier}, with another notify_users or \
                 show_profile; keep one of them",
                "与第 {earlier} 行的 account 和 appid 相同，但 notify_users 或 show_profile 不同；\
                 请只保留一行"
            ),
        })
    }
}

/// The invalid rows of an input: all are counted, the first ones listed.
#[derive(Default)]
struct BadRows {
    count: u64,
    listed: Vec<Message>,
}

impl BadRows {
    fn add(&mut self, row: &BadRow) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED_BAD_ROWS {
            self.listed.push(row.message());
        }
    }

    fn check(&self) -> Result<(), BulkError> {
        let count = self.count;
        if count == 0 {
            return Ok(());
        }
        let list = |lang| {
            let lines = self.listed.iter().map(|row| row.get(lang));
            lines.map(|line| format!("\n  {line}")).collect::<String>()
        };
        let (en, zh) = (list(wxlink::Lang::En), list(wxlink::Lang::Zh));
        let rows = if count == 1 { "row" } else { "rows" };
        let more = count.saturating_sub(self.listed.len() as u64);
        let more = if more == 0 {
            Message::from("")
        } else {
            message!("\n  and {more} more", "\n  另有 {more} 行")
        };
        let (more_en, more_zh) = (more.get(wxlink::Lang::En), more.get(wxlink::Lang::Zh));
        Err(BulkError::usage(message!(
            "{count} invalid {rows}; nothing was sent. Fix them and run again:{en}{more_en}",
            "{count} 行无效，未发送任何请求。请修正后重新运行：{zh}{more_zh}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::OtherCells;
    use crate::field::{Field, FieldValue};
    use crate::row::RowDefaults;

    fn row(line: u64, appid: &str, notify_users: bool, show_profile: bool) -> Result<Row, BadRow> {
        Ok(Row {
            line,
            account: "wx0a00000000000001".to_owned(),
            appid: appid.to_owned(),
            notify_users,
            show_profile,
            other: OtherCells::default(),
        })
    }

    #[test]
    fn rows_that_contradict_each_other_are_refused_with_both_lines() {
        let rows = |last| [row(2, "wx1", false, true), row(3, "wx2", true, true), last];
        let same = rows(row(4, "wx1", false, true));
        assert_eq!(check_rows(same.into_iter(), |_, _| Ok(())).unwrap().rows, 3);
        for (notify_users, show_profile) in [(true, true), (false, false)] {
            let other = rows(row(4, "wx1", notify_users, show_profile));
            let refused = check_rows(other.into_iter(), |_, _| Ok(())).unwrap_err();
            let expected =
                "line 4: the same account and appid as line 2, with another notify_users";
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }
    #[test]
    fn the_names_of_other_columns_are_bounded() {
        let rows = |fields: usize| {
            let mut n = 0;
            (1..=10).map(move |line| {
                let field = |n: &usize| Field {
                    name: format!("c{n}"),
                    value: FieldValue::Null,
                };
                let mut all: Vec<Field> = (n..n + fields)
                    .collect::<Vec<_>>()
                    .iter()
                    .map(field)
                    .collect();
                n += fields;
                for name in ["account", "appid"] {
                    all.push(Field {
                        name: name.to_owned(),
                        value: FieldValue::Text("wx0a".to_owned()),
                    });
                }
                let defaults = RowDefaults {
                    notify_users: Some(false),
                    show_profile: Some(false),
                };
                Row::from_fields(line, all, defaults)
            })
        };
        let summary = check_rows(rows(100), |_, _| Ok(())).unwrap();
        let expected: Vec<String> = (0..1000).map(|n| format!("c{n}")).collect();
        assert_eq!(summary.other_columns, expected);
        let refused = check_rows(rows(101), |_, _| Ok(())).unwrap_err();
        let expected = "line 10: more than 1000 columns besides those of a link";
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}
