//! The option `store`: which store keeps what survives a process.

#[cfg(feature = "redis-store")]
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// A store, as the option names it.
#[derive(Clone, Debug)]
pub(crate) enum StoreUrl {
    /// `memory`: ends with the client.
    Memory,
    /// `file:PATH`: shared by the processes of a machine.
    #[cfg(feature = "file-store")]
    File(String),
    /// `redis://` or `rediss://`: shared by machines.
    #[cfg(feature = "redis-store")]
    Redis(Box<ConnectionInfo>),
}

impl StoreUrl {
    /// Reads the option's value. Nothing is opened or connected.
    ///
    /// # Errors
    /// A clause that follows the option's name, without the value, which may hold a password.
    pub fn parse(url: &str) -> Result<StoreUrl, String> {
        let parsed = match url.split_once(':') {
            None if url == "memory" => Some(StoreUrl::Memory),
            #[cfg(feature = "file-store")]
            Some(("file", path)) if !path.is_empty() && !path.contains('\0') => {
                Some(StoreUrl::File(path.to_owned()))
            }
            #[cfg(not(feature = "file-store"))]
            Some(("file", _)) => return Err(LEFT_OUT.into()),
            #[cfg(feature = "redis-store")]
            Some(("redis" | "rediss", _)) => {
                redis_connection_info(url).map(|info| StoreUrl::Redis(Box::new(info)))
            }
            #[cfg(not(feature = "redis-store"))]
            Some(("redis" | "rediss", _)) => return Err(LEFT_OUT.into()),
            _ => None,
        };
        parsed.ok_or_else(|| {
            "takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…".into()
        })
    }
}

#[cfg(not(all(feature = "file-store", feature = "redis-store")))]
const LEFT_OUT: &str = "names a store that this build does not contain";

/// Reads the URL of a Redis server that is reached by TCP, or by TLS with verification; `None` if it
/// is none.
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
