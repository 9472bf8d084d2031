//! Results and errors of the core as JSON, in which JavaScript gets them.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use serde_json::{Value, json};
use wxlink::{
    Endpoint, Error, Lang, LinkList, LinkProgress, LinkStatus, MiniProgram, Response, Status,
    errcode,
};

/// How a call ended.
pub struct Outcome {
    /// An object with either `value` or `error`.
    json: Value,
    /// The body of WeChat's response, byte for byte.
    body: Option<Vec<u8>>,
}

/// An outcome as text, which any thread can make.
pub struct OutcomeText {
    json: String,
    body: Option<Vec<u8>>,
}

impl OutcomeText {
    /// The outcome as JavaScript gets it. Runs on JavaScript's thread.
    pub fn into_js(self) -> JsOutcome {
        JsOutcome {
            json: self.json,
            body: self.body.map(Buffer::from),
        }
    }
}

/// An outcome as JavaScript gets it.
#[napi(object, object_from_js = false)]
pub struct JsOutcome {
    /// See [`Outcome`].
    pub json: String,
    /// See [`Outcome`].
    pub body: Option<Buffer>,
}

impl Outcome {
    /// A success whose value is this JSON.
    pub fn value(json: Value) -> Outcome {
        Outcome {
            json: json!({ "value": json }),
            body: None,
        }
    }

    /// WeChat's response to a successful call.
    pub fn response(response: &Response) -> Outcome {
        Outcome {
            body: Some(response.body().to_vec()),
            ..Outcome::value(response_json(response))
        }
    }

    /// WeChat's list.
    pub fn list(list: &LinkList) -> Outcome {
        let items: Vec<Value> = list.items().map(item_json).collect();
        let response = list.response();
        Outcome {
            body: Some(response.body().to_vec()),
            ..Outcome::value(json!({ "response": response_json(response), "items": items }))
        }
    }

    /// The state of a link, or the error that ended the call, which has the state too.
    pub fn progress(progress: &LinkProgress, lang: Lang) -> Outcome {
        let state = progress_json(progress);
        let Some(error) = progress.error() else {
            return Outcome::value(state);
        };
        let mut outcome = Outcome::error(error, lang);
        let fields = &mut outcome.json["error"];
        // The progress also contains what the call did before the error.
        for field in ["message", "delivery", "trace"] {
            fields[field] = state[field].clone();
        }
        fields["progress"] = state;
        outcome
    }

    /// A failed call.
    pub fn error(error: &Error, lang: Lang) -> Outcome {
        let mut fields = json!({
            "message": error.message(),
            "status": error.status().name(),
            "errno": error.status().code(),
            "endpoint": error.endpoint().map(Endpoint::as_str),
            "delivery": error.delivery().as_str(),
            "httpStatus": error.http_status(),
            "trace": error.trace(),
        });
        let response = error.response();
        if let Some(response) = response {
            let entry = errcode::lookup(response.endpoint(), response.errcode());
            fields["answer"] = json!({
                "errcode": response.errcode(),
                "errmsg": response.errmsg(),
                "rid": response.rid(),
                "hint": response.hint(),
                "requestIp": response.request_ip(),
                "errorClass": response.class().map_or("", |c| c.as_str()),
                "retryable": response.class().is_some_and(|c| c.retryable()),
                "errcodeName": entry.map_or("", |e| e.name),
                "meaning": entry.map_or("", |e| e.meaning.get(lang)),
                "remedy": entry.map_or("", |e| e.remedy.get(lang)),
            });
        }
        Outcome {
            json: json!({ "error": fields }),
            body: response.map(|response| response.body().to_vec()),
        }
    }

    /// A call that a fault of the library, or of the system, ended.
    pub fn internal(what: &str, delivery: &str) -> Outcome {
        let status = Status::Internal;
        let error = json!({
            "message": format!("{}: {what}", status.name()),
            "status": status.name(),
            "errno": status.code(),
            "endpoint": null,
            "delivery": delivery,
            "httpStatus": 0,
            "trace": "{}",
        });
        Outcome {
            json: json!({ "error": error }),
            body: None,
        }
    }

    /// The result of a call whose success is a value.
    pub fn of<T>(
        result: Result<T, Error>,
        lang: Lang,
        success: impl FnOnce(&T) -> Outcome,
    ) -> Outcome {
        match result {
            Ok(done) => success(&done),
            Err(e) => Outcome::error(&e, lang),
        }
    }

    /// The outcome with its JSON as text.
    pub fn into_text(self) -> OutcomeText {
        OutcomeText {
            json: self.json.to_string(),
            body: self.body,
        }
    }

    /// The JSON alone, of an outcome without a body.
    pub fn into_json(self) -> String {
        self.json.to_string()
    }
}

fn response_json(response: &Response) -> Value {
    json!({
        "errcode": response.errcode(),
        "errmsg": response.errmsg(),
        "rid": response.rid(),
        "httpStatus": response.http_status(),
        "trace": response.trace(),
    })
}

fn item_json(item: MiniProgram<'_>) -> Value {
    let infos = item.func_infos().into_iter();
    let infos = infos.map(|i| json!({ "id": i.id, "status": i.status, "name": i.name }));
    json!({
        "status": item.status().map(LinkStatus::code),
        "username": item.username(),
        "appid": item.appid(),
        "source": item.source(),
        "nickname": item.nickname(),
        "selected": item.selected(),
        "nearbyDisplayStatus": item.nearby_display_status(),
        "released": item.released(),
        "headimgUrl": item.headimg_url(),
        "funcInfos": infos.collect::<Vec<_>>(),
        "copyVerifyStatus": item.copy_verify_status(),
        "email": item.email(),
        "extra": item.extra(),
    })
}

fn progress_json(progress: &LinkProgress) -> Value {
    json!({
        "status": progress.status().name(),
        "state": progress.state().as_str(),
        "waitsFor": progress.state().waits_for(),
        "posts": progress.posts(),
        "retryAfterMs": u64::try_from(progress.retry_after().as_millis()).unwrap_or(u64::MAX),
        "item": progress.item().and_then(seen_item),
        "message": progress.message(),
        "delivery": progress.delivery().as_str(),
        "trace": progress.trace(),
        "json": progress.json(),
    })
}

/// The item of a progress with typed fields, as an item of a list has them.
fn seen_item(item: &Value) -> Option<Value> {
    let body = json!({ "errcode": 0, "wxopens": { "items": [item] } }).to_string();
    let response = Response::from_bytes(Endpoint::Get, 200, body.into_bytes()).ok()?;
    let list = LinkList::from_response(response)?;
    list.get(0).map(item_json)
}

/// The body of one of WeChat's responses as JSON that every parser accepts: what cannot be read in
/// a text is replaced by U+FFFD.
#[napi]
pub fn valid_json(body: Buffer) -> String {
    let response = Response::from_bytes(Endpoint::Link, 200, body.to_vec());
    response.map_or("null".to_owned(), |response| response.json().to_string())
}
