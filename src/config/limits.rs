//! The limits of a call, and of the texts that callers pass in.

use std::time::Duration;

use crate::model::lang::Lang;

/// The longest access token that is accepted, in bytes. WeChat asks callers to reserve 512.
pub const MAX_TOKEN_BYTES: usize = 4096;
/// The longest appid that is accepted, in bytes. WeChat's appids have 18.
pub const MAX_APPID_BYTES: usize = 256;

/// The settings that a derived client may change.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_retries: u32,
    /// How long a link claim stands after a post; zero if claims are switched off.
    pub settle: Duration,
    /// Whether a mini program whose invitation vanished is invited again.
    pub reinvite: bool,
    pub lang: Lang,
}
