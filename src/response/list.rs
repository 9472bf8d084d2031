//! The list of linked mini programs, as types.
//!
//! WeChat's own documentation disagrees about the names and types of fields. So every field is
//! optional, a value of an unexpected type does not invalidate the list unless decisions depend on
//! the field (`items.rs`), and unknown fields are kept.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::time::Instant;

use serde_json::{Map, Value};

use super::items::{Field, ItemOffsets, Items};
use super::reader::Reader;
use super::response::Response;
use crate::model::link_status::LinkStatus;

/// WeChat's list of an Official Account's mini programs (`getLinkMiniprogram`): linked, pending and
/// refused ones.
///
/// The list is valid: its items are objects, and the ids and the status of each item are undamaged
/// and have their types. A field's value is parsed when it is read.
#[derive(Clone, Debug)]
pub struct LinkList {
    response: Response,
    read_at: Instant,
}

impl LinkList {
    /// The list in a response; `None` if the response contains none.
    #[doc(hidden)]
    pub fn from_response(response: Response) -> Option<LinkList> {
        response.items().is_some().then(|| LinkList {
            response,
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

    /// The response that contains the list.
    pub fn into_response(self) -> Response {
        self.response
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.found().len()
    }

    /// Whether the list has no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at this index, from 0.
    pub fn get(&self, index: usize) -> Option<MiniProgram<'_>> {
        let json = self.response.valid_json();
        let offsets = self.found().offsets.get(index)?;
        Some(MiniProgram { json, offsets })
    }

    /// The items, in WeChat's order. Some may be service accounts instead of mini programs.
    pub fn items(&self) -> impl ExactSizeIterator<Item = MiniProgram<'_>> {
        let json = self.response.valid_json();
        let item = move |offsets| MiniProgram { json, offsets };
        self.found().offsets.iter().map(item)
    }

    /// Whether an item that is not refused has neither an appid nor an original id, so that it may
    /// be any mini program.
    pub(crate) fn has_unnamed_item(&self) -> bool {
        self.items().any(|item| {
            item.status() != Some(LinkStatus::Refused)
                && item.appid().is_none_or(|id| id.trim().is_empty())
                && item.username().is_none_or(|id| id.trim().is_empty())
        })
    }

    /// The first item with this appid or original id (`gh_…`).
    pub fn find(&self, appid_or_gh_id: &str) -> Option<MiniProgram<'_>> {
        self.items().find(|item| item.matches_id(appid_or_gh_id))
    }

    fn found(&self) -> &Items {
        static NONE: Items = Items::EMPTY;
        self.response.items().unwrap_or(&NONE)
    }
}

/// One item of the list. Every field is `None` if it is missing, null, or of another type.
#[derive(Clone, Copy)]
pub struct MiniProgram<'a> {
    pub(super) json: &'a [u8],
    pub(super) offsets: &'a ItemOffsets,
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

    /// The original id, `gh_…`; `None` if it is empty.
    pub fn username(self) -> Option<Cow<'a, str>> {
        self.text(Field::Username).filter(|id| !id.is_empty())
    }

    /// The appid; `None` if it is empty. Refused items have none.
    pub fn appid(self) -> Option<Cow<'a, str>> {
        self.text(Field::Appid).filter(|id| !id.is_empty())
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
        let value = self.field(Field::FuncInfos);
        value
            .and_then(|mut v| func_infos(&mut v))
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
            Field::parse(key).is_some_and(|field| has_type(field, value))
        })
    }

    /// The whole item, with all of WeChat's fields.
    pub fn json(self) -> Value {
        self.reader().value()
    }

    /// Whether this is the item's appid or original id, apart from blanks around it.
    pub fn matches_id(self, appid_or_gh_id: &str) -> bool {
        let is_same = |id: Option<Cow<'_, str>>| id.is_some_and(|id| id.trim() == appid_or_gh_id);
        is_same(self.appid()) || is_same(self.username())
    }

    pub(super) fn reader(self) -> Reader<'a> {
        Reader::new(self.json, self.offsets.item as usize)
    }

    /// The value of a known field. All spellings of func_infos give the same value.
    pub(crate) fn field(self, field: Field) -> Option<Reader<'a>> {
        const FUNC_INFOS: [Field; 3] = [Field::FuncInfos, Field::FuncInfo, Field::FuncNews];
        if !FUNC_INFOS.contains(&field) {
            return self.spelled(field);
        }
        let mut values = FUNC_INFOS.iter().filter_map(|field| self.spelled(*field));
        let first = values.clone().next();
        values.find(|value| value.clone().peek() == b'[').or(first)
    }

    /// The value of the field with this spelling.
    fn spelled(self, field: Field) -> Option<Reader<'a>> {
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

/// Whether the next value has the type of a field.
fn has_type(field: Field, value: &mut Reader<'_>) -> bool {
    match field {
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
        b"id" => set(&mut info.id, value.number()),
        b"status" => set(&mut info.status, value.number()),
        b"name" => set(&mut info.name, value.text().map(Cow::into_owned)),
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
    mut accept: impl FnMut(&[u8], &mut Reader<'a>) -> bool,
) -> Map<String, Value> {
    let mut extra = Map::new();
    let Ok(_) = object.object(|key, value| -> Result<(), Infallible> {
        let start = *value;
        let is_accepted = accept(key, value);
        let key = std::str::from_utf8(key).unwrap_or_default();
        if is_accepted {
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
