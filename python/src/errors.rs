//! Converts the core's errors to the Python exceptions of `wxlink.errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use wxlink::{Endpoint, Error, Lang, OptionKind, Status, errcode};

use crate::responses::LinkProgress;

/// Creates the exception for an error, from plain data so that it can be pickled.
pub fn raise(py: Python<'_>, error: &Error, lang: Lang, progress: Option<LinkProgress>) -> PyErr {
    build(py, error, lang, progress).unwrap_or_else(|broken| broken)
}

fn build(
    py: Python<'_>,
    error: &Error,
    lang: Lang,
    progress: Option<LinkProgress>,
) -> PyResult<PyErr> {
    let fields = PyDict::new(py);
    // The progress also contains what the call did before the error.
    let (message, delivery, trace) = match &progress {
        Some(LinkProgress(p)) => (p.message(), p.delivery(), p.trace()),
        None => (error.message(), error.delivery(), error.trace()),
    };
    fields.set_item("message", in_python(&message))?;
    fields.set_item("status", error.status().name())?;
    fields.set_item("status_code", error.status().code())?;
    fields.set_item("endpoint", error.endpoint().map(Endpoint::as_str))?;
    fields.set_item("delivery", delivery.as_str())?;
    fields.set_item("http_status", error.http_status())?;
    fields.set_item("trace", trace)?;
    if let Some(response) = error.response() {
        let entry = errcode::lookup(response.endpoint(), response.errcode());
        fields.set_item("code", response.errcode())?;
        fields.set_item("errmsg", response.errmsg())?;
        fields.set_item("rid", response.rid())?;
        fields.set_item("hint", response.hint())?;
        fields.set_item("request_ip", response.request_ip())?;
        fields.set_item("body", response.body())?;
        fields.set_item("class_", response.class().map_or("", |c| c.as_str()))?;
        fields.set_item("retryable", response.class().is_some_and(|c| c.retryable()))?;
        fields.set_item("name", entry.map_or("", |e| e.name))?;
        fields.set_item("meaning", entry.map_or("", |e| e.meaning.get(lang)))?;
        fields.set_item("remedy", entry.map_or("", |e| e.remedy.get(lang)))?;
    }
    let exception = make(py)?.call1((fields,))?;
    if let Some(progress) = progress {
        exception.setattr("_progress", progress)?;
    }
    Ok(PyErr::from_value(exception))
}

/// Creates the exception for an error outside of a call. Nothing was sent.
pub fn before_call(py: Python<'_>, status: Status, message: &str) -> PyErr {
    static BEFORE_CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = || -> PyResult<PyErr> {
        let make = BEFORE_CALL.import(py, "wxlink.errors", "before_call")?;
        let arguments = (status.name(), in_python(message));
        Ok(PyErr::from_value(make.call1(arguments)?))
    };
    made().unwrap_or_else(|broken| broken)
}

/// The core's text with Python's names of the options: times have no unit in theirs.
pub fn in_python(text: &str) -> String {
    let times = wxlink::OPTIONS
        .iter()
        .filter(|option| option.kind == OptionKind::Milliseconds);
    times.fold(text.to_owned(), |text, option| {
        text.replace(option.key, option.key.trim_end_matches("_ms"))
    })
}

/// The exception that a signal handler raised during a call, with the call's outcome: `progress`,
/// and a note that is shown below the traceback (from Python 3.11).
pub fn interrupted(
    py: Python<'_>,
    raised: PyErr,
    message: &str,
    progress: Option<LinkProgress>,
) -> PyErr {
    let value = raised.value(py);
    // If the exception accepts no attributes, or Python is older, it is raised unchanged.
    if let Some(progress) = progress {
        let _ = value.setattr("progress", progress);
    }
    if !message.is_empty() {
        let _ = value.call_method1("add_note", (in_python(message),));
    }
    raised
}

fn make(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MAKE.import(py, "wxlink.errors", "_make")
}

/// What is known of an errcode.
#[pyclass(frozen, get_all, module = "wxlink._core")]
pub struct ErrcodeEntry {
    name: &'static str,
    class_: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

/// Looks up an errcode; `None` if it is unknown.
#[pyfunction]
#[pyo3(signature = (errcode, endpoint=None, lang="en"))]
pub fn explain(errcode: i32, endpoint: Option<&str>, lang: &str) -> Option<ErrcodeEntry> {
    let lang = Lang::from_code(lang)?;
    let entry = match endpoint {
        Some(word) => errcode::lookup(Endpoint::parse(word)?, errcode)?,
        None => errcode::general(errcode)?,
    };
    Some(ErrcodeEntry {
        name: entry.name,
        class_: entry.class.as_str(),
        meaning: entry.meaning.get(lang),
        remedy: entry.remedy.get(lang),
    })
}
