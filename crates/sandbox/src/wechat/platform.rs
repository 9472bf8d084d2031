//! The state of the third-party platform: its tickets, and the accounts that have authorised it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::clock::{after_seconds, seconds_left};
use crate::model::random::TokenGenerator;
use crate::model::tokens::{GRACE_PERIOD_S, REFRESH_TOKEN_PREFIX, TICKET_PREFIX};
use crate::model::world::{Authorizer, Component, RefreshMode, TICKET_LIFETIME_S};
use crate::wechat::errcode::Refused;

/// From this many earlier tickets on, expired ones are removed: about two weeks of pushes.
const MAX_EARLIER_TICKETS: usize = 2048;

/// Secrets, and the times until which they are valid, in milliseconds since the Unix epoch.
type ValidUntil = BTreeMap<String, u64>;

/// An account's authorisation.
pub(crate) struct Authorization {
    refresh_token: String,
    earlier: ValidUntil,
    /// Whether permission set 33 is granted.
    pub(crate) permission: bool,
    /// When the account authorised the platform, in seconds of Unix time.
    pub(crate) auth_time: u64,
    refreshes: u64,
}

impl Authorization {
    fn from_document(document: Authorizer, generator: &mut TokenGenerator, now_ms: u64) -> Self {
        let refresh_token = if document.refresh_token.is_empty() {
            new_refresh_token(generator)
        } else {
            document.refresh_token
        };
        Self {
            refresh_token,
            earlier: valid_until(document.earlier_refresh_tokens, now_ms),
            permission: document.permission,
            auth_time: document.auth_time.unwrap_or(now_ms / 1000),
            refreshes: document.refreshes,
        }
    }

    /// The refresh token to use next.
    pub(crate) fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// The authorisation as a document.
    pub(crate) fn to_document(&self, now_ms: u64) -> Authorizer {
        let mut earlier = all_seconds_left(&self.earlier, now_ms);
        earlier.retain(|_, seconds| *seconds > 0);
        Authorizer {
            refresh_token: self.refresh_token.clone(),
            earlier_refresh_tokens: earlier,
            permission: self.permission,
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

/// The third-party platform.
pub(crate) struct Platform {
    pub(crate) appid: String,
    appsecret: String,
    ticket: String,
    ticket_until_ms: u64,
    earlier: ValidUntil,
    refresh: RefreshMode,
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
        Self {
            appid: document.appid,
            appsecret: document.appsecret,
            ticket: document.ticket,
            ticket_until_ms: after_seconds(now_ms, document.ticket_expires_in),
            earlier: valid_until(document.earlier_tickets, now_ms),
            refresh: document.refresh,
            refreshes: document.refreshes,
            authorizations,
        }
    }

    /// Takes the accounts of the platform that this one replaces, and adds its count of refreshes.
    pub(crate) fn take_over_from(&mut self, replaced: Self) {
        self.authorizations = replaced.authorizations;
        self.refreshes += replaced.refreshes;
    }

    /// The platform as a document, without its accounts.
    pub(crate) fn to_document(&self, now_ms: u64) -> Component {
        Component {
            appid: self.appid.clone(),
            appsecret: self.appsecret.clone(),
            ticket: self.ticket.clone(),
            ticket_expires_in: seconds_left(self.ticket_until_ms, now_ms),
            earlier_tickets: all_seconds_left(&self.earlier, now_ms),
            refresh: self.refresh,
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
        self.ticket_until_ms = after_seconds(now_ms, TICKET_LIFETIME_S);
        if self.earlier.len() > MAX_EARLIER_TICKETS {
            self.earlier.retain(|_, until_ms| *until_ms > now_ms);
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

    /// All authorisations, by the account's appid.
    pub(crate) fn authorizations(&self) -> &BTreeMap<String, Authorization> {
        &self.authorizations
    }

    /// Lets an account authorise the platform. An earlier authorisation is replaced, and its count
    /// of refreshes is kept.
    pub(crate) fn authorize(
        &mut self,
        account: &str,
        document: Authorizer,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> &Authorization {
        let mut authorization = Authorization::from_document(document, generator, now_ms);
        if let Some(replaced) = self.authorizations.remove(account) {
            authorization.refreshes += replaced.refreshes;
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
            .ok_or(Refused::NotAuthorized)?;
        let earlier = &mut authorization.earlier;
        earlier.retain(|_, until_ms| *until_ms > now_ms);
        if refresh_token != authorization.refresh_token && !earlier.contains_key(refresh_token) {
            return Err(Refused::BadRefreshToken);
        }
        authorization.refreshes += 1;
        if self.refresh != RefreshMode::Stable {
            let next = new_refresh_token(generator);
            let last = std::mem::replace(&mut authorization.refresh_token, next);
            if self.refresh == RefreshMode::Rotating {
                earlier.insert(last, after_seconds(now_ms, GRACE_PERIOD_S));
            } else {
                earlier.clear();
            }
        }
        Ok(authorization.refresh_token.clone())
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
