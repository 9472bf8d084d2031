//! One row of a job: one link to make.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use wxlink::{LinkChoices, MAX_APPID_BYTES};

use crate::columns::{ACCOUNT, APPID, COLUMNS, ColumnMap, NOTIFY_USERS, OtherCells, SHOW_PROFILE};
use crate::field::{Field, FieldValue, fields_of};
use crate::message::{Message, message};

/// The fields of a record, and of a planned row, that are not the user's.
const RECORD_FIELDS: [&str; 10] = [
    "line", "outcome", "action", "errcode", "rid", "message", "posts", "until", "at", "job",
];
/// The field of a record with the user's other columns.
pub(crate) const OTHER_FIELD: &str = "other";

/// How much of an invalid value an error shows (characters).
pub(crate) const MAX_SHOWN_CHARS: usize = 40;

/// One link to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its place in the input: the number of its first line, or of the item, from 1.
    pub line: u64,
    /// The Official Account's appid.
    pub account: String,
    /// The mini program's appid.
    pub appid: String,
    /// Whether every follower of the account is messaged.
    pub notify_users: bool,
    /// Whether the account's page shows the mini program.
    pub show_profile: bool,
    /// The columns that belong to the user. Reports show them.
    #[serde(default, skip_serializing_if = "OtherCells::is_empty")]
    pub other: OtherCells,
}

/// Values for the columns that a row leaves empty. Without one, such a row is invalid.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowDefaults {
    /// For `notify_users`.
    pub notify_users: Option<bool>,
    /// For `show_profile`.
    pub show_profile: Option<bool>,
}

/// An invalid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its place in the input, as in [`Row::line`].
    pub line: u64,
    /// Why it is invalid, and how to fix it.
    pub why: Message,
}

impl BadRow {
    /// The error for an item that has no fields.
    pub fn not_an_object(line: u64) -> BadRow {
        let why = message!(
            "expected an object with account, appid, notify_users and show_profile",
            "应为包含 account、appid、notify_users 和 show_profile 的对象"
        );
        BadRow { line, why }
    }

    /// "line 7: …", in every language.
    pub fn message(&self) -> Message {
        let BadRow { line, why } = self;
        let (en, zh) = (why.get(wxlink::Lang::En), why.get(wxlink::Lang::Zh));
        message!("line {line}: {en}", "第 {line} 行：{zh}")
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl Row {
    /// The choices for its link.
    pub fn choices(&self) -> LinkChoices {
        LinkChoices {
            notify_users: self.notify_users,
            show_profile: self.show_profile,
        }
    }

    /// Its line in a job's file of rows, with the line end.
    pub(crate) fn to_json_line(&self) -> Vec<u8> {
        // Serialising these fields cannot fail.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// A row from the texts in its columns. `column` returns `None` for a column that is missing.
    pub(crate) fn from_columns<'a>(
        line: u64,
        defaults: RowDefaults,
        mut column: impl FnMut(usize) -> Option<Cow<'a, str>>,
    ) -> Result<Row, BadRow> {
        let bad = |why: Message| BadRow { line, why };
        let mut appid = |index: usize| {
            let name = COLUMNS[index];
            let Some(text) = column(index) else {
                return Err(bad(message!("missing {name}", "缺少 {name}")));
            };
            if text.is_empty() {
                return Err(bad(message!("{name} is empty", "{name} 为空")));
            }
            if text.len() > MAX_APPID_BYTES {
                return Err(bad(message!(
                    "{name} is longer than {MAX_APPID_BYTES} bytes",
                    "{name} 超过 {MAX_APPID_BYTES} 字节"
                )));
            }
            if let Some(at) = text.chars().position(|c| !is_allowed_in_appid(c)) {
                return Err(bad(invalid_char(name, &text, at)));
            }
            Ok(text.into_owned())
        };
        let (account, linked) = (appid(ACCOUNT)?, appid(APPID)?);
        let mut flag = |index: usize, default: Option<bool>| {
            let name = COLUMNS[index];
            if let Some(text) = column(index).filter(|text| !text.is_empty()) {
                return parse_flag(&text).ok_or_else(|| {
                    let shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
                    bad(message!(
                        "invalid {name} {shown:?}: expected 0 or 1 (or no, yes, false, true)",
                        "{name} 的值 {shown:?} 无效：应为 0 或 1（也可写 no、yes、false、true、否、是）"
                    ))
                });
            }
            default.ok_or_else(|| {
                bad(message!(
                    "missing {name}, which has no default: write 0 or 1, or set it for all rows",
                    "缺少 {name}，该列没有默认值：请填 0 或 1，或为所有行统一指定"
                ))
            })
        };
        Ok(Row {
            line,
            account,
            appid: linked,
            notify_users: flag(NOTIFY_USERS, defaults.notify_users)?,
            show_profile: flag(SHOW_PROFILE, defaults.show_profile)?,
            other: OtherCells::default(),
        })
    }

    /// A row from the fields of an object. Their names are recognised as
    /// [`column_of`](crate::column_of) does. Fields that make no link are kept. Those of a record,
    /// as `--json` prints it, are not: what it has in `other` is kept instead.
    ///
    /// # Errors
    /// A field is missing or invalid, two name the same column, or there are too many.
    pub fn from_fields(
        line: u64,
        fields: Vec<Field>,
        defaults: RowDefaults,
    ) -> Result<Row, BadRow> {
        let bad = |why: Message| BadRow { line, why };
        let fields = user_fields(fields);
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let mut map = ColumnMap::new(&names, |_| false).map_err(|duplicate| {
            let (other, key) = (names[duplicate.first], names[duplicate.second]);
            let name = COLUMNS[duplicate.index];
            bad(message!(
                "keys {other:?} and {key:?} both mean {name}; keep or rename one",
                "键 {other:?} 和 {key:?} 都表示 {name}，请只保留一个，或将另一个改名"
            ))
        })?;
        let value = |index: usize| Some(&fields[map.positions[index]?].value);
        for index in [ACCOUNT, APPID] {
            let name = COLUMNS[index];
            if let Some(FieldValue::Json(_)) = value(index) {
                return Err(bad(message!("{name} is not a string", "{name} 不是字符串")));
            }
        }
        let row = Row::from_columns(line, defaults, |index| match value(index)? {
            FieldValue::Null => None,
            FieldValue::Text(text) => Some(Cow::from(text.trim_matches(is_blank))),
            FieldValue::Json(text) => Some(Cow::from(text)),
        })?;
        map.name_others().map_err(bad)?;
        let other = OtherCells::read(&map.other, |position| fields[position].value.as_text());
        Ok(Row {
            other: other.map_err(bad)?,
            ..row
        })
    }
}

/// The fields without those of a record, whose other columns take their place.
fn user_fields(fields: Vec<Field>) -> Vec<Field> {
    let has = |name: &str| fields.iter().any(|field| field.name == name);
    if !has("line") || !(has("outcome") || has("action")) {
        return fields;
    }
    let mut kept = Vec::new();
    for field in fields {
        let others = match &field.value {
            FieldValue::Json(text) if field.name == OTHER_FIELD => fields_of(text),
            _ => None,
        };
        match others {
            Some(others) => kept.extend(others),
            None if RECORD_FIELDS.contains(&field.name.as_str()) => {}
            None => kept.push(field),
        }
    }
    kept
}

/// Whether an appid, or the original id of an account, may contain the character.
pub(crate) fn is_allowed_in_appid(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.@".contains(c)
}

/// Whether a character is ignored at both ends of a cell. Other blanks, such as U+00A0, come from
/// copied text and are refused in an appid.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Why the appid in this column is invalid: its character at `at`.
fn invalid_char(column: &str, text: &str, at: usize) -> Message {
    let found = describe_char(text.chars().nth(at).unwrap_or_default(), at == 0);
    let (en, zh) = (found.get(wxlink::Lang::En), found.get(wxlink::Lang::Zh));
    let at = at + 1;
    message!(
        "{column} contains {en} as its character {at}, which is not allowed in an appid",
        "{column} 的第 {at} 个字符为 {zh}，appid 中不允许出现该字符"
    )
}

/// A character with its number, and the name of an invisible one. `is_first`: it begins a cell.
pub(crate) fn describe_char(found: char, is_first: bool) -> Message {
    let code = format!("U+{:04X}", u32::from(found));
    let (name_en, name_zh) = match found {
        '\t' => ("tab", "制表符"),
        '\n' => ("line end", "换行符"),
        ' ' => ("space", "空格"),
        '\u{a0}' | '\u{202f}' => ("no-break space", "不换行空格"),
        '\u{3000}' => ("full-width space", "全角空格"),
        '\u{ad}' => ("soft hyphen", "软连字符"),
        '\u{200b}' => ("zero-width space", "零宽空格"),
        '\u{200c}' | '\u{200d}' => ("zero-width joiner", "零宽连接符"),
        '\u{2060}' => ("word joiner", "单词连接符"),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            ("invisible direction mark", "不可见的方向标记")
        }
        '\u{feff}' => ("byte-order mark", "字节顺序标记"),
        '\u{ff01}'..='\u{ff5e}' => ("full-width", "全角字符"),
        '=' | '\'' if is_first => ("with which spreadsheets mark text", "电子表格用它标记文本"),
        _ => ("", ""),
    };
    let is_visible = found.is_ascii_graphic() || found.is_alphanumeric();
    let describe = |name: &str| match (is_visible, name) {
        (true, "") => format!("\"{found}\" ({code})"),
        (true, name) => format!("\"{found}\" ({code}, {name})"),
        (false, "") => code.clone(),
        (false, name) => format!("{code} ({name})"),
    };
    Message::new(describe(name_en), describe(name_zh))
}

/// Parses yes or no, as spreadsheets and programs write them. A column of numbers with empty cells
/// becomes 1.0 and 0.0 in some of them (pandas).
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "yes" | "true" | "y" | "是" => Some(true),
        "0" | "0.0" | "no" | "false" | "n" | "否" => Some(false),
        _ => None,
    }
}
