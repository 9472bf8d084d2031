//! [`Message`]: a text for people that is made at run time, in every language.

use std::fmt;

use super::lang::{Lang, Text};

/// One message in every language. `Display` shows the English text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    en: String,
    zh: String,
}

impl Message {
    /// A message from its English and its Chinese text.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Message {
        Message {
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// The text in `lang`.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }

    /// This as the reason why something failed: `en` and `zh` describe what.
    #[must_use]
    pub fn after(&self, en: impl fmt::Display, zh: impl fmt::Display) -> Message {
        Message::new(format!("{en}: {}", self.en), format!("{zh}：{}", self.zh))
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.en.is_empty()
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Message {
        Message::new(text.en, text.zh)
    }
}

impl From<&str> for Message {
    /// The same text in every language.
    fn from(text: &str) -> Message {
        Message::new(text, text)
    }
}

impl From<String> for Message {
    /// The same text in every language.
    fn from(text: String) -> Message {
        Message::new(text.clone(), text)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// A [`Message`] from an English and a Chinese format string.
macro_rules! message {
    ($en:literal, $zh:literal) => {
        $crate::model::message::Message::new(format!($en), format!($zh))
    };
}

pub(crate) use message;
