//! What a third-party platform does before it links: it accepts WeChat's pushes, and the
//! authorisations of accounts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use crate::config::limits::MAX_APPID_BYTES;
use crate::error::Error;
use crate::model::lang::Text;
use crate::model::status::Status;
use crate::push::{Event, Push};
use crate::token::{
    AccountInfo, AccountStatus, Authorization, AuthorizationUrl, KeptPush, ListedAccount, Platform,
    PlatformStatus, WaitingCode,
};

/// The longest time for a push: WeChat waits for its answer for 5 s.
const MAX_PUSH_TIME: Duration = Duration::from_secs(4);
/// The longest redirect URI, in bytes.
const MAX_URI_BYTES: usize = 2048;
/// The longest authorisation code, in bytes. WeChat's have about 100.
const MAX_CODE_BYTES: usize = 1024;

const STILL_EXCHANGED: Text = Text {
    en: "The authorisation code was not exchanged in time. The exchange continues.",
    zh: "授权码未能及时换取令牌，仍在继续。",
};

/// What was done because of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PushAction {
    /// The ticket was stored.
    TicketStored,
    /// The account's tokens were stored: calls for it need no access token.
    AccountAdded,
    /// The account's authorisation code was stored. It could not be exchanged yet; the next call
    /// for the account does it.
    CodeStored,
    /// WeChat refused the account's authorisation code, and its list of accounts has no refresh
    /// token either. The account has to authorise the platform again.
    CodeRefused,
    /// The account's tokens were removed.
    AccountRemoved,
    /// Nothing: the push repeats an earlier one.
    Repeated,
    /// Nothing: a later event of the account is known. Of two events of the same second, the one
    /// that arrives last counts.
    Outdated,
    /// Nothing: the event is the caller's to handle.
    Unhandled,
}

impl PushAction {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            PushAction::TicketStored => "ticket_stored",
            PushAction::AccountAdded => "account_added",
            PushAction::CodeStored => "code_stored",
            PushAction::CodeRefused => "code_refused",
            PushAction::AccountRemoved => "account_removed",
            PushAction::Repeated => "repeated",
            PushAction::Outdated => "outdated",
            PushAction::Unhandled => "unhandled",
        }
    }
}

/// A push of WeChat's that has to be answered with `success`. It contains no secret of the
/// platform.
#[derive(Clone, Debug)]
pub struct AcceptedPush {
    event: String,
    account: Option<String>,
    create_time: u64,
    action: PushAction,
    reason: String,
    fields: Value,
}

impl AcceptedPush {
    /// The push's InfoType, such as `component_verify_ticket`; empty if it has none, such as a
    /// follower's message.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// The appid of the account that the push is about, if it names one.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// When WeChat made the event (s since 1970); 0 if the push does not contain it.
    pub fn create_time(&self) -> u64 {
        self.create_time
    }

    /// What was done.
    pub fn action(&self) -> PushAction {
        self.action
    }

    /// Why the authorisation code was not exchanged, in the client's language; otherwise empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The decrypted fields of a push that is the caller's to handle
    /// ([`PushAction::Unhandled`]); otherwise null. Fields with tickets and codes are left out.
    pub fn fields(&self) -> &Value {
        &self.fields
    }

    /// The push as JSON, in the form of the C interface.
    pub fn json(&self) -> Value {
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "event": self.event,
            "account": self.account,
            "create_time": self.create_time,
            "action": self.action.as_str(),
            "reason": self.reason,
            "fields": self.fields,
        })
    }
}

/// What became of a stored authorisation code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCode {
    /// [`AccountAdded`](PushAction::AccountAdded), [`CodeStored`](PushAction::CodeStored) if it
    /// still waits, [`CodeRefused`](PushAction::CodeRefused), or
    /// [`Repeated`](PushAction::Repeated) if another process has exchanged it.
    pub action: PushAction,
    /// The account, if it is known.
    pub account: Option<String>,
}

impl Client {
    /// Accepts a push of WeChat's to the third-party platform: verifies and decrypts it, and stores
    /// what it contains. `query` is the raw query string of WeChat's request to the platform's URL,
    /// and `body` its body, both unchanged. Needs the options `push_token` and `push_aes_key`.
    ///
    /// If it returns `Ok`, answer with HTTP status 200 and the body `success`, and nothing else. A
    /// ticket is stored by then, and so is an authorisation code, which is also exchanged for the
    /// account's tokens if there is time. Takes at most `timeout_ms`, and at most 4 s: WeChat waits
    /// for 5 s.
    ///
    /// ```no_run
    /// # use wxlink::{Client, Options, Status};
    /// # let client = Client::new(&Options::new())?;
    /// # let (query, body) = ("", b"");
    /// let (http_status, answer) = match client.accept_push(query, body) {
    ///     Ok(push) => {
    ///         println!("{} {}", push.event(), push.action().as_str());
    ///         (200, "success")
    ///     }
    ///     Err(e) if e.status() == Status::BadPush => (403, ""),
    ///     // WeChat sends it again.
    ///     Err(e) => {
    ///         eprintln!("{e}");
    ///         (503, "")
    ///     }
    /// };
    /// # let _ = (http_status, answer);
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`Status::BadPush`]: it is not a push of WeChat's to this platform; the message gives the
    ///   reason.
    /// - [`Status::Store`]: the store could not keep it in time. Answer with an error, so that
    ///   WeChat sends it again.
    /// - [`Status::BadValue`]: one of the options for pushes is missing; the message names it.
    /// - [`Status::Cancelled`], [`Status::Forked`], [`Status::Internal`].
    pub fn accept_push(&self, query: &str, body: &[u8]) -> Result<AcceptedPush, Error> {
        let limit = Instant::now() + self.timeout().min(MAX_PUSH_TIME);
        self.with_platform(|platform| {
            let push = platform.open_push(query, body)?;
            let (push, kept) = platform.keep_push(push, limit, &self.cancel)?;
            let (action, reason) = self.act_on(platform, &push, kept, limit);
            let is_ours = !matches!(push.event, Event::Other);
            Ok(AcceptedPush {
                fields: if is_ours { Value::Null } else { push.fields },
                event: push.info_type,
                account: push.account,
                create_time: push.create_time,
                action,
                reason,
            })
        })
    }

    /// Does what follows from a stored push. Nothing in it can fail the call: the push is stored.
    fn act_on(
        &self,
        platform: &Platform,
        push: &Push,
        kept: KeptPush,
        limit: Instant,
    ) -> (PushAction, String) {
        let action = match (kept, &push.event) {
            (KeptPush::Repeated, _) => PushAction::Repeated,
            (KeptPush::Outdated, _) => PushAction::Outdated,
            (KeptPush::Unhandled, _) | (_, Event::Other) => PushAction::Unhandled,
            (KeptPush::Stored, Event::Ticket(_)) => {
                self.forget_token_failure(None);
                PushAction::TicketStored
            }
            (KeptPush::Stored, Event::Unauthorized { account }) => {
                if let Some(tokens) = &self.tokens {
                    tokens.forget(account);
                }
                PushAction::AccountRemoved
            }
            (KeptPush::Stored, Event::Authorized { account, .. }) => {
                return self.exchange_code(platform, account, limit);
            }
        };
        (action, String::new())
    }

    /// Fetches the account's token, which exchanges its code.
    fn exchange_code(
        &self,
        platform: &Platform,
        account: &str,
        limit: Instant,
    ) -> (PushAction, String) {
        let Some(tokens) = &self.tokens else {
            return (PushAction::CodeStored, String::new());
        };
        let mut fetched = tokens.fetch_again(account, limit, &self.cancel);
        let has_code = || platform.has_code(account, limit, &self.cancel);
        let mut is_pending = has_code();
        // A fetch that was running before may have ended without the code.
        if fetched.is_ok() && matches!(is_pending, Ok(true)) {
            fetched = tokens.fetch_again(account, limit, &self.cancel);
            is_pending = has_code();
        }
        let reason = |e: Error| match e.status() {
            // The wait has ended, and not the exchange, whose request may have been sent.
            Status::TimeoutUnsent => STILL_EXCHANGED.get(self.lang()).to_owned(),
            _ => e.with_lang(self.lang()).message(),
        };
        match (is_pending, fetched) {
            (Ok(false), Ok(())) => (PushAction::AccountAdded, String::new()),
            // With another status the wait has ended, and another thread or process has the code.
            (Ok(false), Err(e)) if e.status() == Status::NoToken && !e.is_transient() => {
                (PushAction::CodeRefused, reason(e))
            }
            (_, fetched) => (
                PushAction::CodeStored,
                fetched.err().map(reason).unwrap_or_default(),
            ),
        }
    }

    /// Makes the URLs of the pages on which an Official Account's administrator authorises the
    /// third-party platform: any account, or the one with the appid `account`.
    ///
    /// Call it when the administrator clicks, not when a page is shown: the URLs contain a code
    /// that is valid once and for [`expires_in`](AuthorizationUrl::expires_in) seconds. WeChat
    /// opens its page only from a link on the domain that is registered for the platform.
    ///
    /// Afterwards WeChat redirects to `redirect_uri` with the parameter `auth_code`: pass it to
    /// [`accept_authorization`](Client::accept_authorization).
    ///
    /// # Errors
    /// - [`Status::BadValue`]: `redirect_uri` is not a URL with `http://` or `https://`, or
    ///   contains a blank; or the client is not a platform's.
    /// - [`Status::Api`]: WeChat refused; see [`class`](Error::class).
    /// - [`Status::NoToken`]: the platform has no access token; the message gives the reason.
    /// - As with other calls if the request fails.
    pub fn authorization_url(
        &self,
        redirect_uri: &str,
        account: Option<&str>,
    ) -> Result<AuthorizationUrl, Error> {
        self.check_text("redirect_uri", redirect_uri, MAX_URI_BYTES)?;
        let rest = ["https://", "http://"].iter().find_map(|scheme| {
            let start = redirect_uri.get(..scheme.len())?;
            start
                .eq_ignore_ascii_case(scheme)
                .then_some(&redirect_uri[scheme.len()..])
        });
        let is_whole = |rest: &str| {
            !rest.is_empty()
                && !rest.starts_with(['/', '?', '#'])
                && !rest.contains(char::is_whitespace)
        };
        if !rest.is_some_and(is_whole) {
            return Err(self.bad_value(Text {
                en: "redirect_uri must be a whole URL without blanks: https://HOST/PATH",
                zh: "redirect_uri 必须是不含空白的完整 URL：https://HOST/PATH",
            }));
        }
        if let Some(account) = account {
            self.check_text("account", account, MAX_APPID_BYTES)?;
        }
        self.with_platform(|platform| {
            platform.authorization_url(redirect_uri, account, self.deadline(), &self.cancel)
        })
    }

    /// Exchanges the authorisation code of a redirect (`auth_code`) for the account's tokens and
    /// stores them.
    ///
    /// The same code may be passed again, and may be that of a push: it is exchanged once, and
    /// remembered for an hour. It is stored before anything else: if it cannot be exchanged now,
    /// it is one of the [`waiting_codes`](Client::waiting_codes).
    ///
    /// # Errors
    /// - [`Status::BadValue`]: the code is empty or too long, or the client is not a platform's.
    /// - [`Status::Store`]: the store could not keep the code in time.
    /// - [`Status::Api`]: WeChat refused. If it refused the code
    ///   ([`is_code_refused`](Error::is_code_refused)), the account has to authorise the platform
    ///   again; otherwise the code stays stored.
    /// - [`Status::NoToken`]: the platform has no access token. The code stays stored.
    /// - As with other calls if the request fails. The code stays stored; call again with the same
    ///   one, or wait for [`finish_authorization`](Client::finish_authorization).
    pub fn accept_authorization(&self, code: &str) -> Result<Authorization, Error> {
        let code = code.trim();
        self.check_text("code", code, MAX_CODE_BYTES)?;
        let authorization = self
            .with_platform(|platform| platform.accept_code(code, self.deadline(), &self.cancel))?;
        if let Some(tokens) = &self.tokens {
            tokens.forget(authorization.account());
        }
        Ok(authorization)
    }

    /// Describes an account that has authorised the third-party platform.
    ///
    /// # Errors
    /// As [`authorization_url`](Client::authorization_url).
    pub fn account_info(&self, account: &str) -> Result<AccountInfo, Error> {
        self.check_text("account", account, MAX_APPID_BYTES)?;
        self.with_platform(|platform| platform.account_info(account, self.deadline(), &self.cancel))
    }

    /// The authorisation codes that were stored and not exchanged within the last hour, by any
    /// process that shares the store: it may have been killed. They came with a push
    /// ([`PushAction::CodeStored`]) or to
    /// [`accept_authorization`](Client::accept_authorization). Pass each to
    /// [`finish_authorization`](Client::finish_authorization) before it expires.
    ///
    /// # Errors
    /// As [`platform_status`](Client::platform_status).
    pub fn waiting_codes(&self) -> Result<BTreeSet<WaitingCode>, Error> {
        self.with_platform(|platform| platform.waiting_codes(self.deadline(), &self.cancel))
    }

    /// Exchanges an authorisation code that was stored and not exchanged. The next call for the
    /// account would do it too if the code came with a push, but not if it came with a redirect.
    ///
    /// # Errors
    /// As [`account_info`](Client::account_info).
    pub fn finish_authorization(&self, code: &WaitingCode) -> Result<FinishedCode, Error> {
        let (action, account) = match code {
            WaitingCode::Account(account) => {
                self.check_text("account", account, MAX_APPID_BYTES)?;
                let finish = |platform: &Platform| {
                    Ok(self.exchange_code(platform, account, self.deadline()).0)
                };
                (self.with_platform(finish)?, Some(account.clone()))
            }
            WaitingCode::Redirect(hash) => {
                let exchanged = self.with_platform(|platform| {
                    platform.exchange_redirect(hash, self.deadline(), &self.cancel)
                });
                match exchanged {
                    Ok(None) => (PushAction::Repeated, None),
                    Ok(Some(authorization)) => {
                        if let Some(tokens) = &self.tokens {
                            tokens.forget(authorization.account());
                        }
                        let account = authorization.account().to_owned();
                        (PushAction::AccountAdded, Some(account))
                    }
                    Err(e) if e.is_code_refused() => (PushAction::CodeRefused, None),
                    Err(e) if e.status() == Status::Store => return Err(e),
                    Err(_) => (PushAction::CodeStored, None),
                }
            }
        };
        Ok(FinishedCode { action, account })
    }

    /// The accounts that have authorised the third-party platform, in WeChat's order.
    ///
    /// # Errors
    /// As [`account_info`](Client::account_info).
    pub fn accounts(&self) -> Result<Vec<String>, Error> {
        let listed = self.listed_accounts()?;
        Ok(listed.into_iter().map(|account| account.appid).collect())
    }

    /// The same accounts, each with whether WeChat's list has its refresh token.
    ///
    /// # Errors
    /// As [`account_info`](Client::account_info).
    #[doc(hidden)]
    pub fn listed_accounts(&self) -> Result<Vec<ListedAccount>, Error> {
        self.with_platform(|platform| platform.accounts(self.deadline(), &self.cancel))
    }

    /// The state of the platform's ticket and access token in the store. Makes no request.
    ///
    /// # Errors
    /// - [`Status::Store`]: the store cannot be used.
    /// - [`Status::BadValue`]: the client is not a platform's.
    ///
    /// [`Status::Store`]: crate::Status::Store
    /// [`Status::BadValue`]: crate::Status::BadValue
    pub fn platform_status(&self) -> Result<PlatformStatus, Error> {
        self.with_platform(|platform| platform.status(self.deadline(), &self.cancel))
    }

    /// Checks that the platform's store can be read and written. Writes a record of its own.
    ///
    /// # Errors
    /// As [`platform_status`](Client::platform_status).
    pub fn check_store(&self) -> Result<(), Error> {
        self.with_platform(|platform| platform.check_store(self.deadline(), &self.cancel))
    }

    /// The state of an account's authorisation and access token in the store. Makes no request.
    ///
    /// # Errors
    /// As [`platform_status`](Client::platform_status).
    #[doc(hidden)]
    pub fn account_status(&self, account: &str) -> Result<AccountStatus, Error> {
        self.check_text("account", account, MAX_APPID_BYTES)?;
        self.with_platform(|platform| {
            platform.account_status(account, self.deadline(), &self.cancel)
        })
    }
}
