//! The core's errors as Python's exceptions, which are defined in `wxlink.errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use wxlink::{Delivery, Endpoint, Error, Lang, Status, errcode};

use crate::responses::LinkProgress;

/// Makes the exception for an error. What it is made of is plain data, so that it can be pickled.
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
    // The progress says what the call did before the error, too.
    let (message, delivery, trace) = match &progress {
        Some(LinkProgress(p)) => (p.message(), p.delivery(), p.trace()),
        None => (error.message(), error.delivery(), error.trace()),
    };
    fields.set_item("message", message)?;
    fields.set_item("status", error.status().name())?;
    fields.set_item("status_code", error.status().code())?;
    fields.set_item("endpoint", error.endpoint().map(Endpoint::as_str))?;
    fields.set_item("delivery", delivery.as_str())?;
    fields.set_item("http_status", error.http_status())?;
    fields.set_item("trace", trace)?;
    if let Some(answer) = error.response() {
        let entry = errcode::lookup(answer.endpoint(), answer.errcode());
        fields.set_item("code", answer.errcode())?;
        fields.set_item("errmsg", answer.errmsg())?;
        fields.set_item("rid", answer.rid())?;
        fields.set_item("hint", answer.hint())?;
        fields.set_item("request_ip", answer.request_ip())?;
        fields.set_item("body", answer.body())?;
        fields.set_item("class_", answer.class().map_or("", |c| c.as_str()))?;
        fields.set_item("retryable", answer.class().is_some_and(|c| c.retryable()))?;
        fields.set_item("name", entry.map_or("", |e| e.name))?;
        fields.set_item("meaning", entry.map_or("", |e| e.meaning.get(lang)))?;
        fields.set_item("remedy", entry.map_or("", |e| e.remedy.get(lang)))?;
    }
    let exception = make(py)?.call1((fields,))?;
    if let Some(progress) = progress {
        exception.setattr("progress", progress)?;
    }
    Ok(PyErr::from_value(exception))
}

/// Makes the exception for what is no call's failure: nothing was sent.
pub fn told(py: Python<'_>, status: Status, message: &str) -> PyErr {
    let made = || -> PyResult<PyErr> {
        let fields = PyDict::new(py);
        fields.set_item("message", message)?;
        fields.set_item("status", status.name())?;
        fields.set_item("status_code", status.code())?;
        fields.set_item("endpoint", py.None())?;
        fields.set_item("delivery", Delivery::NeverSent.as_str())?;
        fields.set_item("http_status", 0)?;
        fields.set_item("trace", "{}")?;
        Ok(PyErr::from_value(make(py)?.call1((fields,))?))
    };
    made().unwrap_or_else(|broken| broken)
}

/// What a signal's handler raised in a call, with what became of the call: `progress`, and a note
/// that is shown below the traceback (from Python 3.11).
pub fn interrupted(
    py: Python<'_>,
    raised: PyErr,
    message: &str,
    progress: Option<LinkProgress>,
) -> PyErr {
    let value = raised.value(py);
    // An exception that takes no attributes, or an older Python, is raised as it is.
    if let Some(progress) = progress {
        let _ = value.setattr("progress", progress);
    }
    if !message.is_empty() {
        let _ = value.call_method1("add_note", (message,));
    }
    raised
}

fn make(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MAKE.import(py, "wxlink.errors", "_make")
}

/// What the catalogue knows of an errcode: name, class, meaning, remedy; `None` if nothing.
#[pyfunction]
#[pyo3(signature = (errcode, endpoint=None, lang="en"))]
pub fn explain(
    errcode: i32,
    endpoint: Option<&str>,
    lang: &str,
) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    let lang = Lang::from_code(lang)?;
    let entry = match endpoint {
        Some(word) => errcode::lookup(Endpoint::parse(word)?, errcode)?,
        None => errcode::general(errcode)?,
    };
    Some((
        entry.name,
        entry.class.as_str(),
        entry.meaning.get(lang),
        entry.remedy.get(lang),
    ))
}
