//! The state of the third-party platform: its tickets, and the accounts that have authorised it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::clock::{after_seconds, seconds_left};
use crate::model::push::PushSettings;
use crate::model::random::TokenGenerator;
use crate::model::tokens::{
    AUTHORIZATION_CODE_PREFIX, GRACE_PERIOD_S, PRE_AUTH_CODE_PREFIX, REFRESH_TOKEN_PREFIX,
    TICKET_PREFIX,
};
use crate::model::world::{
    AuthorizationCode, AuthorizationPage, Authorizer, Component, Lifetimes, PreAuthCode,
    RefreshMode, UsedCode,
};
use crate::wechat::errcode::Refused;

/// From this many earlier tickets on, expired ones are removed: about two weeks of pushes.
const MAX_EARLIER_TICKETS: usize = 2048;

/// Secrets, and the times until which they are valid, in milliseconds since the Unix epoch.
type ValidUntil = BTreeMap<String, u64>;

/// The most codes that are kept. Of more, those that have expired are removed.
const MAX_CODES: usize = 2048;

/// A code for the authorisation page, or for `api_query_auth`.
struct Code {
    until_ms: u64,
    used: bool,
    /// The account that authorised the platform; empty for a code for the page.
    account: String,
}

/// Codes by their texts.
type Codes = BTreeMap<String, Code>;

/// Adds a code. If there are many, those that have expired are removed.
fn add_code(codes: &mut Codes, text: String, code: Code, now_ms: u64) {
    if codes.len() >= MAX_CODES {
        codes.retain(|_, code| code.until_ms > now_ms);
    }
    codes.insert(text, code);
}

/// Why a code for the authorisation page is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreAuthProblem {
    Unknown,
    Used,
    Expired,
}

/// The result of an account's consent.
pub(crate) struct Consent {
    pub(crate) authorization_code: String,
    pub(crate) expires_in: u64,
    /// Whether the account had authorised the platform before.
    pub(crate) is_update: bool,
}

/// An account's authorisation.
pub(crate) struct Authorization {
    /// `None`: `api_query_auth` has not been called for it yet.
    refresh_token: Option<String>,
    earlier: ValidUntil,
    /// Whether permission set 33 is granted.
    pub(crate) permission: bool,
    /// Whether it is only in the list of accounts, after a release test.
    release_test: bool,
    /// When the account authorised the platform, in seconds of Unix time.
    pub(crate) auth_time: u64,
    refreshes: u64,
}

impl Authorization {
    fn from_document(document: Authorizer, generator: &mut TokenGenerator, now_ms: u64) -> Self {
        let refresh_token = match document.refresh_token {
            given if !given.is_empty() => Some(given),
            _ if document.queried => Some(new_refresh_token(generator)),
            _ => None,
        };
        Self {
            refresh_token,
            earlier: valid_until(document.earlier_refresh_tokens, now_ms),
            permission: document.permission,
            release_test: document.release_test,
            auth_time: document.auth_time.unwrap_or(now_ms / 1000),
            refreshes: document.refreshes,
        }
    }

    /// The refresh token to use next. `None`: `api_query_auth` has not been called for it yet.
    pub(crate) fn refresh_token(&self) -> Option<&str> {
        self.refresh_token.as_deref()
    }

    /// Replaces the refresh token by a new one, as the mode asks. Returns the one to use next.
    fn rotate(&mut self, mode: RefreshMode, generator: &mut TokenGenerator, now_ms: u64) -> String {
        let current = self.refresh_token.take();
        let next = match &current {
            Some(current) if mode == RefreshMode::Stable => current.clone(),
            _ => new_refresh_token(generator),
        };
        match (mode, current) {
            (RefreshMode::Stable, _) | (_, None) => {}
            (RefreshMode::Rotating, Some(last)) => {
                self.earlier
                    .insert(last, after_seconds(now_ms, GRACE_PERIOD_S));
            }
            (RefreshMode::Strict, Some(_)) => self.earlier.clear(),
        }
        self.refresh_token = Some(next.clone());
        next
    }

    /// The authorisation as a document.
    pub(crate) fn to_document(&self, now_ms: u64) -> Authorizer {
        let mut earlier = all_seconds_left(&self.earlier, now_ms);
        earlier.retain(|_, seconds| *seconds > 0);
        Authorizer {
            queried: self.refresh_token.is_some(),
            refresh_token: self.refresh_token.clone().unwrap_or_default(),
            earlier_refresh_tokens: earlier,
            permission: self.permission,
            release_test: self.release_test,
            auth_time: Some(self.auth_time),
            refreshes: self.refreshes,
        }
    }
}

fn new_refresh_token(generator: &mut TokenGenerator) -> String {
    generator.generate(REFRESH_TOKEN_PREFIX, 3)
}

fn valid_until(seconds_left: BTreeMap<String, u64>, now_ms: u64) -> ValidUntil {
    seconds_left
        .into_iter()
        .map(|(secret, seconds)| (secret, after_seconds(now_ms, seconds)))
        .collect()
}

fn all_seconds_left(valid_until: &ValidUntil, now_ms: u64) -> BTreeMap<String, u64> {
    valid_until
        .iter()
        .map(|(secret, until_ms)| (secret.clone(), seconds_left(*until_ms, now_ms)))
        .collect()
}

/// How many tokens the platform has obtained.
#[derive(Serialize)]
pub(crate) struct RefreshCounts<'a> {
    /// Tokens of its own.
    component: u64,
    /// Tokens of each account that has any, by appid.
    accounts: BTreeMap<&'a str, u64>,
}

/// Where events are pushed, and the tickets among them.
pub(crate) struct PushState {
    pub(crate) settings: PushSettings,
    /// When the next ticket is due.
    next_ticket_ms: Option<u64>,
    /// How often the current ticket was pushed.
    pushes_of_ticket: u32,
    /// How many pushes in a row failed.
    failures: u32,
}

impl PushState {
    fn new(settings: PushSettings, now_ms: u64) -> Self {
        Self {
            next_ticket_ms: (settings.ticket_every_s > 0 && !settings.stopped).then_some(now_ms),
            settings,
            pushes_of_ticket: 0,
            failures: 0,
        }
    }

    /// When the next ticket is due.
    pub(crate) fn next_ticket_ms(&self) -> Option<u64> {
        self.next_ticket_ms
    }

    /// Starts the pushing of tickets, with one that is due immediately. Returns whether it was
    /// stopped.
    fn start(&mut self, now_ms: u64) -> bool {
        self.failures = 0;
        self.next_ticket_ms = Some(now_ms);
        std::mem::take(&mut self.settings.stopped)
    }

    /// Records the result of a push. If too many fail, tickets are stopped.
    pub(crate) fn record_result(&mut self, is_success: bool) {
        self.failures = if is_success { 0 } else { self.failures + 1 };
        let limit = self.settings.stop_after_failures;
        if limit.is_some_and(|limit| self.failures >= limit) {
            self.settings.stopped = true;
            self.next_ticket_ms = None;
        }
    }

    /// How many pushes in a row failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

/// What `api_query_auth` returns.
pub(crate) struct QueriedAccount {
    pub(crate) appid: String,
    pub(crate) refresh_token: String,
    /// Whether permission set 33 is granted.
    pub(crate) permission: bool,
}

/// The third-party platform.
pub(crate) struct Platform {
    pub(crate) appid: String,
    appsecret: String,
    ticket: String,
    ticket_until_ms: u64,
    earlier: ValidUntil,
    refresh: RefreshMode,
    used_code: UsedCode,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) page: AuthorizationPage,
    pub(crate) push: Option<PushState>,
    pre_auth_codes: Codes,
    authorization_codes: Codes,
    refreshes: u64,
    authorizations: BTreeMap<String, Authorization>,
}

impl Platform {
    pub(crate) fn from_document(
        document: Component,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> Self {
        let authorizations = document
            .authorizers
            .into_iter()
            .flatten()
            .map(|(appid, authorizer)| {
                let authorization = Authorization::from_document(authorizer, generator, now_ms);
                (appid, authorization)
            })
            .collect();
        let pre_auth_codes = document.pre_auth_codes.into_iter().map(|(text, document)| {
            let code = Code {
                until_ms: after_seconds(now_ms, document.expires_in),
                used: document.used,
                account: String::new(),
            };
            (text, code)
        });
        let authorization_codes = document.authorization_codes.into_iter();
        let authorization_codes = authorization_codes.map(|(text, document)| {
            let code = Code {
                until_ms: after_seconds(now_ms, document.expires_in),
                used: document.used,
                account: document.account,
            };
            (text, code)
        });
        Self {
            appid: document.appid,
            appsecret: document.appsecret,
            ticket: document.ticket,
            ticket_until_ms: after_seconds(now_ms, document.ticket_expires_in),
            earlier: valid_until(document.earlier_tickets, now_ms),
            refresh: document.refresh,
            used_code: document.used_code,
            lifetimes: document.lifetimes,
            page: document.authorization_page,
            push: document
                .push
                .map(|settings| PushState::new(settings, now_ms)),
            pre_auth_codes: pre_auth_codes.collect(),
            authorization_codes: authorization_codes.collect(),
            refreshes: document.refreshes,
            authorizations,
        }
    }

    /// Takes the accounts of the platform that this one replaces. The count of refreshes continues,
    /// whether the document has it or not.
    pub(crate) fn take_accounts_of(&mut self, replaced: Self) {
        self.authorizations = replaced.authorizations;
        self.refreshes = self.refreshes.max(replaced.refreshes);
    }

    /// Replaces where events are pushed. A key that changes is kept as the previous one.
    pub(crate) fn set_push(&mut self, mut settings: PushSettings, now_ms: u64) {
        if settings.previous_aes_key.is_none()
            && let Some(replaced) = &self.push
        {
            let old = &replaced.settings;
            settings.previous_aes_key = if old.aes_key == settings.aes_key {
                old.previous_aes_key.clone()
            } else {
                Some(old.aes_key.clone())
            };
        }
        self.push = Some(PushState::new(settings, now_ms));
    }

    /// The ticket to push now. Each one is pushed twice before a new one follows.
    pub(crate) fn take_due_ticket(
        &mut self,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> Option<String> {
        let push = self.push.as_mut()?;
        push.next_ticket_ms.filter(|at_ms| *at_ms <= now_ms)?;
        let every_s = push.settings.ticket_every_s;
        push.next_ticket_ms = (every_s > 0).then(|| after_seconds(now_ms, every_s));
        if push.pushes_of_ticket >= 2 || self.ticket_until_ms <= now_ms {
            self.push_ticket(None, generator, now_ms);
        } else {
            push.pushes_of_ticket += 1;
        }
        Some(self.ticket.clone())
    }

    /// Starts the pushing of tickets. Returns whether it was stopped.
    pub(crate) fn start_pushing(&mut self, now_ms: u64) -> bool {
        self.push.as_mut().is_some_and(|push| push.start(now_ms))
    }

    /// The platform as a document, without its accounts.
    pub(crate) fn to_document(&self, now_ms: u64) -> Component {
        let pre_auth_codes = self.pre_auth_codes.iter().map(|(text, code)| {
            let document = PreAuthCode {
                expires_in: seconds_left(code.until_ms, now_ms),
                used: code.used,
            };
            (text.clone(), document)
        });
        let authorization_codes = self.authorization_codes.iter().map(|(text, code)| {
            let document = AuthorizationCode {
                account: code.account.clone(),
                expires_in: seconds_left(code.until_ms, now_ms),
                used: code.used,
            };
            (text.clone(), document)
        });
        Component {
            appid: self.appid.clone(),
            appsecret: self.appsecret.clone(),
            ticket: self.ticket.clone(),
            ticket_expires_in: seconds_left(self.ticket_until_ms, now_ms),
            earlier_tickets: all_seconds_left(&self.earlier, now_ms),
            refresh: self.refresh,
            used_code: self.used_code,
            lifetimes: self.lifetimes,
            authorization_page: self.page.clone(),
            push: self.push.as_ref().map(|push| push.settings.clone()),
            pre_auth_codes: pre_auth_codes.collect(),
            authorization_codes: authorization_codes.collect(),
            refreshes: self.refreshes,
            authorizers: None,
        }
    }

    /// The platform as a document, with its accounts.
    pub(crate) fn to_full_document(&self, now_ms: u64) -> Component {
        let authorizers = self
            .authorizations
            .iter()
            .map(|(appid, authorization)| (appid.clone(), authorization.to_document(now_ms)))
            .collect();
        Component {
            authorizers: Some(authorizers),
            ..self.to_document(now_ms)
        }
    }

    /// Pushes the given ticket, or a new one. Returns it. Earlier tickets keep their times.
    pub(crate) fn push_ticket(
        &mut self,
        ticket: Option<String>,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> &str {
        let ticket = ticket.unwrap_or_else(|| generator.generate(TICKET_PREFIX, 5));
        self.earlier.remove(&ticket);
        let last = std::mem::replace(&mut self.ticket, ticket);
        if last != self.ticket {
            self.earlier.insert(last, self.ticket_until_ms);
        }
        self.ticket_until_ms = after_seconds(now_ms, self.lifetimes.ticket_s);
        if self.earlier.len() > MAX_EARLIER_TICKETS {
            self.earlier.retain(|_, until_ms| *until_ms > now_ms);
        }
        if let Some(push) = &mut self.push {
            push.pushes_of_ticket = 1;
        }
        &self.ticket
    }

    pub(crate) fn check_ticket(&self, ticket: &str, now_ms: u64) -> Result<(), Refused> {
        let until_ms = if ticket == self.ticket {
            self.ticket_until_ms
        } else {
            *self.earlier.get(ticket).ok_or(Refused::UnknownTicket)?
        };
        if until_ms <= now_ms {
            return Err(Refused::TicketExpired);
        }
        Ok(())
    }

    pub(crate) fn check_secret(&self, appsecret: &str) -> Result<(), Refused> {
        match appsecret {
            "" => Err(Refused::SecretMissing),
            secret if secret == self.appsecret => Ok(()),
            _ => Err(Refused::WrongSecret),
        }
    }

    /// Counts that the platform has obtained a token of its own.
    pub(crate) fn count_refresh(&mut self) {
        self.refreshes += 1;
    }

    pub(crate) fn authorization(&self, account: &str) -> Option<&Authorization> {
        self.authorizations.get(account)
    }

    /// An account's authorisation, unless the account is only in the list.
    pub(crate) fn valid_authorization(&self, account: &str) -> Option<&Authorization> {
        let authorization = self.authorization(account);
        authorization.filter(|authorization| !authorization.release_test)
    }

    /// All authorisations, by the account's appid.
    pub(crate) fn authorizations(&self) -> &BTreeMap<String, Authorization> {
        &self.authorizations
    }

    /// Lets an account authorise the platform. An earlier authorisation is replaced, and its count
    /// of refreshes continues.
    pub(crate) fn authorize(
        &mut self,
        account: &str,
        document: Authorizer,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> &Authorization {
        let mut authorization = Authorization::from_document(document, generator, now_ms);
        if let Some(replaced) = self.authorizations.remove(account) {
            authorization.refreshes = authorization.refreshes.max(replaced.refreshes);
        }
        self.authorizations
            .entry(account.to_owned())
            .or_insert(authorization)
    }

    /// Lets an account withdraw its authorisation. Returns `false` if it had none.
    pub(crate) fn deauthorize(&mut self, account: &str) -> bool {
        self.authorizations.remove(account).is_some()
    }

    /// Uses a refresh token. Returns the one to use next.
    pub(crate) fn refresh(
        &mut self,
        account: &str,
        refresh_token: &str,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> Result<String, Refused> {
        let authorization = self
            .authorizations
            .get_mut(account)
            .filter(|authorization| !authorization.release_test)
            .ok_or(Refused::NotAuthorized)?;
        let earlier = &mut authorization.earlier;
        earlier.retain(|_, until_ms| *until_ms > now_ms);
        let is_current = authorization.refresh_token.as_deref() == Some(refresh_token);
        if !is_current && !earlier.contains_key(refresh_token) {
            return Err(Refused::BadRefreshToken);
        }
        authorization.refreshes += 1;
        Ok(authorization.rotate(self.refresh, generator, now_ms))
    }

    /// Creates a code for the authorisation page.
    pub(crate) fn create_pre_auth_code(
        &mut self,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> String {
        let text = generator.generate(PRE_AUTH_CODE_PREFIX, 4);
        let code = Code {
            until_ms: after_seconds(now_ms, self.lifetimes.pre_auth_code_s),
            used: false,
            account: String::new(),
        };
        add_code(&mut self.pre_auth_codes, text.clone(), code, now_ms);
        text
    }

    /// Checks a code for the authorisation page.
    pub(crate) fn check_pre_auth_code(
        &self,
        text: &str,
        now_ms: u64,
    ) -> Result<(), PreAuthProblem> {
        match self.pre_auth_codes.get(text) {
            None => Err(PreAuthProblem::Unknown),
            Some(code) if code.used => Err(PreAuthProblem::Used),
            Some(code) if code.until_ms <= now_ms => Err(PreAuthProblem::Expired),
            Some(_) => Ok(()),
        }
    }

    /// Uses up a code for the authorisation page, because an account has decided with it.
    pub(crate) fn use_pre_auth_code(&mut self, text: &str) {
        if let Some(code) = self.pre_auth_codes.get_mut(text) {
            code.used = true;
        }
    }

    /// Lets an account consent, as it does on the authorisation page. A refresh token that it has
    /// stays valid until `api_query_auth` is called.
    pub(crate) fn consent(
        &mut self,
        account: &str,
        permission: bool,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> Consent {
        let is_update = self.authorizations.contains_key(account);
        let authorization = self
            .authorizations
            .entry(account.to_owned())
            .or_insert_with(|| Authorization {
                refresh_token: None,
                earlier: BTreeMap::new(),
                permission,
                release_test: false,
                auth_time: 0,
                refreshes: 0,
            });
        authorization.permission = permission;
        authorization.release_test = false;
        authorization.auth_time = now_ms / 1000;
        let expires_in = self.lifetimes.authorization_code_s;
        let text = generator.generate(AUTHORIZATION_CODE_PREFIX, 4);
        let code = Code {
            until_ms: after_seconds(now_ms, expires_in),
            used: false,
            account: account.to_owned(),
        };
        add_code(&mut self.authorization_codes, text.clone(), code, now_ms);
        Consent {
            authorization_code: text,
            expires_in,
            is_update,
        }
    }

    /// Uses an authorisation code. Returns the account and its refresh token, which is created or
    /// replaced.
    pub(crate) fn query_auth(
        &mut self,
        text: &str,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> Result<QueriedAccount, Refused> {
        let code = self
            .authorization_codes
            .get_mut(text)
            .ok_or(Refused::BadCode)?;
        if code.used && self.used_code == UsedCode::Invalid {
            return Err(Refused::BadCode);
        }
        if code.used || code.until_ms <= now_ms {
            return Err(Refused::CodeExpired);
        }
        let authorization = self
            .authorizations
            .get_mut(&code.account)
            .filter(|authorization| !authorization.release_test)
            .ok_or(Refused::NotAuthorized)?;
        code.used = true;
        authorization.refreshes += 1;
        Ok(QueriedAccount {
            appid: code.account.clone(),
            refresh_token: authorization.rotate(self.refresh, generator, now_ms),
            permission: authorization.permission,
        })
    }

    pub(crate) fn refresh_counts(&self) -> RefreshCounts<'_> {
        let accounts = self
            .authorizations
            .iter()
            .filter(|(_, authorization)| authorization.refreshes > 0)
            .map(|(appid, authorization)| (appid.as_str(), authorization.refreshes))
            .collect();
        RefreshCounts {
            component: self.refreshes,
            accounts,
        }
    }

    /// Sets all counts of refreshes to 0.
    pub(crate) fn reset_refresh_counts(&mut self) {
        self.refreshes = 0;
        for authorization in self.authorizations.values_mut() {
            authorization.refreshes = 0;
        }
    }
}
