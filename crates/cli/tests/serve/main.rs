//! The command `wxlink serve`: its settings, how it ends, and what survives if it is killed.
#![cfg(all(unix, feature = "serve"))]

#[path = "../common/mod.rs"]
mod common;
mod kills;
mod latency;
mod random;
mod relay;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use common::*;
use serde_json::Value;
use wxlink_sandbox::Sandbox;
use wxlink_testkit::push::Pusher;

const PLATFORM: &str = "wx0c00000000000001";
const TICKET: [(&str, &str); 1] = [("ComponentVerifyTicket", "ticket@@@SANDBOX-T")];
/// For what takes a second at most.
const LIMIT: Duration = Duration::from_secs(60);

/// The service with all its settings, on a free port.
fn serve(sandbox: &Sandbox, dir: &Path) -> Command {
    let url = ["--public-url", "https://link.example.com"];
    let mut command = platform(sandbox, dir, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(url)
        .env("WXLINK_PUSH_TOKEN", Pusher::TOKEN)
        .env("WXLINK_PUSH_AES_KEY", Pusher::AES_KEY);
    command
}

/// Checks that the service does not start, and why, in both languages.
#[track_caller]
fn refused(mut change: impl FnMut(&mut Command), name: &str, reason: &str, chinese: &str) {
    let sandbox = sandbox();
    for (lang, reason) in [("en", reason), ("zh", chinese)] {
        let dir = scratch(&format!("serve-refused-{name}"));
        let mut command = serve(&sandbox, &dir);
        command.env("WXLINK_LANG", lang);
        change(&mut command);
        let ran = run(command);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(reason), "{}", ran.err);
        assert!(!dir.join("tokens").exists());
    }
}

#[test]
fn it_does_not_start_without_a_platform() {
    let remove = |command: &mut Command| {
        command.env_remove("WXLINK_COMPONENT_APPID");
    };
    let reason = "Set component_appid and component_appsecret (WXLINK_COMPONENT_APPID";
    refused(remove, "platform", reason, "未设置第三方平台");
}

#[test]
fn it_does_not_start_without_the_keys_of_pushes() {
    for name in ["WXLINK_PUSH_TOKEN", "WXLINK_PUSH_AES_KEY"] {
        let remove = |command: &mut Command| {
            command.env_remove(name);
        };
        let reason = "set push_token and push_aes_key (WXLINK_PUSH_TOKEN";
        refused(remove, name, reason, "无法读取推送");
    }
}

#[test]
fn it_does_not_start_with_a_store_in_memory() {
    let memory = |command: &mut Command| {
        command.env("WXLINK_STORE", "memory");
    };
    let reason = "the option store is memory";
    refused(memory, "memory", reason, "选项 store 为 memory");
    let unset = |command: &mut Command| {
        command.env_remove("WXLINK_STORE");
    };
    refused(unset, "no-store", reason, "选项 store 为 memory");
}

#[test]
fn it_does_not_start_on_an_address_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sandbox = sandbox();
    for (lang, reason) in [("en", "cannot listen on "), ("zh", "无法监听 ")] {
        let dir = scratch("serve-address");
        let mut command = platform(&sandbox, &dir, &["serve", "--listen", &address]);
        command
            .args(["--public-url", "https://link.example.com"])
            .env("WXLINK_LANG", lang)
            .env("WXLINK_PUSH_TOKEN", Pusher::TOKEN)
            .env("WXLINK_PUSH_AES_KEY", Pusher::AES_KEY);
        let ran = run(command);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(
            ran.err.contains(&format!("{reason}{address}")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn it_does_not_start_with_a_wrong_public_url() {
    let sandbox = sandbox();
    let dir = scratch("serve-url");
    for (url, reason) in [
        (
            "link.example.com",
            "--public-url: the public URL consists of",
        ),
        (
            "https://link.example.com/wxlink",
            "--public-url: the public URL consists of",
        ),
        (
            "http://link.example.com",
            "--public-url: the public URL must begin with https://",
        ),
    ] {
        let ran = run(platform(&sandbox, &dir, &["serve", "--public-url", url]));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains(reason), "{url}: {}", ran.err);
    }
    let ran = run(platform(&sandbox, &dir, &["serve"]));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert!(ran.err.contains("--public-url"), "{}", ran.err);
}

#[test]
fn it_does_not_forward_without_a_secret() {
    let forward = |command: &mut Command| {
        command.args(["--forward", "http://127.0.0.1:1/events"]);
    };
    let reason = "set WXLINK_FORWARD_SECRET or --forward-secret-file";
    refused(forward, "forward", reason, "--forward 需要签名密钥");
}

/// A service that listens.
struct Running {
    process: Child,
    address: String,
}

impl Running {
    fn start(sandbox: &Sandbox, dir: &Path) -> Running {
        Running::listening(piped(&mut serve(sandbox, dir)))
    }

    /// Waits until the service listens.
    fn listening(mut process: Child) -> Running {
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("Listening on http://");
        let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Running { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_public_url_that_wechat_does_not_push_to_gets_a_warning() {
    let sandbox = sandbox();
    let dir = scratch("serve-warning");
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let arguments = [&listen[..], &["--public-url", "https://192.0.2.1"]].concat();
    let mut command = platform(&sandbox, &dir, &arguments);
    command
        .env("WXLINK_PUSH_TOKEN", Pusher::TOKEN)
        .env("WXLINK_PUSH_AES_KEY", Pusher::AES_KEY);
    let mut running = Running::listening(piped(&mut command));
    let mut line = String::new();
    let mut stderr = BufReader::new(running.process.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("no push reaches https://192.0.2.1"), "{line}");
}

#[test]
fn a_signal_ends_it_after_the_request_in_progress() {
    let sandbox = sandbox();
    for name in ["TERM", "INT"] {
        let dir = scratch(&format!("serve-signal-{name}"));
        let mut running = Running::start(&sandbox, &dir);
        let push = Pusher::new(PLATFORM).event("component_verify_ticket", 1_700_000_000, &TICKET);
        let head = format!(
            "POST /push?{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\n\r\n",
            push.query,
            push.body.len()
        );
        // The service has read the head and waits for the body.
        let mut stream = running.connect();
        stream.write_all(head.as_bytes()).unwrap();
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).unwrap();
        assert!(piece[..read].starts_with(b"HTTP/1.1 100"));

        signal(running.process.id(), name);
        until(|| TcpStream::connect(&running.address).is_err());
        stream.write_all(&push.body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nsuccess"), "{answer}");

        let mut log = String::new();
        let mut stderr = running.process.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        assert_eq!(running.process.wait().unwrap().code(), Some(0), "{log}");
        let line: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(
            (&line["event"], &line["action"]),
            (&"push".into(), &"ticket_stored".into())
        );
        assert!(!log.contains("SANDBOX-"), "{log}");

        let status = run(platform(&sandbox, &dir, &["platform", "status", "--json"]));
        assert_eq!(status.lines()[0]["has_ticket"], true, "{}", status.out);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn it_reports_to_systemd_when_it_is_ready_and_when_it_stops() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let sandbox = sandbox();
    let dir = scratch("serve-systemd");
    let path = dir.join("notify").to_str().unwrap().to_owned();
    let name = format!("wxlink-serve-test-{}", std::process::id());
    let in_files = SocketAddr::from_pathname(&path).unwrap();
    let abstract_one = SocketAddr::from_abstract_name(&name).unwrap();
    for (variable, address) in [(path, in_files), (format!("@{name}"), abstract_one)] {
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        manager.set_read_timeout(Some(LIMIT)).unwrap();
        let mut state = [0; 64];
        let mut next = || {
            let length = manager.recv(&mut state).unwrap();
            String::from_utf8(state[..length].to_vec()).unwrap()
        };
        let mut running = piped(serve(&sandbox, &dir).env("NOTIFY_SOCKET", variable));
        assert_eq!(next(), "READY=1");
        signal(running.id(), "TERM");
        assert_eq!(next(), "STOPPING=1");
        assert_eq!(running.wait().unwrap().code(), Some(0));
    }
}
