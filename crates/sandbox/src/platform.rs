//! The third-party platform in motion: its tickets, and the refresh tokens of its accounts.

use std::collections::BTreeMap;

use crate::codes::Refused;
use crate::tokens::{GRACE_S, Mint, REFRESH_TOKEN, TICKET, ends, left_s};
use crate::world::{Authorizer, Component, Refresh, twelve_hours};

/// How many tickets are remembered: two weeks of pushes.
const TICKETS_KEPT: usize = 2048;

/// Secrets that are good until a moment each.
type Until = BTreeMap<String, u64>;

/// An account's authorisation, with moments instead of times left.
pub(crate) struct Authorization {
    refresh_token: String,
    earlier: Until,
    pub(crate) permission: bool,
    pub(crate) auth_time: u64,
    refreshes: u64,
}

impl Authorization {
    fn of(document: Authorizer, mint: &mut Mint, now_ms: u64) -> Self {
        let refresh_token = if document.refresh_token.is_empty() {
            refresh_token(mint)
        } else {
            document.refresh_token
        };
        Self {
            refresh_token,
            earlier: until(document.earlier_refresh_tokens, now_ms),
            permission: document.permission,
            auth_time: document.auth_time.unwrap_or(now_ms / 1000),
            refreshes: document.refreshes,
        }
    }

    pub(crate) fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    pub(crate) fn shown(&self, now_ms: u64) -> Authorizer {
        let mut earlier = left(&self.earlier, now_ms);
        earlier.retain(|_, left_s| *left_s > 0);
        Authorizer {
            refresh_token: self.refresh_token.clone(),
            earlier_refresh_tokens: earlier,
            permission: self.permission,
            auth_time: Some(self.auth_time),
            refreshes: self.refreshes,
        }
    }
}

fn refresh_token(mint: &mut Mint) -> String {
    mint.text(REFRESH_TOKEN, 3)
}

fn until(left: BTreeMap<String, u64>, now_ms: u64) -> Until {
    left.into_iter()
        .map(|(text, left_s)| (text, ends(now_ms, left_s)))
        .collect()
}

fn left(until: &Until, now_ms: u64) -> BTreeMap<String, u64> {
    until
        .iter()
        .map(|(text, until_ms)| (text.clone(), left_s(*until_ms, now_ms)))
        .collect()
}

/// The platform.
pub(crate) struct Platform {
    pub(crate) appid: String,
    appsecret: String,
    ticket: String,
    ticket_until_ms: u64,
    earlier: Until,
    refresh: Refresh,
    refreshes: u64,
    authorizations: BTreeMap<String, Authorization>,
}

impl Platform {
    pub(crate) fn new(document: Component, mint: &mut Mint, now_ms: u64) -> Self {
        let authorizations = document
            .authorizers
            .into_iter()
            .flatten()
            .map(|(appid, authorizer)| (appid, Authorization::of(authorizer, mint, now_ms)))
            .collect();
        Self {
            appid: document.appid,
            appsecret: document.appsecret,
            ticket: document.ticket,
            ticket_until_ms: ends(now_ms, document.ticket_expires_in),
            earlier: until(document.earlier_tickets, now_ms),
            refresh: document.refresh,
            refreshes: document.refreshes,
            authorizations,
        }
    }

    /// Takes over from another one: its accounts, and its counts.
    pub(crate) fn succeed(&mut self, earlier: Self) {
        self.authorizations = earlier.authorizations;
        self.refreshes += earlier.refreshes;
    }

    /// The document as it is now, without the accounts.
    pub(crate) fn shown(&self, now_ms: u64) -> Component {
        Component {
            appid: self.appid.clone(),
            appsecret: self.appsecret.clone(),
            ticket: self.ticket.clone(),
            ticket_expires_in: left_s(self.ticket_until_ms, now_ms),
            earlier_tickets: left(&self.earlier, now_ms),
            refresh: self.refresh,
            refreshes: self.refreshes,
            authorizers: None,
        }
    }

    /// The document as it is now, and all.
    pub(crate) fn snapshot(&self, now_ms: u64) -> Component {
        let authorizers = self
            .authorizations
            .iter()
            .map(|(appid, authorization)| (appid.clone(), authorization.shown(now_ms)))
            .collect();
        Component {
            authorizers: Some(authorizers),
            ..self.shown(now_ms)
        }
    }

    /// Pushes a ticket: this one, or a new one. Those before it are good for as long as they were.
    pub(crate) fn push_ticket(
        &mut self,
        ticket: Option<String>,
        mint: &mut Mint,
        now_ms: u64,
    ) -> &str {
        let ticket = ticket.unwrap_or_else(|| mint.text(TICKET, 5));
        self.earlier.remove(&ticket);
        let last = std::mem::replace(&mut self.ticket, ticket);
        if last != self.ticket {
            self.earlier.insert(last, self.ticket_until_ms);
        }
        self.ticket_until_ms = ends(now_ms, twelve_hours());
        if self.earlier.len() > TICKETS_KEPT {
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

    /// Counts a token of the platform's own.
    pub(crate) fn refreshed(&mut self) {
        self.refreshes += 1;
    }

    pub(crate) fn authorization(&self, account: &str) -> Option<&Authorization> {
        self.authorizations.get(account)
    }

    pub(crate) fn authorizations(&self) -> &BTreeMap<String, Authorization> {
        &self.authorizations
    }

    /// Lets an account authorise, anew if it had; its count goes on.
    pub(crate) fn authorize(
        &mut self,
        account: &str,
        document: Authorizer,
        mint: &mut Mint,
        now_ms: u64,
    ) -> &Authorization {
        let mut authorization = Authorization::of(document, mint, now_ms);
        if let Some(before) = self.authorizations.remove(account) {
            authorization.refreshes += before.refreshes;
        }
        self.authorizations
            .entry(account.to_owned())
            .or_insert(authorization)
    }

    /// Lets an account withdraw; `false`: it had not authorised.
    pub(crate) fn deauthorize(&mut self, account: &str) -> bool {
        self.authorizations.remove(account).is_some()
    }

    /// Uses a refresh token and returns the one to use next.
    pub(crate) fn refresh(
        &mut self,
        account: &str,
        refresh_token: &str,
        mint: &mut Mint,
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
        if self.refresh != Refresh::Stable {
            let next = self::refresh_token(mint);
            let last = std::mem::replace(&mut authorization.refresh_token, next);
            if self.refresh == Refresh::Rotating {
                earlier.insert(last, ends(now_ms, GRACE_S));
            } else {
                earlier.clear();
            }
        }
        Ok(authorization.refresh_token.clone())
    }

    /// How many tokens of its own it has obtained, and how many of each account's.
    pub(crate) fn refreshes(&self) -> (u64, BTreeMap<&str, u64>) {
        let accounts = self
            .authorizations
            .iter()
            .filter(|(_, authorization)| authorization.refreshes > 0)
            .map(|(appid, authorization)| (appid.as_str(), authorization.refreshes))
            .collect();
        (self.refreshes, accounts)
    }

    pub(crate) fn forget_refreshes(&mut self) {
        self.refreshes = 0;
        for authorization in self.authorizations.values_mut() {
            authorization.refreshes = 0;
        }
    }
}
