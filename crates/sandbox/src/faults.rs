//! Faults on demand: what can go wrong, for which requests, and how often.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::codes::mix;
use crate::wechat::Endpoint;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// WeChat answers this code.
    Errcode(Errcode),
    /// The answer comes this many milliseconds late.
    DelayMs(u64),
    /// No answer ever comes.
    Hang,
    /// The connection ends without an answer.
    Drop(DropKind),
    /// The head promises the whole body, then the connection ends after some of it.
    Cut(Cut),
    /// The answer is not HTTP.
    Garbage,
    /// Something on the way answers with a page of its own.
    Status(Page),
    /// Something on the way sends the caller elsewhere.
    Redirect(Redirect),
    /// An answer made to measure.
    Body(Body),
    /// A small gzip body that unpacks to many bytes.
    GzipBomb(Size),
    /// An answer of many bytes.
    Huge(Size),
    /// An answer of deeply nested JSON.
    Deep(Levels),
    /// The answer trickles in.
    Slow(Slow),
    /// The answer has no length and ends with the connection.
    CloseDelimited,
    /// The answer begins with a byte order mark.
    Bom,
    /// The answer is in order and promises to keep the connection, which then ends.
    CloseAfter,
    /// The connection is accepted and ended before anything is read.
    AcceptClose,
    /// The TLS handshake is never answered.
    TlsHang,
    /// The connection is reset during the TLS handshake.
    TlsReset,
}

/// See [`Fault::Errcode`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errcode {
    /// The code.
    pub code: i64,
    /// The text, word for word; left out: WeChat's wording with a rid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errmsg: Option<String>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropKind {
    /// FIN.
    Close,
    /// RST.
    Reset,
}

/// See [`Fault::Cut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// How much of the body is sent.
    pub bytes: usize,
}

/// See [`Fault::Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The HTTP status.
    pub code: u16,
    /// The page; left out: one as proxies make them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// See [`Fault::Redirect`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    #[serde(default = "found")]
    pub code: u16,
    /// Where to.
    pub location: String,
}

/// See [`Fault::Body`]. The connection ends after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The body as text; or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The body as base64; or `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// The HTTP status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers to add; one of the usual ones is replaced, or left out by `null`.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Whether the body goes out in chunks instead of with a length.
    #[serde(default)]
    pub chunked: bool,
    /// Whether the answer says HTTP/1.0.
    #[serde(default)]
    pub http10: bool,
}

/// See [`Fault::GzipBomb`] and [`Fault::Huge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How many (of the bomb: unpacked).
    pub bytes: u64,
}

/// See [`Fault::Deep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// How many arrays inside each other.
    pub levels: usize,
}

/// See [`Fault::Slow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// How many bytes of the whole answer, head included, come at a time.
    pub bytes: usize,
    /// Milliseconds between them.
    pub every_ms: u64,
}

fn found() -> u16 {
    302
}

fn ok() -> u16 {
    200
}

/// Which requests a fault is for.
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
    /// Every path but the admin interface.
    #[default]
    #[serde(rename = "*")]
    Any,
}

impl Target {
    fn covers(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Any => true,
            Self::Link => endpoint == Endpoint::Link,
            Self::Get => endpoint == Endpoint::Get,
            Self::Unlink => endpoint == Endpoint::Unlink,
            Self::ComponentToken => endpoint == Endpoint::ComponentToken,
            Self::AuthorizerToken => endpoint == Endpoint::AuthorizerToken,
            Self::AuthorizerList => endpoint == Endpoint::AuthorizerList,
        }
    }
}

/// The kind of listener a connection came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// Plain HTTP.
    Http,
    /// HTTPS, whatever its certificate.
    Https,
}

/// Whether a request takes effect before it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It has no effect.
    Before,
    /// It takes effect, but the caller does not hear of it.
    After,
}

/// A fault, for which requests, and how often: once unless told otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which requests it is for.
    #[serde(default)]
    pub endpoint: Target,
    /// Only for connections to this kind of listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<Listener>,
    /// What goes wrong.
    pub fault: Fault,
    /// Whether the request takes effect first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Moment>,
    /// How many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Every time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub always: bool,
    /// This often, between 0 and 1, by a dice that rolls the same way each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Which dice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The most a bomb unpacks to: packing it takes a moment and a 150th of that memory.
const BIGGEST_BOMB: u64 = 1 << 30;
/// The most a huge answer has.
const HUGEST: u64 = 1 << 40;
/// The least: its JSON must fit.
const LEAST_HUGE: u64 = 64;
/// The deepest nesting: far beyond any stack.
const DEEPEST: usize = 50_000_000;
/// The longest delay: a day.
const LONGEST_DELAY_MS: u64 = 86_400_000;

impl Fault {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Errcode(_) => "errcode",
            Self::DelayMs(_) => "delay_ms",
            Self::Hang => "hang",
            Self::Drop(_) => "drop",
            Self::Cut(_) => "cut",
            Self::Garbage => "garbage",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::Body(_) => "body",
            Self::GzipBomb(_) => "gzip_bomb",
            Self::Huge(_) => "huge",
            Self::Deep(_) => "deep",
            Self::Slow(_) => "slow",
            Self::CloseDelimited => "close_delimited",
            Self::Bom => "bom",
            Self::CloseAfter => "close_after",
            Self::AcceptClose => "accept_close",
            Self::TlsHang => "tls_hang",
            Self::TlsReset => "tls_reset",
        }
    }

    /// Whether it strikes before a request can be read.
    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(self, Self::AcceptClose | Self::TlsHang | Self::TlsReset)
    }

    /// Whether it needs the answer it spoils.
    fn needs_answer(&self) -> bool {
        matches!(
            self,
            Self::Cut(_) | Self::Slow(_) | Self::CloseDelimited | Self::Bom | Self::CloseAfter
        )
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::DelayMs(ms) if *ms > LONGEST_DELAY_MS => Err(format!(
                "`delay_ms` goes up to {LONGEST_DELAY_MS}; use \"hang\" to never answer"
            )),
            Self::Status(page) => check_status(page.code),
            Self::Redirect(redirect) => {
                if !matches!(redirect.code, 301 | 302 | 303 | 307 | 308) {
                    return Err(format!(
                        "`code` {} is no redirect: use 301, 302, 303, 307 or 308",
                        redirect.code
                    ));
                }
                if redirect.location.is_empty()
                    || !redirect
                        .location
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic())
                {
                    return Err("`location` must be an address in ASCII without blanks".to_owned());
                }
                Ok(())
            }
            Self::Body(body) => body.check(),
            Self::GzipBomb(size) if size.bytes > BIGGEST_BOMB => {
                Err(format!("a gzip bomb has up to {BIGGEST_BOMB} `bytes`"))
            }
            Self::Huge(size) if !(LEAST_HUGE..=HUGEST).contains(&size.bytes) => Err(format!(
                "a huge answer has {LEAST_HUGE} to {HUGEST} `bytes`"
            )),
            Self::Deep(deep) if deep.levels > DEEPEST => {
                Err(format!("`levels` goes up to {DEEPEST}"))
            }
            Self::Slow(slow) if slow.bytes == 0 => {
                Err("`bytes` must be at least 1; use \"hang\" to never answer".to_owned())
            }
            Self::Slow(slow) if slow.every_ms > LONGEST_DELAY_MS => {
                Err(format!("`every_ms` goes up to {LONGEST_DELAY_MS}"))
            }
            _ => Ok(()),
        }
    }
}

fn check_status(code: u16) -> Result<(), String> {
    if (200..=599).contains(&code) {
        Ok(())
    } else {
        Err(format!("an HTTP status is 200 to 599, not {code}"))
    }
}

impl Body {
    /// The bytes to send; `check` has seen to it that there are some.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(base64)) => BASE64.decode(base64).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), String> {
        check_status(self.status)?;
        match (&self.text, &self.base64) {
            (Some(_), None) => {}
            (None, Some(base64)) => {
                BASE64
                    .decode(base64)
                    .map_err(|error| format!("`base64` is none: {error}"))?;
            }
            _ => return Err("give the body either as `text` or as `base64`".to_owned()),
        }
        for (name, value) in &self.headers {
            let token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) {
                return Err(format!("{name:?} is no name for a header"));
            }
            if value
                .as_ref()
                .is_some_and(|value| value.contains(['\r', '\n']))
            {
                return Err(format!(
                    "the value of header {name:?} has a line break in it"
                ));
            }
        }
        Ok(())
    }
}

impl FaultRule {
    /// A fault that happens once, to any request.
    pub fn once(fault: Fault) -> Self {
        Self {
            endpoint: Target::Any,
            listener: None,
            fault,
            when: None,
            times: None,
            always: false,
            probability: None,
            seed: None,
        }
    }

    /// Whether the request takes effect, and when.
    pub(crate) fn moment(&self) -> Moment {
        if self.fault.needs_answer() {
            return Moment::After;
        }
        self.when.unwrap_or(match self.fault {
            Fault::DelayMs(_) => Moment::After,
            _ => Moment::Before,
        })
    }

    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = self.fault.name();
        self.fault
            .check()
            .map_err(|error| format!("fault {name}: {error}"))?;
        if self.fault.is_of_connection() {
            if self.endpoint != Target::Any || self.when.is_some() {
                return Err(format!(
                    "fault {name} strikes before a request is read: leave out `endpoint` and `when`"
                ));
            }
            let needs_tls = !matches!(self.fault, Fault::AcceptClose);
            if needs_tls && self.listener == Some(Listener::Http) {
                return Err(format!("fault {name} needs TLS: leave out `listener`"));
            }
        }
        if self.fault.needs_answer() && self.when == Some(Moment::Before) {
            return Err(format!(
                "fault {name} spoils the request's own answer, so the request takes effect: leave out `when`"
            ));
        }
        let ways = [
            self.times.is_some(),
            self.always,
            self.probability.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err("say only one of `times`, `always` and `probability`".to_owned());
        }
        if self.times == Some(0) {
            return Err("`times` must be at least 1".to_owned());
        }
        match self.probability {
            Some(p) if !(p > 0.0 && p <= 1.0) => {
                Err("`probability` must be above 0 and at most 1".to_owned())
            }
            None if self.seed.is_some() => Err("`seed` needs `probability`".to_owned()),
            _ => Ok(()),
        }
    }
}

/// From this many rules on, spent ones are forgotten.
const SPENT_KEPT: usize = 1000;

/// A rule in force.
struct Active {
    id: u64,
    rule: Arc<FaultRule>,
    /// How often it may strike still; `None`: for ever.
    left: Option<u64>,
    /// How often it struck.
    hits: u64,
    /// How often the dice was rolled.
    rolls: u64,
}

/// All rules in force, oldest first.
#[derive(Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    last_id: u64,
}

/// How `GET faults` shows a rule.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    id: u64,
    hits: u64,
    left: Option<u64>,
    rule: &'a FaultRule,
}

impl Faults {
    /// Puts a checked rule in force.
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        // Spent rules stay to be looked at, but not for ever.
        if self.active.len() >= SPENT_KEPT {
            self.active.retain(|active| active.left != Some(0));
        }
        self.last_id += 1;
        let left = if rule.always || rule.probability.is_some() {
            None
        } else {
            Some(rule.times.unwrap_or(1))
        };
        self.active.push(Active {
            id: self.last_id,
            rule: Arc::new(rule),
            left,
            hits: 0,
            rolls: 0,
        });
        self.last_id
    }

    /// The first rule that strikes this request.
    pub(crate) fn strike(
        &mut self,
        endpoint: Endpoint,
        listener: Listener,
    ) -> Option<(u64, Arc<FaultRule>)> {
        self.first(listener, |rule| {
            !rule.fault.is_of_connection() && rule.endpoint.covers(endpoint)
        })
    }

    /// The first rule that strikes this new connection.
    pub(crate) fn strike_connection(&mut self, listener: Listener) -> Option<Arc<FaultRule>> {
        self.first(listener, |rule| match rule.fault {
            Fault::AcceptClose => true,
            Fault::TlsHang | Fault::TlsReset => listener == Listener::Https,
            _ => false,
        })
        .map(|(_, rule)| rule)
    }

    fn first(
        &mut self,
        listener: Listener,
        matches: impl Fn(&FaultRule) -> bool,
    ) -> Option<(u64, Arc<FaultRule>)> {
        self.active
            .iter_mut()
            .filter(|active| {
                active.left != Some(0)
                    && active.rule.listener.is_none_or(|only| only == listener)
                    && matches(&active.rule)
            })
            .find_map(|active| {
                if let Some(probability) = active.rule.probability {
                    let seed = mix(active.rule.seed.unwrap_or(1));
                    let roll = mix(seed.wrapping_add(active.rolls));
                    active.rolls += 1;
                    // The upper 53 bits make a number from 0 up to 1.
                    if (roll >> 11) as f64 / (1_u64 << 53) as f64 >= probability {
                        return None;
                    }
                }
                active.left = active.left.map(|left| left - 1);
                active.hits += 1;
                Some((active.id, Arc::clone(&active.rule)))
            })
    }

    /// Whether nothing can go wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether a new connection can be struck.
    pub(crate) fn any_of_connection(&self) -> bool {
        self.active
            .iter()
            .any(|active| active.left != Some(0) && active.rule.fault.is_of_connection())
    }

    pub(crate) fn shown(&self) -> Vec<Shown<'_>> {
        self.active
            .iter()
            .map(|active| Shown {
                id: active.id,
                hits: active.hits,
                left: active.left,
                rule: &active.rule,
            })
            .collect()
    }

    /// Removes all rules and says how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.active.len();
        self.active.clear();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<FaultRule, String> {
        let rule: FaultRule = serde_json::from_str(text).map_err(|error| error.to_string())?;
        rule.check().map(|()| rule)
    }

    #[test]
    fn names_are_the_json_names() {
        for text in [
            r#"{"errcode":{"code":-1}}"#,
            r#"{"delay_ms":1}"#,
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
            r#""tls_hang""#,
            r#""tls_reset""#,
        ] {
            let rule = rule(&format!(r#"{{"fault":{text}}}"#)).unwrap();
            assert!(
                text.contains(&format!("\"{}\"", rule.fault.name())),
                "{text}"
            );
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            (
                r#"{"fault":"hangs"}"#,
                "unknown variant `hangs`, expected one of",
            ),
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
                r#"{"fault":"tls_hang","endpoint":"get"}"#,
                "leave out `endpoint`",
            ),
            (r#"{"fault":"tls_hang","listener":"http"}"#, "needs TLS"),
            (r#"{"fault":{"status":{"code":99}}}"#, "200 to 599"),
            (
                r#"{"fault":{"redirect":{"code":200,"location":"/"}}}"#,
                "no redirect",
            ),
            (
                r#"{"fault":{"redirect":{"location":"a b"}}}"#,
                "without blanks",
            ),
            (
                r#"{"fault":{"body":{}}}"#,
                "either as `text` or as `base64`",
            ),
            (r#"{"fault":{"body":{"base64":"?"}}}"#, "`base64` is none"),
            (
                r#"{"fault":{"body":{"text":"","headers":{"a b":"c"}}}}"#,
                "no name for a header",
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
            (r#"{"fault":{"gzip_bomb":{"bytes":99999999999}}}"#, "up to"),
        ] {
            let error = rule(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn rules_strike_in_order_and_wear_out() {
        let mut faults = Faults::default();
        faults.add(rule(r#"{"endpoint":"link","fault":"hang","times":2}"#).unwrap());
        faults.add(rule(r#"{"fault":"bom"}"#).unwrap());
        let mut names = Vec::new();
        for endpoint in [
            Endpoint::Link,
            Endpoint::Get,
            Endpoint::Link,
            Endpoint::Link,
        ] {
            let struck = faults.strike(endpoint, Listener::Http);
            names.push(struck.map(|(_, rule)| rule.fault.name()));
        }
        assert_eq!(names, [Some("hang"), Some("bom"), Some("hang"), None]);
        assert_eq!(faults.clear(), 2);
    }

    #[test]
    fn the_dice_is_the_same_each_time_and_about_right() {
        let run = |seed: u64| {
            let mut faults = Faults::default();
            let text = format!(r#"{{"fault":"hang","probability":0.25,"seed":{seed}}}"#);
            faults.add(rule(&text).unwrap());
            (0..1000)
                .map(|_| faults.strike(Endpoint::Get, Listener::Http).is_some())
                .collect::<Vec<_>>()
        };
        let hits = run(7).into_iter().filter(|hit| *hit).count();
        assert!((180..320).contains(&hits), "{hits}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn tls_faults_leave_plain_connections_alone() {
        let mut faults = Faults::default();
        faults.add(rule(r#"{"fault":"tls_reset","always":true}"#).unwrap());
        assert!(faults.any_of_connection());
        assert!(faults.strike_connection(Listener::Http).is_none());
        assert!(faults.strike_connection(Listener::Https).is_some());
        assert!(faults.strike(Endpoint::Link, Listener::Https).is_none());
    }
}
