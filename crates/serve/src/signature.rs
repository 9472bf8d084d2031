//! The signature of a forwarded event, which proves to its receiver that this service sent it.

use ring::hmac;

/// The lower-case hexadecimal HMAC-SHA-256 of `timestamp`, a full stop and `body`.
pub(crate) fn sign(secret: &str, timestamp: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{timestamp}.").as_bytes());
    context.update(body);
    let tag = context.sign();
    tag.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    /// Computed with Python's hmac module.
    #[test]
    fn the_signature_covers_time_and_body() {
        let signature = super::sign("secret", 1_700_000_000, b"{\"a\":1}");
        assert_eq!(
            signature,
            "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
    }
}
