//! What the command prints: results on stdout, either as text for people or as lines of JSON, and
//! everything else on stderr.

pub(crate) mod json;
mod log;
mod style;
mod table;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use wxlink::Lang;

use crate::exit::ExitCode;
use crate::message::{Message, text};

pub(crate) use log::Log;
pub(crate) use style::{DIM, FAILURE, HEADING, PENDING, SUCCESS, sanitize};
pub(crate) use table::{Cell, Table};

/// The output of one run. Colours are used on terminals only, and not if `NO_COLOR` is set.
///
/// A failure to write does not stop the work: the first one is kept, and [`Output::finish`]
/// reports it at the end. A closed pipe, as in `| head`, is not reported.
pub(crate) struct Output {
    is_json: bool,
    lang: Lang,
    log: Log,
    write_error: Mutex<Option<io::Error>>,
}

impl Output {
    /// Prints lines of JSON if `is_json`, else text in `lang`.
    pub fn new(is_json: bool, lang: Lang) -> Output {
        Output {
            is_json,
            lang,
            log: Log::default(),
            write_error: Mutex::new(None),
        }
    }

    /// Whether results are lines of JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn set_lang(&mut self, lang: Lang) {
        self.lang = lang;
    }

    /// How stderr is written.
    pub fn log(&self) -> Log {
        self.log
    }

    pub fn set_log(&mut self, log: Log) {
        self.log = log;
    }

    /// The text in the language of this run.
    pub fn text(&self, en: &'static str, zh: &'static str) -> &'static str {
        text(self.lang, en, zh)
    }

    /// Prints a result: `json` as a line for programs, or else calls `print_text`.
    pub fn result(&self, json: &Value, print_text: impl FnOnce()) {
        if self.is_json {
            self.line(json);
        } else {
            print_text();
        }
    }

    /// Prints a line on stdout.
    pub fn line(&self, line: impl Display) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// Prints a table on stdout.
    pub fn table(&self, table: &Table) {
        self.write(table.to_string().as_bytes());
    }

    /// Writes text to stdout, unless an earlier write failed.
    pub fn write(&self, text: &[u8]) {
        let error = self.write_error.lock();
        let mut error = error.unwrap_or_else(PoisonError::into_inner);
        if error.is_none() {
            let mut stdout = anstream::stdout().lock();
            *error = stdout.write_all(text).and_then(|()| stdout.flush()).err();
        }
    }

    /// Prints a line for people on stderr: progress or advice.
    pub fn note(&self, line: impl Display) {
        self.log.write("note", line);
    }

    /// Prints an error or a warning on stderr, after the name of the command.
    pub fn diagnostic(&self, message: impl Display) {
        if self.log.is_json() {
            self.log.write("diagnostic", message);
        } else {
            self.note(format_args!("{FAILURE}wxlink:{FAILURE:#} {message}"));
        }
    }

    /// The exit code of the process: `code`, but never 0 if the output could not be written.
    pub fn finish(&self, code: u8) -> u8 {
        let error = self.write_error.lock();
        let error = error.unwrap_or_else(PoisonError::into_inner);
        match &*error {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                let why = Message::from(error);
                let why = why.after("could not write the output", "无法写入输出");
                self.diagnostic(why.get(self.lang));
                code.max(ExitCode::Refused.number())
            }
            _ => code,
        }
    }
}
