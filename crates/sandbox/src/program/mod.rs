//! The sandbox as a program: one line of JSON when ready, then service until told to stop.

mod arguments;

use std::ffi::OsString;
use std::io::{self, Write as _};

pub use self::arguments::HELP;
use self::arguments::{Arguments, Wish};
use crate::Sandbox;

/// Runs the program `wxlink-sandbox` with these arguments, its name not among them, and returns its exit code.
pub fn program(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    // As early as can be: whoever started us may be gone soon.
    let parent = parent();
    let arguments = match Arguments::parse(arguments) {
        Ok(Wish::Run(arguments)) => *arguments,
        Ok(Wish::Help) => return say(HELP),
        Ok(Wish::Version) => {
            return say(concat!("wxlink-sandbox ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(message) => {
            eprintln!("wxlink-sandbox: {message}\nTry: wxlink-sandbox --help");
            return 2;
        }
    };
    match run(arguments, parent) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("wxlink-sandbox: {error}");
            // A world or a policy that makes no sense is as much a mistake as a bad flag.
            match error.kind() {
                io::ErrorKind::InvalidInput => 2,
                _ => 1,
            }
        }
    }
}

fn say(text: &str) -> u8 {
    u8::from(io::stdout().write_all(text.as_bytes()).is_err())
}

fn run(arguments: Arguments, parent: Option<u32>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Signals are caught before anything has to be cleaned up after them.
    runtime.block_on(async {
        let asked_to_stop = stop::Signals::catch()?;
        if !arguments.settings.listen.is_loopback() {
            eprintln!(
                "wxlink-sandbox: warning: listening on {}, anybody who reaches it can use it",
                arguments.settings.listen
            );
        }
        let sandbox = Sandbox::start(arguments.settings)?;
        announce(&sandbox)?;
        tokio::select! {
            () = asked_to_stop.wait() => {}
            () = stop::orphaned(parent), if !arguments.stay => {}
        }
        Ok(())
    })
}

/// The one line on stdout.
fn announce(sandbox: &Sandbox) -> io::Result<()> {
    let mut line = serde_json::json!({
        "http": sandbox.http_url(),
        "https": sandbox.https_url(),
        "ca_file": sandbox.ca_file(),
        "admin": format!("{}/__sandbox/", sandbox.http_url()),
        "pid": std::process::id(),
    });
    for (name, url) in [
        ("https_expired", sandbox.https_expired_url()),
        ("https_wrong_name", sandbox.https_wrong_name_url()),
        ("https_unknown_issuer", sandbox.https_unknown_issuer_url()),
    ] {
        if let Some(url) = url {
            line[name] = url.into();
        }
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}

/// What ends the program.
#[cfg(unix)]
mod stop {
    use std::future::pending;
    use std::io;
    use std::time::Duration;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that ask a program to go.
    pub(crate) struct Signals([Signal; 3]);

    impl Signals {
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self([
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            ]))
        }

        pub(crate) async fn wait(self) {
            let [mut terminate, mut interrupt, mut hangup] = self.0;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
        }
    }

    /// Waits until whoever started us is gone: the system then gives us another parent.
    pub(crate) async fn orphaned(parent: Option<u32>) {
        let Some(parent) = parent else {
            return pending().await;
        };
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[cfg(not(unix))]
mod stop {
    use std::future::pending;
    use std::io;

    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn wait(self) {
            let _ = tokio::signal::ctrl_c().await;
        }
    }

    pub(crate) async fn orphaned(_parent: Option<u32>) {
        pending().await
    }
}
