//! Carries out stories: the simulator, the processes, and what must hold.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::{Value, json};
use wxlink::{LinkChoices, LinkProgress, LinkState, Status};
use wxlink_sandbox::{Sandbox, Settings};

use crate::process::{Call, Process, client};
use crate::story::{Moment, PROCESSES, Rule, Step, StoreKind, Story, Then};
use crate::watch::Watch;
use crate::{ACCOUNT, APPID};

/// Short, because every call that meets a silent server takes this long.
const TIMEOUT_MS: u64 = 200;
const SETTLE_MS: u64 = 300;
/// How much closer than [`SETTLE_MS`] two posts may seem, besides what the machine stalls: a claim
/// ends by the clock of its process, and the simulator records when it gets to it.
const TOLERANCE_MS: u64 = 60;
/// How long the test waits for what has to happen, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits for a moment at which to kill or stop a process.
const MOMENT: Duration = Duration::from_millis(400);
/// Begins every access token.
const TOKEN_PREFIX: &str = "MODEL-SECRET";

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

/// What happened in all stories.
#[derive(Default)]
pub struct Figures {
    stories: u64,
    calls: u64,
    killed: u64,
    killed_in_a_call: u64,
    stopped: u64,
    posts: u64,
    late_effects: u64,
    repeated: u64,
    duplicates: u64,
    after_a_stop: u64,
    shortest_gap_ms: Option<u64>,
    longest_stall_ms: u64,
}

impl Figures {
    pub fn add(&mut self, other: &Figures) {
        self.stories += other.stories;
        self.calls += other.calls;
        self.killed += other.killed;
        self.killed_in_a_call += other.killed_in_a_call;
        self.stopped += other.stopped;
        self.posts += other.posts;
        self.late_effects += other.late_effects;
        self.repeated += other.repeated;
        self.duplicates += other.duplicates;
        self.after_a_stop += other.after_a_stop;
        let gaps = self
            .shortest_gap_ms
            .into_iter()
            .chain(other.shortest_gap_ms);
        self.shortest_gap_ms = gaps.min();
        self.longest_stall_ms = self.longest_stall_ms.max(other.longest_stall_ms);
    }

    /// A post after a stop may be one that the library cannot prevent: the process was stopped
    /// between its look at the clock and the first byte. That is rare.
    pub fn check(&self) {
        assert!(
            self.after_a_stop <= 2 + self.stopped / 50,
            "too many posts of processes that were stopped:\n{self}"
        );
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} stories, claims of {SETTLE_MS} ms", self.stories)?;
        writeln!(f, "{:8} calls of ensure_linked", self.calls)?;
        let (killed, during) = (self.killed, self.killed_in_a_call);
        writeln!(
            f,
            "{killed:8} processes killed, {during} of them during a call"
        )?;
        writeln!(f, "{:8} processes stopped", self.stopped)?;
        writeln!(f, "{:8} invitations posted", self.posts)?;
        writeln!(f, "{:8} took effect late", self.late_effects)?;
        writeln!(f, "{:8} posted again after the settle time", self.repeated)?;
        writeln!(f, "{:8} of them for a link that existed", self.duplicates)?;
        let left_out = self.after_a_stop;
        writeln!(
            f,
            "{left_out:8} sent by a stopped process after its claim: see Reliability"
        )?;
        let gap = self
            .shortest_gap_ms
            .map_or("none".into(), |ms| format!("{ms} ms"));
        writeln!(f, "{gap:>8} between two posts at least")?;
        write!(
            f,
            "{:8} ms: the longest stall of the machine",
            self.longest_stall_ms
        )
    }
}

/// A process of a story.
struct Actor {
    process: Process,
    /// Names the process in the simulator's journal.
    name: String,
    /// Whether a call runs.
    is_calling: bool,
    result: Option<Value>,
    /// When it is to be resumed.
    resumed_at: Option<Instant>,
}

/// A simulator and processes, which outlive a story.
pub struct World<'a> {
    sandbox: Sandbox,
    file: PathBuf,
    redis: Option<String>,
    watch: &'a Watch,
    actors: [Option<Actor>; PROCESSES],
    /// How many processes were started.
    started: u64,
    figures: Figures,
    // Of the current story:
    options: Value,
    token: String,
    /// The names of the processes that were killed during a call, or stopped.
    killed: Vec<String>,
    stopped: Vec<String>,
    /// The posts that calls reported, and how many calls could not report.
    reported: u64,
    unreported: u64,
    /// When the first call reported an invitation that WeChat accepted.
    accepted_at_ms: Option<u64>,
}

impl World<'_> {
    pub fn new<'a>(folder: &Path, redis: Option<String>, watch: &'a Watch) -> World<'a> {
        World {
            sandbox: Sandbox::start(Settings::default()).unwrap(),
            file: folder.join("store"),
            redis,
            watch,
            actors: [const { None }; PROCESSES],
            started: 0,
            figures: Figures::default(),
            options: Value::Null,
            token: String::new(),
            killed: Vec::new(),
            stopped: Vec::new(),
            reported: 0,
            unreported: 0,
            accepted_at_ms: None,
        }
    }

    /// Ends the processes, and checks what they left behind.
    pub fn finish(mut self) -> Figures {
        for actor in self.actors.iter_mut().filter_map(Option::as_mut) {
            assert_eq!(actor.process.kill(), "", "written to stderr");
        }
        let file = std::fs::read(&self.file).unwrap_or_default();
        let is_secret = |bytes: &[u8]| bytes == TOKEN_PREFIX.as_bytes();
        assert!(
            !file.windows(TOKEN_PREFIX.len()).any(is_secret),
            "the store contains an access token"
        );
        self.figures
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.sandbox.admin(method, path, &body).unwrap()
    }

    /// How many requests this endpoint has received.
    fn received(&self, endpoint: &str) -> u64 {
        let counts = self.admin("GET", "journal/counts", Value::Null);
        counts["received"][endpoint].as_u64().unwrap()
    }

    /// The posts of this story that the simulator received. An earlier one's may arrive late.
    fn posts(&self) -> Vec<Value> {
        let mut journal = self.admin("GET", "journal", Value::Null);
        let own = format!("access_token={}", self.token);
        let entries = journal["entries"].as_array_mut().unwrap();
        entries.retain(|entry| entry["endpoint"] == "link" && entry["query"] == own);
        entries.clone()
    }

    /// The link's state, as the caller should see it.
    fn state(&self) -> LinkState {
        let state = self.admin("GET", "state", Value::Null);
        match state["world"]["accounts"][ACCOUNT]["links"][0]["state"].as_str() {
            None => LinkState::Vanished,
            Some("waiting_official_account") => LinkState::AwaitingOfficialAccount,
            Some("waiting_mini_program") => LinkState::AwaitingMiniProgram,
            Some("linked") => LinkState::Linked,
            Some("refused") => LinkState::Declined,
            Some(other) => panic!("{other}"),
        }
    }

    /// Runs a story. The error describes what did not hold.
    pub fn run(&mut self, story: &Story) -> Result<(), String> {
        let started = Instant::now();
        self.begin(story);
        let outcome = story
            .steps
            .iter()
            .try_for_each(|step| self.step(step))
            .and_then(|()| self.wait_for_all());
        let stall = self.watch.longest_since(started).as_millis() as u64;
        self.figures.longest_stall_ms = self.figures.longest_stall_ms.max(stall);
        let outcome = outcome.and_then(|()| self.check_end(story));
        let outcome = outcome.and_then(|()| self.check_posts(started));
        if outcome.is_err() {
            // The next story begins with new processes.
            self.actors = [const { None }; PROCESSES];
        }
        outcome
    }

    fn begin(&mut self, story: &Story) {
        self.figures.stories += 1;
        let number = self.figures.stories;
        self.admin("POST", "reset", Value::Null);
        self.token = format!("{TOKEN_PREFIX}-{number}");
        let token = json!({"account": ACCOUNT, "kind": "good"});
        self.admin("PUT", &format!("tokens/{}", self.token), token);
        let store = match (story.store, &self.redis) {
            (StoreKind::Redis, Some(url)) => url.clone(),
            _ => format!("file:{}", self.file.display()),
        };
        self.options = json!({
            "base_url": self.sandbox.http_url(),
            "store": store,
            "settle_ms": SETTLE_MS.to_string(),
        });
        if story.with_account {
            // Each story has its own, so that it knows nothing of earlier ones.
            self.options["account"] = format!("story-{number}").into();
        }
        (self.killed, self.stopped) = (Vec::new(), Vec::new());
        (self.reported, self.unreported) = (0, 0);
        self.accepted_at_ms = None;
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        self.resume(Instant::now());
        match step {
            Step::Fault(Rule(rule)) => {
                self.admin("POST", "faults", rule.clone());
            }
            Step::Policy { polls } => {
                let step = json!({"when": {"polls": polls}});
                let policy = json!({"official_account": step, "mini_program": step});
                self.admin("PUT", "policy", policy);
            }
            Step::Decide { by, decision } => {
                let body =
                    json!({"account": ACCOUNT, "appid": APPID, "by": by, "decision": decision});
                // Fails if WeChat has not asked this administrator.
                let _ = self.sandbox.admin("POST", "approvals", &body);
            }
            Step::Pause { ms } => thread::sleep(Duration::from_millis(*ms)),
            Step::Ensure {
                process,
                wait_ms,
                then,
            } => {
                self.wait_for(*process)?;
                let before = Moment::ENDPOINTS.map(|endpoint| self.received(endpoint));
                self.call(*process, *wait_ms, *then);
                match then {
                    Then::Awaited | Then::CancelledAfterMs(_) => self.wait_for(*process)?,
                    Then::Background => {}
                    Then::Killed(when) => {
                        self.wait_until(*when, *process, before)?;
                        self.kill(*process)?;
                    }
                    Then::Stopped { when, ms } => {
                        self.wait_until(*when, *process, before)?;
                        self.stop(*process, Duration::from_millis(*ms));
                    }
                }
            }
        }
        Ok(())
    }

    fn kill(&mut self, process: usize) -> Result<(), String> {
        let Some(mut actor) = self.actors[process].take() else {
            return Ok(());
        };
        self.figures.killed += 1;
        if actor.is_calling {
            self.figures.killed_in_a_call += 1;
            self.unreported += 1;
        }
        self.killed.push(actor.name.clone());
        let errors = actor.process.kill();
        ensure!(errors.is_empty(), "a process wrote to stderr: {errors}");
        Ok(())
    }

    fn stop(&mut self, process: usize, lasts: Duration) {
        if let Some(actor) = &mut self.actors[process] {
            actor.process.signal(Signal::STOP);
            actor.resumed_at = Some(Instant::now() + lasts);
            self.figures.stopped += 1;
            self.stopped.push(actor.name.clone());
        }
    }

    /// Resumes the processes that are due.
    fn resume(&mut self, now: Instant) {
        for actor in self.actors.iter_mut().filter_map(Option::as_mut) {
            if actor.resumed_at.is_some_and(|at| at <= now) {
                actor.resumed_at = None;
                actor.process.signal(Signal::CONT);
            }
        }
    }

    fn call(&mut self, process: usize, wait_ms: u64, then: Then) {
        let actor = self.actors[process].get_or_insert_with(|| {
            self.started += 1;
            Actor {
                process: Process::start("a_process"),
                name: format!("process-{}", self.started),
                is_calling: false,
                result: None,
                resumed_at: None,
            }
        });
        let mut options = self.options.clone();
        options["timeout_ms"] = TIMEOUT_MS.to_string().into();
        options["user_agent"] = actor.name.clone().into();
        actor.process.call(&Call {
            options: &options,
            token: &self.token,
            wait_ms,
            cancel_after_ms: match then {
                Then::CancelledAfterMs(ms) => Some(ms),
                _ => None,
            },
        });
        actor.is_calling = true;
        self.figures.calls += 1;
    }

    /// Waits until the call of a process has ended, and checks its result.
    fn wait_for(&mut self, process: usize) -> Result<(), String> {
        let give_up = Instant::now() + PATIENCE;
        while let Some(actor) = &mut self.actors[process]
            && (actor.is_calling || actor.resumed_at.is_some())
        {
            if Instant::now() > give_up {
                let errors = actor.process.kill();
                return Err(format!("a call does not end, stderr: {errors:?}"));
            }
            if actor.is_calling && actor.result.is_none() {
                actor.result = actor.process.result(Duration::from_millis(1));
            } else if actor.resumed_at.is_some() {
                thread::sleep(Duration::from_millis(1));
            }
            let result = actor.result.take();
            if let Some(result) = result {
                actor.is_calling = false;
                self.check_result(&result)?;
            }
            self.resume(Instant::now());
        }
        Ok(())
    }

    fn wait_for_all(&mut self) -> Result<(), String> {
        (0..PROCESSES).try_for_each(|process| self.wait_for(process))
    }

    /// Waits for the moment, or until the call has ended.
    fn wait_until(
        &mut self,
        moment: Moment,
        process: usize,
        before: [u64; 2],
    ) -> Result<(), String> {
        let ([get, link], [get_before, link_before]) = (Moment::ENDPOINTS, before);
        let (endpoint, before) = match moment {
            Moment::AfterMs(ms) => {
                thread::sleep(Duration::from_millis(ms));
                return Ok(());
            }
            Moment::Listed => (get, get_before),
            Moment::Posted => (link, link_before),
        };
        let give_up = Instant::now() + MOMENT;
        while self.received(endpoint) == before && Instant::now() < give_up {
            self.resume(Instant::now());
            let Some(actor) = self.actors[process]
                .as_mut()
                .filter(|actor| actor.is_calling)
            else {
                break;
            };
            if actor.result.is_none() {
                actor.result = actor.process.result(Duration::from_millis(1));
            }
            if actor.result.is_some() {
                self.wait_for(process)?;
            }
        }
        Ok(())
    }

    /// What must hold for the result of every call.
    fn check_result(&mut self, result: &Value) -> Result<(), String> {
        let posts = result["posts"].as_u64().unwrap();
        self.reported += posts;
        let words = result["words"].as_str().unwrap();
        ensure!(!words.contains(TOKEN_PREFIX), "a secret: {words}");
        ensure!(posts <= 1, "{posts} posts: {result}");
        let is_sent = result["is_never_sent"] == false;
        ensure!(posts == 0 || is_sent, "sent or not? {result}");
        if result["status"] == "OK" {
            let now = self.state();
            ensure!(now == LinkState::Linked, "{now:?}: {result}");
        }
        let is_accepted = result["status"] == "PENDING" && result["is_answered"] == true;
        if posts == 1 && is_accepted {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let now_ms = now.as_millis() as u64;
            self.accepted_at_ms.get_or_insert(now_ms);
        }
        Ok(())
    }

    /// Without faults and claims, one more caller must see the simulator's state.
    fn check_end(&mut self, story: &Story) -> Result<(), String> {
        self.admin("DELETE", "faults", Value::Null);
        self.admin("PUT", "policy", json!({}));
        let mut options = self.options.clone();
        // A time limit that a busy machine does not reach.
        options["timeout_ms"] = "20000".into();
        options["user_agent"] = "last".into();
        let last = client(&options);
        let give_up = Instant::now() + PATIENCE;
        loop {
            let before = self.state();
            let progress = self.last_ensure(&last);
            self.reported += u64::from(progress.posts());
            // An administrator may have decided during the call.
            let after = self.state();
            // While an earlier claim stands, the result is what that caller learnt.
            let is_claimed = progress.found() == LinkState::Absent
                && progress.posts() == 0
                && matches!(
                    progress.state(),
                    LinkState::InDoubt | LinkState::AwaitingAdministrator
                );
            // On a busy machine another process may have the store's file open for seconds.
            let is_store_late = progress.status() == Status::Store;
            if (is_claimed || is_store_late) && Instant::now() < give_up {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            let state = progress.state();
            let is_remembered =
                story.with_account && state == LinkState::Vanished && before == LinkState::Declined;
            ensure!(
                state == before || state == after || is_remembered,
                "{before:?}, then {progress:?} {}, then {after:?}",
                progress.trace()
            );
            return Ok(());
        }
    }

    fn last_ensure(&self, client: &wxlink::Client) -> LinkProgress {
        let choices = LinkChoices {
            notify_users: true,
            show_profile: true,
        };
        client.ensure_linked(self.token.as_str(), APPID, choices, Duration::ZERO)
    }

    /// What must hold for all posts of a story.
    fn check_posts(&mut self, started: Instant) -> Result<(), String> {
        let posts = self.posts();
        let received = posts.len() as u64;
        ensure!(
            received <= self.reported + self.unreported,
            "{received} posts received, {} reported, {} calls killed: {}",
            self.reported,
            self.unreported,
            shown(&posts)
        );
        let stall_ms = self.watch.longest_since(started).as_millis() as u64;
        let at_ms = |post: &Value| post["at_ms"].as_u64().unwrap();
        let was_stopped = |post: &Value| {
            let agent = post["headers"]["user-agent"].as_str().unwrap();
            self.stopped.iter().any(|name| name == agent)
        };
        for pair in posts.windows(2) {
            let gap = at_ms(&pair[1]) - at_ms(&pair[0]);
            if gap + TOLERANCE_MS + 2 * stall_ms < SETTLE_MS {
                ensure!(
                    pair.iter().any(was_stopped),
                    "two posts within {gap} ms, stalls of {stall_ms} ms: {}",
                    shown(&posts)
                );
                self.figures.after_a_stop += 1;
                continue;
            }
            let shortest = self.figures.shortest_gap_ms.unwrap_or(gap);
            self.figures.shortest_gap_ms = Some(shortest.min(gap));
        }
        let has_account = self.options["account"].is_string();
        if let Some(accepted) = self.accepted_at_ms.filter(|_| has_account)
            && self.killed.is_empty()
        {
            let again = posts
                .iter()
                .find(|post| at_ms(post) > accepted && !was_stopped(post));
            ensure!(
                again.is_none(),
                "repeated after it was accepted: {}",
                shown(&posts)
            );
        }
        let is_late = |post: &&Value| {
            let effect = post["effect"]["at_ms"].as_u64();
            effect.is_some_and(|effect| effect > at_ms(post))
        };
        let is_duplicate = |post: &&Value| {
            let errcode = &post["effect"]["errcode"];
            *errcode == 89010 || *errcode == 89015
        };
        let count = |kind: &dyn Fn(&&Value) -> bool| posts.iter().filter(kind).count() as u64;
        self.figures.posts += received;
        self.figures.repeated += received.saturating_sub(1);
        self.figures.late_effects += count(&is_late);
        self.figures.duplicates += count(&is_duplicate);
        Ok(())
    }
}

/// What matters of the posts: when they arrived and took effect, from which process, the fault and
/// the errcode.
fn shown(posts: &[Value]) -> String {
    let shown = posts.iter().map(|post| {
        let Value::Object(effect) = &post["effect"] else {
            return format!("{} {}: no effect", post["at_ms"], post["fault"]["name"]);
        };
        format!(
            "{} by {}, fault {}: effect at {} with errcode {}",
            post["at_ms"],
            post["headers"]["user-agent"],
            post["fault"]["name"],
            effect["at_ms"],
            effect["errcode"]
        )
    });
    shown.map(|line| format!("\n  {line}")).collect()
}
