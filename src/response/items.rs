//! Finds the items of WeChat's list and the offsets of their fields, and checks whatever a decision
//! depends on: where the items are, and the ids and the status of each. These are never guessed. A
//! list in which one of them is damaged is no list.

use std::ops::Range;

use super::reader::{FieldNames, Reader};
use super::repair::REPLACEMENT;

/// Where the items of a list are in its JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(super) offsets: Vec<ItemOffsets>,
    /// The array; empty if the list has none.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))]
    pub(super) array: Range<usize>,
}

/// The offsets in the JSON at which an item and the values of its known fields start. 0 stands for
/// a missing field: the JSON starts with a bracket.
#[derive(Clone, Debug)]
pub(super) struct ItemOffsets {
    pub item: u32,
    pub fields: [u32; FIELD_COUNT],
}

/// The known fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
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

/// The number of known fields.
pub(crate) const FIELD_COUNT: usize = Field::FuncNews as usize + 1;

impl Field {
    #[inline]
    pub fn parse(name: &[u8]) -> Option<Field> {
        Some(match name {
            b"status" => Field::Status,
            b"username" => Field::Username,
            b"appid" => Field::Appid,
            b"source" => Field::Source,
            b"nickname" => Field::Nickname,
            b"selected" => Field::Selected,
            b"nearby_display_status" => Field::NearbyDisplayStatus,
            b"released" => Field::Released,
            b"headimg_url" => Field::HeadimgUrl,
            b"copy_verify_status" => Field::CopyVerifyStatus,
            b"email" => Field::Email,
            b"func_infos" => Field::FuncInfos,
            b"func_info" => Field::FuncInfo,
            b"func_News" => Field::FuncNews,
            _ => return None,
        })
    }

    /// Whether decisions depend on the field.
    fn decides(self) -> bool {
        matches!(self, Field::Status | Field::Username | Field::Appid)
    }

    /// Why the next value of a field that decides cannot: ids must be texts, the status a whole
    /// number, and all of them undamaged. They may also be null. Consumes the value.
    fn fault(self, value: &mut Reader<'_>) -> Option<&'static str> {
        let kind = value.peek();
        match (self, kind) {
            (_, b'n') => {
                value.skip();
                None
            }
            (Field::Status, b'"') => {
                let status = value.text_bytes().unwrap_or_default();
                (!is_whole_number(&status)).then_some("is not a whole number")
            }
            (Field::Status, _) => {
                let is_number = is_whole_number(value.raw().as_bytes());
                (!is_number).then_some("is not a whole number")
            }
            (_, b'"') => {
                let id = value.text_bytes().unwrap_or_default();
                is_damaged(&id).then_some("is damaged")
            }
            _ => Some("is not a text"),
        }
    }
}

impl Items {
    /// The items of a response that contains no list.
    pub const EMPTY: Items = Items {
        offsets: Vec::new(),
        array: 0..0,
    };

    pub fn len(&self) -> usize {
        self.offsets.len()
    }
}

/// Finds the items while the fields of a response are read.
#[derive(Default)]
pub(super) struct ListFinder {
    found: Option<Items>,
    seen_wxopens: bool,
    has_other_list: bool,
    /// Why this is no list.
    fault: Option<String>,
}

impl ListFinder {
    /// Reads the value of a field of the response.
    pub fn read_field(&mut self, name: &[u8], value: &mut Reader<'_>) {
        let start = *value;
        if let Err(fault) = self.find(name, value) {
            self.fault.get_or_insert(fault);
            // A part of it was read.
            *value = start;
            value.skip();
        }
    }

    fn find(&mut self, name: &[u8], value: &mut Reader<'_>) -> Result<(), String> {
        if name != b"wxopens" {
            self.has_other_list |= matches!(value.peek(), b'[' | b'{');
            value.skip();
            return check_name(name, "the response");
        }
        if std::mem::replace(&mut self.seen_wxopens, true) {
            return Err("two lists".to_owned());
        }
        self.found = find_in_wxopens(value)?;
        Ok(())
    }

    /// The items. For an account without links, `wxopens` or `items` may be missing, null or an
    /// empty array, but only if the response has an errcode, and no other field that may be the
    /// list under another name: otherwise nothing shows that it is a list.
    ///
    /// # Errors
    /// What the response contains instead of a list.
    pub fn items(self, has_errcode: bool, has_huge_number: bool) -> Result<Items, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if has_huge_number {
            return Err("a number that is too large".to_owned());
        }
        match self.found {
            Some(items) => Ok(items),
            None if has_errcode && !self.seen_wxopens && self.has_other_list => {
                Err("no wxopens, but another field that may be a list".to_owned())
            }
            None if has_errcode => Ok(Items::default()),
            None => Err("neither an errcode nor a list".to_owned()),
        }
    }
}

/// Finds the items in `wxopens`; `None` if there is no array of them.
fn find_in_wxopens(wxopens: &mut Reader<'_>) -> Result<Option<Items>, String> {
    let mut found = None;
    let mut fields = 0_usize;
    let mut seen_items = false;
    let is_object = wxopens.object(|key, items| {
        fields += 1;
        if key != b"items" {
            items.skip();
            return check_name(key, "wxopens");
        }
        if std::mem::replace(&mut seen_items, true) {
            return Err("a list with two arrays of items".to_owned());
        }
        found = find_in_items(items)?;
        if found.is_some() || items.raw() == "null" {
            Ok(())
        } else {
            Err("a list whose items are not an array".to_owned())
        }
    })?;
    if !is_object {
        let empty = Reader::clone(wxopens).array(|_| Err(()));
        return match (wxopens.raw(), empty) {
            ("null", _) | (_, Ok(true)) => Ok(None),
            _ => Err("a list whose wxopens is not an object".to_owned()),
        };
    }
    if fields > 0 && !seen_items {
        return Err("a list whose wxopens has fields, but no items".to_owned());
    }
    Ok(found)
}

/// Finds the items of the next value; `None` if it is not an array.
pub(super) fn find_in_items(items: &mut Reader<'_>) -> Result<Option<Items>, String> {
    let start = items.offset();
    let mut offsets = Vec::new();
    let mut names = FieldNames::new();
    let is_array = items.array(|item| -> Result<(), String> {
        let fields = find_fields(item, &mut names).map_err(|e| e.describe(offsets.len()))?;
        offsets.push(fields);
        Ok(())
    })?;
    let array = start..items.position();
    Ok(is_array.then_some(Items { offsets, array }))
}

/// What is wrong with an item.
enum ItemFault {
    NotAnObject,
    DamagedName,
    Repeated(Field),
    Value(Field, &'static str),
    TooFar,
}

impl ItemFault {
    fn describe(self, index: usize) -> String {
        let name = |field| match field {
            Field::Status => "status",
            Field::Username => "username",
            _ => "appid",
        };
        match self {
            ItemFault::NotAnObject => format!("a list whose items[{index}] is not an object"),
            ItemFault::DamagedName => {
                format!("a list whose items[{index}] has a damaged field name")
            }
            ItemFault::Repeated(field) => {
                format!("a list whose items[{index}].{} occurs twice", name(field))
            }
            ItemFault::Value(field, why) => {
                format!("a list whose items[{index}].{} {why}", name(field))
            }
            ItemFault::TooFar => "a list of more than 4 GiB".to_owned(),
        }
    }
}

/// Finds and checks the known fields of an item.
fn find_fields(
    item: &mut Reader<'_>,
    names: &mut FieldNames<Option<Field>>,
) -> Result<ItemOffsets, ItemFault> {
    let offset_of =
        |value: &mut Reader<'_>| u32::try_from(value.offset()).map_err(|_| ItemFault::TooFar);
    let mut offsets = ItemOffsets {
        item: offset_of(item)?,
        fields: [0; FIELD_COUNT],
    };
    let recognize = |name: &[u8]| match Field::parse(name) {
        None if is_damaged(name) => Err(ItemFault::DamagedName),
        field => Ok(field),
    };
    let is_object = item.similar_object(names, recognize, |field, value| {
        let Some(field) = field else {
            value.skip();
            return Ok(());
        };
        let offset = &mut offsets.fields[field as usize];
        let is_repeated = *offset > 0;
        *offset = offset_of(value)?;
        if !field.decides() {
            value.skip();
            return Ok(());
        }
        if is_repeated {
            return Err(ItemFault::Repeated(field));
        }
        match field.fault(value) {
            Some(why) => Err(ItemFault::Value(field, why)),
            None => Ok(()),
        }
    })?;
    if is_object {
        Ok(offsets)
    } else {
        Err(ItemFault::NotAnObject)
    }
}

/// A damaged name may be that of any field, such as the list itself.
fn check_name(name: &[u8], place: &str) -> Result<(), String> {
    if is_damaged(name) {
        Err(format!("a damaged field name in {place}"))
    } else {
        Ok(())
    }
}

fn is_damaged(text: &[u8]) -> bool {
    // Most texts are ASCII.
    let is_plain = text.iter().all(|byte| (1..128).contains(byte));
    let is_replaced = || {
        let text = std::str::from_utf8(text);
        text.is_ok_and(|text| text.contains(REPLACEMENT))
    };
    !is_plain && (text.contains(&0) || is_replaced())
}

/// Whether a text is a whole number, of any size.
fn is_whole_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
