//! A text for people, in every language that the command speaks.

use wxlink::{Lang, Text};

/// A text whose language is chosen when it is printed.
pub(crate) struct Message {
    en: String,
    zh: String,
}

impl Message {
    /// The same statement in English and in Chinese.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Message {
        Message {
            en: en.into(),
            zh: zh.into(),
        }
    }

    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Message {
        Message::new(text.en, text.zh)
    }
}

/// A text that is already in the user's language, or that exists in one language only.
impl From<String> for Message {
    fn from(text: String) -> Message {
        Message::new(text.clone(), text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        Message::new(text, text)
    }
}
