//! Messages for people, each in English and in Chinese.

pub use wxlink::Message;

/// A [`Message`] from an English and a Chinese format string.
macro_rules! message {
    ($en:literal, $zh:literal) => {
        $crate::message::Message::new(format!($en), format!($zh))
    };
}

pub(crate) use message;
