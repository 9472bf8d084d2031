//! What `bulk work` and `serve` serve to Prometheus: checked by promtool, and scraped by a real
//! Prometheus.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::*;
use serde_json::Value;
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::{self, World};

const PART: &str = "metrics";

/// A program that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The rest of the first line of a program's output with this text, after the text.
fn announced(output: impl std::io::Read + Send + 'static, text: &str) -> String {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains(text));
    let line = line.unwrap_or_else(|| panic!("the program ended without {text:?}"));
    // The program must not wait for a reader of its output.
    std::thread::spawn(move || lines.for_each(drop));
    line.split_once(text).unwrap().1.to_owned()
}

/// The head and the body of the response to a GET.
fn request(url: &str) -> (String, String) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn get(url: &str) -> String {
    let (head, body) = request(url);
    assert!(head.contains(" 200 "), "{head}");
    body
}

/// The value of a sample.
fn value(metrics: &str, sample: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(sample))?;
    line.strip_prefix(' ')?.parse().ok()
}

fn check_with_promtool(metrics: &str) {
    if !have("promtool", PART) {
        return;
    }
    let mut promtool = Command::new("promtool");
    let piped = promtool.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut child = common::piped(piped);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(metrics.as_bytes()).unwrap();
    drop(stdin);
    let checked = child.wait_with_output().unwrap();
    let found = [checked.stdout, checked.stderr].concat();
    let found = String::from_utf8(found).unwrap();
    assert!(
        checked.status.success() && found.is_empty(),
        "{found}\n{metrics}"
    );
}

/// A Prometheus that scrapes this URL several times a second; `None` if none is installed.
struct Prometheus {
    _process: Running,
    url: String,
}

impl Prometheus {
    fn scraping(url: &str, dir: &Path) -> Option<Prometheus> {
        if !have("prometheus", PART) {
            return None;
        }
        let target = url
            .trim_start_matches("http://")
            .trim_end_matches("/metrics");
        let config = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
             scrape_configs: [{{job_name: wxlink, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        let config = file(dir, "prometheus.yml", &config);
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={config}"))
            .arg(format!("--storage.tsdb.path={}/data", dir.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = process.stderr.take().unwrap();
        let process = Running(process);
        let address = announced(log, "msg=\"Listening on\" address=");
        Some(Prometheus {
            _process: process,
            url: format!("http://{}", address.trim()),
        })
    }

    /// The value of an expression; `None` if it has none yet.
    fn query(&self, expression: &str) -> Option<f64> {
        let encoded: String = expression.bytes().map(|b| format!("%{b:02x}")).collect();
        let (head, answer) = request(&format!("{}/api/v1/query?query={encoded}", self.url));
        // It listens before it is ready.
        if head.contains(" 503 ") {
            return None;
        }
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["data"]["result"][0]["value"][1]
            .as_str()?
            .parse()
            .ok()
    }

    /// Waits until the expression has a value that is expected.
    fn expect(&self, expression: &str, is_expected: impl Fn(f64) -> bool) {
        until(|| self.query(expression).is_some_and(&is_expected));
    }
}

/// The program, set up as the world's platform, in the world's folder.
fn worker(world: &World, arguments: &[&str]) -> Command {
    let mut command = platform(&world.sandbox, &world.dir, arguments);
    command.env("WXLINK_COMPONENT_APPSECRET", "SECRET");
    command
}

#[test]
fn a_worker_is_scraped_by_prometheus() {
    let Some(redis) = Redis::start(PART) else {
        return;
    };
    let world = World::new("cli-metrics", 3, 2);
    let mut rows = "account,appid,notify_users,show_profile\n".to_owned();
    for row in 0..6 {
        let (account, appid) = (world::account(row / 2 + 1), world::appid(row % 2 + 1));
        rows += &format!("{account},{appid},0,1\n");
    }
    fs::write(world.dir.join("links.csv"), rows).unwrap();
    let ticket = run_with(worker(&world, &["platform", "set-ticket"]), "TICKET\n");
    assert_eq!(ticket.code, 0, "{}", ticket.err);
    let pushed = run(worker(
        &world,
        &["bulk", "push", "links.csv", "--queue", &redis.url()],
    ));
    assert_eq!(pushed.code, 0, "{}", pushed.err);
    let work = [
        "bulk",
        "work",
        "--stay",
        "--queue",
        &redis.url(),
        "--metrics",
        "127.0.0.1:0",
    ];
    let mut process = piped(&mut worker(&world, &work));
    let log = process.stderr.take().unwrap();
    let _process = Running(process);
    let url = format!("http://{}", announced(log, "Metrics at http://"));

    let invited = "wxlink_rows_total{outcome=\"invited\"}";
    until(|| value(&get(&url), invited) == Some(6.0));
    // The state of the queue may be a moment older.
    until(|| value(&get(&url), "wxlink_queue_finished_rows") == Some(6.0));
    let metrics = get(&url);
    for (sample, expected) in [
        ("wxlink_calls_total{endpoint=\"link\",outcome=\"OK\"}", 6.0),
        ("wxlink_calls_total{endpoint=\"get\",outcome=\"OK\"}", 3.0),
        ("wxlink_call_duration_seconds_count{endpoint=\"link\"}", 6.0),
        (
            "wxlink_call_duration_seconds_bucket{endpoint=\"link\",le=\"+Inf\"}",
            6.0,
        ),
        ("wxlink_retries_total{endpoint=\"link\"}", 0.0),
        ("wxlink_tokens_fetched_total", 3.0),
        ("wxlink_queue_up", 1.0),
        ("wxlink_queue_finished_rows", 6.0),
        ("wxlink_queue_waiting_rows", 0.0),
    ] {
        assert_eq!(
            value(&metrics, sample),
            Some(expected),
            "{sample}\n{metrics}"
        );
    }
    check_with_promtool(&metrics);

    let Some(prometheus) = Prometheus::scraping(&url, &world.dir) else {
        return;
    };
    prometheus.expect("sum(wxlink_rows_total)", |rows| rows == 6.0);
    prometheus.expect("up{job=\"wxlink\"}", |up| up == 1.0);
    let quantile = "histogram_quantile(0.9, sum by (le) (wxlink_call_duration_seconds_bucket))";
    prometheus.expect(quantile, |seconds| seconds > 0.0 && seconds < 60.0);

    // Without the queue, the other numbers are still there.
    drop(redis);
    until(|| value(&get(&url), "wxlink_queue_up") == Some(0.0));
    assert_eq!(value(&get(&url), invited), Some(6.0));
}

#[cfg(feature = "serve")]
#[test]
fn a_service_has_its_metrics_on_another_address_and_not_on_its_own() {
    use wxlink_testkit::push::Pusher;

    let sandbox = sandbox();
    let dir = scratch("serve-metrics");
    let arguments = [
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--public-url",
        "https://link.example.com",
    ];
    let mut command = platform(&sandbox, &dir, &arguments);
    command
        .env("WXLINK_PUSH_TOKEN", Pusher::TOKEN)
        .env("WXLINK_PUSH_AES_KEY", Pusher::AES_KEY);
    let mut process = piped(&mut command);
    let out = process.stdout.take().unwrap();
    let _process = Running(process);
    let line: Value = serde_json::from_str(&format!("{{{}", announced(out, "{"))).unwrap();
    let metrics = get(line["metrics"].as_str().unwrap());
    assert_eq!(value(&metrics, "wxlink_store_up"), Some(1.0), "{metrics}");
    assert!(
        metrics.contains("# TYPE wxlink_calls_total counter\n"),
        "{metrics}"
    );
    check_with_promtool(&metrics);

    let (head, _) = request(&format!("{}/metrics", line["listen"].as_str().unwrap()));
    assert!(head.contains(" 404 "), "{head}");
}

#[test]
fn an_address_that_cannot_be_listened_on_is_reported_before_the_work() {
    let Some(redis) = Redis::start(PART) else {
        return;
    };
    let world = World::new("cli-metrics-taken", 1, 1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let work = [
        "bulk",
        "work",
        "--queue",
        &redis.url(),
        "--metrics",
        &address,
    ];
    let refused = run(worker(&world, &work));
    assert_eq!((refused.code, &*refused.out), (2, ""));
    let expected = format!("cannot listen on {address}: ");
    assert!(refused.err.contains(&expected), "{}", refused.err);
}
