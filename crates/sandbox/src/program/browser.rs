//! Opening a page in the user's browser, with the program that the system has for it.

use std::process::{Command, Stdio};

use crate::model::message::{Lang, message};

const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens a page. A failure is reported on stderr with the address, and the simulator runs on.
pub(crate) fn open(url: &str, lang: Lang) {
    let started = Command::new(OPENER)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        // A process that has ended must be waited for.
        Ok(mut process) => drop(std::thread::spawn(move || process.wait())),
        Err(error) => {
            let why = message!(
                "could not run {OPENER}: {error}. Open {url} in a browser",
                "无法运行 {OPENER}：{error}。请在浏览器中打开 {url}"
            );
            eprintln!("wxlink-sandbox: {}", why.get(lang));
        }
    }
}
