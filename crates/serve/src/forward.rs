//! Hands decrypted events on to another service of the platform.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::Agent;
use wxlink::Lang;

use crate::settings::Forward;
use crate::signature::sign;

/// How long the other service may take. WeChat waits for 5 s in all.
const LIMIT: Duration = Duration::from_secs(2);

/// Sends events to one URL.
pub(crate) struct Forwarder {
    agent: Agent,
    to: Forward,
}

impl Forwarder {
    pub fn new(to: Forward) -> Forwarder {
        let config = Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Forwarder {
            agent: config.into(),
            to,
        }
    }

    /// Sends `event`, a JSON object, and waits for the answer.
    ///
    /// # Errors
    /// The reason in `lang`, without the URL, if the other service did not answer with a status of
    /// 2xx.
    pub fn send(&self, event: &str, lang: Lang) -> Result<(), String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = now.map_or(0, |d| d.as_secs());
        let signature = sign(&self.to.secret, timestamp, event.as_bytes());
        let response = self
            .agent
            .post(&self.to.url)
            .content_type("application/json")
            .header("Wxlink-Timestamp", timestamp.to_string())
            .header("Wxlink-Signature", signature)
            .send(event);
        match response {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                let status = response.status().as_u16();
                Err(match lang {
                    Lang::En => format!("HTTP status {status}"),
                    Lang::Zh => format!("HTTP 状态码 {status}"),
                })
            }
            Err(ureq::Error::Timeout(_)) => Err(match lang {
                Lang::En => format!("no answer within {} s", LIMIT.as_secs()),
                Lang::Zh => format!("{} 秒内没有应答", LIMIT.as_secs()),
            }),
            Err(ureq::Error::Io(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
