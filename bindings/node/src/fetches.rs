//! The token fetches that the end of the process waits for.
//!
//! A call that was cancelled or timed out leaves its token fetch running. If WeChat replaces a
//! refresh token during that fetch and the process ends before the new one is stored, the account
//! has to authorise the platform again.

use std::time::Instant;

use napi_derive::napi;
use wxlink::Client;

/// Waits for running token fetches, at most for the time limit of each client.
#[napi]
pub fn finish_token_fetches() {
    let started = Instant::now();
    for client in Client::registered() {
        let left = client.timeout().saturating_sub(started.elapsed());
        client.finish_token_fetches(left);
    }
}
