//! A sandbox with as many accounts and mini programs as a test wants.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use wxlink::{Client, Options};
use wxlink_sandbox::{Sandbox, Settings};

pub fn account(n: usize) -> String {
    format!("wx0a{n:014x}")
}

pub fn appid(n: usize) -> String {
    format!("wx0b{n:014x}")
}

/// A platform's sandbox, and a folder.
pub struct World {
    pub sandbox: Sandbox,
    pub dir: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl World {
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
        let dir = std::env::temp_dir().join(format!("wxlink-bulk-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        World { sandbox, dir }
    }

    pub fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.sandbox.admin(method, path, &body).unwrap()
    }

    /// Links, lists received.
    pub fn received(&self) -> (u64, u64) {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        let of = |what: &str| counts["received"][what].as_u64().unwrap();
        (of("link"), of("get"))
    }

    pub fn client(&self) -> Client {
        self.client_of("memory")
    }

    /// A client whose platform keeps its tokens there, its ticket put.
    pub fn client_of(&self, store: &str) -> Client {
        let client = client(self.sandbox.http_url(), store);
        client.set_ticket("TICKET").unwrap();
        client
    }
}

/// The platform's client, as it starts.
pub fn client(url: &str, store: &str) -> Client {
    let mut options = Options::new();
    for (key, value) in [
        ("base_url", url),
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "SECRET"),
        ("store", store),
        ("timeout_ms", "3000"),
    ] {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}
