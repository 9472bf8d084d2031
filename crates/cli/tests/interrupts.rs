//! Signals: what they end, with which exit code and message, and what they must not interrupt.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::*;
use serde_json::{Value, json};

const SIGNALS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// The program, started with that signal ignored.
fn ignoring(signal: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    with_default_signals(&mut shell)
        .args(["-c", &format!("trap '' {signal}; exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// Waits until the process reads input: until its thread for that exists.
fn until_it_reads(child: &Child) {
    let tasks = format!("/proc/{}/task", child.id());
    until(|| {
        let tasks = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let mut names = tasks.map(|task| fs::read_to_string(task.path().join("comm")));
        names.any(|name| name.is_ok_and(|name| name.trim() == "wxlink-input"))
    });
}

fn ended(child: Child) -> ProgramOutput {
    child.wait_with_output().expect("ends").into()
}

#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    std::thread::scope(|scope| {
        for (ignored, _) in SIGNALS {
            scope.spawn(|| stays_ignored(ignored));
        }
    });
}

fn stays_ignored(ignored: &str) {
    let sandbox = sandbox();
    let wait = [&["ensure", APPID, "--wait", "1h"][..], &CHOICES].concat();
    let mut command = ignoring(ignored, &calling(&sandbox, TOKEN, &wait));
    let child = piped(&mut command);
    // It keeps reading the list, before and after the ignored signal.
    let reads = || received(&sandbox, "get");
    until(|| reads() >= 2);
    signal(child.id(), ignored);
    signal(child.id(), ignored);
    let before = reads();
    until(|| reads() >= before + 2);
    let (other, code) = SIGNALS.into_iter().find(|(s, _)| *s != ignored).unwrap();
    signal(child.id(), other);
    let ran = ended(child);
    assert_eq!(
        ran.code, code,
        "{ignored} ignored, {other} not: {}",
        ran.err
    );
}

#[test]
fn each_signal_has_its_exit_code_and_the_message_states_what_was_done() {
    for (name, code) in SIGNALS {
        let sandbox = sandbox();
        let wait = [&["ensure", APPID, "--wait", "1h"][..], &CHOICES].concat();
        let has_read_list = || received(&sandbox, "link") == 1 && received(&sandbox, "get") >= 3;
        let ran = interrupted(calling(&sandbox, TOKEN, &wait), name, has_read_list);
        assert_eq!((ran.code, &*ran.out), (code, ""), "{name}");
        let posted =
            "An invitation was posted and is awaiting the Official Account's administrator";
        assert!(ran.err.contains(posted), "{}", ran.err);
    }
    for (lang, unknown) in [
        ("en", "An invitation was posted and its outcome is unknown"),
        ("zh", "关联邀请已发送，但结果未知"),
    ] {
        let sandbox = sandbox();
        let rule = json!({"endpoint": "link", "fault": "hang", "when": "after"});
        admin(&sandbox, "POST", "faults", rule);
        let ensure = [&["ensure", APPID, "--json", "--lang", lang][..], &CHOICES].concat();
        let posted = || received(&sandbox, "link") == 1;
        let ran = interrupted(calling(&sandbox, TOKEN, &ensure), "INT", posted);
        let line = ran.json();
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(unknown), "{message}");
        assert_eq!(
            (ran.code, &line["state"], &line["posts"]),
            (130, &json!("unknown"), &json!(1))
        );
    }
}

#[test]
fn an_interrupted_link_reports_that_wechat_may_have_acted() {
    let sandbox = sandbox();
    fault(&sandbox, json!("hang"));
    let link = [&["link", APPID][..], &CHOICES].concat();
    let posted = || received(&sandbox, "link") == 1;
    let ran = interrupted(calling(&sandbox, TOKEN, &link), "INT", posted);
    assert_eq!((ran.code, &*ran.out), (130, ""));
    assert!(
        ran.err.contains("WeChat may have acted on it"),
        "{}",
        ran.err
    );
}

#[test]
fn an_interrupt_while_waiting_for_input_leaves_nothing_behind() {
    let sandbox = sandbox();
    let dir = scratch("interrupted-input");
    let pipe = dir.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let pipe = pipe.to_str().unwrap();
    let rows = |source| ["bulk", source, "--job", "the.job", "--yes", "--dry-run"];
    let list = |source| ["list", "--token-file", source];
    let inputs: [&[&str]; 8] = [
        &["platform", "set-ticket"],
        &["platform", "add-account", ACCOUNT],
        &list("-"),
        &list(pipe),
        &rows("-"),
        &rows("-")[..5],
        &rows(pipe)[..5],
        &["bulk", pipe, "--job", "the.job"],
    ];
    for input in inputs {
        for (name, code) in SIGNALS {
            let mut command = platform(&sandbox, &dir, input);
            let mut child = piped(command.stdin(Stdio::piped()));
            // A part of the input may have been read by then.
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(b"account,appid").unwrap();
            until_it_reads(&child);
            signal(child.id(), name);
            let ran = ended(child);
            assert_eq!(
                (ran.code, &*ran.out),
                (code, ""),
                "{name} {input:?}: {}",
                ran.err
            );
            assert!(ran.err.contains("interrupted"), "{}", ran.err);
            assert!(!dir.join("the.job").exists(), "{input:?}");
        }
    }
}

/// Stores the ticket and the account's refresh token.
fn authorise(sandbox: &wxlink_sandbox::Sandbox, dir: &Path) {
    for (arguments, secret) in [
        (&["platform", "set-ticket"][..], "SANDBOX-TICKET"),
        (&["platform", "add-account", ACCOUNT], "SANDBOX-REFRESH-1"),
    ] {
        let ran = run_with(platform(sandbox, dir, arguments), secret);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

#[test]
fn an_interrupt_at_the_confirmation_leaves_nothing_behind() {
    let sandbox = sandbox();
    let dir = scratch("interrupted-question");
    authorise(&sandbox, &dir);
    let rows = format!("account,appid,notify_users,show_profile\n{ACCOUNT},{APPID},1,1\n");
    let rows = file(&dir, "links.csv", &rows);
    for (name, code) in SIGNALS {
        let (ours, theirs) = terminal();
        let mut command = platform(&sandbox, &dir, &["bulk", &rows]);
        let mut child = piped(command.stdin(theirs.try_clone().unwrap()));
        until_it_reads(&child);
        signal(child.id(), name);
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{stderr}");
        assert!(
            stderr.contains("[y/N]") && stderr.contains("interrupted"),
            "{stderr}"
        );
        assert!(!dir.join("links.csv.job").exists(), "{name}");
        drop((ours, theirs));
    }
    // The same command asks again, and accepts a no.
    let (ours, theirs) = terminal();
    let mut command = platform(&sandbox, &dir, &["bulk", &rows]);
    let child = piped(command.stdin(theirs.try_clone().unwrap()));
    until_it_reads(&child);
    rustix::io::write(ours.as_fd(), b"n\n").unwrap();
    let ran = ended(child);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("Nothing was sent"), "{}", ran.err);
    assert_eq!(received(&sandbox, "link"), 0);
}

/// How often the platform requested an account's token.
fn refreshes(sandbox: &wxlink_sandbox::Sandbox) -> u64 {
    received(sandbox, "authorizer_token")
}

#[test]
fn an_interrupt_during_a_refresh_keeps_the_new_refresh_token() {
    for (name, code) in SIGNALS {
        let sandbox = sandbox();
        let dir = scratch(&format!("interrupted-refresh-{name}"));
        authorise(&sandbox, &dir);
        let late = json!({"endpoint": "authorizer_token", "fault": {"delay_ms": 1500}});
        admin(&sandbox, "POST", "faults", late);
        let list = ["list", "--account", ACCOUNT];
        let ran = interrupted(platform(&sandbox, &dir, &list), name, || {
            refreshes(&sandbox) == 1
        });
        assert_eq!((ran.code, &*ran.out), (code, ""), "{}", ran.err);
        assert_eq!(received(&sandbox, "get"), 0);
        // The token that arrived after the signal is in the store; no other is requested.
        let ran = run(platform(&sandbox, &dir, &list));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(refreshes(&sandbox), 1);
    }
}

#[test]
fn a_call_that_ran_out_of_time_during_a_refresh_keeps_the_new_refresh_token() {
    let sandbox = sandbox();
    let dir = scratch("late-refresh");
    authorise(&sandbox, &dir);
    let late = json!({"endpoint": "authorizer_token", "fault": {"delay_ms": 1500}});
    admin(&sandbox, "POST", "faults", late);
    let list = ["list", "--account", ACCOUNT, "--timeout-ms", "1000"];
    let ran = run(platform(&sandbox, &dir, &list));
    assert_eq!(ran.code, 5, "{}", ran.err);
    let ran = run(platform(&sandbox, &dir, &list[..3]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(refreshes(&sandbox) <= 2);
}

#[test]
fn a_second_interrupt_does_not_wait_for_a_refresh() {
    let sandbox = sandbox();
    let dir = scratch("interrupted-twice");
    authorise(&sandbox, &dir);
    let never = json!({"endpoint": "authorizer_token", "fault": "hang", "always": true});
    admin(&sandbox, "POST", "faults", never);
    let list = ["list", "--account", ACCOUNT, "--timeout-ms", "3600000"];
    let mut child = piped(&mut platform(&sandbox, &dir, &list));
    until(|| refreshes(&sandbox) == 1);
    // After the first, the program announces that it waits for the refresh; the second ends that.
    signal(child.id(), "INT");
    let mut stderr = child.stderr.take().unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&text).contains("press Ctrl-C again") {
        stderr.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn an_interrupt_while_reading_input_is_one_line_of_json() {
    let sandbox = sandbox();
    let dir = scratch("interrupted-json");
    for (arguments, key) in [
        (
            &["bulk", "-", "--job", "the.job", "--json"][..],
            "exit_code",
        ),
        (&["platform", "set-ticket", "--json"], "errcode"),
    ] {
        let mut command = platform(&sandbox, &dir, arguments);
        let mut child = piped(command.stdin(Stdio::piped()));
        let stdin = child.stdin.take();
        until_it_reads(&child);
        signal(child.id(), "TERM");
        let ran = ended(child);
        let line = ran.json();
        let expected: Value = if key == "exit_code" {
            json!(143)
        } else {
            json!(-90)
        };
        assert_eq!((ran.code, &line[key]), (143, &expected), "{line}");
        drop(stdin);
    }
}
