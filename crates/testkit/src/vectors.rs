//! The shared test vectors of `tests/vectors/`, and a simulator to run them against.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings};

use crate::environment::{ACCOUNT, root};

/// The access token that the vectors use.
pub const TOKEN: &str = "VECTOR-TOKEN";

/// Reads a file of vectors.
pub fn vectors(file: &str) -> Value {
    let path = root().join("tests/vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Starts a simulator that accepts [`TOKEN`].
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    allow(&sandbox, TOKEN);
    sandbox
}

/// Makes the simulator accept an access token.
pub fn allow(sandbox: &Sandbox, token: &str) {
    let encoded: String = token.bytes().map(|b| format!("%{b:02X}")).collect();
    let path = format!("/__sandbox/tokens/{encoded}");
    sandbox
        .admin("PUT", &path, &json!({"account": ACCOUNT, "kind": "good"}))
        .unwrap();
}

/// A text of a vector: the field `NAME`, or `NAME_repeat` with a text and how often it is repeated.
pub fn text(vector: &Value, name: &str) -> String {
    match &vector[format!("{name}_repeat")] {
        Value::Array(repeat) => {
            let times = usize::try_from(repeat[1].as_u64().unwrap()).unwrap();
            repeat[0].as_str().unwrap().repeat(times)
        }
        _ => vector[name].as_str().unwrap_or_default().to_owned(),
    }
}

/// The body of a vector's answer.
pub fn body(vector: &Value) -> Vec<u8> {
    match &vector["body_repeat"] {
        Value::Array(r) => {
            let times = usize::try_from(r[2].as_u64().unwrap()).unwrap();
            let part = |i: usize| r[i].as_str().unwrap().to_owned();
            (part(0) + &part(1).repeat(times) + &part(3)).into_bytes()
        }
        _ => match &vector["body_base64"] {
            Value::String(text) => BASE64_STANDARD.decode(text).unwrap(),
            _ => vector["body"].as_str().unwrap().as_bytes().to_vec(),
        },
    }
}

/// Makes the simulator answer the next request with the body of a vector.
pub fn answer_with(sandbox: &Sandbox, vector: &Value) {
    let fault = raw_fault(&body(vector), &vector["http"]);
    sandbox.admin("POST", "/__sandbox/faults", &fault).unwrap();
}

/// A fault of the simulator that answers with exactly these bytes.
pub fn raw_fault(body: &[u8], http: &Value) -> Value {
    let mut answer = json!({
        "base64": BASE64_STANDARD.encode(body),
        "status": http["status"].as_u64().unwrap_or(200),
    });
    if http["headers"].is_object() {
        answer["headers"] = http["headers"].clone();
    }
    json!({"endpoint": "*", "fault": {"body": answer}})
}

/// The query that the request of a vector must have.
pub fn query(expected: &Value) -> String {
    match &expected["query_repeat"] {
        Value::Array(r) => {
            let times = usize::try_from(r[2].as_u64().unwrap()).unwrap();
            r[0].as_str().unwrap().to_owned() + &r[1].as_str().unwrap().repeat(times)
        }
        _ => expected["query"].as_str().unwrap().to_owned(),
    }
}
