//! The columns of rows: the four that make a link, those that reports add, and all others, which
//! belong to the user and are kept.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::message::{Message, message};

/// A column that makes a link.
#[derive(Clone, Copy, Debug)]
pub struct LinkColumn {
    /// Its name.
    pub name: &'static str,
    /// Its name in Chinese, in templates.
    pub chinese: &'static str,
    /// All names by which it is recognised, in the form of [`normalized`].
    names: &'static [&'static str],
}

impl LinkColumn {
    /// All names by which it is recognised, without blanks and punctuation and in lower case.
    pub const fn names(&self) -> &'static [&'static str] {
        self.names
    }
}

/// The columns that make a link, in the order in which tuples list them.
pub const LINK_COLUMNS: [LinkColumn; 4] = [
    LinkColumn {
        name: "account",
        chinese: "公众号appid",
        names: &[
            "account",
            "accountappid",
            "officialaccount",
            "officialaccountappid",
            "authorizerappid",
            "公众号",
            "公众号appid",
            "账号",
            "账号appid",
        ],
    },
    LinkColumn {
        name: "appid",
        chinese: "小程序appid",
        names: &[
            "appid",
            "miniprogram",
            "miniprogramappid",
            "小程序",
            "小程序appid",
        ],
    },
    LinkColumn {
        name: "notify_users",
        chinese: "通知粉丝",
        names: &[
            "notifyusers",
            "notifyfollowers",
            "通知粉丝",
            "是否通知粉丝",
            "通知用户",
            "是否通知用户",
        ],
    },
    LinkColumn {
        name: "show_profile",
        chinese: "展示小程序",
        names: &[
            "showprofile",
            "showinprofile",
            "展示",
            "是否展示",
            "展示小程序",
            "是否展示小程序",
            "资料页展示",
        ],
    },
];

/// The names of [`LINK_COLUMNS`].
pub(crate) const COLUMNS: [&str; 4] = [
    LINK_COLUMNS[0].name,
    LINK_COLUMNS[1].name,
    LINK_COLUMNS[2].name,
    LINK_COLUMNS[3].name,
];
/// The places of the columns in [`COLUMNS`].
pub(crate) const ACCOUNT: usize = 0;
pub(crate) const APPID: usize = 1;
pub(crate) const NOTIFY_USERS: usize = 2;
pub(crate) const SHOW_PROFILE: usize = 3;

/// The first columns of a report's files, before the user's. A file can be the input of another
/// job.
pub(crate) const REPORT_COLUMNS: [&str; 10] = [
    "line",
    "account",
    "appid",
    "notify_users",
    "show_profile",
    "outcome",
    "errcode",
    "rid",
    "due_in_beijing",
    "remedy",
];

/// Those of them that make no link, in the form of [`normalized`].
const ADDED_BY_REPORT: [&str; 6] = [
    "line",
    "outcome",
    "errcode",
    "rid",
    "dueinbeijing",
    "remedy",
];

/// How many other columns a job may have.
pub(crate) const MAX_OTHER_COLUMNS: usize = 1000;
/// The longest name of another column (bytes).
const MAX_NAME_BYTES: usize = 1000;
/// How large the other columns of a row may be together, names included (bytes). Up to a thousand
/// rows of an account are in memory at the same time.
const MAX_OTHER_BYTES: usize = 1 << 16;

/// The column that a name means, if it is one of those that make a link. Case, blanks and
/// punctuation do not matter: `Notify Users` is `notify_users`.
pub fn column_of(name: &str) -> Option<&'static str> {
    column_index(name).map(|index| COLUMNS[index])
}

/// The place in [`COLUMNS`] of the column that a name means.
pub(crate) fn column_index(name: &str) -> Option<usize> {
    // The fast path: most names are spelled exactly like this.
    if let Some(index) = COLUMNS.iter().position(|column| *column == name) {
        return Some(index);
    }
    let name = normalized(name);
    LINK_COLUMNS
        .iter()
        .position(|column| column.names.contains(&name.as_str()))
}

/// A name without blanks and punctuation, in lower case.
fn normalized(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether the names are those of a report's file, whose own columns are not the user's.
pub(crate) fn is_report(names: &[&str]) -> bool {
    ["line", "outcome"].iter().all(|name| names.contains(name))
}

/// Whether a column is one that reports add.
pub(crate) fn is_added_by_report(name: &str) -> bool {
    ADDED_BY_REPORT.contains(&normalized(name).as_str())
}

/// The use of each column of an input.
pub(crate) struct ColumnMap {
    /// The position in the input of each column of [`COLUMNS`].
    pub positions: [Option<usize>; 4],
    /// The columns that are kept, in the order of the input.
    pub other: Vec<OtherColumn>,
}

/// A column that is kept.
pub(crate) struct OtherColumn {
    /// Its position in the input.
    pub position: usize,
    /// Its name, which differs from the names of all other columns and of a report's.
    pub name: String,
    /// Whether the input does not name it. Empty cells of it are not kept: many spreadsheets write
    /// empty columns.
    is_unnamed: bool,
}

/// Two columns with the same meaning.
pub(crate) struct DuplicateColumn {
    /// The place of their meaning in [`COLUMNS`].
    pub index: usize,
    /// The position of the first one.
    pub first: usize,
    /// The position of the second one.
    pub second: usize,
}

impl ColumnMap {
    /// Finds the use of the columns with these names, except those for which `is_dropped`.
    pub fn new(
        names: &[&str],
        is_dropped: impl Fn(&str) -> bool,
    ) -> Result<ColumnMap, DuplicateColumn> {
        let mut map = ColumnMap {
            positions: [None; 4],
            other: Vec::new(),
        };
        for (position, name) in names.iter().enumerate() {
            if let Some(index) = column_index(name) {
                if let Some(first) = map.positions[index].replace(position) {
                    return Err(DuplicateColumn {
                        index,
                        first,
                        second: position,
                    });
                }
            } else if !is_dropped(name) {
                map.other.push(OtherColumn {
                    position,
                    name: (*name).to_owned(),
                    is_unnamed: name.trim().is_empty(),
                });
            }
        }
        Ok(map)
    }

    /// Gives each other column a name of its own.
    ///
    /// # Errors
    /// There are too many, or a name is too long.
    pub fn name_others(&mut self) -> Result<(), Message> {
        let mut names = HashSet::new();
        let is_taken =
            |names: &HashSet<String>, name: &str| names.contains(name) || is_added_by_report(name);
        let (unnamed, named): (Vec<_>, Vec<_>) =
            self.other.iter_mut().partition(|column| column.is_unnamed);
        if named.len() > MAX_OTHER_COLUMNS {
            return Err(too_many_columns());
        }
        for column in named.into_iter().chain(unnamed) {
            if column.is_unnamed {
                column.name = format!("column {}", column.position + 1);
            }
            if column.name.len() > MAX_NAME_BYTES {
                let start: String = column.name.chars().take(40).collect();
                return Err(message!(
                    "the column name {start:?}… is longer than {MAX_NAME_BYTES} bytes. Shorten it",
                    "列名 {start:?}… 超过 {MAX_NAME_BYTES} 字节，请缩短"
                ));
            }
            let name = &column.name;
            let numbered = || (2..).map(|n| format!("{name} ({n})"));
            if is_taken(&names, name) {
                let free = numbered().find(|name| !is_taken(&names, name));
                column.name = free.unwrap_or_default();
            }
            names.insert(column.name.clone());
        }
        Ok(())
    }
}

/// The error for more names of other columns than are kept.
pub(crate) fn too_many_columns() -> Message {
    message!(
        "more than {MAX_OTHER_COLUMNS} columns besides those of a link. Remove those that the \
         report need not show",
        "除关联所需的列外，其他列超过 {MAX_OTHER_COLUMNS} 个。请删除报告中不需要的列"
    )
}

/// The cells of a row in its other columns, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherCells(Vec<OtherCell>);

impl FromIterator<OtherCell> for OtherCells {
    fn from_iter<I: IntoIterator<Item = OtherCell>>(cells: I) -> OtherCells {
        OtherCells(cells.into_iter().collect())
    }
}

/// A cell in a column that belongs to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherCell {
    /// The name of the column, unique in its row.
    pub name: String,
    /// The text in it.
    pub text: String,
}

impl OtherCells {
    /// The cells of a row. `text` returns the text at a position of the input.
    ///
    /// # Errors
    /// They are too large together.
    pub(crate) fn read<'a>(
        columns: &[OtherColumn],
        text: impl Fn(usize) -> &'a str,
    ) -> Result<OtherCells, Message> {
        let (mut cells, mut bytes) = (Vec::new(), 0);
        for column in columns {
            let text = text(column.position);
            if column.is_unnamed && text.is_empty() {
                continue;
            }
            bytes += column.name.len() + text.len();
            if bytes > MAX_OTHER_BYTES {
                return Err(message!(
                    "the columns besides those of a link are larger than {MAX_OTHER_BYTES} bytes \
                     together. Shorten their cells, or remove columns that the report need not show",
                    "除关联所需的列外，其他列合计超过 {MAX_OTHER_BYTES} 字节。\
                     请缩短单元格，或删除报告中不需要的列"
                ));
            }
            cells.push(OtherCell {
                name: column.name.clone(),
                text: text.to_owned(),
            });
        }
        Ok(OtherCells(cells))
    }

    /// Whether the row has no other columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cells, in the order of the input.
    pub fn iter(&self) -> impl Iterator<Item = &OtherCell> {
        self.0.iter()
    }
}

// As a JSON object whose keys keep their order.
impl Serialize for OtherCells {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter().map(|cell| (&cell.name, &cell.text)))
    }
}

impl<'de> Deserialize<'de> for OtherCells {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<OtherCells, D::Error> {
        struct Cells;

        impl<'de> Visitor<'de> for Cells {
            type Value = OtherCells;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OtherCells, A::Error> {
                let mut cells = Vec::new();
                while let Some((name, text)) = map.next_entry()? {
                    cells.push(OtherCell { name, text });
                }
                Ok(OtherCells(cells))
            }
        }

        from.deserialize_map(Cells)
    }
}

/// The names of the other columns of several rows, in the order in which they first appear.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherNames {
    names: Vec<String>,
    known: HashSet<String>,
}

impl OtherNames {
    /// Adds the names in a row.
    pub fn add(&mut self, cells: &OtherCells) {
        for cell in cells.iter() {
            if !self.known.contains(&cell.name) {
                self.known.insert(cell.name.clone());
                self.names.push(cell.name.clone());
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The names.
    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(names: &[&str]) -> Vec<String> {
        let mut map = ColumnMap::new(names, |_| false).ok().unwrap();
        map.name_others().unwrap();
        map.other.into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn every_other_column_gets_a_name_of_its_own() {
        let names = [
            "account",
            "note",
            "Note",
            "note",
            "note (2)",
            "",
            "column 6",
            "line",
            "Due in Beijing",
            "App ID",
        ];
        let expected = [
            "note",
            "Note",
            "note (2)",
            "note (2) (2)",
            "column 6 (2)",
            "column 6",
            "line (2)",
            "Due in Beijing (2)",
        ];
        assert_eq!(names_of(&names), expected);
        // Names that were given once are kept when a report is read.
        let expected: Vec<&str> = expected.to_vec();
        assert_eq!(names_of(&expected), expected);
    }

    #[test]
    fn columns_are_recognised_by_every_name() {
        let mut all = HashSet::new();
        for column in LINK_COLUMNS {
            for name in [column.name, column.chinese].iter().chain(column.names) {
                assert_eq!(column_of(name), Some(column.name), "{name}");
                let spelled = format!(" {}? ", name.to_uppercase());
                assert_eq!(column_of(&spelled), Some(column.name), "{spelled}");
            }
            for name in column.names {
                assert_eq!(normalized(name), *name);
                assert!(all.insert(*name), "{name} means two columns");
            }
        }
        let added = REPORT_COLUMNS.into_iter();
        let added: Vec<_> = added.filter(|name| is_added_by_report(name)).collect();
        let others = REPORT_COLUMNS.len() - COLUMNS.len();
        assert_eq!((added.len(), ADDED_BY_REPORT.len()), (others, others));
        for other in ["公众号名称", "小程序名称", "note", ""] {
            assert_eq!(column_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_cells_of_a_row_keep_their_order_in_json() {
        let cells = OtherCells(
            ["z", "a", "m"]
                .map(|name| OtherCell {
                    name: name.to_owned(),
                    text: format!("{name}\""),
                })
                .to_vec(),
        );
        let json = serde_json::to_string(&cells).unwrap();
        assert_eq!(json, r#"{"z":"z\"","a":"a\"","m":"m\""}"#);
        assert_eq!(serde_json::from_str::<OtherCells>(&json).unwrap(), cells);
    }
}
