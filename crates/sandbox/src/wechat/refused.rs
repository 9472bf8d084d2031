//! The latest calls that were refused, which `rid/get` shows again.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::wechat::errcode::RequestId;

/// How many refused calls can be shown.
const MAX_CALLS: usize = 1000;
/// How many bytes of each body are kept.
const MAX_BODY_BYTES: usize = 4096;

/// The party that a call was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallOwner {
    Platform,
    Account(String),
}

/// A call that was refused.
pub(crate) struct RefusedCall {
    pub(crate) rid: RequestId,
    pub(crate) at_ms: u64,
    /// `None`: its token was unknown, so `rid/get` shows it to no one.
    pub(crate) owner: Option<CallOwner>,
    /// The path and the query.
    pub(crate) target: String,
    pub(crate) body: Bytes,
    pub(crate) response: Bytes,
}

/// The latest calls that were refused.
#[derive(Default)]
pub(crate) struct RefusedCalls(VecDeque<RefusedCall>);

impl RefusedCalls {
    /// The call with this rid.
    pub(crate) fn find(&self, rid: &str) -> Option<&RefusedCall> {
        let mut calls = self.0.iter().rev();
        calls.find(|call| call.rid.to_string() == rid)
    }

    pub(crate) fn add(&mut self, call: RefusedCall) {
        if self.0.len() >= MAX_CALLS {
            self.0.pop_front();
        }
        self.0.push_back(RefusedCall {
            body: call.body.slice(..call.body.len().min(MAX_BODY_BYTES)),
            response: call
                .response
                .slice(..call.response.len().min(MAX_BODY_BYTES)),
            ..call
        });
    }
}
