//! Whether a request may have reached WeChat. The enum, its numbers and its words come from one
//! table.

/// One row of the table of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryEntry {
    /// The delivery.
    pub delivery: Delivery,
    /// Its name; the C constant is `WX_DELIVERY_` and this name.
    pub name: &'static str,
    /// The word used in traces and JSON.
    pub word: &'static str,
    /// What it means, in one sentence: the comment of its constant in every language.
    pub summary: &'static str,
}

/// Makes the enum and its table from the same rows, so that neither can have one the other lacks.
macro_rules! deliveries {
    ($($code:literal $variant:ident $name:literal $word:literal $summary:literal)+) => {
        /// Whether WeChat may have received the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum Delivery {
            $(#[doc = $summary] $variant = $code,)+
        }

        /// Every delivery, by its number.
        pub static DELIVERIES: &[DeliveryEntry] = &[$(DeliveryEntry {
            delivery: Delivery::$variant,
            name: $name,
            word: $word,
            summary: $summary,
        },)+];

        impl Delivery {
            /// The word used in traces and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Delivery::$variant => $word,)+
                }
            }
        }
    };
}

deliveries! {
    // number Variant "NAME" "word" "summary"

    0 NeverSent "NEVER_SENT" "never sent"
        "Nothing was sent: calling again cannot do anything twice."
    1 Unknown "UNKNOWN" "unknown"
        "The request was sent, but no answer came from WeChat: read the list before calling again."
    2 Answered "ANSWERED" "answered"
        "WeChat answered with an errcode, which is the outcome of the request."
}

impl Delivery {
    /// The number of the C interface.
    pub const fn code(self) -> i32 {
        self as i32
    }
}
