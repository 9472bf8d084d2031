//! Messages for people, in every language that the command speaks.

use std::fmt;

use wxlink::{Lang, Text};
pub(crate) use wxlink_bulk::Message;

/// The text in `lang`.
pub(crate) const fn text(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    Text { en, zh }.get(lang)
}

/// Why an argument has no valid value. As an error, which clap reports, it is English; Chinese
/// reports take the message.
#[derive(Debug)]
pub(crate) struct InvalidValue(pub Message);

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(Lang::En))
    }
}

impl std::error::Error for InvalidValue {}
