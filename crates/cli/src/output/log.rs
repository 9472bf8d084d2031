//! What is written to stderr: notes and diagnostics, and with `--verbose` each attempt to call
//! WeChat. As text, or with `--log-format json` as lines of JSON like those of `wxlink serve`.

use std::fmt::Display;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use serde_json::{Value, json};
use wxlink::{Attempt, Endpoint, Lang};

use super::json::merge;
use super::style::DIM;

/// How stderr is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Log {
    is_json: bool,
    is_verbose: bool,
}

impl Log {
    pub fn from_matches(matches: &ArgMatches) -> Log {
        let format = matches.get_one::<String>("log-format");
        Log {
            is_json: format.is_some_and(|format| format == "json"),
            is_verbose: matches.get_flag("verbose"),
        }
    }

    /// Whether it is lines of JSON.
    pub fn is_json(self) -> bool {
        self.is_json
    }

    /// Whether each attempt is logged.
    pub fn is_verbose(self) -> bool {
        self.is_verbose
    }

    /// Whether a progress bar can be drawn: other lines would break it.
    pub fn is_plain(self) -> bool {
        !self.is_json && !self.is_verbose
    }

    /// Writes a line for people, or as JSON the message of an event of this kind.
    pub fn write(self, event: &str, message: impl Display) {
        if self.is_json {
            let message = message.to_string();
            let message = anstream::adapter::strip_str(&message).to_string();
            write_json(event, json!({"message": message}));
        } else {
            write_line(message);
        }
    }

    /// Writes an attempt that has ended.
    pub fn attempt(self, endpoint: Endpoint, attempt: &Attempt, lang: Lang) {
        if self.is_json {
            let mut fields = json!({"endpoint": endpoint.as_str()});
            merge(&mut fields, attempt.json());
            write_json("attempt", fields);
        } else {
            let line = describe(endpoint, attempt, lang);
            write_line(format_args!("{DIM}{line}{DIM:#}"));
        }
    }
}

fn describe(endpoint: Endpoint, attempt: &Attempt, lang: Lang) -> String {
    let (host, ms, outcome) = (&attempt.host, attempt.ms, attempt.outcome.name());
    let name = endpoint.name();
    let connection = match (attempt.reused, lang) {
        (true, Lang::En) => "open connection",
        (false, Lang::En) => "new connection",
        (true, Lang::Zh) => "已有连接",
        (false, Lang::Zh) => "新建连接",
    };
    let mut line = match lang {
        Lang::En => format!("{name} at {host}: {outcome} after {ms} ms, {connection}"),
        Lang::Zh => format!("{name}，主机 {host}：{outcome}，用时 {ms} 毫秒，{connection}"),
    };
    if attempt.http_status > 0 {
        line += &match lang {
            Lang::En => format!(", HTTP {}", attempt.http_status),
            Lang::Zh => format!("，HTTP {}", attempt.http_status),
        };
    }
    if !attempt.detail.is_empty() {
        let detail = attempt.detail.replace(char::is_control, " ");
        line += &match lang {
            Lang::En => format!(": {detail}"),
            Lang::Zh => format!("：{detail}"),
        };
    }
    line
}

fn write_json(event: &str, fields: Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = now.map_or(0, |now| now.as_millis() as u64);
    let mut line = json!({"time": milliseconds as f64 / 1000.0, "event": event});
    merge(&mut line, fields);
    write_line(line);
}

/// Writes the line in one call, so that those of several threads do not mix. If stderr is closed,
/// there is no place left to report that.
fn write_line(line: impl Display) {
    let _ = anstream::stderr().write_all(format!("{line}\n").as_bytes());
}
