//! What the simulator simulates, as plain data: accounts, mini programs, tokens, administrators and
//! time.
//!
//! This layer knows neither WeChat's protocol nor HTTP, and imports nothing from the layers above.

pub(crate) mod clock;
pub(crate) mod demo;
pub(crate) mod endpoint;
pub(crate) mod escapes;
pub(crate) mod message;
pub(crate) mod one_key;
pub(crate) mod policy;
pub(crate) mod push;
pub(crate) mod random;
pub(crate) mod secret_names;
pub(crate) mod secrets;
pub(crate) mod tokens;
pub(crate) mod web_url;
pub(crate) mod world;
