//! The command in Chinese: help, usage errors and a whole run without English, and the language
//! that the environment asks for.
#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;

use common::*;
use wxlink_sandbox::Sandbox;

/// Words of commands, which are the same in every language.
const COMMANDS: [&str; 20] = [
    "wxlink",
    "link",
    "list",
    "unlink",
    "ensure",
    "wait",
    "explain",
    "bulk",
    "push",
    "work",
    "platform",
    "serve",
    "doctor",
    "sandbox",
    "completions",
    "man",
    "no",
    "yes",
    "zh",
    "bash",
];

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Two words next to each other that no command consists of. Names of options, files, columns,
/// errcodes and outcomes are single words.
fn english_in(line: &str) -> Option<String> {
    let is_english = |word: &str| {
        let is_word = word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
        is_word && !COMMANDS.contains(&word)
    };
    let trimmed = |word: &'_ str| word.trim_matches(|c: char| ".,:;()".contains(c)).to_owned();
    let words: Vec<String> = line.split_whitespace().map(trimmed).collect();
    let mut pairs = words.windows(2);
    let found = pairs.find(|pair| pair.iter().all(|word| is_english(word)));
    found.map(|pair| pair.join(" "))
}

#[track_caller]
fn assert_chinese(what: &str, text: &str) {
    assert!(has_chinese(text), "{what}: {text}");
    for line in text.lines() {
        assert_eq!(english_in(line), None, "{what}: {line}");
    }
}

fn in_chinese(mut command: Command) -> ProgramOutput {
    run({
        command.env("WXLINK_LANG", "zh");
        command
    })
}

/// The lines below a heading.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// Checks the help of a subcommand and of those below it, and returns how many there are.
fn check_help(path: &[&str]) -> usize {
    // The simulator is a program of its own, with its own help.
    if path == ["sandbox"] {
        if cfg!(feature = "sandbox") {
            let help = in_chinese(bare(&["sandbox", "--help"]));
            assert_eq!((help.code, &*help.err), (0, ""));
            assert_chinese("sandbox --help", &help.out);
        }
        return 1;
    }
    for flag in ["-h", "--help"] {
        let help = in_chinese(bare(&[path, &[flag]].concat()));
        assert_eq!((help.code, &*help.err), (0, ""), "{path:?}");
        assert_chinese(&format!("{path:?} {flag}"), &help.out);
        assert!(has_chinese(help.out.lines().next().unwrap()), "{path:?}");
        let lines = help.out.lines().take_while(|line| *line != "示例:");
        let lines: Vec<&str> = lines.collect();
        for (at, line) in lines.iter().enumerate() {
            let is_heading = line.ends_with(':') && !line.starts_with(' ');
            assert!(!is_heading || has_chinese(line), "{path:?}: {line}");
            let is_argument = line.starts_with("      --") || line.starts_with("  -");
            if is_argument {
                assert!(has_chinese(lines[at + 1]), "{path:?}: {line}");
            }
        }
        for line in section(&help.out, "参数:")
            .chunks(2)
            .map(|pair| pair.concat())
        {
            assert!(has_chinese(&line), "{path:?}: {line}");
        }
    }
    let help = in_chinese(bare(&[path, &["--help"]].concat())).out;
    let mut count = 1;
    for line in section(&help, "命令:") {
        assert!(has_chinese(line), "{line}");
        let name = line.split_whitespace().next().unwrap();
        count += check_help(&[path, &[name]].concat());
    }
    count
}

#[test]
fn the_help_of_every_subcommand_is_chinese() {
    let count = check_help(&[]);
    assert!(count > 20, "{count} subcommands");
}

#[test]
fn no_line_of_the_help_is_wider_than_a_terminal() {
    use unicode_width::UnicodeWidthStr;

    for arguments in [&["--help"][..], &["bulk", "--help"], &["explain", "-h"]] {
        let help = in_chinese(bare(arguments)).out;
        let (help, _) = help.split_once("示例:").unwrap_or((&help, ""));
        for line in help.lines().filter(|line| !line.contains("用法")) {
            assert!(line.width() <= 80, "{line}");
        }
    }
}

#[test]
fn usage_errors_are_chinese() {
    for arguments in [
        &[][..],
        &["lisst"],
        &["list", "one-too-many"],
        &["list", "--bas-url", "x"],
        &["list", "--access-token", "x"],
        &["list", "--state", "bad"],
        &["list", "--csv", "--json"],
        &["list", "--csv", "--csv"],
        &["list", "--lang"],
        &["link"],
        &["link", "--notify-users"],
        &["wait", "x", "--wait", "2x"],
        &["bulk", "--rate", "x"],
        &["bulk", "--workers", "0"],
        &["bulk", "x", "push"],
        &["platform"],
        &["completions", "tcsh"],
        &["serve", "--listen", "x"],
    ] {
        let refused = in_chinese(bare(arguments));
        assert_eq!(refused.code, 2, "{arguments:?}");
        let text = format!("{}{}", refused.out, refused.err);
        assert_chinese(&format!("{arguments:?}"), &text.replace("\\n", "\n"));
    }
    let reason = in_chinese(bare(&["wait", "x", "--wait", "2x"])).err;
    assert!(reason.contains("：应为秒数"), "{reason}");
    let suggestion = in_chinese(bare(&["list", "--bas-url", "x"])).err;
    assert!(
        suggestion.contains("是否想写“--base-url”？"),
        "{suggestion}"
    );
}

/// Runs it, and checks that what it prints is Chinese.
#[track_caller]
fn check_run(command: Command, code: i32) -> String {
    let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let output = in_chinese(command);
    let text = format!("{}{}", output.out, output.err);
    assert_eq!(output.code, code, "{what}: {text}");
    assert_chinese(&what, &text);
    text
}

#[test]
fn a_whole_run_for_one_account_is_chinese() {
    let sandbox = sandbox();
    let check = |arguments: &[&str], code| check_run(calling(&sandbox, TOKEN, arguments), code);
    check(&["list"], 0);
    check(&[&["link", APPID, "--verbose"][..], &CHOICES].concat(), 0);
    check(&[&["link", APPID][..], &CHOICES].concat(), 3);
    check(&["list", "--verbose"], 0);
    check(
        &[&["ensure", APPID, "--wait", "1"][..], &CHOICES].concat(),
        3,
    );
    decide(&sandbox, "official_account", "agree");
    check(&["list"], 0);
    decide(&sandbox, "mini_program", "agree");
    check(&["wait", APPID, "--wait", "10s"], 0);
    check(&["unlink", APPID], 0);
    check(&["unlink", "wx0b00000000000077"], 1);
    check(&["explain", "89010"], 0);
    check(&["explain", "TIMEOUT"], 0);
    check(&["explain", "nosuch"], 2);
    check(&["explain", "61932a5b-0e248764-42d1c1b2"], 1);
    let doctor = check(&["doctor"], 0);
    for line in doctor.lines() {
        assert!(has_chinese(line), "{line}");
    }
    check_run(bare(&["list"]), 2);
    check_run(calling(&sandbox, "invalid", &["list"]), 4);
}

fn check_bulk(sandbox: &Sandbox, dir: &Path) {
    let check = |arguments: &[&str], code| check_run(platform(sandbox, dir, arguments), code);
    check(&["bulk", "template"], 0);
    check(&["bulk", "template", "链接.xlsx"], 0);
    check(&["bulk", "template", "no/links.csv"], 2);
    let missing = check_run(platform(sandbox, dir, &["bulk", "no.csv", "--dry-run"]), 2);
    let why = "无法读取 no.csv：文件或目录不存在（系统错误 2）";
    assert!(missing.contains(why), "{missing}");
    check(&["bulk", "template"], 2);
    let head = "account,appid,notify_users,show_profile\n";
    file(
        dir,
        "bad.csv",
        &format!("{head}x,,2,1\n{ACCOUNT},{APPID},a,1\n"),
    );
    check(&["bulk", "bad.csv", "--dry-run"], 2);
    let unknown = "wx0a00000000000009";
    let rows = format!("{ACCOUNT},{APPID},1,1\n{unknown},{APPID},0,1\n");
    file(dir, "rows.csv", &format!("{head}{rows}"));
    check(&["bulk", "rows.csv", "--dry-run"], 0);
    check(&["bulk", "rows.csv"], 2);
    check(&["bulk", "rows.csv", "--yes"], 4);
    check(&["bulk", "rows.csv", "--resume"], 4);
    check(&["bulk", "status", "rows.csv.job"], 0);
    check(&["bulk", "report", "rows.csv.job"], 0);
    check(&["bulk", "follow", "rows.csv.job", "--wait", "0"], 4);
    check(&["bulk", "status", "nosuch"], 2);
    check(&["bulk"], 2);
    check(&["bulk", "work"], 2);
}

#[test]
fn a_whole_run_of_a_platform_is_chinese() {
    let sandbox = sandbox();
    let dir = scratch("chinese-platform");
    let check = |arguments: &[&str], code| check_run(platform(&sandbox, &dir, arguments), code);
    check(&["platform", "status"], 4);
    for (arguments, secret) in [
        (&["platform", "set-ticket"][..], "SANDBOX-TICKET\n"),
        (&["platform", "add-account", ACCOUNT], "SANDBOX-REFRESH-1\n"),
        (&["platform", "set-ticket"], "\n"),
    ] {
        let mut command = platform(&sandbox, &dir, arguments);
        let stored = run_with(
            {
                command.env("WXLINK_LANG", "zh");
                command
            },
            secret,
        );
        assert_chinese(
            &format!("{arguments:?}"),
            &format!("{}{}", stored.out, stored.err),
        );
    }
    check(&["platform", "status"], 0);
    check_bulk(&sandbox, &dir);
    check(&["serve", "--public-url", "http://example.com"], 2);
    check(&["serve", "--public-url", "https://example.com"], 2);
}

#[test]
fn the_locale_chooses_the_language_unless_the_option_is_set() {
    let dir = scratch("locale");
    let english = file(&dir, "en.toml", "lang = \"en\"\n");
    let chinese = file(&dir, "zh.toml", "lang = \"zh\"\n");
    let is_chinese = |arguments: &[&str], variables: &[(&str, &str)]| {
        // The first has no token; the others fail to parse, or show the help.
        let runs = [&["list"][..], &["lisst"], &["list", "--help"]];
        let languages = runs.map(|words| {
            let mut command = bare(&[words, arguments].concat());
            command.envs(variables.iter().copied());
            let output = run(command);
            has_chinese(&format!("{}{}", output.out, output.err))
        });
        assert_eq!(languages, [languages[0]; 3], "{arguments:?} {variables:?}");
        languages[0]
    };
    let zh = ("LANG", "zh_CN.UTF-8");
    assert!(!is_chinese(&[], &[]));
    assert!(is_chinese(&[], &[zh]));
    assert!(is_chinese(
        &[],
        &[("LC_MESSAGES", "zh_TW.UTF-8"), ("LANG", "C")]
    ));
    assert!(!is_chinese(&[], &[("LC_ALL", "C.UTF-8"), zh]));
    assert!(!is_chinese(&[], &[("WXLINK_LANG", "en"), zh]));
    assert!(!is_chinese(&["--lang", "en"], &[zh]));
    assert!(!is_chinese(&["--config", &english], &[zh]));
    assert!(is_chinese(
        &["--config", &chinese],
        &[("LC_ALL", "C.UTF-8")]
    ));
    assert!(is_chinese(&["--lang=zh", "--config", &english], &[]));
}
