//! Secrets that are typed at a terminal: the command asks for them, and the terminal does not show
//! them.
#![cfg(target_os = "linux")]

mod common;

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};

use common::*;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::termios::{LocalModes, tcgetattr};

/// A program that waits for a secret at a terminal.
struct Asking {
    child: Child,
    ours: OwnedFd,
    theirs: OwnedFd,
    /// What it has printed so far.
    prompt: String,
}

impl Asking {
    /// Starts the program and waits until it asks.
    fn start(command: &mut Command) -> Asking {
        let (ours, theirs) = terminal();
        let mut child = piped(command.stdin(theirs.try_clone().unwrap()));
        let stderr = child.stderr.as_mut().unwrap();
        let (mut prompt, mut byte) = (Vec::new(), [0]);
        while !prompt.ends_with(b": ") && !prompt.ends_with("：".as_bytes()) {
            stderr.read_exact(&mut byte).unwrap();
            prompt.push(byte[0]);
        }
        Asking {
            child,
            ours,
            theirs,
            prompt: String::from_utf8(prompt).unwrap(),
        }
    }

    fn shows_input(&self) -> bool {
        let modes = tcgetattr(&self.theirs).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    fn type_text(&self, text: &str) {
        rustix::io::write(self.ours.as_fd(), text.as_bytes()).unwrap();
    }

    /// Waits for the end, and checks that the terminal showed nothing and is as it was before.
    #[track_caller]
    fn end(self) -> ProgramOutput {
        let Asking {
            child,
            ours,
            theirs,
            prompt,
        } = self;
        fcntl_setfl(&ours, OFlags::NONBLOCK).unwrap();
        let ran = ProgramOutput::from(child.wait_with_output().unwrap());
        assert_eq!(
            rustix::io::read(&ours, &mut [0; 64]),
            Err(Errno::AGAIN),
            "{prompt}"
        );
        let modes = tcgetattr(&theirs).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO), "{prompt}");
        ran
    }
}

#[test]
fn a_secret_is_asked_for_and_not_shown() {
    let sandbox = sandbox();
    let dir = scratch("typed-secret");
    let ticket = ["platform", "set-ticket"];
    let account = ["platform", "add-account", ACCOUNT];
    for (arguments, name, secret) in [
        (&ticket[..], "component_verify_ticket", "SANDBOX-TICKET"),
        (&account, "authorizer_refresh_token", "SANDBOX-REFRESH-1"),
    ] {
        let asking = Asking::start(&mut platform(&sandbox, &dir, arguments));
        assert_eq!(asking.prompt, format!("{name} (hidden): "));
        assert!(!asking.shows_input());
        asking.type_text(&format!("{secret}\n"));
        let ran = asking.end();
        assert_eq!((ran.code, &*ran.out), (0, "Stored.\n"), "{}", ran.err);
    }
    let list = ["list", "--account", ACCOUNT];
    assert_eq!(run(platform(&sandbox, &dir, &list)).code, 0);

    let list = ["list", "--token-file", "-", "--lang", "zh"];
    let asking = Asking::start(bare(&list).env("WXLINK_BASE_URL", sandbox.http_url()));
    assert_eq!(asking.prompt, "请输入 access_token（不显示）：");
    asking.type_text(&format!("{TOKEN}\n"));
    let ran = asking.end();
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn without_a_secret_nothing_is_stored_and_the_terminal_is_restored() {
    let sandbox = sandbox();
    let dir = scratch("no-typed-secret");
    let ask = || Asking::start(&mut platform(&sandbox, &dir, &["platform", "set-ticket"]));
    // An empty line, and the end of the input (Ctrl-D).
    for typed in ["\n", "\u{4}"] {
        let asking = ask();
        asking.type_text(typed);
        let ran = asking.end();
        assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
        assert!(ran.err.contains("is empty"), "{}", ran.err);
    }
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let asking = ask();
        signal(asking.child.id(), name);
        let ran = asking.end();
        assert_eq!((ran.code, &*ran.out), (code, ""), "{}", ran.err);
        assert!(ran.err.contains("nothing was sent"), "{}", ran.err);
    }
    assert!(!dir.join("tokens").exists());
}
