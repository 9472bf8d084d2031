//! The list of linked mini programs, as types.
//!
//! WeChat's own documentation disagrees about the names and types of fields. So every field is
//! optional, a value of an unexpected type does not invalidate the list, and unknown fields are
//! kept.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::model::link_status::LinkStatus;
use crate::response::reader::Reader;
use crate::response::response::Response;

/// WeChat's list of an Official Account's mini programs (`getLinkMiniprogram`): linked, pending and
/// refused ones.
///
/// It keeps the response and the offsets of the fields in it. A field's value is parsed when it is
/// read.
#[derive(Clone, Debug)]
pub struct LinkList {
    response: Response,
    items: Vec<ItemOffsets>,
    read_at: Instant,
}

impl LinkList {
    /// Reads the list in a response.
    ///
    /// # Errors
    /// What the response contains instead of a list.
    #[doc(hidden)]
    pub fn read(response: Response) -> Result<LinkList, String> {
        let items = find_items(response.body())?;
        Ok(LinkList {
            response,
            items,
            read_at: Instant::now(),
        })
    }

    /// When it was read.
    pub(crate) fn read_at(&self) -> Instant {
        self.read_at
    }

    /// The response that contains the list.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the list has no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item at this index, from 0.
    pub fn get(&self, index: usize) -> Option<MiniProgram<'_>> {
        self.items.get(index).map(|offsets| self.item(offsets))
    }

    /// The items, in WeChat's order. Some may be service accounts instead of mini programs.
    pub fn items(&self) -> impl ExactSizeIterator<Item = MiniProgram<'_>> {
        self.items.iter().map(|offsets| self.item(offsets))
    }

    /// The first item with this appid or original id (`gh_…`).
    pub fn find(&self, appid_or_gh_id: &str) -> Option<MiniProgram<'_>> {
        self.items().find(|item| item.matches_id(appid_or_gh_id))
    }

    fn item<'a>(&'a self, offsets: &'a ItemOffsets) -> MiniProgram<'a> {
        MiniProgram {
            json: self.response.body(),
            offsets,
        }
    }
}

/// One item of the list. Every field is `None` if it is missing, null, or of another type.
#[derive(Clone, Copy)]
pub struct MiniProgram<'a> {
    json: &'a [u8],
    offsets: &'a ItemOffsets,
}

/// The offsets in the body at which an item and the values of its known fields start. 0 stands for
/// a missing field: a body starts with a bracket.
#[derive(Clone, Debug)]
struct ItemOffsets {
    item: u32,
    fields: [u32; FIELD_COUNT],
}

/// The known fields.
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
    // Other spellings of func_infos in WeChat's documentation.
    FuncInfo,
    FuncNews,
}

const FIELD_COUNT: usize = Field::FuncNews as usize + 1;

impl Field {
    fn parse(name: &str) -> Option<Field> {
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

    /// Whether the next value has the field's type.
    fn accepts(self, value: &mut Reader<'_>) -> bool {
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
    /// 0: not enabled. 1: enabled.
    pub status: Option<i64>,
    /// The capability's name, in Chinese.
    pub name: Option<String>,
    /// All other fields.
    pub extra: Map<String, Value>,
}

impl<'a> MiniProgram<'a> {
    /// The status of the link.
    pub fn status(self) -> Option<LinkStatus> {
        self.number(Field::Status).map(LinkStatus::from)
    }

    /// The original id, `gh_…`.
    pub fn username(self) -> Option<Cow<'a, str>> {
        self.text(Field::Username)
    }

    /// The appid. Refused items have none.
    pub fn appid(self) -> Option<Cow<'a, str>> {
        self.text(Field::Appid)
    }

    /// `SOURCE_NORMAL` in all known responses. WeChat does not document it.
    pub fn source(self) -> Option<Cow<'a, str>> {
        self.text(Field::Source)
    }

    /// The display name.
    pub fn nickname(self) -> Option<Cow<'a, str>> {
        self.text(Field::Nickname)
    }

    /// 1: shown on the Official Account's page.
    pub fn selected(self) -> Option<i64> {
        self.number(Field::Selected)
    }

    /// 1: shown in "nearby mini programs". WeChat refuses to unlink such a mini program.
    pub fn nearby_display_status(self) -> Option<i64> {
        self.number(Field::NearbyDisplayStatus)
    }

    /// 1: published.
    pub fn released(self) -> Option<i64> {
        self.number(Field::Released)
    }

    /// The URL of the profile picture.
    pub fn headimg_url(self) -> Option<Cow<'a, str>> {
        self.text(Field::HeadimgUrl)
    }

    /// The capabilities, such as WeChat verification (id 1) and WeChat Pay (id 2).
    pub fn func_infos(self) -> Vec<FuncInfo> {
        let read = |field| func_infos(&mut self.field(field)?);
        read(Field::FuncInfos)
            .or_else(|| read(Field::FuncInfo))
            .or_else(|| read(Field::FuncNews))
            .unwrap_or_default()
    }

    /// 1 in all known responses. WeChat does not document it.
    pub fn copy_verify_status(self) -> Option<i64> {
        self.number(Field::CopyVerifyStatus)
    }

    /// The mini program's e-mail address.
    pub fn email(self) -> Option<Cow<'a, str>> {
        self.text(Field::Email)
    }

    /// All other fields, and the known ones whose value has an unexpected type.
    pub fn extra(self) -> Map<String, Value> {
        extra_fields(&mut self.reader(), |key, value| {
            Field::parse(key).is_some_and(|field| field.accepts(value))
        })
    }

    /// The whole item, as WeChat sent it.
    pub fn json(self) -> Value {
        self.reader().value()
    }

    /// Whether this is the item's appid or original id.
    pub fn matches_id(self, appid_or_gh_id: &str) -> bool {
        let is_same = |id: Option<Cow<'_, str>>| id.is_some_and(|id| id == appid_or_gh_id);
        is_same(self.appid()) || is_same(self.username())
    }

    fn reader(self) -> Reader<'a> {
        Reader::new(self.json, self.offsets.item as usize)
    }

    fn field(self, field: Field) -> Option<Reader<'a>> {
        let offset = self.offsets.fields[field as usize] as usize;
        (offset > 0).then(|| Reader::new(self.json, offset))
    }

    fn text(self, field: Field) -> Option<Cow<'a, str>> {
        self.field(field)?.text()
    }

    fn number(self, field: Field) -> Option<i64> {
        self.field(field)?.number()
    }
}

impl PartialEq for MiniProgram<'_> {
    /// Whether both have the same fields with the same values, in any order.
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for MiniProgram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MiniProgram({})", self.json())
    }
}

/// Finds the items in a body. For an account without links, `wxopens` may also be missing, null or
/// an empty array.
fn find_items(body: &[u8]) -> Result<Vec<ItemOffsets>, String> {
    let mut items = Vec::new();
    let start = body.iter().position(|b| *b == b'{').unwrap_or_default();
    Reader::new(body, start).object(|key, wxopens| -> Result<(), String> {
        if key != "wxopens" {
            wxopens.skip();
            return Ok(());
        }
        // If a field occurs twice, the last one counts.
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
            if is_array || list.value().is_null() {
                Ok(())
            } else {
                Err("a list whose items are not an array".to_owned())
            }
        })?;
        if is_object {
            return Ok(());
        }
        match wxopens.value() {
            Value::Null => Ok(()),
            Value::Array(items) if items.is_empty() => Ok(()),
            _ => Err("a list whose wxopens is not an object".to_owned()),
        }
    })?;
    Ok(items)
}

/// Finds the known fields of an item.
fn find_fields(item: &mut Reader<'_>) -> Result<ItemOffsets, String> {
    let offset_of = |value: &mut Reader<'_>| {
        u32::try_from(value.offset()).map_err(|_| "a list of more than 4 GiB".to_owned())
    };
    let mut offsets = ItemOffsets {
        item: offset_of(item)?,
        fields: [0; FIELD_COUNT],
    };
    let is_object = item.object(|key, value| -> Result<(), String> {
        if let Some(field) = Field::parse(key) {
            offsets.fields[field as usize] = offset_of(value)?;
        }
        value.skip();
        Ok(())
    })?;
    if is_object {
        Ok(offsets)
    } else {
        Err("a list with an item that is not an object".to_owned())
    }
}

/// Reads the capabilities; `None` if the next value is not an array of objects.
fn func_infos(from: &mut Reader<'_>) -> Option<Vec<FuncInfo>> {
    let mut infos = Vec::new();
    let is_array = from.array(|item| func_info(item).map(|info| infos.push(info)).ok_or(()));
    (is_array == Ok(true)).then_some(infos)
}

fn func_info(from: &mut Reader<'_>) -> Option<FuncInfo> {
    let mut info = FuncInfo::default();
    let is_object = from.peek() == b'{';
    info.extra = extra_fields(from, |key, value| match key {
        "id" => set(&mut info.id, value.number()),
        "status" => set(&mut info.status, value.number()),
        "name" => set(&mut info.name, value.text().map(Cow::into_owned)),
        _ => false,
    });
    is_object.then_some(info)
}

/// Sets a field, and returns whether it has a value.
fn set<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    *field = value;
    field.is_some()
}

/// The fields of an object that `accept` does not accept.
fn extra_fields<'a>(
    object: &mut Reader<'a>,
    mut accept: impl FnMut(&str, &mut Reader<'a>) -> bool,
) -> Map<String, Value> {
    let mut extra = Map::new();
    let Ok(_) = object.object(|key, value| -> Result<(), Infallible> {
        let start = *value;
        if accept(key, value) {
            extra.remove(key);
        } else {
            // `accept` may have read only a part of the value.
            *value = start;
            extra.insert(key.to_owned(), value.value());
        }
        Ok(())
    });
    extra
}
