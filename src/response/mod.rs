//! Response bytes to meaning: the verdict, the list of linked mini programs, and reading JSON.

pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod reader;
#[allow(clippy::module_inception)]
pub(crate) mod response;
