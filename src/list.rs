//! The list of linked mini programs, as types.
//!
//! Every field of an item is optional, and what is not described here is kept: WeChat's own pages
//! disagree about names and types, so nothing is refused for looking unlike them.

use serde_json::{Map, Value};

use crate::answer::Answer;

/// The answer of `getLinkMiniprogram`.
#[derive(Clone, Debug)]
pub struct LinkedList {
    answer: Answer,
    items: Vec<MiniProgram>,
}

impl LinkedList {
    /// Reads the list, or says in one clause why the answer holds none.
    #[doc(hidden)]
    pub fn read(answer: Answer) -> Result<LinkedList, String> {
        if !answer.json().is_object() {
            return Err("a number no type can hold".into());
        }
        let items = match answer.json().get("wxopens") {
            // An account without links, in the forms a server may give it.
            None | Some(Value::Null) => &Value::Null,
            Some(Value::Array(none)) if none.is_empty() => &Value::Null,
            Some(Value::Object(wxopens)) => wxopens.get("items").unwrap_or(&Value::Null),
            Some(_) => return Err("a list whose wxopens is not an object".into()),
        };
        let items = match items {
            Value::Null => Vec::new(),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_object().map(MiniProgram::read))
                .collect::<Option<_>>()
                .ok_or("a list with an item that is not an object")?,
            _ => return Err("a list whose items are not an array".into()),
        };
        Ok(LinkedList { answer, items })
    }

    /// The answer it was read from.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The items, in WeChat's order. They may hold service accounts as well as mini programs.
    pub fn items(&self) -> &[MiniProgram] {
        &self.items
    }

    /// The first item with that appid or original id (`gh_…`).
    pub fn find(&self, appid_or_username: &str) -> Option<&MiniProgram> {
        self.items.iter().find(|i| i.is(appid_or_username))
    }
}

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkStatus {
    /// 1: linked.
    Linked,
    /// 2: waits for the mini program's administrator.
    AwaitingMiniProgram,
    /// 3: the mini program's administrator refused.
    Refused,
    /// 12: waits for the Official Account's administrator.
    AwaitingOfficialAccount,
    /// A number nobody has described.
    Other(i64),
}

impl From<i64> for LinkStatus {
    fn from(n: i64) -> LinkStatus {
        match n {
            1 => LinkStatus::Linked,
            2 => LinkStatus::AwaitingMiniProgram,
            3 => LinkStatus::Refused,
            12 => LinkStatus::AwaitingOfficialAccount,
            n => LinkStatus::Other(n),
        }
    }
}

impl LinkStatus {
    /// WeChat's number.
    pub const fn code(self) -> i64 {
        match self {
            LinkStatus::Linked => 1,
            LinkStatus::AwaitingMiniProgram => 2,
            LinkStatus::Refused => 3,
            LinkStatus::AwaitingOfficialAccount => 12,
            LinkStatus::Other(n) => n,
        }
    }
}

/// One item of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MiniProgram {
    /// How far the link has come.
    pub status: Option<LinkStatus>,
    /// The original id, `gh_…`.
    pub username: Option<String>,
    /// The appid; refused items have none.
    pub appid: Option<String>,
    /// Seen as `SOURCE_NORMAL`; WeChat does not say what it means.
    pub source: Option<String>,
    /// The display name.
    pub nickname: Option<String>,
    /// 1: shown in the Official Account's page.
    pub selected: Option<i64>,
    /// 1: shown in "nearby mini programs", which forbids unlinking.
    pub nearby_display_status: Option<i64>,
    /// 1: published.
    pub released: Option<i64>,
    /// The picture's address.
    pub headimg_url: Option<String>,
    /// WeChat verification (id 1), WeChat Pay (id 2) and the like.
    pub func_infos: Vec<FuncInfo>,
    /// Seen as 1; WeChat does not say what it means.
    pub copy_verify_status: Option<i64>,
    /// The mini program's mail address.
    pub email: Option<String>,
    /// Every other field, and known ones whose value has another type than expected.
    pub extra: Map<String, Value>,
}

/// A capability of a mini program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FuncInfo {
    /// 1: WeChat verification. 2: WeChat Pay.
    pub id: Option<i64>,
    /// 0: closed. 1: open.
    pub status: Option<i64>,
    /// Its name, in Chinese.
    pub name: Option<String>,
    /// Every other field.
    pub extra: Map<String, Value>,
}

impl MiniProgram {
    fn read(fields: &Map<String, Value>) -> MiniProgram {
        let mut fields = Fields(fields.clone());
        MiniProgram {
            status: fields.number("status").map(LinkStatus::from),
            username: fields.text("username"),
            appid: fields.text("appid"),
            source: fields.text("source"),
            nickname: fields.text("nickname"),
            selected: fields.number("selected"),
            nearby_display_status: fields.number("nearby_display_status"),
            released: fields.number("released"),
            headimg_url: fields.text("headimg_url"),
            // The true name first, then those that WeChat's pages have printed.
            func_infos: ["func_infos", "func_info", "func_News"]
                .into_iter()
                .find_map(|name| fields.func_infos(name))
                .unwrap_or_default(),
            copy_verify_status: fields.number("copy_verify_status"),
            email: fields.text("email"),
            extra: fields.0,
        }
    }

    /// Whether that is its appid or original id.
    pub fn is(&self, appid_or_username: &str) -> bool {
        [&self.appid, &self.username]
            .into_iter()
            .any(|id| id.as_deref() == Some(appid_or_username))
    }
}

/// Fields not yet taken; what does not have the expected type stays.
struct Fields(Map<String, Value>);

impl Fields {
    fn take<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = read(self.0.get(name)?)?;
        self.0.remove(name);
        Some(value)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, |v| v.as_str().map(str::to_owned))
    }

    /// A number, or one in a string.
    fn number(&mut self, name: &str) -> Option<i64> {
        self.take(name, |v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
    }

    fn func_infos(&mut self, name: &str) -> Option<Vec<FuncInfo>> {
        self.take(name, |v| {
            let read = |v: &Value| {
                let mut fields = Fields(v.as_object()?.clone());
                Some(FuncInfo {
                    id: fields.number("id"),
                    status: fields.number("status"),
                    name: fields.text("name"),
                    extra: fields.0,
                })
            };
            v.as_array()?.iter().map(read).collect()
        })
    }
}
