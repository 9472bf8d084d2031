//! The service against the simulator: WeChat pushes to it, and browsers come and go.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::Response;
use wxlink::{Client, LinkChoices, Options};
use wxlink_sandbox::{Sandbox, Settings as SandboxSettings};
use wxlink_serve::{Forward, PublicUrl, Server, Settings};
use wxlink_testkit::fake_redis::{Behaviour, FakeRedis};
use wxlink_testkit::push::Pusher;
use wxlink_testkit::scratch;

const PLATFORM: &str = "wx0c00000000000001";
const ACCOUNT: &str = "wx0a00000000000001";
/// An account that has not authorised the platform before.
const NEW_ACCOUNT: &str = "wx0a0000000000000f";
const APPID: &str = "wx0b00000000000001";
const TICKET: [(&str, &str); 1] = [("ComponentVerifyTicket", "ticket@@@SANDBOX-T")];
const LIMIT: Duration = Duration::from_secs(60);

/// A service with its simulator. It is stopped when this is dropped.
struct Running {
    sandbox: Sandbox,
    client: Client,
    address: SocketAddr,
    agent: Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A service that listens, with a client of its own.
struct Listening {
    client: Client,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Listening {
    fn start(sandbox: &Sandbox, store: &str, forward: Option<Forward>) -> Listening {
        let mut options = Options::new();
        for (key, value) in [
            ("base_url", sandbox.http_url()),
            ("component_appid", PLATFORM),
            ("component_appsecret", "SANDBOX-COMPONENT-SECRET"),
            ("push_token", Pusher::TOKEN),
            ("push_aes_key", Pusher::AES_KEY),
            ("store", store),
        ] {
            options.set(key, value).unwrap();
        }
        let client = Client::new(&options).unwrap();
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: PublicUrl::parse("http://localhost").unwrap(),
            forward,
        };
        let server = Server::bind(client.clone(), settings).unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let stopped = async {
                let _: Result<(), _> = stopped.await;
            };
            server.run(stopped).unwrap();
        });
        Listening {
            client,
            address,
            stop,
            thread,
        }
    }
}

impl Running {
    fn start(store: &str, forward: Option<Forward>) -> Running {
        let sandbox = Sandbox::start(SandboxSettings::default()).unwrap();
        let started = Listening::start(&sandbox, store, forward);
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(LIMIT))
            .build();
        Running {
            sandbox,
            client: started.client,
            address: started.address,
            agent: config.into(),
            stop: Some(started.stop),
            thread: Some(started.thread),
        }
    }

    /// Ends the service and starts another one.
    fn restart(&mut self, store: &str) {
        self.stop();
        let started = Listening::start(&self.sandbox, store, None);
        self.client = started.client;
        self.address = started.address;
        self.stop = Some(started.stop);
        self.thread = Some(started.thread);
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        let is_url = path.starts_with("http");
        let url = if is_url {
            path.to_owned()
        } else {
            self.url(path)
        };
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Page::read(request.call().unwrap())
    }

    fn push(&self, query: &str, body: &[u8]) -> Page {
        let url = self.url(&format!("/push?{query}"));
        Page::read(self.agent.post(url).send(body).unwrap())
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.sandbox.admin(method, path, &body).unwrap()
    }

    /// Has the simulator push to the service.
    fn receive_pushes(&self) {
        let settings = json!({
            "url": self.url("/push"),
            "token": Pusher::TOKEN,
            "aes_key": Pusher::AES_KEY,
        });
        self.admin("PUT", "component/push", settings);
        let started = Instant::now();
        while self.pushes().is_empty() {
            assert!(started.elapsed() < LIMIT, "no ticket was pushed");
        }
    }

    /// The journal of pushes, once none is waiting.
    fn pushes(&self) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let journal = self.admin("GET", "pushes", Value::Null);
            if journal["pending"] == 0 {
                return journal["pushes"].as_array().unwrap().clone();
            }
            assert!(started.elapsed() < LIMIT, "{journal}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Page {
    fn read(response: Response<ureq::Body>) -> Page {
        let (parts, mut body) = response.into_parts();
        let headers = parts.headers.iter();
        Page {
            status: parts.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: body.read_to_string().unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }

    /// The cookie that the page sets, as a browser sends it back.
    fn cookie(&self) -> &str {
        self.header("set-cookie").split(';').next().unwrap()
    }

    /// The value of that cookie.
    fn state(&self) -> &str {
        self.cookie().split_once('=').unwrap().1
    }

    /// The target of the page's first button.
    fn button(&self) -> String {
        let after = self.body.split("class=\"button\" href=\"").nth(1).unwrap();
        after.split('"').next().unwrap().replace("&amp;", "&")
    }
}

fn store(name: &str) -> String {
    let folder = scratch(&format!("serve-{name}"));
    format!("file:{}", folder.join("store").display())
}

/// A decoded parameter of a URL.
fn parameter(url: &str, name: &str) -> String {
    let mut pairs = url.split(['?', '&']);
    let value = pairs.find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let decoded = percent_encoding::percent_decode_str(value.unwrap());
    decoded.decode_utf8().unwrap().into_owned()
}

/// The path at the service to which WeChat redirects the browser.
fn way_back(approved: &Value) -> String {
    let url = approved["redirect"].as_str().unwrap();
    url.strip_prefix("http://localhost").unwrap().to_owned()
}

#[test]
fn a_platform_goes_the_whole_way() {
    let running = Running::start(&store("way"), None);
    running.receive_pushes();
    let tickets = running.pushes();
    assert!(
        tickets.iter().all(|p| p["result"] == "success"),
        "{tickets:?}"
    );
    assert!(running.client.platform_status().unwrap().has_ticket());

    // The merchant opens the page, and WeChat's page from there.
    let page = running.get("/authorize?lang=en", &[]);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Continue on WeChat"));
    let cookie = page.cookie().to_owned();
    let to_wechat = running.get(&page.button(), &[("Cookie", &cookie)]);
    assert_eq!(to_wechat.status, 303, "{}", to_wechat.body);
    let wechat = to_wechat.header("location").to_owned();
    assert!(wechat.starts_with(running.sandbox.http_url()), "{wechat}");
    let referer = running.url("/");
    let theirs = running.get(&wechat, &[("Referer", &referer)]);
    assert_eq!(theirs.status, 200, "{}", theirs.body);

    // The account's administrator approves.
    running.admin("PUT", &format!("accounts/{NEW_ACCOUNT}"), json!({}));
    let decision = json!({
        "account": NEW_ACCOUNT,
        "pre_auth_code": parameter(&wechat, "pre_auth_code"),
        "redirect_uri": parameter(&wechat, "redirect_uri"),
        "events": 1,
    });
    let back = way_back(&running.admin("POST", "authorizations", decision));
    let english = ("Accept-Language", "en");
    let page = running.get(&back, &[("Cookie", &cookie), english]);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("<h1>Authorised</h1>"), "{}", page.body);
    assert!(page.body.contains(NEW_ACCOUNT));
    let pushes = running.pushes();
    assert!(
        pushes.iter().all(|p| p["result"] == "success"),
        "{pushes:?}"
    );

    // The page may be loaded again, in this browser only.
    let again = running.get(&back, &[("Cookie", &cookie)]);
    assert_eq!((again.status, &again.body), (200, &page.body));
    let other = running.get(&back, &[english]);
    assert_eq!(other.status, 403);
    assert!(other.body.contains("cannot be opened"), "{}", other.body);
    assert_eq!(other.button(), "/authorize?lang=en");

    let account = running.client.account(NEW_ACCOUNT).unwrap();
    let choices = LinkChoices {
        notify_users: false,
        show_profile: true,
    };
    account.link_miniprogram(None, APPID, choices).unwrap();

    let metrics = running.get("/metrics", &[]).body;
    for line in [
        "wxlink_pushes_total{event=\"authorized\"} 1\n",
        // Each loading of the page is counted.
        "wxlink_authorizations_total{status=\"may_link\"} 2\n",
        "wxlink_store_up 1\n",
        "wxlink_codes_waiting 0\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    assert!(
        metrics.contains("\nwxlink_ticket_age_seconds "),
        "{metrics}"
    );
}

#[test]
fn accounts_and_tokens_are_counted() {
    let running = Running::start(&store("counts"), None);
    assert!(
        !running
            .get("/metrics", &[])
            .body
            .contains("wxlink_accounts")
    );
    running
        .client
        .add_account(ACCOUNT, "SANDBOX-REFRESH-1")
        .unwrap();
    let second = "wx0a00000000000002";
    running
        .client
        .add_account(second, "SANDBOX-REFRESH-2")
        .unwrap();
    // The first ticket is the platform's first chance to read WeChat's list.
    running.receive_pushes();
    let started = Instant::now();
    let metrics = loop {
        let metrics = running.get("/metrics", &[]).body;
        if metrics.contains("wxlink_accounts{") {
            break metrics;
        }
        assert!(started.elapsed() < LIMIT, "{metrics}");
        thread::sleep(Duration::from_millis(20));
    };
    // Four accounts have authorised the platform, of which the store knows two.
    for line in [
        "wxlink_accounts{state=\"authorized\"} 2\n",
        "wxlink_accounts{state=\"not_stored\"} 2\n",
        "wxlink_accounts{state=\"withdrawn\"} 0\n",
        "wxlink_accounts{state=\"code_stored\"} 0\n",
        "wxlink_tokens{kind=\"account\"} 0\n",
        "wxlink_tokens{kind=\"platform\"} 1\n",
        "wxlink_accounts_age_seconds ",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    // However often the metrics are read, WeChat's list is not.
    for _ in 0..5 {
        running.get("/metrics", &[]);
    }
    let counts = running.admin("GET", "journal/counts", Value::Null);
    assert_eq!(counts["received"]["authorizer_list"], 1);
}

#[test]
fn a_missing_permission_set_is_shown() {
    let running = Running::start(&store("permission"), None);
    running.receive_pushes();
    let page = running.get("/authorize", &[]);
    let cookie = page.cookie();
    let decision = json!({
        "account": ACCOUNT,
        "permission": false,
        "redirect_uri": format!("http://localhost/authorized?state={}", page.state()),
        "events": 0,
    });
    let back = way_back(&running.admin("POST", "authorizations", decision));
    let missing = running.get(&back, &[("Cookie", cookie)]);
    assert!(
        missing.body.contains("已授权，但缺少一项权限"),
        "{}",
        missing.body
    );
    // WeChat returns without a code if the administrator refuses.
    let refused = format!("/authorized?state={}", page.state());
    let refused = running.get(&refused, &[("Cookie", cookie)]);
    assert!(refused.body.contains("<h1>未授权</h1>"), "{}", refused.body);
}

#[test]
fn only_what_is_stored_is_answered_with_success() {
    let store = store("answers");
    let running = Running::start(&store, None);
    let push = Pusher::new(PLATFORM).event("component_verify_ticket", 1_700_000_000, &TICKET);
    let wrong = push.query.replace("msg_signature=", "msg_signature=0");
    let refused = running.push(&wrong, &push.body);
    assert_eq!(refused.status, 403);
    assert!(!refused.body.contains("success"));
    assert!(!running.client.platform_status().unwrap().has_ticket());

    let file = store.strip_prefix("file:").unwrap();
    std::fs::write(file, b"damaged").unwrap();
    let away = running.push(&push.query, &push.body);
    assert_eq!(away.status, 503);
    assert!(!away.body.contains("success"));
    assert_eq!(running.get("/healthz", &[]).status, 503);
    let metrics = running.get("/metrics", &[]).body;
    assert!(metrics.contains("wxlink_store_up 0\n"), "{metrics}");

    std::fs::remove_file(file).unwrap();
    let kept = running.push(&push.query, &push.body);
    assert_eq!((kept.status, kept.body.as_str()), (200, "success"));
    assert!(running.client.platform_status().unwrap().has_ticket());
    assert_eq!(running.get("/healthz", &[]).status, 200);
}

#[test]
fn a_store_that_can_only_be_read_is_not_healthy() {
    let full = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    let redis = FakeRedis::start(vec![Behaviour::ReadOnly(full.into())]);
    let running = Running::start(&redis.url(), None);
    assert!(!running.client.platform_status().unwrap().has_ticket());
    assert_eq!(running.get("/healthz", &[]).status, 503);
    let metrics = running.get("/metrics", &[]).body;
    assert!(metrics.contains("wxlink_store_up 0\n"), "{metrics}");
    let writable = Running::start(&FakeRedis::start(vec![Behaviour::Store]).url(), None);
    assert_eq!(writable.get("/healthz", &[]).status, 200);
}

#[test]
fn pushes_that_are_not_complete_are_counted() {
    let running = Running::start(&store("incomplete"), None);
    let large = vec![b'x'; (1 << 20) + 1];
    assert_eq!(running.push("", &large).status, 413);
    for (is_closed, answer) in [(true, "HTTP/1.1 400"), (false, "HTTP/1.1 408")] {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = b"POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n<xm";
        stream.write_all(request).unwrap();
        if is_closed {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut head = vec![0; answer.len()];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(String::from_utf8_lossy(&head), answer);
    }
    let metrics = running.get("/metrics", &[]).body;
    for line in [
        "wxlink_failed_pushes_total{status=\"BAD_PUSH\"} 2\n",
        "wxlink_failed_pushes_total{status=\"TIMEOUT\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
}

/// A new account's administrator has approved, and no event is pushed. Returns the cookie and the
/// way back.
fn approve(running: &Running, query: &str) -> (String, String) {
    let page = running.get(&format!("/authorize{query}"), &[]);
    let cookie = page.cookie().to_owned();
    let to_wechat = running.get(&page.button(), &[("Cookie", &cookie)]);
    let wechat = to_wechat.header("location").to_owned();
    running.admin("PUT", &format!("accounts/{NEW_ACCOUNT}"), json!({}));
    let decision = json!({
        "account": NEW_ACCOUNT,
        "pre_auth_code": parameter(&wechat, "pre_auth_code"),
        "redirect_uri": parameter(&wechat, "redirect_uri"),
        "events": 0,
    });
    let approved = running.admin("POST", "authorizations", decision);
    (cookie, way_back(&approved))
}

#[test]
fn the_code_of_a_redirect_is_exchanged_without_the_browser() {
    let running = Running::start(&store("redirect"), None);
    running.receive_pushes();
    let (cookie, back) = approve(&running, "?lang=en");
    let busy =
        json!({"endpoint": "query_auth", "fault": {"errcode": {"code": -1}}, "always": true});
    running.admin("POST", "faults", busy);
    let kept = running.get(&back, &[("Cookie", &cookie)]);
    assert_eq!(kept.status, 202, "{}", kept.body);
    assert!(
        kept.body.contains("Your authorisation is stored"),
        "{}",
        kept.body
    );
    // The button loads the same page.
    assert_eq!(kept.button(), back);
    assert!(has_waiting_codes(&running, 1));
    running.admin("DELETE", "faults", Value::Null);
    let started = Instant::now();
    while !has_waiting_codes(&running, 0) {
        assert!(started.elapsed() < LIMIT, "it was never exchanged");
        thread::sleep(Duration::from_millis(50));
    }
    let account = running.client.account(NEW_ACCOUNT).unwrap();
    account.get_linked(None).unwrap();
    let again = running.get(&back, &[("Cookie", &cookie)]);
    assert!(again.body.contains("<h1>Authorised</h1>"), "{}", again.body);
}

#[test]
fn a_return_while_the_store_is_away_can_be_repeated() {
    let store = store("away");
    let running = Running::start(&store, None);
    running.receive_pushes();
    let (cookie, back) = approve(&running, "?lang=en");
    let file = store.strip_prefix("file:").unwrap();
    let good = std::fs::read(file).unwrap();
    std::fs::write(file, b"damaged").unwrap();
    let not_kept = running.get(&back, &[("Cookie", &cookie)]);
    assert_eq!(not_kept.status, 503, "{}", not_kept.body);
    assert!(
        not_kept.body.contains("could not be stored"),
        "{}",
        not_kept.body
    );
    std::fs::write(file, good).unwrap();
    let kept = running.get(&not_kept.button(), &[("Cookie", &cookie)]);
    assert!(kept.body.contains("<h1>Authorised</h1>"), "{}", kept.body);
}

#[test]
fn pages_keep_the_language_and_the_account() {
    let running = Running::start(&store("language"), None);
    running.receive_pushes();
    for (lang, refused) in [("en", "Not authorised"), ("zh", "未授权")] {
        let query = format!("?lang={lang}&account={NEW_ACCOUNT}");
        let (cookie, back) = approve(&running, &query);
        let (without_code, _) = back.split_once("&auth_code=").unwrap();
        let other = if lang == "en" { "zh" } else { "en" };
        let headers = [("Cookie", cookie.as_str()), ("Accept-Language", other)];
        let page = running.get(without_code, &headers);
        assert!(page.body.contains(refused), "{}", page.body);
        assert_eq!(page.button(), format!("/authorize{query}"));
    }
    // Without a QR code inside WeChat.
    let phone = ("User-Agent", "Mozilla/5.0 MicroMessenger/8.0");
    let page = running.get("/authorize?lang=en", &[phone]);
    assert!(!page.body.contains("QR"), "{}", page.body);
    // Two tabs share the state.
    let cookie = page.cookie();
    let second = running.get("/authorize?lang=en", &[("Cookie", cookie)]);
    assert_eq!(second.cookie(), cookie);
    let first = running.get(&page.button(), &[("Cookie", second.cookie())]);
    assert_eq!(first.status, 303, "{}", first.body);
}

#[test]
fn a_refusal_of_the_service_names_its_operator() {
    let running = Running::start(&store("operator"), None);
    running.receive_pushes();
    let page = running.get("/authorize?lang=en", &[]);
    let refused =
        json!({"endpoint": "pre_auth_code", "fault": {"errcode": {"code": 61004}}, "always": true});
    running.admin("POST", "faults", refused);
    let operator = running.get(&page.button(), &[("Cookie", page.cookie())]);
    assert_eq!(operator.status, 502);
    assert!(
        operator.body.contains("Ask the operator"),
        "{}",
        operator.body
    );
    let long = "x".repeat(2000);
    let back = format!(
        "/authorized?state={}&lang=en&auth_code={long}",
        page.state()
    );
    let wrong = running.get(&back, &[("Cookie", page.cookie())]);
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert!(wrong.body.contains("not valid"), "{}", wrong.body);
}

/// Has the service store a code while WeChat exchanges none.
fn store_a_code(running: &Running) {
    running.receive_pushes();
    let busy =
        json!({"endpoint": "query_auth", "fault": {"errcode": {"code": -1}}, "always": true});
    running.admin("POST", "faults", busy);
    running.admin(
        "POST",
        "authorizations",
        json!({"account": ACCOUNT, "events": 1}),
    );
    let pushes = running.pushes();
    assert!(
        pushes.iter().all(|p| p["result"] == "success"),
        "{pushes:?}"
    );
    assert!(has_waiting_codes(running, 1));
}

fn has_waiting_codes(running: &Running, number: u32) -> bool {
    let metrics = running.get("/metrics", &[]).body;
    metrics.contains(&format!("wxlink_codes_waiting {number}\n"))
}

#[test]
fn a_code_that_cannot_be_exchanged_is_exchanged_later() {
    let running = Running::start(&store("later"), None);
    store_a_code(&running);
    running.admin("DELETE", "faults", Value::Null);
    let started = Instant::now();
    while !has_waiting_codes(&running, 0) {
        assert!(started.elapsed() < LIMIT, "it was never exchanged");
        thread::sleep(Duration::from_millis(50));
    }
    let account = running.client.account(ACCOUNT).unwrap();
    account.get_linked(None).unwrap();
}

#[test]
fn a_code_that_an_ended_service_stored_is_exchanged_by_another() {
    let store = store("ended");
    let mut running = Running::start(&store, None);
    store_a_code(&running);
    running.stop();
    running.admin("DELETE", "faults", Value::Null);
    running.admin("DELETE", "refreshes", Value::Null);
    running.restart(&store);
    let started = Instant::now();
    while running.admin("GET", "refreshes", Value::Null)["accounts"][ACCOUNT].is_null() {
        assert!(started.elapsed() < LIMIT, "it was never exchanged");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn other_events_are_forwarded_and_signed() {
    let (received, requests) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut statuses = ["500 No", "204 Yes"].iter().cycle();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            let status = statuses.next().unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if received.send(request).is_err() {
                return;
            }
        }
    });
    let forward = Forward {
        url,
        secret: "KEY".into(),
    };
    let running = Running::start(&store("forward"), Some(forward));
    let code = ("auth_code", "queryauthcode@@@SECRET");
    let fields = [("appid", ACCOUNT), ("status", "0"), code];
    let push = Pusher::new(PLATFORM).event("notify_third_fasteregister", 1_700_000_000, &fields);
    // The other program fails first, so WeChat has to try again.
    assert_eq!(running.push(&push.query, &push.body).status, 503);
    assert_eq!(running.push(&push.query, &push.body).body, "success");
    for _ in 0..2 {
        let request = requests.recv_timeout(LIMIT).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let mut lines = head.lines();
            let line = lines.find(|l| l.to_ascii_lowercase().starts_with(name));
            line.unwrap().split_once(": ").unwrap().1.to_owned()
        };
        let signed = format!("{}.{body}", header("wxlink-timestamp"));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"KEY");
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(header("wxlink-signature"), hex);
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["event"], "notify_third_fasteregister");
        assert_eq!(event["fields"]["appid"], ACCOUNT);
        assert!(!body.contains("SECRET"), "{body}");
    }
}

/// Reads a request with its body.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

#[test]
fn pages_are_closed_to_other_sites() {
    let running = Running::start(&store("headers"), None);
    let page = running.get("/authorize", &[]);
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let cookie = page.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );

    // Without the state of this browser, no code is made and none is exchanged.
    let other = running.get("/authorize", &[]);
    for path in [
        "/authorize/continue".to_owned(),
        other.button(),
        format!("/authorized?state={}&auth_code=C", other.state()),
        "/authorized?auth_code=C".to_owned(),
    ] {
        let refused = running.get(&path, &[("Cookie", page.cookie())]);
        assert_eq!(refused.status, 403, "{path}");
    }
    let counts = running.admin("GET", "journal/counts", Value::Null);
    for endpoint in ["pre_auth_code", "query_auth", "component_token"] {
        assert_eq!(counts["received"][endpoint], 0, "{counts}");
    }
    for (path, status) in [
        ("/authorize?account=gh_1", 400),
        ("/authorize?account=%3Cscript%3E", 400),
        ("/push", 405),
        ("/nothing", 404),
        ("/healthz", 200),
    ] {
        assert_eq!(running.get(path, &[]).status, status, "{path}");
    }
}

#[test]
fn requests_in_progress_are_finished_after_a_request_to_stop() {
    let mut running = Running::start(&store("drain"), None);
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let push = Pusher::new(PLATFORM).event("component_verify_ticket", 1_700_000_000, &TICKET);
    let head = format!(
        "POST /push?{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        push.query,
        push.body.len()
    );
    // The head arrives, the body does not yet.
    stream.write_all(head.as_bytes()).unwrap();
    let mut piece = [0; 1024];
    let read = stream.read(&mut piece).unwrap();
    assert!(piece[..read].starts_with(b"HTTP/1.1 100"));
    drop(running.stop.take());
    let started = Instant::now();
    while TcpStream::connect(running.address).is_ok() {
        assert!(started.elapsed() < LIMIT, "it still listens");
        thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(&push.body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("success"), "{answer}");
    running.stop();
}
