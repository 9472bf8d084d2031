//! The program: prints one line of JSON when it is ready, and serves until it is stopped.

mod arguments;
mod browser;

use std::ffi::OsString;
use std::io::{self, Write as _};

pub use self::arguments::help;
use self::arguments::{Arguments, Invocation};
use crate::model::message::{Lang, Message, message};
use crate::sandbox::Sandbox;

/// Runs the program `wxlink-sandbox`. `arguments` do not include its name; `lang` is the language
/// of its help and errors. Returns its exit code: 0 after a signal or the end of the parent
/// process, 1 after a failure, 2 for invalid arguments.
pub fn program(arguments: impl IntoIterator<Item = OsString>, lang: Lang) -> u8 {
    // As early as possible: the parent process may end soon.
    let parent = parent_id();
    let arguments = match Arguments::parse(arguments) {
        Ok(Invocation::Run(arguments)) => *arguments,
        Ok(Invocation::Help) => return print(help(lang)),
        Ok(Invocation::Version) => {
            return print(concat!("wxlink-sandbox ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Err(message) => {
            let hint = match lang {
                Lang::En => "wxlink-sandbox --help lists the options",
                Lang::Zh => "选项请参见 wxlink-sandbox --help",
            };
            eprintln!("wxlink-sandbox: {}\n{hint}", message.get(lang));
            return 2;
        }
    };
    match run(arguments, parent, lang) {
        Ok(()) => 0,
        Err(error) => {
            let message = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Message>());
            match message {
                Some(message) => eprintln!("wxlink-sandbox: {}", message.get(lang)),
                None => eprintln!("wxlink-sandbox: {error}"),
            }
            // An invalid world or policy comes from the arguments.
            match error.kind() {
                io::ErrorKind::InvalidInput => 2,
                _ => 1,
            }
        }
    }
}

fn print(text: &str) -> u8 {
    u8::from(io::stdout().write_all(text.as_bytes()).is_err())
}

fn run(arguments: Arguments, parent: Option<u32>, lang: Lang) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Handlers come first, so that a signal during the start removes the CA file too.
    runtime.block_on(async {
        let signals = stop::Signals::install()?;
        if !arguments.settings.listen.is_loopback() {
            let listen = arguments.settings.listen;
            let warning = message!(
                "warning: listening on {listen}: every host that can reach it can use it",
                "警告：正在监听 {listen}，能够连接到它的主机都可以使用"
            );
            eprintln!("wxlink-sandbox: {}", warning.get(lang));
        }
        let sandbox = Sandbox::start(arguments.settings)?;
        announce(&sandbox)?;
        if arguments.open {
            browser::open(&format!("{}/", sandbox.http_url()), lang);
        }
        tokio::select! {
            () = signals.wait() => {}
            () = stop::parent_exit(parent), if !arguments.stay => {}
        }
        Ok(())
    })
}

/// Prints the line with the addresses.
fn announce(sandbox: &Sandbox) -> io::Result<()> {
    let mut line = serde_json::json!({
        "http": sandbox.http_url(),
        "https": sandbox.https_url(),
        "ca_file": sandbox.ca_file(),
        "admin": format!("{}/__sandbox/", sandbox.http_url()),
        "panel": format!("{}/", sandbox.http_url()),
        "pid": std::process::id(),
    });
    if let Some(push) = sandbox.push_settings() {
        line["push"] = push;
    }
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
fn parent_id() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent_id() -> Option<u32> {
    None
}

/// What stops the program.
#[cfg(unix)]
mod stop {
    use std::future::pending;
    use std::io;
    use std::time::Duration;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// How often the parent process is checked.
    const POLL_INTERVAL: Duration = Duration::from_millis(200);

    /// The signals that stop the program.
    pub(crate) struct Signals([Signal; 3]);

    impl Signals {
        pub(crate) fn install() -> io::Result<Self> {
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

    /// Waits until the parent process ends. The system then assigns another parent.
    pub(crate) async fn parent_exit(parent: Option<u32>) {
        let Some(parent) = parent else {
            return pending().await;
        };
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

#[cfg(not(unix))]
mod stop {
    use std::future::pending;
    use std::io;

    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn install() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn wait(self) {
            let _ = tokio::signal::ctrl_c().await;
        }
    }

    pub(crate) async fn parent_exit(_parent: Option<u32>) {
        pending::<()>().await;
    }
}
