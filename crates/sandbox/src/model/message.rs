//! Texts for people, in English and in Chinese.

use std::fmt;

/// The language of help and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// The language that the environment asks for: `WXLINK_LANG`, or else the locale, which is the
    /// first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is not empty.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(value_of: impl Fn(&str) -> Option<String>) -> Self {
        let mut values = ["WXLINK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(value_of);
        let value = values.find(|value| !value.is_empty()).unwrap_or_default();
        match value.split(['_', '.', '@', '-']).next() {
            Some("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

/// A text in both languages. `Display` shows the English one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) en: String,
    pub(crate) zh: String,
}

impl Message {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: zh.into(),
        }
    }

    /// The message about a part of what was checked, which both languages name alike.
    pub(crate) fn in_part(&self, part: impl fmt::Display) -> Self {
        Self::new(
            format!("{part}: {}", self.en),
            format!("{part}：{}", self.zh),
        )
    }

    pub(crate) fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

impl From<&str> for Message {
    /// The same text in both languages.
    fn from(text: &str) -> Self {
        Self::new(text, text)
    }
}

impl From<String> for Message {
    /// The same text in both languages.
    fn from(text: String) -> Self {
        Self::new(text.clone(), text)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.en)
    }
}

impl std::error::Error for Message {}

/// The error for a number that is too large.
pub(crate) fn at_most(field: &str, most: impl fmt::Display) -> Message {
    message!("`{field}` is at most {most}", "`{field}` 最多为 {most}")
}

/// The error for a field that is empty.
pub(crate) fn not_empty(field: &str) -> Message {
    message!("`{field}` must not be empty", "`{field}` 不能为空")
}

/// A [`Message`] from an English and a Chinese format string.
macro_rules! message {
    ($en:literal, $zh:literal) => {
        $crate::model::message::Message::new(format!($en), format!($zh))
    };
}

pub(crate) use message;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_not_empty_decides() {
        let lang = |set: &[(&str, &str)]| {
            Lang::from_variables(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(lang(&[]), Lang::En);
        assert_eq!(lang(&[("LANG", "zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(lang(&[("LC_ALL", ""), ("LANG", "zh")]), Lang::Zh);
        assert_eq!(lang(&[("LC_ALL", "C"), ("LANG", "zh_CN")]), Lang::En);
        assert_eq!(lang(&[("WXLINK_LANG", "en"), ("LANG", "zh")]), Lang::En);
        assert_eq!(lang(&[("WXLINK_LANG", "zh"), ("LC_ALL", "C")]), Lang::Zh);
    }
}
