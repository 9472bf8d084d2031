//! The client of the core as a JavaScript object. Calls return promises of a [`JsOutcome`].

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Either, Env, Object, Result};
use napi_derive::napi;
use wxlink::{Client, ClientRegistration, Error, Lang, LinkChoices, Options, catch_panic};

use crate::outcome::{JsOutcome, Outcome};
use crate::pool::{CallId, Lineage, Refused, SharedPool};

/// Creates the JavaScript form of an outcome on JavaScript's thread.
type Resolver = Box<dyn FnOnce(Env) -> Result<JsOutcome>>;

/// A client. Those that are derived from it share its threads.
#[napi]
pub struct Handle {
    client: Client,
    lang: Lang,
    pool: Arc<SharedPool>,
    lineage: Arc<Lineage>,
    _registered: Option<ClientRegistration>,
}

impl Handle {
    fn new(client: Client, lang: Lang, pool: Arc<SharedPool>, lineage: Lineage) -> Handle {
        Handle {
            _registered: client.register(),
            client,
            lang,
            pool,
            lineage: Arc::new(lineage),
        }
    }

    /// Starts a call, and returns the promise of its outcome.
    fn start<'env>(
        &self,
        env: &'env Env,
        id: CallId,
        call: impl FnOnce(&Client) -> Outcome + Send + 'static,
    ) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<JsOutcome, Resolver>()?;
        let lang = self.lang;
        let call = move |own: std::result::Result<Client, Refused>| {
            let outcome = match own {
                Ok(client) => catch_panic(|| call(&client))
                    .unwrap_or_else(|| Outcome::internal("a fault in the library", "unknown")),
                Err(Refused::Error(e)) => Outcome::error(&e, lang),
                Err(Refused::NoThread(e)) => {
                    let why = format!("could not start a thread: {e}; nothing was sent");
                    Outcome::internal(&why, "never sent")
                }
            };
            // Made here: on JavaScript's thread, a long text would hold up the event loop.
            let text = outcome.into_text();
            deferred.resolve(Box::new(|_| Ok(text.into_js())));
        };
        self.pool
            .submit(id, &self.lineage, self.client.clone(), Box::new(call));
        Ok(promise)
    }
}

/// Creates options from pairs of keys and values.
pub fn options(pairs: &[Vec<String>]) -> std::result::Result<Options, Error> {
    let mut options = Options::new();
    for pair in pairs {
        if let [key, value] = &pair[..] {
            options.set(key, value)?;
        }
    }
    Ok(options)
}

fn milliseconds(wait: f64) -> Duration {
    Duration::try_from_secs_f64(wait / 1000.0).unwrap_or(Duration::MAX)
}

fn lang(pairs: &[Vec<String>], default: Lang) -> Lang {
    let set = pairs.iter().find(|pair| pair[0] == "lang");
    set.and_then(|pair| Lang::from_code(&pair[1]))
        .unwrap_or(default)
}

/// Creates a client, whose calls run on at most `max_threads` threads. If that fails, returns the
/// outcome's JSON.
#[napi]
pub fn open(pairs: Vec<Vec<String>>, max_threads: u32) -> Either<Handle, String> {
    let lang = lang(&pairs, Lang::En);
    match options(&pairs).and_then(|options| Client::new(&options)) {
        Ok(client) => {
            let pool = Arc::new(SharedPool::new(max_threads as usize));
            Either::A(Handle::new(client, lang, pool, Lineage::default()))
        }
        Err(e) => Either::B(Outcome::error(&e, lang).into_json()),
    }
}

#[napi]
impl Handle {
    /// A handle that shares the connections and the threads, and has its own limits. If that fails,
    /// returns the outcome's JSON.
    #[napi]
    pub fn derive(&self, pairs: Vec<Vec<String>>) -> Either<Handle, String> {
        let lang = lang(&pairs, self.lang);
        match options(&pairs).and_then(|options| self.client.derive(&options)) {
            Ok(client) => {
                let lineage = Lineage::derived_from(&self.lineage);
                Either::A(Handle::new(client, lang, self.pool.clone(), lineage))
            }
            Err(e) => Either::B(Outcome::error(&e, lang).into_json()),
        }
    }

    /// Cancels a call, if it has not ended.
    #[napi]
    pub fn cancel(&self, id: i64) {
        self.pool.cancel(id);
    }

    /// Cancels the calls of this handle, and those of handles that were derived from it at any
    /// depth, also later ones.
    #[napi]
    pub fn close(&self) {
        self.pool.close_handle(&self.lineage);
    }

    /// Whether this handle, or one of those that it was derived from, was closed.
    #[napi(getter)]
    pub fn is_closed(&self) -> bool {
        self.lineage.is_closed()
    }

    /// What the client has done, as an outcome's JSON.
    #[napi]
    pub fn stats(&self) -> String {
        let stats = self.client.stats();
        Outcome::of(stats, self.lang, |s| Outcome::value(s.json())).into_json()
    }

    /// See the core's client.
    #[napi]
    pub fn set_ticket<'env>(
        &self,
        env: &'env Env,
        id: i64,
        ticket: String,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let stored = client.set_ticket(&ticket);
            Outcome::of(stored, lang, |()| Outcome::value(().into()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn add_account<'env>(
        &self,
        env: &'env Env,
        id: i64,
        appid: String,
        refresh_token: String,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let stored = client.add_account(&appid, &refresh_token);
            Outcome::of(stored, lang, |()| Outcome::value(().into()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn accept_push<'env>(
        &self,
        env: &'env Env,
        id: i64,
        query: String,
        body: Buffer,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        // JavaScript may change the buffer during the call.
        let body = body.to_vec();
        self.start(env, id, move |client| {
            let push = client.accept_push(&query, &body);
            Outcome::of(push, lang, |push| Outcome::value(push.json()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn authorization_url<'env>(
        &self,
        env: &'env Env,
        id: i64,
        redirect_uri: String,
        account: Option<String>,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let url = client.authorization_url(&redirect_uri, account.as_deref());
            Outcome::of(url, lang, |url| Outcome::value(url.json()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn accept_authorization<'env>(
        &self,
        env: &'env Env,
        id: i64,
        code: String,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let authorization = client.accept_authorization(&code);
            Outcome::of(authorization, lang, |a| Outcome::value(a.json()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn account_info<'env>(
        &self,
        env: &'env Env,
        id: i64,
        account: String,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let info = client.account_info(&account);
            Outcome::of(info, lang, |info| Outcome::value(info.json()))
        })
    }

    /// See the core's client.
    #[napi]
    pub fn link_miniprogram<'env>(
        &self,
        env: &'env Env,
        id: i64,
        access_token: Option<String>,
        appid: String,
        notify_users: bool,
        show_profile: bool,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        let choices = LinkChoices {
            notify_users,
            show_profile,
        };
        self.start(env, id, move |client| {
            let linked = client.link_miniprogram(access_token.as_deref(), &appid, choices);
            Outcome::of(linked, lang, Outcome::response)
        })
    }

    /// See the core's client.
    #[napi]
    pub fn get_linked<'env>(
        &self,
        env: &'env Env,
        id: i64,
        access_token: Option<String>,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let list = client.get_linked(access_token.as_deref());
            Outcome::of(list, lang, Outcome::list)
        })
    }

    /// See the core's client.
    #[napi]
    pub fn unlink_miniprogram<'env>(
        &self,
        env: &'env Env,
        id: i64,
        access_token: Option<String>,
        appid: String,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        self.start(env, id, move |client| {
            let unlinked = client.unlink_miniprogram(access_token.as_deref(), &appid);
            Outcome::of(unlinked, lang, Outcome::response)
        })
    }

    /// See the core's client. The wait is in milliseconds.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn ensure_linked<'env>(
        &self,
        env: &'env Env,
        id: i64,
        access_token: Option<String>,
        appid: String,
        notify_users: bool,
        show_profile: bool,
        wait_ms: f64,
    ) -> Result<Object<'env>> {
        let lang = self.lang;
        let (choices, wait) = (
            LinkChoices {
                notify_users,
                show_profile,
            },
            milliseconds(wait_ms),
        );
        self.start(env, id, move |client| {
            let token = access_token.as_deref();
            Outcome::progress(&client.ensure_linked(token, &appid, choices, wait), lang)
        })
    }

    /// See the core's client. The wait is in milliseconds.
    #[napi]
    pub fn wait_linked<'env>(
        &self,
        env: &'env Env,
        id: i64,
        access_token: Option<String>,
        appid_or_gh_id: String,
        wait_ms: f64,
    ) -> Result<Object<'env>> {
        let (lang, wait) = (self.lang, milliseconds(wait_ms));
        self.start(env, id, move |client| {
            let token = access_token.as_deref();
            Outcome::progress(&client.wait_linked(token, &appid_or_gh_id, wait), lang)
        })
    }
}
