//! What a caller may set. Each text is parsed once, into a type.

pub(crate) mod host;
pub(crate) mod limits;
pub(crate) mod options;
pub(crate) mod proxy;
pub(crate) mod store_url;
