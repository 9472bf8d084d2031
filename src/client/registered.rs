//! The clients of a language whose processes end without dropping them.
//!
//! Such a process waits for their token fetches at its end: see [`Client::finish_token_fetches`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::client::Client;
use crate::sys::lock::lock;

static CLIENTS: Mutex<Clients> = Mutex::new(Clients {
    in_use: BTreeMap::new(),
    dropped: Vec::new(),
});

struct Clients {
    /// By the number of the registration.
    in_use: BTreeMap<u64, Client>,
    /// The clients that were still fetching a token when their registration was dropped.
    dropped: Vec<Client>,
}

/// As long as this exists, [`Client::registered`] returns the client; longer if it is fetching a
/// token then.
pub struct ClientRegistration(u64);

impl Client {
    /// Registers the client; `None` if it fetches no tokens.
    #[doc(hidden)]
    pub fn register(&self) -> Option<ClientRegistration> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.serves_accounts().then(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            clients().in_use.insert(number, self.clone());
            ClientRegistration(number)
        })
    }

    /// The registered clients.
    #[doc(hidden)]
    pub fn registered() -> Vec<Client> {
        let clients = clients();
        let all = clients.in_use.values().chain(&clients.dropped);
        all.cloned().collect()
    }
}

impl Drop for ClientRegistration {
    fn drop(&mut self) {
        let mut clients = clients();
        let client = clients.in_use.remove(&self.0);
        clients
            .dropped
            .extend(client.filter(|client| !is_idle(client)));
    }
}

fn clients() -> MutexGuard<'static, Clients> {
    let mut clients = lock(&CLIENTS);
    clients.dropped.retain(|client| !is_idle(client));
    clients
}

fn is_idle(client: &Client) -> bool {
    client.finish_token_fetches(Duration::ZERO)
}
