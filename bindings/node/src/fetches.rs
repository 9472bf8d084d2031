//! The token fetches that the end of the process waits for.
//!
//! A call that was cancelled or timed out leaves its token fetch running. If WeChat replaces a
//! refresh token during that fetch and the process ends before the new one is stored, the account
//! has to authorise the platform again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi_derive::napi;
use wxlink::Client;

static CLIENTS: Mutex<Clients> = Mutex::new(Clients {
    in_use: BTreeMap::new(),
    dropped: Vec::new(),
});

struct Clients {
    /// The clients of existing handles, by the number of the handle.
    in_use: BTreeMap<u64, Client>,
    /// The clients that were still fetching a token when their handle was dropped.
    dropped: Vec<Client>,
}

fn clients() -> MutexGuard<'static, Clients> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.dropped.retain(|client| !is_idle(client));
    clients
}

fn is_idle(client: &Client) -> bool {
    client.finish_token_fetches(Duration::ZERO)
}

/// The registration of a client whose token fetches the end of the process waits for.
pub struct Registered(u64);

impl Registered {
    /// `None` for a client that fetches no tokens.
    pub fn new(client: &Client) -> Option<Registered> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        client.serves_accounts().then(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            clients().in_use.insert(number, client.clone());
            Registered(number)
        })
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut clients = clients();
        let client = clients.in_use.remove(&self.0);
        clients
            .dropped
            .extend(client.filter(|client| !is_idle(client)));
    }
}

/// Waits for running token fetches, at most for the time limit of each client.
#[napi]
pub fn finish_token_fetches() {
    let fetching: Vec<Client> = {
        let clients = clients();
        let all = clients.in_use.values().chain(&clients.dropped);
        all.cloned().collect()
    };
    let started = Instant::now();
    for client in fetching {
        let left = client.timeout().saturating_sub(started.elapsed());
        client.finish_token_fetches(left);
    }
}
