//! Parses the bytes of a response: WeChat's errcode, the list of mini programs, and the JSON
//! itself.

pub(crate) mod fields;
pub(crate) mod items;
mod json;
pub(crate) mod list;
pub(crate) mod reader;
pub(crate) mod repair;
#[allow(clippy::module_inception)]
pub(crate) mod response;
