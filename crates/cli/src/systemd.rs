//! Reports to systemd that a service is ready, and that it stops. Does nothing if no service
//! manager waits for a report.

/// What is reported.
#[derive(Clone, Copy)]
pub(crate) enum ServiceState {
    /// Requests are accepted.
    Ready,
    /// The service received a signal, and ends the requests in progress.
    Stopping,
}

/// Sends the state to the socket in `NOTIFY_SOCKET`, as sd_notify(3) describes. A failure is
/// ignored: the service works without the report, and systemd names the service that sent none.
pub(crate) fn report(state: ServiceState) {
    let text = match state {
        ServiceState::Ready => "READY=1",
        ServiceState::Stopping => "STOPPING=1",
    };
    #[cfg(target_os = "linux")]
    if let Some(name) = std::env::var_os("NOTIFY_SOCKET") {
        drop(linux::send(text, &name));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = text;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::io;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    /// How long a report may take. A service that stops has 15 s for all that it does.
    const SEND_LIMIT: Duration = Duration::from_secs(2);

    /// Sends a datagram to a socket in the file system, or to an abstract one, whose name starts
    /// with `@`.
    pub fn send(text: &str, name: &OsStr) -> io::Result<()> {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // The socket's queue may be full.
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        socket.send_to_addr(text.as_bytes(), &address)?;
        Ok(())
    }
}
