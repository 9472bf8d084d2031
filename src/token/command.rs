//! Tokens from a program, for those who have a token server of their own.
//!
//! In the manner of git's credential helpers: the program reads `key=value` lines, ended by an empty one, and
//! prints such lines, of which `access_token` is the token and `expires_in` how long it is good for (s).
//! A single line that is no such pair is the token itself.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::Fetched;
use crate::cancel::{Cancel, Stop};
use crate::client::MAX_TOKEN;
use crate::error::Error;
use crate::lang::Lang;
use crate::status::Status;

/// How long a token is believed to be good if the program does not say.
const UNTOLD: Duration = Duration::from_secs(300);
/// The most that is read of what it prints (bytes).
const MAX_OUTPUT: usize = 4 * MAX_TOKEN;

pub(super) struct Command {
    line: String,
    lang: Lang,
}

impl Command {
    pub fn new(line: String, lang: Lang) -> Command {
        Command { line, lang }
    }

    /// Runs the program.
    pub fn fetch(
        &self,
        account: &str,
        refused: Option<&str>,
        limit: Instant,
    ) -> Result<Fetched, Error> {
        self.run(account, refused, limit)
            .and_then(|printed| read(&printed))
            .map_err(|why| {
                let why = format!("the program of token_command {why}");
                Error::argument(Status::NoToken, why, self.lang)
            })
    }

    fn run(&self, account: &str, refused: Option<&str>, limit: Instant) -> Result<String, String> {
        let input =
            ask(account, refused).map_err(|e| format!("cannot be told the account: {e}"))?;
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", &self.line])
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("cannot be started: {e}"))?;
        let told = listen(&mut child, limit);
        if told.is_err() {
            // It may still run; nobody waits for it any more.
            let _ = child.kill();
        }
        match (told, child.wait()) {
            // What it says goes nowhere: it might be about tokens.
            (Ok(_), Ok(ended)) if !ended.success() => {
                Err(format!("ended with {ended}; run it by hand to see why"))
            }
            // A host that ignores SIGCHLD never learns how its children end.
            (told, _) => told,
        }
    }
}

/// Its input, with all it is told already in it. A socket, since a pipe nobody reads would send the host a
/// SIGPIPE.
fn ask(account: &str, refused: Option<&str>) -> Result<Stdio, Errno> {
    let refused = refused.map_or_else(String::new, |token| format!("refused_token={token}\n"));
    let (ours, its) = UnixStream::pair().map_err(|_| Errno::MFILE)?;
    let text = format!("account={account}\n{refused}\n");
    send(&ours, text.as_bytes(), SendFlags::NOSIGNAL)?;
    Ok(OwnedFd::from(its).into())
}

/// Reads what it prints until it closes its output.
fn listen(child: &mut Child, limit: Instant) -> Result<String, String> {
    let never = Cancel::new().map_err(|e| format!("cannot be waited for: {e}"))?;
    let mut from = child.stdout.take().ok_or("has no output")?;
    let mut printed = Vec::new();
    let mut part = [0; 1024];
    loop {
        never
            .wait_for(from.as_fd(), PollFlags::IN, limit)
            .map_err(|stop| match stop {
                Stop::TimedOut => "took longer than timeout_ms".to_owned(),
                _ => "cannot be waited for".to_owned(),
            })?;
        match from.read(&mut part) {
            Ok(0) => break,
            Ok(n) => printed.extend_from_slice(&part[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(format!("cannot be read from: {e}")),
        }
        if printed.len() > MAX_OUTPUT {
            return Err(format!("printed more than {MAX_OUTPUT} bytes"));
        }
    }
    String::from_utf8(printed).map_err(|_| "printed something that is not UTF-8".into())
}

/// Takes the token out of what it printed.
fn read(printed: &str) -> Result<Fetched, String> {
    let lines = || {
        printed
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let value = |key: &str| lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
    let token = match (value("access_token"), lines().next()) {
        (Some(token), _) => token,
        (None, Some(only)) if lines().count() == 1 => only,
        _ => return Err("printed no token; print it alone, or as access_token=TOKEN".into()),
    };
    if token.is_empty() || token.len() > MAX_TOKEN || token.chars().any(char::is_control) {
        return Err("printed what cannot be a token".into());
    }
    let alive = match value("expires_in").map(str::parse) {
        Some(Ok(seconds)) => Duration::from_secs(seconds),
        Some(Err(_)) => return Err("printed an expires_in that is no number of seconds".into()),
        None => UNTOLD,
    };
    Ok(Fetched {
        token: token.to_owned(),
        fresh: alive / 12 * 11,
        good: alive,
        alive,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(line: &str) -> Result<Fetched, Error> {
        let limit = Instant::now() + Duration::from_secs(20);
        Command::new(line.into(), Lang::En).fetch("wx1", Some("OLD"), limit)
    }

    #[test]
    fn a_token_is_printed_alone_or_with_its_life() {
        let alone = fetch("echo TOKEN").unwrap();
        assert_eq!((alone.token.as_str(), alone.alive), ("TOKEN", UNTOLD));
        let told = fetch("printf 'expires_in=7200\\naccess_token=T=1\\n'").unwrap();
        assert_eq!((told.token.as_str(), told.alive.as_secs()), ("T=1", 7200));
        assert_eq!(told.fresh.as_secs(), 6600);
    }

    #[test]
    fn it_is_told_which_account_and_what_was_refused() {
        let echoed = fetch("read a; read r; echo \"$a,$r\"").unwrap();
        assert_eq!(echoed.token, "account=wx1,refused_token=OLD");
    }

    #[test]
    fn what_goes_wrong_is_said_without_what_it_printed() {
        for (line, says) in [
            ("echo SECRET; exit 3", "exit status: 3"),
            ("true", "no token"),
            ("printf 'a\\nb\\n'", "no token"),
            ("echo expires_in=soon; echo access_token=T", "expires_in"),
            ("head -c 100000 /dev/zero", "more than"),
            ("printf '\\377'", "UTF-8"),
        ] {
            let error = fetch(line).err().unwrap();
            assert_eq!(error.status(), Status::NoToken);
            let message = error.message();
            assert!(
                message.contains(says) && !message.contains("SECRET"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let limit = Instant::now() + Duration::from_millis(50);
        let hanging = Command::new("exec sleep 60".into(), Lang::En);
        let error = hanging.fetch("wx1", None, limit).err().unwrap();
        assert!(error.message().contains("timeout_ms"), "{error}");
        assert!(limit.elapsed() < Duration::from_secs(30));
    }
}
