//! WeChat's three calls, one request each: checked, given a token, sent and judged.

use std::time::Instant;

use serde::Serialize;

use super::client::{Client, LinkChoices};
use crate::config::limits::{MAX_APPID_BYTES, MAX_TOKEN_BYTES};
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::failure::Failure;
use crate::model::status::Status;
use crate::redact::Secret;
use crate::response::list::LinkList;
use crate::response::response::Response;
use crate::retry::Sender;
use crate::token::Token;

/// The body of a list's request: an empty one has been answered with 44002.
#[derive(Serialize)]
struct Empty {}

impl Client {
    /// Invites a mini program to be linked to the Official Account the token belongs to
    /// (`linkMiniprogram`). Without a token the client gets one for its `account`, here as in every call. A yes means that the invitation is out: the account's and then the
    /// mini program's administrator must agree.
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode, of which 89010 and 89035 (on its way) and 89015
    /// (linked already) are no failures. If the delivery is [`Delivery::Unknown`], read the list
    /// before anything else: WeChat may have acted, and a second post messages the followers again.
    pub fn link_miniprogram<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
    ) -> Result<Response, Error> {
        self.link_until(access_token.into(), appid, choices, self.deadline())
    }

    /// The same, within the client's limit and until `end` at the latest.
    pub(crate) fn link_until(
        &self,
        access_token: Option<&str>,
        appid: &str,
        choices: LinkChoices,
        end: Instant,
    ) -> Result<Response, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
            notify_users: u8,
            show_profile: u8,
        }
        self.check_text("appid", appid, MAX_APPID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Link))?;
        let body = Body {
            appid,
            notify_users: choices.notify_users.into(),
            show_profile: choices.show_profile.into(),
        };
        self.call(Endpoint::Link, access_token, &body, end)
    }

    /// Lists the mini programs linked to the Official Account the token belongs to, and those on
    /// their way (`getLinkMiniprogram`).
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode; [`Status::BadAnswer`] if what came is no list.
    /// Reading changes nothing, so it is safe to call again after any error.
    pub fn get_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
    ) -> Result<LinkList, Error> {
        self.read_list(self.get_linked_raw(access_token)?)
    }

    /// The same, within the client's limit and until `end` at the latest; `id` is what will be
    /// looked for in it, and is checked first.
    pub(crate) fn get_linked_until(
        &self,
        access_token: Option<&str>,
        id: &str,
        end: Instant,
    ) -> Result<LinkList, Error> {
        self.check_text("appid", id, MAX_APPID_BYTES)
            .map_err(|e| e.with_endpoint(Endpoint::Get))?;
        self.read_list(self.call(Endpoint::Get, access_token, &Empty {}, end)?)
    }

    fn read_list(&self, answer: Response) -> Result<LinkList, Error> {
        let attempts = answer.attempts().to_vec();
        LinkList::read(answer).map_err(|why| {
            let failure = Failure::new(Status::BadAnswer, why);
            let lang = self.limits.lang;
            Error::failed(Endpoint::Get, failure, Delivery::Answered, attempts, lang)
        })
    }

    /// The same, the list not read into types: the answer's bytes are there and its verdict is yes.
    ///
    /// # Errors
    /// As [`get_linked`](Client::get_linked), but for the list's shape, which is not looked at.
    pub fn get_linked_raw<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
    ) -> Result<Response, Error> {
        self.call(
            Endpoint::Get,
            access_token.into(),
            &Empty {},
            self.deadline(),
        )
    }

    /// Asks to unlink a mini program (`unlinkMiniprogram`). A yes means that the Official Account's
    /// administrator has been asked; it stays in the list until they agree.
    ///
    /// # Errors
    /// As [`link_miniprogram`](Client::link_miniprogram); 89018 (already asked) is no failure.
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
        self.call(
            Endpoint::Unlink,
            access_token.into(),
            &Body { appid },
            self.deadline(),
        )
    }

    /// One call: checked, posted, and judged.
    fn call(
        &self,
        endpoint: Endpoint,
        access_token: Option<&str>,
        body: &impl Serialize,
        end: Instant,
    ) -> Result<Response, Error> {
        let deadline = end.min(self.deadline());
        let wrong = |status, what: &str| {
            Error::before_send(status, what, self.limits.lang).with_endpoint(endpoint)
        };
        if self.is_forked() {
            return Err(wrong(Status::Forked, ""));
        }
        if self.cancel.is_cancelled() {
            return Err(wrong(Status::Cancelled, ""));
        }
        let sender = Sender {
            pool: &self.pool,
            cancel: &self.cancel,
            limits: self.limits,
            secrets: &[],
        };
        // Some languages have no way to leave a text out.
        let given = access_token.filter(|token| !token.is_empty() || self.tokens.is_none());
        if let Some(given) = given {
            self.check_text("access_token", given, MAX_TOKEN_BYTES)
                .map_err(|e| e.with_endpoint(endpoint))?;
            return sender.send(endpoint, given, body, deadline, Vec::new());
        }
        let Some(tokens) = &self.tokens else {
            let why = "there is no access_token, and no source of tokens; give one, or set one of the options \
                       access_token, token_command and component_appid";
            return Err(wrong(Status::BadValue, why));
        };
        let (account, cancel) = (self.account.as_deref(), &*self.cancel);
        let token = self
            .localized(tokens.get(account, deadline, cancel))
            .map_err(|e| e.with_endpoint(endpoint))?;
        let post = |token: &Token, secrets: &[Secret<'_>], before| {
            let sender = Sender { secrets, ..sender };
            let posted = sender.send(endpoint, token, body, deadline, before);
            if accepts_token(&posted) {
                token.set_accepted();
            }
            posted
        };
        match post(&token, &[], Vec::new()) {
            // What the token was refused for was not done: it may be asked for with another, once.
            Err(e) if e.class() == Some(Class::Token) => {
                match tokens.get_other(account, &token, deadline, cancel) {
                    Ok(Some(other)) => {
                        let refused = [(endpoint.token_name(), &**token)];
                        let posted = post(&other, &refused, e.attempts().to_vec());
                        if matches!(&posted, Err(e) if e.class() == Some(Class::Token)) {
                            tokens.refuse(account, &other);
                        }
                        posted
                    }
                    Ok(None) => Err(e),
                    Err(no_other) => {
                        self.localized(Err(no_other.with_endpoint(endpoint).after_refusal(&e)))
                    }
                }
            }
            done => done,
        }
    }
}

/// Whether WeChat's answer shows that it accepted the token. Busy servers may not have looked at it.
fn accepts_token(posted: &Result<Response, Error>) -> bool {
    match posted {
        Ok(_) => true,
        Err(e) => e
            .class()
            .is_some_and(|class| !matches!(class, Class::Token | Class::Busy)),
    }
}
