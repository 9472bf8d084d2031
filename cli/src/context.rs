//! What a subcommand works with.

use wxlink::{Client, Options};

use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use crate::settings::Settings;

/// Settings and output.
pub(crate) struct Context<'a> {
    pub settings: Settings,
    pub out: &'a Output,
}

impl<'a> Context<'a> {
    pub fn new(settings: Settings, out: &'a Output) -> Context<'a> {
        Context { settings, out }
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
        let client = Client::new(options)?;
        let running = client.clone();
        interrupt::call_back(move || running.cancel());
        Ok(client)
    }

    /// A text in the language of the settings.
    pub fn told(&self, en: &'static str, zh: &'static str) -> &'static str {
        wxlink::Text { en, zh }.get(self.settings.lang())
    }
}
