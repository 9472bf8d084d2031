//! WeChat's three calls: link, list and unlink. Each checks its arguments, gets an access token if
//! the caller passes none, and sends one request.

use std::borrow::Cow;
use std::time::Instant;

use serde::Serialize;

use super::claims::Keys;
use super::client::{Client, LinkChoices};
use super::progress::PostOutcome;
use crate::config::limits::MAX_APPID_BYTES;
use crate::config::secret_text;
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::lang::Text;
use crate::model::status::Status;
use crate::redact::Secret;
use crate::response::list::LinkList;
use crate::response::response::Response;
use crate::retry::{RequestBody, Sender, count_call};
use crate::store::{PostedOutcome, Settlement};
use crate::token::Token;

/// The body of the request for the list, `{}`. WeChat has answered an empty body with errcode
/// 44002.
#[derive(Serialize)]
struct EmptyObject {}

impl Client {
    /// Invites a mini program to be linked to the Official Account that the token belongs to
    /// (WeChat's `linkMiniprogram`). Most programs should use
    /// [`ensure_linked`](Client::ensure_linked), which can be repeated safely.
    ///
    /// Success means that WeChat has sent the invitation. The Official Account's administrator has
    /// to agree first, then the mini program's administrator.
    ///
    /// Once any byte of the request has been sent, it is not sent again, with one exception: if
    /// WeChat refuses a token of the client's own token source, it has done nothing, and the
    /// request is sent once more with another token.
    ///
    /// ```
    /// # use wxlink::{Client, LinkChoices, Options};
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # let client = Client::new(&options)?;
    /// # let token = "SANDBOX-TOKEN";
    /// let choices = LinkChoices { notify_users: false, show_profile: true };
    /// client.link_miniprogram(token, "wx0b00000000000001", choices)?;
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::Api`]: WeChat answered another errcode. 89010 and 89035 mean that an invitation is
    /// already pending, 89015 that the mini program is already linked; the others are refusals.
    ///
    /// If [`Error::delivery`] is [`Delivery::Unknown`], WeChat may have acted. Read the list before
    /// posting again: a second invitation may message the followers a second time.
    pub fn link_miniprogram<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
    ) -> Result<Response, Error> {
        let (token, deadline) = (access_token.into(), self.deadline());
        let result = self.link_until(token, appid, choices, deadline);
        if let Some(settlement) = self.settlement_of(&result) {
            self.record(token, appid, settlement, deadline);
        }
        result
    }

    /// What a post means for the claim of its link; `None` if it changes nothing.
    pub(super) fn settlement_of(&self, posted: &Result<Response, Error>) -> Option<Settlement> {
        let outcome = match posted {
            Ok(_) => PostedOutcome::Accepted,
            Err(e) => match PostOutcome::from_error(e) {
                _ if e.delivery() == Delivery::NeverSent => return None,
                PostOutcome::AlreadyExisted if e.class() == Some(Class::Ok) => {
                    return Some(self.settlement_if_linked());
                }
                PostOutcome::AlreadyExisted => PostedOutcome::Accepted,
                PostOutcome::Unknown => PostedOutcome::Unknown,
                _ => return None,
            },
        };
        let stands = self.settings.settle;
        Some(Settlement::Posted { outcome, stands })
    }

    /// What it means for the claim of a link that the mini program is linked.
    pub(super) fn settlement_if_linked(&self) -> Settlement {
        let stands = self.settings.settle;
        Settlement::Linked { stands }
    }

    /// Records in the store of claims what happened to a link without a claim.
    pub(super) fn record(
        &self,
        token: Option<&str>,
        appid: &str,
        settlement: Settlement,
        deadline: Instant,
    ) {
        if !self.settings.settle.is_zero() {
            let keys = self.link_keys(token, appid, deadline);
            self.claims.record(keys, settlement, deadline, &self.cancel);
        }
    }

    /// The keys of a link's claim.
    pub(super) fn link_keys(&self, token: Option<&str>, appid: &str, deadline: Instant) -> Keys {
        let account = self.account.as_deref();
        let passed = self.passed_token(token).transpose().ok().flatten();
        let own = match (&passed, &self.tokens) {
            (None, Some(tokens)) => tokens.get(account, deadline, &self.cancel).ok(),
            _ => None,
        };
        let token = passed.as_deref().or(own.as_deref().map(|token| &**token));
        self.claims.keys(account, token, appid)
    }

    /// [`link_miniprogram`](Client::link_miniprogram) that ends by `deadline` at the latest.
    pub(super) fn link_until(
        &self,
        access_token: Option<&str>,
        appid: &str,
        choices: LinkChoices,
        deadline: Instant,
    ) -> Result<Response, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
            notify_users: u8,
            show_profile: u8,
        }
        self.check_text("appid", appid, MAX_APPID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Link))?;
        let body = RequestBody::new(&Body {
            appid,
            notify_users: choices.notify_users.into(),
            show_profile: choices.show_profile.into(),
        });
        self.call(Endpoint::Link, access_token, &body, deadline)
    }

    /// Lists the mini programs that are linked to the Official Account that the token belongs to,
    /// and the pending and refused invitations (WeChat's `getLinkMiniprogram`).
    ///
    /// ```
    /// # use wxlink::{Client, Options};
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # let client = Client::new(&options)?;
    /// # let token = "SANDBOX-TOKEN";
    /// for item in client.get_linked(token)?.items() {
    ///     println!("{:?} {:?}", item.appid(), item.status());
    /// }
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::Api`]: WeChat answered another errcode than 0. [`Status::BadAnswer`]: the response
    /// is not a list. Reading changes nothing, so it is safe to call again after any error.
    pub fn get_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
    ) -> Result<LinkList, Error> {
        self.list(access_token.into(), self.deadline())
    }

    /// [`get_linked`](Client::get_linked) that ends by `deadline` at the latest. Checks first the
    /// `id` that the caller will look for in the list.
    pub(super) fn get_linked_until(
        &self,
        access_token: Option<&str>,
        id: &str,
        deadline: Instant,
    ) -> Result<LinkList, Error> {
        self.check_text("appid", id, MAX_APPID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Get))?;
        self.list(access_token, deadline)
    }

    fn list(&self, access_token: Option<&str>, deadline: Instant) -> Result<LinkList, Error> {
        let body = RequestBody::new(&EmptyObject {});
        let response = self.call(Endpoint::Get, access_token, &body, deadline)?;
        LinkList::from_response(response).ok_or_else(|| {
            let (status, lang) = (Status::Internal, self.settings.lang);
            Error::before_send(status, "", lang).with_endpoint(Endpoint::Get)
        })
    }

    /// Requests that a mini program be unlinked from the Official Account that the token belongs to
    /// (WeChat's `unlinkMiniprogram`).
    ///
    /// Success means that WeChat has asked the Official Account's administrator. The mini program
    /// stays in the list until they agree. The request is retried as that of
    /// [`link_miniprogram`](Client::link_miniprogram). If its outcome is unknown, the list does not
    /// show whether the administrator was asked, only whether they agreed.
    ///
    /// ```
    /// # use wxlink::{Client, Options};
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # let client = Client::new(&options)?;
    /// # let token = "SANDBOX-TOKEN-3";
    /// client.unlink_miniprogram(token, "wx0b00000000000011")?;
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`link_miniprogram`](Client::link_miniprogram). Errcode 89018 means that the
    /// administrator was already asked.
    pub fn unlink_miniprogram<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
    ) -> Result<Response, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
        }
        self.check_text("appid", appid, MAX_APPID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Unlink))?;
        let (token, deadline) = (access_token.into(), self.deadline());
        let body = RequestBody::new(&Body { appid });
        let result = self.call(Endpoint::Unlink, token, &body, deadline);
        if result.is_ok() {
            self.record(token, appid, Settlement::Unlinked, deadline);
        }
        result
    }

    /// The token that the caller passed. An empty one means none if there is a token source: some
    /// languages cannot omit a text.
    fn passed_token<'a>(&self, token: Option<&'a str>) -> Option<Result<Cow<'a, str>, Error>> {
        let passed = token.filter(|token| !token.is_empty() || self.tokens.is_none())?;
        Some(self.secret("access_token", secret_text::ACCESS_TOKEN, passed))
    }

    /// Makes one call, with the caller's token or one of the client's, and counts it.
    pub(super) fn call(
        &self,
        endpoint: Endpoint,
        access_token: Option<&str>,
        body: &RequestBody,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let before_send =
            |status| Error::before_send(status, "", self.settings.lang).with_endpoint(endpoint);
        if self.is_forked() {
            return Err(before_send(Status::Forked));
        }
        let started = Instant::now();
        let deadline = deadline.min(started + self.settings.timeout);
        let result = self.call_with_token(endpoint, access_token, body, deadline);
        count_call(self.pool.stats(), endpoint, started, &result);
        result
    }

    /// Gets a token unless the caller passed one, and sends the request.
    fn call_with_token(
        &self,
        endpoint: Endpoint,
        access_token: Option<&str>,
        body: &RequestBody,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let before_send =
            |status| Error::before_send(status, "", self.settings.lang).with_endpoint(endpoint);
        if self.cancel.is_cancelled() {
            return Err(before_send(Status::Cancelled));
        }
        let sender = Sender {
            pool: &self.pool,
            cancel: &self.cancel,
            settings: self.settings,
            secrets: &[],
        };
        if let Some(token) = self.passed_token(access_token) {
            let token = token.map_err(|e| e.with_endpoint(endpoint))?;
            return sender.send(endpoint, &token, body, deadline, Vec::new());
        }
        let Some(tokens) = &self.tokens else {
            let why = Text {
                en: "access_token is missing, and the client has no token source; pass one, or \
                     set one of the options access_token, token_command and component_appid",
                zh: "缺少 access_token，且该客户端没有令牌来源；请传入 access_token，或设置选项 \
                     access_token、token_command、component_appid 之一",
            };
            return Err(self.bad_value(why).with_endpoint(endpoint));
        };
        let (account, cancel) = (self.account.as_deref(), &*self.cancel);
        let token = self
            .localized(tokens.get(account, deadline, cancel))
            .map_err(|e| e.with_endpoint(endpoint))?;
        let send = |token: &Token, secrets: &[Secret<'_>], earlier_attempts| {
            let sender = Sender { secrets, ..sender };
            let result = sender.send(endpoint, token, body, deadline, earlier_attempts);
            if accepts_token(&result) {
                token.set_accepted();
            }
            result
        };
        match send(&token, &[], Vec::new()) {
            // WeChat does nothing when it refuses a token, so one retry with another is safe.
            Err(refusal) if refusal.class() == Some(Class::Token) => {
                match tokens.get_other(account, &token, deadline, cancel) {
                    Ok(Some(other)) => {
                        let refused = [(endpoint.token_name(), &**token)];
                        let result = send(&other, &refused, refusal.attempts().to_vec());
                        if matches!(&result, Err(e) if e.class() == Some(Class::Token)) {
                            tokens.refuse(account, &other);
                        }
                        result
                    }
                    Ok(None) => Err(refusal),
                    Err(e) => self.localized(Err(e.with_endpoint(endpoint).add_refusal(&refusal))),
                }
            }
            result => result,
        }
    }
}

/// Whether the response shows that WeChat accepted the token. A busy server (-1) may not have
/// checked it.
fn accepts_token(result: &Result<Response, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(e) => e
            .class()
            .is_some_and(|class| !matches!(class, Class::Token | Class::Busy)),
    }
}
