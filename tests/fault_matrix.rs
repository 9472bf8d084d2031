//! Every fault with every verb, over HTTP and HTTPS: the status and delivery, what reached the
//! simulator, what took effect, and the duration.
//!
//! The results are the page `docs/faults.md`, in both languages. What must never happen, whatever
//! that page says, is asserted here. `make test-windows` tests the library for Windows with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::{
    Client, DELIVERIES, Delivery, Error, Lang, LinkChoices, LinkProgress, Options, STATUSES,
    Status, Text,
};
use wxlink_sandbox::{Policy, Sandbox, Settings, When};

use wxlink_testkit::{check_generated_pages, root};

const TOKEN: &str = "SANDBOX-TOKEN";
const ACCOUNT: &str = "wx0a00000000000001";
const APPID: &str = "wx0b00000000000001";
const CHOICES: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: true,
};
/// The limit of a call, and the additional time of a wait: enough for another read.
const CALL_LIMIT: Duration = Duration::from_secs(20);
const WAIT_TIME: Duration = Duration::from_secs(10);
/// The same for faults that no call waits for: a limit that is not reached even if the machine
/// stalls.
const AMPLE_CALL_LIMIT: Duration = Duration::from_secs(90);
const SHORT_WAIT_TIME: Duration = Duration::from_secs(3);
/// When requests take effect late, and how far lists lag: longer than any cell takes. The
/// simulator's clock is moved, so that nothing waits for it.
const LATE_EFFECT: Duration = Duration::from_secs(3600);
const LIST_LAG: Duration = Duration::from_secs(600);
/// How long a post is claimed: longer than any cell takes, also on a busy machine.
const SETTLE_TIME: Duration = Duration::from_secs(3600);
/// How much longer than its limit a call may take. The promise is 100 ms; the rest allows for a
/// machine that is busy with other tests.
const MAX_OVERRUN: Duration = Duration::from_secs(20);
/// How many cells run at the same time: those that only wait for their limit, and the others, which
/// need the machine and must not reach their limit because they share it.
const MAX_WAITING_CELLS: usize = 64;
const MAX_WORKING_CELLS: usize = 6;

/// The fault of a row.
#[derive(Clone, Copy)]
enum Fault {
    /// The address that replaces the simulator's, without its scheme.
    Host(fn() -> Elsewhere),
    /// The address of the simulator to use.
    Certificate(fn(&Sandbox) -> &str),
    /// The simulator's fault rule for every new connection.
    Connection(&'static str),
    /// The simulator's fault rule for every request to the verb's endpoint.
    Request(&'static str),
}

/// An address, and the sockets that keep it in its state.
struct Elsewhere {
    address: String,
    _held: (TcpListener, Vec<TcpStream>),
}

/// The status and the delivery that a link must have.
type Verdict = (Status, Delivery);

struct Row {
    /// In English and in Chinese.
    name: Text,
    fault: Fault,
    /// Over HTTP and over HTTPS; `None` where the fault cannot occur.
    link: [Option<Verdict>; 2],
}

impl Row {
    /// Whether a call with this fault waits until its limit.
    fn waits(&self) -> bool {
        match self.fault {
            Fault::Request(fault) | Fault::Connection(fault) => {
                fault.contains("hang") || fault.contains("slow")
            }
            Fault::Host(_) => self.name.en.starts_with("black hole"),
            Fault::Certificate(_) => false,
        }
    }

    /// Whether the row's requests take effect immediately; `None` if its fault is not one of
    /// requests.
    fn takes_effect(&self) -> Option<bool> {
        let Fault::Request(rule) = self.fault else {
            return None;
        };
        let effects = [r#""when": "after""#, "slow", "cut", "close_after"];
        Some(effects.iter().any(|effect| rule.contains(effect)))
    }

    /// The limit of a call, and the additional time of a wait.
    fn limits(&self) -> (Duration, Duration) {
        if self.waits() {
            (CALL_LIMIT, WAIT_TIME)
        } else {
            (AMPLE_CALL_LIMIT, SHORT_WAIT_TIME)
        }
    }
}

const RESOLVE: Option<Verdict> = Some((Status::Resolve, Delivery::NeverSent));
const CONNECT: Option<Verdict> = Some((Status::Connect, Delivery::NeverSent));
const TLS: Option<Verdict> = Some((Status::Tls, Delivery::NeverSent));
const UNSENT: Option<Verdict> = Some((Status::TimeoutUnsent, Delivery::NeverSent));
const TIMEOUT: Option<Verdict> = Some((Status::Timeout, Delivery::Unknown));
const LOST: Option<Verdict> = Some((Status::ConnectionLost, Delivery::Unknown));
const BAD: Option<Verdict> = Some((Status::BadAnswer, Delivery::Unknown));
const TOO_LARGE: Option<Verdict> = Some((Status::TooLarge, Delivery::Unknown));
const FINE: Option<Verdict> = Some((Status::Ok, Delivery::Answered));

const fn row([en, zh]: [&'static str; 2], fault: Fault, link: [Option<Verdict>; 2]) -> Row {
    let name = Text { en, zh };
    Row { name, fault, link }
}

const ROWS: &[Row] = &[
    row(
        ["connection refused", "连接被拒绝"],
        Fault::Host(refused),
        [CONNECT; 2],
    ),
    // Plain HTTP goes to loopback only, which needs no name server.
    row(
        ["no such name", "域名不存在"],
        Fault::Host(no_name),
        [None, RESOLVE],
    ),
    row(
        [
            "black hole: no response to the connection",
            "网络黑洞：连接请求没有回应",
        ],
        Fault::Host(black_hole),
        [UNSENT; 2],
    ),
    row(
        ["certificate expired", "证书过期"],
        Fault::Certificate(|s| s.https_expired_url().unwrap()),
        [None, TLS],
    ),
    row(
        ["certificate of another name", "证书属于其他域名"],
        Fault::Certificate(|s| s.https_wrong_name_url().unwrap()),
        [None, TLS],
    ),
    row(
        ["certificate of an unknown issuer", "证书由未知机构签发"],
        Fault::Certificate(|s| s.https_unknown_issuer_url().unwrap()),
        [None, TLS],
    ),
    row(
        ["no response in the TLS handshake", "TLS 握手没有回应"],
        Fault::Connection(r#""tls_hang""#),
        [None, UNSENT],
    ),
    row(
        ["reset in the TLS handshake", "TLS 握手时被重置"],
        Fault::Connection(r#""tls_reset""#),
        [None, TLS],
    ),
    // Without a handshake it is noticed only after the request was sent.
    row(
        [
            "connection accepted and closed immediately",
            "连接建立后立即被关闭",
        ],
        Fault::Connection(r#""accept_close""#),
        [LOST, TLS],
    ),
    row(
        [
            "closed after reading, no effect",
            "读取请求后关闭连接，未生效",
        ],
        Fault::Request(r#"{"fault": {"drop": "close"}, "when": "before"}"#),
        [LOST; 2],
    ),
    row(
        [
            "closed after reading, in effect",
            "读取请求后关闭连接，已生效",
        ],
        Fault::Request(r#"{"fault": {"drop": "close"}, "when": "after"}"#),
        [LOST; 2],
    ),
    row(
        ["reset after sending, no effect", "发送后被重置，未生效"],
        Fault::Request(r#"{"fault": {"drop": "reset"}, "when": "before"}"#),
        [LOST; 2],
    ),
    row(
        ["reset after sending, in effect", "发送后被重置，已生效"],
        Fault::Request(r#"{"fault": {"drop": "reset"}, "when": "after"}"#),
        [LOST; 2],
    ),
    row(
        [
            "no response after sending, no effect",
            "发送后没有响应，未生效",
        ],
        Fault::Request(r#"{"fault": "hang", "when": "before"}"#),
        [TIMEOUT; 2],
    ),
    row(
        [
            "no response after sending, in effect",
            "发送后没有响应，已生效",
        ],
        Fault::Request(r#"{"fault": "hang", "when": "after"}"#),
        [TIMEOUT; 2],
    ),
    row(
        ["response stops in the middle", "响应中途停止"],
        Fault::Request(r#"{"fault": {"slow": {"bytes": 20, "every_ms": 60000}}}"#),
        [TIMEOUT; 2],
    ),
    row(
        ["slow bytes", "响应逐字节缓慢到达"],
        Fault::Request(r#"{"fault": {"slow": {"bytes": 1, "every_ms": 1000}}}"#),
        [TIMEOUT; 2],
    ),
    row(
        ["response cut short", "响应被截断"],
        Fault::Request(r#"{"fault": {"cut": {"bytes": 5}}}"#),
        [LOST; 2],
    ),
    row(
        ["garbage instead of HTTP", "返回的内容不是 HTTP"],
        Fault::Request(r#"{"fault": "garbage"}"#),
        [BAD; 2],
    ),
    row(
        ["502 with a page", "502 及错误页面"],
        Fault::Request(r#"{"fault": {"status": {"code": 502}}}"#),
        [BAD; 2],
    ),
    row(
        ["302", "302"],
        Fault::Request(
            r#"{"fault": {"redirect": {"code": 302,
                "location": "/cgi-bin/wxopen/wxamplink?access_token=SANDBOX-TOKEN"}}}"#,
        ),
        [BAD; 2],
    ),
    row(
        ["307", "307"],
        Fault::Request(
            r#"{"fault": {"redirect": {"code": 307,
                "location": "/cgi-bin/wxopen/wxamplink?access_token=SANDBOX-TOKEN"}}}"#,
        ),
        [BAD; 2],
    ),
    row(
        ["endless response", "响应没有尽头"],
        Fault::Request(r#"{"fault": {"huge": {"bytes": 1000000000}}}"#),
        [TOO_LARGE; 2],
    ),
    row(
        ["100,000 levels of JSON", "100,000 层嵌套的 JSON"],
        Fault::Request(r#"{"fault": {"deep": {"levels": 100000}}}"#),
        [BAD; 2],
    ),
    row(
        ["gzip bomb", "gzip 炸弹"],
        Fault::Request(r#"{"fault": {"gzip_bomb": {"bytes": 100000000}}}"#),
        [BAD; 2],
    ),
    // Before each verb the simulator silently closes the idle connection.
    row(
        ["stale connection", "失效的空闲连接"],
        Fault::Request(r#"{"fault": "close_after"}"#),
        [FINE; 2],
    ),
];

fn refused() -> Elsewhere {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    // The same port of another loopback address, where no program listens.
    let address = format!("127.0.0.2:{}", held.local_addr().unwrap().port());
    let _held = (held, Vec::new());
    Elsewhere { address, _held }
}

fn no_name() -> Elsewhere {
    Elsewhere {
        address: "name.invalid".into(),
        _held: refused()._held,
    }
}

fn black_hole() -> Elsewhere {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Connections are opened until the backlog is full.
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000, "the backlog does not fill");
    }
    Elsewhere {
        address: address.to_string(),
        _held: (listener, waiting),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verb {
    Link,
    List,
    Unlink,
    Ensure,
    Wait,
    /// `ensure` again, before the request takes effect.
    AgainLateEffect,
    /// `ensure` again, before the list shows the effect.
    AgainLaggingList,
}

const VERBS: [Verb; 7] = [
    Verb::Link,
    Verb::List,
    Verb::Unlink,
    Verb::Ensure,
    Verb::Wait,
    Verb::AgainLateEffect,
    Verb::AgainLaggingList,
];
const SCHEMES: [&str; 2] = ["HTTP", "HTTPS"];

impl Verb {
    const fn name(self) -> Text {
        let (en, zh) = match self {
            Verb::Link => ("link", "link"),
            Verb::List => ("list", "list"),
            Verb::Unlink => ("unlink", "unlink"),
            Verb::Ensure => ("ensure", "ensure"),
            Verb::Wait => ("wait", "wait"),
            Verb::AgainLateEffect => ("ensure again, late effect", "再次 ensure，延迟生效"),
            Verb::AgainLaggingList => ("ensure again, lagging list", "再次 ensure，列表滞后"),
        };
        Text { en, zh }
    }

    /// The endpoint that the fault rule names.
    const fn endpoint(self) -> &'static str {
        match self {
            Verb::Link | Verb::Ensure | Verb::AgainLateEffect | Verb::AgainLaggingList => "link",
            Verb::List | Verb::Wait => "get",
            Verb::Unlink => "unlink",
        }
    }

    /// Whether the verb makes sense with the row's fault.
    fn applies_to(self, row: &Row) -> bool {
        match self {
            Verb::AgainLateEffect => row.takes_effect() == Some(false),
            Verb::AgainLaggingList => row.takes_effect() == Some(true),
            _ => true,
        }
    }

    fn is_again(self) -> bool {
        matches!(self, Verb::AgainLateEffect | Verb::AgainLaggingList)
    }

    /// The time limit of the verb.
    fn limit(self, row: &Row) -> Duration {
        let (call, wait) = row.limits();
        match self {
            Verb::Wait => call + wait,
            _ => call,
        }
    }

    /// What `wx_exec` calls the verb.
    const fn operation(self) -> &'static str {
        match self {
            Verb::Link => "link",
            Verb::List => "list",
            Verb::Unlink => "unlink",
            Verb::Ensure | Verb::AgainLateEffect | Verb::AgainLaggingList => "ensure",
            Verb::Wait => "wait",
        }
    }
}

/// Makes the calls of a cell.
trait Caller {
    fn run(&mut self, verb: Verb, wait: Duration) -> Verdict;

    /// Continues with another client of the same store.
    fn renew(&mut self);
}

/// Calls this library.
struct Direct {
    options: Options,
    client: Client,
}

impl Direct {
    fn new(settings: &[(&'static str, String)]) -> Direct {
        let mut options = Options::new();
        for (key, value) in settings {
            options.set(key, value).unwrap();
        }
        let client = Client::new(&options).unwrap();
        Direct { options, client }
    }
}

impl Caller for Direct {
    fn run(&mut self, verb: Verb, wait: Duration) -> Verdict {
        let client = &self.client;
        let plain = |outcome: Result<String, Error>| match outcome {
            Ok(words) => (words, (Status::Ok, Delivery::Answered)),
            Err(e) => (format!("{e}{e:?}{}", e.trace()), (e.status(), e.delivery())),
        };
        let progress = |p: LinkProgress| {
            let words = format!("{p:?}{}{}{}", p.message(), p.trace(), p.json());
            (words, (p.status(), p.delivery()))
        };
        let (words, verdict) = match verb {
            Verb::Link => plain(
                client
                    .link_miniprogram(TOKEN, APPID, CHOICES)
                    .map(|a| format!("{a:?}{}", a.trace())),
            ),
            Verb::List => plain(client.get_linked(TOKEN).map(|l| format!("{l:?}"))),
            Verb::Unlink => plain(
                client
                    .unlink_miniprogram(TOKEN, APPID)
                    .map(|a| format!("{a:?}{}", a.trace())),
            ),
            Verb::Ensure | Verb::AgainLateEffect | Verb::AgainLaggingList => {
                progress(client.ensure_linked(TOKEN, APPID, CHOICES, Duration::ZERO))
            }
            Verb::Wait => progress(client.wait_linked(TOKEN, APPID, wait)),
        };
        assert!(!words.contains(TOKEN), "{words}");
        verdict
    }

    fn renew(&mut self) {
        self.client = Client::new(&self.options).unwrap();
    }
}

/// A program that calls another library: see `tests/windows/calls.h`.
struct Program {
    settings: Vec<(&'static str, String)>,
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Program {
    fn start(command: &str, settings: &[(&'static str, String)]) -> Program {
        let mut child = Command::new(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut program = Program {
            settings: settings.to_vec(),
            requests: child.stdin.take().unwrap(),
            replies: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        // It runs when it replies: the time to start it is not that of a call.
        program.ask("new", &[]);
        program
    }

    /// Sends a request and returns the lines of the reply.
    fn ask(&mut self, operation: &str, arguments: &[(&str, String)]) -> Vec<String> {
        let mut request = format!("{operation}\n");
        for (key, value) in arguments {
            writeln!(request, "{key}={value}").unwrap();
        }
        self.requests
            .write_all(format!("{request}.\n").as_bytes())
            .unwrap();
        let mut reply = Vec::new();
        loop {
            let mut line = String::new();
            self.replies.read_line(&mut line).unwrap();
            assert!(line.ends_with('\n'), "no reply to {operation}: {reply:?}");
            match line.trim_end() {
                "." => return reply,
                text => reply.push(text.to_owned()),
            }
        }
    }
}

impl Caller for Program {
    fn run(&mut self, verb: Verb, wait: Duration) -> Verdict {
        let mut arguments = self.settings.clone();
        arguments.push(("access_token", TOKEN.to_owned()));
        arguments.push(("format", "lines".to_owned()));
        if verb != Verb::List {
            arguments.push(("appid", APPID.to_owned()));
        }
        if matches!(verb.operation(), "link" | "ensure") {
            let flag = |flag: bool| u8::from(flag).to_string();
            arguments.push(("notify_users", flag(CHOICES.notify_users)));
            arguments.push(("show_profile", flag(CHOICES.show_profile)));
        }
        if verb == Verb::Wait {
            arguments.push(("wait_ms", wait.as_millis().to_string()));
        }
        let reply = self.ask(verb.operation(), &arguments);
        let message = reply.iter().find(|line| line.starts_with("message="));
        assert!(!message.unwrap().contains(TOKEN), "{reply:?}");
        let number = |name: &str| -> i32 {
            let value = reply.iter().find_map(|line| line.strip_prefix(name));
            value
                .unwrap_or_else(|| panic!("{reply:?}"))
                .parse()
                .unwrap()
        };
        let (status, delivery) = (number("status="), number("delivery="));
        let status = STATUSES.iter().find(|e| e.status.code() == status).unwrap();
        let delivery = DELIVERIES.iter().find(|e| e.delivery.code() == delivery);
        (status.status, delivery.unwrap().delivery)
    }

    fn renew(&mut self) {
        self.ask("new", &[]);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which library the calls of the cells are made with.
enum Library {
    Own,
    /// The library of a program, and where it finds the files of this system.
    OfProgram {
        command: String,
        root: String,
    },
}

impl Library {
    fn caller(&self, settings: &[(&'static str, String)]) -> Box<dyn Caller> {
        match self {
            Library::Own => Box::new(Direct::new(settings)),
            Library::OfProgram { command, .. } => Box::new(Program::start(command, settings)),
        }
    }

    fn path(&self, path: &Path) -> String {
        let path = path.to_str().unwrap();
        match self {
            Library::Own => path.to_owned(),
            Library::OfProgram { root, .. } => format!("{root}{path}"),
        }
    }
}

/// The outcome of one verb.
struct Outcome {
    verdict: Verdict,
    /// The requests to the endpoint that the simulator received, and those that took effect.
    received: u64,
    processed: u64,
    /// Whether it took more than two thirds of its limit. Only a verb that waits does, also on a
    /// busy machine. An ensure reserves a quarter for reading the list.
    whole_limit: bool,
}

fn observe(library: &Library, row: &Row, scheme: &str, verb: Verb) -> Outcome {
    let what = format!("{} × {scheme} × {}", row.name.en, verb.name().en);
    let sandbox = Sandbox::start(Settings {
        bad_tls: matches!(row.fault, Fault::Certificate(_)),
        policy: Policy::all(When::Immediate),
        ..Settings::default()
    })
    .unwrap();
    let admin = |method: &str, path: &str, body: Value| sandbox.admin(method, path, &body).unwrap();
    if matches!(verb, Verb::Unlink | Verb::Wait) {
        let links = json!({"links": [{"appid": APPID, "state": "linked"}]});
        admin("PUT", &format!("accounts/{ACCOUNT}"), links);
    }

    let elsewhere;
    let base_url = match row.fault {
        Fault::Host(host) => {
            elsewhere = host();
            format!("{}://{}", scheme.to_lowercase(), elsewhere.address)
        }
        Fault::Certificate(url) => url(&sandbox).to_owned(),
        _ if scheme == "HTTPS" => sandbox.https_url().to_owned(),
        _ => sandbox.http_url().to_owned(),
    };
    let (limit, wait) = row.limits();
    let settings = [
        ("base_url", base_url.clone()),
        ("ca_file", library.path(sandbox.ca_file())),
        ("timeout_ms", limit.as_millis().to_string()),
        ("connect_timeout_ms", limit.as_millis().to_string()),
        ("settle_ms", SETTLE_TIME.as_millis().to_string()),
    ];
    let mut caller = library.caller(&settings);

    match row.fault {
        Fault::Connection(fault) => {
            let fault: Value = serde_json::from_str(fault).unwrap();
            admin("POST", "faults", json!({"fault": fault, "always": true}));
        }
        Fault::Request(r#"{"fault": "close_after"}"#) => {
            // Once, so that ensure's own list leaves an open connection: whether the library sees
            // in time that it closes is a race that no client can win every time.
            admin("POST", "faults", json!({"fault": "close_after"}));
            assert_eq!(caller.run(Verb::List, wait).0, Status::Ok);
            admin("DELETE", "journal", Value::Null);
            wait_until_closed_by_peer(&base_url);
        }
        Fault::Request(rule) => {
            let mut rule: Value = serde_json::from_str(rule).unwrap();
            rule["endpoint"] = verb.endpoint().into();
            rule["always"] = true.into();
            if verb == Verb::AgainLateEffect {
                rule.as_object_mut().unwrap().remove("when");
                rule["effect_after_ms"] = (LATE_EFFECT.as_millis() as u64).into();
            }
            admin("POST", "faults", rule);
        }
        Fault::Host(_) | Fault::Certificate(_) => {}
    }
    if verb == Verb::AgainLaggingList {
        let lag = json!({"list_lag_ms": LIST_LAG.as_millis() as u64});
        let rule = json!({"endpoint": "get", "fault": lag, "always": true});
        admin("POST", "faults", rule);
    }

    let started = Instant::now();
    let mut verdict = caller.run(verb, wait);
    let took = started.elapsed();
    if verb.is_again() {
        caller.renew();
        verdict = caller.run(verb, wait);
        // Later the request takes effect, and the list shows it.
        admin("DELETE", "faults", Value::Null);
        admin("POST", "clock", json!({"advance_s": LATE_EFFECT.as_secs()}));
        let last = caller.run(verb, wait);
        assert_eq!(last.0, Status::Ok, "{what}: the last call");
    }
    let counts = admin("GET", "journal/counts", Value::Null);
    let count = |what: &str, of: &str| counts[what][of].as_u64().unwrap();
    let outcome = Outcome {
        verdict,
        received: count("received", verb.endpoint()),
        processed: count("processed", verb.endpoint()),
        whole_limit: took >= verb.limit(row) * 2 / 3 && !verb.is_again(),
    };

    // These hold for every fault.
    assert!(
        took < verb.limit(row) + MAX_OVERRUN,
        "{what}: took {took:?}"
    );
    let changes = |counted: &str| count(counted, "link") + count(counted, "unlink");
    assert!(changes("processed") <= 1, "{what}: done twice: {counts}");
    if !matches!(verb, Verb::List | Verb::Wait) {
        assert!(changes("received") <= 1, "{what}: posted twice: {counts}");
    }
    if matches!(verb, Verb::List | Verb::Wait) {
        assert_eq!(changes("received"), 0, "{what}: reading posted: {counts}");
    }
    match verdict.1 {
        // A wait reads repeatedly; its delivery is that of the last read.
        Delivery::NeverSent if verb == Verb::Wait => {}
        Delivery::NeverSent => assert_eq!(outcome.received, 0, "{what}: it was sent: {counts}"),
        Delivery::Unknown => assert_ne!(verdict.0, Status::Ok, "{what}"),
        Delivery::Answered => {}
    }
    if verb.is_again() {
        assert_eq!(changes("received"), 1, "{what}: {counts}");
        assert_eq!(changes("processed"), 1, "{what}: {counts}");
    }
    if verb == Verb::Ensure && verdict.0 == Status::Ok {
        let state = admin("GET", "state", Value::Null);
        let links = &state["world"]["accounts"][ACCOUNT]["links"];
        assert_eq!(links[0]["state"], "linked", "{what}: {links}");
    }
    outcome
}

/// Waits until the kernel has noticed that the peer closed its connection.
fn wait_until_closed_by_peer(base_url: &str) {
    let port: u16 = base_url.rsplit(':').next().unwrap().parse().unwrap();
    let (remote, close_wait) = (format!(":{port:04X}"), "08");
    let is_closed = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[2].ends_with(&remote) && fields[3] == close_wait
    };
    let started = Instant::now();
    while !std::fs::read_to_string("/proc/net/tcp")
        .unwrap()
        .lines()
        .any(is_closed)
    {
        assert!(started.elapsed() < Duration::from_secs(30), "it stays open");
        thread::sleep(Duration::from_millis(1));
    }
}

fn cell(verb: Verb, outcome: &Outcome, lang: Lang) -> String {
    let (status, delivery) = outcome.verdict;
    let (en, zh) = match delivery {
        Delivery::NeverSent => ("never sent", "未发送"),
        Delivery::Unknown => ("unknown", "未知"),
        Delivery::Answered => ("answered", "已应答"),
    };
    let delivery = Text { en, zh }.get(lang);
    let (en, zh) = if outcome.whole_limit {
        (", whole limit", "，用满时限")
    } else {
        ("", "")
    };
    let time = Text { en, zh }.get(lang);
    // The number of reads of a wait depends on the time.
    let requests = match verb {
        Verb::Wait => String::new(),
        _ => format!("<br>{} → {}", outcome.received, outcome.processed),
    };
    format!("`{}`<br>{delivery}{time}{requests}", status.name())
}

/// The outcomes of every verb under the faults of these rows.
fn observe_all(
    library: &Library,
    has_row: impl Fn(&Row) -> bool,
) -> BTreeMap<(usize, &'static str, Verb), Outcome> {
    let (mut waiting, mut working) = (Vec::new(), Vec::new());
    for (r, row) in ROWS.iter().enumerate().filter(|(_, row)| has_row(row)) {
        for (s, scheme) in SCHEMES.iter().enumerate() {
            if row.link[s].is_some() {
                let jobs = if row.waits() {
                    &mut waiting
                } else {
                    &mut working
                };
                let verbs = VERBS.iter().filter(|verb| verb.applies_to(row));
                jobs.extend(verbs.map(|verb| (r, *scheme, *verb)));
            }
        }
    }
    let outcomes = Mutex::new(BTreeMap::new());
    let queues = [(MAX_WAITING_CELLS, waiting), (MAX_WORKING_CELLS, working)]
        .map(|(workers, jobs)| (workers, Mutex::new(jobs.into_iter())));
    thread::scope(|scope| {
        for (workers, queue) in &queues {
            for _ in 0..*workers {
                scope.spawn(|| {
                    let next = || queue.lock().unwrap().next();
                    while let Some((r, scheme, verb)) = next() {
                        let outcome = observe(library, &ROWS[r], scheme, verb);
                        outcomes.lock().unwrap().insert((r, scheme, verb), outcome);
                    }
                });
            }
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
fn every_fault_against_every_verb() {
    let outcomes = observe_all(&Library::Own, |_| true);
    for (r, row) in ROWS.iter().enumerate() {
        for (scheme, expected) in SCHEMES.iter().zip(row.link) {
            let link = outcomes.get(&(r, *scheme, Verb::Link));
            assert_eq!(
                link.map(|o| o.verdict),
                expected,
                "{} over {scheme}",
                row.name.en
            );
        }
    }
    let pages = [Lang::En, Lang::Zh].map(|lang| page(&outcomes, lang));
    check_generated_pages("faults.md", &pages);
}

/// `WXLINK_CALLS` is the program, `WXLINK_CALLS_ROOT` its name for the folder `/`.
#[test]
#[ignore = "needs a program with the library for Windows: make test-windows"]
fn every_fault_against_every_verb_of_a_program() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let command = variable("WXLINK_CALLS");
    let library = Library::OfProgram {
        root: variable("WXLINK_CALLS_ROOT"),
        command: command.clone(),
    };
    // A program that opens a connection for each call has no stale one.
    let keeps_connections = !command.ends_with("stdcall");
    let outcomes = observe_all(&library, |row| keeps_connections || row.link != [FINE; 2]);
    let expected = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let found = page(&outcomes, Lang::En);
    let mut rows = 0;
    let differences: Vec<&str> = found
        .lines()
        .filter(|line| line.starts_with("| "))
        .inspect(|_| rows += 1)
        .filter(|line| !expected.lines().any(|expected| expected == *line))
        .collect();
    assert!(rows >= ROWS.len(), "{rows}");
    assert!(
        differences.is_empty(),
        "docs/faults.md has no such rows:\n{}",
        differences.join("\n")
    );
}

fn page_head() -> String {
    format!(
        "# Faults\n\n\
         <!-- Measured and written by `make generate` (tests/fault_matrix.rs); compared by \
         `make test`. -->\n\n\
         This page shows how each verb ends when every attempt meets the same fault, \
         with a limit of\n\
         {CALL_LIMIT:?} ({AMPLE_CALL_LIMIT:?} for faults that no call waits for) and otherwise the \
         default options.\n\
         `ensure` reads the list without a fault and meets the fault when it posts. `wait` \
         has {WAIT_TIME:?}\n\
         ({SHORT_WAIT_TIME:?}) more. Faults of a connection apply to every request.\n\n\
         Each cell shows the status; whether WeChat may have seen the request (*delivery*), and \
         *whole\n\
         limit* if the call took more than two thirds of its limit; and *the requests that the \
         simulator\n\
         received → those that took effect* at the endpoint with the fault (the link endpoint for\n\
         `ensure`). Requests that only read are retried. A link or unlink is never received twice\n\
         and never takes effect twice.\n\n\
         The last two columns show a second call of `ensure` by another client of the same store, \
         after\n\
         a first one met the fault: *late effect* if the request has not taken effect yet, \
         *lagging list*\n\
         if it has and the list does not show it yet. When the request has taken effect and the \
         list shows\n\
         it, a third call returns `OK`; the requests are those of all three calls. Cells are empty \
         where the\n\
         request never reaches WeChat, and in the column of the other case.\n\n\
         | fault | over |"
    )
}

fn chinese_page_head() -> String {
    let [call, ample, wait, short] =
        [CALL_LIMIT, AMPLE_CALL_LIMIT, WAIT_TIME, SHORT_WAIT_TIME].map(|limit| limit.as_secs());
    format!(
        "# 故障\n\n\
         <!-- Measured and written by `make generate` (tests/fault_matrix.rs); compared by \
         `make test`. -->\n\n\
         本页列出每种调用在每次尝试都遇到同一故障时的结果。调用的时限为 {call} 秒（没有调用会等待的故障为 {ample} 秒），\
         其他选项均取默认值。`ensure` 读取列表时没有故障，发送邀请时才遇到。`wait` 另有 {wait} 秒（或 {short} 秒）。\
         连接类故障作用于每个请求。\n\n\
         每格依次为：状态；微信是否可能已收到请求（*delivery*），若用时超过时限的三分之二，注明*用满时限*；\
         故障所在接口（`ensure` 为关联接口）上*模拟器收到的请求数 → 生效的请求数*。\
         只读取数据的请求会重试；关联或解除关联的请求从不会收到两次，也从不会生效两次。\n\n\
         最后两列是首次调用遇到故障之后，共用同一存储的另一客户端再次调用 `ensure` 的结果：\
         *延迟生效*指请求尚未生效，*列表滞后*指请求已生效而列表尚未显示。\
         待请求生效且列表显示之后，第三次调用返回 `OK`；请求数是三次调用的合计。\
         请求到不了微信时，以及在不适用的一列中，该格为空。\n\n\
         | 故障 | 协议 |"
    )
}

fn page(outcomes: &BTreeMap<(usize, &str, Verb), Outcome>, lang: Lang) -> String {
    let mut page = match lang {
        Lang::En => page_head(),
        Lang::Zh => chinese_page_head(),
    };
    for verb in VERBS {
        write!(page, " {} |", verb.name().get(lang)).unwrap();
    }
    page += "\n|---|---|---|---|---|---|---|---|---|\n";
    for (r, row) in ROWS.iter().enumerate() {
        let cells = |scheme: &'static str| {
            let cell_of = |verb: Verb| match outcomes.get(&(r, scheme, verb)) {
                Some(outcome) => Some(cell(verb, outcome, lang)),
                None => (!verb.applies_to(row)).then(String::new),
            };
            VERBS
                .iter()
                .map(|v| cell_of(*v))
                .collect::<Option<Vec<_>>>()
        };
        let [http, https] = SCHEMES.map(cells);
        let mut line = |over: &str, cells: &[String]| {
            let name = row.name.get(lang);
            writeln!(page, "| {name} | {over} | {} |", cells.join(" | ")).unwrap();
        };
        match (http, https) {
            (Some(a), Some(b)) if a == b => {
                let both = Text {
                    en: "both",
                    zh: "两者",
                };
                line(both.get(lang), &a);
            }
            (a, b) => {
                for (over, cells) in SCHEMES.iter().zip([a, b]) {
                    if let Some(cells) = cells {
                        line(over, &cells);
                    }
                }
            }
        }
    }
    page
}
