//! The vocabulary: plain data about WeChat's endpoints, statuses, errcodes and attempts. Imports no
//! other module of the library.

pub(crate) mod attempt;
pub(crate) mod delivery;
pub(crate) mod endpoint;
pub mod errcode;
pub(crate) mod failure;
mod io_reason;
pub(crate) mod lang;
pub(crate) mod link_status;
pub(crate) mod message;
pub(crate) mod status;
