//! A simulator with as many accounts and mini programs as a test needs.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use wxlink::{Client, Options};
use wxlink_sandbox::{Sandbox, Settings};

use crate::environment::scratch;

/// The appid of an Official Account, numbered from 1.
pub fn account(n: usize) -> String {
    format!("wx0a{n:014x}")
}

/// The appid of a mini program, numbered from 1.
pub fn appid(n: usize) -> String {
    format!("wx0b{n:014x}")
}

/// How many requests a simulator received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Links posted.
    pub links: u64,
    /// Lists read.
    pub lists: u64,
}

/// A simulator with a third-party platform, and a folder that is removed at the end.
pub struct World {
    /// The simulator.
    pub sandbox: Sandbox,
    /// The folder.
    pub dir: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl World {
    /// Starts a simulator. The platform is authorised by all accounts. `name` is part of the
    /// folder's name.
    pub fn new(name: &str, accounts: usize, apps: usize) -> World {
        let sandbox = Sandbox::start(Settings::default()).unwrap();
        let each = |n: usize, f: &dyn Fn(usize) -> (String, Value)| -> Value {
            (1..=n).map(f).collect::<Map<_, _>>().into()
        };
        let refresh = |n| json!({"refresh_token": format!("REFRESH-{n}")});
        let world = json!({
            "accounts": each(accounts, &|n| (account(n), json!({"subject": "s"}))),
            "miniprograms": each(apps, &|n| (appid(n), json!({"subject": "s"}))),
            "tokens": {},
            "component": {
                "appid": "wx0c00000000000001", "appsecret": "SECRET", "ticket": "TICKET",
                "authorizers": each(accounts, &|n| (account(n), refresh(n))),
            },
        });
        sandbox.admin("POST", "reset", &world).unwrap();
        // If the tests are killed, the next run replaces it.
        let dir = scratch(&format!("world-{name}"));
        World { sandbox, dir }
    }

    /// Calls the simulator's admin interface.
    pub fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.sandbox.admin(method, path, &body).unwrap()
    }

    /// How many requests the simulator received.
    pub fn received(&self) -> Received {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        let received = |endpoint: &str| counts["received"][endpoint].as_u64().unwrap();
        Received {
            links: received("link"),
            lists: received("get"),
        }
    }

    /// A client of the platform that keeps its tokens in memory.
    pub fn client(&self) -> Client {
        self.client_with_store("memory")
    }

    /// A client of the platform that keeps its tokens in this store. The ticket is set.
    pub fn client_with_store(&self, store: &str) -> Client {
        let client = client(self.sandbox.http_url(), store);
        client.set_ticket("TICKET").unwrap();
        client
    }
}

/// A client of the platform, without a ticket.
pub fn client(url: &str, store: &str) -> Client {
    let mut options = Options::new();
    for (key, value) in [
        ("base_url", url),
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "SECRET"),
        ("store", store),
        ("timeout_ms", "3000"),
        // Shorter than the pause before an account is leased again.
        ("settle_ms", "500"),
    ] {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}
