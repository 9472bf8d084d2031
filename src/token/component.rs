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
use super::store::{self, Lock, Store, StoreError};
use crate::answer::Answer;
use crate::cancel::Cancel;
use crate::catalogue::Class;
use crate::client::Limits;
use crate::error::Error;
use crate::interface::Interface;
use crate::options::Options;
use crate::post::Poster;
use crate::redact::Secret;
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
    /// What the store did not take: what was renewed, and what became of it.
    unsaved: Mutex<HashMap<String, (Record, Renewed)>>,
    told: Mutex<Told>,
}

/// What renewing one of the two kinds of records takes.
struct Renewal<'a> {
    key: String,
    refused: Option<&'a str>,
    /// What the next token is made of, from the record as it is.
    renew: &'a dyn Fn(&Record) -> Result<Renewed, Error>,
}

/// What became of a record.
#[derive(Clone)]
struct Renewed {
    record: Record,
    /// The grant it was got with, which may have been looked up.
    with: String,
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

/// So long a store that is away is waited for, and a lock lasts: what is left is for WeChat, and for others.
fn half_way(limit: Instant) -> Instant {
    let now = Instant::now();
    now + limit.saturating_duration_since(now) / 2
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
        let mut fetched = self.kept(&renewal, limit)?.fetched();
        // The next call is to offer it to the store again.
        if self.is_unsaved(&renewal.key) {
            fetched.fresh = Duration::ZERO;
        }
        Ok(fetched)
    }

    /// The record as stored if its token serves, else with a new one.
    fn kept(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let key = &renewal.key;
        let patience = half_way(limit);
        let ours = Lock::new();
        let mut look = LOOKS.0;
        self.patiently(patience, || self.save_again(key))?;
        loop {
            let record = self.patiently(patience, || self.read(key))?.1;
            if !record.is_due(renewal.refused) {
                return Ok(record);
            }
            let left = limit.saturating_duration_since(Instant::now());
            // Should its holder be killed, others still have time.
            if self.patiently(patience, || self.store.lock(key, &ours, left / 2))? {
                let renewed = self.renew(renewal, patience);
                // What is not stored stays locked as long as may be: others would renew it once more.
                if !self.is_unsaved(key) {
                    // If it cannot be given back it ends by itself.
                    let _ = self.store.unlock(key, &ours);
                }
                return renewed;
            }
            // Another is at it.
            if !record.left(renewal.refused).is_zero() {
                return Ok(record);
            }
            if left.is_zero() {
                return Err(self
                    .no_token("another process is getting it and does not come to an end")
                    .passing());
            }
            self.pause(&mut look, limit)?;
        }
    }

    /// What the store answers. While it is away it is asked again: it may be on its way back.
    fn patiently<T>(
        &self,
        until: Instant,
        ask: impl Fn() -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        let mut look = LOOKS.0;
        loop {
            match ask() {
                Err(e) if e.passing && Instant::now() < until => self.pause(&mut look, until)?,
                done => return done.map_err(|e| self.not_stored(e)),
            }
        }
    }

    /// Waits before the next look, each time longer.
    fn pause(&self, look: &mut Duration, until: Instant) -> Result<(), Error> {
        let never = Cancel::new().map_err(|e| self.no_token(e.to_string()).passing())?;
        let _ = never.pause(until.min(Instant::now() + *look));
        *look = (*look * 2).min(LOOKS.1);
        Ok(())
    }

    /// Renews under the lock.
    fn renew(&self, renewal: &Renewal<'_>, patience: Instant) -> Result<Record, Error> {
        let (was, record) = self.patiently(patience, || self.read(&renewal.key))?;
        // Whoever had the lock before us may have done it.
        if !record.is_due(renewal.refused) {
            return Ok(record);
        }
        let renewed = (renewal.renew)(&record)?;
        let saved = self.save(&renewal.key, was, &record, renewed.clone());
        // Kept here until the store takes it: the old refresh token may be dead already.
        Ok(saved.unwrap_or_else(|_| {
            let unsaved = (record, renewed.clone());
            lock(&self.unsaved).insert(renewal.key.clone(), unsaved);
            renewed.record
        }))
    }

    /// Writes what was renewed over what it was renewed from, and answers what is to be used: another's, if that
    /// is newer.
    fn save(
        &self,
        key: &str,
        mut was: Option<String>,
        old: &Record,
        Renewed { mut record, with }: Renewed,
    ) -> Result<Record, StoreError> {
        while !self.store.swap(key, was.as_deref(), &record.text())? {
            let (text, there) = self.read(key)?;
            // Ours was got with the grant of that which is there, looked up before it was stored.
            let is_next = with != old.grant && with == there.grant;
            // There is no token if the store came back empty.
            if !is_next && !["", &old.access_token].contains(&there.access_token.as_str()) {
                return Ok(there);
            }
            // Somebody put another grant there meanwhile: that is the newer one.
            if !["", &old.grant, &with].contains(&there.grant.as_str()) {
                record.grant = there.grant;
            }
            was = text;
        }
        Ok(record)
    }

    /// Writes what could not be written before.
    fn save_again(&self, key: &str) -> Result<(), StoreError> {
        let unsaved = lock(&self.unsaved).get(key).cloned();
        if let Some((old, new)) = unsaved {
            self.save(key, Some(old.text()), &old, new)?;
            lock(&self.unsaved).remove(key);
        }
        Ok(())
    }

    fn is_unsaved(&self, key: &str) -> bool {
        lock(&self.unsaved).contains_key(key)
    }

    /// A new token for an account.
    fn refresh(&self, account: &str, record: &Record, limit: Instant) -> Result<Renewed, Error> {
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

    fn refresh_with(&self, account: &str, grant: &str, limit: Instant) -> Result<Renewed, Error> {
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
        let secrets = [("refresh_token", grant)];
        let answer = self.call(Interface::AuthorizerToken, &body, &secrets, limit)?;
        self.given(&answer, grant)
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
        let answer = self.call(Interface::AuthorizerList, &body, &[], limit)?;
        serde_json::from_slice(answer.body())
            .map_err(|_| self.no_token("api_get_authorizer_list answered no list"))
    }

    /// Calls with the platform's token, and once more with another if that is refused.
    fn call(
        &self,
        interface: Interface,
        body: &impl Serialize,
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Answer, Error> {
        let token = self.own_token(None, limit)?;
        match self.post(interface, &token, body, secrets, limit) {
            Err(e) if e.class() == Some(Class::Token) => {
                let other = self.own_token(Some(&token), limit)?;
                let mut known = vec![(interface.token_name(), token.as_str())];
                known.extend(secrets);
                self.post(interface, &other, body, &known, limit)
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
            let secrets = [
                ("component_appsecret", self.appsecret.as_str()),
                ("component_verify_ticket", &record.grant),
            ];
            self.given(
                &self.post(Interface::ComponentToken, "", &body, &secrets, limit)?,
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
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Answer, Error> {
        let never = Cancel::new().map_err(|e| self.no_token(e.to_string()).passing())?;
        let poster = Poster {
            wire: &self.wire,
            cancel: &Arc::new(never),
            limits: self.limits,
            secrets,
        };
        poster
            .post(interface, token, body, limit, Vec::new())
            .map_err(Error::without_token)
    }

    /// The record an answer makes of one.
    fn given(&self, answer: &Answer, grant: &str) -> Result<Renewed, Error> {
        let given: Given = serde_json::from_slice(answer.body()).map_err(|_| {
            self.no_token(format!("{} answered no token", answer.interface().name()))
        })?;
        let record = Record {
            grant: given
                .authorizer_refresh_token
                .filter(|token| !token.is_empty())
                .unwrap_or_else(|| grant.to_owned()),
            access_token: given.access_token,
            since: record::now(),
            expires_in: given.expires_in,
        };
        let with = grant.to_owned();
        Ok(Renewed { record, with })
    }

    fn put(&self, key: &str, grant: &str) -> Result<(), Error> {
        let patience = half_way(Instant::now() + self.limits.timeout);
        self.patiently(patience, || {
            loop {
                let (was, mut record) = self.read(key)?;
                if record.grant == grant {
                    return Ok(());
                }
                record.grant = grant.to_owned();
                if self.store.swap(key, was.as_deref(), &record.text())? {
                    return Ok(());
                }
            }
        })
    }

    /// What is stored, as text and read; an empty record if nothing is.
    fn read(&self, key: &str) -> Result<(Option<String>, Record), StoreError> {
        let text = self.store.read(key)?;
        let record = text.as_deref().and_then(Record::of).unwrap_or_default();
        Ok((text, record))
    }

    fn own_key(&self) -> String {
        format!("wxlink:{}", self.appid)
    }

    fn key_of(&self, account: &str) -> String {
        format!("wxlink:{}:{account}", self.appid)
    }

    fn not_stored(&self, error: StoreError) -> Error {
        let told = self.no_token(error.why);
        match error.passing {
            true => told.passing(),
            false => told,
        }
    }

    fn no_token(&self, why: impl Into<String>) -> Error {
        Error::argument(Status::NoToken, why, self.limits.lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component() -> Component {
        let mut options = Options::new();
        options.set("component_appid", "wx1").unwrap();
        options.set("component_appsecret", "S").unwrap();
        Component::new(&options, Arc::new(Wire::new(&options).unwrap())).unwrap()
    }

    fn record((grant, token): (&str, &str)) -> Record {
        Record {
            grant: grant.into(),
            access_token: token.into(),
            ..Record::default()
        }
    }

    #[test]
    fn a_token_is_written_over_older_ones_and_over_no_newer_one() {
        let old = record(("R0", "T0"));
        for (there, new, with, then) in [
            (("R0", "T0"), ("R1", "T1"), "R0", ("R1", "T1")),
            // The store came back empty, or with what was put into it since.
            (("", ""), ("R1", "T1"), "R0", ("R1", "T1")),
            (("PUT", ""), ("R1", "T1"), "R0", ("PUT", "T1")),
            // The account has authorised the platform again.
            (("PUT", "T0"), ("R1", "T1"), "R0", ("PUT", "T1")),
            // Another was at it as well, with a refresh token that is older, or newer.
            (("R2", "T2"), ("R1", "T1"), "R0", ("R2", "T2")),
            (("R1", "T1"), ("R2", "T2"), "R1", ("R2", "T2")),
        ] {
            let component = component();
            let text = record(there).text();
            assert!(component.store.swap("k", None, &text).unwrap());
            let renewed = Renewed {
                record: record(new),
                with: with.into(),
            };
            let used = component.save("k", Some(old.text()), &old, renewed);
            let kept = component.read("k").unwrap().1;
            let shown = format!("{there:?} {new:?}");
            assert_eq!(used.unwrap().text(), record(then).text(), "{shown}");
            assert_eq!(kept.text(), record(then).text(), "{shown}");
        }
    }

    #[test]
    fn a_store_that_is_away_is_waited_for() {
        let component = component();
        let away = |passing| StoreError {
            why: "away".into(),
            passing,
        };
        let asked = std::cell::Cell::new(0);
        let ask = |passing, times| {
            let nth = asked.replace(asked.get() + 1);
            if nth < times {
                Err(away(passing))
            } else {
                Ok(nth)
            }
        };
        let soon = Instant::now() + Duration::from_secs(60);
        assert_eq!(component.patiently(soon, || ask(true, 3)).ok(), Some(3));
        asked.set(0);
        assert!(component.patiently(soon, || ask(false, 3)).is_err());
        asked.set(0);
        let past = Instant::now();
        let error = component.patiently(past, || ask(true, 3)).err().unwrap();
        assert!(error.message().contains("away"), "{error}");
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let component = component();
        let (old, new) = (record(("R0", "T0")), record(("R1", "T1")));
        let with = "R0".into();
        let unsaved = (old, Renewed { record: new, with });
        lock(&component.unsaved).insert("k".into(), unsaved);
        component.save_again("k").unwrap();
        assert!(component.read("k").unwrap().1.grant == "R1" && !component.is_unsaved("k"));
    }
}
