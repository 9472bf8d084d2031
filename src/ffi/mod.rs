//! The C interface: what `include/wxlink.h` declares, over the core.
//!
//! Each file is one section of the header, in the order of [`build.rs`]; their comments are the
//! header's text, written for C programmers. Here is what they share: how a panic is kept in, and
//! how pointers and texts come in and go out. This module is the only one with unsafe code.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    unsafe_op_in_unsafe_fn
)]
#![allow(non_camel_case_types)]
// The safety rules of all functions are the conventions at the head of wxlink.h.
#![allow(clippy::missing_safety_doc)]

pub mod calls;
pub mod client;
pub mod errcode;
pub mod exec;
mod guard;
pub mod options;
pub mod result;
pub mod status;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use crate::client::Client;
use crate::error::Error;
use crate::model::lang::Lang;
use crate::model::status::Status;

/// A text from C: UTF-8, not NULL. The error names it.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string that stays as it is while the call runs.
unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(wrong(Status::NullPointer, format!("{what} is NULL")));
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes
        .to_str()
        .map_err(|_| wrong(Status::NotUtf8, format!("{what} is not UTF-8")))
}

/// An access token from C. NULL is one only where the client knows a source of tokens.
///
/// # Safety
/// As for [`text`].
unsafe fn token<'a>(client: &Client, token: *const c_char) -> Result<Option<&'a str>, Error> {
    if token.is_null() && client.has_tokens() {
        return Ok(None);
    }
    // SAFETY: the caller vouches for it.
    unsafe { text(token, "access_token") }.map(Some)
}

/// A flag from C: 0 or 1.
fn flag(value: i32, what: &str) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(wrong(
            Status::BadValue,
            format!("{what} must be 0 or 1, not {value}"),
        )),
    }
}

fn wrong(status: Status, what: String) -> Error {
    Error::before_send(status, what, Lang::En)
}
