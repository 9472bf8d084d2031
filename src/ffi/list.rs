//! `wx_list_*`: the items of a list by index and field, for programs that have no JSON parser.

use std::ffi::{CStr, c_char};

use libc::size_t;

use super::result::{read, wx_result};
use crate::response::items::Field;
use crate::response::list::MiniProgram;
use crate::response::reader::Reader;

/// The value of a field, and the default if it is missing, null or cannot be read.
///
/// # Safety
/// `result` is NULL or from a call, and not freed. `field` is NULL or a C string.
unsafe fn read_field<T: Copy>(
    result: *const wx_result,
    index: size_t,
    field: *const c_char,
    missing: T,
    value: impl FnOnce(Reader<'_>) -> Option<T>,
) -> T {
    let read_value = |r: &wx_result| {
        if field.is_null() {
            return missing;
        }
        // SAFETY: not NULL, and the caller guarantees the rest.
        let path = unsafe { CStr::from_ptr(field) };
        let found = r.items().get(index).and_then(|item| find(item, path));
        let found = found.filter(|value| !value.is_null());
        found.and_then(value).unwrap_or(missing)
    };
    // SAFETY: the caller guarantees it.
    unsafe { read(result, missing, read_value) }
}

fn find<'a>(item: MiniProgram<'a>, path: &CStr) -> Option<Reader<'a>> {
    match Field::parse(path.to_bytes()) {
        Some(field) => item.field(field),
        None => item.at(path.to_str().ok()?),
    }
}

/// The number of items in the list that a call returned.
///
/// wx_get_linked returns WX_OK only for a list that these functions can read: every item is an
/// object, its appid and username are undamaged texts and its status is a whole number, if they are
/// there. The result of wx_ensure_linked or wx_wait_linked is a list of one item, or of none if
/// WeChat's list did not show the mini program. All other results are lists without items.
///
/// WeChat sends names that are cut within a character or contain control characters. Such a text is
/// returned with U+FFFD in place of what cannot be read.
///
///     size_t i;
///     for (i = 0; i < wx_list_length(result); i++)
///         if (wx_list_number(result, i, "status", 0) == WX_LINK_LINKED)
///             printf("%s %s\n", wx_list_text(result, i, "appid"),
///                    wx_list_text(result, i, "nickname"));
///
/// Parameters:
///   result  from a call; NULL gives 0
/// Returns the number of items.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_length(result: *const wx_result) -> size_t {
    // SAFETY: the caller guarantees it.
    unsafe { read(result, 0, |r| r.items().len()) }
}

/// A field of a list's item, as text.
///
/// Parameters:
///   result  from a call
///   index   which item, from 0
///   field   WeChat's name of a field, such as "appid", or a path of names and array indexes, such
///           as "func_infos/0/name". In a path, ~1 stands for a / within a name, and ~0 for ~.
///           func_infos also finds what WeChat calls func_info or func_News. "" is the whole item
/// Returns the text of a string, otherwise the value's JSON, such as the digits of a number; an
///   empty text if the field is missing or null, if there is no such item, or if an argument is
///   NULL. A NUL in a string is returned as U+FFFD.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_text(
    result: *const wx_result,
    index: size_t,
    field: *const c_char,
) -> *const c_char {
    let text = |r: &wx_result| {
        if field.is_null() {
            return c"".as_ptr();
        }
        // SAFETY: not NULL, and the caller guarantees the rest.
        let path = unsafe { CStr::from_ptr(field) };
        r.list_texts().get(r.items(), index, path)
    };
    // SAFETY: the caller guarantees it.
    unsafe { read(result, c"".as_ptr(), text) }
}

/// A field of a list's item, as a number.
///
/// Parameters:
///   result      from a call
///   index       which item, from 0
///   field       as for wx_list_text
///   if_missing  what to return if there is no number
/// Returns the number, also if WeChat sends its digits in a string. if_missing if the field is
///   missing, null, not a whole number, or outside of the range of int32_t (wx_list_text returns
///   its digits), if there is no such item, or if result or field is NULL.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_number(
    result: *const wx_result,
    index: size_t,
    field: *const c_char,
    if_missing: i32,
) -> i32 {
    let number = |mut value: Reader<'_>| i32::try_from(value.number()?).ok();
    // SAFETY: the caller guarantees it.
    unsafe { read_field(result, index, field, if_missing, number) }
}

/// Whether a list's item has a field.
///
/// Parameters:
///   result  from a call
///   index   which item, from 0
///   field   as for wx_list_text
/// Returns 1 if the field has a value other than null; 0 if it is missing or null, if there is no
///   such item, or if result or field is NULL.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_has(
    result: *const wx_result,
    index: size_t,
    field: *const c_char,
) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe { read_field(result, index, field, 0, |_| Some(1)) }
}

/// The number of entries in an array of a list's item, such as func_infos.
///
///     size_t i;
///     char path[64];
///     for (i = 0; i < wx_list_size(result, 0, "func_infos"); i++) {
///         sprintf(path, "func_infos/%lu/name", (unsigned long)i);
///         puts(wx_list_text(result, 0, path));
///     }
///
/// Parameters:
///   result  from a call
///   index   which item, from 0
///   field   as for wx_list_text
/// Returns the number of entries; 0 if the field is missing or not an array, if there is no such
///   item, or if result or field is NULL.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_size(
    result: *const wx_result,
    index: size_t,
    field: *const c_char,
) -> size_t {
    // SAFETY: the caller guarantees it.
    unsafe { read_field(result, index, field, 0, |value| value.array_len()) }
}

/// The items of the list as a JSON array that every JSON parser accepts. The body that
/// wx_result_json returns may be damaged; here, what cannot be read is replaced by U+FFFD.
///
/// Parameters:
///   result  from a call; NULL gives "[]"
///   len     receives the length in bytes without the NUL; may be NULL
/// Returns the array; "[]" if there are no items.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_list_json(result: *const wx_result, len: *mut size_t) -> *const c_char {
    let json = |r: &wx_result| {
        let array = || [r.items().array_json(), b"\0"].concat();
        let json = r.list_json.get_or_init(array);
        (json.as_ptr().cast(), json.len().saturating_sub(1))
    };
    // SAFETY: the caller guarantees it.
    let (json, bytes) = unsafe { read(result, (c"[]".as_ptr(), 2), json) };
    // SAFETY: NULL or a pointer to a length.
    if let Some(len) = unsafe { len.as_mut() } {
        *len = bytes;
    }
    json
}
