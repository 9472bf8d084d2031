//! The results of checks: how they are printed, and the exit code they result in.

use serde_json::json;

use crate::context::Context;
use crate::exit::ExitCode;
use crate::output::{DIM, FAILURE, SUCCESS, sanitize};

/// A run of the doctor.
pub(super) struct Doctor<'a> {
    pub context: &'a Context<'a>,
    /// The highest exit code of all problems so far.
    pub exit_code: ExitCode,
}

/// The result of one check.
pub(super) enum CheckResult {
    Ok {
        found: String,
    },
    Problem {
        exit_code: ExitCode,
        found: String,
        /// What to do, if `found` does not say it; may be empty.
        advice: String,
    },
    /// The check could not be made or does not apply.
    Skipped {
        reason: String,
    },
}

impl Doctor<'_> {
    /// Prints the result of a check.
    pub fn report(&mut self, check: &str, result: CheckResult) {
        let (word, style, found, advice) = match result {
            CheckResult::Ok { found } => ("ok", SUCCESS, found, String::new()),
            CheckResult::Skipped { reason } => ("skipped", DIM, reason, String::new()),
            CheckResult::Problem {
                exit_code,
                found,
                advice,
            } => {
                self.exit_code = self.exit_code.max(exit_code);
                ("problem", FAILURE, found, advice)
            }
        };
        let out = self.context.out;
        let line = json!({"check": check, "result": word, "found": found, "advice": advice});
        out.result(&line, || {
            let found = sanitize(&found);
            out.line(format_args!("{style}{word:8}{style:#} {check:14} {found}"));
            if !advice.is_empty() {
                out.line(format_args!("{:24}-> {}", "", sanitize(&advice)));
            }
        });
    }

    /// The text in the language of this run.
    pub fn text(&self, en: &'static str, zh: &'static str) -> String {
        self.context.text(en, zh).to_owned()
    }
}
