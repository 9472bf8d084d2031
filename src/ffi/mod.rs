//! The C interface: the functions that `include/wxlink.h` declares, over the core's Rust API.
//!
//! Each file is one section of the header, in the order that `build.rs` gives. The doc comments of
//! public items become the header's text, so they are written for C programmers. This file converts
//! arguments, and `guard.rs` catches panics. Only `ffi` and `sys` contain unsafe code.

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
// The doc comments are C header text, not Markdown.
#![allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_rust_codeblocks
)]
// The conventions at the top of the header (in cbindgen.toml) are the safety rules of all
// functions.
#![allow(clippy::missing_safety_doc)]

pub mod authorization;
pub mod calls;
pub mod client;
pub mod errcode;
pub mod exec;
#[cfg(all(windows, any(target_arch = "x86", target_arch = "x86_64")))]
mod float_exceptions;
mod guard;
pub mod list;
mod list_texts;
pub mod options;
pub mod result;
mod result_items;
pub mod status;
#[cfg(all(windows, any(target_arch = "x86", target_arch = "x86_64")))]
pub mod stdcall;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use libc::size_t;

use crate::client::Client;
use crate::error::Error;
use crate::model::lang::Lang;
use crate::model::status::Status;

/// A text argument. The error names the argument if it is NULL or not UTF-8.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string that is not modified during the call.
unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(argument_error(
            Status::NullPointer,
            format!("{name} is NULL"),
        ));
    }
    // SAFETY: not NULL, and the caller guarantees the rest.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes
        .to_str()
        .map_err(|_| argument_error(Status::NotUtf8, format!("{name} is not UTF-8")))
}

/// The bytes of an argument with an explicit length.
///
/// # Safety
/// `bytes` is NULL or points to `len` bytes that are not modified during the call.
unsafe fn bytes_of_length<'a>(
    bytes: *const c_char,
    len: size_t,
    name: &str,
) -> Result<&'a [u8], Error> {
    if bytes.is_null() {
        return Err(argument_error(
            Status::NullPointer,
            format!("{name} is NULL"),
        ));
    }
    if isize::try_from(len).is_err() {
        return Err(argument_error(
            Status::BadValue,
            format!("{name}_len is out of range"),
        ));
    }
    // SAFETY: not NULL, and the caller guarantees len bytes.
    Ok(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), len) })
}

/// An access token argument. NULL is valid only if the client has a token source.
///
/// # Safety
/// As for [`text`].
unsafe fn token<'a>(client: &Client, token: *const c_char) -> Result<Option<&'a str>, Error> {
    if token.is_null() && client.has_token_source() {
        return Ok(None);
    }
    // SAFETY: the caller guarantees it.
    unsafe { text(token, "access_token") }.map(Some)
}

/// A flag argument: 0 or 1.
fn flag(value: i32, name: &str) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(argument_error(
            Status::BadValue,
            format!("{name} must be 0 or 1, not {value}"),
        )),
    }
}

/// An error found before the client is used. The caller replaces the language by the client's.
fn argument_error(status: Status, detail: String) -> Error {
    Error::before_send(status, detail, Lang::En)
}
