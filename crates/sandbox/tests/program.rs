//! The program: the line that it prints, how it ends, and its exit codes.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wxlink-sandbox");
const TIMEOUT: Duration = Duration::from_secs(60);

fn start(arguments: &[&str]) -> (Child, BufReader<ChildStdout>, Value) {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let about = line(&mut stdout);
    (child, stdout, about)
}

fn line(stdout: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).expect("JSON")
}

fn signal(pid: &Value, name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .expect("kills");
    assert!(status.success());
}

/// The response to `GET state`.
fn state(about: &Value) -> String {
    let url = about["http"].as_str().expect("a URL");
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("connects");
    stream.set_read_timeout(Some(TIMEOUT)).expect("sets");
    stream
        .write_all(b"GET /__sandbox/state HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .expect("sends");
    let mut state = String::new();
    stream.read_to_string(&mut state).expect("reads");
    state
}

#[test]
fn it_prints_one_line_and_ends_on_a_signal() {
    for name in ["TERM", "INT"] {
        let (mut child, mut stdout, about) = start(&["--approve", "immediate"]);
        assert_eq!(about["pid"], child.id());
        let http = about["http"].as_str().unwrap();
        assert!(http.starts_with("http://127.0.0.1:") && !http.ends_with(":0"));
        assert!(
            about["https"]
                .as_str()
                .unwrap()
                .starts_with("https://127.0.0.1:")
        );
        assert_eq!(about["admin"], format!("{http}/__sandbox/"));
        assert_eq!(about["panel"], format!("{http}/"));
        let ca_file = Path::new(about["ca_file"].as_str().unwrap());
        assert!(
            std::fs::read_to_string(ca_file)
                .unwrap()
                .contains("BEGIN CERTIFICATE")
        );

        let state = state(&about);
        assert!(state.contains(r#""when":"immediate""#), "{state}");

        signal(&about["pid"], name);
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(!ca_file.exists());
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

/// Starts the program through a shell that ends after the program has printed its line. Returns the
/// line, and a channel that receives a message when the program has ended. A closed port would not
/// prove that: another program may listen on it by then.
fn orphan(flag: &str) -> (Value, Receiver<()>) {
    let mut shell = Command::new("sh")
        .args(["-c", &format!("\"$0\" {flag} & read line"), PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(shell.stdout.take().expect("piped"));
    let about = line(&mut stdout);
    assert!(state(&about).starts_with("HTTP/1.1 200"));
    drop(shell.stdin.take());
    shell.wait().expect("ends");
    let (sender, ended) = channel();
    std::thread::spawn(move || {
        // The output is closed when the program has ended.
        let _ = stdout.read_to_string(&mut String::new());
        let _ = sender.send(());
    });
    (about, ended)
}

#[test]
fn it_ends_with_its_parent_process() {
    let (about, ended) = orphan("");
    ended.recv_timeout(TIMEOUT).unwrap();
    assert!(!Path::new(about["ca_file"].as_str().unwrap()).exists());
}

#[test]
fn with_stay_it_survives_its_parent_process() {
    let (about, ended) = orphan("--stay");
    // The program checks for its parent several times in a second.
    let second = Duration::from_secs(1);
    assert_eq!(ended.recv_timeout(second), Err(RecvTimeoutError::Timeout));
    assert!(state(&about).starts_with("HTTP/1.1 200"));
    signal(&about["pid"], "TERM");
    ended.recv_timeout(TIMEOUT).unwrap();
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        .output()
        .expect("runs")
}

#[test]
fn invalid_arguments_exit_with_2_and_say_what_to_do() {
    let world = std::env::temp_dir().join(format!("wxlink-world-{}.json", std::process::id()));
    std::fs::write(&world, r#"{"tokens":{"T":{}}}"#).unwrap();
    for (arguments, part) in [
        (&["--prot", "1"][..], "unknown option --prot"),
        (&["--port"], "--port needs a port"),
        (&["--approve", "maybe"], "manual, immediate, polls:N"),
        (&["--approve", "seconds:99999999999999"], "at most"),
        (&["--world", "/nowhere"], "could not read /nowhere"),
        (&["--world", world.to_str().unwrap()], "needs an `account`"),
        (
            &["--push-ca", world.to_str().unwrap()],
            "the CA for pushes has no certificate",
        ),
    ] {
        let output = run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(part), "{stderr}");
        assert!(output.stdout.is_empty());
    }
    std::fs::remove_file(world).unwrap();
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("--tls-port N"));
    let mut chinese = Command::new(PROGRAM);
    chinese.args(["--port", "x"]).env("WXLINK_LANG", "zh");
    let chinese = chinese.output().unwrap();
    let stderr = String::from_utf8_lossy(&chinese.stderr);
    assert!(stderr.contains("--port 应为端口"), "{stderr}");
}

#[test]
fn a_port_in_use_exits_with_1_and_names_the_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = run(&["--port", &address.port().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(&format!("could not listen on {address}")),
        "{stderr}"
    );
}

#[test]
fn the_line_has_what_a_receiver_of_pushes_needs() {
    let url = "http://127.0.0.1:1/events";
    let (mut child, _stdout, about) = start(&["--push-url", url, "--tls-name", "a.example"]);
    let push = &about["push"];
    assert_eq!(push["appid"], "wx0c00000000000001");
    assert_eq!(push["settings"]["url"], url);
    assert_eq!(push["settings"]["aes_key"].as_str().unwrap().len(), 43);
    assert!(!push["settings"]["token"].as_str().unwrap().is_empty());
    signal(&about["pid"], "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_world_from_a_file_and_bad_certificates() {
    let world = std::env::temp_dir().join(format!("wxlink-own-world-{}.json", std::process::id()));
    std::fs::write(
        &world,
        r#"{"accounts":{"wx0a000000000000ff":{}},"tokens":{"T":{"account":"wx0a000000000000ff"}}}"#,
    )
    .unwrap();
    let (mut child, _stdout, about) = start(&["--world", world.to_str().unwrap(), "--bad-tls"]);
    std::fs::remove_file(world).unwrap();
    for name in ["https_expired", "https_wrong_name", "https_unknown_issuer"] {
        assert!(
            about[name]
                .as_str()
                .unwrap()
                .starts_with("https://127.0.0.1:")
        );
    }
    signal(&about["pid"], "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn the_panel_is_opened_in_the_browser_of_the_system() {
    use std::os::unix::fs::PermissionsExt as _;

    let name = format!("wxlink-sandbox-browser-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let (opener, opened) = (folder.join("xdg-open"), folder.join("opened"));
    // Moved into place: the test never reads a part of it.
    let script = "#!/bin/sh\necho \"$@\" > opened.part\n/bin/mv opened.part opened\n";
    std::fs::write(&opener, script).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |path: &Path| {
        let mut child = Command::new(PROGRAM)
            .arg("--open")
            .env("PATH", path)
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let about = line(&mut stdout);
        (child, about)
    };
    let (mut child, about) = run(&folder);
    while !opened.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&opened).unwrap();
    assert_eq!(text.trim(), about["panel"]);
    signal(&about["pid"], "TERM");
    child.wait().unwrap();

    // Without such a program, the address is reported and the simulator runs on.
    let (child, about) = run(Path::new("/nowhere"));
    state(&about);
    signal(&about["pid"], "TERM");
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let panel = about["panel"].as_str().unwrap();
    assert!(
        stderr.contains("could not run xdg-open") && stderr.contains(panel),
        "{stderr}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn readers_of_events_that_have_gone_are_forgotten() {
    let (mut child, _stdout, about) = start(&[]);
    let url = about["http"].as_str().unwrap().to_owned();
    let descriptors = || {
        let folder = format!("/proc/{}/fd", about["pid"]);
        std::fs::read_dir(folder).unwrap().count()
    };
    let before = descriptors();
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let address = url.trim_start_matches("http://");
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            stream
                .write_all(b"GET /__sandbox/events HTTP/1.1\r\nHost: h\r\n\r\n")
                .unwrap();
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while !line.starts_with("event: state") {
                line.clear();
                assert!(reader.read_line(&mut line).unwrap() > 0);
            }
            reader
        })
        .collect();
    assert_eq!(descriptors(), before + 20);
    drop(readers);
    while descriptors() > before {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&about["pid"], "TERM");
    child.wait().unwrap();
}
