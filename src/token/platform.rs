//! Tokens from WeChat, for a third-party platform: its ticket gets it a token of its own, and that and an
//! account's refresh token get the account's.
//!
//! Both are kept in a store that machines may share, and renewed by one at a time: the one that holds
//! the record's lock. A new token is written only over the one it was renewed from, so nothing newer is
//! ever lost.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::cached::FetchedToken;
use super::lease::Lease;
use super::record::{self, Record};
use crate::config::limits::{Limits, MAX_APPID_BYTES, MAX_TOKEN_BYTES};
use crate::config::options::Options;
use crate::error::Error;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::status::Status;
use crate::redact::Secret;
use crate::response::response::Response;
use crate::retry::Sender;
use crate::store::{self, LockOwner, Store, StoreError};
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::single_flight::{Flight, GRACE, SingleFlight};
use crate::transport::ConnectionPool;

/// The pauses between two looks at a lock that another holds grow from the first to the last of these: its
/// holder is to get on.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// The shortest time an access to the store gets, if the call has as much left.
const LEAST: Duration = Duration::from_millis(250);
/// "The refresh token is invalid."
const REFRESH_TOKEN_INVALID: i32 = 61023;
/// The most accounts `api_get_authorizer_list` returns at once.
const PAGE: u64 = 500;
/// The most accounts of a platform that are looked through, whatever WeChat says there are.
const MAX_ACCOUNTS: u64 = 200_000;
/// How long a token is valid if WeChat does not say so (s).
const USUAL_LIFETIME_S: u64 = 7200;
/// The time a write gets that must not be lost, even if the call's time is up: what WeChat has
/// answered is there only once.
const TIME_TO_SAVE: Duration = Duration::from_secs(2);
/// All that RFC 3986 does not leave as it is. What is encoded holds no ':'.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A platform. Clones are the same.
#[derive(Clone)]
pub(crate) struct Platform(Arc<Shared>);

pub(crate) struct Shared {
    appid: String,
    appsecret: String,
    pool: Arc<ConnectionPool>,
    limits: Limits,
    store: Arc<dyn Store>,
    /// What the store did not take: what was renewed, and what became of it.
    unsaved: Mutex<HashMap<String, (Record, Renewed)>>,
    accounts: Mutex<Accounts>,
    /// The pages of the list of accounts that are being read, by offset.
    pages: Arc<SingleFlight<u64, Result<Arc<Page>, Error>>>,
}

/// What renewing one of the two kinds of records takes.
struct Renewal<'a> {
    key: String,
    refused: Option<&'a str>,
    /// What the next token is made of, from the record as it is.
    renew: &'a dyn Fn(&Stored) -> Result<Renewed, Error>,
}

/// What became of a record. Its access token is empty if WeChat gave a refresh token alone.
#[derive(Clone)]
struct Renewed {
    record: Record,
    /// The grant it was got with, which may have been looked up.
    with: String,
}

/// What the store has at a key.
struct Stored {
    text: Option<Vec<u8>>,
    /// An empty one if there is none that can be read.
    record: Record,
}

impl Stored {
    /// Whether something is there that is no record.
    fn is_unreadable(&self) -> bool {
        self.text.is_some() && self.record.grant.is_empty() && self.record.access_token.is_empty()
    }
}

/// A page of `api_get_authorizer_list`.
struct Page {
    /// How many accounts there are, as far as WeChat says.
    total: Option<u64>,
    /// How many entries the page has.
    entries: u64,
    /// Accounts, and their refresh tokens if they have one.
    accounts: Vec<(String, Option<String>)>,
}

/// What the list of accounts has shown so far, for the accounts that will be asked for next: a walk
/// for each of thousands would be as many times thousands of pages.
struct Accounts {
    /// Refresh tokens that were not asked for yet.
    tokens: HashMap<String, String>,
    /// Up to where the list has been read; `None` if to its end.
    walked: Option<u64>,
    /// Hashes of the accounts this walk has seen: a page without a new one ends it.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Accounts {
    fn new() -> Accounts {
        Accounts {
            tokens: HashMap::new(),
            walked: Some(0),
            seen: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Starts the next walk at the beginning.
    fn restart(&mut self) {
        self.walked = Some(0);
        self.seen.clear();
    }

    /// Adds a page that begins at `offset`, unless another call has done so meanwhile.
    fn add(&mut self, offset: u64, page: &Page) {
        if self.walked != Some(offset) {
            return;
        }
        let mut is_new = false;
        for (appid, token) in &page.accounts {
            is_new |= self.seen.insert(self.hasher.hash_one(appid));
            if let Some(token) = token {
                self.tokens.insert(appid.clone(), token.clone());
            }
        }
        let next = offset + PAGE;
        // A full page may be followed by another, whatever the total says.
        let is_last = page.entries < PAGE && page.total.is_none_or(|total| next >= total);
        let goes_on = is_new && !is_last && next < MAX_ACCOUNTS;
        self.walked = goes_on.then_some(next);
    }
}

/// Half of the time left, unless that is too short for anything. A store that is unavailable is retried
/// for at most that long; the other half is kept for the calls to WeChat.
fn half_the_time_left(limit: Instant) -> Instant {
    let now = Instant::now();
    let left = limit.saturating_duration_since(now);
    now + (left / 2).max(LEAST).min(left)
}

/// The limit of one access to the store, which may have to wait for other processes: what they write
/// meanwhile may be what is wanted. It leaves time to report why the access failed.
fn most_of(limit: Instant) -> Instant {
    let now = Instant::now();
    now + limit.saturating_duration_since(now) / 8 * 7
}

/// The limit of a write that must not be lost.
fn time_to_save(limit: Instant) -> Instant {
    limit.max(Instant::now() + TIME_TO_SAVE)
}

impl Deref for Platform {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Platform {
    /// Nothing is opened or connected before the first call.
    pub fn new(options: &Options, pool: Arc<ConnectionPool>) -> Result<Platform, String> {
        let (Some(appid), Some(appsecret)) =
            (&options.component_appid, &options.component_appsecret)
        else {
            return Err("component_appid and component_appsecret belong together; set both".into());
        };
        Ok(Platform(Arc::new(Shared {
            appid: appid.clone(),
            appsecret: appsecret.clone(),
            pool,
            limits: options.limits(),
            store: store::open(&options.store)?,
            unsaved: Mutex::default(),
            accounts: Mutex::new(Accounts::new()),
            pages: SingleFlight::new("wxlink-accounts"),
        })))
    }

    /// Keeps the ticket WeChat pushed.
    ///
    /// # Errors
    /// [`Status::NoToken`]: the store cannot be used; [`Status::TimeoutUnsent`], [`Status::Cancelled`].
    /// After the last two it may still be kept.
    pub fn set_ticket(
        &self,
        ticket: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        self.put(self.own_key(), ticket, limit, cancel)
    }

    /// Keeps an account's refresh token. Its access token, if it has one, stays.
    ///
    /// # Errors
    /// As [`set_ticket`](Platform::set_ticket).
    pub fn add_account(
        &self,
        account: &str,
        refresh_token: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        self.put(self.key_of(account), refresh_token, limit, cancel)
    }

    /// Puts on a thread of its own, since accesses to the store can neither be cancelled nor always be
    /// ended at the limit.
    fn put(
        &self,
        key: String,
        grant: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        // The thread's own error says more, so it has a moment to report it.
        let waited = limit + GRACE;
        let (own, grant) = (self.clone(), grant.to_owned());
        let panicked = Err(self.error(Status::Internal, "the token store failed"));
        let work = move || own.put_until(&key, &grant, limit);
        let put = Flight::start("wxlink-store", work, panicked)
            .map_err(|e| self.error(Status::Internal, format!("no thread for the store: {e}")))?;
        match put.wait(waited, cancel) {
            Ok(done) => done.clone(),
            Err(WaitError::Cancelled) => Err(self.error(Status::Cancelled, "")),
            Err(WaitError::TimedOut) => {
                let store = self.store.name();
                let why = format!("{store} does not answer in time, or is in use by others");
                Err(self.error(Status::TimeoutUnsent, why))
            }
            Err(WaitError::Failed(e)) => Err(self.error(Status::Internal, e.to_string())),
        }
    }

    /// The account's token, as stored or renewed.
    pub fn fetch(
        &self,
        account: &str,
        refused: Option<&str>,
        limit: Instant,
    ) -> Result<FetchedToken, Error> {
        let renewal = Renewal {
            key: self.key_of(account),
            refused,
            renew: &|record| self.refresh(account, record, limit),
        };
        let mut fetched = self.current_or_renew(&renewal, limit)?.fetched();
        // The next call is to offer it to the store again.
        if self.is_unsaved(&renewal.key) {
            fetched.refresh_after = Duration::ZERO;
        }
        Ok(fetched)
    }

    /// The record as stored if its token serves, else with a new one.
    fn current_or_renew(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let key = &renewal.key;
        let ours = LockOwner::new();
        let mut look = LOOKS.0;
        let until = most_of(limit);
        self.retry_while_unavailable(half_the_time_left(limit), || self.save_again(key, until))?;
        loop {
            let (patience, until) = (half_the_time_left(limit), most_of(limit));
            // Another process may have renewed it while we waited.
            let record = self
                .retry_while_unavailable(patience, || self.read(key, until))?
                .record;
            if !record.is_due(renewal.refused) {
                return Ok(record);
            }
            let lease = self.retry_while_unavailable(patience, || {
                Lease::take(&self.store, key, &ours, limit, until)
            })?;
            if let Some(lease) = lease {
                let renewed = self.renew(renewal, limit);
                match self.is_unsaved(key) {
                    // Others would renew it once more, with a refresh token that may be dead.
                    true => drop(lease),
                    false => lease.give_back(),
                }
                return renewed;
            }
            // Another is at it.
            if !record.left(renewal.refused).is_zero() {
                return Ok(record);
            }
            if Instant::now() >= limit {
                return Err(self
                    .no_token("another process is refreshing it and has not finished")
                    .transient());
            }
            pause(&mut look, limit);
        }
    }

    fn retry_while_unavailable<T>(
        &self,
        until: Instant,
        ask: impl Fn() -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        retry_until(until, ask).map_err(|e| self.not_stored(e))
    }

    /// Renews under the lock.
    fn renew(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let until = most_of(limit);
        let stored = self.retry_while_unavailable(half_the_time_left(limit), || {
            self.read(&renewal.key, until)
        })?;
        // The one that had the lock before us may have done it.
        if !stored.record.is_due(renewal.refused) {
            return Ok(stored.record);
        }
        let renewed = (renewal.renew)(&stored)?;
        let Stored { text, record } = stored;
        let until = time_to_save(limit);
        let saved = self.save(&renewal.key, text, &record, renewed.clone(), until);
        // Kept here until the store takes it: the old refresh token may be dead already.
        let kept = saved.unwrap_or_else(|_| {
            let unsaved = (record, renewed.clone());
            lock(&self.unsaved).insert(renewal.key.clone(), unsaved);
            renewed.record
        });
        match kept.access_token.is_empty() {
            true => Err(self.no_token("WeChat answered a refresh token without an access token")),
            false => Ok(kept),
        }
    }

    /// Writes what was renewed over what it was renewed from, and answers what is to be used: another's, if that
    /// is newer.
    fn save(
        &self,
        key: &str,
        mut was: Option<Vec<u8>>,
        old: &Record,
        Renewed { mut record, with }: Renewed,
        until: Instant,
    ) -> Result<Record, StoreError> {
        while !self
            .store
            .swap(key, was.as_deref(), &record.text(), until)?
        {
            let Stored {
                text,
                record: there,
            } = self.read(key, until)?;
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
    fn save_again(&self, key: &str, until: Instant) -> Result<(), StoreError> {
        let unsaved = lock(&self.unsaved).get(key).cloned();
        if let Some((old, new)) = unsaved {
            self.save(key, Some(old.text().into_bytes()), &old, new, until)?;
            lock(&self.unsaved).remove(key);
        }
        Ok(())
    }

    fn is_unsaved(&self, key: &str) -> bool {
        lock(&self.unsaved).contains_key(key)
    }

    /// A new token for an account.
    fn refresh(&self, account: &str, stored: &Stored, limit: Instant) -> Result<Renewed, Error> {
        let mut grant = stored.record.grant.clone();
        let mut recovered = false;
        if grant.is_empty() {
            grant =
                self.recover(account, &grant, limit)
                    .map_err(|e| match stored.is_unreadable() {
                        true => {
                            self.unreadable(&self.key_of(account), "the account's refresh token")
                        }
                        false => e,
                    })?;
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
        let answer = self.call(Endpoint::AuthorizerToken, &body, &secrets, limit)?;
        self.given(&answer, grant)
    }

    /// The refresh token WeChat has for the account, if it is another than the one that is of no use.
    /// The list is read page by page, and not from its beginning if that was read before.
    fn recover(&self, account: &str, useless: &str, limit: Instant) -> Result<String, Error> {
        let mut restarted = false;
        loop {
            let offset = {
                let mut accounts = lock(&self.accounts);
                match accounts.tokens.remove(account) {
                    Some(token) if token != useless => return Ok(token),
                    // What it shows of this account is old.
                    Some(_) if !restarted => accounts.restart(),
                    Some(_) => break,
                    None if accounts.walked.is_none() && restarted => break,
                    None if accounts.walked.is_none() => accounts.restart(),
                    None => {}
                }
                accounts.walked.unwrap_or(0)
            };
            restarted |= offset == 0;
            let page = self.shared_page(offset, limit)?;
            lock(&self.accounts).add(offset, &page);
        }
        Err(self.no_token(format!(
            "no usable refresh token for {account}; let the account authorise the platform (again), \
             and put the refresh token it gives"
        )))
    }

    /// A page, read once for all calls that want it. No lock is held meanwhile.
    fn shared_page(&self, offset: u64, limit: Instant) -> Result<Arc<Page>, Error> {
        let failed = |why: String| self.no_token(why).transient();
        let own = self.clone();
        let read = move || own.page(offset, limit).map(Arc::new);
        let panicked = Err(self.error(Status::Internal, "reading the list of accounts failed"));
        let page = self
            .pages
            .join(&offset, read, panicked)
            .map_err(|e| failed(format!("no thread to read the list of accounts: {e}")))?;
        let never = CancelToken::new().map_err(|e| failed(e.to_string()))?;
        match page.wait(limit, &never) {
            Ok(page) => page.clone(),
            Err(_) => Err(failed("the list of accounts was not read in time".into())),
        }
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
        let answer = self.call(Endpoint::AuthorizerList, &body, &[], limit)?;
        Page::read(answer.json())
            .ok_or_else(|| self.no_token("api_get_authorizer_list answered no list"))
    }

    /// Calls with the platform's token, and once more with another if that is refused.
    fn call(
        &self,
        endpoint: Endpoint,
        body: &impl Serialize,
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Response, Error> {
        let token = self.own_token(None, limit)?;
        match self.post(endpoint, &token, body, secrets, limit) {
            Err(e) if e.class() == Some(Class::Token) => {
                let other = self.own_token(Some(&token), limit)?;
                let mut known = vec![(endpoint.token_name(), token.as_str())];
                known.extend(secrets);
                self.post(endpoint, &other, body, &known, limit)
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
        let renew = |stored: &Stored| {
            let record = &stored.record;
            if stored.is_unreadable() {
                return Err(self.unreadable(&self.own_key(), "the component_verify_ticket"));
            }
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
                &self.post(Endpoint::ComponentToken, "", &body, &secrets, limit)?,
                &record.grant,
            )
        };
        let renewal = Renewal {
            key: self.own_key(),
            refused,
            renew: &renew,
        };
        self.current_or_renew(&renewal, limit)
            .map(|record| record.access_token)
    }

    fn post(
        &self,
        endpoint: Endpoint,
        token: &str,
        body: &impl Serialize,
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Response, Error> {
        let never = CancelToken::new().map_err(|e| self.no_token(e.to_string()).transient())?;
        let sender = Sender {
            pool: &self.pool,
            cancel: &Arc::new(never),
            limits: self.limits,
            secrets,
        };
        sender
            .send(endpoint, token, body, limit, Vec::new())
            .map_err(Error::without_token)
    }

    /// The record an answer makes of one. A refresh token is kept whatever else is missing: it may be
    /// the only one left.
    fn given(&self, answer: &Response, grant: &str) -> Result<Renewed, Error> {
        let given = answer.json();
        let text = |name| {
            let text = given.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty() && text.len() <= MAX_TOKEN_BYTES)
        };
        let access_token = text("component_access_token")
            .or_else(|| text("authorizer_access_token"))
            .or_else(|| text("access_token"));
        let refresh_token = text("authorizer_refresh_token");
        if access_token.is_none() && refresh_token.is_none() {
            let name = answer.endpoint().name();
            return Err(self.no_token(format!("{name} answered no token")));
        }
        let expires_in = given.get("expires_in").and_then(record::whole_number);
        let record = Record {
            grant: refresh_token.unwrap_or(grant).to_owned(),
            access_token: access_token.unwrap_or_default().to_owned(),
            since: record::now(),
            expires_in: expires_in.unwrap_or(USUAL_LIFETIME_S),
        };
        let with = grant.to_owned();
        Ok(Renewed {
            record: record.clamped(),
            with,
        })
    }

    fn put_until(&self, key: &str, grant: &str, limit: Instant) -> Result<(), Error> {
        let put = || {
            loop {
                let Stored { text, mut record } = self.read(key, limit)?;
                if record.grant == grant {
                    return Ok(());
                }
                record.grant = grant.to_owned();
                if self
                    .store
                    .swap(key, text.as_deref(), &record.text(), limit)?
                {
                    return Ok(());
                }
            }
        };
        retry_until(limit, put).map_err(|e| match e.is_late {
            true => self.error(Status::TimeoutUnsent, e.why),
            false => self.not_stored(e),
        })
    }

    fn read(&self, key: &str, until: Instant) -> Result<Stored, StoreError> {
        let text = self.store.read(key, until)?;
        let record = text.as_deref().and_then(Record::read).unwrap_or_default();
        Ok(Stored { text, record })
    }

    /// The key of the platform's own record. Whatever the ids are, no two keys are the same.
    fn own_key(&self) -> String {
        format!("wxlink:platform:{}", encoded(&self.appid))
    }

    fn key_of(&self, account: &str) -> String {
        format!(
            "wxlink:account:{}:{}",
            encoded(&self.appid),
            encoded(account)
        )
    }

    fn not_stored(&self, error: StoreError) -> Error {
        let told = self.no_token(error.why);
        match error.transient {
            true => told.transient(),
            false => told,
        }
    }

    fn unreadable(&self, key: &str, what: &str) -> Error {
        self.no_token(format!(
            "the record {key} in the token store cannot be read; put {what} again"
        ))
    }

    fn no_token(&self, why: impl Into<String>) -> Error {
        self.error(Status::NoToken, why)
    }

    fn error(&self, status: Status, why: impl Into<String>) -> Error {
        Error::before_send(status, why, self.limits.lang)
    }
}

impl Page {
    /// `None` if that is no list. Entries that cannot be read are skipped.
    fn read(answer: &Value) -> Option<Page> {
        let list = answer.get("list")?.as_array()?;
        let accounts = list.iter().filter_map(|entry| {
            let text = |name, max| {
                let text = entry.get(name).and_then(Value::as_str);
                text.filter(|text: &&str| !text.is_empty() && text.len() <= max)
            };
            let appid = text("authorizer_appid", MAX_APPID_BYTES)?;
            let token = text("refresh_token", MAX_TOKEN_BYTES);
            Some((appid.to_owned(), token.map(str::to_owned)))
        });
        Some(Page {
            total: answer.get("total_count").and_then(record::whole_number),
            entries: list.len() as u64,
            accounts: accounts.collect(),
        })
    }
}

/// What the store answers. While it is away it is asked again: it may be on its way back.
fn retry_until<T>(
    until: Instant,
    ask: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut look = LOOKS.0;
    // What an attempt found that had time enough; the last one may not have had.
    let mut found: Option<StoreError> = None;
    loop {
        let error = match ask() {
            Err(e) if e.transient => e,
            done => return done,
        };
        if !error.is_late || found.is_none() {
            found = Some(error.clone());
        }
        if Instant::now() < until {
            pause(&mut look, until);
        }
        if Instant::now() >= until {
            return Err(found.unwrap_or(error));
        }
    }
}

/// Waits before the next look, each time longer.
fn pause(look: &mut Duration, until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    thread::sleep(left.min(*look));
    *look = (*look * 2).min(LOOKS.1);
}

/// An id as a part of a key.
fn encoded(id: &str) -> String {
    utf8_percent_encode(id, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component() -> Platform {
        let mut options = Options::new();
        options.set("component_appid", "wx1").unwrap();
        options.set("component_appsecret", "S").unwrap();
        Platform::new(&options, Arc::new(ConnectionPool::new(&options).unwrap())).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn record((grant, token): (&str, &str)) -> Record {
        Record {
            grant: grant.into(),
            access_token: token.into(),
            ..Record::default()
        }
        .clamped()
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
            assert!(component.store.swap("k", None, &text, soon()).unwrap());
            let renewed = Renewed {
                record: record(new),
                with: with.into(),
            };
            let used = component.save("k", Some(old.text().into_bytes()), &old, renewed, soon());
            let kept = component.read("k", soon()).unwrap().record;
            let shown = format!("{there:?} {new:?}");
            assert_eq!(used.unwrap().text(), record(then).text(), "{shown}");
            assert_eq!(kept.text(), record(then).text(), "{shown}");
        }
    }

    #[test]
    fn a_store_that_is_away_is_waited_for() {
        let component = component();
        let away = |transient| StoreError {
            why: "away".into(),
            transient,
            is_late: false,
        };
        let asked = std::cell::Cell::new(0);
        let ask = |transient, times| {
            let nth = asked.replace(asked.get() + 1);
            if nth < times {
                Err(away(transient))
            } else {
                Ok(nth)
            }
        };
        let soon = soon();
        assert_eq!(
            component
                .retry_while_unavailable(soon, || ask(true, 3))
                .ok(),
            Some(3)
        );
        asked.set(0);
        assert!(
            component
                .retry_while_unavailable(soon, || ask(false, 3))
                .is_err()
        );
        asked.set(0);
        let past = Instant::now();
        let error = component
            .retry_while_unavailable(past, || ask(true, 3))
            .err()
            .unwrap();
        assert!(error.message().contains("away"), "{error}");
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let component = component();
        let (old, new) = (record(("R0", "T0")), record(("R1", "T1")));
        let with = "R0".into();
        let unsaved = (old, Renewed { record: new, with });
        lock(&component.unsaved).insert("k".into(), unsaved);
        component.save_again("k", soon()).unwrap();
        assert!(
            component.read("k", soon()).unwrap().record.grant == "R1" && !component.is_unsaved("k")
        );
    }

    fn page(appids: impl Iterator<Item = u64>, total: Option<u64>) -> Page {
        let accounts: Vec<_> = appids.map(|n| (n.to_string(), None)).collect();
        Page {
            total,
            entries: accounts.len() as u64,
            accounts,
        }
    }

    #[test]
    fn a_walk_through_the_accounts_ends() {
        // Endless, and always something new.
        let mut accounts = Accounts::new();
        let mut pages = 0;
        while let Some(offset) = accounts.walked {
            accounts.add(offset, &page(offset..offset + PAGE, Some(u64::MAX)));
            pages += 1;
        }
        assert_eq!(pages, MAX_ACCOUNTS / PAGE);
        // Each time again from the beginning.
        accounts.restart();
        accounts.add(0, &page(0..PAGE, None));
        assert_eq!(accounts.walked, Some(PAGE));
        // Another call has added it meanwhile.
        accounts.add(0, &page(0..PAGE, None));
        assert_eq!(accounts.walked, Some(PAGE));
        // Short pages, with more to come, and not.
        accounts.add(PAGE, &page(PAGE..PAGE + 3, Some(PAGE * 3)));
        assert_eq!(accounts.walked, Some(PAGE * 2));
        accounts.add(PAGE * 2, &page(PAGE * 2..PAGE * 2 + 3, Some(PAGE * 3)));
        assert_eq!(accounts.walked, None);
        for (again, total) in [
            (0..PAGE, Some(u64::MAX)),
            (0..0, Some(u64::MAX)),
            (0..3, None),
        ] {
            accounts.restart();
            accounts.add(0, &page(0..PAGE, Some(1)));
            accounts.add(PAGE, &page(again, total));
            assert_eq!(accounts.walked, None);
        }
    }

    #[test]
    fn a_holder_prolongs_its_lock_and_a_dead_ones_ends() {
        let store = component().store.clone();
        let short = Instant::now() + Duration::from_secs(4);
        let ours = LockOwner::new();
        let take =
            |owner: &LockOwner, limit| Lease::take(&store, "k", owner, limit, soon()).unwrap();
        let lease = take(&ours, short);
        assert!(lease.is_some());
        // It was taken for two seconds.
        let later = Instant::now() + Duration::from_secs(3);
        while Instant::now() < later {
            assert!(take(&LockOwner::new(), soon()).is_none());
            thread::sleep(Duration::from_millis(10));
        }
        // Left as by a process that ends.
        drop(lease);
        let limit = soon();
        while take(&LockOwner::new(), soon()).is_none() {
            assert!(Instant::now() < limit, "the lock does not end");
        }
    }
}
