//! WeChat's numbers for the items of its list. The enum and its numbers come from one table.

/// One row of the table of link statuses.
#[derive(Clone, Copy, Debug)]
pub struct LinkStatusEntry {
    /// The link status.
    pub status: LinkStatus,
    /// Its name; the C constant is `WX_LINK_` and this name.
    pub name: &'static str,
    /// What it means, in one sentence: the comment of its constant in every language.
    pub summary: &'static str,
}

/// Makes the enum and its table from the same rows, so that neither can have one the other lacks.
macro_rules! link_statuses {
    ($($code:literal $variant:ident $name:literal $summary:literal)+) => {
        /// WeChat's number for an item of its list. [`LinkState`](crate::LinkState) is what the
        /// library makes of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LinkStatus {
            $(#[doc = $summary] $variant,)+
            /// A number that is not in the table.
            Other(i64),
        }

        /// Every link status that is known, by its number.
        pub static LINK_STATUSES: &[LinkStatusEntry] = &[$(LinkStatusEntry {
            status: LinkStatus::$variant,
            name: $name,
            summary: $summary,
        },)+];

        impl From<i64> for LinkStatus {
            fn from(code: i64) -> LinkStatus {
                match code {
                    $($code => LinkStatus::$variant,)+
                    code => LinkStatus::Other(code),
                }
            }
        }

        impl LinkStatus {
            /// WeChat's number.
            pub const fn code(self) -> i64 {
                match self {
                    $(LinkStatus::$variant => $code,)+
                    LinkStatus::Other(code) => code,
                }
            }
        }
    };
}

link_statuses! {
    // number Variant "NAME" "summary"

    1 Linked "LINKED"
        "The mini program is linked."
    2 AwaitingMiniProgram "AWAITING_MINI_PROGRAM"
        "The mini program's administrator has to agree."
    3 Refused "REFUSED"
        "The mini program's administrator refused."
    12 AwaitingOfficialAccount "AWAITING_OFFICIAL_ACCOUNT"
        "The Official Account's administrator has to agree."
}
