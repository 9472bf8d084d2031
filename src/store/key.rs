//! The parts of keys.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that RFC 3986 reserves. An encoded id contains no ':'.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes an id as a part of a key.
pub(crate) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, ENCODED).to_string()
}
