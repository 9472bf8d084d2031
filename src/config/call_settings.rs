//! The options that apply to each call, and not to the connections.

use std::time::Duration;

use crate::model::lang::Lang;

/// The options that apply to each call of a client. A derived client may have its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSettings {
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_retries: u32,
    /// How long a link claim stands after a post; zero if claims are switched off.
    pub settle: Duration,
    /// Whether a mini program whose invitation vanished is invited again.
    pub reinvite: bool,
    pub lang: Lang,
}
