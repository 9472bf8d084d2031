//! The help, whose examples work, the completions, the manual pages and the documentation.
#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;

use common::*;
use wxlink_cli::ExitCode;
use wxlink_sandbox::{Policy, Sandbox, Settings, When};
use wxlink_testkit::push::Pusher;

/// Every subcommand, as the help lists them.
fn subcommands() -> Vec<String> {
    let help = run(bare(&["--help"])).out;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (list, _) = rest.split_once("\n\n").unwrap();
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    list.lines().map(name).collect()
}

/// Runs a line of shell with the program in `PATH`.
fn shell(line: &str, dir: &Path, sandbox: &Sandbox) -> std::process::Output {
    let programs = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-c", line])
        .current_dir(dir)
        .env("PATH", path)
        .env("HOME", dir)
        .env("WXLINK_BASE_URL", sandbox.http_url())
        .output()
        .unwrap()
}

/// Writes the files that the examples use into a folder.
fn write_example_files(dir: &Path, sandbox: &Sandbox) {
    let config = dir.join(".config/wxlink");
    std::fs::create_dir_all(&config).unwrap();
    let platform = format!(
        "component_appid = \"wx0c00000000000001\"\n\
         component_appsecret = \"SANDBOX-COMPONENT-SECRET\"\n\
         store = \"file:{}/tokens\"\naccount = \"{ACCOUNT}\"\n\
         push_token = \"{}\"\npush_aes_key = \"{}\"\n",
        dir.display(),
        Pusher::TOKEN,
        Pusher::AES_KEY
    );
    let config = file(&config, "config.toml", &platform);
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(config, private).unwrap();
    file(dir, "token.txt", "SANDBOX-TOKEN\n");
    file(dir, "ticket.txt", "SANDBOX-TICKET\n");
    file(dir, "refresh-token.txt", "SANDBOX-REFRESH-1\n");
    file(
        dir,
        "accounts.txt",
        &format!("{ACCOUNT}\nwx0a00000000000002\n"),
    );
    let rows = format!("{ACCOUNT},{APPID},0,1\nwx0a00000000000003,{APPID},0,1\n");
    let head = "account,appid,notify_users,show_profile\n";
    file(dir, "links.csv", &format!("{head}{rows}"));
    assert_eq!(
        run_in(
            dir,
            sandbox,
            &["platform", "set-ticket"],
            "SANDBOX-TICKET\n"
        )
        .code,
        0
    );
}

/// The rid of a request that was refused.
fn rid(sandbox: &Sandbox) -> String {
    let arguments = [&["link", "wx0000000000000000", "--json"][..], &CHOICES].concat();
    let refused = run(calling(sandbox, TOKEN, &arguments)).json();
    refused["rid"].as_str().expect("a rid").to_owned()
}

/// A line of shell that runs the service of another line on a free port, and ends it with SIGTERM
/// once it listens. Its exit code is that of the service.
fn until_it_listens(line: &str) -> String {
    format!(
        "{line} --listen 127.0.0.1:0 > listening &\n\
         until grep -q Listening listening || ! kill -0 $! 2> /dev/null; do sleep 0.01; done\n\
         kill $! 2> /dev/null\nwait $!"
    )
}

/// Runs it with the configuration in that folder, and with this text on stdin.
fn run_in(dir: &Path, sandbox: &Sandbox, arguments: &[&str], input: &str) -> ProgramOutput {
    let mut command = bare(arguments);
    command.env("HOME", dir);
    command.env("WXLINK_BASE_URL", sandbox.http_url());
    run_with(command, input)
}

#[test]
fn the_examples_work() {
    let mut tried = 0;
    for subcommand in subcommands() {
        if subcommand == "man" && !have("man", "the manual pages") {
            continue;
        }
        // One shows the help of the simulator; the other does not end, and has tests of its own.
        if ["sandbox", "serve"].contains(&&*subcommand) {
            continue;
        }
        let help = run(bare(&[&subcommand, "--help"])).out;
        let (_, examples) = help
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("{subcommand} --help has no examples"));
        let sandbox = Sandbox::start(Settings {
            policy: Policy::all(When::Immediate),
            ..Settings::default()
        })
        .unwrap();
        let dir = scratch(&format!("examples-{subcommand}"));
        write_example_files(&dir, &sandbox);
        if ["unlink", "wait"].contains(&&*subcommand) {
            let arguments = [&["link", APPID][..], &CHOICES].concat();
            assert_eq!(run(calling(&sandbox, TOKEN, &arguments)).code, 0);
        }
        let mut examples = examples.replace("\\\n", "");
        if subcommand == "explain" {
            examples = examples.replace("61932a5b-0e248764-42d1c1b2", &rid(&sandbox));
        }
        for line in examples.lines().map(str::trim_start) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = match &*subcommand {
                "serve" => &until_it_listens(line),
                _ => line,
            };
            let output = shell(line, &dir, &sandbox);
            // `bulk` prints progress, and exits with 3 while invitations are waiting.
            let code = output.status.code();
            let is_expected = match &*subcommand {
                "bulk" => matches!(code, Some(0 | 3)),
                _ => code == Some(0) && output.stderr.is_empty(),
            };
            assert!(
                is_expected,
                "{line}: {}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
            tried += 1;
        }
    }
    assert!(tried > 15, "{tried} examples");
}

#[test]
fn version_is_printed() {
    let version = run(bare(&["--version"]));
    let text = format!("wxlink {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.out), (0, text));
    let alone = run(bare(&[]));
    assert_eq!((alone.code, &*alone.out), (2, ""));
    assert!(alone.err.contains("Usage: wxlink"));
}

#[test]
fn completions_parse() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(bare(&["completions", shell]));
        assert_eq!((script.code, &*script.err), (0, ""));
        for word in ["ensure", "--notify-users", "--base-url"] {
            let dashed = word.trim_start_matches('-');
            assert!(script.out.contains(dashed), "{shell}: {word}");
        }
        assert!(!script.out.contains("access-token"), "{shell}");
    }
    let script = run(bare(&["completions", "bash"])).out;
    let checked = run_with(
        {
            let mut bash = Command::new("bash");
            bash.arg("-n");
            bash
        },
        &script,
    );
    assert_eq!((checked.code, &*checked.err), (0, ""));
    assert_eq!(run(bare(&["completions", "tcsh"])).code, 2);
}

#[test]
fn manual_pages_render() {
    let dir = scratch("man");
    let written = run(bare(&["man", dir.to_str().unwrap()]));
    assert_eq!((written.code, &*written.out, &*written.err), (0, "", ""));
    let pages: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    for subcommand in subcommands() {
        assert!(
            pages.contains(&format!("wxlink-{subcommand}.1")),
            "{pages:?}"
        );
    }
    let one = run(bare(&["man"])).out;
    assert_eq!(one, std::fs::read_to_string(dir.join("wxlink.1")).unwrap());
    assert_eq!(run(bare(&["man", "/nonexistent/folder"])).code, 2);

    if have("man", "the manual pages") && have("groff", "the manual pages") {
        for page in pages {
            let output = Command::new("man")
                .args(["--warnings", "-l"])
                .arg(dir.join(&page))
                .env("LC_ALL", "C.UTF-8")
                .env("MANWIDTH", "200")
                .output()
                .unwrap();
            let warnings = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && warnings.is_empty(),
                "{page}: {warnings}"
            );
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                text.contains("Time limit for a whole call"),
                "{page}: {text}"
            );
        }
    }
}

#[test]
fn help_and_page_describe_every_exit_code() {
    let mut codes: Vec<u8> = ExitCode::ALL.map(ExitCode::number).to_vec();
    // An interrupted run exits with 128 plus the number of the signal.
    codes.extend([129, 143]);
    codes.sort_unstable();
    let help = run(bare(&["--help"])).out;
    let (_, list) = help.split_once("Exit codes:").unwrap();
    let numbers = list.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u8> = numbers.filter_map(|n| n.parse().ok()).collect();
    assert_eq!(numbers, codes);

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("## Exit codes").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(' '));
    let numbers: Vec<u8> = rows.filter_map(|(n, _)| n.parse().ok()).collect();
    assert_eq!(numbers, codes);
}

#[test]
fn the_page_describes_every_subcommand_and_check() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command.md");
    let page = std::fs::read_to_string(page).unwrap();
    for subcommand in subcommands() {
        assert!(
            page.contains(&format!("`wxlink {subcommand}")),
            "{subcommand}"
        );
    }
    let sandbox = sandbox();
    for line in run(calling(&sandbox, TOKEN, &["doctor", "--json"])).lines() {
        let check = line["check"].as_str().unwrap();
        assert!(page.contains(&format!("| `{check}` |")), "{check}");
    }
}

#[test]
fn the_pages_of_bulk_describe_every_outcome() {
    let page = |name: &str| {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        std::fs::read_to_string(docs.join(name)).unwrap()
    };
    let (english, chinese) = (page("bulk.md"), page("zh-CN/bulk.md"));
    for outcome in wxlink_bulk::Outcome::ALL {
        let (word, name) = (outcome.word(), outcome.name());
        let meaning = outcome.meaning(wxlink_bulk::Place::Job);
        assert_eq!(name.en, word);
        let row = format!("| `{word}` | {} |", meaning.en);
        assert!(english.contains(&row), "{row}");
        let row = format!("| `{word}`（{}） | {} |", name.zh, meaning.zh);
        assert!(chinese.contains(&row), "{row}");
    }
}

#[test]
fn the_page_of_bulk_lists_every_name_of_a_column() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/bulk.md");
    let page = std::fs::read_to_string(page).unwrap();
    for column in wxlink_bulk::LINK_COLUMNS {
        let start = format!("| `{}` | ", column.name);
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with(&start))
            .collect();
        // The first table describes the columns, the second lists their names.
        let [_, row] = &rows[..] else {
            panic!("{start}: {rows:?}")
        };
        let listed = row.split('`').skip(1).step_by(2);
        let mut listed: Vec<String> = listed
            .map(|name| name.replace([' ', '_'], "").to_lowercase())
            .collect();
        let mut names = column.names().to_vec();
        listed.sort_unstable();
        names.sort_unstable();
        assert_eq!(listed, names, "{}", column.name);
    }
}
