//! Processes that call the library, to be killed and stopped. Each is this test program again,
//! which then runs only [`serve`].

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use wxlink::{Client, LinkChoices, Options, Status};

use crate::APPID;

/// Set in a process that serves calls.
const MARK: &str = "WXLINK_MODEL_PROCESS";
/// Precedes a result on stdout, where the test runner writes too.
const RESULT: &str = "RESULT ";

/// A running process. Dropping it kills it.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    results: Receiver<Value>,
    /// Reads stderr to its end.
    errors: Option<JoinHandle<String>>,
}

/// What a process is to call.
pub struct Call<'a> {
    /// Of the client, which the process keeps while they stay the same.
    pub options: &'a Value,
    pub token: &'a str,
    pub wait_ms: u64,
    pub cancel_after_ms: Option<u64>,
}

impl Process {
    /// Starts a process. `entry` is the name of the test that runs [`serve`].
    pub fn start(entry: &str) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", entry, "--nocapture"])
            .env(MARK, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, results) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // A process that is killed may have written a part of a line.
                let result = line.split_once(RESULT);
                if let Some(Ok(result)) = result.map(|(_, text)| serde_json::from_str(text)) {
                    let _ = send.send(result);
                }
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Process {
            stdin: child.stdin.take().unwrap(),
            child,
            results,
            errors: Some(errors),
        }
    }

    /// Starts a call of `ensure_linked`.
    pub fn call(&mut self, call: &Call) {
        let line = json!({
            "options": call.options,
            "token": call.token,
            "wait_ms": call.wait_ms,
            "cancel_after_ms": call.cancel_after_ms,
        });
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Waits for the result of the call, at most for `limit`.
    pub fn result(&self, limit: Duration) -> Option<Value> {
        self.results.recv_timeout(limit).ok()
    }

    /// Stops the process, or resumes it.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Kills the process. Returns what it wrote to stderr.
    pub fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let errors = self.errors.take().map(|errors| errors.join().unwrap());
        errors.unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Serves calls until stdin ends, if this process was started for it. Otherwise it returns
/// immediately.
pub fn serve() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let mut current: Option<(Value, Client)> = None;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let call: Value = serde_json::from_str(&line).unwrap();
        let options = &call["options"];
        let client = match current.take() {
            Some((known, client)) if known == *options => client,
            _ => client(options),
        };
        let result = ensure(&client, &call);
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{RESULT}{result}").unwrap();
        stdout.flush().unwrap();
        current = Some((options.clone(), client));
    }
    // Without the last lines of the test runner.
    std::process::exit(0);
}

/// A client with these options.
pub fn client(options: &Value) -> Client {
    let mut set = Options::new();
    for (key, value) in options.as_object().unwrap() {
        set.set(key, value.as_str().unwrap()).unwrap();
    }
    Client::new(&set).unwrap()
}

fn ensure(client: &Client, call: &Value) -> Value {
    let wait = Duration::from_millis(call["wait_ms"].as_u64().unwrap());
    let token = call["token"].as_str().unwrap();
    let choices = LinkChoices {
        notify_users: true,
        show_profile: true,
    };
    let handle = client.derive(&Options::new()).unwrap();
    let progress = thread::scope(|scope| {
        if let Some(ms) = call["cancel_after_ms"].as_u64() {
            let handle = &handle;
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(ms));
                handle.cancel();
            });
        }
        handle.ensure_linked(token, APPID, choices, wait)
    });
    json!({
        "status": progress.status().name(),
        "state": progress.state().as_str(),
        "posts": progress.posts(),
        // Whether every attempt, also that of the post, was answered.
        "is_answered": progress.attempts().iter().all(|attempt| attempt.outcome == Status::Ok),
        "is_never_sent": progress.delivery() == wxlink::Delivery::NeverSent,
        // Everything that the result shows.
        "words": format!(
            "{progress:?} {} {} {}", progress.message(), progress.trace(), progress.json()
        ),
    })
}
