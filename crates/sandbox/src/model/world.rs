//! The documents that describe a world: accounts, mini programs, tokens and the platform.
//!
//! Users write them as JSON. Their checks are here too; [`World::demo`] is in `demo.rs`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::message::{Message, message, not_empty};
use crate::model::push::PushSettings;

/// Everything that exists on WeChat's side. `POST /__sandbox/reset` accepts this document, and
/// `GET /__sandbox/state` returns it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Official Accounts by appid.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// Mini programs by appid.
    #[serde(default)]
    pub miniprograms: BTreeMap<String, MiniProgram>,
    /// Access tokens, by the token itself.
    #[serde(default)]
    pub tokens: BTreeMap<String, Token>,
    /// The third-party platform. Without one, the component endpoints return 61011.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
}

/// Shows the number of tokens, but not the tokens.
impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("World")
            .field("accounts", &self.accounts)
            .field("miniprograms", &self.miniprograms)
            .field("tokens", &self.tokens.len())
            .field("component", &self.component)
            .finish()
    }
}

/// An Official Account (公众号).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Its name.
    pub nickname: String,
    /// Its original id, `gh_…`. Empty: derived from the appid.
    pub username: String,
    /// The URL of its picture.
    pub headimg_url: String,
    /// The name of its owner (主体). Mini programs of the same owner count against another quota
    /// than those of others.
    pub subject: String,
    /// Its quotas.
    pub limits: Limits,
    /// How many links it requested this month.
    pub linked_this_month: u32,
    /// Its links, in the order of the list. `None` in `PUT accounts`: they stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<LinkEntry>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nickname: "示例公众号".to_owned(),
            username: String::new(),
            headimg_url: "http://wx.qlogo.cn/mmhead/sandbox-account/0".to_owned(),
            subject: DEFAULT_SUBJECT.to_owned(),
            limits: Limits::default(),
            linked_this_month: 0,
            links: None,
        }
    }
}

/// How many mini programs an account may link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many of its own subject may be linked or waiting at a time. Above: 89016.
    pub same_subject: u32,
    /// How many of other subjects may be linked or waiting at a time. Above: 89017.
    pub different_subject: u32,
    /// How many links may be requested in a month. Above: 89007.
    pub monthly: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            same_subject: 10,
            different_subject: 3,
            monthly: 13,
        }
    }
}

/// A link of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// The appid of a mini program, or of a service account.
    pub appid: String,
    /// Its state.
    #[serde(default)]
    pub state: LinkState,
    /// Whether the link was requested in the account's console instead of through the endpoint.
    #[serde(default)]
    pub from_console: bool,
    /// Whether the account's page shows it.
    #[serde(default = "default_selected")]
    pub selected: bool,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Status 12: the Official Account's administrator has been asked.
    WaitingOfficialAccount,
    /// Status 2: the mini program's administrator has been asked.
    WaitingMiniProgram,
    /// Status 1.
    #[default]
    Linked,
    /// Status 3: the mini program's administrator refused.
    Refused,
    /// Status 1: still linked, but the Official Account's administrator has been asked to unlink
    /// it.
    Unlinking,
}

/// A mini program (小程序).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiniProgram {
    /// Its name.
    pub nickname: String,
    /// Its original id, `gh_…`. Empty: derived from the appid.
    pub username: String,
    /// The URL of its picture.
    pub headimg_url: String,
    /// The name of its owner (主体).
    pub subject: String,
    /// Its features.
    pub func_infos: Vec<FuncInfo>,
    /// Whether it is published.
    pub released: bool,
    /// Whether it is shown in "nearby mini programs" (附近的小程序). If so, unlinking returns 89011.
    pub nearby: bool,
    /// The mail address shown in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Why it cannot be linked or unlinked. The first reason that applies is returned.
    pub refuses: Vec<Refusal>,
    /// Additional fields of its item in lists, for fields that WeChat has not documented.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Default for MiniProgram {
    fn default() -> Self {
        Self {
            nickname: "示例小程序".to_owned(),
            username: String::new(),
            headimg_url: "http://wx.qlogo.cn/mmhead/sandbox-miniprogram/0".to_owned(),
            subject: DEFAULT_SUBJECT.to_owned(),
            func_infos: vec![
                FuncInfo {
                    status: 1,
                    id: 1,
                    name: "微信认证".to_owned(),
                },
                FuncInfo {
                    status: 0,
                    id: 2,
                    name: "微信支付".to_owned(),
                },
            ],
            released: true,
            nearby: false,
            email: None,
            refuses: Vec::new(),
            extra: Map::new(),
        }
    }
}

/// A feature of a mini program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FuncInfo {
    /// 0: closed, 1: open.
    pub status: i32,
    /// 1: WeChat verification, 2: WeChat Pay.
    pub id: i32,
    /// Its name.
    pub name: String,
}

/// Why a mini program cannot be linked or unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is banned. Linking returns 89013.
    Banned,
    /// It belongs to an overseas account. Linking returns 89008.
    Overseas,
    /// Its administrator does not allow links. Linking returns 89245.
    ForbidsLinking,
    /// It is linked to as many accounts as allowed. Linking returns 89009.
    LimitReached,
    /// Its administrator is bound to too many accounts. Linking returns 1003.
    AdministratorOverLimit,
    /// Its administrator's phone number is bound to too many accounts. Linking returns 1005.
    PhoneOverLimit,
    /// It is a store or a mall. Unlinking returns 89012.
    Store,
}

/// An access token. Its text is the key in [`World::tokens`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The appid of the account it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether calls with it succeed.
    #[serde(default)]
    pub kind: TokenKind,
    /// The seconds until it expires. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Whether a newer token has been issued. If so, it is refused with 40001 instead of 42001 once
    /// it has expired.
    #[serde(default, skip_serializing_if = "is_false")]
    pub superseded: bool,
}

/// Whether calls with a token succeed, or how they are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// They succeed.
    #[default]
    Good,
    /// 42001.
    Expired,
    /// 40001, as for an unknown token.
    Revoked,
    /// 40014.
    Malformed,
    /// A mini program's token: 48001.
    WrongKind,
    /// The platform's own token: valid at the component endpoints, 48001 at all others.
    Component,
    /// The account has withdrawn its authorisation: 61003.
    Deauthorized,
    /// The account has not granted permission set 33: 61007.
    NoPermission,
}

/// The third-party platform (第三方平台), which calls the endpoints for its accounts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its appid.
    pub appid: String,
    /// Its secret.
    pub appsecret: String,
    /// The latest ticket that WeChat has pushed.
    pub ticket: String,
    /// The seconds until that ticket expires.
    #[serde(default = "default_ticket_expires_in")]
    pub ticket_expires_in: u64,
    /// Tickets pushed earlier, and the seconds until they expire. An expired ticket (0) is refused
    /// with 61005, an unknown one with 61006.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_tickets: BTreeMap<String, u64>,
    /// Whether a refresh token can be used again.
    #[serde(default)]
    pub refresh: RefreshMode,
    /// How an authorisation code is refused that was used.
    #[serde(default)]
    pub used_code: UsedCode,
    /// How long what it obtains is valid.
    #[serde(default)]
    pub lifetimes: Lifetimes,
    /// The page on which accounts authorise it.
    #[serde(default)]
    pub authorization_page: AuthorizationPage,
    /// Where events are pushed. `None`: nowhere; in `PUT component`, where they were pushed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushSettings>,
    /// Codes for the authorisation page, by the code itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pre_auth_codes: BTreeMap<String, PreAuthCode>,
    /// Codes that `api_query_auth` accepts, by the code itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorization_codes: BTreeMap<String, AuthorizationCode>,
    /// How many tokens of its own it has obtained.
    #[serde(default)]
    pub refreshes: u64,
    /// The accounts that have authorised it, by appid. `None` in `PUT component`: they stay as they
    /// are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizers: Option<BTreeMap<String, Authorizer>>,
}

/// Shows neither the appsecret nor tickets.
impl fmt::Debug for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Component")
            .field("appid", &self.appid)
            .field("ticket_expires_in", &self.ticket_expires_in)
            .field("refresh", &self.refresh)
            .field("refreshes", &self.refreshes)
            .field("authorizers", &self.authorizers)
            .finish_non_exhaustive()
    }
}

/// How long the secrets that a platform obtains are valid, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// A ticket, from its first push.
    pub ticket_s: u64,
    /// The platform's own access token.
    pub component_token_s: u64,
    /// An access token of an account.
    pub authorizer_token_s: u64,
    /// A code for the authorisation page.
    pub pre_auth_code_s: u64,
    /// A code that `api_query_auth` accepts.
    pub authorization_code_s: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            ticket_s: TICKET_LIFETIME_S,
            component_token_s: TOKEN_LIFETIME_S,
            authorizer_token_s: TOKEN_LIFETIME_S,
            pre_auth_code_s: 1800,
            authorization_code_s: 3600,
        }
    }
}

/// What the authorisation page checks before it shows anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationPage {
    /// The hosts of the page that holds the link, and of the `redirect_uri`. WeChat has one.
    pub domains: Vec<String>,
    /// Whether the page that holds the link must be on one of these hosts.
    pub check_referer: bool,
}

impl Default for AuthorizationPage {
    fn default() -> Self {
        Self {
            domains: ["localhost", "127.0.0.1", "[::1]"]
                .map(str::to_owned)
                .to_vec(),
            check_referer: true,
        }
    }
}

/// A code for the authorisation page. Its text is the key in [`Component::pre_auth_codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreAuthCode {
    /// The seconds until it expires.
    pub expires_in: u64,
    /// Whether an account has decided with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub used: bool,
}

/// A code that `api_query_auth` accepts once. Its text is the key in
/// [`Component::authorization_codes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCode {
    /// The appid of the account that authorised the platform.
    pub account: String,
    /// The seconds until it expires.
    pub expires_in: u64,
    /// Whether `api_query_auth` was called with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub used: bool,
}

/// Whether a refresh token can be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshMode {
    /// The response has a new one. The old one is valid for five more minutes.
    #[default]
    Rotating,
    /// The response has a new one. The old one is invalid.
    Strict,
    /// The response has the same one.
    Stable,
}

/// How an authorisation code is refused that was used. WeChat documents two errcodes, and not which
/// of them it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsedCode {
    /// As an invalid one: 61009.
    #[default]
    Invalid,
    /// As an expired one: 61010.
    Expired,
}

/// The authorisation that an account has given to the platform.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorizer {
    /// The refresh token. Empty: one is generated.
    pub refresh_token: String,
    /// Whether `api_query_auth` has created the refresh token.
    #[serde(skip_serializing_if = "is_true")]
    pub queried: bool,
    /// Refresh tokens that were used, and the seconds for which they remain valid.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_refresh_tokens: BTreeMap<String, u64>,
    /// Whether the account has granted permission set 33. If not, its tokens are refused with
    /// 61007.
    pub permission: bool,
    /// Whether it is left of the test before a platform is released (全网发布检测):
    /// it is in the list of accounts, and all else is refused with 61003.
    #[serde(skip_serializing_if = "is_false")]
    pub release_test: bool,
    /// When it authorised the platform, in seconds of Unix time. `None`: now.
    pub auth_time: Option<u64>,
    /// How many of its tokens the platform has obtained.
    pub refreshes: u64,
}

/// Shows no refresh tokens.
impl fmt::Debug for Authorizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authorizer")
            .field("permission", &self.permission)
            .field("auth_time", &self.auth_time)
            .field("refreshes", &self.refreshes)
            .finish_non_exhaustive()
    }
}

impl Default for Authorizer {
    fn default() -> Self {
        Self {
            refresh_token: String::new(),
            queried: true,
            earlier_refresh_tokens: BTreeMap::new(),
            permission: true,
            release_test: false,
            auth_time: None,
            refreshes: 0,
        }
    }
}

/// The owner of accounts and mini programs whose documents have no `subject`.
const DEFAULT_SUBJECT: &str = "示例科技有限公司";

/// How long a ticket is valid, unless [`Lifetimes`] has another number.
pub(crate) const TICKET_LIFETIME_S: u64 = 12 * 3600;
/// The same for an access token.
pub(crate) const TOKEN_LIFETIME_S: u64 = 7200;

fn default_ticket_expires_in() -> u64 {
    TICKET_LIFETIME_S
}

fn default_selected() -> bool {
    true
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_true(flag: &bool) -> bool {
    *flag
}

/// Whether a text has the form of an appid: `wx` and 16 lower-case hex digits.
pub(crate) fn is_appid(text: &str) -> bool {
    text.strip_prefix("wx").is_some_and(|tail| {
        tail.len() == 16
            && tail
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// The error describes a valid appid.
pub(crate) fn check_appid(appid: &str) -> Result<(), Message> {
    if is_appid(appid) {
        Ok(())
    } else {
        Err(message!(
            "{appid:?} is not an appid: expected `wx` and 16 lower-case hex digits",
            "{appid:?} 不是 appid：应为 `wx` 加 16 位小写十六进制数字"
        ))
    }
}

fn unknown_account(appid: &str) -> Message {
    message!(
        "unknown account {appid:?}: add it first",
        "没有账号 {appid:?}，请先添加"
    )
}

/// The original id. If it is empty, it is derived from the appid.
pub(crate) fn username_or_derived(username: &str, appid: &str) -> String {
    if username.is_empty() {
        // Twelve hex digits, as in WeChat's, from the end of the appid, where appids differ.
        let tail = appid.len().saturating_sub(12);
        format!("gh_{}", appid.get(tail..).unwrap_or(appid))
    } else {
        username.to_owned()
    }
}

fn check_username(username: &str) -> Result<(), Message> {
    if username.is_empty() || username.starts_with("gh_") {
        Ok(())
    } else {
        Err(message!(
            "`username` {username:?} must start with `gh_`",
            "`username` {username:?} 必须以 `gh_` 开头"
        ))
    }
}

impl Lifetimes {
    fn check(&self) -> Result<(), Message> {
        for (name, seconds) in [
            ("ticket_s", self.ticket_s),
            ("component_token_s", self.component_token_s),
            ("authorizer_token_s", self.authorizer_token_s),
            ("pre_auth_code_s", self.pre_auth_code_s),
            ("authorization_code_s", self.authorization_code_s),
        ] {
            if seconds == 0 {
                return Err(message!(
                    "`lifetimes`: `{name}` must be at least 1",
                    "`lifetimes`：`{name}` 至少为 1"
                ));
            }
        }
        Ok(())
    }
}

impl AuthorizationPage {
    fn check(&self) -> Result<(), Message> {
        let is_host = |host: &String| {
            !host.is_empty()
                && host.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._[:]".contains(&byte)
                })
        };
        match self.domains.iter().find(|host| !is_host(host)) {
            Some(host) => Err(message!(
                "`authorization_page`: invalid domain {host:?}: expected a host in lower case, \
                 without a scheme or a port",
                "`authorization_page`：域名 {host:?} 无效：应为小写的主机名，不含协议和端口"
            )),
            None => Ok(()),
        }
    }
}

impl Authorizer {
    pub(crate) fn check(&self) -> Result<(), Message> {
        if self.queried || self.refresh_token.is_empty() {
            Ok(())
        } else {
            Err(Message::new(
                "`refresh_token` needs `queried`: api_query_auth creates it",
                "`refresh_token` 要求 `queried`：它由 api_query_auth 产生",
            ))
        }
    }
}

impl World {
    /// Checks all documents. The error names the invalid field and contains no secrets.
    pub(crate) fn check(&self) -> Result<(), Message> {
        for (appid, miniprogram) in &self.miniprograms {
            self.check_miniprogram(appid, miniprogram)
                .map_err(|Message { en, zh }| {
                    message!("mini program {appid}: {en}", "小程序 {appid}：{zh}")
                })?;
        }
        for (appid, account) in &self.accounts {
            self.check_account(appid, account)
                .map_err(|Message { en, zh }| {
                    message!("account {appid}: {en}", "账号 {appid}：{zh}")
                })?;
        }
        // Errors name a token by its number in sorted order: the token itself is a secret.
        for (number, (text, token)) in (1..).zip(&self.tokens) {
            self.check_token(text, token)
                .map_err(|Message { en, zh }| {
                    message!("token {number}: {en}", "第 {number} 个令牌：{zh}")
                })?;
        }
        if let Some(component) = &self.component {
            self.check_component(component)
                .map_err(|error| error.in_part("component"))?;
        }
        Ok(())
    }

    /// The error contains no secrets.
    pub(crate) fn check_component(&self, component: &Component) -> Result<(), Message> {
        check_appid(&component.appid)?;
        if self.accounts.contains_key(&component.appid)
            || self.miniprograms.contains_key(&component.appid)
        {
            return Err(Message::new(
                "its appid is that of an account or a mini program",
                "其 appid 与某个账号或小程序相同",
            ));
        }
        for (name, text) in [
            ("appsecret", &component.appsecret),
            ("ticket", &component.ticket),
        ] {
            if text.is_empty() {
                return Err(not_empty(name));
            }
        }
        component.lifetimes.check()?;
        component.authorization_page.check()?;
        if let Some(push) = &component.push {
            push.check()?;
        }
        for code in component.authorization_codes.values() {
            self.check_known_account(&code.account)?;
        }
        for (appid, authorizer) in component.authorizers.iter().flatten() {
            self.check_known_account(appid)?;
            authorizer.check().map_err(|Message { en, zh }| {
                message!("authorizer {appid}: {en}", "授权方 {appid}：{zh}")
            })?;
        }
        Ok(())
    }

    pub(crate) fn check_known_account(&self, appid: &str) -> Result<(), Message> {
        if self.accounts.contains_key(appid) {
            Ok(())
        } else {
            Err(unknown_account(appid))
        }
    }

    pub(crate) fn check_account(&self, appid: &str, account: &Account) -> Result<(), Message> {
        check_appid(appid)?;
        check_username(&account.username)?;
        if self.miniprograms.contains_key(appid) {
            return Err(Message::new(
                "this appid is that of a mini program",
                "该 appid 属于一个小程序",
            ));
        }
        let links = account.links.as_deref().unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        for entry in links {
            let known = self.miniprograms.contains_key(&entry.appid)
                || self.accounts.contains_key(&entry.appid);
            let linked = &entry.appid;
            if !known || linked == appid {
                return Err(message!(
                    "its list contains {linked:?}, which is neither a mini program nor another \
                     account: add that first",
                    "其列表中的 {linked:?} 既不是小程序，也不是另一个账号，请先添加"
                ));
            }
            if !seen.insert(linked) {
                return Err(message!(
                    "its list contains {linked:?} twice",
                    "其列表中 {linked:?} 出现了两次"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn check_miniprogram(
        &self,
        appid: &str,
        miniprogram: &MiniProgram,
    ) -> Result<(), Message> {
        check_appid(appid)?;
        check_username(&miniprogram.username)?;
        if self.accounts.contains_key(appid) {
            return Err(Message::new(
                "this appid is that of an account",
                "该 appid 属于一个账号",
            ));
        }
        Ok(())
    }

    pub(crate) fn check_token(&self, text: &str, token: &Token) -> Result<(), Message> {
        if text.is_empty() {
            return Err(Message::new("a token must not be empty", "令牌不能为空"));
        }
        match &token.account {
            Some(appid) if !self.accounts.contains_key(appid) => Err(unknown_account(appid)),
            None if token.kind == TokenKind::Good => Err(Message::new(
                "a token of kind `good` needs an `account`",
                "类型为 `good` 的令牌需要 `account`",
            )),
            Some(_) if token.kind == TokenKind::Component => Err(Message::new(
                "a token of kind `component` has no `account`",
                "类型为 `component` 的令牌没有 `account`",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appids_are_recognised() {
        assert!(is_appid("wx0b00000000000001"));
        for wrong in [
            "",
            "wx",
            "gh_000000000001",
            "wx0B00000000000001",
            "wx0b000000000000012",
        ] {
            assert!(!is_appid(wrong), "{wrong}");
        }
        assert_eq!(
            username_or_derived("", "wx0b00000000000001"),
            "gh_000000000001"
        );
        assert_eq!(username_or_derived("", "wxé"), "gh_wxé");
    }

    #[test]
    fn the_demo_world_is_valid_and_can_be_written_as_json() {
        let world = World::demo();
        world.check().unwrap();
        let text = serde_json::to_string(&world).unwrap();
        assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
    }

    #[test]
    fn errors_name_the_mistake() {
        let error = |text: &str| {
            serde_json::from_str::<World>(text)
                .map_err(|error| error.to_string())
                .and_then(|world| world.check().map_err(|error| error.to_string()))
                .unwrap_err()
        };
        assert!(error(r#"{"acounts":{}}"#).contains("unknown field `acounts`"));
        assert!(error(r#"{"accounts":{"wx1":{}}}"#).contains("16 lower-case hex"));
        assert!(error(r#"{"tokens":{"T":{}}}"#).contains("needs an `account`"));
        assert!(
            error(r#"{"tokens":{"T":{"account":"wx0a00000000000001"}}}"#)
                .contains("unknown account")
        );
        assert!(
            error(
                r#"{"accounts":{"wx0a00000000000001":{"links":[{"appid":"wx0b00000000000001"}]}}}"#
            )
            .contains("add that first")
        );
        assert!(
            error(r#"{"miniprograms":{"wx0b00000000000001":{"username":"x"}}}"#).contains("gh_")
        );
    }
}
