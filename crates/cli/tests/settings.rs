//! Where options and tokens come from, and which are refused.
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::*;
use serde_json::{Value, json};
use wxlink::Endpoint;
use wxlink::errcode::lookup;
use wxlink_sandbox::Sandbox;

fn last_user_agent(sandbox: &Sandbox) -> String {
    let journal = admin(sandbox, "GET", "journal", Value::Null);
    let last = journal["entries"].as_array().unwrap().last().unwrap();
    last["headers"]["user-agent"].as_str().unwrap().to_owned()
}

#[test]
fn a_flag_precedes_the_environment_and_that_the_file() {
    let sandbox = sandbox();
    let dir = scratch("precedence");
    let config = file(
        &dir,
        "c.toml",
        "user_agent = \"by-file\"\ntimeout_ms = 9000\n",
    );
    let list = |more: &[&str], variable: &str| {
        let arguments = [&["list", "--config", &config][..], more].concat();
        let mut command = calling(&sandbox, TOKEN, &arguments);
        command.env("WXLINK_USER_AGENT", variable);
        assert_eq!(run(command).code, 0);
        last_user_agent(&sandbox)
    };
    // An empty variable counts as unset.
    assert_eq!(list(&[], ""), "by-file");
    assert_eq!(list(&[], "by-environment"), "by-environment");
    assert_eq!(
        list(&["--user-agent", "by-flag"], "by-environment"),
        "by-flag"
    );
}

#[test]
fn the_config_file_is_found() {
    let sandbox = sandbox();
    let dir = scratch("found");
    std::fs::create_dir_all(dir.join("home/.config/wxlink")).unwrap();
    std::fs::create_dir_all(dir.join("xdg/wxlink")).unwrap();
    file(
        &dir,
        "home/.config/wxlink/config.toml",
        "user_agent = \"home\"",
    );
    file(&dir, "xdg/wxlink/config.toml", "user_agent = \"xdg\"");
    let named = file(&dir, "named.toml", "user_agent = \"named\"");
    let list = |variables: &[(&str, &str)]| {
        let mut command = calling(&sandbox, TOKEN, &["list"]);
        command.envs(variables.iter().copied());
        assert_eq!(run(command).code, 0);
        last_user_agent(&sandbox)
    };
    let (home, xdg) = (dir.join("home"), dir.join("xdg"));
    let home = ("HOME", home.to_str().unwrap());
    let xdg = ("XDG_CONFIG_HOME", xdg.to_str().unwrap());
    assert_eq!(list(&[home]), "home");
    assert_eq!(list(&[home, xdg]), "xdg");
    assert_eq!(list(&[home, xdg, ("WXLINK_CONFIG", &named)]), "named");
    assert!(list(&[("HOME", "/nonexistent")]).starts_with("wxlink/"));
    let missing = run(calling(
        &sandbox,
        TOKEN,
        &["list", "--config", "/nonexistent.toml"],
    ));
    assert_eq!(missing.code, 2);
}

#[test]
fn errors_in_the_config_file_are_explained() {
    let dir = scratch("mistakes");
    for (text, part) in [
        ("timeout = 1", "do you mean timeout_ms?"),
        ("acess_token = 'HUSHHUSH'", "do you mean access_token?"),
        (
            "trust = true",
            "invalid trust: expected a text or a whole number",
        ),
        ("timeout_ms = 0", "timeout_ms takes a whole number from 1"),
        ("lang = 'en'\naccess_token = HUSHHUSH", "line 2 is not TOML"),
        ("component_appsecret = 'HUSHHUSH", "line 1 is not TOML"),
        (
            "token_command = 'x'\naccess_token = 'HUSHHUSH'",
            "exclude each other; set one",
        ),
    ] {
        let config = file(&dir, "c.toml", text);
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
        let wrong = run(bare(&["list", "--config", &config]));
        assert_eq!((wrong.code, &*wrong.out), (2, ""), "{text}: {}", wrong.err);
        assert!(wrong.err.contains(part), "{text}: {}", wrong.err);
    }
}

#[test]
fn a_config_file_that_others_can_read_or_change_causes_a_warning() {
    let dir = scratch("open");
    let secret = "access_token = 'SANDBOX-TOKEN'";
    for (text, mode, can_read, can_change) in [
        (secret, 0o644, true, false),
        (secret, 0o600, false, false),
        (secret, 0o660, true, true),
        (secret, 0o602, false, true),
        (
            "proxy = 'http://user:HUSHHUSH@127.0.0.1:9'",
            0o640,
            true,
            false,
        ),
        ("timeout_ms = 1000", 0o644, false, false),
        ("timeout_ms = 1000", 0o666, false, true),
        ("", 0o620, false, true),
    ] {
        let config = file(&dir, "c.toml", text);
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(mode)).unwrap();
        // The warning does not end the command.
        let ran = run(bare(&["platform", "set-ticket", "--config", &config]));
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("nothing was stored"), "{}", ran.err);
        let warnings = [
            (
                can_read,
                format!("other users can read {config}, which holds"),
            ),
            (can_change, format!("other users can change {config}")),
        ];
        for (expected, warning) in warnings {
            assert_eq!(
                ran.err.contains(&warning),
                expected,
                "{text} {mode:o}: {}",
                ran.err
            );
        }
        let is_warned = can_read || can_change;
        let advice = format!("Run: chmod 600 {config}");
        assert_eq!(
            ran.err.contains(&advice),
            is_warned,
            "{text} {mode:o}: {}",
            ran.err
        );
    }
    // So can the owner, if it is another user. Only root can give a file away.
    let config = file(&dir, "theirs.toml", "timeout_ms = 1000");
    if std::os::unix::fs::chown(&config, Some(12_345), None).is_ok() {
        let ran = run(bare(&["platform", "set-ticket", "--config", &config]));
        let warning = format!("other users can change {config}");
        assert!(ran.err.contains(&warning), "{}", ran.err);
    }
}

/// The program with the simulator's base URL and without a token.
fn tokenless(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command.env("WXLINK_BASE_URL", sandbox.http_url());
    command
}

#[test]
fn a_token_comes_from_file_stdin_or_environment() {
    let sandbox = sandbox();
    let dir = scratch("tokens");
    for (name, text) in [
        ("bare", TOKEN),
        ("line", "SANDBOX-TOKEN\n"),
        ("crlf", "SANDBOX-TOKEN\r\n"),
        ("blanks", "  SANDBOX-TOKEN \n\n"),
        ("mark", "\u{feff}SANDBOX-TOKEN\n"),
        ("invisible", "\u{200b}SANDBOX-TOKEN\u{2060}\0"),
        ("quoted", "\"SANDBOX-TOKEN\"\n"),
        (
            "json",
            "{\"access_token\": \"SANDBOX-TOKEN\",\n \"expires_in\": 7200}\n",
        ),
    ] {
        let path = file(&dir, name, text);
        let ran = run(tokenless(&sandbox, &["list", "--token-file", &path]));
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        let ran = run_with(tokenless(&sandbox, &["list", "--token-file", "-"]), text);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
    }
    // The flag takes precedence over the environment.
    let path = file(&dir, "good", TOKEN);
    let ran = run(calling(
        &sandbox,
        "SANDBOX-EXPIRED",
        &["list", "--token-file", &path],
    ));
    assert_eq!(ran.code, 0, "{}", ran.err);

    let long = "S".repeat(5000);
    for (text, part) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("\u{feff}\n", "is empty"),
        (
            "HUSHHUSH\nHUSHHUSH\n",
            "contains a control character (U+000A)",
        ),
        ("Bearer HUSHHUSH", "contains a blank (U+0020)"),
        (
            "{\"token\": \"HUSHHUSH\"}",
            "JSON without a readable access_token",
        ),
        ("<html>HUSHHUSH</html>", "is XML or HTML"),
        (&*long, "is longer than 4096"),
        (&*long.repeat(20), "is longer than 65536"),
    ] {
        let path = file(&dir, "wrong", text);
        let ran = run(tokenless(&sandbox, &["list", "--token-file", &path]));
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(part), "{}", ran.err);
        let ran = run_with(tokenless(&sandbox, &["list", "--token-file", "-"]), text);
        assert!(ran.code == 2 && ran.err.contains(part), "{}", ran.err);
        assert!(!ran.err.contains("HUSH"), "{}", ran.err);
    }
    assert_eq!(received(&sandbox, "get"), 17);
    let ran = run(tokenless(
        &sandbox,
        &["list", "--token-file", "/nonexistent"],
    ));
    assert!(
        ran.code == 2 && ran.err.contains("could not be read"),
        "{}",
        ran.err
    );
    let ran = run(tokenless(&sandbox, &["list"]));
    assert!(
        ran.code == 2 && ran.err.contains("--token-file"),
        "{}",
        ran.err
    );
}

#[test]
fn a_token_source_replaces_those_with_lower_precedence() {
    let sandbox = sandbox();
    let dir = scratch("sources");
    let config = file(
        &dir,
        "c.toml",
        "component_appid = \"wx0c00000000000001\"\n\
         component_appsecret = \"SANDBOX-COMPONENT-SECRET\"\n",
    );
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ran = run(calling(&sandbox, TOKEN, &["list", "--config", &config]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Without the token in the environment, the platform of the config file is used. It has no
    // ticket, so there is no token.
    let arguments = ["list", "--config", &config, "--account", ACCOUNT];
    let ran = run(tokenless(&sandbox, &arguments));
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.err.contains("NO_TOKEN"), "{}", ran.err);
    // A token command gets the account and replaces the platform of the config file.
    let mut command = tokenless(
        &sandbox,
        &["list", "--account", ACCOUNT, "--config", &config],
    );
    command.env(
        "WXLINK_TOKEN_COMMAND",
        format!("grep -q '^account={ACCOUNT}$' && echo SANDBOX-TOKEN"),
    );
    let ran = run(command);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// The first error that a new platform meets: WeChat's errmsg is printed unchanged.
#[test]
fn a_refused_appsecret_is_readable() {
    let sandbox = sandbox();
    let dir = scratch("refused-appsecret");
    let platform = |arguments: &[&str]| {
        let mut command = platform(&sandbox, &dir, arguments);
        command.env("WXLINK_COMPONENT_APPSECRET", "HUSH-HUSH-HUSH");
        command
    };
    let stored = run_with(platform(&["platform", "set-ticket"]), "SANDBOX-TICKET\n");
    assert_eq!(stored.code, 0, "{}", stored.err);
    let stored = run_with(
        platform(&["platform", "add-account", ACCOUNT]),
        "SANDBOX-REFRESH-1\n",
    );
    assert_eq!(stored.code, 0, "{}", stored.err);
    let ran = run(platform(&["list", "--account", ACCOUNT, "--json"]));
    assert_eq!(ran.code, 4, "{}", ran.err);
    let line = ran.json();
    assert_eq!(line["errcode"], 40125, "{line}");
    let errmsg = line["errmsg"].as_str().unwrap();
    assert!(errmsg.starts_with("invalid appsecret"), "{line}");
    assert!(!line["rid"].as_str().unwrap().is_empty(), "{line}");
    assert!(
        !ran.out.contains("HUSH") && !ran.err.contains("HUSH"),
        "{line}"
    );
}

/// A refusal of one of the calls for a token: what is wrong, and who answers what.
struct TokenRefusal {
    name: &'static str,
    /// A request to the simulator's admin interface.
    prepare: Option<(&'static str, String, Value)>,
    appsecret: &'static str,
    ticket: &'static str,
    /// Without one, the account is looked up in the platform's list.
    refresh_token: Option<&'static str>,
    endpoint: Endpoint,
    errcode: i32,
    exit_code: i32,
}

#[test]
fn a_refused_call_for_a_token_is_reported_with_its_endpoint_and_remedy() {
    let valid = || TokenRefusal {
        name: "",
        prepare: None,
        appsecret: "SANDBOX-COMPONENT-SECRET",
        ticket: "SANDBOX-TICKET",
        refresh_token: Some("SANDBOX-REFRESH-1"),
        endpoint: Endpoint::ComponentToken,
        errcode: 0,
        exit_code: 4,
    };
    let fault = |endpoint: Endpoint, code: i32| {
        let rule = json!({"endpoint": endpoint.as_str(), "always": true,
                          "fault": {"errcode": {"code": code}}});
        Some(("POST", "faults".to_owned(), rule))
    };
    for case in [
        TokenRefusal {
            name: "secret",
            appsecret: "HUSH-HUSH-HUSH",
            errcode: 40125,
            ..valid()
        },
        TokenRefusal {
            name: "ticket",
            ticket: "ticket@@@HUSH-HUSH-HUSH",
            errcode: 61006,
            ..valid()
        },
        TokenRefusal {
            name: "old-ticket",
            prepare: Some(("POST", "clock".to_owned(), json!({"advance_s": 200_000}))),
            errcode: 61005,
            ..valid()
        },
        TokenRefusal {
            name: "busy",
            prepare: fault(Endpoint::ComponentToken, -1),
            errcode: -1,
            exit_code: 5,
            ..valid()
        },
        TokenRefusal {
            name: "authorisation",
            prepare: Some(("DELETE", format!("authorizers/{ACCOUNT}"), Value::Null)),
            endpoint: Endpoint::AuthorizerToken,
            errcode: 61003,
            ..valid()
        },
        TokenRefusal {
            name: "refresh-token",
            prepare: fault(Endpoint::AuthorizerToken, 61023),
            endpoint: Endpoint::AuthorizerToken,
            errcode: 61023,
            ..valid()
        },
        TokenRefusal {
            name: "whitelist",
            prepare: fault(Endpoint::AuthorizerList, 61004),
            refresh_token: None,
            endpoint: Endpoint::AuthorizerList,
            errcode: 61004,
            ..valid()
        },
    ] {
        let sandbox = sandbox();
        let dir = scratch(&format!("refused-{}", case.name));
        let command = |arguments: &[&str]| {
            let mut command = platform(&sandbox, &dir, arguments);
            command.env("WXLINK_COMPONENT_APPSECRET", case.appsecret);
            command
        };
        let set = run_with(command(&["platform", "set-ticket"]), case.ticket);
        assert_eq!(set.code, 0, "{}", set.err);
        if let Some(token) = case.refresh_token {
            let added = run_with(command(&["platform", "add-account", ACCOUNT]), token);
            assert_eq!(added.code, 0, "{}", added.err);
        }
        if let Some((method, path, body)) = case.prepare {
            admin(&sandbox, method, &path, body);
        }
        let endpoint = case.endpoint.name();
        let entry = lookup(case.endpoint, case.errcode).unwrap();
        let (code, name) = (entry.errcode, entry.name);
        let in_english = format!(
            "getLinkMiniprogram: NO_TOKEN: {endpoint}: WeChat answered {code} {name}: {} {}",
            entry.meaning.en, entry.remedy.en
        );
        let in_chinese = format!(
            "getLinkMiniprogram：NO_TOKEN：{endpoint}：微信返回 {code} {name}：{}{}",
            entry.meaning.zh, entry.remedy.zh
        );
        let is_chinese = |text: &str| text.contains(|c| matches!(c, '\u{3000}'..='\u{9fff}'));
        for (lang, expected) in [("en", in_english), ("zh", in_chinese)] {
            let ran = run(command(&["list", "--account", ACCOUNT, "--lang", lang]));
            assert_eq!((ran.code, &*ran.out), (case.exit_code, ""), "{}", ran.err);
            assert!(ran.err.contains(&expected), "{}", ran.err);
            assert!(!ran.err.contains("HUSH"), "{}", ran.err);
            if lang == "en" {
                assert!(!is_chinese(&ran.err), "{}", ran.err);
            } else {
                // The rest consists of names.
                let english = [" the ", "WeChat", "paused", ". "];
                let found = english.into_iter().find(|word| ran.err.contains(word));
                assert_eq!(found, None, "{}", ran.err);
            }
        }
    }
}

#[test]
fn secrets_have_no_flag() {
    for (arguments, advice) in [
        (["list", "--access-token=HUSHHUSH"], "WXLINK_ACCESS_TOKEN"),
        (
            ["list", "--component-appsecret=HUSHHUSH"],
            "WXLINK_COMPONENT_APPSECRET",
        ),
        (
            ["list", "--proxy=http://user:HUSHHUSH@127.0.0.1:9"],
            "WXLINK_PROXY",
        ),
        (
            ["list", "--proxy=socks5://user:HUSHHUSH/@127.0.0.1:9"],
            "WXLINK_PROXY",
        ),
        (
            ["list", "--store=redis://:HUSHHUSH@127.0.0.1"],
            "WXLINK_STORE",
        ),
    ] {
        let refused = run(bare(&arguments));
        assert_eq!((refused.code, &*refused.out), (2, ""));
        assert!(refused.err.contains(advice), "{}", refused.err);
    }
    // `a:b@c` in a path is not a password, and a user name alone is not one either.
    let ran = run(bare(&[
        "explain",
        "0",
        "--store",
        "file:/a:b@c",
        "--proxy",
        "http://user@127.0.0.1:9",
    ]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    for subcommand in [
        "link", "list", "unlink", "ensure", "wait", "explain", "doctor",
    ] {
        let help = run(bare(&[subcommand, "--help"])).out;
        assert!(help.contains("--component-appid") && help.contains("--token-file"));
        assert!(!help.contains("--access-token") && !help.contains("--component-appsecret"));
    }
}

#[test]
fn every_other_option_has_a_flag_with_its_default() {
    let help = run(bare(&["list", "--help"])).out;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for option in wxlink::OPTIONS {
        if option.is_secret() {
            continue;
        }
        let flag = format!(
            "--{} <VALUE> {}",
            option.key.replace('_', "-"),
            option.doc.en
        );
        assert!(words.contains(&flag), "{flag}");
        let name = format!("[env: WXLINK_{}]", option.key.to_uppercase());
        assert!(words.contains(&name), "{name}");
        assert!(
            words.contains(&format!("[default: {}]", option.default)) || option.default.is_empty()
        );
    }
}

#[test]
fn a_platforms_secrets_stay_secret() {
    let sandbox = sandbox();
    let mut command = tokenless(&sandbox, &["doctor", "--account", ACCOUNT, "--json"]);
    command
        .env("WXLINK_COMPONENT_APPID", "wx0c00000000000001")
        .env("WXLINK_COMPONENT_APPSECRET", "SANDBOX-COMPONENT-SECRET")
        .env("WXLINK_PROXY", "http://user:HUSHHUSH@127.0.0.1:9");
    let ran = run(command);
    let shown = ran.lines()[0]["found"].as_str().unwrap().to_owned();
    assert!(
        shown.contains("component_appsecret = set (WXLINK_COMPONENT_APPSECRET)"),
        "{shown}"
    );
    assert!(
        shown.contains("proxy = http://…@127.0.0.1:9 (WXLINK_PROXY)"),
        "{shown}"
    );
}

/// Runs `wxlink platform` with these variables and a secret on stdin.
fn run_platform(what: &[&str], variables: &[(&str, &str)]) -> ProgramOutput {
    let mut command = bare(&[&["platform"], what].concat());
    command.envs(variables.iter().copied());
    run_with(command, "HUSHHUSH-ON-STDIN\n")
}

const PLATFORM: [(&str, &str); 2] = [
    ("WXLINK_COMPONENT_APPID", "wx0c00000000000001"),
    ("WXLINK_COMPONENT_APPSECRET", "HUSHHUSH"),
];

#[test]
fn platform_without_its_settings_asks_for_them() {
    let token = ("WXLINK_ACCESS_TOKEN", "HUSHHUSH");
    for what in [&["set-ticket"][..], &["add-account", ACCOUNT]] {
        for variables in [&[][..], &PLATFORM[..1], &PLATFORM[1..], &[token]] {
            let ran = run_platform(what, variables);
            assert_eq!((ran.code, &*ran.out), (2, ""), "{variables:?}");
            assert!(
                ran.err.contains("WXLINK_COMPONENT_APPID")
                    && ran.err.contains("nothing was stored"),
                "{}",
                ran.err
            );
            assert!(!ran.err.contains("--token-file"), "{}", ran.err);
        }
        // A token in the environment replaces a platform in the config file.
        let dir = scratch("platform-replaced");
        let config =
            "component_appid = \"wx0c00000000000001\"\ncomponent_appsecret = \"HUSHHUSH\"\n";
        let config = file(&dir, "config.toml", config);
        std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let ran = run_platform(what, &[token, ("WXLINK_CONFIG", &config)]);
        assert_eq!(ran.code, 2);
        assert!(
            ran.err.contains("access_token (WXLINK_ACCESS_TOKEN)") && ran.err.contains("unset it"),
            "{}",
            ran.err
        );
    }
    let zh = run_platform(&["set-ticket", "--lang", "zh"], &[]);
    assert!(zh.err.contains("请设置 component_appid"), "{}", zh.err);
}

#[test]
fn platform_refuses_the_store_memory() {
    for what in [&["set-ticket"][..], &["add-account", ACCOUNT]] {
        for store in ["", "memory"] {
            let ran = run_platform(what, &[&PLATFORM[..], &[("WXLINK_STORE", store)]].concat());
            assert_eq!((ran.code, &*ran.out), (2, ""), "{store}");
            for part in ["nothing was stored", "memory", "file:PATH", "redis://HOST"] {
                assert!(ran.err.contains(part), "{}", ran.err);
            }
        }
        let ran = run_platform(&[what, &["--json", "--lang", "zh"]].concat(), &PLATFORM);
        let line = ran.json();
        assert_eq!(
            (ran.code, &line["delivery"]),
            (2, &serde_json::json!("never sent"))
        );
        assert!(
            line["message"].as_str().unwrap().contains("未保存"),
            "{line}"
        );
    }
}

#[test]
fn platform_takes_the_secret_out_of_what_wechat_sent() {
    let sandbox = sandbox();
    for (number, (ticket, refresh_token)) in [
        (
            "<xml><AppId>wx0c00000000000001</AppId>\n<ComponentVerifyTicket>\
             <![CDATA[SANDBOX-TICKET]]></ComponentVerifyTicket>\n</xml>\n",
            "\u{feff}\"SANDBOX-REFRESH-1\"\r\n",
        ),
        (
            "{\"component_verify_ticket\": \"SANDBOX-TICKET\"}",
            "{\"authorizer_refresh_token\":\"SANDBOX-REFRESH-1\",\"expires_in\":7200}",
        ),
        ("'SANDBOX-TICKET\u{200b}'\n", "\t SANDBOX-REFRESH-1\n\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let store = scratch(&format!("platform-sent-{number}")).join("store");
        let platform = |arguments: &[&str]| {
            let mut command = tokenless(&sandbox, arguments);
            command
                .env("WXLINK_COMPONENT_APPID", "wx0c00000000000001")
                .env("WXLINK_COMPONENT_APPSECRET", " SANDBOX-COMPONENT-SECRET\n")
                .env("WXLINK_STORE", format!("file:{}", store.display()));
            command
        };
        let set = run_with(platform(&["platform", "set-ticket"]), ticket);
        assert_eq!(set.code, 0, "{ticket}: {}", set.err);
        let add = ["platform", "add-account", ACCOUNT];
        let added = run_with(platform(&add), refresh_token);
        assert_eq!(added.code, 0, "{refresh_token}: {}", added.err);
        let listed = run(platform(&["list", "--account", ACCOUNT]));
        assert_eq!(listed.code, 0, "{ticket}: {}", listed.err);
        // The refresh token was used, and not looked up.
        assert_eq!(received(&sandbox, "authorizer_list"), 0);
    }
}

#[test]
fn platform_refuses_what_cannot_be_a_secret() {
    let dir = scratch("platform-refused");
    let store = format!("file:{}/tokens", dir.display());
    for (text, says) in [
        ("<xml><Encrypt>HUSHHUSH</Encrypt></xml>", "decrypt it"),
        (
            "<xml><ToUserName>HUSHHUSH</ToUserName></xml>",
            "XML or HTML",
        ),
        ("{\"ticket\":\"HUSHHUSH\"}", "JSON without"),
        ("HUSHHUSH HUSHHUSH", "a blank"),
        ("HUSHHUSH\nHUSHHUSH\n", "a control character"),
    ] {
        for what in [&["set-ticket"][..], &["add-account", ACCOUNT]] {
            let mut command = bare(&[&["platform"], what].concat());
            command.envs(PLATFORM).env("WXLINK_STORE", &store);
            let ran = run_with(command, text);
            assert_eq!((ran.code, &*ran.out), (2, ""), "{text}: {}", ran.err);
            assert!(
                ran.err.contains(says) && !ran.err.contains("HUSH"),
                "{}",
                ran.err
            );
        }
    }
    assert!(!dir.join("tokens").exists());
}

#[test]
fn platform_stores_the_secret_on_stdin() {
    let dir = scratch("platform");
    let store = format!("file:{}/tokens", dir.display());
    let variables = [&PLATFORM[..], &[("WXLINK_STORE", &*store)]].concat();
    for what in [&["set-ticket"][..], &["add-account", ACCOUNT]] {
        let ran = run_platform(what, &variables);
        assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "Stored.\n", ""));
        for help in ["-h", "--help"] {
            let help = run(bare(&["platform", what[0], help])).out;
            assert!(help.contains("stdin"), "{help}");
        }
    }
    let help = run(bare(&["platform", "--help"])).out;
    assert!(
        help.contains("stdin") && help.contains("file:PATH"),
        "{help}"
    );
}

#[test]
fn usage_errors_are_in_the_language_that_is_set() {
    let dir = scratch("usage-language");
    let config = file(&dir, "zh.toml", "lang = 'zh'");
    let invalid = file(&dir, "invalid.toml", "lang = 'zh'\nunknown = 1");
    let chinese = ("WXLINK_LANG", "zh");
    for (arguments, variable, part) in [
        (&["list"][..], Some(chinese), "没有 access_token"),
        (&["list", "--lang", "zh"], None, "没有 access_token"),
        (&["list", "--config", &config], None, "没有 access_token"),
        (
            &["list", "--token-file", "/nonexistent", "--config", &config],
            None,
            "无法读取",
        ),
        (
            &["list", "--config", &invalid],
            Some(chinese),
            "未知选项 unknown",
        ),
        (
            &["list", "--access-token", "x", "--lang", "zh"],
            None,
            "请将密钥放入环境变量",
        ),
        (
            &["list", "--access-token", "x"],
            Some(chinese),
            "请将密钥放入环境变量",
        ),
        // A flag takes precedence over the environment, as for every option.
        (&["list", "--lang", "en"], Some(chinese), "no access token"),
    ] {
        let mut command = bare(arguments);
        command.envs(variable);
        let ran = run(command);
        assert_eq!((ran.code, &*ran.out), (2, ""), "{arguments:?} {}", ran.err);
        assert!(ran.err.contains(part), "{arguments:?} {}", ran.err);
    }
}

#[test]
fn a_refresh_token_is_stored_for_an_appid_only() {
    let sandbox = sandbox();
    let dir = scratch("add-account-appid");
    for wrong in [
        "wx bad",
        "wx0a0000000000001",
        "wx0A00000000000001",
        "gh_1",
        "",
    ] {
        let add = ["platform", "add-account", wrong];
        let ran = run_with(common::platform(&sandbox, &dir, &add), "REFRESH\n");
        assert_eq!((ran.code, &*ran.out), (2, ""), "{wrong:?} {}", ran.err);
        assert!(ran.err.contains("is not an appid"), "{}", ran.err);
    }
}
