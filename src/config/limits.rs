//! The limits of the texts that callers pass in.

/// The longest access token that is accepted, in bytes. WeChat asks callers to reserve 512.
pub const MAX_TOKEN_BYTES: usize = 4096;
/// The longest appid that is accepted, in bytes. WeChat's appids have 18.
pub const MAX_APPID_BYTES: usize = 256;
