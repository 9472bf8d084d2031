//! The list of linked mini programs, as types.
//!
//! Every field of an item is optional, and what is not described here is kept: WeChat's own pages
//! disagree about names and types, so nothing is refused for looking unlike them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
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
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            wxopens: Wxopens,
        }
        let body: Body = answer.parse().ok_or_else(|| why_none(answer.json()))?;
        Ok(LinkedList {
            answer,
            items: body.wxopens.0,
        })
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
    /// Whether that is its appid or original id.
    pub fn is(&self, appid_or_username: &str) -> bool {
        [&self.appid, &self.username]
            .into_iter()
            .any(|id| id.as_deref() == Some(appid_or_username))
    }
}

/// Why an answer holds no list, in one clause.
fn why_none(tree: &Value) -> String {
    let items = tree.get("wxopens").and_then(|w| w.get("items"));
    match (tree, tree.get("wxopens"), items) {
        (Value::Null, ..) => "a number no type can hold",
        (_, _, Some(Value::Array(_))) => "a list with an item that is not an object",
        (_, _, Some(_)) => "a list whose items are not an array",
        _ => "a list whose wxopens is not an object",
    }
    .into()
}

/// What holds the items: an object, or for an account without links whatever a server may say.
#[derive(Default)]
struct Wxopens(Vec<MiniProgram>);

impl<'de> Deserialize<'de> for Wxopens {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Wxopens, D::Error> {
        struct Opens;
        impl<'de> Visitor<'de> for Opens {
            type Value = Wxopens;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with items")
            }
            fn visit_unit<E>(self) -> Result<Wxopens, E> {
                Ok(Wxopens::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Wxopens, A::Error> {
                match seq.next_element::<IgnoredAny>()? {
                    None => Ok(Wxopens::default()),
                    Some(_) => Err(A::Error::custom("an array")),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wxopens, A::Error> {
                let mut items = None;
                while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                    match &*key {
                        "items" => items = map.next_value::<Option<Vec<MiniProgram>>>()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Wxopens(items.unwrap_or_default()))
            }
        }
        from.deserialize_any(Opens)
    }
}

impl<'de> Deserialize<'de> for MiniProgram {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<MiniProgram, D::Error> {
        let mut item = MiniProgram::default();
        // The true name first, then those that WeChat's pages have printed.
        let mut infos = [None, None, None];
        from.deserialize_map(Fields(|key: &str, value| {
            match key {
                "status" => {
                    let (number, rest) = number(value);
                    item.status = number.map(LinkStatus::from);
                    return rest;
                }
                "username" => return text(&mut item.username, value),
                "appid" => return text(&mut item.appid, value),
                "source" => return text(&mut item.source, value),
                "nickname" => return text(&mut item.nickname, value),
                "headimg_url" => return text(&mut item.headimg_url, value),
                "email" => return text(&mut item.email, value),
                _ => {}
            }
            let place = match key {
                "selected" => &mut item.selected,
                "nearby_display_status" => &mut item.nearby_display_status,
                "released" => &mut item.released,
                "copy_verify_status" => &mut item.copy_verify_status,
                "func_infos" => return func_infos(&mut infos[0], value),
                "func_info" => return func_infos(&mut infos[1], value),
                "func_News" => return func_infos(&mut infos[2], value),
                _ => return Some(value),
            };
            let (number, rest) = number(value);
            *place = number;
            rest
        }))
        .map(|extra| {
            item.extra = extra;
            item.func_infos = infos.into_iter().flatten().next().unwrap_or_default();
            item
        })
    }
}

impl<'de> Deserialize<'de> for FuncInfo {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<FuncInfo, D::Error> {
        let mut info = FuncInfo::default();
        from.deserialize_map(Fields(|key: &str, value| {
            let place = match key {
                "name" => return text(&mut info.name, value),
                "id" => &mut info.id,
                "status" => &mut info.status,
                _ => return Some(value),
            };
            let (number, rest) = number(value);
            *place = number;
            rest
        }))
        .map(|extra| FuncInfo { extra, ..info })
    }
}

/// Reads an object: each field is offered to the closure, and what that does not take is kept.
struct Fields<F>(F);

impl<'de, F: FnMut(&str, Value) -> Option<Value>> Visitor<'de> for Fields<F> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut extra = Map::new();
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match (self.0)(&key, map.next_value()?) {
                Some(rest) => drop(extra.insert(key.into_owned(), rest)),
                // Of a field that is there twice the last one counts.
                None if extra.is_empty() => {}
                None => drop(extra.remove(&*key)),
            }
        }
        Ok(extra)
    }
}

fn text(place: &mut Option<String>, value: Value) -> Option<Value> {
    *place = None;
    match value {
        Value::String(text) => {
            *place = Some(text);
            None
        }
        other => Some(other),
    }
}

/// A number, or one in a string; anything else is given back.
fn number(value: Value) -> (Option<i64>, Option<Value>) {
    let number = value
        .as_i64()
        .or_else(|| value.as_str().and_then(|s| s.parse().ok()));
    let rest = number.is_none().then_some(value);
    (number, rest)
}

fn func_infos(place: &mut Option<Vec<FuncInfo>>, value: Value) -> Option<Value> {
    *place = value
        .as_array()
        .and_then(|all| all.iter().map(|v| FuncInfo::deserialize(v).ok()).collect());
    place.is_none().then_some(value)
}
