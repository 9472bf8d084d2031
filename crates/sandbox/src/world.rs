//! What exists on WeChat's side, as documents: accounts, mini programs and tokens.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything that exists. The same document is accepted by `POST /__sandbox/reset` and shown by
/// `GET /__sandbox/state`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Official Accounts by appid.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// Mini programs by appid.
    #[serde(default)]
    pub miniprograms: BTreeMap<String, MiniProgram>,
    /// Access tokens by their text.
    #[serde(default)]
    pub tokens: BTreeMap<String, Token>,
    /// The third-party platform; without one the component endpoints know nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
}

/// Shows how many tokens there are, and not their text.
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
    /// Its original id, `gh_…`; empty: derived from the appid.
    pub username: String,
    /// The address of its picture.
    pub headimg_url: String,
    /// Who owns it. A mini program of the same owner counts against another quota.
    pub subject: String,
    /// How much it may link.
    pub limits: Limits,
    /// Links it asked for this month.
    pub linked_this_month: u32,
    /// Its list, in order. Left out when an account is put: the list stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<LinkEntry>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nickname: "示例公众号".to_owned(),
            username: String::new(),
            headimg_url: "http://wx.qlogo.cn/mmhead/sandbox-account/0".to_owned(),
            subject: HOME_SUBJECT.to_owned(),
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
    /// Linked or asked for at a time, of the account's own subject; beyond: 89016.
    pub same_subject: u32,
    /// Linked or asked for at a time, of other subjects; beyond: 89017.
    pub different_subject: u32,
    /// Asked for in one month; beyond: 89007.
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

/// One entry of an account's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// A mini program's appid, or another account's: the list may hold service accounts.
    pub appid: String,
    /// How far it is.
    #[serde(default)]
    pub state: LinkState,
    /// Whether the link was started in the console.
    #[serde(default)]
    pub from_console: bool,
    /// Whether the account's page shows it.
    #[serde(default = "yes")]
    pub selected: bool,
}

/// How far a link is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Status 12.
    WaitingOfficialAccount,
    /// Status 2.
    WaitingMiniProgram,
    /// Status 1.
    #[default]
    Linked,
    /// Status 3: the mini program's administrator said no.
    Refused,
    /// Status 1, but the Official Account's administrator has been asked to unlink it.
    Unlinking,
}

/// A mini program (小程序).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiniProgram {
    /// Its name.
    pub nickname: String,
    /// Its original id, `gh_…`; empty: derived from the appid.
    pub username: String,
    /// The address of its picture.
    pub headimg_url: String,
    /// Who owns it.
    pub subject: String,
    /// Its features.
    pub func_infos: Vec<FuncInfo>,
    /// Whether it is published.
    pub released: bool,
    /// Whether it is shown in "nearby mini programs", which also prevents unlinking (89011).
    pub nearby: bool,
    /// The mail address shown in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What it refuses, and why; the first that applies is answered.
    pub refuses: Vec<Refusal>,
    /// Anything else its entry in a list shall hold: fields nobody has documented yet.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Default for MiniProgram {
    fn default() -> Self {
        Self {
            nickname: "示例小程序".to_owned(),
            username: String::new(),
            headimg_url: "http://wx.qlogo.cn/mmhead/sandbox-miniprogram/0".to_owned(),
            subject: HOME_SUBJECT.to_owned(),
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
    /// 0 closed, 1 open.
    pub status: i32,
    /// 1 WeChat verification, 2 WeChat Pay.
    pub id: i32,
    /// Its name.
    pub name: String,
}

/// Why a mini program cannot be linked or unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is banned: 89013 on linking.
    Banned,
    /// It belongs to an overseas account: 89008 on linking.
    Overseas,
    /// Its administrator does not allow links: 89245.
    ForbidsLinking,
    /// It is linked to as many accounts as it may be: 89009.
    LimitReached,
    /// Its administrator is bound to too many accounts: 1003 on linking.
    AdministratorOverLimit,
    /// Its administrator's phone number is: 1005 on linking.
    PhoneOverLimit,
    /// It is a store or a mall: 89012 on unlinking.
    Store,
}

/// An access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The appid of the account it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What becomes of a call with it.
    #[serde(default)]
    pub kind: TokenKind,
    /// The seconds until it expires; left out: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Whether a newer one has been issued: its end is answered 40001, not 42001.
    #[serde(default, skip_serializing_if = "is_false")]
    pub superseded: bool,
}

/// What becomes of a call with a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// It is served.
    #[default]
    Good,
    /// 42001.
    Expired,
    /// 40001, as an unknown token gets.
    Revoked,
    /// 40014.
    Malformed,
    /// A mini program's token: 48001.
    WrongKind,
    /// The platform's own: good for the component endpoints, elsewhere 48001.
    Component,
    /// The account has withdrawn its authorisation: 61003.
    Deauthorized,
    /// The account has not granted permission set 33: 61007.
    NoPermission,
}

/// The third-party platform (第三方平台) that calls the endpoints for its accounts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its appid.
    pub appid: String,
    /// Its secret.
    pub appsecret: String,
    /// The latest ticket WeChat has pushed.
    pub ticket: String,
    /// The seconds that ticket is good for still.
    #[serde(default = "twelve_hours")]
    pub ticket_expires_in: u64,
    /// Tickets pushed before, and the seconds they are good for; 0: expired, which is told from
    /// never heard of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_tickets: BTreeMap<String, u64>,
    /// What becomes of a refresh token that has been used.
    #[serde(default)]
    pub refresh: Refresh,
    /// How many tokens of its own it has obtained.
    #[serde(default)]
    pub refreshes: u64,
    /// The accounts that have authorised it, by appid. Left out when a platform is put: they stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorizers: Option<BTreeMap<String, Authorizer>>,
}

/// Shows no appsecret and no ticket.
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

/// What becomes of a refresh token that has been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// The answer has a new one; the old one is good for five more minutes.
    #[default]
    Rotating,
    /// The answer has a new one; the old one is good for nothing.
    Strict,
    /// The answer has the same one.
    Stable,
}

/// What a platform has of an account that has authorised it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorizer {
    /// The refresh token; empty: one is made up.
    pub refresh_token: String,
    /// Refresh tokens used before, and the seconds they are good for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_refresh_tokens: BTreeMap<String, u64>,
    /// Whether the account has granted permission set 33; if not, its tokens answer 61007.
    pub permission: bool,
    /// When it authorised, in seconds of Unix time; left out: now.
    pub auth_time: Option<u64>,
    /// How many of its tokens have been obtained.
    pub refreshes: u64,
}

/// Shows no refresh token.
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
            earlier_refresh_tokens: BTreeMap::new(),
            permission: true,
            auth_time: None,
            refreshes: 0,
        }
    }
}

/// Who owns what does not say otherwise.
pub(crate) const HOME_SUBJECT: &str = "示例科技有限公司";

/// How long a ticket is good for, in seconds.
pub(crate) fn twelve_hours() -> u64 {
    12 * 3600
}

fn yes() -> bool {
    true
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether this is how WeChat writes an appid.
pub(crate) fn is_appid(text: &str) -> bool {
    text.strip_prefix("wx").is_some_and(|tail| {
        tail.len() == 16
            && tail
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

pub(crate) fn check_appid(appid: &str) -> Result<(), String> {
    if is_appid(appid) {
        Ok(())
    } else {
        Err(format!(
            "{appid:?} is not an appid: write `wx` and 16 lower-case hex digits"
        ))
    }
}

/// The original id of what has none of its own.
pub(crate) fn username_or_derived(username: &str, appid: &str) -> String {
    if username.is_empty() {
        // Twelve hex digits as WeChat has, from the appid's end, which tells neighbours apart.
        let tail = appid.len().saturating_sub(12);
        format!("gh_{}", appid.get(tail..).unwrap_or(appid))
    } else {
        username.to_owned()
    }
}

fn check_username(username: &str) -> Result<(), String> {
    if username.is_empty() || username.starts_with("gh_") {
        Ok(())
    } else {
        Err(format!("`username` {username:?} must begin with `gh_`"))
    }
}

impl World {
    /// The world at start: see the table in `docs/sandbox.md`.
    pub fn demo() -> Self {
        crate::demo::world()
    }

    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (appid, miniprogram) in &self.miniprograms {
            self.check_miniprogram(appid, miniprogram)
                .map_err(|error| format!("mini program {appid}: {error}"))?;
        }
        for (appid, account) in &self.accounts {
            self.check_account(appid, account)
                .map_err(|error| format!("account {appid}: {error}"))?;
        }
        // Tokens are named by their place among all in order, and not by their text.
        for (number, (text, token)) in (1..).zip(&self.tokens) {
            self.check_token(text, token)
                .map_err(|error| format!("token {number}: {error}"))?;
        }
        if let Some(component) = &self.component {
            self.check_component(component)
                .map_err(|error| format!("component: {error}"))?;
        }
        Ok(())
    }

    /// Its errors name no secrets.
    pub(crate) fn check_component(&self, component: &Component) -> Result<(), String> {
        check_appid(&component.appid)?;
        if self.accounts.contains_key(&component.appid)
            || self.miniprograms.contains_key(&component.appid)
        {
            return Err("its appid is an account's or a mini program's".to_owned());
        }
        for (name, text) in [
            ("appsecret", &component.appsecret),
            ("ticket", &component.ticket),
        ] {
            if text.is_empty() {
                return Err(format!("`{name}` has at least one character"));
            }
        }
        for appid in component.authorizers.iter().flat_map(BTreeMap::keys) {
            self.check_authorizer(appid)?;
        }
        Ok(())
    }

    pub(crate) fn check_authorizer(&self, appid: &str) -> Result<(), String> {
        if self.accounts.contains_key(appid) {
            Ok(())
        } else {
            Err(format!("there is no account {appid:?}: put it first"))
        }
    }

    pub(crate) fn check_account(&self, appid: &str, account: &Account) -> Result<(), String> {
        check_appid(appid)?;
        check_username(&account.username)?;
        if self.miniprograms.contains_key(appid) {
            return Err("this appid is a mini program's".to_owned());
        }
        let links = account.links.as_deref().unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        for entry in links {
            let known = self.miniprograms.contains_key(&entry.appid)
                || self.accounts.contains_key(&entry.appid);
            if !known || entry.appid == appid {
                return Err(format!(
                    "its list names {:?}, which is neither a mini program nor another account here: put that first",
                    entry.appid
                ));
            }
            if !seen.insert(&entry.appid) {
                return Err(format!("its list names {:?} twice", entry.appid));
            }
        }
        Ok(())
    }

    pub(crate) fn check_miniprogram(
        &self,
        appid: &str,
        miniprogram: &MiniProgram,
    ) -> Result<(), String> {
        check_appid(appid)?;
        check_username(&miniprogram.username)?;
        if self.accounts.contains_key(appid) {
            return Err("this appid is an account's".to_owned());
        }
        Ok(())
    }

    pub(crate) fn check_token(&self, text: &str, token: &Token) -> Result<(), String> {
        if text.is_empty() {
            return Err("a token has at least one character".to_owned());
        }
        match &token.account {
            Some(appid) if !self.accounts.contains_key(appid) => {
                Err(format!("there is no account {appid:?}: put it first"))
            }
            None if token.kind == TokenKind::Good => {
                Err("a good token needs its `account`".to_owned())
            }
            Some(_) if token.kind == TokenKind::Component => {
                Err("the platform's own token has no `account`".to_owned())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appids_are_told_from_other_words() {
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
    fn the_demo_world_is_sound_and_survives_json() {
        let world = World::demo();
        world.check().unwrap();
        let text = serde_json::to_string(&world).unwrap();
        assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
    }

    #[test]
    fn an_unsound_world_says_why() {
        let error = |text: &str| {
            serde_json::from_str::<World>(text)
                .map_err(|error| error.to_string())
                .and_then(|world| world.check())
                .unwrap_err()
        };
        assert!(error(r#"{"acounts":{}}"#).contains("unknown field `acounts`"));
        assert!(error(r#"{"accounts":{"wx1":{}}}"#).contains("16 lower-case hex"));
        assert!(error(r#"{"tokens":{"T":{}}}"#).contains("needs its `account`"));
        assert!(
            error(r#"{"tokens":{"T":{"account":"wx0a00000000000001"}}}"#)
                .contains("there is no account")
        );
        assert!(
            error(
                r#"{"accounts":{"wx0a00000000000001":{"links":[{"appid":"wx0b00000000000001"}]}}}"#
            )
            .contains("put that first")
        );
        assert!(
            error(r#"{"miniprograms":{"wx0b00000000000001":{"username":"x"}}}"#).contains("gh_")
        );
    }
}
