//! Whether a request may have reached WeChat.

/// Whether WeChat may have seen the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
pub enum Delivery {
    /// Nothing was sent: calling again cannot do anything twice.
    NeverSent = 0,
    /// It was sent and no verdict came back: WeChat may or may not have acted on it.
    Unknown = 1,
    /// WeChat answered.
    Answered = 2,
}

impl Delivery {
    /// The number of the C interface.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The name used in traces and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Delivery::NeverSent => "never sent",
            Delivery::Unknown => "unknown",
            Delivery::Answered => "answered",
        }
    }
}
