//! WeChat's side: its endpoints, and the state that they read and change.

pub(crate) mod call;
pub(crate) mod component_endpoints;
pub(crate) mod dispatch;
pub(crate) mod errcode;
pub(crate) mod events;
pub(crate) mod link_endpoints;
pub(crate) mod links;
pub(crate) mod messages;
pub(crate) mod platform;
pub(crate) mod push_crypto;
pub(crate) mod push_message;
pub(crate) mod pushes;
pub(crate) mod query;
pub(crate) mod redirect;
pub(crate) mod refused;
pub(crate) mod rid;
pub(crate) mod state;
