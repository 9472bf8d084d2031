//! The options a caller sets. Each text is parsed once, into a type.

pub(crate) mod call_settings;
pub(crate) mod host;
pub(crate) mod limits;
pub(crate) mod options;
pub(crate) mod proxy;
pub(crate) mod push_keys;
pub(crate) mod secret_text;
pub(crate) mod store_url;
