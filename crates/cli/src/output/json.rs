//! The result of a call as the fields of one JSON line.

use serde_json::{Value, json};
use wxlink::{Class, Delivery, Error, LinkProgress, Response, Status};

/// A call that WeChat accepted.
pub(crate) fn response(response: &Response) -> Value {
    json!({
        "status": Status::Ok.name(),
        "class": response.class().map(Class::as_str),
        "errcode": response.errcode(),
        "errmsg": response.errmsg(),
        "rid": response.rid(),
        "delivery": Delivery::Answered.as_str(),
        "message": "",
    })
}

/// A failed call. Without a response from WeChat, `errcode` is the number of the status: 0 would
/// look like success.
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

/// A failure of the command itself, before anything was sent.
pub(crate) fn not_sent(status: Status, message: &str) -> Value {
    json!({
        "status": status.name(),
        "class": null,
        "errcode": status.code(),
        "errmsg": "",
        "rid": "",
        "delivery": Delivery::NeverSent.as_str(),
        "message": message,
    })
}

/// The result of `ensure` or `wait`.
pub(crate) fn link_progress(progress: &LinkProgress) -> Value {
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
    // The message of the error alone does not mention what was done before it.
    line["message"] = progress.message().into();
    line
}

/// Copies the fields of one object into another.
pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Adds the appid of the mini program.
pub(crate) fn with_appid(appid: &str, mut line: Value) -> Value {
    line["appid"] = appid.into();
    line
}
