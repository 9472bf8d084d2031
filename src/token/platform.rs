//! Tokens from WeChat for a third-party platform. With the ticket that WeChat pushes, the platform
//! gets a token of its own; with that and an account's refresh token it gets the account's token.
//!
//! Both kinds of tokens are kept in a store that machines may share. Only the holder of a record's
//! lock renews it. A new token is written only over the one it was renewed from, so that nothing
//! newer is lost.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::authorizer_list::{AuthorizerListCache, ListedAccount, Lookup, PAGE_SIZE, Page};
use super::cached::FetchedToken;
use super::exchanged::{Exchanged, Origin};
use super::lease::Leases;
use super::new_tokens::NewTokens;
use super::record::{self, Record};
use crate::config::call_settings::CallSettings;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::failure::Failure;
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::push::PushKeys;
use crate::redact::Secret;
use crate::response::response::Response;
use crate::retry::{RequestBody, Sender, count_call};
use crate::store::key::encoded;
use crate::store::retry::{MAX_PAUSE, MIN_PAUSE, pause, retry_until};
use crate::store::{LockOwner, Store, StoreError, realm};
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::single_flight::{GRACE, SingleFlight};
use crate::transport::ConnectionPool;

/// While it waits for a lock, a process uses the store for at most one part in this many of the
/// time, as far as [`MAX_PAUSE`] allows.
const ACCESS_SHARE: u32 = 10;
/// The minimum time for an access to the store, if the call has that much left.
const MIN_STORE_ACCESS: Duration = Duration::from_millis(250);
/// WeChat's errcode for an invalid refresh token.
const REFRESH_TOKEN_INVALID: i32 = 61023;
/// The lifetime of a token if WeChat does not state it (s).
const DEFAULT_LIFETIME_S: u64 = 7200;
/// The minimum time for a write that must not be lost, even if the call's limit has passed: WeChat
/// sends a new refresh token only once.
const MIN_SAVE_TIME: Duration = Duration::from_secs(2);
/// The grants of the two kinds of records, for messages.
const TICKET: Text = Text {
    en: "the component_verify_ticket",
    zh: " component_verify_ticket",
};
const REFRESH_TOKEN: Text = Text {
    en: "the account's refresh token",
    zh: "该账号的 refresh_token",
};
/// A third-party platform. Clones share its state.
#[derive(Clone)]
pub(crate) struct Platform(Arc<Shared>);

pub(crate) struct Shared {
    pub(super) realm: String,
    pub(super) appid: String,
    pub(super) appsecret: String,
    pub(super) pool: Arc<ConnectionPool>,
    pub(super) settings: CallSettings,
    pub(super) store: Arc<dyn Store>,
    pub(super) leases: Leases,
    /// Renewed records that could not be written to the store, by key.
    pub(super) unsaved: Mutex<HashMap<String, Unsaved>>,
    pub(super) authorizers: Mutex<AuthorizerListCache>,
    /// The pages of the list of accounts that are being read, by offset.
    pages: Arc<SingleFlight<u64, Result<Arc<Page>, Error>>>,
    pub(super) push_keys: PushKeys,
    /// The operations of callers that run on threads of their own, by number.
    operations: Arc<SingleFlight<u64, ()>>,
    next_operation: AtomicU64,
}

/// How to renew a record: the platform's or an account's.
struct Renewal<'a> {
    key: String,
    /// The account; `None` for the platform's own record.
    account: Option<&'a str>,
    refused: Option<&'a str>,
    /// Gets a new token for the stored record.
    renew: &'a dyn Fn(&Stored) -> Result<Renewed, Error>,
}

/// A renewed record. Its access token is empty if WeChat sent only a refresh token.
#[derive(Clone)]
pub(super) struct Renewed {
    record: Record,
    /// The grant that was used to get it. It may have been looked up.
    used_grant: String,
}

/// New tokens that the store does not have yet.
#[derive(Clone)]
pub(super) enum Unsaved {
    /// Tokens that were renewed from an older record.
    Renewed { old: Record, renewed: Renewed },
    /// Tokens that a code was exchanged for.
    Exchanged(Exchanged),
}

/// What an operation waits for.
#[derive(Clone, Copy)]
pub(super) enum Uses {
    /// The store. The status is that of an operation that is late.
    Store {
        if_late: Status,
    },
    WeChat(Endpoint),
}

/// The content of the store at a key.
struct Stored {
    text: Option<Vec<u8>>,
    /// An empty record if there is none that can be read.
    record: Record,
    /// Whether there is a text that is not a record.
    is_unreadable: bool,
}

/// Half of the time left, but at least [`MIN_STORE_ACCESS`]. An unavailable store is retried for at
/// most this long; the other half is kept for the calls to WeChat.
fn half_the_time_left(limit: Instant) -> Instant {
    let now = Instant::now();
    let left = limit.saturating_duration_since(now);
    now + (left / 2).max(MIN_STORE_ACCESS).min(left)
}

/// The limit of one access to the store, which may have to wait for other processes: they may be
/// writing the token that is needed. It leaves time to report why the access failed.
fn store_access_limit(limit: Instant) -> Instant {
    let now = Instant::now();
    now + limit.saturating_duration_since(now) / 8 * 7
}

/// The limit of a write that must not be lost.
pub(super) fn save_limit(limit: Instant) -> Instant {
    limit.max(Instant::now() + MIN_SAVE_TIME)
}

impl Deref for Platform {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Platform {
    /// Nothing is opened or connected before the first call.
    pub fn new(
        options: &Options,
        pool: Arc<ConnectionPool>,
        store: Arc<dyn Store>,
    ) -> Result<Platform, Message> {
        let (Some(appid), Some(appsecret)) =
            (&options.component_appid, &options.component_appsecret)
        else {
            return Err(Message::new(
                "component_appid and component_appsecret belong together; set both",
                "component_appid 和 component_appsecret 必须同时设置",
            ));
        };
        Ok(Platform(Arc::new(Shared {
            realm: realm(&options.hosts),
            appid: appid.clone(),
            appsecret: appsecret.clone(),
            pool,
            settings: options.call_settings(),
            leases: Leases::new(store.clone()),
            store,
            unsaved: Mutex::default(),
            authorizers: Mutex::new(AuthorizerListCache::new()),
            pages: SingleFlight::new("wxlink-accounts"),
            push_keys: PushKeys {
                appid: appid.clone(),
                tokens: options.push_tokens.clone(),
                aes_keys: options.push_aes_keys.clone(),
            },
            operations: SingleFlight::new("wxlink-platform"),
            next_operation: AtomicU64::new(0),
        })))
    }

    /// Stores the ticket that WeChat pushed.
    ///
    /// # Errors
    /// [`Status::Store`]: the store cannot be used; [`Status::TimeoutUnsent`],
    /// [`Status::Cancelled`]. After the last two it may still be stored.
    pub fn set_ticket(
        &self,
        ticket: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        self.store_grant(self.own_key(), ticket, limit, cancel)
    }

    /// Stores an account's refresh token. A stored access token of the account is kept.
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
        self.store_grant(self.key_of(account), refresh_token, limit, cancel)
    }

    /// Stores a grant on a thread of its own, because accesses to the store cannot be cancelled and
    /// do not always end at the limit.
    fn store_grant(
        &self,
        key: String,
        grant: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        let grant = grant.to_owned();
        let uses = Uses::Store {
            if_late: Status::TimeoutUnsent,
        };
        self.on_thread(uses, limit, cancel, move |platform| {
            platform.store_grant_until(&key, &grant, limit)
        })
    }

    /// Runs an operation on a thread of its own and waits for it. If the wait ends early, the
    /// operation continues.
    pub(super) fn on_thread<T: Send + 'static>(
        &self,
        uses: Uses,
        limit: Instant,
        cancel: &CancelToken,
        operation: impl FnOnce(&Platform) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let result = Arc::new(Mutex::new(None));
        let (own, place) = (self.clone(), result.clone());
        let work = move || {
            let done = operation(&own);
            *lock(&place) = Some(done);
        };
        let number = self.next_operation.fetch_add(1, Ordering::Relaxed);
        let running = self.operations.join(&number, work, ()).map_err(|e| {
            let why = Message::from(e).after("could not start a thread", "无法启动线程");
            self.error(Status::Internal, why)
        })?;
        // The operation's own error gives a reason, so it gets a moment to report it.
        let waited = running.wait(limit + GRACE, cancel);
        if let Some(done) = lock(&result).take() {
            return done;
        }
        Err(match waited {
            Ok(()) => self.error(
                Status::Internal,
                Text {
                    en: "the operation failed",
                    zh: "操作出错",
                },
            ),
            Err(WaitError::Failed(e)) => self.error(Status::Internal, e.to_string()),
            Err(WaitError::Cancelled) => match uses {
                Uses::Store { .. } => self.error(Status::Cancelled, ""),
                Uses::WeChat(endpoint) => self.left(endpoint, Status::Cancelled),
            },
            Err(WaitError::TimedOut) => match uses {
                Uses::Store { if_late } => {
                    self.error(if_late, StoreError::not_responding(&*self.store).why)
                }
                Uses::WeChat(endpoint) => self.left(endpoint, Status::Timeout),
            },
        })
    }

    /// Runs an operation on the store in the same way. Its failure is [`Status::Store`].
    pub(super) fn on_store<T: Send + 'static>(
        &self,
        limit: Instant,
        cancel: &CancelToken,
        operation: impl FnOnce(&Platform) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let uses = Uses::Store {
            if_late: Status::Store,
        };
        self.on_thread(uses, limit, cancel, |platform| {
            operation(platform).map_err(|e| platform.error(Status::Store, e.why))
        })
    }

    /// The error of a call that does not wait for WeChat any longer.
    fn left(&self, endpoint: Endpoint, status: Status) -> Error {
        let failure = Failure::new(status, "");
        let lang = self.settings.lang;
        Error::failed(endpoint, failure, Delivery::Unknown, Vec::new(), lang)
    }

    /// Waits until the running operations of callers are finished. Returns `false` if the deadline
    /// passes first.
    pub fn finish_operations(&self, deadline: Instant) -> bool {
        let never = CancelToken::new();
        never.is_ok_and(|never| self.operations.wait_for_all(deadline, &never).is_ok())
    }

    /// The account's token: the stored one, or a new one.
    pub fn fetch(
        &self,
        account: &str,
        refused: Option<&str>,
        limit: Instant,
    ) -> Result<FetchedToken, Error> {
        let renewal = Renewal {
            key: self.key_of(account),
            account: Some(account),
            refused,
            renew: &|record| self.refresh(account, record, limit),
        };
        let mut fetched = self.current_or_renew(&renewal, limit)?.fetched();
        // So that the next call tries to write it to the store again.
        if self.is_unsaved(&renewal.key) {
            fetched.refresh_after = Duration::ZERO;
        }
        Ok(fetched)
    }

    /// The stored record if its token can be used, else a renewed one.
    fn current_or_renew(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let key = &renewal.key;
        let ours = LockOwner::new();
        let mut next_pause = MIN_PAUSE;
        let until = store_access_limit(limit);
        self.retry_while_unavailable(half_the_time_left(limit), || self.save_again(key, until))?;
        loop {
            let (retry_limit, until) = (half_the_time_left(limit), store_access_limit(limit));
            let started = Instant::now();
            // Another process may have renewed it meanwhile.
            let record = self
                .retry_while_unavailable(retry_limit, || self.read(key, until))?
                .record;
            if !record.is_due(renewal.refused) {
                return Ok(record);
            }
            let lease = self.retry_while_unavailable(retry_limit, || {
                self.leases.take(key, &ours, limit, until)
            })?;
            if let Some(lease) = lease {
                let renewed = self.renew(renewal, limit);
                if self.is_unsaved(key) {
                    // Kept locked: others would renew it again, with a refresh token that may be
                    // invalid.
                    drop(lease);
                } else {
                    lease.release();
                }
                return renewed;
            }
            // Another process is renewing it.
            if !record.left(renewal.refused).is_zero() {
                return Ok(record);
            }
            if Instant::now() >= limit {
                let why = Text {
                    en: "another process is refreshing it and has not finished",
                    zh: "另一个进程正在刷新令牌，尚未完成",
                };
                return Err(self.no_token(why).transient());
            }
            // On a busy machine the store is slow, and the holder of the lock needs it too.
            next_pause = next_pause
                .max(started.elapsed() * ACCESS_SHARE)
                .min(MAX_PAUSE);
            pause(&mut next_pause, limit);
        }
    }

    pub(super) fn retry_while_unavailable<T>(
        &self,
        until: Instant,
        access: impl Fn() -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        retry_until(until, access).map_err(|e| self.not_stored(e))
    }

    /// Renews the record. Its lock is held.
    fn renew(&self, renewal: &Renewal<'_>, limit: Instant) -> Result<Record, Error> {
        let read = || {
            let until = store_access_limit(limit);
            self.retry_while_unavailable(half_the_time_left(limit), || {
                self.read(&renewal.key, until)
            })
        };
        let mut stored = read()?;
        let mut not_exchanged = None;
        if let Some(account) = renewal.account.filter(|_| !stored.record.code.is_empty()) {
            let code = stored.record.code.clone();
            let exchanged = self.exchange(&code, Origin::Event(account), limit);
            not_exchanged = exchanged.err().map(Error::into_no_token);
            stored = read()?;
        }
        // The previous holder of the lock may have renewed it.
        if !stored.record.is_token_due(renewal.refused) {
            return Ok(stored.record);
        }
        let renewed = (renewal.renew)(&stored).map_err(|e| not_exchanged.unwrap_or(e))?;
        let Stored { text, record, .. } = stored;
        let until = save_limit(limit);
        let saved = self.save(&renewal.key, text, &record, renewed.clone(), until);
        // Kept in memory until it is stored: the old refresh token may be invalid already.
        let kept = saved.unwrap_or_else(|_| {
            let unsaved = Unsaved::Renewed {
                old: record,
                renewed: renewed.clone(),
            };
            lock(&self.unsaved).insert(renewal.key.clone(), unsaved);
            renewed.record
        });
        if kept.is_withdrawn() {
            return Err(self.withdrawn());
        }
        if kept.access_token.is_empty() {
            Err(self.no_token(Text {
                en: "WeChat sent a refresh token without an access token",
                zh: "微信只返回了 refresh_token，没有返回 access_token",
            }))
        } else {
            Ok(kept)
        }
    }

    /// Compare-and-swaps the renewed record over the one it was renewed from, and returns the
    /// record to use: another process's, if theirs is newer.
    fn save(
        &self,
        key: &str,
        mut was: Option<Vec<u8>>,
        old: &Record,
        Renewed {
            mut record,
            used_grant,
        }: Renewed,
        until: Instant,
    ) -> Result<Record, StoreError> {
        record = record.with_events_of(old);
        while !self
            .store
            .swap(key, was.as_deref(), &record.text(), until)?
        {
            let Stored {
                text,
                record: current,
                ..
            } = self.read(key, until)?;
            if current.is_withdrawn() {
                return Ok(current);
            }
            // Ours was got with the stored grant, which was looked up before another process stored
            // it.
            let is_next = used_grant != old.grant && used_grant == current.grant;
            // There is no token if the store was emptied.
            if !is_next && !["", &old.access_token].contains(&current.access_token.as_str()) {
                return Ok(current);
            }
            // Another grant was stored meanwhile, which is newer.
            if !["", &old.grant, &used_grant].contains(&current.grant.as_str()) {
                record.grant.clone_from(&current.grant);
            }
            record = record.with_events_of(&current);
            was = text;
        }
        Ok(record)
    }

    /// Writes a record that could not be written before.
    fn save_again(&self, key: &str, until: Instant) -> Result<(), StoreError> {
        let unsaved = lock(&self.unsaved).get(key).cloned();
        match unsaved {
            None => return Ok(()),
            Some(Unsaved::Renewed { old, renewed }) => {
                self.save(key, Some(old.text().into_bytes()), &old, renewed, until)?;
            }
            Some(Unsaved::Exchanged(exchanged)) => self.save_exchanged(key, &exchanged, until)?,
        }
        lock(&self.unsaved).remove(key);
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
            grant = self.recover(account, &grant, limit).map_err(|e| {
                if stored.is_unreadable {
                    self.unreadable(&self.key_of(account), REFRESH_TOKEN)
                } else if stored.record.is_withdrawn() && !e.is_transient() {
                    self.withdrawn()
                } else {
                    e
                }
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
        let body = RequestBody::new(&Body {
            component_appid: &self.appid,
            authorizer_appid: account,
            authorizer_refresh_token: grant,
        });
        let secrets = [("refresh_token", grant)];
        let endpoint = Endpoint::AuthorizerToken;
        self.renewed_from(endpoint, self.call(endpoint, &body, &secrets, limit), grant)
    }

    /// Looks up the account's refresh token in WeChat's list of accounts; it must differ from
    /// `useless`. Pages that were read before are not read again.
    fn recover(&self, account: &str, useless: &str, limit: Instant) -> Result<String, Error> {
        let mut restarted = false;
        loop {
            let found = lock(&self.authorizers).look_up(account, useless, !restarted);
            let offset = match found {
                Lookup::Found(token) => return Ok(token),
                Lookup::ReadPage(offset) => offset,
                Lookup::NotFound => break,
            };
            restarted |= offset == 0;
            let page = self.shared_page(offset, limit)?;
            lock(&self.authorizers).add(offset, &page);
        }
        Err(self.no_token(message!(
            "no usable refresh token for {account}; have the account authorise the platform \
             (again), and add the account with its new refresh token",
            "没有 {account} 可用的 refresh_token；请让该账号（重新）授权第三方平台，\
             然后用新的 refresh_token 添加该账号"
        )))
    }

    /// The accounts that have authorised the platform, in WeChat's order.
    pub fn accounts(
        &self,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Vec<ListedAccount>, Error> {
        let uses = Uses::WeChat(Endpoint::AuthorizerList);
        self.on_thread(uses, limit, cancel, move |platform| {
            let (mut accounts, mut seen) = (Vec::new(), HashSet::new());
            let mut next = Some(0);
            while let Some(offset) = next {
                let page = platform.shared_page(offset, limit)?;
                let before = accounts.len();
                accounts.extend(page.accounts().filter(|a| seen.insert(a.appid.clone())));
                // A page without a new account ends the list.
                next = page.next_offset(offset).filter(|_| accounts.len() > before);
            }
            Ok(accounts)
        })
    }

    /// Reads a page, once for all calls that need it. No lock is held meanwhile.
    fn shared_page(&self, offset: u64, limit: Instant) -> Result<Arc<Page>, Error> {
        let failed = |why: Message| self.no_token(why).transient();
        let own = self.clone();
        let read = move || own.page(offset, limit).map(Arc::new);
        let why = Text {
            en: "reading the list of accounts failed",
            zh: "读取账号列表失败",
        };
        let panicked = Err(self.error(Status::Internal, why));
        let page = self.pages.join(&offset, read, panicked).map_err(|e| {
            failed(Message::from(e).after(
                "could not start a thread to read the list of accounts",
                "无法启动读取账号列表的线程",
            ))
        })?;
        let never = CancelToken::new().map_err(|e| failed(e.into()))?;
        match page.wait(limit, &never) {
            Ok(page) => page.clone(),
            Err(_) => Err(failed(Message::new(
                "the list of accounts was not read in time",
                "未能及时读完账号列表",
            ))),
        }
    }

    /// Reads a page of the accounts that have authorised the platform.
    fn page(&self, offset: u64, limit: Instant) -> Result<Page, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            offset: u64,
            count: u64,
        }
        let body = RequestBody::new(&Body {
            component_appid: &self.appid,
            offset,
            count: PAGE_SIZE,
        });
        let response = self.call(Endpoint::AuthorizerList, &body, &[], limit)?;
        Page::read(response.valid_json()).ok_or_else(|| {
            self.no_token(Text {
                en: "the response of api_get_authorizer_list has no list",
                zh: "api_get_authorizer_list 的返回中没有 list",
            })
        })
    }

    /// Calls with the platform's token, to get the token of an account.
    fn call(
        &self,
        endpoint: Endpoint,
        body: &RequestBody,
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Response, Error> {
        let response = self.call_directly(endpoint, body, secrets, limit);
        response.map_err(Error::into_no_token)
    }

    /// Calls with the platform's token, and once again with another token if WeChat refuses it. The
    /// error is that of the endpoint.
    pub(super) fn call_directly(
        &self,
        endpoint: Endpoint,
        body: &RequestBody,
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

    /// The platform's own access token.
    fn own_token(&self, refused: Option<&str>, limit: Instant) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            component_appid: &'a str,
            component_appsecret: &'a str,
            component_verify_ticket: &'a str,
        }
        let renew = |stored: &Stored| {
            let record = &stored.record;
            if stored.is_unreadable {
                return Err(self.unreadable(&self.own_key(), TICKET));
            }
            if record.grant.is_empty() {
                return Err(self.no_token(Text {
                    en: "missing component_verify_ticket; WeChat pushes one every 10 minutes: wait \
                         for it if the program that receives pushes is running, or store it",
                    zh: "还没有票据（component_verify_ticket）；微信每 10 分钟推送一次：\
                         如果接收推送的程序正在运行，请等待，否则请存入",
                }));
            }
            let body = RequestBody::new(&Body {
                component_appid: &self.appid,
                component_appsecret: &self.appsecret,
                component_verify_ticket: &record.grant,
            });
            let secrets = [
                ("component_appsecret", self.appsecret.as_str()),
                ("component_verify_ticket", &record.grant),
            ];
            let endpoint = Endpoint::ComponentToken;
            let response = self.post(endpoint, "", &body, &secrets, limit);
            let response = response.map_err(Error::into_no_token);
            self.renewed_from(endpoint, response, &record.grant)
        };
        let renewal = Renewal {
            key: self.own_key(),
            account: None,
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
        body: &RequestBody,
        secrets: &[Secret<'_>],
        limit: Instant,
    ) -> Result<Response, Error> {
        let never = CancelToken::new().map_err(|e| self.no_token(e.to_string()).transient())?;
        let sender = Sender {
            pool: &self.pool,
            cancel: &Arc::new(never),
            settings: self.settings,
            secrets,
        };
        let started = Instant::now();
        let result = sender.send(endpoint, token, body, limit, Vec::new());
        count_call(self.pool.stats(), endpoint, started, &result);
        result
    }

    /// Reads the new tokens, also of a response that could not be read otherwise. A refresh token
    /// is kept even if the access token is missing: it may be the only valid one.
    fn renewed_from(
        &self,
        endpoint: Endpoint,
        response: Result<Response, Error>,
        grant: &str,
    ) -> Result<Renewed, Error> {
        let (tokens, error) = match response {
            Ok(response) => (NewTokens::read(endpoint, response.body(), grant), None),
            Err(mut e) => (
                NewTokens::read(endpoint, &e.take_received(), grant),
                Some(e),
            ),
        };
        if tokens.access_token.is_none() && tokens.refresh_token.is_none() {
            return Err(error.unwrap_or_else(|| {
                let name = endpoint.name();
                self.no_token(message!(
                    "the response of {name} has no token",
                    "{name} 的返回中没有令牌"
                ))
            }));
        }
        let record = Record {
            grant: tokens.refresh_token.unwrap_or_else(|| grant.to_owned()),
            access_token: tokens.access_token.unwrap_or_default(),
            since: record::now(),
            expires_in: tokens.expires_in.unwrap_or(DEFAULT_LIFETIME_S),
            ..Record::default()
        };
        Ok(Renewed {
            record: record.clamped(),
            used_grant: grant.to_owned(),
        })
    }

    fn store_grant_until(&self, key: &str, grant: &str, limit: Instant) -> Result<(), Error> {
        let store = |record: &mut Record| grant.clone_into(&mut record.grant);
        self.update(key, limit, store).map_err(|e| {
            if e.is_late {
                self.error(Status::TimeoutUnsent, e.why)
            } else if e.transient {
                self.error(Status::Store, e.why).transient()
            } else {
                self.error(Status::Store, e.why)
            }
        })
    }

    /// Changes the record at the key, and returns what `change` returned. `change` runs again if
    /// another process has written meanwhile.
    pub(super) fn update<T>(
        &self,
        key: &str,
        limit: Instant,
        change: impl Fn(&mut Record) -> T,
    ) -> Result<T, StoreError> {
        retry_until(limit, || {
            loop {
                let Stored { text, record, .. } = self.read(key, limit)?;
                let mut changed = record.clone();
                let done = change(&mut changed);
                let new = changed.text();
                if record.text() == new || self.store.swap(key, text.as_deref(), &new, limit)? {
                    return Ok(done);
                }
            }
        })
    }

    fn read(&self, key: &str, until: Instant) -> Result<Stored, StoreError> {
        let text = self.store.read(key, until)?;
        let record = text.as_deref().and_then(Record::read);
        Ok(Stored {
            is_unreadable: text.is_some() && record.is_none(),
            record: record.unwrap_or_default(),
            text,
        })
    }

    /// The key of the platform's own record. Two records never share a key, whatever the ids are.
    pub(super) fn own_key(&self) -> String {
        let (realm, platform) = (encoded(&self.realm), encoded(&self.appid));
        format!("wxlink:platform:{realm}:{platform}")
    }

    pub(super) fn key_of(&self, account: &str) -> String {
        let (realm, platform) = (encoded(&self.realm), encoded(&self.appid));
        format!("wxlink:account:{realm}:{platform}:{}", encoded(account))
    }

    pub(super) fn not_stored(&self, error: StoreError) -> Error {
        let failed = self.no_token(error.why).of_store();
        if error.transient {
            failed.transient()
        } else {
            failed
        }
    }

    fn unreadable(&self, key: &str, grant: Text) -> Error {
        let (en, zh) = (grant.en, grant.zh);
        self.no_token(message!(
            "the record {key} in the store cannot be read; store {en} again",
            "存储中的记录 {key} 无法读取；请重新存入{zh}"
        ))
    }

    fn withdrawn(&self) -> Error {
        self.no_token(Text {
            en: "the account withdrew its authorisation; have it authorise the platform again",
            zh: "该账号已取消授权；请让其重新授权第三方平台",
        })
    }

    pub(super) fn no_token(&self, why: impl Into<Message>) -> Error {
        self.error(Status::NoToken, why)
    }

    pub(super) fn error(&self, status: Status, why: impl Into<Message>) -> Error {
        Error::before_send(status, why, self.settings.lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    fn platform() -> Platform {
        let mut options = Options::new();
        options.set("component_appid", "wx1").unwrap();
        options.set("component_appsecret", "S").unwrap();
        let store = store::open(&options.store).unwrap();
        Platform::new(
            &options,
            Arc::new(ConnectionPool::new(&options).unwrap()),
            store,
        )
        .unwrap()
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
            // The store was emptied, or has a grant that was stored since.
            (("", ""), ("R1", "T1"), "R0", ("R1", "T1")),
            (("PUT", ""), ("R1", "T1"), "R0", ("PUT", "T1")),
            // The account has authorised the platform again.
            (("PUT", "T0"), ("R1", "T1"), "R0", ("PUT", "T1")),
            // Another process renewed it too, with an older or a newer refresh token.
            (("R2", "T2"), ("R1", "T1"), "R0", ("R2", "T2")),
            (("R1", "T1"), ("R2", "T2"), "R1", ("R2", "T2")),
        ] {
            let platform = platform();
            let text = record(there).text();
            assert!(platform.store.swap("k", None, &text, soon()).unwrap());
            let renewed = Renewed {
                record: record(new),
                used_grant: with.into(),
            };
            let used = platform.save("k", Some(old.text().into_bytes()), &old, renewed, soon());
            let kept = platform.read("k", soon()).unwrap().record;
            let shown = format!("{there:?} {new:?}");
            assert_eq!(used.unwrap().text(), record(then).text(), "{shown}");
            assert_eq!(kept.text(), record(then).text(), "{shown}");
        }
    }

    #[test]
    fn an_unavailable_store_is_retried() {
        let platform = platform();
        let unavailable = |transient| StoreError {
            why: "away".into(),
            transient,
            is_late: false,
        };
        let asked = std::cell::Cell::new(0);
        let ask = |transient, times| {
            let nth = asked.replace(asked.get() + 1);
            if nth < times {
                Err(unavailable(transient))
            } else {
                Ok(nth)
            }
        };
        let soon = soon();
        assert_eq!(
            platform.retry_while_unavailable(soon, || ask(true, 3)).ok(),
            Some(3)
        );
        asked.set(0);
        assert!(
            platform
                .retry_while_unavailable(soon, || ask(false, 3))
                .is_err()
        );
        asked.set(0);
        let past = Instant::now();
        let error = platform
            .retry_while_unavailable(past, || ask(true, 3))
            .err()
            .unwrap();
        assert!(error.message().contains("away"), "{error}");
    }

    #[test]
    fn a_record_that_could_not_be_written_is_written_later() {
        let platform = platform();
        let (old, new) = (record(("R0", "T0")), record(("R1", "T1")));
        let renewed = Renewed {
            record: new,
            used_grant: "R0".into(),
        };
        let unsaved = Unsaved::Renewed { old, renewed };
        lock(&platform.unsaved).insert("k".into(), unsaved);
        platform.save_again("k", soon()).unwrap();
        assert!(
            platform.read("k", soon()).unwrap().record.grant == "R1" && !platform.is_unsaved("k")
        );
    }
}
