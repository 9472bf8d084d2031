//! A decrypted push as a typed event.

use serde_json::{Value, json};

use super::xml::Element;
use crate::config::secret_text;
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};

/// A push of WeChat's, verified and decrypted.
pub(crate) struct Push {
    /// Its InfoType; empty for one that has none, such as a message of a follower.
    pub info_type: String,
    /// The account that it is about, if it names one.
    pub account: Option<String>,
    /// When it was created (s since 1970); 0 if it does not say.
    pub create_time: u64,
    pub event: Event,
    /// Its fields without secrets.
    pub fields: Value,
}

/// What a push is about.
pub(crate) enum Event {
    /// A new ticket.
    Ticket(String),
    /// An account authorised the platform, or changed what the platform may do.
    Authorized { account: String, code: String },
    /// An account withdrew its authorisation.
    Unauthorized { account: String },
    /// Something that concerns the caller, not the library.
    Other,
}

/// Fields that contain a secret.
const SECRET_FIELDS: [&str; 4] = [
    "ComponentVerifyTicket",
    "AuthorizationCode",
    "PreAuthCode",
    "auth_code",
];
/// How WeChat's tickets and codes start.
const SECRET_PREFIXES: [&str; 4] = [
    "ticket@@@",
    "queryauthcode@@@",
    "preauthcode@@@",
    "refreshtoken@@@",
];

impl Push {
    /// Reads a decrypted push.
    ///
    /// # Errors
    /// What is missing in an event that the library handles.
    pub(super) fn read(xml: Element) -> Result<Push, Message> {
        let text = |name: &str| xml.text(name).map(str::to_owned);
        let secret = |name: &str| {
            let secret = text(name)?;
            secret_text::check(&secret).map_err(|why| {
                let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
                message!("its {name} {en}", "其中的 {name} {zh}")
            })?;
            Ok::<_, Message>(secret)
        };
        let info_type = text("InfoType").unwrap_or_default();
        let event = match info_type.as_str() {
            "component_verify_ticket" => Event::Ticket(secret("ComponentVerifyTicket")?),
            "authorized" | "updateauthorized" => Event::Authorized {
                account: text("AuthorizerAppid")?,
                code: secret("AuthorizationCode")?,
            },
            "unauthorized" => Event::Unauthorized {
                account: text("AuthorizerAppid")?,
            },
            _ => Event::Other,
        };
        let create_time = xml
            .text("CreateTime")
            .ok()
            .and_then(|text| text.parse().ok());
        if create_time.is_none() && !matches!(event, Event::Other) {
            return Err(NO_TIME.into());
        }
        let accounts = [
            "AuthorizerAppid",
            "authorizer_appid",
            "verify_appid",
            "appid",
        ];
        Ok(Push {
            account: accounts.iter().find_map(|name| text(name).ok()),
            create_time: create_time.unwrap_or(0),
            fields: match xml.json(&is_secret) {
                Value::Object(fields) => Value::Object(fields),
                _ => json!({}),
            },
            info_type,
            event,
        })
    }
}

fn is_secret(name: &str, text: &str) -> bool {
    SECRET_FIELDS.contains(&name)
        || SECRET_PREFIXES
            .iter()
            .any(|prefix| text.starts_with(prefix))
}

const NO_TIME: Text = Text {
    en: "it has no CreateTime, or one that is not a number",
    zh: "缺少 CreateTime，或其值不是数字",
};
