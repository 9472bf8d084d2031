//! Two instances of `wxlink serve` share a store and are killed at random moments, while WeChat
//! pushes tickets and authorisations to either of them through a relay.
//!
//! Many times in a story both instances are killed, and a client that has just been made uses their
//! store:
//! - the ticket in the store is one that was answered with `success`, or a later one;
//! - an account whose event was answered with `success` can be used, without another event.
//!
//! `make serve-kills` makes 10,000 pushes for each store. `WXLINK_SERVE_PUSHES` sets their number,
//! and `WXLINK_SERVE_SEED` the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use wxlink::{Client, Options};
use wxlink_sandbox::{Sandbox, Settings};
use wxlink_testkit::push::Pusher;
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::account;

use super::common::{admin, platform, scratch};
use super::random::Random;
use super::relay::Relay;

/// How many pushes WeChat makes in a story.
const PUSHES: u64 = 500;
/// How often the store is checked before the end.
const CHECKS: u64 = 4;
/// How many pushes wait for an answer at the same time.
const MAX_PENDING: u64 = 16;
/// How many accounts a client uses at the same time.
const THREADS: usize = 8;
/// The lifetime of a ticket (s).
const TICKET_LIFETIME_S: u64 = 43_200;
/// For what takes a second at most.
const LIMIT: Duration = Duration::from_secs(120);

/// What a push contains.
#[derive(Clone, Copy, Debug)]
enum Content {
    /// An index of `Story::tickets`.
    Ticket(usize),
    /// The number of an account.
    Authorization(usize),
}

/// A running `wxlink serve`.
struct Instance {
    process: Child,
    /// Reads the address.
    reader: JoinHandle<()>,
}

/// What has happened.
#[derive(Debug, Default)]
struct Figures {
    pushes: u64,
    /// How often pushes were sent, the first time included.
    tries: u64,
    kills: u64,
    /// Tries of pushes that a kill interrupted.
    interrupted: u64,
    successes: u64,
    /// How long an instance took for a push at most (ms).
    longest_ms: u64,
}

struct Story {
    sandbox: Sandbox,
    store: String,
    dir: PathBuf,
    /// The logs of all instances, in the order of their starts.
    logs: Vec<PathBuf>,
    relay: Relay,
    instances: [Option<Instance>; 2],
    random: Random,
    /// How many accounts there are.
    accounts: usize,
    /// All tickets, the oldest first.
    tickets: Vec<String>,
    contents: BTreeMap<u64, Content>,
    /// The latest number in the journal of pushes, and the push that it belongs to.
    journal_seq: u64,
    last_push: Option<u64>,
    /// Of the pushes that were answered with `success`: the latest ticket, the accounts, and those
    /// of them that a client has not used yet.
    stored_ticket: Option<usize>,
    stored_accounts: BTreeSet<usize>,
    unchecked_accounts: BTreeSet<usize>,
    answered: BTreeSet<u64>,
    figures: Figures,
}

impl Drop for Story {
    fn drop(&mut self) {
        for instance in self.instances.iter_mut().flatten() {
            let _ = instance.process.kill();
            let _ = instance.process.wait();
        }
        if thread::panicking() {
            self.print_state();
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect(name))
}

/// Plays a story over this store.
fn play(name: &str, store: Option<String>) {
    let seed = number("WXLINK_SERVE_SEED", 1);
    let pushes = number("WXLINK_SERVE_PUSHES", PUSHES);
    println!("repeat it with WXLINK_SERVE_SEED={seed} WXLINK_SERVE_PUSHES={pushes}");
    let mut story = Story::start(name, store, seed, pushes);
    for step in 1..=pushes {
        story.push();
        if story.random.one_in(20) {
            story.kill_and_restart();
        }
        story.wait_for_pushes(MAX_PENDING);
        if step % (pushes / (CHECKS + 1)).max(1) == 0 {
            // The other accounts are left to the instances.
            story.check_store(|number| number % 2 == 0);
            story.start_instance(0);
            story.start_instance(1);
        }
    }
    story.wait_for_pushes(0);
    story.unchecked_accounts = story.stored_accounts.clone();
    story.check_store(|_| true);
    story.check_logs();
    story.figures.pushes = story.contents.len() as u64;
    story.figures.tries = story.journal_seq;
    println!("{:?}", story.figures);
    assert!(story.figures.kills > 0 && story.figures.interrupted > 0);
    // A push is given up after ten tries.
    let unanswered = story.contents.len() - story.answered.len();
    assert!(unanswered * 20 <= story.contents.len(), "{unanswered}");
}

impl Story {
    fn start(name: &str, store: Option<String>, seed: u64, pushes: u64) -> Story {
        let dir = scratch(&format!("serve-kills-{name}"));
        let sandbox = Sandbox::start(Settings::default()).unwrap();
        let accounts = usize::try_from(pushes / 8 + 1).unwrap();
        for number in 1..=accounts {
            let path = format!("accounts/{}", new_account(number));
            admin(&sandbox, "PUT", &path, json!({}));
        }
        let mut random = Random::new(seed);
        let relay = Relay::start(random.split());
        let settings = json!({
            "url": format!("http://{}/push", relay.address),
            "token": Pusher::TOKEN,
            "aes_key": Pusher::AES_KEY,
            "ticket_every_s": 0,
            "tries": 10,
            "retry_after_ms": 50,
        });
        admin(&sandbox, "PUT", "component/push", settings);
        let mut story = Story {
            store: store.unwrap_or_else(|| format!("file:{}", dir.join("store").display())),
            sandbox,
            dir,
            logs: Vec::new(),
            relay,
            instances: [None, None],
            random,
            accounts,
            tickets: Vec::new(),
            contents: BTreeMap::new(),
            journal_seq: 0,
            last_push: None,
            stored_ticket: None,
            stored_accounts: BTreeSet::new(),
            unchecked_accounts: BTreeSet::new(),
            answered: BTreeSet::new(),
            figures: Figures::default(),
        };
        story.start_instance(0);
        story.start_instance(1);
        story
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        admin(&self.sandbox, method, path, body)
    }

    /// Starts an instance. The relay uses it once it listens.
    fn start_instance(&mut self, index: usize) {
        let arguments = ["serve", "--public-url", "http://localhost", "--json"];
        let mut command = platform(&self.sandbox, &self.dir, &arguments);
        let log_path = self.dir.join(format!("log-{index}-{}", self.logs.len()));
        let log = File::create(&log_path).unwrap();
        self.logs.push(log_path);
        let mut process = command
            .args(["--listen", "127.0.0.1:0"])
            .env("WXLINK_STORE", &self.store)
            .env("WXLINK_PUSH_TOKEN", Pusher::TOKEN)
            .env("WXLINK_PUSH_AES_KEY", Pusher::AES_KEY)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let set = self.relay.setter(index);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            // The line is empty if the instance is killed before it listens.
            if stdout.read_line(&mut line).is_ok_and(|length| length > 0) {
                let ready: Value = serde_json::from_str(&line).unwrap();
                let url = ready["listen"].as_str().unwrap();
                set(url.strip_prefix("http://").unwrap().parse().ok());
            }
        });
        self.instances[index] = Some(Instance { process, reader });
    }

    /// Kills an instance (SIGKILL).
    fn kill(&mut self, index: usize) {
        let Some(mut instance) = self.instances[index].take() else {
            return;
        };
        // Another program may get its port.
        self.relay.set(index, None);
        instance.process.kill().unwrap();
        instance.process.wait().unwrap();
        instance.reader.join().unwrap();
        self.relay.set(index, None);
        self.figures.kills += 1;
    }

    /// Kills one instance or both, and starts them again.
    fn kill_and_restart(&mut self) {
        let first = self.random.below(2);
        let delay = self.random.below(8);
        thread::sleep(Duration::from_millis(delay as u64));
        self.kill(first);
        if self.random.one_in(4) {
            self.kill(1 - first);
            self.read_journal();
            self.check_ticket();
            self.start_instance(1 - first);
        }
        self.start_instance(first);
    }

    /// WeChat pushes a ticket or an authorisation, or repeats a push.
    fn push(&mut self) {
        match (self.random.below(10), self.last_push) {
            (0, Some(push)) => {
                let repeated = self.admin("POST", "pushes", json!({"repeat": push}));
                let id = repeated["push"].as_u64().unwrap();
                self.contents.insert(id, self.contents[&push]);
            }
            (..5, _) => {
                // Events count by their second: each ticket has one of its own.
                self.admin("POST", "clock", json!({"advance_s": 1}));
                let pushed = self.admin("POST", "component/ticket", Value::Null);
                self.tickets.push(pushed["ticket"].as_str().unwrap().into());
                let id = pushed["push"].as_u64().unwrap();
                let content = Content::Ticket(self.tickets.len() - 1);
                self.contents.insert(id, content);
            }
            _ => {
                let number = 1 + self.random.below(self.accounts);
                let events = 1 + self.random.below(2);
                let consent = json!({"account": new_account(number), "events": events});
                let pushed = self.admin("POST", "authorizations", consent);
                for id in pushed["pushes"].as_array().unwrap() {
                    let content = Content::Authorization(number);
                    self.contents.insert(id.as_u64().unwrap(), content);
                }
            }
        }
    }

    /// Waits until at most so many pushes wait for an answer.
    fn wait_for_pushes(&mut self, most: u64) {
        let started = Instant::now();
        while self.read_journal() > most {
            assert!(started.elapsed() < LIMIT, "pushes are not answered");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Reads which pushes were answered with `success`. Returns how many wait for an answer.
    fn read_journal(&mut self) -> u64 {
        let path = format!("pushes?after={}", self.journal_seq);
        let journal = self.admin("GET", &path, Value::Null);
        for attempt in journal["pushes"].as_array().unwrap() {
            self.journal_seq += 1;
            assert_eq!(attempt["seq"], self.journal_seq, "the journal is too short");
            let id = attempt["push"].as_u64().unwrap();
            self.last_push = Some(id);
            match attempt["result"].as_str().unwrap() {
                "success" => {
                    self.figures.successes += 1;
                    self.answered.insert(id);
                    match self.contents[&id] {
                        Content::Ticket(ticket) => {
                            self.stored_ticket = self.stored_ticket.max(Some(ticket));
                        }
                        Content::Authorization(number) => {
                            self.stored_accounts.insert(number);
                            self.unchecked_accounts.insert(number);
                        }
                    }
                }
                "connection_lost" => self.figures.interrupted += 1,
                _ => {}
            }
        }
        journal["pending"].as_u64().unwrap()
    }

    /// Kills both instances and uses their store: the ticket, and the `chosen` ones of the accounts
    /// whose events were answered since the last time.
    fn check_store(&mut self, chosen: fn(usize) -> bool) {
        self.kill(0);
        self.kill(1);
        self.read_journal();
        self.check_ticket();
        let accounts = std::mem::take(&mut self.unchecked_accounts);
        let client = self.client();
        let accounts = Mutex::new(accounts.into_iter().filter(|number| chosen(*number)));
        let next = || accounts.lock().unwrap().next();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Some(number) = next() {
                        let appid = new_account(number);
                        // Only its refresh token, or a code that is stored, leads to a new one.
                        self.admin("POST", "tokens/revoke", json!({"account": appid}));
                        let linked = client.account(&appid).unwrap().get_linked(None);
                        linked.unwrap_or_else(|error| panic!("{appid}: {error}"));
                    }
                });
            }
        });
    }

    /// Checks that WeChat accepts the ticket in the store if it accepts only the latest one that
    /// was answered with `success`, and later ones.
    fn check_ticket(&self) {
        let Some(stored) = self.stored_ticket else {
            return;
        };
        let (latest, earlier) = self.tickets[stored..].split_last().unwrap();
        let earlier: Map<String, Value> = earlier
            .iter()
            .map(|ticket| (ticket.clone(), TICKET_LIFETIME_S.into()))
            .collect();
        let mut component = self.admin("GET", "component", Value::Null);
        // Where it pushes stays as it is.
        component.as_object_mut().unwrap().remove("push");
        component["ticket"] = latest.as_str().into();
        component["ticket_expires_in"] = TICKET_LIFETIME_S.into();
        component["earlier_tickets"] = earlier.into();
        self.admin("PUT", "component", component);
        self.admin("POST", "tokens/revoke", json!({"component": true}));
        let accounts = self.client().accounts();
        accounts.unwrap_or_else(|error| panic!("the ticket {stored} is not stored: {error}"));
    }

    /// A client that has just been made. It waits longer than a killed instance locks a token.
    fn client(&self) -> Client {
        let mut options = Options::new();
        for (key, value) in [
            ("base_url", self.sandbox.http_url()),
            ("component_appid", "wx0c00000000000001"),
            ("component_appsecret", "SANDBOX-COMPONENT-SECRET"),
            ("store", &self.store),
            ("timeout_ms", "60000"),
        ] {
            options.set(key, value).unwrap();
        }
        Client::new(&options).unwrap()
    }

    /// Prints what explains a failure: what the story knows, what the simulator received and sent,
    /// and the logs. It contains no secrets but the simulator's own tickets.
    fn print_state(&self) {
        println!("{:?}", self.figures);
        println!("the ticket that must be stored: {:?}", self.stored_ticket);
        println!("the accounts that can be used: {:?}", self.stored_accounts);
        for (push, content) in &self.contents {
            let answered = self.answered.contains(push);
            println!("push {push}: {content:?}, answered: {answered}");
        }
        for path in ["state", "component", "pushes", "refreshes", "journal"] {
            match self.sandbox.admin("GET", path, &Value::Null) {
                Ok(shown) => println!("{path}: {shown}"),
                Err(error) => println!("{path}: {error}"),
            }
        }
        for path in &self.logs {
            let log = std::fs::read_to_string(path).unwrap_or_default();
            println!("{}:\n{log}", path.display());
        }
    }

    /// Checks that the logs contain every push that was answered with `success`, and no secret.
    fn check_logs(&mut self) {
        let mut pushes = 0;
        for path in &self.logs {
            let log = std::fs::read_to_string(path).unwrap();
            // A kill may leave a part of a line at the end.
            let lines = log
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            for line in lines {
                // What the simulator generates contains the first of them.
                for secret in ["SANDBOX-", "@@@", Pusher::TOKEN, Pusher::AES_KEY] {
                    assert!(!line.contains(secret), "{line}");
                }
                let line: Value = serde_json::from_str(line).unwrap();
                if line["event"] == "push" {
                    pushes += 1;
                    let took = line["ms"].as_u64().unwrap();
                    self.figures.longest_ms = self.figures.longest_ms.max(took);
                }
            }
        }
        assert!(pushes >= self.figures.successes, "{pushes}");
    }
}

/// The appid of an account that has not authorised the platform at the start.
fn new_account(number: usize) -> String {
    account(0x100 + number)
}

#[test]
fn no_push_is_lost_when_instances_are_killed_over_a_file() {
    play("file", None);
}

#[test]
fn no_push_is_lost_when_instances_are_killed_over_redis() {
    if let Some(redis) = Redis::start("instances of the service that share a Redis") {
        play("redis", Some(redis.url()));
    }
}
