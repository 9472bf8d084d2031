//! What a subcommand works with.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wxlink::{Client, Options};

use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use crate::settings::Settings;

/// Settings and output.
pub(crate) struct Context<'a> {
    pub settings: Settings,
    pub out: &'a Output,
    /// Every client of the run.
    clients: Mutex<Vec<Client>>,
}

/// A token that is being fetched for longer than this is announced to who waits at a terminal.
const QUIET: Duration = Duration::from_millis(300);

impl<'a> Context<'a> {
    pub fn new(settings: Settings, out: &'a Output) -> Context<'a> {
        Context {
            settings,
            out,
            clients: Mutex::default(),
        }
    }

    /// The client the settings describe, for calls without an access token. Ctrl-C cancels it.
    pub fn client(&self) -> Result<Client, Failure> {
        if !self.settings.names_tokens() {
            return Err(Failure::Usage(self.settings.no_tokens().to_owned()));
        }
        self.client_with(self.settings.options())
    }

    /// A client of other options, which need no source of tokens. Ctrl-C cancels it.
    pub fn client_with(&self, options: &Options) -> Result<Client, Failure> {
        let client = self.client_for_long(options)?;
        let running = client.clone();
        interrupt::call_back(move || running.cancel());
        Ok(client)
    }

    /// A client whose calls Ctrl-C does not cancel.
    pub fn client_for_long(&self, options: &Options) -> Result<Client, Failure> {
        let client = Client::new(options)?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.push(client.clone());
        Ok(client)
    }

    /// Waits for access tokens that are being fetched, each client's for at most its time limit: a
    /// new refresh token that WeChat has handed out and nobody stored would be lost. To be called
    /// last.
    pub fn finish_token_fetches(&self) {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        for client in clients.iter() {
            let is_quiet = self.out.is_json() || client.finish_token_fetches(QUIET);
            if !is_quiet {
                self.out.note(self.told(
                    "Waiting for an access token that is being renewed; a second Ctrl-C ends this at once.",
                    "正在等待 access_token 刷新完成；再次按 Ctrl-C 立即结束。",
                ));
            }
            client.finish_token_fetches(client.timeout());
        }
    }

    /// A text in the language of the settings.
    pub fn told(&self, en: &'static str, zh: &'static str) -> &'static str {
        wxlink::Text { en, zh }.get(self.settings.lang())
    }
}
