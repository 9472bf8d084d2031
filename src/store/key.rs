//! The parts of keys.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::host::Host;

/// The characters that RFC 3986 reserves. An encoded id contains no ':'.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where accounts and links exist: a simulator's origin, or "production". It is a part of every
/// key, so that nothing of a simulator is used in production.
pub(crate) fn realm(hosts: &[Host]) -> String {
    match hosts.first().filter(|host| host.is_loopback()) {
        Some(simulator) => simulator.origin.clone(),
        None => "production".into(),
    }
}

/// Encodes an id as a part of a key.
pub(crate) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, ENCODED).to_string()
}

/// The SHA-256 of a secret in hexadecimal, as a part of a key.
pub(crate) fn sha256(secret: &str) -> String {
    hexadecimal(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref())
}

/// Writes bytes in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_other_programs() {
        // printf abc | sha256sum
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
    }
}
