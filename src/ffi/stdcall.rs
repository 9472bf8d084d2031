//! `wx_exec` for programs on Windows that declare the functions of a DLL as `stdcall`: those in
//! Visual Basic, VBA, PowerBuilder and Delphi.
//!
//! `extern "system"` is `stdcall` on 32-bit x86 and the only calling convention of 64-bit Windows.
//! `build.rs` writes `__stdcall` into the header. The names are exported without decoration
//! (`wx_stdcall_exec` and not `_wx_stdcall_exec@28`), because a `Declare` names them.

use std::borrow::Cow;
use std::ffi::c_char;
use std::num::NonZeroUsize;

use libc::size_t;

use super::exec::{OutBuffer, exec, wx_exec};
use super::float_exceptions::ExceptionsMasked;
use super::guard::guard;
use super::result::out_bytes;
use super::{argument_error, bytes_of_length};
use crate::error::Error;
use crate::model::status::Status;

/// The bytes of a unit of UTF-16.
const UTF16_UNIT_BYTES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// wx_exec for languages on Windows that declare the functions of a DLL as stdcall, and whose texts
/// are bytes. Lengths are 32-bit numbers.
///
/// Parameters:
///   op        as for wx_exec
///   op_len    the length of op in bytes
///   args      as for wx_exec, in UTF-8
///   args_len  the length of args in bytes
///   out       as for wx_exec
///   cap       the size of out in bytes
///   out_len   as for wx_exec
/// Returns: as wx_exec. Floating-point exceptions need not be masked: they are during the call.
/// Ownership: the library keeps none of the buffers.
/// Threads: may be called from several threads at the same time, each with its own buffers.
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn wx_stdcall_exec(
    op: *const c_char,
    op_len: i32,
    args: *const c_char,
    args_len: i32,
    out: *mut c_char,
    cap: i32,
    out_len: *mut i32,
) -> i32 {
    let _masked = ExceptionsMasked::new();
    let [op_len, args_len, cap] = [op_len, args_len, cap].map(size);
    // SAFETY: NULL or a pointer to a length.
    let Some(out_len) = (unsafe { out_len.as_mut() }) else {
        return Status::NullPointer.code();
    };
    let mut len = 0;
    // SAFETY: the caller guarantees the buffers and their lengths; a negative length is refused.
    let status = unsafe { wx_exec(op, op_len, args, args_len, out, cap, &mut len) };
    *out_len = i32::try_from(len).unwrap_or(i32::MAX);
    status
}

/// wx_exec for languages on Windows that declare the functions of a DLL as stdcall, and whose texts
/// are UTF-16: Visual Basic, VBA, Delphi (WideString), PowerBuilder since version 10. Lengths are
/// 32-bit numbers and count units of UTF-16, as Len does in these languages.
///
///     Answer = String$(65536, vbNullChar)
///     Status = wx_stdcall_exec_utf16(StrPtr("list"), 4, StrPtr(Arguments), Len(Arguments), _
///                                    StrPtr(Answer), Len(Answer), Length)
///     Answer = Left$(Answer, Length)
///
/// Parameters:
///   op        as for wx_exec
///   op_len    the length of op in units
///   args      as for wx_exec, in UTF-16
///   args_len  the length of args in units
///   out       as for wx_exec, in UTF-16
///   cap       the size of out in units; at least 512 for link, unlink and ensure
///   out_len   as for wx_exec, in units
/// Returns: as wx_exec, with WX_E_NOT_UTF8 for a text that is not UTF-16. Floating-point exceptions
///   need not be masked: they are during the call.
/// Ownership: the library keeps none of the buffers.
/// Threads: may be called from several threads at the same time, each with its own buffers.
#[cfg(windows)]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn wx_stdcall_exec_utf16(
    op: *const u16,
    op_len: i32,
    args: *const u16,
    args_len: i32,
    out: *mut u16,
    cap: i32,
    out_len: *mut i32,
) -> i32 {
    let _masked = ExceptionsMasked::new();
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a pointer to a length.
            let Some(out_len) = (unsafe { out_len.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *out_len = 0;
            if out.is_null() && cap != 0 {
                return Status::NullPointer.code();
            }
            // SAFETY: the caller guarantees op_len units at op.
            let op = unsafe { utf16_text(op, size(op_len), "op") };
            // SAFETY: the caller guarantees args_len units at args.
            let args = unsafe { utf16_text(args, size(args_len), "args") };
            // SAFETY: the caller guarantees cap units at out.
            let place = unsafe { out_bytes(out.cast(), in_bytes(size(cap))) }.unwrap_or_default();
            let out = OutBuffer {
                place,
                unit_bytes: UTF16_UNIT_BYTES,
                encode: |utf8| {
                    let text = String::from_utf8_lossy(&utf8);
                    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
                },
            };
            let (status, len) = exec(op, args, out);
            *out_len = i32::try_from(len).unwrap_or(i32::MAX);
            status
        },
    )
}

/// A length as the core takes it. A negative one becomes a length that no buffer has.
fn size(len: i32) -> size_t {
    size_t::try_from(len).unwrap_or(size_t::MAX)
}

fn in_bytes(units: size_t) -> size_t {
    units.saturating_mul(UTF16_UNIT_BYTES.get())
}

/// A text argument in UTF-16. It is read byte by byte, since hosts may pass an odd address.
///
/// # Safety
/// `text` is NULL or points to `len` units that are not modified during the call.
unsafe fn utf16_text<'a>(text: *const u16, len: size_t, name: &str) -> Result<Cow<'a, str>, Error> {
    if len == 0 {
        return Ok(Cow::Borrowed(""));
    }
    // SAFETY: the caller guarantees it.
    let bytes = unsafe { bytes_of_length(text.cast(), in_bytes(len), name) }?;
    let units = bytes.chunks_exact(UTF16_UNIT_BYTES.get());
    let units = units.filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(Cow::Owned)
        .map_err(|_| argument_error(Status::NotUtf8, format!("{name} is not UTF-16")))
}
