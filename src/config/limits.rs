//! What limits a call, and the longest texts that are accepted.

use std::time::Duration;

use crate::model::lang::Lang;

/// The longest access token taken (bytes). WeChat asks to allow for 512.
pub const MAX_TOKEN_BYTES: usize = 4096;
/// The longest appid taken (bytes). WeChat's have 18.
pub const MAX_APPID_BYTES: usize = 256;

/// What a derived handle may have otherwise than the client it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_retries: u32,
    pub lang: Lang,
}
