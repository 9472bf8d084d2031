//! Tokens from WeChat, for a third-party platform: its ticket gets it a token of its own, and that and an
//! account's refresh token get the account's.
//!
//! Both are kept in a store that machines may share, and renewed by one at a time: whoever holds the record's
//! lock. What is renewed is written only over what it was renewed from, so nothing newer is ever lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Fetched;
use super::record::{self, Record};
use super::store::{self, Store};
use crate::answer::Answer;
use crate::cancel::Cancel;
use crate::catalogue::Class;
use crate::client::Limits;
use crate::error::Error;
use crate::interface::Interface;
use crate::options::Options;
use crate::post::Poster;
use crate::status::Status;
use crate::sync::lock;
use crate::wire::Wire;

/// The pauses between two looks at a lock that another holds grow from the first to the last of these: its
/// holder is to get on.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// "The refresh token is invalid."
const REFRESH_TOKEN_INVALID: i32 = 61023;
/// The most accounts `api_get_authorizer_list` tells at once.
const PAGE: u64 = 500;

pub(crate) struct Component {
    appid: String,
    appsecret: String,
    wire: Arc<Wire>,
    limits: Limits,
    store: Box<dyn Store>,
    /// What the store did not take: what it was renewed from, and what it was renewed to.
    unsaved: Mutex<HashMap<String, (Record, Record)>>,
    told: Mutex<Told>,
}

/// What renewing one of the two kinds of records takes.
struct Renewal<'a> {
    key: String,
    refused: Option<&'a str>,
    /// What the next token is made of, from the record as it is.
    renew: &'a dyn Fn(&Record) -> Result<Record, Error>,
}

/// What WeChat answers when it gives a token.
#[derive(Deserialize)]
struct Given {
    #[serde(alias = "component_access_token", alias = "authorizer_access_token")]
    access_token: String,
    expires_in: u64,
    #[serde(default)]
    authorizer_refresh_token: Option<String>,
}

/// A page of `api_get_authorizer_list`.
#[derive(Deserialize)]
struct Page {
    total_count: u64,
    list: Vec<Authorizer>,
}

#[derive(Deserialize)]
struct Authorizer {
    authorizer_appid: String,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// What the list of accounts has told so far, for the accounts that will be asked for next: a walk for each of
/// thousands would be as many times thousands of pages.
struct Told {
    /// Refresh tokens nobody has asked for yet.
    tokens: HashMap<String, String>,
    /// Up to where the list has been read; `None` if to its end.
    walked: Option<u64>,
}

impl Component {
    pub fn new(options: &Options, wire: Arc<Wire>) -> Result<Component, String> {
        let (Some(appid), Some(appsecret)) =
            (&options.component_appid, &options.component_appsecret)
        else {
            return Err("component_appid and component_appsecret belong together; set both".into());
        };
        Ok(Component {
            appid: appid.clone(),
            appsecret: appsecret.clone(),
            wire,
            limits: options.limits(),
            store: store::open(&options.token_store)?,
            unsaved: Mutex::default(),
            told: Mutex::new(Told {
                tokens: HashMap::new(),
                walked: Some(0),
            }),
        })
    }

    /// Keeps the ticket WeChat pushed.
    pub fn put_ticket(&self, ticket: &str) -> Result<(), Error> {
        self.put(&self.own_key(), ticket)
    }

    /// Keeps an account's refresh token. Its access token, if it has one, stays.
    pub fn put_account(&self, account: &str, refresh_token: &str) -> Result<(), Error> {
        self.put(&self.key_of(account), refresh_token)
    }

    /// The account's token, as stored or renewed.
    pub fn fetch(
        &self,
        account: &str,
        refused: Option<&str>,
        limit: Instant,
    ) -> Result<Fetched, Error> {
        let renewal = Renewal {
            key: self.key_of(account),
            refused,
            renew: &|record| self.refresh(account, record, limit),
        };
        self.kept(&renewal, limit).map(|record| record.fetched())
    }

    /// The record as stored if its token serves, else with a new one.
    fn kept(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let never = Cancel::new().map_err(|e| self.no_token(e.to_string()).passing())?;
        let mut look = LOOKS.0;
        self.save_again(&renewal.key);
        loop {
            let record = self.read(&renewal.key)?.1;
            if !record.is_due(renewal.refused) {
                return Ok(record);
            }
            let left = limit.saturating_duration_since(Instant::now());
            // Should its holder be killed, others still have time.
            match self
                .store
                .lock(&renewal.key, left / 2)
                .map_err(|e| self.no_token(e).passing())?
            {
                Some(lock) => {
                    let renewed = self.renew(renewal);
                    // If it cannot be given back it ends by itself.
                    let _ = self.store.unlock(&renewal.key, lock);
                    return renewed;
                }
                // Another is at it, and what there is serves meanwhile.
                None if !record.left(renewal.refused).is_zero() => return Ok(record),
                None if left.is_zero() => {
                    return Err(self
                        .no_token("another process is getting it and does not come to an end")
                        .passing());
                }
                None => {
                    let _ = never.pause(Instant::now() + look.min(left));
                    look = (look * 2).min(LOOKS.1);
                }
            }
        }
    }

    /// Renews under the lock.
    fn renew(&self, renewal: &Renewal<'_>) -> Result<Record, Error> {
        let (was, record) = self.read(&renewal.key)?;
        // Whoever had the lock before us may have done it.
        if !record.is_due(renewal.refused) {
            return Ok(record);
        }
        let renewed = (renewal.renew)(&record)?;
        Ok(self.save(&renewal.key, was, &record, renewed))
    }

    /// Writes what was renewed over what it was renewed from, and answers what is to be used. Where the
    /// store does not take it just now it is kept here: the old refresh token may be dead already.
    fn save(&self, key: &str, mut was: Option<String>, old: &Record, mut new: Record) -> Record {
        loop {
            let swapped = self.store.swap(key, was.as_deref(), &new.text());
            let there = swapped.and_then(|done| match done {
                true => Ok(None),
                false => self.store.read(key).map(Some),
            });
            match there {
                Ok(None) => return new,
                Ok(Some(there)) => {
                    let record = there.as_deref().and_then(Record::of).unwrap_or_default();
                    if record.access_token != old.access_token {
                        return record;
                    }
                    // Somebody put another grant there meanwhile: that is the newer one.
                    new.grant = record.grant;
                    was = there;
                }
                Err(_) => {
                    let unsaved = (old.clone(), new.clone());
                    lock(&self.unsaved).insert(key.to_owned(), unsaved);
                    return new;
                }
            }
        }
    }

    /// Writes what could not be written before.
    fn save_again(&self, key: &str) {
        let unsaved = lock(&self.unsaved).remove(key);
        if let Some((old, new)) = unsaved {
            match self.store.read(key) {
                Ok(was) => drop(self.save(key, was, &old, new)),
                Err(_) => drop(lock(&self.unsaved).insert(key.to_owned(), (old, new))),
            }
        }
    }

    /// A new token for an account.
    fn refresh(&self, account: &str, record: &Record, limit: Instant) -> Result<Record, Error> {
        let mut grant = record.grant.clone();
        let mut recovered = false;
        if grant.is_empty() {
            grant = self.recover(account, &grant, limit)?;
            recovered = true;
        }
        loop {
            match self.refresh_with(account, &grant, limit) {
                Err(e) if e.errcode() == Some(REFRESH_TOKEN_INVALID) && !recovered => {
                    recovered = true;
                    grant = self.recover(account, &grant, limit).map_err(|_| e)?;
                }
                done => return done,
            }
        }
    }

    fn refresh_with(&self, account: &str, grant: &str, limit: Instant) -> Result<Record, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            authorizer_appid: &'a str,
            authorizer_refresh_token: &'a str,
        }
        let body = Body {
            component_appid: &self.appid,
            authorizer_appid: account,
            authorizer_refresh_token: grant,
        };
        self.given(&self.call(Interface::AuthorizerToken, &body, limit)?, grant)
    }

    /// The refresh token WeChat has for the account, if it is another than the one that is of no use.
    fn recover(&self, account: &str, useless: &str, limit: Instant) -> Result<String, Error> {
        let mut told = lock(&self.told);
        let mut anew = false;
        loop {
            match told.tokens.remove(account) {
                Some(token) if token != useless => return Ok(token),
                // What it says of this account is old.
                Some(_) if !anew => {
                    anew = true;
                    told.walked = Some(0);
                }
                Some(_) => break,
                None => {}
            }
            let Some(offset) = told.walked else {
                if anew {
                    break;
                }
                anew = true;
                told.walked = Some(0);
                continue;
            };
            anew |= offset == 0;
            let page = self.page(offset, limit)?;
            let next = offset + PAGE;
            let last = page.list.is_empty() || next >= page.total_count;
            told.walked = (!last).then_some(next);
            for one in page.list {
                if let Some(token) = one.refresh_token {
                    told.tokens.insert(one.authorizer_appid, token);
                }
            }
        }
        Err(self.no_token(format!(
            "no usable refresh token for {account}; let the account authorise the platform (again), \
             and put the refresh token it gives"
        )))
    }

    /// A page of the accounts that have authorised the platform.
    fn page(&self, offset: u64, limit: Instant) -> Result<Page, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            offset: u64,
            count: u64,
        }
        let body = Body {
            component_appid: &self.appid,
            offset,
            count: PAGE,
        };
        let answer = self.call(Interface::AuthorizerList, &body, limit)?;
        serde_json::from_slice(answer.body())
            .map_err(|_| self.no_token("api_get_authorizer_list answered no list"))
    }

    /// Calls with the platform's token, and once more with another if that is refused.
    fn call(
        &self,
        interface: Interface,
        body: &impl Serialize,
        limit: Instant,
    ) -> Result<Answer, Error> {
        let token = self.own_token(None, limit)?;
        match self.post(interface, &token, body, limit) {
            Err(e) if e.class() == Some(Class::Token) => {
                let other = self.own_token(Some(&token), limit)?;
                self.post(interface, &other, body, limit)
            }
            done => done,
        }
    }

    /// The platform's own token.
    fn own_token(&self, refused: Option<&str>, limit: Instant) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            component_appsecret: &'a str,
            component_verify_ticket: &'a str,
        }
        let renew = |record: &Record| {
            if record.grant.is_empty() {
                return Err(self.no_token(
                    "there is no component_verify_ticket yet; put the one WeChat pushes every 10 minutes",
                ));
            }
            let body = Body {
                component_appid: &self.appid,
                component_appsecret: &self.appsecret,
                component_verify_ticket: &record.grant,
            };
            self.given(
                &self.post(Interface::ComponentToken, "", &body, limit)?,
                &record.grant,
            )
        };
        let renewal = Renewal {
            key: self.own_key(),
            refused,
            renew: &renew,
        };
        self.kept(&renewal, limit).map(|record| record.access_token)
    }

    fn post(
        &self,
        interface: Interface,
        token: &str,
        body: &impl Serialize,
        limit: Instant,
    ) -> Result<Answer, Error> {
        let never = Cancel::new().map_err(|e| self.no_token(e.to_string()).passing())?;
        let poster = Poster {
            wire: &self.wire,
            cancel: &Arc::new(never),
            limits: self.limits,
        };
        poster
            .post(interface, token, body, limit, Vec::new())
            .map_err(Error::without_token)
    }

    /// The record an answer makes of one.
    fn given(&self, answer: &Answer, grant: &str) -> Result<Record, Error> {
        let given: Given = serde_json::from_slice(answer.body()).map_err(|_| {
            self.no_token(format!("{} answered no token", answer.interface().name()))
        })?;
        Ok(Record {
            grant: given
                .authorizer_refresh_token
                .filter(|token| !token.is_empty())
                .unwrap_or_else(|| grant.to_owned()),
            access_token: given.access_token,
            since: record::now(),
            expires_in: given.expires_in,
        })
    }

    fn put(&self, key: &str, grant: &str) -> Result<(), Error> {
        loop {
            let (was, mut record) = self.read(key)?;
            if record.grant == grant {
                return Ok(());
            }
            record.grant = grant.to_owned();
            let put = self.store.swap(key, was.as_deref(), &record.text());
            if put.map_err(|e| self.no_token(e).passing())? {
                return Ok(());
            }
        }
    }

    /// What is stored, as text and read; an empty record if nothing is.
    fn read(&self, key: &str) -> Result<(Option<String>, Record), Error> {
        let text = self
            .store
            .read(key)
            .map_err(|e| self.no_token(e).passing())?;
        let record = text.as_deref().and_then(Record::of).unwrap_or_default();
        Ok((text, record))
    }

    fn own_key(&self) -> String {
        format!("wxlink:{}", self.appid)
    }

    fn key_of(&self, account: &str) -> String {
        format!("wxlink:{}:{account}", self.appid)
    }

    fn no_token(&self, why: impl Into<String>) -> Error {
        Error::argument(Status::NoToken, why, self.limits.lang)
    }
}
