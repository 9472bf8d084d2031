//! Faults on demand: what can fail, for which requests, and how often.
//!
//! A test builds a [`FaultRule`] around a [`Fault`], or sends the same as JSON to
//! `POST /__sandbox/faults`.

pub(crate) mod active;
pub(crate) mod apply;
pub(crate) mod fault;
pub(crate) mod gzip_bomb;
pub(crate) mod plan;
pub(crate) mod rule;
pub(crate) mod script;

pub use self::fault::{
    CustomBody, Cut, Depth, DropKind, Errcode, Fault, HtmlPage, Redirect, Size, Slow,
};
pub use self::rule::{FaultRule, Listener, Phase, Target};
pub use crate::model::push::PushFault;
