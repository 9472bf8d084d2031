//! How accounts authorise a platform: the page on which they do, the code that WeChat sends
//! afterwards, and the pushes about it.
//!
//! A code is stored before it is exchanged, and the tokens are stored before the code is forgotten,
//! so that a process that is killed in between loses neither. WeChat accepts a code once. If it
//! took one and its response was lost, the account's refresh token is in WeChat's list of accounts,
//! where `platform.rs` looks it up.

use std::collections::BTreeSet;
use std::time::Instant;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use super::account_info::AccountInfo;
use super::exchanged::{
    Authorization, Exchanged, Origin, RecentCodes, WaitingCode, permission_sets,
};
use super::new_tokens::NewTokens;
use super::platform::{Platform, Unsaved, Uses, save_limit};
use super::record::{self, Record};
use crate::error::Error;
use crate::model::endpoint::Endpoint;
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::push::{Event, Push};
use crate::response::token_fields;
use crate::retry::RequestBody;
use crate::store::key::{encoded, sha256};
use crate::store::retry::{MIN_PAUSE, pause, retry_until};
use crate::store::{LockOwner, StoreError};
use crate::sys::cancel::CancelToken;
use crate::sys::lock::lock;

const TOO_MANY_REDIRECTS: Text = Text {
    en: "too many authorisation codes wait to be exchanged",
    zh: "等待使用的授权码过多",
};
/// The lifetime of a token if WeChat does not state it (s).
const DEFAULT_LIFETIME_S: u64 = 7200;
/// The lifetime of a pre-auth code if WeChat does not state it (s): the shortest that its pages
/// mention.
const DEFAULT_PREAUTH_LIFETIME_S: u64 = 600;
/// The page for a computer, which shows a QR code.
const COMPUTER_PAGE: &str = "/cgi-bin/componentloginpage?";
/// The page for a phone, inside WeChat.
const PHONE_PAGE: &str = "/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&";
/// Official Accounts, without mini programs.
const OFFICIAL_ACCOUNTS: &str = "1";

/// What is not encoded in a value of a query.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The pages on which an account authorises the platform.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationUrl {
    computer: String,
    phone: String,
    expires_in: u64,
}

impl AuthorizationUrl {
    /// The page for a computer. It shows a QR code, which the account's administrator scans. The
    /// URL contains a secret code.
    pub fn computer(&self) -> &str {
        &self.computer
    }

    /// The page for a phone, to be opened inside WeChat. The URL contains a secret code.
    pub fn phone(&self) -> &str {
        &self.phone
    }

    /// How long the pages can be opened (s).
    pub fn expires_in(&self) -> u64 {
        self.expires_in
    }

    /// The URLs as JSON, in the form of the C interface.
    pub fn json(&self) -> Value {
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "computer_url": self.computer,
            "phone_url": self.phone,
            "expires_in": self.expires_in,
        })
    }
}

impl std::fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationUrl")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

/// What became of a push in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeptPush {
    /// The ticket, the code or the withdrawal is stored. The code is to be exchanged.
    Stored,
    /// It was known before.
    Repeated,
    /// A later event of the account was known.
    Outdated,
    /// It concerns nothing that is stored.
    Unhandled,
}

impl Platform {
    /// Verifies, decrypts and reads a push.
    ///
    /// # Errors
    /// [`Status::BadPush`]; [`Status::BadValue`]: the options for pushes are missing.
    pub fn open_push(&self, query: &str, body: &[u8]) -> Result<Push, Error> {
        let keys = &self.push_keys;
        let needed = [
            ("push_token", "Token", keys.tokens.is_empty()),
            ("push_aes_key", "EncodingAESKey", keys.aes_keys.is_empty()),
        ];
        for (option, setting, is_missing) in needed {
            if is_missing {
                let why = message!(
                    "option {option} is missing: set it to the {setting} in the platform's settings",
                    "缺少选项 {option}：请将其设为平台设置中的 {setting}"
                );
                return Err(self.error(Status::BadValue, why));
            }
        }
        let push = keys.open(query, body);
        let push = push.map_err(|why: Message| self.error(Status::BadPush, why))?;
        let secret = match &push.event {
            Event::Ticket(ticket) => Some(("component_verify_ticket", ticket.as_str())),
            Event::Authorized { code, .. } => Some(("authorization_code", code.as_str())),
            Event::Unauthorized { .. } | Event::Other => None,
        };
        self.pool.remember(secret.iter());
        Ok(push)
    }

    /// Stores what a push says. When it returns, the push may be answered.
    ///
    /// # Errors
    /// [`Status::Store`], also if the store is late; [`Status::Cancelled`].
    pub fn keep_push(
        &self,
        push: Push,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(Push, KeptPush), Error> {
        self.on_store(limit, cancel, move |platform| {
            let kept = platform.keep_event(&push, limit)?;
            Ok((push, kept))
        })
    }

    fn keep_event(&self, push: &Push, limit: Instant) -> Result<KeptPush, StoreError> {
        let time = push.create_time;
        match &push.event {
            Event::Ticket(ticket) => self.update(&self.own_key(), limit, |record| {
                if time < record.event_time {
                    return KeptPush::Outdated;
                }
                record.event_time = time;
                if record.grant == *ticket {
                    KeptPush::Repeated
                } else {
                    record.grant.clone_from(ticket);
                    KeptPush::Stored
                }
            }),
            Event::Authorized { account, code } => {
                let is_exchanged = self.recent_codes(limit)?.find(code).is_some();
                let kept = self.update(&self.key_of(account), limit, |record| {
                    if record.code == *code {
                        return KeptPush::Stored;
                    }
                    if is_exchanged {
                        record.event_time = record.event_time.max(time);
                        return KeptPush::Repeated;
                    }
                    if time < record.event_time {
                        return KeptPush::Outdated;
                    }
                    record.event_time = time;
                    record.code.clone_from(code);
                    KeptPush::Stored
                })?;
                if kept == KeptPush::Stored {
                    self.update_recent_codes(limit, |codes| codes.add_waiting(code, account))?;
                }
                lock(&self.authorizers).forget(account);
                Ok(kept)
            }
            Event::Unauthorized { account } => {
                let key = self.key_of(account);
                let kept = self.update(&key, limit, |record| {
                    // A repetition must not remove what the account has authorised since.
                    if time == record.withdrawn_at {
                        return KeptPush::Repeated;
                    }
                    if time < record.event_time {
                        return KeptPush::Outdated;
                    }
                    *record = Record {
                        event_time: time,
                        withdrawn_at: time,
                        ..Record::default()
                    };
                    KeptPush::Stored
                })?;
                if kept == KeptPush::Stored {
                    lock(&self.unsaved).remove(&key);
                    lock(&self.authorizers).forget(account);
                }
                Ok(kept)
            }
            Event::Other => Ok(KeptPush::Unhandled),
        }
    }

    /// Whether the account's code still has to be exchanged.
    pub fn has_code(
        &self,
        account: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<bool, Error> {
        let key = self.key_of(account);
        self.on_store(limit, cancel, move |platform| {
            platform.update(&key, limit, |record| !record.code.is_empty())
        })
    }

    /// The codes that were stored and not exchanged, by any process that shares the store.
    pub fn waiting_codes(
        &self,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<BTreeSet<WaitingCode>, Error> {
        self.on_store(limit, cancel, move |platform| {
            let codes = platform.recent_codes(limit)?;
            let redirects = codes.redirects().map(str::to_owned);
            let mut waiting: BTreeSet<_> = redirects.map(WaitingCode::Redirect).collect();
            let mut ended = Vec::new();
            for (hash, account) in codes.waiting() {
                let key = platform.key_of(account);
                if platform.update(&key, limit, |record| sha256(&record.code) == hash)? {
                    waiting.insert(WaitingCode::Account(account.to_owned()));
                } else {
                    ended.push(hash.to_owned());
                }
            }
            // Refused by WeChat, replaced by a later one, or withdrawn.
            if !ended.is_empty() {
                platform.update_recent_codes(limit, |codes| codes.remove_waiting(&ended))?;
            }
            Ok(waiting)
        })
    }

    /// Stores a code that WeChat has sent with a redirect, and exchanges it.
    ///
    /// # Errors
    /// [`Status::Store`] if the code is not stored. After other errors it is, unless WeChat refused
    /// it.
    pub fn accept_code(
        &self,
        code: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Authorization, Error> {
        let code = code.to_owned();
        let kept = code.clone();
        self.on_store(limit, cancel, move |platform| {
            platform.update_recent_codes(limit, |codes| codes.add_redirect(&kept))?;
            if platform.recent_codes(limit)?.contains(&kept) {
                Ok(())
            } else {
                Err(StoreError {
                    why: TOO_MANY_REDIRECTS.into(),
                    transient: true,
                    is_late: false,
                })
            }
        })?;
        self.on_thread(Uses::WeChat(Endpoint::QueryAuth), limit, cancel, move |p| {
            // It has just come: no withdrawal that is known can be later.
            p.exchange(&code, Origin::Redirect { at: u64::MAX }, limit)
        })
    }

    /// Exchanges the stored code of a redirect with this hash. `None` if none is stored.
    pub fn exchange_redirect(
        &self,
        hash: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Option<Authorization>, Error> {
        let hash = hash.to_owned();
        let stored = self.on_store(limit, cancel, move |platform| {
            let codes = platform.recent_codes(limit)?;
            let stored = codes.redirect(&hash);
            Ok(stored.map(|(code, at)| (code.to_owned(), at)))
        })?;
        let Some((code, at)) = stored else {
            return Ok(None);
        };
        self.pool
            .remember([("authorization_code", code.as_str())].iter());
        self.on_thread(Uses::WeChat(Endpoint::QueryAuth), limit, cancel, move |p| {
            p.exchange(&code, Origin::Redirect { at }, limit).map(Some)
        })
    }

    /// Exchanges a code and stores the tokens, or finds out for what it was exchanged within the
    /// last hour.
    pub(super) fn exchange(
        &self,
        code: &str,
        origin: Origin<'_>,
        limit: Instant,
    ) -> Result<Authorization, Error> {
        let (realm, platform) = (encoded(&self.realm), encoded(&self.appid));
        let key = format!("wxlink:code:{realm}:{platform}:{}", sha256(code));
        let ours = LockOwner::new();
        let mut next_pause = MIN_PAUSE;
        loop {
            let lease = self
                .retry_while_unavailable(limit, || self.leases.take(&key, &ours, limit, limit))?;
            if let Some(lease) = lease {
                let exchanged = self.exchange_alone(code, origin, limit);
                lease.release();
                return exchanged;
            }
            if Instant::now() >= limit {
                let why = Text {
                    en: "another process is exchanging the authorisation code",
                    zh: "另一个进程正在使用该授权码",
                };
                return Err(self.no_token(why).transient());
            }
            pause(&mut next_pause, limit);
        }
    }

    /// The same, while no other process exchanges the code.
    fn exchange_alone(
        &self,
        code: &str,
        origin: Origin<'_>,
        limit: Instant,
    ) -> Result<Authorization, Error> {
        let recent = retry_until(limit, || self.recent_codes(limit));
        let recent = recent.map_err(|e| self.not_stored(e))?;
        if let Some(known) = recent.find(code) {
            self.forget_code(&known.account, code, limit);
            return Ok(known);
        }
        if let Some(unsaved) = self.unsaved_exchange(code) {
            self.keep_exchanged(&unsaved, limit);
            return Ok(unsaved.authorization);
        }
        match self.query_auth(code, origin, limit) {
            Ok(exchanged) => {
                self.keep_exchanged(&exchanged, limit);
                Ok(exchanged.authorization)
            }
            Err(e) => {
                if e.is_code_refused() {
                    match origin {
                        Origin::Event(account) => self.forget_code(account, code, limit),
                        Origin::Redirect { .. } => self.forget_redirect(code, limit),
                    }
                }
                Err(e)
            }
        }
    }

    /// What the code was exchanged for, if the tokens could not be stored.
    fn unsaved_exchange(&self, code: &str) -> Option<Exchanged> {
        let unsaved = lock(&self.unsaved);
        unsaved.values().find_map(|unsaved| match unsaved {
            Unsaved::Exchanged(exchanged) if exchanged.code == code => Some(exchanged.clone()),
            _ => None,
        })
    }

    /// Removes the code of a redirect. If the store fails it stays, and WeChat refuses it the next
    /// time.
    fn forget_redirect(&self, code: &str, limit: Instant) {
        let hash = sha256(code);
        let _ = self.update_recent_codes(limit, |codes| {
            codes.redirect(&hash).is_some() && codes.remove_waiting(std::slice::from_ref(&hash))
        });
    }

    /// Removes the code from the account's record. If the store fails it stays, and WeChat refuses
    /// it the next time.
    fn forget_code(&self, account: &str, code: &str, limit: Instant) {
        let _ = self.update(&self.key_of(account), limit, |record| {
            if record.code == code {
                record.code.clear();
            }
        });
    }

    /// Exchanges the code at WeChat. What can be read of the response counts, whatever else is
    /// wrong with it.
    fn query_auth(
        &self,
        code: &str,
        origin: Origin<'_>,
        limit: Instant,
    ) -> Result<Exchanged, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            authorization_code: &'a str,
        }
        let body = RequestBody::new(&Body {
            component_appid: &self.appid,
            authorization_code: code,
        });
        let endpoint = Endpoint::QueryAuth;
        let secrets = [("authorization_code", code)];
        let (received, sets, error) = match self.call_directly(endpoint, &body, &secrets, limit) {
            Ok(response) => {
                let sets = permission_sets(&response.json()["authorization_info"]);
                (response.body().to_vec(), sets, None)
            }
            Err(mut e) => (e.take_received(), None, Some(e)),
        };
        let tokens = NewTokens::read(endpoint, &received, "");
        let appid = token_fields::texts(&received, "authorizer_appid").last();
        let appid = appid.filter(|appid| !appid.is_empty());
        let named = appid.as_deref().or(origin.account());
        let named = named.map(str::to_owned);
        let has_tokens = tokens.access_token.is_some() || tokens.refresh_token.is_some();
        match (named, error) {
            (Some(account), None) => Ok(account),
            (Some(account), Some(_)) if has_tokens => Ok(account),
            (_, Some(e)) => Err(e),
            (None, None) => Err(self.no_token(Text {
                en: "the response of api_query_auth names no account",
                zh: "api_query_auth 的返回中没有账号",
            })),
        }
        .map(|named| Exchanged {
            code: code.to_owned(),
            authorization: Authorization {
                account: named,
                permission_sets: sets,
            },
            tokens,
            authorized_at: match origin {
                Origin::Event(_) => 0,
                Origin::Redirect { at } => at,
            },
        })
    }

    /// Stores the tokens first, and then that the code was exchanged. If the store fails they are
    /// kept in memory until it can be used: WeChat sends them once.
    fn keep_exchanged(&self, exchanged: &Exchanged, limit: Instant) {
        let until = save_limit(limit);
        let key = self.key_of(&exchanged.authorization.account);
        let saved = retry_until(until, || self.save_exchanged(&key, exchanged, until));
        if saved.is_err() {
            lock(&self.unsaved).insert(key, Unsaved::Exchanged(exchanged.clone()));
            return;
        }
        let mut unsaved = lock(&self.unsaved);
        let is_this = |unsaved: &Unsaved| matches!(unsaved, Unsaved::Exchanged(e) if e.code == exchanged.code);
        if unsaved.get(&key).is_some_and(is_this) {
            unsaved.remove(&key);
        }
        drop(unsaved);
        // If it fails, WeChat refuses the code when it comes again, and its tokens are stored.
        let _ = self.update_recent_codes(until, |codes| {
            codes.add(&exchanged.code, &exchanged.authorization);
            true
        });
    }

    /// Writes the tokens that a code was exchanged for. They replace all older ones.
    pub(super) fn save_exchanged(
        &self,
        key: &str,
        exchanged: &Exchanged,
        until: Instant,
    ) -> Result<(), StoreError> {
        let tokens = &exchanged.tokens;
        self.update(key, until, |record| {
            // The account has withdrawn the authorisation since.
            if record.is_withdrawn() && record.withdrawn_at > exchanged.authorized_at {
                return;
            }
            if record.code == exchanged.code {
                record.code.clear();
            }
            if let Some(token) = &tokens.refresh_token {
                record.grant.clone_from(token);
            }
            if let Some(token) = &tokens.access_token {
                record.access_token.clone_from(token);
                record.since = record::now();
                record.expires_in = tokens.expires_in.unwrap_or(DEFAULT_LIFETIME_S);
                *record = std::mem::take(record).clamped();
            }
        })
    }

    fn recent_codes(&self, until: Instant) -> Result<RecentCodes, StoreError> {
        self.read_recent_codes(until).map(|(_, codes)| codes)
    }

    fn read_recent_codes(
        &self,
        until: Instant,
    ) -> Result<(Option<Vec<u8>>, RecentCodes), StoreError> {
        let text = self.store.read(&self.codes_key(), until)?;
        let codes = text.as_deref().map(RecentCodes::read).unwrap_or_default();
        Ok((text, codes))
    }

    /// Changes the codes of the last hour. `change` returns whether it changed them, and runs again
    /// if another process has written meanwhile.
    fn update_recent_codes(
        &self,
        until: Instant,
        change: impl Fn(&mut RecentCodes) -> bool,
    ) -> Result<(), StoreError> {
        retry_until(until, || {
            loop {
                let (text, mut codes) = self.read_recent_codes(until)?;
                if !change(&mut codes) {
                    return Ok(());
                }
                let (key, new) = (self.codes_key(), codes.text());
                if self.store.swap(&key, text.as_deref(), &new, until)? {
                    return Ok(());
                }
            }
        })
    }

    fn codes_key(&self) -> String {
        let (realm, platform) = (encoded(&self.realm), encoded(&self.appid));
        format!("wxlink:codes:{realm}:{platform}")
    }

    /// Makes the pages on which an account authorises the platform: any account, or one.
    pub fn authorization_url(
        &self,
        redirect_uri: &str,
        account: Option<&str>,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<AuthorizationUrl, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
        }
        let endpoint = Endpoint::CreatePreauthcode;
        let (code, expires_in) =
            self.on_thread(Uses::WeChat(endpoint), limit, cancel, move |platform| {
                let body = RequestBody::new(&Body {
                    component_appid: &platform.appid,
                });
                let response = platform.call_directly(endpoint, &body, &[], limit)?;
                let code = response.json()["pre_auth_code"]
                    .as_str()
                    .unwrap_or_default();
                let seconds = record::whole_number(&response.json()["expires_in"]);
                if code.is_empty() {
                    return Err(platform.no_token(Text {
                        en: "the response of api_create_preauthcode has no code",
                        zh: "api_create_preauthcode 的返回中没有预授权码",
                    }));
                }
                let seconds = seconds.unwrap_or(DEFAULT_PREAUTH_LIFETIME_S);
                Ok((code.to_owned(), seconds))
            })?;
        let (key, value) = match account {
            Some(account) => ("biz_appid", account),
            None => ("auth_type", OFFICIAL_ACCOUNTS),
        };
        let parameters = [
            ("component_appid", self.appid.as_str()),
            ("pre_auth_code", &code),
            ("redirect_uri", redirect_uri),
            (key, value),
        ];
        let pairs = parameters.map(|(key, value)| {
            let value = utf8_percent_encode(value, QUERY_VALUE);
            format!("{key}={value}")
        });
        let query = pairs.join("&");
        // A simulator has the pages too.
        let [computer, phone] = match self.realm.as_str() {
            "production" => ["https://mp.weixin.qq.com", "https://open.weixin.qq.com"],
            simulator => [simulator; 2],
        };
        Ok(AuthorizationUrl {
            computer: format!("{computer}{COMPUTER_PAGE}{query}"),
            phone: format!("{phone}{PHONE_PAGE}{query}#wechat_redirect"),
            expires_in,
        })
    }

    /// Describes an account.
    pub fn account_info(
        &self,
        account: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<AccountInfo, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            authorizer_appid: &'a str,
        }
        let account = account.to_owned();
        let endpoint = Endpoint::AuthorizerInfo;
        self.on_thread(Uses::WeChat(endpoint), limit, cancel, move |platform| {
            let body = RequestBody::new(&Body {
                component_appid: &platform.appid,
                authorizer_appid: &account,
            });
            let response = platform.call_directly(endpoint, &body, &[], limit)?;
            Ok(AccountInfo::read(&account, response.json()))
        })
    }
}
