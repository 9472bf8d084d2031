//! Tokens from a program (`token_command`), for users who have a token server of their own.
//!
//! The protocol is that of git's credential helpers: the program reads `key=value` lines that end
//! with an empty line, and prints the token. `printed` reads its output, `process` runs it.

use std::ffi::CString;
use std::time::Instant;

use super::cached::FetchedToken;
use super::printed;
use crate::config::limits::MAX_TOKEN_BYTES;
use crate::error::Error;
use crate::model::lang::Lang;
use crate::model::message::message;
use crate::model::status::Status;
use crate::sys::process;

/// The longest output of a program (bytes).
const MAX_OUTPUT_BYTES: usize = 4 * MAX_TOKEN_BYTES;

pub(super) struct Command {
    line: String,
    environment: Vec<CString>,
    lang: Lang,
}

impl Command {
    /// A command that runs `line` with the present environment of this process.
    pub fn new(line: String, lang: Lang) -> Command {
        Command {
            line,
            environment: process::environment(),
            lang,
        }
    }

    /// Runs the program and reads the token that it prints.
    pub fn fetch(
        &self,
        account: &str,
        refused: Option<&str>,
        limit: Instant,
    ) -> Result<FetchedToken, Error> {
        let refused = refused.map_or_else(String::new, |token| format!("refused_token={token}\n"));
        let input = format!("account={account}\n{refused}\n");
        process::run(
            &self.line,
            &self.environment,
            input.as_bytes(),
            limit,
            MAX_OUTPUT_BYTES,
        )
        .and_then(|output| printed::read(&output))
        .map_err(|why| {
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            let why = message!(
                "the program of token_command {en}",
                "token_command 指定的程序{zh}"
            );
            Error::before_send(Status::NoToken, why, self.lang)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn fetch_within(line: &str, limit: Duration) -> Result<FetchedToken, Error> {
        let limit = Instant::now() + limit;
        Command::new(line.into(), Lang::En).fetch("wx1", Some("OLD"), limit)
    }

    fn fetch(line: &str) -> Result<FetchedToken, Error> {
        fetch_within(line, Duration::from_secs(60))
    }

    #[test]
    fn the_program_reads_the_account_and_the_refused_token() {
        for line in [
            "read a; read r; read e; echo \"T:$a|$r|$e\"",
            "exec 3</dev/stdin; read a <&3; read r <&3; echo \"T:$a|$r|\"",
        ] {
            let echoed = fetch(line).unwrap();
            assert_eq!(echoed.token, "T:account=wx1|refused_token=OLD|", "{line}");
        }
    }

    #[test]
    fn a_program_that_fails_is_described_without_what_it_printed() {
        for (line, says) in [
            ("echo SECRET; exit 3", "exit status: 3"),
            ("echo SECRET; kill -9 $$", "signal: 9"),
            ("true", "no token"),
            ("echo SECRET; echo SECRET", "several lines"),
            (
                "echo expires_in=soon; echo access_token=SECRET",
                "expires_in",
            ),
            ("yes SECRET", "more than"),
            ("printf '\\377'", "UTF-8"),
        ] {
            let error = fetch(line).err().unwrap();
            assert_eq!(error.status(), Status::NoToken);
            let message = error.message();
            let chinese = error.with_lang(Lang::Zh).message();
            assert!(message.contains(says), "{message}");
            assert!(!chinese.contains("the program"), "{chinese}");
            assert!(!format!("{message}{chinese}").contains("SECRET"));
        }
    }
}
