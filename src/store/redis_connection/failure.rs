//! Why a Redis server could not be used, as a text with the remedy.

use std::fmt;
use std::io;

use redis::{ErrorKind, RedisError};

use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};

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
    message: Message,
}

impl From<io::Error> for Failure {
    /// Why there is no connection.
    fn from(error: io::Error) -> Failure {
        Failure::io(&error, Kind::Unreachable)
    }
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
                Text {
                    en: "gave an answer of another type than expected. Check that nothing else \
                         uses its keys",
                    zh: "返回了意料之外的类型。请确认没有其他程序使用 wxlink 的键",
                },
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
                Text {
                    en: "has no database of that number. Correct the number at the end of the URL",
                    zh: "没有该编号的数据库。请更正 URL 末尾的编号",
                },
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
                Text {
                    en: "cannot be reached, or does not answer in time. Check that it runs and is \
                         not stopped",
                    zh: "无法连接，或未及时响应。请检查它是否在正常运行",
                },
            ),
            io::ErrorKind::UnexpectedEof => Failure::new(
                Kind::Unreachable,
                "",
                Text {
                    en: "cannot be reached: it closed the connection. Check that it runs, and how \
                         many clients it accepts",
                    zh: "无法连接：对方关闭了连接。请检查它是否在运行，以及允许的客户端数量",
                },
            ),
            io::ErrorKind::InvalidData => Failure::new(
                Kind::Protocol,
                "",
                Text {
                    en: "gave an answer that is too large. Check that the URL names the right \
                         server",
                    zh: "返回的内容过大。请检查 URL 是否指向正确的服务器",
                },
            ),
            _ => {
                let why = Message::from(error);
                let zh = why.get(Lang::Zh);
                let why = message!(
                    "cannot be reached: {why}. Check that it runs, and the network and firewall",
                    "无法连接：{zh}。请检查它是否在运行，以及网络和防火墙"
                );
                Failure::new(kind, "", why)
            }
        }
    }

    fn of_tls(error: &rustls::Error) -> Failure {
        match error {
            rustls::Error::InvalidMessage(_) => Failure::new(
                Kind::Tls,
                "",
                Text {
                    en: "does not speak TLS. Use redis:// if that is intended",
                    zh: "不使用 TLS。如果确实如此，请改用 redis://",
                },
            ),
            e => Failure::tls(e.to_string()),
        }
    }

    pub(super) fn tls(why: impl Into<Message>) -> Failure {
        let why = why.into();
        let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
        Failure::new(
            Kind::Tls,
            "",
            message!(
                "cannot be trusted: {en}. Check its certificate, and those that this machine \
                 trusts",
                "不可信任：{zh}。请检查它的证书，以及本机信任的证书"
            ),
        )
    }

    fn protocol(beginning: &[u8]) -> Failure {
        let text = match beginning {
            [b'H', b'T', b'T', b'P', ..] => Text {
                en: "is a web server and not a Redis. Check the host and port of the URL",
                zh: "是网站服务器，不是 Redis。请检查 URL 中的主机和端口",
            },
            [0x15 | 0x16, 3, ..] => Text {
                en: "speaks TLS. Use rediss:// for it",
                zh: "使用 TLS。请改用 rediss://",
            },
            _ => Text {
                en: "is not a Redis, or sent an invalid answer. Check the host and port of the URL",
                zh: "不是 Redis，或返回了无效内容。请检查 URL 中的主机和端口",
            },
        };
        Failure::new(Kind::Protocol, "", text)
    }

    fn login(code: &str) -> Failure {
        let text = match code {
            "NOAUTH" => Text {
                en: "requires a password. Give it in the URL: redis://USER:PASSWORD@HOST",
                zh: "需要密码。请写在 URL 中：redis://用户名:密码@HOST",
            },
            "WRONGPASS" => Text {
                en: "refuses the user or the password. Correct them in the URL",
                zh: "拒绝了用户名或密码。请在 URL 中更正",
            },
            _ => Text {
                en: "refuses the login: invalid user or password, or none is expected. Correct \
                     them in the URL",
                zh: "拒绝登录：用户名或密码无效，或者不需要它们。请在 URL 中更正",
            },
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
            "LOADING" => (
                Kind::Busy,
                Text {
                    en: "is starting and reads its data. Try again",
                    zh: "正在启动并加载数据。请重试",
                },
            ),
            "BUSY" => (
                Kind::Busy,
                Text {
                    en: "is busy with a script of another client. Try again",
                    zh: "正忙于执行其他客户端的脚本。请重试",
                },
            ),
            "TRYAGAIN" => (
                Kind::Busy,
                Text {
                    en: "moves the keys to another server. Try again",
                    zh: "正在将键迁移到另一台服务器。请重试",
                },
            ),
            "UNBLOCKED" => (
                Kind::Busy,
                Text {
                    en: "ended a wait. Try again",
                    zh: "中断了等待。请重试",
                },
            ),
            "NOREPLICAS" => (
                Kind::Busy,
                Text {
                    en: "does not write because it has too few replicas. Check the replicas",
                    zh: "因副本不足而拒绝写入。请检查副本",
                },
            ),
            "MASTERDOWN" => (
                Kind::Moved,
                Text {
                    en: "is a replica that has lost its primary. Try again when the fail-over is \
                         done",
                    zh: "是失去主节点的副本。请在故障转移完成后重试",
                },
            ),
            "READONLY" => (
                Kind::Moved,
                Text {
                    en: "is a replica, which does not write. Name the primary in the URL, or try \
                         again when the fail-over is done",
                    zh: "是不可写的副本。请在 URL 中指定主节点，或在故障转移完成后重试",
                },
            ),
            "CLUSTERDOWN" => (
                Kind::Moved,
                Text {
                    en: "belongs to a cluster that is down. Try again",
                    zh: "所属的集群不可用。请重试",
                },
            ),
            "MOVED" | "ASK" | "CROSSSLOT" => (
                Kind::Refused,
                Text {
                    en: "is a cluster node; wxlink does not follow cluster redirections. Use a \
                         server that is not in a cluster",
                    zh: "是集群节点，而 wxlink 不跟随集群重定向。请使用非集群的服务器",
                },
            ),
            "NOAUTH" | "WRONGPASS" => return Failure::login(code),
            "NOPERM" => (
                Kind::Refused,
                Text {
                    en: "does not let its user do all that is needed. Allow EVAL, the commands \
                         for strings, hashes, lists, sorted sets and streams, and the keys of \
                         wxlink",
                    zh: "未授予用户所需的全部权限。请允许 EVAL，字符串、哈希、列表、有序集合和流的命令，以及 wxlink 的键",
                },
            ),
            "OOM" => (
                Kind::Refused,
                Text {
                    en: "has no memory left. Give it more (maxmemory), without eviction",
                    zh: "内存已用尽。请调大 maxmemory，且不要启用淘汰策略",
                },
            ),
            "MISCONF" => (
                Kind::Refused,
                Text {
                    en: "cannot write its data to disk, and so does not write. Check its disk and \
                         log",
                    zh: "无法将数据写入磁盘，因而拒绝写入。请检查它的磁盘和日志",
                },
            ),
            "NOSCRIPT" => (
                Kind::Refused,
                Text {
                    en: "lost a script it had just taken. Check for a proxy in front of several \
                         servers",
                    zh: "丢失了刚接收的脚本。请检查多台服务器之前是否有代理",
                },
            ),
            "WRONGTYPE" => (
                Kind::Refused,
                Text {
                    en: "holds a value of another type at a key of wxlink. Delete it, and find \
                         out which program uses the same keys",
                    zh: "在 wxlink 的键下存有其他类型的值。请将其删除，并查明哪个程序使用了相同的键",
                },
            ),
            "NOGROUP" => (
                Kind::Refused,
                Text {
                    en: "does not have the queue: it was purged, or the server was emptied",
                    zh: "没有该队列：队列已被清除，或服务器已被清空",
                },
            ),
            "DENIED" => (
                Kind::Refused,
                Text {
                    en: "runs in protected mode and takes local connections only. Set a password \
                         for it",
                    zh: "处于保护模式，只接受本机连接。请为它设置密码",
                },
            ),
            "ERR" => return Failure::unnamed(detail),
            _ => return Failure::unknown(code),
        };
        Failure::new(kind, code, text)
    }

    /// An error without a code of its own.
    fn unnamed(detail: &str) -> Failure {
        let detail = detail.to_ascii_lowercase();
        let (kind, text) = if detail.contains("max number of clients") {
            (
                Kind::Busy,
                Text {
                    en: "has as many clients as it takes. Raise its maxclients, or try again",
                    zh: "客户端数量已达上限。请调大 maxclients，或稍后重试",
                },
            )
        } else if detail.contains("cluster mode") {
            (
                Kind::Database,
                Text {
                    en: "is a cluster node, which has no numbered databases; wxlink does not \
                         follow cluster redirections. Use a server that is not in a cluster",
                    zh: "是集群节点，没有编号数据库，而 wxlink 不跟随集群重定向。请使用非集群的服务器",
                },
            )
        } else if detail.starts_with("unknown command") {
            (
                Kind::Refused,
                Text {
                    en: "does not know a command that is needed. Use Redis 6.2 or newer, or Valkey",
                    zh: "不支持所需的命令。请使用 Redis 6.2 及以上版本，或 Valkey",
                },
            )
        } else {
            return Failure::unknown("ERR");
        };
        Failure::new(kind, "ERR", text)
    }

    fn unknown(code: &str) -> Failure {
        let is_code = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        let is_valid = code.len() <= 32 && code.bytes().all(is_code) && !code.is_empty();
        let (code, zh) = if is_valid {
            (code, code)
        } else {
            ("an unknown error", "未知错误")
        };
        Failure::new(
            Kind::Refused,
            code,
            message!(
                "refuses ({code}). See its log; it must be Redis 6.2 or newer, or Valkey",
                "拒绝了请求（{zh}）。请查看它的日志；须为 Redis 6.2 及以上版本，或 Valkey"
            ),
        )
    }

    fn new(kind: Kind, code: &str, message: impl Into<Message>) -> Failure {
        Failure {
            kind,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The text, in every language.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The server's error code, such as `WRONGTYPE`; empty if there is none.
    pub fn code(&self) -> &str {
        &self.code
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

/// The code of an error inside a script, as Redis 6.2 reports it: "Error running script (call to
/// f_…): @user_script:1: WRONGTYPE Operation …", or "… -READONLY You can't …".
fn inner_code(detail: &str) -> Option<&str> {
    let rest = detail.strip_prefix("Error running script")?;
    let error = match rest.split_once(" -") {
        Some((_, error)) => error,
        None => rest.rsplit_once(": ")?.1,
    };
    let code = error.split(' ').next()?;
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase());
    is_code.then_some(code)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
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
        let old = "Error running script (call to f_8c65): @user_script:1: WRONGTYPE Operation \
                   against a key holding the wrong kind of value";
        assert!(Failure::refused("ERR", old).is_wrong_type());
    }
}
