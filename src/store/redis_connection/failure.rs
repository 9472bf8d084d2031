//! Why a Redis server could not be used, as a text with the remedy.

use std::fmt;
use std::io;

use redis::{ErrorKind, RedisError};

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no connection, or it was closed.
    Unreachable,
    /// No reply before the limit.
    Late,
    /// The server's certificate is not trusted, or it does not speak TLS.
    Tls,
    /// The server is not a Redis, or sent an invalid reply.
    Protocol,
    /// It is starting, failing over, or busy.
    Busy,
    /// It is not the primary, or no longer: it does not accept writes.
    Moved,
    /// The user or password is refused.
    Login,
    /// The database number is refused.
    Database,
    /// Any other refusal.
    Refused,
}

/// Why a Redis server could not be used. The text follows the server's name, such as "refuses the
/// password. Check …". It contains nothing from the server or the command, which may be secret.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: Kind,
    /// The server's error code; empty if there is none.
    code: String,
    text: String,
}

impl Failure {
    /// What `error` means on an open connection. `first_bytes` are those the server sent, and
    /// `io_failure` is why the last read or write failed.
    pub(super) fn from_error(
        error: &RedisError,
        first_bytes: &[u8],
        io_failure: Option<Failure>,
    ) -> Failure {
        if error.is_io_error() {
            let closed = || Failure::io(&io::ErrorKind::UnexpectedEof.into(), Kind::Unreachable);
            return io_failure.unwrap_or_else(closed);
        }
        match (error.kind(), error.code()) {
            (_, Some(code)) => Failure::refused(code, error.detail().unwrap_or_default()),
            (ErrorKind::Parse, _) => Failure::protocol(first_bytes),
            _ => Failure::new(
                Kind::Protocol,
                "",
                "gave an answer of another type than expected. Check that nothing else uses its \
                 keys",
            ),
        }
    }

    /// The meaning of an error without a code of its own during the set-up.
    pub(super) fn or(self, kind: Kind) -> Failure {
        match (self.kind, kind) {
            (Kind::Refused, Kind::Login) if self.code == "ERR" => Failure::login(&self.code),
            (Kind::Refused, Kind::Database) if self.code == "ERR" => Failure::new(
                Kind::Database,
                &self.code,
                "has no database of that number. Correct the number at the end of the URL",
            ),
            _ => self,
        }
    }

    pub(super) fn io(error: &io::Error, kind: Kind) -> Failure {
        let tls = error.get_ref().and_then(|e| e.downcast_ref());
        if let Some(tls) = tls {
            return Failure::of_tls(tls);
        }
        match error.kind() {
            io::ErrorKind::TimedOut => Failure::new(
                Kind::Late,
                "",
                "cannot be reached, or does not answer in time. Check that it runs and is not \
                 stopped",
            ),
            io::ErrorKind::UnexpectedEof => Failure::new(
                Kind::Unreachable,
                "",
                "cannot be reached: it closed the connection. Check that it runs, and how many \
                 clients it takes",
            ),
            io::ErrorKind::InvalidData => Failure::new(
                Kind::Protocol,
                "",
                "gave an answer that is too large. Check that the URL names the right server",
            ),
            _ => Failure {
                kind,
                code: String::new(),
                text: format!(
                    "cannot be reached: {error}. Check that it runs and that the network lets it \
                     through"
                ),
            },
        }
    }

    fn of_tls(error: &rustls::Error) -> Failure {
        match error {
            rustls::Error::InvalidMessage(_) => {
                Failure::tls("it does not speak TLS. Use redis:// if that is intended")
            }
            e => Failure::tls(&e.to_string()),
        }
    }

    pub(super) fn tls(why: &str) -> Failure {
        Failure {
            kind: Kind::Tls,
            code: String::new(),
            text: format!(
                "cannot be trusted: {why}. Check its certificate, and those that this machine \
                 trusts"
            ),
        }
    }

    fn protocol(beginning: &[u8]) -> Failure {
        let what = match beginning {
            [b'H', b'T', b'T', b'P', ..] => "is not a Redis: it answers as a web server",
            [0x15 | 0x16, 3, ..] => "speaks TLS. Use rediss:// for it",
            _ => "is not a Redis, or sent an invalid answer",
        };
        let text = if what.ends_with("it") {
            what.to_owned()
        } else {
            format!("{what}. Check the host and port of the URL")
        };
        Failure::new(Kind::Protocol, "", &text)
    }

    fn login(code: &str) -> Failure {
        let text = match code {
            "NOAUTH" => "requires a password. Give it in the URL: redis://USER:PASSWORD@HOST",
            "WRONGPASS" => "refuses the user or the password. Correct them in the URL",
            _ => {
                "refuses the login: the user or the password is wrong, or none is expected. \
                 Correct them in the URL"
            }
        };
        Failure::new(Kind::Login, code, text)
    }

    /// The meaning of a server's error. Its text is searched for known words but never shown,
    /// because it repeats arguments, which may be secret.
    fn refused(code: &str, detail: &str) -> Failure {
        let code = match code {
            // An error inside a script, as older servers report it.
            "ERR" => inner_code(detail).unwrap_or(code),
            code => code,
        };
        let (kind, text) = match code {
            "LOADING" => (Kind::Busy, "is starting and reads its data. Try again"),
            "BUSY" => (
                Kind::Busy,
                "is busy with a script of another client. Try again",
            ),
            "TRYAGAIN" => (Kind::Busy, "moves the keys to another server. Try again"),
            "UNBLOCKED" => (Kind::Busy, "ended a wait. Try again"),
            "NOREPLICAS" => (
                Kind::Busy,
                "does not write because it has too few replicas. Check the replicas",
            ),
            "MASTERDOWN" => (
                Kind::Moved,
                "is a replica that has lost its primary. Try again when the fail-over is done",
            ),
            "READONLY" => (
                Kind::Moved,
                "is a replica, which does not write. Name the primary in the URL, or try again \
                 when the fail-over is done",
            ),
            "CLUSTERDOWN" => (Kind::Moved, "belongs to a cluster that is down. Try again"),
            "MOVED" | "ASK" | "CROSSSLOT" => (
                Kind::Refused,
                "is a cluster node; wxlink does not follow cluster redirections. Use a server \
                 that is not in a cluster",
            ),
            "NOAUTH" | "WRONGPASS" => return Failure::login(code),
            "NOPERM" => (
                Kind::Refused,
                "does not let its user do all that is needed. Allow EVAL, the commands for \
                 strings, hashes, lists, sorted sets and streams, and the keys of wxlink",
            ),
            "OOM" => (
                Kind::Refused,
                "has no memory left. Give it more (maxmemory), without eviction",
            ),
            "MISCONF" => (
                Kind::Refused,
                "cannot write its data to disk, and so does not write. Check its disk and log",
            ),
            "NOSCRIPT" => (
                Kind::Refused,
                "lost a script it had just taken. Check for a proxy in front of several servers",
            ),
            "WRONGTYPE" => (
                Kind::Refused,
                "holds a value of another type at a key of wxlink. Delete it, and find out \
                 which program uses the same keys",
            ),
            "NOGROUP" => (
                Kind::Refused,
                "does not have the queue: it was purged, or the server was emptied",
            ),
            "DENIED" => (
                Kind::Refused,
                "runs in protected mode and takes local connections only. Set a password for it",
            ),
            "ERR" => return Failure::unnamed(detail),
            _ => return Failure::unknown(code),
        };
        Failure::new(kind, code, text)
    }

    /// An error without a code of its own.
    fn unnamed(detail: &str) -> Failure {
        let text = detail.to_ascii_lowercase();
        let (kind, text) = if text.contains("max number of clients") {
            (
                Kind::Busy,
                "has as many clients as it takes. Raise its maxclients, or try again",
            )
        } else if text.contains("cluster mode") {
            (
                Kind::Database,
                "is a cluster node, which has no numbered databases; wxlink does not follow \
                 cluster redirections. Use a server that is not in a cluster",
            )
        } else if text.starts_with("unknown command") {
            (
                Kind::Refused,
                "does not know a command that is needed. Use Redis 6.2 or newer, or Valkey",
            )
        } else {
            return Failure::unknown("ERR");
        };
        Failure::new(kind, "ERR", text)
    }

    fn unknown(code: &str) -> Failure {
        let is_code = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        let code = if code.len() <= 32 && code.bytes().all(is_code) && !code.is_empty() {
            code
        } else {
            "an unknown error"
        };
        let text =
            format!("refuses ({code}). See its log; it must be Redis 6.2 or newer, or Valkey");
        Failure::new(Kind::Refused, code, &text)
    }

    fn new(kind: Kind, code: &str, text: &str) -> Failure {
        Failure {
            kind,
            code: code.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether the next attempt may succeed without any action.
    pub fn may_pass(&self) -> bool {
        use Kind::{Busy, Late, Moved, Unreachable};
        matches!(self.kind, Busy | Late | Moved | Unreachable)
    }

    /// Whether the limit passed.
    pub fn is_late(&self) -> bool {
        self.kind == Kind::Late
    }

    /// Whether the reply is not one of a Redis server.
    pub(super) fn is_invalid_reply(&self) -> bool {
        self.kind == Kind::Protocol
    }

    /// Whether a key holds a value of the wrong type.
    pub fn is_wrong_type(&self) -> bool {
        self.code == "WRONGTYPE"
    }

    /// Whether the connection can no longer be used.
    pub(super) fn ends_connection(&self) -> bool {
        match self.kind {
            // After an incomplete reply the rest of it would be taken for the next reply.
            Kind::Unreachable | Kind::Late | Kind::Tls | Kind::Protocol => true,
            // Another server may now be the primary, or the password may have changed.
            Kind::Moved | Kind::Login | Kind::Database => true,
            Kind::Busy => matches!(self.code.as_str(), "LOADING" | "ERR" | "NOREPLICAS"),
            Kind::Refused => false,
        }
    }
}

/// The code of an error inside a script: "Error running script …: -READONLY You can't …".
fn inner_code(detail: &str) -> Option<&str> {
    let rest = detail.strip_prefix("Error running script")?;
    let code = rest.split(" -").nth(1)?.split(' ').next()?;
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase());
    is_code.then_some(code)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_failure_repeats_what_the_server_said() {
        for (code, detail) in [
            (
                "ERR",
                "unknown command 'EVAL', with args beginning with: 'SECRET'",
            ),
            ("ERR", "SECRET"),
            ("SECRET-password", "x"),
            ("secret", ""),
            ("", "SECRET"),
            ("NOPERM", "No permissions to access the key 'SECRET'"),
            ("MOVED", "1 SECRET:6379"),
        ] {
            let failure = Failure::refused(code, detail);
            let shown = format!("{failure} {failure:?}").to_lowercase();
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains(". "), "no advice: {shown}");
        }
    }

    #[test]
    fn an_error_inside_a_script_is_found() {
        let old = "Error running script (call to f_6b1b): @user_script:1: @user_script: 1: \
                   -READONLY You can't write against a read only replica.";
        let failure = Failure::refused("ERR", old);
        assert!(failure.may_pass() && failure.ends_connection());
        assert!(failure.to_string().contains("replica"), "{failure}");
        assert!(!Failure::refused("ERR", "Error running script - x").may_pass());
    }
}
