//! Removes secrets from the parts of a request that the journal shows.
//!
//! Known secrets are recognised by their values, others by the names of their fields. Everything
//! else in a request to an endpoint for links is shown as it arrived. Requests to component
//! endpoints consist mostly of secrets, and so may those to unknown paths: only parts that are
//! known to be harmless are shown.

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;

use crate::journal::json::Json;
use crate::model::endpoint::Endpoint;
use crate::model::secret_names::{is_secret_name, mentions_secret};
use crate::model::secrets::{MASK, Secrets};
use crate::model::world::is_appid;
use crate::wechat::query::percent_decoded;

/// How many bytes of a body are kept at most.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
/// How many bytes of a body that is not JSON are searched for secrets. More are searched than kept,
/// so that a secret at the end of the kept part is found as a whole.
const MAX_SEARCHED_BYTES: usize = 2 * MAX_BODY_BYTES;

/// Fields of the component endpoints that hold an appid.
const APPID_FIELDS: [&str; 2] = ["component_appid", "authorizer_appid"];
/// Fields of the component endpoints that hold a number.
const NUMBER_FIELDS: [&str; 2] = ["offset", "count"];
/// Fields of the component endpoints that hold a secret. Their names are shown.
const SECRET_FIELDS: [&str; 5] = [
    "component_appsecret",
    "component_secret",
    "component_verify_ticket",
    "authorizer_refresh_token",
    "authorization_code",
];
/// Parameters of the component endpoints that hold a token. Their names are shown.
const TOKEN_PARAMETERS: [&str; 2] = ["component_access_token", "access_token"];

/// Removes secrets from one request.
#[derive(Clone, Copy)]
pub(crate) struct Redaction<'a> {
    pub(crate) secrets: &'a Secrets,
    /// Whether a text is the access token of an account. Such a token is shown in one place: as the
    /// `access_token` of a call for links, where tests look up which token was used and how it was
    /// escaped.
    pub(crate) is_account_token: &'a dyn Fn(&str) -> bool,
    pub(crate) endpoint: Endpoint,
}

impl Redaction<'_> {
    /// Redacts a path, a method or the name of a header.
    pub(crate) fn text(self, text: &str) -> String {
        self.secrets.mask(text)
    }

    /// Redacts the value of a header. Bytes that are not UTF-8 are replaced.
    pub(crate) fn header(self, name: &str, value: &[u8]) -> String {
        if is_secret_name(name) {
            return MASK.to_owned();
        }
        match std::str::from_utf8(value) {
            Ok(text) => self.secrets.mask(text),
            Err(_) if mentions_secret(value) => MASK.to_owned(),
            Err(_) => String::from_utf8_lossy(&self.secrets.mask_bytes(value)).into_owned(),
        }
    }

    /// Redacts a query.
    pub(crate) fn query(self, query: &str) -> String {
        let pairs = query.split('&').filter_map(|pair| {
            if self.endpoint.is_for_links() {
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
            && !self.secrets.is_platform_secret(&decoded)
        {
            return pair.to_owned();
        }
        let value = if value.is_empty() {
            Cow::Borrowed(value)
        } else if is_secret_name(name) || self.secrets.is_known(&*decoded) {
            Cow::Borrowed(MASK)
        } else {
            self.secrets.mask(value).into()
        };
        // `mask` would mask the whole pair: it looks like the assignment of a secret.
        self.secrets
            .mask_values(&format!("{}={value}", self.secrets.mask(name)))
    }

    /// Redacts a body and truncates it to [`MAX_BODY_BYTES`].
    pub(crate) fn body(self, body: &[u8], headers: &HeaderMap) -> Box<[u8]> {
        if body.is_empty() {
            return Box::default();
        }
        let mut shown = match serde_json::from_slice::<Json>(body) {
            Ok(json) if self.endpoint.is_for_links() => self.link_body(body, json),
            Ok(json) => self.component_body(json),
            Err(_) => self.other_body(body, headers),
        };
        shown.truncate(truncated_length(&shown));
        shown.into()
    }

    /// A body without secrets is shown byte for byte as it arrived.
    fn link_body(self, body: &[u8], mut json: Json) -> Vec<u8> {
        if self.mask_json(&mut json) {
            self.secrets.mask_bytes(&json.to_bytes())
        } else {
            self.secrets.mask_bytes(body)
        }
    }

    fn component_body(self, json: Json) -> Vec<u8> {
        let Json::Object(fields) = json else {
            return MASK.into();
        };
        let shown = fields.into_iter().filter_map(|(name, value)| {
            let is_harmless = if APPID_FIELDS.contains(&&*name) {
                matches!(&value, Json::String(text)
                    if is_appid(text) && !self.secrets.is_known(text))
            } else if NUMBER_FIELDS.contains(&&*name) {
                matches!(&value, Json::Number(number)
                    if number.is_u64() && !self.secrets.is_known(number.to_string()))
            } else if SECRET_FIELDS.contains(&&*name) {
                false
            } else {
                return None;
            };
            Some((name, if is_harmless { value } else { Json::masked() }))
        });
        Json::Object(shown.collect()).to_bytes()
    }

    /// A body that is not JSON is masked unless it is for links, readable, and names no secret.
    fn other_body(self, body: &[u8], headers: &HeaderMap) -> Vec<u8> {
        let searched = &body[..body.len().min(MAX_SEARCHED_BYTES)];
        if !self.endpoint.is_for_links()
            || headers.contains_key(CONTENT_ENCODING)
            || mentions_secret(searched)
        {
            return MASK.into();
        }
        self.secrets.mask_bytes(searched)
    }

    /// Masks the secrets in a document. Returns whether there were any.
    fn mask_json(self, json: &mut Json) -> bool {
        let masked = match json {
            Json::Null | Json::Bool(_) => return false,
            Json::Number(number) => self.secrets.is_known(number.to_string()),
            Json::String(text) => {
                let shown = self.nested_text(text);
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

    /// Redacts a text in a document. The text may be a document itself.
    fn nested_text(self, text: &str) -> String {
        if text.trim_start().starts_with(['{', '['])
            && let Ok(mut json) = serde_json::from_str::<Json>(text)
            && self.mask_json(&mut json)
        {
            return self
                .secrets
                .mask_values(&String::from_utf8_lossy(&json.to_bytes()));
        }
        self.secrets.mask(text)
    }
}

/// Redacts a parameter of an endpoint that is not for links. Unknown parameters are omitted, and
/// the values of known ones are masked.
fn known_parameter(pair: &str) -> Option<String> {
    let (name, value) = pair.split_once('=')?;
    TOKEN_PARAMETERS.contains(&name).then(|| {
        let value = if value.is_empty() { "" } else { MASK };
        format!("{name}={value}")
    })
}

/// The length to which a body is truncated. It does not split a character, so text remains text.
fn truncated_length(body: &[u8]) -> usize {
    if body.len() <= MAX_BODY_BYTES {
        return body.len();
    }
    match std::str::from_utf8(body) {
        Ok(text) => (0..=MAX_BODY_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or_default(),
        Err(_) => MAX_BODY_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::World;

    fn with_redaction<T>(endpoint: Endpoint, run: impl FnOnce(Redaction) -> T) -> T {
        let secrets = Secrets::from_world(&World::demo());
        run(Redaction {
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
            assert_eq!(
                with_redaction(Endpoint::Get, |r| r.query(query)),
                expected,
                "{query}"
            );
        }
        for (query, expected) in [
            ("access_token=SANDBOX-TOKEN&x=1", "access_token=MASKED"),
            ("component_access_token=&real", "component_access_token="),
        ] {
            assert_eq!(
                with_redaction(Endpoint::AuthorizerToken, |r| r.query(query)),
                expected
            );
            assert_eq!(
                with_redaction(Endpoint::Other, |r| r.query(query)),
                expected
            );
        }
    }

    fn body(endpoint: Endpoint, body: &[u8]) -> String {
        let shown = with_redaction(endpoint, |r| r.body(body, &HeaderMap::new()));
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
        let shown = with_redaction(Endpoint::Link, |r| r.body(b"\x1f\x8b", &headers));
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
    fn truncation_does_not_show_the_start_of_a_secret() {
        let secret = "SANDBOX-REFRESH-1";
        for before in MAX_BODY_BYTES - 20..MAX_BODY_BYTES + 2 {
            for text in [
                format!("{}{secret}", "x".repeat(before)),
                format!("{{\"y\":\"{}{secret}\"}}", "x".repeat(before - 6)),
            ] {
                let shown = body(Endpoint::Link, text.as_bytes());
                assert!(shown.len() <= MAX_BODY_BYTES);
                assert!(!shown.contains("SAN"), "{before}");
            }
        }
        // A character of three bytes is not split.
        let shown = body(Endpoint::Link, "令".repeat(MAX_BODY_BYTES / 2).as_bytes());
        assert_eq!(shown, "令".repeat(MAX_BODY_BYTES / 3));
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
            let shown = with_redaction(Endpoint::Link, |r| r.header(name, value.as_bytes()));
            assert_eq!(shown, expected, "{name}");
        }
    }
}
