//! The results of checks: how they are printed, and the exit code they result in.

use serde_json::json;
use unicode_width::UnicodeWidthStr;
use wxlink::Text;

use crate::context::Context;
use crate::exit::ExitCode;
use crate::output::{DIM, FAILURE, SUCCESS, sanitize};

// The results as they are shown, all of the same width in a language.
const OK: Text = Text {
    en: "ok      ",
    zh: "正常",
};
const SKIPPED: Text = Text {
    en: "skipped ",
    zh: "跳过",
};
const PROBLEM: Text = Text {
    en: "problem ",
    zh: "问题",
};

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
        let (word, shown, style, found, advice) = match result {
            CheckResult::Ok { found } => ("ok", OK, SUCCESS, found, String::new()),
            CheckResult::Skipped { reason } => ("skipped", SKIPPED, DIM, reason, String::new()),
            CheckResult::Problem {
                exit_code,
                found,
                advice,
            } => {
                self.exit_code = self.exit_code.max(exit_code);
                ("problem", PROBLEM, FAILURE, found, advice)
            }
        };
        let out = self.context.out;
        let line = json!({"check": check, "result": word, "found": found, "advice": advice});
        out.result(&line, || {
            let (shown, found) = (shown.get(out.lang()), sanitize(&found));
            out.line(format_args!("{style}{shown}{style:#} {check:14} {found}"));
            if !advice.is_empty() {
                let indent = shown.width() + 1 + 14 + 1;
                out.line(format_args!("{:indent$}-> {}", "", sanitize(&advice)));
            }
        });
    }

    /// The text in the language of this run.
    pub fn text(&self, en: &'static str, zh: &'static str) -> String {
        self.context.text(en, zh).to_owned()
    }
}
