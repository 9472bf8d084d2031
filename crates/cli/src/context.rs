//! What every subcommand that calls WeChat works with: the settings, the output and the clients.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wxlink::{Client, Error, Options};

use crate::error::CommandError;
use crate::interrupt;
use crate::output::Output;
use crate::settings::Settings;
use crate::state;

/// A run of a subcommand.
pub(crate) struct Context<'a> {
    pub settings: Settings,
    pub out: &'a Output,
    /// Every client of the run.
    clients: Mutex<Vec<Client>>,
}

/// How long token fetches and accesses to the store may still take at the end before the user is
/// notified of the wait. A busy disk takes a part of a second.
const SILENT_WAIT: Duration = Duration::from_secs(2);

impl<'a> Context<'a> {
    pub fn new(settings: Settings, out: &'a Output) -> Context<'a> {
        Context {
            settings,
            out,
            clients: Mutex::default(),
        }
    }

    /// A client with the options of the settings, for calls without an access token of their own.
    /// An interrupt cancels its calls.
    pub fn client(&self) -> Result<Client, CommandError> {
        if !self.settings.has_token_source() {
            return Err(CommandError::usage(self.settings.no_token_source()));
        }
        Ok(self.client_with(self.settings.options())?)
    }

    /// The same for calls that post: unless the option `store` is set, other runs of the command
    /// share its link claims.
    pub fn posting_client(&self) -> Result<Client, CommandError> {
        if !self.settings.has_token_source() {
            return self.client();
        }
        Ok(self.client_with(&self.posting_options()?)?)
    }

    /// The options for calls that post: with the store that other runs of the command share, unless
    /// the option `store` is set.
    pub fn posting_options(&self) -> Result<Options, CommandError> {
        let settings = &self.settings;
        let mut options = settings.options().clone();
        if settings.set().iter().all(|s| s.key != "store") {
            match state::default_store() {
                Ok(store) => {
                    options.set("store", &store)?;
                }
                Err(warning) => self.out.diagnostic(warning.get(self.out.lang())),
            }
        }
        Ok(options)
    }

    /// A client with these options, which need no source of tokens. An interrupt cancels its calls.
    pub fn client_with(&self, options: &Options) -> Result<Client, Error> {
        let client = self.uncancelled_client(options)?;
        let running = client.clone();
        interrupt::on_interrupt(move || running.cancel());
        Ok(client)
    }

    /// A client whose calls an interrupt does not cancel.
    pub fn uncancelled_client(&self, options: &Options) -> Result<Client, Error> {
        let client = Client::new(options)?;
        let (log, lang) = (self.out.log(), self.out.lang());
        if log.is_verbose() {
            client.observe_attempts(move |endpoint, attempt| log.attempt(endpoint, attempt, lang));
        }
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push(client.clone());
        Ok(client)
    }

    /// Waits for token fetches in progress, for at most `timeout_ms` for each client. WeChat may
    /// have replaced the refresh token by then; without storing the new one, the account would be
    /// lost. Call this after all other work.
    pub fn finish_token_fetches(&self) {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        for client in clients.iter() {
            let is_silent = self.out.is_json() || client.finish_token_fetches(SILENT_WAIT);
            if !is_silent {
                // The first one cancels calls, the second one ends the process.
                self.out.note(if interrupt::is_interrupted() {
                    self.text(
                        "Waiting until what WeChat answers is stored; press Ctrl-C again to exit \
                         immediately.",
                        "正在等待微信返回的内容保存完毕；再次按 Ctrl-C 可立即退出。",
                    )
                } else {
                    self.text(
                        "Waiting until what WeChat answers is stored; press Ctrl-C twice to exit \
                         immediately.",
                        "正在等待微信返回的内容保存完毕；连按两次 Ctrl-C 可立即退出。",
                    )
                });
            }
            client.finish_token_fetches(client.timeout());
        }
    }

    /// The text in the language of this run.
    pub fn text(&self, en: &'static str, zh: &'static str) -> &'static str {
        self.out.text(en, zh)
    }
}
