//! What is known about errcodes and their classes.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::guard::guard;
use super::text;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, CLASSES, Class, ENTRIES, Entry};
use crate::model::lang::Lang;

/// All that is known about WeChat's errcodes, as a JSON array.
///
///     [{"errcode":89010,"endpoint":"","name":"LINK_MESSAGE_SENT","class":"pending",
///       "errmsg":"link message has sent","official":true,
///       "meaning":{"en":"...","zh":"..."},"remedy":{"en":"...","zh":"..."}}, ...]
///
/// endpoint is that of wx_errcode_text, or empty for a row that holds for every endpoint without a
/// row of its own. class is the name that wx_class_text gives.
///
/// Returns a static text.
/// Threads: may be called from any thread.
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
        "errmsg": e.errmsg,
        "official": e.official,
        "meaning": {"en": e.meaning.en, "zh": e.meaning.zh},
        "remedy": {"en": e.remedy.en, "zh": e.remedy.zh},
    })
}

/// One field of what is known about an errcode.
///
///     puts(wx_errcode_text("link", 89010, "remedy", "en"));
///
/// Parameters:
///   endpoint  the endpoint that answered: link, get or unlink, or for a platform component_token,
///             authorizer_token, authorizer_list, create_preauthcode, query_auth or
///             authorizer_info, or rid for rid/get; NULL for none in particular
///   errcode   what WeChat answered
///   field     name, class (its name), meaning, remedy or errmsg (as WeChat sends it)
///   lang      en or zh, for meaning and remedy; NULL for en
/// Returns a static text; empty if the errcode is unknown, or an argument is not one of these.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_errcode_text(
    endpoint: *const c_char,
    errcode: i32,
    field: *const c_char,
    lang: *const c_char,
) -> *const c_char {
    guard(
        || c"".as_ptr(),
        || {
            // SAFETY: NULL or a C string, as the conventions ask.
            let endpoint = unsafe { text_or(endpoint, "") };
            // SAFETY: as above.
            let field = unsafe { text_or(field, "") };
            // SAFETY: as above.
            let lang = unsafe { text_or(lang, "en") };
            find(endpoint, errcode, field, lang).unwrap_or(c"").as_ptr()
        },
    )
}

/// The name of a class, or what to do next.
///
///     puts(wx_class_text(WX_CLASS_ACTION_REQUIRED, NULL, NULL));      action_required
///     puts(wx_class_text(WX_CLASS_ACTION_REQUIRED, "advice", "en"));
///
/// Parameters:
///   class_  WX_CLASS_..., from wx_result_class
///   field   name (such as action_required, in every language), or advice (one sentence); NULL for
///           name
///   lang    en or zh, for advice; NULL for en
/// Returns a static text; empty for WX_CLASS_UNKNOWN or an unknown number, or if an argument is not
/// one of these.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_class_text(
    class_: i32,
    field: *const c_char,
    lang: *const c_char,
) -> *const c_char {
    guard(
        || c"".as_ptr(),
        || {
            // SAFETY: NULL or a C string, as the conventions ask.
            let field = unsafe { text_or(field, "name") };
            // SAFETY: as above.
            let lang = unsafe { text_or(lang, "en") };
            find_class(class_, field, lang).unwrap_or(c"").as_ptr()
        },
    )
}

fn find_class(code: i32, field: Option<&str>, lang: Option<&str>) -> Option<&'static CStr> {
    let lang = Lang::from_code(lang?)?;
    let class = Class::from_code(code)?;
    match field? {
        "name" => static_text(class.as_str()),
        "advice" => static_text(class.advice().get(lang)),
        _ => None,
    }
}

/// # Safety
/// As [`text`].
unsafe fn text_or<'a>(given: *const c_char, default: &'static str) -> Option<&'a str> {
    if given.is_null() {
        return Some(default);
    }
    // SAFETY: the caller guarantees it.
    unsafe { text(given, "") }.ok()
}

fn find(
    endpoint: Option<&str>,
    errcode: i32,
    field: Option<&str>,
    lang: Option<&str>,
) -> Option<&'static CStr> {
    let lang = Lang::from_code(lang?)?;
    let entry = match endpoint? {
        "" => errcode::general(errcode)?,
        word => errcode::lookup(Endpoint::parse(word)?, errcode)?,
    };
    let text = match field? {
        "name" => entry.name,
        "class" => entry.class.as_str(),
        "meaning" => entry.meaning.get(lang),
        "remedy" => entry.remedy.get(lang),
        "errmsg" => entry.errmsg,
        _ => return None,
    };
    static_text(text)
}

/// A text of the tables, with the NUL that C needs.
fn static_text(text: &str) -> Option<&'static CStr> {
    static TEXTS: LazyLock<BTreeMap<&'static str, CString>> = LazyLock::new(|| {
        let entries = ENTRIES.iter().flat_map(|e| {
            let (meaning, remedy) = (e.meaning, e.remedy);
            [
                e.name, e.errmsg, meaning.en, meaning.zh, remedy.en, remedy.zh,
            ]
        });
        let classes = CLASSES
            .iter()
            .flat_map(|e| [e.word, e.advice.en, e.advice.zh]);
        entries
            .chain(classes)
            .map(|text| (text, CString::new(text).unwrap_or_default()))
            .collect()
    });
    TEXTS.get(text).map(CString::as_c_str)
}
