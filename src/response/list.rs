//! The list of linked mini programs, as types.
//!
//! Every field of an item is optional, and what is not described here is kept: WeChat's own pages
//! disagree about names and types, so nothing is refused for looking unlike them.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use serde_json::{Map, Value};

use crate::response::reader::Reader;
use crate::response::response::Response;

/// The answer of `getLinkMiniprogram`. It knows where in the answer the fields are: their values are
/// read when they are asked for.
#[derive(Clone, Debug)]
pub struct LinkList {
    answer: Response,
    items: Vec<Places>,
}

impl LinkList {
    /// Reads the list, or says in one clause why the answer holds none.
    #[doc(hidden)]
    pub fn read(answer: Response) -> Result<LinkList, String> {
        let items = find_items(answer.body())?;
        Ok(LinkList { answer, items })
    }

    /// The answer it was read from.
    pub fn response(&self) -> &Response {
        &self.answer
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item at that place.
    pub fn get(&self, at: usize) -> Option<MiniProgram<'_>> {
        self.items.get(at).map(|places| self.item(places))
    }

    /// The items, in WeChat's order. They may hold service accounts as well as mini programs.
    pub fn items(&self) -> impl ExactSizeIterator<Item = MiniProgram<'_>> {
        self.items.iter().map(|places| self.item(places))
    }

    /// The first item with that appid or original id (`gh_…`).
    pub fn find(&self, appid_or_username: &str) -> Option<MiniProgram<'_>> {
        self.items().find(|i| i.is(appid_or_username))
    }

    fn item<'a>(&'a self, places: &'a Places) -> MiniProgram<'a> {
        MiniProgram {
            json: self.answer.body(),
            places,
        }
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
#[derive(Clone, Copy)]
pub struct MiniProgram<'a> {
    json: &'a [u8],
    places: &'a Places,
}

/// Where an item begins, and where the values of its described fields do; 0 if it has none, since an
/// answer begins with a bracket.
#[derive(Clone, Debug)]
struct Places {
    item: u32,
    fields: [u32; FIELDS],
}

/// The fields that are described.
#[derive(Clone, Copy)]
enum Field {
    Status,
    Username,
    Appid,
    Source,
    Nickname,
    Selected,
    NearbyDisplayStatus,
    Released,
    HeadimgUrl,
    CopyVerifyStatus,
    Email,
    FuncInfos,
    // IdAliases that WeChat's pages have printed for it.
    FuncInfo,
    FuncNews,
}

const FIELDS: usize = Field::FuncNews as usize + 1;

impl Field {
    fn named(name: &str) -> Option<Field> {
        Some(match name {
            "status" => Field::Status,
            "username" => Field::Username,
            "appid" => Field::Appid,
            "source" => Field::Source,
            "nickname" => Field::Nickname,
            "selected" => Field::Selected,
            "nearby_display_status" => Field::NearbyDisplayStatus,
            "released" => Field::Released,
            "headimg_url" => Field::HeadimgUrl,
            "copy_verify_status" => Field::CopyVerifyStatus,
            "email" => Field::Email,
            "func_infos" => Field::FuncInfos,
            "func_info" => Field::FuncInfo,
            "func_News" => Field::FuncNews,
            _ => return None,
        })
    }

    /// Whether the next value has the expected type.
    fn takes(self, value: &mut Reader<'_>) -> bool {
        match self {
            Field::Username
            | Field::Appid
            | Field::Source
            | Field::Nickname
            | Field::HeadimgUrl
            | Field::Email => value.text().is_some(),
            Field::FuncInfos | Field::FuncInfo | Field::FuncNews => func_infos(value).is_some(),
            _ => value.number().is_some(),
        }
    }
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

impl<'a> MiniProgram<'a> {
    /// How far the link has come.
    pub fn status(self) -> Option<LinkStatus> {
        self.number(Field::Status).map(LinkStatus::from)
    }

    /// The original id, `gh_…`.
    pub fn username(self) -> Option<Cow<'a, str>> {
        self.text(Field::Username)
    }

    /// The appid; refused items have none.
    pub fn appid(self) -> Option<Cow<'a, str>> {
        self.text(Field::Appid)
    }

    /// Seen as `SOURCE_NORMAL`; WeChat does not say what it means.
    pub fn source(self) -> Option<Cow<'a, str>> {
        self.text(Field::Source)
    }

    /// The display name.
    pub fn nickname(self) -> Option<Cow<'a, str>> {
        self.text(Field::Nickname)
    }

    /// 1: shown in the Official Account's page.
    pub fn selected(self) -> Option<i64> {
        self.number(Field::Selected)
    }

    /// 1: shown in "nearby mini programs", which forbids unlinking.
    pub fn nearby_display_status(self) -> Option<i64> {
        self.number(Field::NearbyDisplayStatus)
    }

    /// 1: published.
    pub fn released(self) -> Option<i64> {
        self.number(Field::Released)
    }

    /// The picture's address.
    pub fn headimg_url(self) -> Option<Cow<'a, str>> {
        self.text(Field::HeadimgUrl)
    }

    /// WeChat verification (id 1), WeChat Pay (id 2) and the like.
    pub fn func_infos(self) -> Vec<FuncInfo> {
        let read = |field| func_infos(&mut self.field(field)?);
        read(Field::FuncInfos)
            .or_else(|| read(Field::FuncInfo))
            .or_else(|| read(Field::FuncNews))
            .unwrap_or_default()
    }

    /// Seen as 1; WeChat does not say what it means.
    pub fn copy_verify_status(self) -> Option<i64> {
        self.number(Field::CopyVerifyStatus)
    }

    /// The mini program's mail address.
    pub fn email(self) -> Option<Cow<'a, str>> {
        self.text(Field::Email)
    }

    /// Every other field, and known ones whose value has another type than expected.
    pub fn extra(self) -> Map<String, Value> {
        extra(&mut self.whole(), |key, value| {
            Field::named(key).is_some_and(|field| field.takes(value))
        })
    }

    /// All of it, as WeChat sent it.
    pub fn json(self) -> Value {
        self.whole().value()
    }

    /// Whether that is its appid or original id.
    pub fn is(self, appid_or_username: &str) -> bool {
        let is = |id: Option<Cow<'_, str>>| id.is_some_and(|id| id == appid_or_username);
        is(self.appid()) || is(self.username())
    }

    fn whole(self) -> Reader<'a> {
        Reader::new(self.json, self.places.item as usize)
    }

    fn field(self, field: Field) -> Option<Reader<'a>> {
        let at = self.places.fields[field as usize] as usize;
        (at > 0).then(|| Reader::new(self.json, at))
    }

    fn text(self, field: Field) -> Option<Cow<'a, str>> {
        self.field(field)?.text()
    }

    fn number(self, field: Field) -> Option<i64> {
        self.field(field)?.number()
    }
}

impl PartialEq for MiniProgram<'_> {
    /// Whether the same fields have the same values, in whatever order.
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for MiniProgram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MiniProgram({})", self.json())
    }
}

/// Where the items are. For an account without links wxopens may be whatever says nothing.
fn find_items(answer: &[u8]) -> Result<Vec<Places>, String> {
    let mut items = Vec::new();
    let body = answer.iter().position(|b| *b == b'{').unwrap_or_default();
    Reader::new(answer, body).object(|key, wxopens| -> Result<(), String> {
        if key != "wxopens" {
            wxopens.skip();
            return Ok(());
        }
        // Of a field that is there twice the last one counts.
        items.clear();
        let is_object = wxopens.object(|key, list| -> Result<(), String> {
            if key != "items" {
                list.skip();
                return Ok(());
            }
            items.clear();
            let is_array = list.array(|item| -> Result<(), String> {
                items.push(find_fields(item)?);
                Ok(())
            })?;
            match is_array || list.value().is_null() {
                true => Ok(()),
                false => Err("a list whose items are not an array".to_owned()),
            }
        })?;
        match is_object
            .then(Value::default)
            .unwrap_or_else(|| wxopens.value())
        {
            Value::Null => Ok(()),
            Value::Array(none) if none.is_empty() => Ok(()),
            _ => Err("a list whose wxopens is not an object".to_owned()),
        }
    })?;
    Ok(items)
}

fn find_fields(item: &mut Reader<'_>) -> Result<Places, String> {
    let place = |value: &mut Reader<'_>| {
        u32::try_from(value.place()).map_err(|_| "a list of more than 4 GiB".to_owned())
    };
    let mut places = Places {
        item: place(item)?,
        fields: [0; FIELDS],
    };
    let is_object = item.object(|key, value| -> Result<(), String> {
        if let Some(field) = Field::named(key) {
            places.fields[field as usize] = place(value)?;
        }
        value.skip();
        Ok(())
    })?;
    match is_object {
        true => Ok(places),
        false => Err("a list with an item that is not an object".to_owned()),
    }
}

/// The capabilities; `None` if the next value is something else.
fn func_infos(from: &mut Reader<'_>) -> Option<Vec<FuncInfo>> {
    let mut infos = Vec::new();
    let is_array = from.array(|item| func_info(item).map(|info| infos.push(info)).ok_or(()));
    (is_array == Ok(true)).then_some(infos)
}

fn func_info(from: &mut Reader<'_>) -> Option<FuncInfo> {
    let mut info = FuncInfo::default();
    let whole = from.next() == b'{';
    info.extra = extra(from, |key, value| match key {
        "id" => put(&mut info.id, value.number()),
        "status" => put(&mut info.status, value.number()),
        "name" => put(&mut info.name, value.text().map(Cow::into_owned)),
        _ => false,
    });
    whole.then_some(info)
}

fn put<T>(place: &mut Option<T>, read: Option<T>) -> bool {
    *place = read;
    place.is_some()
}

/// The fields of an object that are not taken.
fn extra<'a>(
    object: &mut Reader<'a>,
    mut take: impl FnMut(&str, &mut Reader<'a>) -> bool,
) -> Map<String, Value> {
    let mut extra = Map::new();
    let Ok(_) = object.object(|key, value| -> Result<(), Infallible> {
        let begin = *value;
        // What is offered is not always read to its end.
        match take(key, value) {
            true => drop(extra.remove(key)),
            false => {
                *value = begin;
                extra.insert(key.to_owned(), value.value());
            }
        }
        Ok(())
    });
    extra
}
