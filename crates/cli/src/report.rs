//! What became of a call, as the fields of a line of JSON.

use serde_json::{Value, json};
use wxlink::{Class, Delivery, Error, LinkProgress, Response, Status};

/// A call that WeChat said yes to.
pub(crate) fn answer(answer: &Response) -> Value {
    json!({
        "status": Status::Ok.name(),
        "class": answer.class().map(Class::as_str),
        "errcode": answer.errcode(),
        "errmsg": answer.errmsg(),
        "rid": answer.rid(),
        "delivery": Delivery::Answered.as_str(),
        "message": "",
    })
}

/// A call that failed. Without an answer of WeChat's the errcode is the status's number: 0 would read as a yes.
pub(crate) fn error(error: &Error) -> Value {
    json!({
        "status": error.status().name(),
        "class": error.class().map(Class::as_str),
        "errcode": error.errcode().unwrap_or(error.status().code()),
        "errmsg": error.errmsg(),
        "rid": error.rid(),
        "delivery": error.delivery().as_str(),
        "message": error.message(),
    })
}

/// How far a link has come.
pub(crate) fn progress(progress: &LinkProgress) -> Value {
    let mut line = progress.json();
    let status = progress.status();
    let fields = match progress.error() {
        Some(e) => error(e),
        None => json!({
            "status": status.name(),
            "class": null,
            "errcode": status.code(),
            "errmsg": if status == Status::Ok { "ok" } else { "" },
            "rid": "",
            "delivery": progress.delivery().as_str(),
            "message": progress.message(),
        }),
    };
    merge(&mut line, fields);
    line["delivery"] = progress.delivery().as_str().into();
    // The error's own message leaves out what was done before it.
    line["message"] = progress.message().into();
    line
}

/// The fields of the one in the other.
pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// With the mini program it is about.
pub(crate) fn of_appid(appid: &str, mut line: Value) -> Value {
    line["appid"] = appid.into();
    line
}
