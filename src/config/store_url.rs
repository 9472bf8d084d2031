//! The option `store`: where a platform's tickets and tokens are kept.

#[cfg(feature = "redis-store")]
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use crate::model::lang::Text;

/// The value of the option `store`.
#[derive(Clone, Debug)]
pub(crate) enum StoreUrl {
    /// `memory`: lost when the client is dropped.
    Memory,
    /// `file:PATH`: shared by the processes of one machine.
    #[cfg(feature = "file-store")]
    File(String),
    /// `redis://` or `rediss://`: shared by several machines.
    #[cfg(feature = "redis-store")]
    Redis(Box<ConnectionInfo>),
}

impl StoreUrl {
    /// Whether other processes may use the store as well.
    pub fn is_shared(&self) -> bool {
        !matches!(self, StoreUrl::Memory)
    }

    /// Parses the option's value. Opens no file and no connection.
    ///
    /// # Errors
    /// A clause that follows "option store". It does not contain the value, which may hold a
    /// password.
    pub fn parse(url: &str) -> Result<StoreUrl, Text> {
        let parsed = match url.split_once(':') {
            None if url == "memory" => Some(StoreUrl::Memory),
            #[cfg(feature = "file-store")]
            Some(("file", path)) if !path.is_empty() && !path.contains('\0') => {
                Some(StoreUrl::File(path.to_owned()))
            }
            #[cfg(not(feature = "file-store"))]
            Some(("file", _)) => return Err(NOT_IN_THIS_BUILD),
            #[cfg(feature = "redis-store")]
            Some(("redis" | "rediss", _)) => {
                redis_connection_info(url).map(|info| StoreUrl::Redis(Box::new(info)))
            }
            #[cfg(not(feature = "redis-store"))]
            Some(("redis" | "rediss", _)) => return Err(NOT_IN_THIS_BUILD),
            _ => None,
        };
        parsed.ok_or(Text {
            en: "takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…",
            zh: "应为 memory、file:PATH、redis://[用户名:密码@]HOST[:PORT][/DB] 或 rediss://…",
        })
    }
}

#[cfg(not(all(feature = "file-store", feature = "redis-store")))]
const NOT_IN_THIS_BUILD: Text = Text {
    en: "names a store that this build of the library does not support",
    zh: "所指的存储不在此版本库的支持范围内",
};

/// Parses the URL of a Redis server. `None` if it is invalid, or if the server is not reached over
/// TCP or verified TLS.
#[cfg(feature = "redis-store")]
pub(crate) fn redis_connection_info(url: &str) -> Option<ConnectionInfo> {
    if !url.starts_with("redis://") && !url.starts_with("rediss://") {
        return None;
    }
    let info = url.into_connection_info().ok()?;
    let supported = matches!(
        info.addr(),
        ConnectionAddr::Tcp(..)
            | ConnectionAddr::TcpTls {
                insecure: false,
                ..
            }
    );
    supported.then_some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stores_of_this_build_are_accepted() {
        for (store, built) in [
            ("memory", true),
            ("file:/tmp/x", cfg!(feature = "file-store")),
            ("redis://h", cfg!(feature = "redis-store")),
            ("rediss://u:p@h:1/2", cfg!(feature = "redis-store")),
        ] {
            assert_eq!(StoreUrl::parse(store).is_ok(), built, "{store}");
        }
        for bad in [
            "",
            "Memory",
            "file:",
            "redis:",
            "memcached://h",
            "redis://h:x",
            "rediss://h/#insecure",
        ] {
            assert!(StoreUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
