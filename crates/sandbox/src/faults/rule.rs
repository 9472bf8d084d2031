//! Fault rules: for which requests a fault is, and how often it applies.

use serde::{Deserialize, Serialize};

use crate::faults::fault::{Fault, MAX_DELAY_MS};
use crate::model::endpoint::Endpoint;
use crate::model::message::{Message, at_most, message};
use crate::model::one_key;

/// The endpoint that a fault is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// `wxamplink`
    Link,
    /// `wxamplinkget`
    Get,
    /// `wxampunlink`
    Unlink,
    /// `api_component_token`
    ComponentToken,
    /// `api_authorizer_token`
    AuthorizerToken,
    /// `api_get_authorizer_list`
    AuthorizerList,
    /// `api_start_push_ticket`
    StartPushTicket,
    /// `api_create_preauthcode`
    PreAuthCode,
    /// `api_query_auth`
    QueryAuth,
    /// `api_get_authorizer_info`
    AuthorizerInfo,
    /// `rid/get`
    Rid,
    /// Every path except those of the admin interface.
    #[default]
    #[serde(rename = "*")]
    Any,
}

impl Target {
    pub(crate) fn matches(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Any => true,
            Self::Link => endpoint == Endpoint::Link,
            Self::Get => endpoint == Endpoint::Get,
            Self::Unlink => endpoint == Endpoint::Unlink,
            Self::ComponentToken => endpoint == Endpoint::ComponentToken,
            Self::AuthorizerToken => endpoint == Endpoint::AuthorizerToken,
            Self::AuthorizerList => endpoint == Endpoint::AuthorizerList,
            Self::StartPushTicket => endpoint == Endpoint::StartPushTicket,
            Self::PreAuthCode => endpoint == Endpoint::PreAuthCode,
            Self::QueryAuth => endpoint == Endpoint::QueryAuth,
            Self::AuthorizerInfo => endpoint == Endpoint::AuthorizerInfo,
            Self::Rid => endpoint == Endpoint::Rid,
        }
    }
}

/// The kind of listener that accepted a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// Plain HTTP.
    Http,
    /// HTTPS, with any certificate.
    Https,
}

/// Whether a fault occurs before or after the request takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The request has no effect.
    Before,
    /// The request takes effect, but the caller does not get the response.
    After,
}

/// A fault, for which requests it is, and how often it applies: once, unless `times`, `always` or
/// `probability` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The endpoint it is for.
    #[serde(default)]
    pub endpoint: Target,
    /// The kind of listener it is for. `None`: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<Listener>,
    /// The fault.
    #[serde(deserialize_with = "one_key::deserialize")]
    pub fault: Fault,
    /// Whether the request takes effect first. `None`: before for most faults; after for
    /// [`Fault::DelayMs`] and for faults that change WeChat's response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Phase>,
    /// The request takes effect this many milliseconds after it arrived, whatever has become of its
    /// caller. `None`: when `when` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect_after_ms: Option<u64>,
    /// How many times it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Whether it applies every time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub always: bool,
    /// The share of requests it applies to, above 0 and at most 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Selects the sequence of random numbers for `probability`. `None`: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl FaultRule {
    /// A fault that applies once, to any request.
    pub fn once(fault: Fault) -> Self {
        Self {
            endpoint: Target::Any,
            listener: None,
            fault,
            when: None,
            effect_after_ms: None,
            times: None,
            always: false,
            probability: None,
            seed: None,
        }
    }

    /// Whether it applies to connections of this listener.
    pub(crate) fn is_for_listener(&self, listener: Listener) -> bool {
        self.listener.is_none_or(|only| only == listener)
    }

    /// Whether the fault occurs before or after the request takes effect.
    pub(crate) fn phase(&self) -> Phase {
        if self.fault.needs_response() {
            return Phase::After;
        }
        self.when.unwrap_or(match self.fault {
            Fault::DelayMs(_) => Phase::After,
            _ => Phase::Before,
        })
    }

    /// Checks the rule. The error names the invalid field.
    pub(crate) fn check(&self) -> Result<(), Message> {
        let name = self.fault.name();
        self.fault
            .check()
            .map_err(|Message { en, zh }| message!("fault {name}: {en}", "故障 {name}：{zh}"))?;
        if self.fault.is_for_connections() {
            if self.endpoint != Target::Any || self.when.is_some() {
                return Err(message!(
                    "fault {name} applies before a request is read: leave out `endpoint` and `when`",
                    "故障 {name} 发生在读取请求之前：请去掉 `endpoint` 和 `when`"
                ));
            }
            let needs_tls = !matches!(self.fault, Fault::AcceptClose);
            if needs_tls && self.listener == Some(Listener::Http) {
                return Err(message!(
                    "fault {name} needs TLS: leave out `listener`",
                    "故障 {name} 需要 TLS：请去掉 `listener`"
                ));
            }
        }
        if self.fault.is_for_pushes()
            && (self.endpoint != Target::Any
                || self.listener.is_some()
                || self.when.is_some()
                || self.effect_after_ms.is_some())
        {
            return Err(message!(
                "fault {name} is for pushes: leave out `endpoint`, `listener`, `when` and \
                 `effect_after_ms`",
                "故障 {name} 用于推送：请去掉 `endpoint`、`listener`、`when` 和 `effect_after_ms`"
            ));
        }
        if self.fault.needs_response() && self.when == Some(Phase::Before) {
            return Err(message!(
                "fault {name} changes the request's own response, so the request takes effect: \
                 leave out `when`",
                "故障 {name} 改变请求自身的响应，因此请求会生效：请去掉 `when`"
            ));
        }
        self.check_late_effect()?;
        if matches!(self.fault, Fault::ListLagMs(_)) && self.endpoint != Target::Get {
            return Err(message!(
                "fault {name} changes the list: set `endpoint` to \"get\"",
                "故障 {name} 改变列表：请将 `endpoint` 设为 \"get\""
            ));
        }
        self.check_frequency()
    }

    fn check_late_effect(&self) -> Result<(), Message> {
        let Some(ms) = self.effect_after_ms else {
            return Ok(());
        };
        let name = self.fault.name();
        if self.fault.is_for_connections() {
            Err(message!(
                "fault {name} applies before a request is read: leave out `effect_after_ms`",
                "故障 {name} 发生在读取请求之前：请去掉 `effect_after_ms`"
            ))
        } else if self.fault.needs_response() || matches!(self.fault, Fault::DelayMs(_)) {
            Err(message!(
                "fault {name} needs the request's own response, so the request takes effect first: \
                 leave out `effect_after_ms`. Use \"hang\" for a caller that leaves without one",
                "故障 {name} 需要请求自身的响应，因此请求先生效：请去掉 `effect_after_ms`。\
                 调用方未等到响应即离开，请用 \"hang\""
            ))
        } else if self.when.is_some() {
            Err(Message::new(
                "give only one of `when` and `effect_after_ms`",
                "`when` 和 `effect_after_ms` 只能提供一个",
            ))
        } else if ms > MAX_DELAY_MS {
            Err(at_most("effect_after_ms", MAX_DELAY_MS))
        } else {
            Ok(())
        }
    }

    fn check_frequency(&self) -> Result<(), Message> {
        let given = [
            self.times.is_some(),
            self.always,
            self.probability.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(Message::new(
                "give only one of `times`, `always` and `probability`",
                "`times`、`always` 和 `probability` 只能提供一个",
            ));
        }
        if self.times == Some(0) {
            return Err(Message::new(
                "`times` must be at least 1",
                "`times` 至少为 1",
            ));
        }
        match self.probability {
            Some(p) if !(p > 0.0 && p <= 1.0) => Err(Message::new(
                "`probability` must be above 0 and at most 1",
                "`probability` 应大于 0 且不超过 1",
            )),
            None if self.seed.is_some() => Err(Message::new(
                "`seed` needs `probability`",
                "`seed` 需要 `probability`",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<FaultRule, Message> {
        let rule: FaultRule = serde_json::from_str(text).map_err(|error| error.to_string())?;
        rule.check().map(|()| rule)
    }

    #[test]
    fn names_are_the_json_names() {
        for text in [
            r#"{"errcode":{"code":-1}}"#,
            r#"{"delay_ms":1}"#,
            r#"{"list_lag_ms":1}"#,
            r#""hang""#,
            r#"{"drop":"reset"}"#,
            r#"{"cut":{"bytes":3}}"#,
            r#""garbage""#,
            r#"{"status":{"code":502}}"#,
            r#"{"redirect":{"location":"/x"}}"#,
            r#"{"body":{"text":""}}"#,
            r#"{"gzip_bomb":{"bytes":9}}"#,
            r#"{"huge":{"bytes":99}}"#,
            r#"{"deep":{"levels":9}}"#,
            r#"{"slow":{"bytes":1,"every_ms":1}}"#,
            r#""close_delimited""#,
            r#""bom""#,
            r#""close_after""#,
            r#""accept_close""#,
            r#"{"push":"wrong_key"}"#,
            r#"{"push":{"late_s":3}}"#,
            r#""tls_hang""#,
            r#""tls_reset""#,
        ] {
            let endpoint = if text.contains("list_lag") {
                "get"
            } else {
                "*"
            };
            let rule = rule(&format!(r#"{{"endpoint":"{endpoint}","fault":{text}}}"#));
            let rule = rule.unwrap();
            assert!(
                text.contains(&format!("\"{}\"", rule.fault.name())),
                "{text}"
            );
        }
    }

    #[test]
    fn errors_name_the_mistake() {
        for (text, part) in [
            (
                r#"{"fault":"hangs"}"#,
                "unknown variant `hangs`, expected one of",
            ),
            (
                r#"{"fault":{"delay_ms":5,"endpoint":"link"}}"#,
                "expected an object with one key, found `delay_ms`, `endpoint`",
            ),
            (r#"{"fault":{}}"#, "found none"),
            (r#"{"fault":"hang","time":1}"#, "unknown field `time`"),
            (r#"{"fault":{"cut":{"byte":1}}}"#, "unknown field `byte`"),
            (
                r#"{"endpoint":"put","fault":"hang"}"#,
                "unknown variant `put`",
            ),
            (r#"{"fault":"hang","times":0}"#, "at least 1"),
            (r#"{"fault":"hang","times":1,"always":true}"#, "only one of"),
            (r#"{"fault":"hang","probability":1.5}"#, "above 0"),
            (r#"{"fault":"hang","seed":1}"#, "needs `probability`"),
            (r#"{"fault":"bom","when":"before"}"#, "leave out `when`"),
            (
                r#"{"fault":"bom","effect_after_ms":1}"#,
                "leave out `effect_after_ms`",
            ),
            (
                r#"{"fault":{"delay_ms":9},"effect_after_ms":1}"#,
                "leave out `effect_after_ms`",
            ),
            (
                r#"{"fault":"accept_close","effect_after_ms":1}"#,
                "before a request is read",
            ),
            (
                r#"{"fault":"hang","when":"after","effect_after_ms":1}"#,
                "only one of `when`",
            ),
            (
                r#"{"fault":"hang","effect_after_ms":86400001}"#,
                "at most 86400000",
            ),
            (r#"{"fault":{"list_lag_ms":1}}"#, "set `endpoint`"),
            (
                r#"{"endpoint":"get","fault":{"list_lag_ms":600001}}"#,
                "at most 600000",
            ),
            (
                r#"{"fault":"tls_hang","endpoint":"get"}"#,
                "leave out `endpoint`",
            ),
            (
                r#"{"fault":{"push":"lost"},"endpoint":"get"}"#,
                "leave out `endpoint`",
            ),
            (r#"{"fault":"tls_hang","listener":"http"}"#, "needs TLS"),
            (r#"{"fault":{"status":{"code":99}}}"#, "200 to 599"),
            (
                r#"{"fault":{"redirect":{"code":200,"location":"/"}}}"#,
                "not a redirect",
            ),
            (
                r#"{"fault":{"redirect":{"location":"a b"}}}"#,
                "without spaces",
            ),
            (
                r#"{"fault":{"body":{}}}"#,
                "either as `text` or as `base64`",
            ),
            (
                r#"{"fault":{"body":{"base64":"?"}}}"#,
                "`base64` is invalid",
            ),
            (
                r#"{"fault":{"body":{"text":"","headers":{"a b":"c"}}}}"#,
                "invalid header name",
            ),
            (
                r#"{"fault":{"body":{"text":"","headers":{"a":"b\r\nc: d"}}}}"#,
                "line break",
            ),
            (
                r#"{"fault":{"slow":{"bytes":0,"every_ms":1}}}"#,
                "at least 1",
            ),
            (r#"{"fault":{"huge":{"bytes":1}}}"#, "64 to"),
            (
                r#"{"fault":{"gzip_bomb":{"bytes":99999999999}}}"#,
                "at most",
            ),
        ] {
            let error = rule(text).unwrap_err();
            assert!(error.en.contains(part), "{text}: {error}");
        }
    }
}
