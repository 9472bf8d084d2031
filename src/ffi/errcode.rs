//! The catalogue of errcodes.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::guard::guard;
use super::text;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, ENTRIES, Entry};
use crate::model::lang::Lang;

/// All that is known about WeChat's errcodes, as a JSON array.
///
///     [{"errcode":89010,"endpoint":"","name":"LINK_MESSAGE_SENT","class":"pending",
///       "wire":"link message has sent","official":true,
///       "meaning":{"en":"...","zh":"..."},"remedy":{"en":"...","zh":"..."}}, ...]
///
/// endpoint is link, get or unlink, or empty for a row that holds for every endpoint without a
/// row of its own. class is explained at wx_result_class.
///
/// Returns a static text.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn wx_catalogue_json() -> *const c_char {
    static JSON: LazyLock<CString> = LazyLock::new(|| {
        let rows: Vec<Value> = ENTRIES.iter().map(row).collect();
        CString::new(Value::from(rows).to_string()).unwrap_or_default()
    });
    guard(|| c"".as_ptr(), || JSON.as_ptr())
}

fn row(e: &Entry) -> Value {
    json!({
        "errcode": e.errcode,
        "endpoint": e.endpoint.map_or("", Endpoint::as_str),
        "name": e.name,
        "class": e.class.as_str(),
        "wire": e.wire,
        "official": e.official,
        "meaning": {"en": e.meaning.en, "zh": e.meaning.zh},
        "remedy": {"en": e.remedy.en, "zh": e.remedy.zh},
    })
}

/// One thing that is known about an errcode.
///
///     puts(wx_errcode_text("link", 89010, "remedy", "en"));
///
/// Parameters:
///   api      link, get or unlink: the endpoint that answered; NULL for none in particular
///   errcode  what WeChat answered
///   field    name, class, meaning, remedy or wire (WeChat's own words)
///   lang     en or zh, for meaning and remedy; NULL for en
/// Returns a static text; empty if nothing is known, or an argument is not one of these.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_errcode_text(
    api: *const c_char,
    errcode: i32,
    field: *const c_char,
    lang: *const c_char,
) -> *const c_char {
    guard(
        || c"".as_ptr(),
        || {
            // SAFETY: NULL or a C string, as the conventions ask.
            let api = unsafe { text_or(api, "") };
            // SAFETY: as above.
            let field = unsafe { text_or(field, "") };
            // SAFETY: as above.
            let lang = unsafe { text_or(lang, "en") };
            find(api, errcode, field, lang).unwrap_or(c"").as_ptr()
        },
    )
}

/// # Safety
/// As [`text`].
unsafe fn text_or<'a>(given: *const c_char, default: &'static str) -> Option<&'a str> {
    if given.is_null() {
        return Some(default);
    }
    // SAFETY: the caller vouches for it.
    unsafe { text(given, "") }.ok()
}

fn find(
    api: Option<&str>,
    errcode: i32,
    field: Option<&str>,
    lang: Option<&str>,
) -> Option<&'static CStr> {
    let lang = Lang::from_code(lang?)?;
    let entry = match api? {
        "" => errcode::general(errcode)?,
        word => errcode::lookup(Endpoint::parse(word)?, errcode)?,
    };
    let text = match field? {
        "name" => entry.name,
        "class" => entry.class.as_str(),
        "meaning" => entry.meaning.get(lang),
        "remedy" => entry.remedy.get(lang),
        "wire" => entry.wire,
        _ => return None,
    };
    static TEXTS: LazyLock<BTreeMap<&'static str, CString>> = LazyLock::new(|| {
        ENTRIES
            .iter()
            .flat_map(|e| {
                let (meaning, remedy) = (e.meaning, e.remedy);
                let class = e.class.as_str();
                [
                    e.name, class, e.wire, meaning.en, meaning.zh, remedy.en, remedy.zh,
                ]
            })
            .map(|text| (text, CString::new(text).unwrap_or_default()))
            .collect()
    });
    TEXTS.get(text).map(CString::as_c_str)
}
