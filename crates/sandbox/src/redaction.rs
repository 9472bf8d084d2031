//! What the journal may show of a request: its query, its headers and its body without secrets.
//!
//! Known secrets are removed by their value and others by the name of what holds them. The
//! endpoints for links show everything else as it arrived. All other paths are those of a
//! platform's secrets, or unknown: of their requests only known, harmless parts are shown.

use std::borrow::Cow;
use std::fmt;

use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::secrets::{MASK, Secrets, is_secret_name, mentions_secret};
use crate::wechat::{Endpoint, percent_decoded};
use crate::world::is_appid;

/// How much of a body is kept.
pub(crate) const BODY_KEPT: usize = 64 * 1024;
/// How much of a body that is not JSON is searched: a secret that is cut would show its beginning.
const BODY_SEARCHED: usize = 2 * BODY_KEPT;

/// Fields of the component endpoints that hold an appid.
const APPID_FIELDS: [&str; 2] = ["component_appid", "authorizer_appid"];
/// Fields of the component endpoints that hold a number.
const NUMBER_FIELDS: [&str; 2] = ["offset", "count"];
/// Fields of the component endpoints that hold a secret: shown to be there.
const SECRET_FIELDS: [&str; 4] = [
    "component_appsecret",
    "component_verify_ticket",
    "authorizer_refresh_token",
    "authorization_code",
];
/// Parameters of the component endpoints: shown to be there.
const TOKEN_PARAMETERS: [&str; 2] = ["component_access_token", "access_token"];

/// Removes secrets from one request.
#[derive(Clone, Copy)]
pub(crate) struct Redaction<'a> {
    pub(crate) secrets: &'a Secrets,
    /// Whether a text is an account's access token. Such tokens may be shown, as the access token of
    /// a call for links only: tests look there which one was used, and how it was escaped.
    pub(crate) is_account_token: &'a dyn Fn(&str) -> bool,
    pub(crate) endpoint: Endpoint,
}

impl Redaction<'_> {
    fn is_for_links(self) -> bool {
        matches!(
            self.endpoint,
            Endpoint::Link | Endpoint::Get | Endpoint::Unlink
        )
    }

    /// A path, or the name of a method.
    pub(crate) fn text(self, text: &str) -> String {
        self.secrets.mask(text)
    }

    pub(crate) fn header(self, name: &str, value: &[u8]) -> Vec<u8> {
        if is_secret_name(name) {
            return MASK.into();
        }
        match std::str::from_utf8(value) {
            Ok(text) => self.secrets.mask(text).into_bytes(),
            Err(_) if mentions_secret(value) => MASK.into(),
            Err(_) => self.secrets.mask_bytes(value),
        }
    }

    pub(crate) fn query(self, query: &str) -> String {
        let pairs = query.split('&').filter_map(|pair| {
            if self.is_for_links() {
                Some(self.pair(pair))
            } else {
                known_parameter(pair)
            }
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn pair(self, pair: &str) -> String {
        let Some((name, value)) = pair.split_once('=') else {
            return self.secrets.mask(pair);
        };
        let decoded = percent_decoded(value);
        if percent_decoded(name) == "access_token"
            && (self.is_account_token)(&decoded)
            && !self.secrets.is_platforms(&decoded)
        {
            return pair.to_owned();
        }
        let value = if value.is_empty() {
            Cow::Borrowed(value)
        } else if is_secret_name(name) || self.secrets.is_given(&decoded) {
            Cow::Borrowed(MASK)
        } else {
            self.secrets.mask(value).into()
        };
        // Not `mask`, which would take the name and the value for an assignment.
        self.secrets
            .mask_values(&format!("{}={value}", self.secrets.mask(name)))
    }

    /// The body as it may be kept: without secrets, and cut to a sensible length.
    pub(crate) fn body(self, body: &[u8], headers: &HeaderMap) -> Box<[u8]> {
        if body.is_empty() {
            return Box::default();
        }
        let mut shown = match serde_json::from_slice::<Json>(body) {
            Ok(json) if self.is_for_links() => self.link_body(body, json),
            Ok(json) => self.component_body(json),
            Err(_) => self.other_body(body, headers),
        };
        shown.truncate(cut(&shown));
        shown.into()
    }

    /// As it arrived, byte by byte, if there is no secret in it.
    fn link_body(self, body: &[u8], mut json: Json) -> Vec<u8> {
        if self.mask_json(&mut json) {
            self.secrets.mask_bytes(&to_bytes(&json))
        } else {
            self.secrets.mask_bytes(body)
        }
    }

    fn component_body(self, json: Json) -> Vec<u8> {
        let Json::Object(fields) = json else {
            return MASK.into();
        };
        let shown = fields.into_iter().filter_map(|(name, value)| {
            let harmless = if APPID_FIELDS.contains(&&*name) {
                matches!(&value, Json::String(text)
                    if is_appid(text) && !self.secrets.is_given(text))
            } else if NUMBER_FIELDS.contains(&&*name) {
                matches!(&value, Json::Number(number)
                    if number.is_u64() && !self.secrets.is_given(&number.to_string()))
            } else if SECRET_FIELDS.contains(&&*name) {
                false
            } else {
                return None;
            };
            Some((name, if harmless { value } else { Json::masked() }))
        });
        to_bytes(&Json::Object(shown.collect()))
    }

    /// What is not JSON is shown only where no secret is to be expected.
    fn other_body(self, body: &[u8], headers: &HeaderMap) -> Vec<u8> {
        let searched = &body[..body.len().min(BODY_SEARCHED)];
        if !self.is_for_links()
            || headers.contains_key(CONTENT_ENCODING)
            || mentions_secret(searched)
        {
            return MASK.into();
        }
        self.secrets.mask_bytes(searched)
    }

    /// Masks secrets in place. Returns whether there were any.
    fn mask_json(self, json: &mut Json) -> bool {
        let masked = match json {
            Json::Null | Json::Bool(_) => return false,
            Json::Number(number) => self.secrets.is_given(&number.to_string()),
            Json::String(text) => {
                let shown = self.text_within(text);
                let changed = shown != *text;
                *text = shown;
                return changed;
            }
            Json::Array(values) => {
                return values
                    .iter_mut()
                    .fold(false, |any, value| self.mask_json(value) | any);
            }
            Json::Object(fields) => {
                return fields.iter_mut().fold(false, |any, (name, value)| {
                    let secret = is_secret_name(name) && !matches!(value, Json::Null);
                    if secret {
                        *value = Json::masked();
                    }
                    let shown = self.secrets.mask(name);
                    let renamed = shown != *name;
                    *name = shown;
                    secret | renamed | self.mask_json(value) | any
                });
            }
        };
        if masked {
            *json = Json::masked();
        }
        masked
    }

    /// A text in a document, which may be a document itself.
    fn text_within(self, text: &str) -> String {
        if text.trim_start().starts_with(['{', '['])
            && let Ok(mut json) = serde_json::from_str::<Json>(text)
            && self.mask_json(&mut json)
        {
            return self
                .secrets
                .mask_values(&String::from_utf8_lossy(&to_bytes(&json)));
        }
        self.secrets.mask(text)
    }
}

/// The parameters of an endpoint that is not for links: those that are known, without their values.
fn known_parameter(pair: &str) -> Option<String> {
    let (name, value) = pair.split_once('=')?;
    TOKEN_PARAMETERS.contains(&name).then(|| {
        let value = if value.is_empty() { "" } else { MASK };
        format!("{name}={value}")
    })
}

/// Where to cut a body: not within a letter, or what is left were no text.
fn cut(body: &[u8]) -> usize {
    if body.len() <= BODY_KEPT {
        return body.len();
    }
    match std::str::from_utf8(body) {
        Ok(text) => (0..=BODY_KEPT)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or_default(),
        Err(_) => BODY_KEPT,
    }
}

/// These documents always serialise: their names are text.
fn to_bytes(json: &Json) -> Vec<u8> {
    serde_json::to_vec(json).unwrap_or_default()
}

/// A document whose objects keep all their fields, in order: a field that comes twice is a place
/// where a secret could hide.
enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn masked() -> Self {
        Self::String(MASK.to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn with<T>(endpoint: Endpoint, use_it: impl FnOnce(Redaction) -> T) -> T {
        let secrets = Secrets::of(&World::demo());
        use_it(Redaction {
            secrets: &secrets,
            is_account_token: &|text| text.starts_with("SANDBOX-TOKEN"),
            endpoint,
        })
    }

    #[test]
    fn queries() {
        for (query, expected) in [
            (
                "access_token=SANDBOX%2DTOKEN&x=1",
                "access_token=SANDBOX%2DTOKEN&x=1",
            ),
            ("x&access_token=real", "x&access_token=MASKED"),
            (
                "component_access_token=real&access_token=",
                "component_access_token=MASKED&access_token=",
            ),
            ("access%5ftoken=real", "access%5ftoken=MASKED"),
            ("ticket=SANDBOX-TOKEN", "ticket=MASKED"),
            ("x=SANDBOX-TOKEN&y=%53ANDBOX-TICKET", "x=MASKED&y=MASKED"),
            ("SANDBOX-TICKET", "MASKED"),
            ("SANDBOX-COMPONENT=1", "MASKED=1"),
            ("u=a%3Faccess_token%3Dreal", "u=MASKED"),
            ("", ""),
        ] {
            assert_eq!(with(Endpoint::Get, |r| r.query(query)), expected, "{query}");
        }
        for (query, expected) in [
            ("access_token=SANDBOX-TOKEN&x=1", "access_token=MASKED"),
            ("component_access_token=&real", "component_access_token="),
        ] {
            assert_eq!(
                with(Endpoint::AuthorizerToken, |r| r.query(query)),
                expected
            );
            assert_eq!(with(Endpoint::Other, |r| r.query(query)), expected);
        }
    }

    fn body(endpoint: Endpoint, body: &[u8]) -> String {
        let shown = with(endpoint, |r| r.body(body, &HeaderMap::new()));
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn bodies_of_links() {
        for (sent, expected) in [
            (
                r#"{ "appid":"wx", "n\u0031":1.0}"#,
                r#"{ "appid":"wx", "n\u0031":1.0}"#,
            ),
            (
                r#"{"access_token":"SANDBOX-TOKEN"}"#,
                r#"{"access_token":"MASKED"}"#,
            ),
            (
                r#"{"z":1,"a":[{"refresh_token":"x"}]}"#,
                r#"{"z":1,"a":[{"refresh_token":"MASKED"}]}"#,
            ),
            (
                r#"{"appsecret":["x"],"ticket":null}"#,
                r#"{"appsecret":"MASKED","ticket":null}"#,
            ),
            (r#"{"x":"SANDBOX-TICKET","x":1}"#, r#"{"x":"MASKED","x":1}"#),
            (
                r#"{"x":["a SANDBOX-REFRESH-1 b"]}"#,
                r#"{"x":["a MASKED b"]}"#,
            ),
            (r#"{"x":"\u0053ANDBOX-TICKET"}"#, r#"{"x":"MASKED"}"#),
            (
                r#"{"x":"{\"auth_code\":\"real\"}"}"#,
                r#"{"x":"{\"auth_code\":\"MASKED\"}"}"#,
            ),
            (r#"{"x":"<Ticket>real</Ticket>"}"#, r#"{"x":"MASKED"}"#),
            (r#"{"SANDBOX-COMPONENT":1}"#, r#"{"MASKED":1}"#),
            (r#""SANDBOX-TICKET""#, r#""MASKED""#),
            ("token=abc", "MASKED"),
            ("<appsecret>abc", "MASKED"),
            ("{\"x\":\"SANDBOX-REFRESH-1\"", "MASKED"),
            ("plain text", "plain text"),
            ("", ""),
        ] {
            assert_eq!(body(Endpoint::Link, sent.as_bytes()), expected);
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        let shown = with(Endpoint::Link, |r| r.body(b"\x1f\x8b", &headers));
        assert_eq!(&*shown, MASK.as_bytes());
    }

    #[test]
    fn bodies_of_component_endpoints() {
        for (sent, expected) in [
            (
                r#"{"component_appid":"wx0c00000000000001","x":"real","count":5,"offset":"real"}"#,
                r#"{"component_appid":"wx0c00000000000001","count":5,"offset":"MASKED"}"#,
            ),
            (
                r#"{"component_appid":"real","authorization_code":"real"}"#,
                r#"{"component_appid":"MASKED","authorization_code":"MASKED"}"#,
            ),
            (
                r#"{"component_appsecre\u0074":"real"}"#,
                r#"{"component_appsecret":"MASKED"}"#,
            ),
            (r#"["real"]"#, "MASKED"),
            (r#""real""#, "MASKED"),
            ("component_appid=real", "MASKED"),
            ("", ""),
        ] {
            for endpoint in [Endpoint::ComponentToken, Endpoint::Other] {
                assert_eq!(body(endpoint, sent.as_bytes()), expected);
            }
        }
    }

    #[test]
    fn a_cut_shows_no_beginning_of_a_secret() {
        let secret = "SANDBOX-REFRESH-1";
        for before in BODY_KEPT - 20..BODY_KEPT + 2 {
            for text in [
                format!("{}{secret}", "x".repeat(before)),
                format!("{{\"y\":\"{}{secret}\"}}", "x".repeat(before - 6)),
            ] {
                let shown = body(Endpoint::Link, text.as_bytes());
                assert!(shown.len() <= BODY_KEPT);
                assert!(!shown.contains("SAN"), "{before}");
            }
        }
        // A letter of three bytes is not cut.
        let shown = body(Endpoint::Link, "令".repeat(BODY_KEPT / 2).as_bytes());
        assert_eq!(shown, "令".repeat(BODY_KEPT / 3));
    }

    #[test]
    fn headers() {
        for (name, value, expected) in [
            ("authorization", "x", "MASKED"),
            ("cookie", "x", "MASKED"),
            ("x-auth-token", "x", "MASKED"),
            ("referer", "http://h/?access_token=real", "MASKED"),
            ("x-note", "a SANDBOX-TOKEN", "a MASKED"),
            ("user-agent", "ticket-shop/1.0", "ticket-shop/1.0"),
        ] {
            let shown = with(Endpoint::Link, |r| r.header(name, value.as_bytes()));
            assert_eq!(String::from_utf8_lossy(&shown), expected, "{name}");
        }
    }
}
