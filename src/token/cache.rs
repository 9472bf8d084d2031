//! Access tokens managed by the client: cached in memory and refreshed before they expire.
//!
//! Fetching a token may take several requests, and its result must not be lost with the call that
//! needed it. So a fetch runs on a thread of its own, one per account at a time, however many calls
//! wait for it. A call that is cancelled, or whose limit passes, stops waiting; the fetch
//! continues.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::cached::{CachedToken, FetchedToken, Token};
#[cfg(unix)]
use super::command::Command;
use super::lifetime;
use super::pacing::{MIN_INTERVAL, Pacing};
use super::platform::Platform;
use crate::config::call_settings::CallSettings;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::lang::Text;
use crate::model::message::Message;
use crate::model::status::Status;
use crate::stats::Stats;
use crate::store::Store;
use crate::sys::background::catch_panic;
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::single_flight::{Flight, GRACE, SingleFlight};
use crate::transport::ConnectionPool;

/// The most accounts that are cached (about 1 kB each). When there are more, half of them are
/// removed, and their tokens are fetched again when they are needed.
const MAX_ACCOUNTS: usize = 16_384;

/// Where tokens come from.
enum Source {
    Fixed(Arc<Token>),
    #[cfg(unix)]
    Command(Command),
    Platform(Box<Platform>),
    #[cfg(test)]
    Fake(tests::Fake),
}

#[cfg(unix)]
fn by_command(line: &str, options: &Options) -> Result<Source, Message> {
    Ok(Source::Command(Command::new(line.to_owned(), options.lang)))
}

#[cfg(not(unix))]
fn by_command(_: &str, _: &Options) -> Result<Source, Message> {
    Err(Message::new(
        "token_command is available on Unix only",
        "token_command 只能在 Unix 系统上使用",
    ))
}

/// The state of one account.
#[derive(Default)]
struct Account {
    cached: Option<CachedToken>,
    /// The token that WeChat refused last. It is not used again.
    refused: Option<Arc<Token>>,
    /// Why the last fetch failed; `None` if it succeeded.
    failure: Option<Error>,
    pacing: Pacing,
    /// How often the stored record of the account was replaced. The failure of a fetch that started
    /// before does not apply to the new record.
    replacements: u64,
}

impl Account {
    /// Resets the pause if WeChat has accepted the token in a call.
    fn note_acceptance(&mut self) {
        if self
            .cached
            .as_ref()
            .is_some_and(|cached| cached.token.was_accepted())
        {
            self.pacing.accepted();
        }
    }

    /// Stops using `token` because WeChat refused it, unless another one has already replaced it.
    fn refuse(&mut self, token: &Token) {
        let Some(cached) = self
            .cached
            .take_if(|cached| cached.token.text == token.text)
        else {
            return;
        };
        if cached.token.was_accepted() {
            self.pacing.accepted();
        } else {
            self.pacing.refused();
        }
        self.refused = Some(cached.token);
    }
}

/// The result of a fetch for the calls that wait for it. `None`: the account's state changed during
/// the fetch, so they have to check it again.
type Outcome = Option<Result<Arc<Token>, Error>>;

/// What a call that needs a token does next.
enum Step {
    Use(Arc<Token>),
    Join(Arc<Flight<Outcome>>),
    Pause(Instant),
}

/// The tokens of a client.
pub(crate) struct TokenCache {
    source: Source,
    settings: CallSettings,
    accounts: Mutex<HashMap<String, Account>>,
    /// Locked while `accounts` is locked, never the other way round.
    fetches: Arc<SingleFlight<String, Outcome>>,
    /// The minimum time between two fetches for one account.
    min_interval: Duration,
    stats: Arc<Stats>,
}

impl TokenCache {
    /// The tokens of the source that the options name; `None` if they name none.
    ///
    /// # Errors
    /// The options name several sources, or an incomplete one.
    pub fn new(
        options: &Options,
        pool: &Arc<ConnectionPool>,
        store: &Arc<dyn Store>,
    ) -> Result<Option<Arc<TokenCache>>, Message> {
        let named = [
            options.access_token.is_some(),
            options.token_command.is_some(),
            options.component_appid.is_some(),
        ];
        if named.iter().filter(|n| **n).count() > 1 {
            return Err(Message::new(
                "access_token, token_command and component_appid exclude each other; set one of \
                 them",
                "access_token、token_command 和 component_appid 互斥，请只设置其中一个",
            ));
        }
        let source = if let Some(token) = &options.access_token {
            Source::Fixed(Token::new(token))
        } else if let Some(command) = &options.token_command {
            by_command(command, options)?
        } else if options.component_appid.is_some() || options.component_appsecret.is_some() {
            Source::Platform(Box::new(Platform::new(
                options,
                pool.clone(),
                store.clone(),
            )?))
        } else {
            return Ok(None);
        };
        Ok(Some(TokenCache::with_source(
            source,
            options.call_settings(),
            MIN_INTERVAL,
            pool.stats().clone(),
        )))
    }

    fn with_source(
        source: Source,
        settings: CallSettings,
        min_interval: Duration,
        stats: Arc<Stats>,
    ) -> Arc<TokenCache> {
        Arc::new(TokenCache {
            source,
            settings,
            accounts: Mutex::default(),
            fetches: SingleFlight::new("wxlink-token"),
            min_interval,
            stats,
        })
    }

    /// Whether the source has the tokens of any account, and not one fixed token.
    pub fn serves_accounts(&self) -> bool {
        !matches!(self.source, Source::Fixed(_))
    }

    /// The third-party platform, if it is the source.
    pub fn platform(&self) -> Option<&Platform> {
        match &self.source {
            Source::Platform(platform) => Some(platform),
            _ => None,
        }
    }

    /// A token of the account: the cached one, or a new one.
    pub fn get(
        self: &Arc<TokenCache>,
        account: Option<&str>,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Arc<Token>, Error> {
        let account = match (&self.source, account) {
            (Source::Fixed(token), _) => return Ok(token.clone()),
            (_, Some(account)) => account,
            (_, None) => {
                let why = Text {
                    en: "neither an access_token nor an account is given; set the option account",
                    zh: "既没有 access_token 也没有指定账号，请设置选项 account",
                };
                return Err(self.error(Status::BadValue, why));
            }
        };
        self.get_or_refresh(account, limit, cancel)
    }

    /// A token other than the one that WeChat refused; `None` if there is no other.
    pub fn get_other(
        self: &Arc<TokenCache>,
        account: Option<&str>,
        refused: &Arc<Token>,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Option<Arc<Token>>, Error> {
        let Some(account) = account.filter(|_| self.serves_accounts()) else {
            return Ok(None);
        };
        self.refuse(Some(account), refused);
        let other = self.get_or_refresh(account, limit, cancel)?;
        Ok((other.text != refused.text).then_some(other))
    }

    /// Stops using a token that WeChat refused. If WeChat has never accepted it, the pause before
    /// the next fetch grows.
    pub fn refuse(&self, account: Option<&str>, refused: &Token) {
        let mut accounts = self.accounts();
        if let Some(account) = account.and_then(|name| accounts.get_mut(name)) {
            account.refuse(refused);
        }
    }

    /// Forgets failed fetches and refused tokens of `account`, or of all accounts, because the
    /// ticket or refresh token was replaced. The next call that needs a token fetches it without a
    /// pause.
    pub fn forget_failure(&self, account: Option<&str>) {
        let mut accounts = self.accounts();
        let forget = |account: &mut Account| {
            account.pacing = Pacing::default();
            account.failure = None;
            account.replacements += 1;
        };
        match account {
            Some(one) => accounts.get_mut(one).into_iter().for_each(forget),
            None => accounts.values_mut().for_each(forget),
        }
    }

    /// Fetches a token of the account again, although there may be a valid one: the account has
    /// authorised the platform again.
    pub fn fetch_again(
        self: &Arc<TokenCache>,
        account: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<(), Error> {
        self.forget(account);
        self.get_or_refresh(account, limit, cancel).map(drop)
    }

    /// Forgets the account's token, and that fetching one failed.
    pub fn forget(&self, account: &str) {
        self.forget_failure(Some(account));
        if let Some(account) = self.accounts().get_mut(account) {
            account.cached = None;
        }
    }

    /// Waits until the running fetches are finished, and what else stores tokens. Returns `false`
    /// if the deadline passes first.
    pub fn finish_fetches(&self, deadline: Instant) -> bool {
        let never = CancelToken::new();
        never.is_ok_and(|never| self.fetches.wait_for_all(deadline, &never).is_ok())
            && self
                .platform()
                .is_none_or(|platform| platform.finish_operations(deadline))
    }

    /// Returns the cached token, or fetches another one and waits for it.
    fn get_or_refresh(
        self: &Arc<TokenCache>,
        account: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Arc<Token>, Error> {
        loop {
            let waited = match self.next_step(account, limit)? {
                Step::Use(token) => return Ok(token),
                Step::Join(fetch) => match fetch.wait(limit + GRACE, cancel) {
                    // WeChat has refused it in another call meanwhile.
                    Ok(Some(Ok(token))) if self.is_refused(account, token) => Ok(()),
                    Ok(Some(outcome)) => return outcome.clone(),
                    Ok(None) => Ok(()),
                    Err(stop) => Err(stop),
                },
                Step::Pause(until) => cancel.pause(until),
            };
            waited.map_err(|stop| match stop {
                WaitError::TimedOut => {
                    let why = Text {
                        en: "waiting for an access token",
                        zh: "正在等待 access_token",
                    };
                    self.error(Status::TimeoutUnsent, why)
                }
                WaitError::Cancelled => self.error(Status::Cancelled, ""),
                WaitError::Failed(e) => {
                    let why = Message::from(io::Error::from(e));
                    let why = why.after(
                        "could not wait for an access token",
                        "无法等待 access_token",
                    );
                    self.error(Status::Internal, why)
                }
            })?;
        }
    }

    /// Decides what a call does next. Starts a fetch if one is due and allowed.
    ///
    /// A call waits for a pause of up to one interval if its limit allows. During a longer pause it
    /// fails with the error of the last fetch.
    fn next_step(self: &Arc<TokenCache>, name: &str, limit: Instant) -> Result<Step, Error> {
        let now = Instant::now();
        let mut accounts = self.accounts();
        if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(name) {
            self.make_room(&mut accounts, now);
        }
        let account = match accounts.get_mut(name) {
            Some(account) => account,
            None => accounts.entry(name.to_owned()).or_default(),
        };
        account.note_acceptance();
        let paused_until = account.pacing.paused_until(now, self.min_interval);
        if let Some(cached) = &account.cached {
            let usable =
                now < cached.stale_at || account.failure.is_some() && now < cached.expires_at;
            if usable {
                let token = cached.token.clone();
                if cached.refresh_at <= now && paused_until.is_none() {
                    // The token is used even if no thread can be started.
                    let _ = self.fetch_in_background(name, account);
                }
                return Ok(Step::Use(token));
            }
        }
        let Some(until) = paused_until.filter(|_| !self.fetches.is_running(&name.to_owned()))
        else {
            return self.fetch_in_background(name, account).map(Step::Join);
        };
        let left = until.saturating_duration_since(now);
        if left <= self.min_interval && until < limit {
            return Ok(Step::Pause(until));
        }
        let known = account.failure.clone();
        Err(known
            .unwrap_or_else(|| {
                let why = Text {
                    en: "WeChat refused the last token of the source",
                    zh: "微信拒绝了令牌来源最近提供的令牌",
                };
                self.error(Status::NoToken, why)
            })
            .with_next_try_in(left))
    }

    /// Whether WeChat has refused the token since it was fetched.
    fn is_refused(&self, account: &str, token: &Token) -> bool {
        let accounts = self.accounts();
        let refused = accounts.get(account).and_then(|a| a.refused.as_ref());
        refused.is_some_and(|refused| refused.text == token.text)
    }

    /// Joins the running fetch for the account, or starts one.
    fn fetch_in_background(
        self: &Arc<TokenCache>,
        name: &str,
        account: &Account,
    ) -> Result<Arc<Flight<Outcome>>, Error> {
        let (tokens, own_name) = (self.clone(), name.to_owned());
        let (refused, replacements) = (account.refused.clone(), account.replacements);
        let work = move || {
            let fetch = || tokens.fetch(&own_name, refused.as_deref().map(|t| &**t));
            let fetched = catch_panic(fetch).unwrap_or_else(|| Err(tokens.panicked()));
            tokens.record_fetch(&own_name, replacements, fetched)
        };
        let flight = self
            .fetches
            .join(&name.to_owned(), work, Some(Err(self.panicked())));
        flight.map_err(|e| {
            let why = Message::from(e).after(
                "could not start a thread to fetch a token",
                "无法启动获取令牌的线程",
            );
            self.error(Status::Internal, why)
        })
    }

    fn fetch(&self, account: &str, refused: Option<&str>) -> Result<FetchedToken, Error> {
        let limit = Instant::now() + self.settings.timeout;
        let fetched = match &self.source {
            Source::Fixed(_) => Err(self.error(Status::Internal, "a fixed token is never fetched")),
            #[cfg(unix)]
            Source::Command(command) => command.fetch(account, refused, limit),
            Source::Platform(platform) => platform.fetch(account, refused, limit),
            #[cfg(test)]
            Source::Fake(fake) => fake(account, refused),
        }?;
        if Some(fetched.token.as_str()) == refused {
            let why = Text {
                en: "the source has no token other than the one that WeChat refused",
                zh: "令牌来源除了被微信拒绝的令牌外没有其他令牌",
            };
            return Err(self.error(Status::NoToken, why));
        }
        Ok(fetched)
    }

    /// Records the result of a fetch. `replacements` is the account's count when the fetch started.
    fn record_fetch(
        &self,
        name: &str,
        replacements: u64,
        fetched: Result<FetchedToken, Error>,
    ) -> Outcome {
        let now = Instant::now();
        let mut accounts = self.accounts();
        let account = accounts.entry(name.to_owned()).or_default();
        account.note_acceptance();
        match fetched {
            Ok(fetched) => {
                self.stats.count_token();
                account.pacing.succeeded(now);
                account.failure = None;
                if account
                    .refused
                    .as_ref()
                    .is_some_and(|r| r.text[..] == *fetched.token)
                {
                    // WeChat refused it while it was fetched.
                    return None;
                }
                let same = account.cached.as_ref().map(|cached| cached.token.clone());
                let token = same
                    .filter(|cached| cached.text[..] == *fetched.token)
                    .unwrap_or_else(|| Token::new(&fetched.token));
                // However short its lifetime, it is used until the next one may be fetched.
                let good = fetched.stale_after.max(self.min_interval);
                account.cached = Some(CachedToken {
                    token: token.clone(),
                    refresh_at: lifetime::end(now, fetched.refresh_after),
                    stale_at: lifetime::end(now, good),
                    expires_at: lifetime::end(now, fetched.expires_after.max(good)),
                });
                Some(Ok(token))
            }
            Err(_) if account.replacements != replacements => None,
            Err(error) => {
                account.pacing.failed(now);
                account.failure = Some(error.clone());
                let alive = account
                    .cached
                    .as_ref()
                    .filter(|cached| now < cached.expires_at);
                Some(alive.map_or(Err(error), |cached| Ok(cached.token.clone())))
            }
        }
    }

    /// Removes accounts until at most half of the maximum are left, those without a valid token
    /// first.
    fn make_room(&self, accounts: &mut HashMap<String, Account>, now: Instant) {
        let is_busy = |name: &String, account: &Account| {
            account
                .pacing
                .paused_until(now, self.min_interval)
                .is_some()
                || self.fetches.is_running(name)
        };
        accounts.retain(|name, account| {
            account
                .cached
                .as_ref()
                .is_some_and(|cached| now < cached.stale_at)
                || is_busy(name, account)
        });
        let mut surplus = accounts.len().saturating_sub(MAX_ACCOUNTS / 2);
        accounts.retain(|name, account| {
            let goes = surplus > 0 && !is_busy(name, account);
            surplus -= usize::from(goes);
            !goes
        });
        // The rest are accounts with failed fetches, whose pauses are lost.
        let mut surplus = accounts.len().saturating_sub(MAX_ACCOUNTS / 2);
        accounts.retain(|_, _| {
            let goes = surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn panicked(&self) -> Error {
        let why = Text {
            en: "fetching the token panicked",
            zh: "获取令牌时发生 panic",
        };
        self.error(Status::Internal, why)
    }

    fn error(&self, status: Status, why: impl Into<Message>) -> Error {
        Error::before_send(status, why, self.settings.lang)
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        lock(&self.accounts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    pub type Fake = Box<dyn Fn(&str, Option<&str>) -> Result<FetchedToken, Error> + Send + Sync>;

    const HOUR: Duration = Duration::from_secs(3600);
    const ACCOUNT: Option<&str> = Some("wx1");

    /// A cache over a source that is a function of the number of the fetch, from 1, and of the
    /// refused token.
    fn tokens(
        min_interval: Duration,
        fetch: impl Fn(usize, Option<&str>) -> Result<FetchedToken, Error> + Send + Sync + 'static,
    ) -> (Arc<TokenCache>, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let fetches = count.clone();
        let fake: Fake =
            Box::new(move |_, refused| fetch(fetches.fetch_add(1, Ordering::SeqCst) + 1, refused));
        let settings = Options::new().call_settings();
        (
            TokenCache::with_source(
                Source::Fake(fake),
                settings,
                min_interval,
                Arc::new(Stats::new()),
            ),
            count,
        )
    }

    fn fetched(n: usize, lifetime: Duration) -> Result<FetchedToken, Error> {
        Ok(FetchedToken {
            token: format!("T{n}"),
            refresh_after: lifetime,
            stale_after: lifetime,
            expires_after: lifetime,
        })
    }

    fn failed(why: &str) -> Result<FetchedToken, Error> {
        Err(Error::before_send(Status::NoToken, why, crate::Lang::En))
    }

    fn get(tokens: &Arc<TokenCache>) -> Result<Arc<Token>, Error> {
        let limit = Instant::now() + Duration::from_secs(60);
        tokens.get(ACCOUNT, limit, &CancelToken::new().unwrap())
    }

    fn get_other(
        tokens: &Arc<TokenCache>,
        refused: &Arc<Token>,
    ) -> Result<Option<Arc<Token>>, Error> {
        let limit = Instant::now() + Duration::from_secs(60);
        tokens.get_other(ACCOUNT, refused, limit, &CancelToken::new().unwrap())
    }

    fn text(token: Result<Arc<Token>, Error>) -> String {
        token.unwrap().to_string()
    }

    #[test]
    fn accounts_do_not_pile_up() {
        let (tokens, _) = tokens(MIN_INTERVAL, |n, _| fetched(n, HOUR));
        let now = Instant::now();
        let account = |good_s| Account {
            cached: Some(CachedToken {
                token: Token::new("t"),
                refresh_at: now,
                stale_at: now + Duration::from_secs(good_s),
                expires_at: now,
            }),
            ..Account::default()
        };
        let mut paused = account(0);
        paused.pacing.failed(now);
        let mut accounts: HashMap<_, _> = (0..MAX_ACCOUNTS)
            .map(|n| (n.to_string(), account(60)))
            .collect();
        accounts.insert("paused".into(), paused);
        accounts.insert("over".into(), account(0));
        tokens.make_room(&mut accounts, now);
        assert_eq!(accounts.len(), MAX_ACCOUNTS / 2);
        assert!(accounts.contains_key("paused") && !accounts.contains_key("over"));
        // Accounts in a pause do not fill it either.
        for n in 0..MAX_ACCOUNTS {
            let mut account = Account::default();
            account.pacing.failed(now);
            accounts.insert(n.to_string(), account);
        }
        tokens.make_room(&mut accounts, now);
        assert_eq!(accounts.len(), MAX_ACCOUNTS / 2);
    }

    #[test]
    fn an_old_token_is_used_while_fetching_fails() {
        let (tokens, count) = tokens(HOUR, |_, _| failed("away"));
        let now = Instant::now();
        let account = Account {
            cached: Some(CachedToken {
                token: Token::new("OLD"),
                refresh_at: now,
                stale_at: now,
                expires_at: now + HOUR,
            }),
            ..Account::default()
        };
        tokens.accounts().insert("wx1".into(), account);
        assert_eq!(text(get(&tokens)), "OLD");
        assert!(tokens.accounts()["wx1"].failure.is_some());
        // Within the pause it is used without another fetch.
        assert_eq!(text(get(&tokens)), "OLD");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_panic_is_an_internal_error_and_the_account_is_free_again() {
        #[allow(clippy::panic)]
        let (tokens, _) = tokens(Duration::from_millis(10), |n, _| match n {
            1 => panic!("expected by the test"),
            n => fetched(n, HOUR),
        });
        assert_eq!(
            get(&tokens).err().map(|e| e.status()),
            Some(Status::Internal)
        );
        assert_eq!(text(get(&tokens)), "T2");
    }

    #[test]
    fn a_token_without_lifetime_serves_those_who_waited_and_the_interval() {
        const CALLS: usize = 8;
        let (go, may_end) = channel::<()>();
        let may_end = Mutex::new(may_end);
        let (tokens, count) = tokens(HOUR, move |n, _| {
            let _ = lock(&may_end).recv();
            fetched(n, Duration::ZERO)
        });
        thread::scope(|s| {
            for _ in 0..CALLS {
                s.spawn(|| assert_eq!(text(get(&tokens)), "T1"));
            }
            go.send(()).unwrap();
        });
        assert_eq!(text(get(&tokens)), "T1");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_token_that_lives_for_ever_overflows_no_clock() {
        let (tokens, _) = tokens(MIN_INTERVAL, |n, _| fetched(n, Duration::MAX));
        assert_eq!(text(get(&tokens)), "T1");
        assert_eq!(text(get(&tokens)), "T1");
    }

    #[test]
    fn calls_fail_in_a_pause_longer_than_the_interval_with_what_is_known() {
        let (tokens, count) = tokens(HOUR, |_, _| failed("away"));
        assert!(get(&tokens).is_err());
        let again = |account: &mut Account| account.pacing.failed(Instant::now());
        tokens.accounts().get_mut("wx1").map(again).unwrap();
        let limit = Instant::now() + 24 * HOUR;
        let error = tokens.get(ACCOUNT, limit, &CancelToken::new().unwrap());
        let message = error.err().unwrap().message();
        assert!(message.contains("away"), "{message}");
        assert!(message.contains("next try in 7200 s"), "{message}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_call_without_time_for_the_pause_fails_with_what_is_known() {
        let (tokens, count) = tokens(HOUR, |_, _| failed("away"));
        assert!(get(&tokens).is_err());
        let error = get(&tokens).err().unwrap();
        assert!(error.message().contains("away"), "{error}");
        assert!(error.message().contains("next try in 3600 s"), "{error}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn accounts_are_paused_one_by_one() {
        let (tokens, count) = tokens(HOUR, |n, _| match n {
            1 => failed("away"),
            n => fetched(n, HOUR),
        });
        assert!(get(&tokens).is_err());
        let limit = Instant::now() + Duration::from_secs(60);
        let other = tokens.get(Some("wx2"), limit, &CancelToken::new().unwrap());
        assert_eq!(text(other), "T2");
        assert!(get(&tokens).is_err());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_replaced_record_ends_the_pause() {
        for account in [ACCOUNT, None] {
            let (tokens, _) = tokens(HOUR, |n, _| match n {
                1 => failed("away"),
                n => fetched(n, HOUR),
            });
            assert!(get(&tokens).is_err());
            tokens.forget_failure(account);
            assert_eq!(text(get(&tokens)), "T2");
        }
    }

    #[test]
    fn a_fetch_that_fails_after_its_record_was_replaced_is_repeated() {
        let (started, has_started) = channel();
        let (go, may_end) = channel::<()>();
        let shared: Mutex<(Sender<()>, _)> = Mutex::new((started, may_end));
        let (tokens, _) = tokens(HOUR, move |n, _| match n {
            1 => {
                let (started, may_end) = &*lock(&shared);
                started.send(()).unwrap();
                let _ = may_end.recv();
                failed("made from the old record")
            }
            n => fetched(n, HOUR),
        });
        thread::scope(|s| {
            let call = s.spawn(|| get(&tokens));
            has_started.recv().unwrap();
            tokens.forget_failure(ACCOUNT);
            go.send(()).unwrap();
            assert_eq!(text(call.join().unwrap()), "T2");
        });
    }

    #[test]
    fn a_refused_token_that_was_accepted_before_is_replaced_without_a_growing_pause() {
        let (tokens, count) = tokens(Duration::from_millis(5), |n, _| fetched(n, HOUR));
        for _ in 0..10 {
            let token = get(&tokens).unwrap();
            token.set_accepted();
            assert!(get_other(&tokens, &token).unwrap().is_some());
        }
        assert_eq!(count.load(Ordering::SeqCst), 11);
    }

    #[test]
    fn a_token_refused_by_many_calls_is_replaced_once() {
        let (tokens, count) = tokens(Duration::from_millis(1), |n, refused| {
            assert_eq!(refused, (n > 1).then_some("T1"));
            fetched(n, HOUR)
        });
        let refused = get(&tokens).unwrap();
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    let other = get_other(&tokens, &refused).unwrap();
                    assert_eq!(other.as_deref().map(|t| &**t), Some("T2"));
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn tokens_that_are_never_accepted_are_fetched_ever_more_slowly() {
        let (tokens, count) = tokens(Duration::from_millis(200), |n, _| fetched(n, HOUR));
        let mut errors = 0;
        let started = Instant::now();
        // Like calls whose tokens are refused, each with two posts.
        while started.elapsed() < Duration::from_millis(1500) || errors == 0 {
            match get(&tokens) {
                Ok(first) => match get_other(&tokens, &first) {
                    Ok(other) => tokens.refuse(ACCOUNT, &other.unwrap()),
                    Err(_) => errors += 1,
                },
                Err(e) => {
                    errors += 1;
                    assert!(e.message().contains("next try in"), "{e}");
                }
            }
        }
        // At 0, 0.2, 0.6 and 1.4 s at the earliest.
        assert!(count.load(Ordering::SeqCst) <= 4);
    }

    #[test]
    fn waiters_leave_when_cancelled_or_late_and_the_fetch_goes_on() {
        let (go, may_end) = channel::<()>();
        let may_end = Mutex::new(may_end);
        let (tokens, count) = tokens(HOUR, move |n, _| {
            let _ = lock(&may_end).recv();
            fetched(n, HOUR)
        });
        let cancel = CancelToken::new().unwrap();
        let late = tokens.get(ACCOUNT, Instant::now(), &cancel).err().unwrap();
        assert_eq!(late.status(), Status::TimeoutUnsent);
        cancel.cancel();
        let limit = Instant::now() + Duration::from_secs(60);
        let cancelled = tokens.get(ACCOUNT, limit, &cancel).err().unwrap();
        assert_eq!(cancelled.status(), Status::Cancelled);
        assert!(!tokens.finish_fetches(Instant::now()));
        go.send(()).unwrap();
        assert!(tokens.finish_fetches(limit));
        assert_eq!(text(get(&tokens)), "T1");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
