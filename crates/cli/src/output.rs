//! What the command says: results on stdout, as words for people or a line of JSON each; all else on stderr.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::table::Table;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const SOON: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const HEAD: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Where results go. Colours are for terminals only, unless `NO_COLOR` is set.
///
/// Whoever does not read to the end, as `head` does, is no reason to stop what was begun: the first failure to
/// write is kept, and told at the end.
pub(crate) struct Output {
    json: bool,
    failed: Mutex<Option<io::Error>>,
}

impl Output {
    pub fn new(json: bool) -> Output {
        Output {
            json,
            failed: Mutex::new(None),
        }
    }

    /// Whether programs read it.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Says a result: the line of JSON to a program, `else_words` to people.
    pub fn result(&self, json: &Value, else_words: impl FnOnce()) {
        match self.json {
            true => self.line(json),
            false => else_words(),
        }
    }

    /// A line on stdout.
    pub fn line(&self, line: impl Display) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// A table on stdout.
    pub fn table(&self, table: &Table) {
        self.write(table.to_string().as_bytes());
    }

    /// Text on stdout as it is.
    pub fn write(&self, text: &[u8]) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() {
            let mut stdout = anstream::stdout().lock();
            *failed = stdout.write_all(text).and_then(|()| stdout.flush()).err();
        }
    }

    /// A line for people on stderr: progress, advice.
    pub fn note(&self, line: impl Display) {
        // Where nobody hears it, nothing is left to be said.
        let _ = writeln!(anstream::stderr(), "{line}");
    }

    /// What went wrong, on stderr.
    pub fn complain(&self, what: impl Display) {
        self.note(format_args!("{BAD}wxlink:{BAD:#} {what}"));
    }

    /// The exit code, `code` unless what was said could not be written.
    pub fn finish(&self, code: u8) -> u8 {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failed {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.complain(format_args!("the output cannot be written: {error}"));
                code.max(1)
            }
            _ => code,
        }
    }
}

/// A text of somebody else's without what would steer a terminal or turn the direction of what follows.
pub(crate) fn harmless(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(steers, " ")
}
