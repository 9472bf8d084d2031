//! The tokens in a response of WeChat's token endpoints.
//!
//! They are found by the names of their fields, whatever else is wrong with the response: WeChat
//! sends a new refresh token once, and the account is lost without it.

use std::borrow::Cow;

use super::record::whole_number;
use crate::config::secret_text;
use crate::model::endpoint::Endpoint;
use crate::response::token_fields;

/// What a response contains of the tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewTokens {
    pub access_token: Option<String>,
    /// A refresh token that differs from the one that was sent.
    pub refresh_token: Option<String>,
    /// The access token's lifetime (s), if it can be read.
    pub expires_in: Option<u64>,
}

impl NewTokens {
    /// Finds the tokens. `sent` is the refresh token in the request, which an error page may
    /// repeat. Of a field that occurs several times, the last usable value counts.
    pub fn read(endpoint: Endpoint, body: &[u8], sent: &str) -> NewTokens {
        let names: &[&str] = match endpoint {
            Endpoint::ComponentToken => &["component_access_token", "access_token"],
            Endpoint::AuthorizerToken | Endpoint::QueryAuth => {
                &["authorizer_access_token", "access_token"]
            }
            _ => &[],
        };
        let usable = |name| token_fields::texts(body, name).filter_map(|text| usable_token(&text));
        let refresh_tokens = usable("authorizer_refresh_token").filter(|token| token != sent);
        let refresh_token = refresh_tokens.last();
        let seconds = token_fields::values(body, "expires_in")
            .filter_map(|json| whole_number(&serde_json::from_slice(json).ok()?));
        NewTokens {
            access_token: names.iter().find_map(|name| usable(name).last()),
            refresh_token: refresh_token.filter(|_| endpoint != Endpoint::ComponentToken),
            expires_in: seconds.last(),
        }
    }
}

/// The token without what may be around it; `None` for a text that cannot be a token.
pub(super) fn usable_token(text: &str) -> Option<String> {
    let token = secret_text::parse(secret_text::ACCESS_TOKEN, text);
    token.ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: impl AsRef<[u8]>) -> (String, String, Option<u64>) {
        let tokens = NewTokens::read(Endpoint::AuthorizerToken, body.as_ref(), "R0");
        let text = |token: Option<String>| token.unwrap_or_default();
        let (access, refresh) = (text(tokens.access_token), text(tokens.refresh_token));
        (access, refresh, tokens.expires_in)
    }

    #[test]
    fn lifetimes_are_read_in_every_form() {
        for (written, seconds) in [
            ("7200", Some(7200)),
            (r#""7200""#, Some(7200)),
            (r#"" 7200 ""#, Some(7200)),
            ("7200.5", Some(7200)),
            ("7.2e3", Some(7200)),
            ("-1", Some(0)),
            ("9223372036854775808000", Some(u64::MAX)),
            ("1e999", None),
            ("null", None),
            ("true", None),
            ("NaN", None),
            (r#""soon""#, None),
            ("[7200]", None),
        ] {
            let body = format!(r#"{{"authorizer_access_token":"T","expires_in":{written}}}"#);
            assert_eq!(read(&body), ("T".into(), String::new(), seconds), "{body}");
        }
    }

    #[test]
    fn the_refresh_token_is_kept_whatever_else_is_unreadable() {
        for (body, access, refresh) in [
            (
                r#"{"authorizer_refresh_token":"R1","authorizer_access_token":"T"#,
                "",
                "R1",
            ),
            (
                r#"{"authorizer_refresh_token":"R1","authorizer_access_token":7}"#,
                "",
                "R1",
            ),
            (
                r#"{"authorizer_access_token":"T é","authorizer_refresh_token":"R1"}"#,
                "",
                "R1",
            ),
            (
                r#"[{"authorizer_access_token":" T\n","authorizer_refresh_token":" R1 "}"#,
                "T",
                "R1",
            ),
            (
                r#"{"authorizer_refresh_token":"R1","authorizer_refresh_token":""}"#,
                "",
                "R1",
            ),
            // A page that repeats the request has no new token.
            (
                r#"{"error":1,"request":{"authorizer_refresh_token":"R0"}}"#,
                "",
                "",
            ),
            (
                r#"{"authorizer_refresh_token":"R1","request":{"authorizer_refresh_token":"R0"}}"#,
                "",
                "R1",
            ),
            // The platform's token is not the account's.
            (
                r#"{"component_access_token":"C","access_token":"T"}"#,
                "T",
                "",
            ),
        ] {
            assert_eq!(read(body), (access.into(), refresh.into(), None), "{body}");
        }
        let own = NewTokens::read(
            Endpoint::ComponentToken,
            br#"{"component_access_token":"C","authorizer_refresh_token":"R"}"#,
            "TICKET",
        );
        assert_eq!(own.access_token.as_deref(), Some("C"));
        assert_eq!(own.refresh_token, None);
    }
}
