//! What the tests share: running the program in a clean environment, against a simulator.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test file uses only a part of this"
)]

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use wxlink_sandbox::{Sandbox, Settings};
pub use wxlink_testkit::{ACCOUNT, APPID, TOKEN, have, scratch};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_wxlink");
/// The required choices of a link.
pub const CHOICES: [&str; 4] = ["--notify-users", "no", "--show-profile", "yes"];

/// The time limit of [`until`]; generous, for busy machines.
const TIME_LIMIT: Duration = Duration::from_secs(60);

pub fn sandbox() -> Sandbox {
    Sandbox::start(Settings::default()).expect("starts")
}

/// Writes a file into the folder, which only its owner may use, and returns its path.
pub fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("writes");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("sets the mode");
    }
    path.to_str().expect("UTF-8").to_owned()
}

/// A folder for the state of one run. Its store is not there yet.
fn state_folder() -> PathBuf {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let name = format!("state-{}-{run}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The program in an environment that contains only `PATH` and a folder for its state.
pub fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("XDG_STATE_HOME", state_folder())
        .stdin(Stdio::null());
    with_default_signals(&mut command);
    command
}

/// The program, set up to call this sandbox with this token.
pub fn calling(sandbox: &Sandbox, token: &str, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command
        .env("WXLINK_BASE_URL", sandbox.http_url())
        .env("WXLINK_ACCESS_TOKEN", token);
    command
}

/// The exit code and the output of a run.
pub struct ProgramOutput {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl ProgramOutput {
    /// The single line of JSON on stdout; there must be no other output.
    #[track_caller]
    pub fn json(&self) -> Value {
        let lines = self.lines();
        assert_eq!((lines.len(), &*self.err), (1, ""), "{}", self.out);
        lines.into_iter().next().expect("a line")
    }

    /// The lines of JSON on stdout.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).expect("JSON");
        self.out.lines().map(read).collect()
    }
}

impl From<Output> for ProgramOutput {
    /// Checks that the output contains no secret.
    #[track_caller]
    fn from(output: Output) -> ProgramOutput {
        let ran = ProgramOutput {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        for secret in ["SANDBOX-", "HUSHHUSH"] {
            let output = format!("{}{}", ran.out, ran.err);
            assert!(!output.contains(secret), "{output}");
        }
        ran
    }
}

#[track_caller]
pub fn run(mut command: Command) -> ProgramOutput {
    command.output().expect("runs").into()
}

/// Runs it with this text on stdin.
#[track_caller]
pub fn run_with(mut command: Command, input: &str) -> ProgramOutput {
    let mut child = piped(command.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("piped");
    // Fails if the program stops reading early, which it does for a secret that is too long.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("runs").into()
}

pub fn piped(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// Makes the program start with the default action for each signal. This process may have been
/// started with some ignored, by nohup or as a background job, and the program would inherit that.
#[cfg(unix)]
pub fn with_default_signals(command: &mut Command) -> &mut Command {
    let defaults = || {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            // SAFETY: sets a default action of this process, and no handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec it only calls signal(2), which is async-signal-safe.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, defaults) }
}

#[cfg(not(unix))]
pub fn with_default_signals(command: &mut Command) -> &mut Command {
    command
}

/// Runs it, and sends it a signal as soon as `ready` returns true.
#[track_caller]
pub fn interrupted(mut command: Command, name: &str, ready: impl FnMut() -> bool) -> ProgramOutput {
    let child = piped(&mut command);
    until(ready);
    signal(child.id(), name);
    child.wait_with_output().expect("ends").into()
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .expect("kills");
    assert!(status.success());
}

/// Waits until the condition is true.
pub fn until(mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < TIME_LIMIT, "waited too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn admin(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    sandbox
        .admin(method, path, &body)
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

pub fn decide(sandbox: &Sandbox, by: &str, decision: &str) {
    let body = json!({"account": ACCOUNT, "appid": APPID, "by": by, "decision": decision});
    admin(sandbox, "POST", "approvals", body);
}

/// Makes every call fail in this way.
pub fn fault(sandbox: &Sandbox, fault: Value) {
    let rule = json!({"fault": fault, "always": true});
    admin(sandbox, "POST", "faults", rule);
}

/// How many requests the simulator has received for the endpoint.
pub fn received(sandbox: &Sandbox, endpoint: &str) -> u64 {
    let counts = admin(sandbox, "GET", "journal/counts", Value::Null);
    counts["received"][endpoint].as_u64().expect("a count")
}

/// A URL that refuses connections. Its port stays bound, without listening, until the test program
/// ends, so that no other socket gets it.
pub fn unreachable_url() -> String {
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    bound.bind(&any.into()).expect("binds");
    let address = bound.local_addr().expect("an address").as_socket();
    std::mem::forget(bound);
    format!("http://{}", address.expect("an IPv4 address"))
}

/// The program, set up as the simulator's platform, with its store in a folder.
pub fn platform(sandbox: &Sandbox, dir: &Path, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command
        .current_dir(dir)
        .env("WXLINK_BASE_URL", sandbox.http_url())
        .env("WXLINK_COMPONENT_APPID", "wx0c00000000000001")
        .env("WXLINK_COMPONENT_APPSECRET", "SANDBOX-COMPONENT-SECRET")
        .env("WXLINK_STORE", format!("file:{}/tokens", dir.display()));
    command
}

/// A pseudo-terminal: our side, and the program's.
#[cfg(target_os = "linux")]
pub fn terminal() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (ours, theirs)
}
