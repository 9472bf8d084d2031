//! Each subcommand that calls WeChat, with both kinds of output, and the exit codes.
#![cfg(unix)]

mod common;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use common::*;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

#[test]
fn link_is_accepted_then_waiting_then_done() {
    let sandbox = sandbox();
    let link = |more: &[&str]| {
        let arguments = [&["link", APPID][..], &CHOICES, more].concat();
        run(calling(&sandbox, TOKEN, &arguments))
    };
    let yes = link(&["--json"]);
    assert_eq!(yes.code, 0);
    let line = yes.json();
    for (field, value) in [
        ("appid", json!(APPID)),
        ("status", json!("OK")),
        ("class", json!("ok")),
        ("errcode", json!(0)),
        ("errmsg", json!("ok")),
        ("delivery", json!("answered")),
        ("message", json!("")),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    let body = admin(&sandbox, "GET", "journal", Value::Null)["entries"][0]["body"].clone();
    let sent: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    assert_eq!(
        sent,
        json!({"appid": APPID, "notify_users": 0, "show_profile": 1})
    );

    // A waiting invitation is not a failure: it is reported on stdout.
    let pending = link(&[]);
    assert_eq!((pending.code, &*pending.err), (3, ""));
    assert!(pending.out.contains("89010"), "{}", pending.out);
    let pending = link(&["--json"]);
    assert_eq!(pending.code, 3);
    let line = pending.json();
    assert_eq!(
        (&line["status"], &line["class"]),
        (&json!("API"), &json!("pending"))
    );
    assert_eq!(line["errcode"], 89010);
    assert!(!line["rid"].as_str().unwrap().is_empty());

    decide(&sandbox, "official_account", "agree");
    decide(&sandbox, "mini_program", "agree");
    let done = link(&[]);
    assert_eq!((done.code, &*done.err), (0, ""));
    assert!(done.out.contains("89015"), "{}", done.out);
}

#[test]
fn messages_are_in_the_language_that_is_set() {
    let sandbox = sandbox();
    let arguments = [&["link", APPID, "--lang", "zh"][..], &CHOICES].concat();
    let yes = run(calling(&sandbox, TOKEN, &arguments));
    assert_eq!((yes.code, &*yes.err), (0, ""));
    assert!(yes.out.starts_with("关联邀请已发出"), "{}", yes.out);
}

#[test]
fn the_choices_of_a_link_have_no_defaults() {
    let sandbox = sandbox();
    for verb in ["link", "ensure"] {
        for choice in ["--notify-users", "--show-profile"] {
            let refused = run(calling(&sandbox, TOKEN, &[verb, APPID, choice, "no"]));
            assert_eq!((refused.code, &*refused.out), (2, ""), "{verb} {choice}");
        }
        let arguments = [
            verb,
            APPID,
            "--notify-users",
            "perhaps",
            "--show-profile",
            "no",
        ];
        assert_eq!(run(calling(&sandbox, TOKEN, &arguments)).code, 2);
    }
    assert_eq!(received(&sandbox, "link"), 0);
}

#[test]
fn list_prints_a_table_or_a_line_for_each_item() {
    let sandbox = sandbox();
    let none = run(calling(&sandbox, TOKEN, &["list"]));
    assert_eq!(none.out, "No mini program is linked or invited.\n");
    let none = run(calling(&sandbox, TOKEN, &["list", "--json"]));
    assert_eq!((none.code, &*none.out), (0, ""));

    let table = run(calling(&sandbox, "SANDBOX-TOKEN-3", &["list"]));
    assert_eq!((table.code, &*table.err), (0, ""));
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(!table.out.contains('\x1b'), "colours without a terminal");
    assert!(lines[0].starts_with("STATE "));
    let at = lines[0].find("APPID").unwrap();
    assert!(lines[1].starts_with("linked ") && lines[1].ends_with("示例小程序11"));
    assert!(lines[1][at..].starts_with("wx0b00000000000011 "));
    assert!(lines[4].starts_with("refused ") && lines[4][at..].starts_with("- "));

    let lines = run(calling(&sandbox, "SANDBOX-TOKEN-3", &["list", "--json"])).lines();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["appid"], "wx0b00000000000011");
    assert_eq!(lines[0]["func_infos"][0]["name"], "微信认证");
    assert_eq!(lines[3].get("appid"), None);
    assert_eq!(lines[3]["status"], 3);
}

#[test]
fn list_is_filtered_and_printed_for_spreadsheets() {
    let sandbox = sandbox();
    let list = |more: &[&str]| {
        let arguments = [&["list"][..], more].concat();
        run(calling(&sandbox, "SANDBOX-TOKEN-3", &arguments))
    };
    let all = list(&["--json"]).lines();
    let mut counted = 0;
    for (state, statuses) in [
        ("linked", vec![1]),
        ("pending", vec![2, 12]),
        ("refused", vec![3]),
    ] {
        let lines = list(&["--state", state, "--json"]).lines();
        let is_one = |line: &Value| statuses.contains(&line["status"].as_i64().unwrap());
        let expected: Vec<_> = all.iter().filter(|line| is_one(line)).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(lines, expected, "{state}");
        counted += lines.len();
        let table = list(&["--state", state]);
        assert_eq!(table.out.lines().count(), lines.len() + 1, "{state}");
        let csv = list(&["--state", state, "--csv"]).out;
        assert_eq!(csv.lines().count(), lines.len() + 1, "{state}");
        for (row, line) in csv.lines().skip(1).zip(&lines) {
            let appid = line["appid"].as_str().unwrap_or_default();
            assert_eq!(row.split(',').nth(1), Some(appid), "{row}");
        }
    }
    assert_eq!(counted, all.len());
    let csv = list(&["--csv", "--lang", "zh"]).out;
    assert!(csv.starts_with("\u{feff}状态,APPID,原始 ID,名称\n已关联,wx0b00000000000011,"));

    // Names are chosen by others, and a spreadsheet must not run them.
    let name = json!({"nickname": "=HYPERLINK(\"x\"),\u{1b}[2J"});
    admin(&sandbox, "PUT", &format!("miniprograms/{APPID}"), name);
    let links = json!({"links": [{"appid": APPID, "state": "linked"}]});
    admin(&sandbox, "PUT", &format!("accounts/{ACCOUNT}"), links);
    let csv = run(calling(&sandbox, TOKEN, &["list", "--csv"]));
    let name = ",\"'=HYPERLINK(\"\"x\"\"), [2J\"\n";
    assert!(csv.out.ends_with(name), "{:?}", csv.out);

    let none = run(calling(&sandbox, TOKEN, &["list", "--state", "pending"]));
    assert_eq!(
        (none.code, &*none.out),
        (0, "No mini program is in this state.\n")
    );
    let none = run(calling(
        &sandbox,
        TOKEN,
        &["list", "--state", "pending", "--csv"],
    ));
    assert_eq!(none.out, "\u{feff}STATE,APPID,ORIGINAL ID,NAME\n");
    for wrong in [&["--csv", "--json"][..], &["--state", "vanished"]] {
        assert_eq!(list(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn control_characters_in_names_are_not_printed() {
    let sandbox = sandbox();
    let name = json!({"nickname": "a\u{1b}[2Jb\u{202e}c"});
    admin(&sandbox, "PUT", &format!("miniprograms/{APPID}"), name);
    let links = json!({"links": [{"appid": APPID, "state": "linked"}]});
    admin(&sandbox, "PUT", &format!("accounts/{ACCOUNT}"), links);
    let table = run(calling(&sandbox, TOKEN, &["list"]));
    assert!(table.out.ends_with("a [2Jb c\n"), "{:?}", table.out);
}

#[test]
fn unlink_is_accepted_then_refused() {
    let sandbox = sandbox();
    let links = json!({"links": [{"appid": APPID, "state": "linked"}]});
    admin(&sandbox, "PUT", &format!("accounts/{ACCOUNT}"), links);
    let asked = run(calling(&sandbox, TOKEN, &["unlink", APPID]));
    assert_eq!((asked.code, &*asked.err), (0, ""));
    assert!(asked.out.contains("has been asked"), "{}", asked.out);
    let again = run(calling(&sandbox, TOKEN, &["unlink", APPID, "--json"]));
    assert_eq!((again.code, &again.json()["errcode"]), (3, &json!(89018)));
    let wrong = run(calling(&sandbox, TOKEN, &["unlink", "wx0b0000000000ffff"]));
    assert_eq!((wrong.code, &*wrong.out), (1, ""));
    assert!(
        wrong
            .err
            .starts_with("wxlink: unlinkMiniprogram: WeChat answered"),
        "{}",
        wrong.err
    );
}

#[test]
fn an_unlink_without_a_response_describes_what_is_in_doubt() {
    let sandbox = sandbox();
    let links = json!({"links": [{"appid": APPID, "state": "linked"}]});
    admin(&sandbox, "PUT", &format!("accounts/{ACCOUNT}"), links);
    for (lang, parts) in [
        (
            "en",
            ["until the Official Account's administrator agrees", "89018"],
        ),
        ("zh", ["在公众号管理员同意之前", "89018"]),
    ] {
        fault(&sandbox, json!({"drop": "reset"}));
        let mut command = calling(&sandbox, TOKEN, &["unlink", APPID, "--json"]);
        command.env("WXLINK_LANG", lang);
        let line = run(command).json();
        assert_eq!(line["delivery"], "unknown", "{line}");
        let message = line["message"].as_str().unwrap();
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn ensure_reads_the_list_first_and_waits_with_wait() {
    let sandbox = sandbox();
    let ensure = |more: &[&str]| {
        let arguments = [&["ensure", APPID][..], &CHOICES, more].concat();
        run(calling(&sandbox, TOKEN, &arguments))
    };
    // The administrators agree after one and two reads of the list.
    let policy =
        json!({"official_account": {"when": {"polls": 1}}, "mini_program": {"when": {"polls": 2}}});
    admin(&sandbox, "PUT", "policy", policy);
    let pending = ensure(&["--json"]);
    assert_eq!(pending.code, 3);
    let line = pending.json();
    assert_eq!(
        (&line["status"], &line["state"]),
        (&json!("PENDING"), &json!("pending"))
    );
    assert_eq!(
        (&line["posts"], &line["found"]),
        (&json!(1), &json!("absent"))
    );
    let linked = ensure(&["--wait", "10s"]);
    assert_eq!(
        (linked.code, &*linked.out),
        (0, "Linked.\n"),
        "{}",
        linked.err
    );
    let linked = ensure(&["--json"]);
    let line = linked.json();
    assert_eq!(
        (linked.code, &line["errcode"], &line["posts"]),
        (0, &json!(0), &json!(0))
    );
    assert_eq!(line["item"]["appid"], APPID);
    assert_eq!(received(&sandbox, "link"), 1);
}

#[test]
fn wait_takes_either_id_and_never_invites() {
    let sandbox = sandbox();
    let waited = |name: &str| {
        run(calling(
            &sandbox,
            TOKEN,
            &["wait", name, "--wait", "0", "--json"],
        ))
    };
    let absent = waited(APPID);
    assert_eq!(
        (absent.code, &absent.json()["status"]),
        (1, &json!("VANISHED"))
    );
    assert_eq!(run(calling(&sandbox, TOKEN, &["wait", APPID])).code, 2);
    for (state, code, status) in [
        ("waiting_official_account", 3, "PENDING"),
        ("refused", 1, "DECLINED"),
        ("linked", 0, "OK"),
    ] {
        let links = json!({"links": [{"appid": APPID, "state": state}]});
        admin(&sandbox, "PUT", &format!("accounts/{ACCOUNT}"), links);
        let result = waited("gh_000000000001");
        assert_eq!(
            (result.code, &result.json()["status"]),
            (code, &json!(status)),
            "{state}"
        );
    }
    assert_eq!(received(&sandbox, "link"), 0);
}

#[test]
fn each_result_has_its_exit_code() {
    let sandbox = sandbox();
    let refused = [&["link", "wx0b000000000000e3"][..], &CHOICES].concat();
    for (token, arguments, code, errcode) in [
        (TOKEN, &refused[..], 1, 89245),
        ("SANDBOX-EXPIRED", &["list"], 4, 42001),
        ("SANDBOX-COMPONENT", &["list"], 4, 48001),
        ("SANDBOX-NO-PERMISSION", &["list"], 4, 61007),
    ] {
        let people = run(calling(&sandbox, token, arguments));
        assert_eq!((people.code, &*people.out), (code, ""), "{errcode}");
        assert!(people.err.contains(&errcode.to_string()), "{}", people.err);
        let arguments = [arguments, &["--json"]].concat();
        let program = run(calling(&sandbox, token, &arguments));
        assert_eq!(
            (program.code, &program.json()["errcode"]),
            (code, &json!(errcode))
        );
    }
    let mut unreachable = calling(&sandbox, TOKEN, &["list", "--json"]);
    unreachable.env("WXLINK_BASE_URL", unreachable_url());
    let again = run(unreachable);
    let line = again.json();
    assert_eq!((again.code, &line["status"]), (5, &json!("CONNECT")));
    assert_eq!(
        (&line["errcode"], &line["delivery"]),
        (&json!(-21), &json!("never sent"))
    );
    fault(&sandbox, json!({"errcode": {"code": 45009}}));
    assert_eq!(run(calling(&sandbox, TOKEN, &["list"])).code, 5);
}

#[test]
fn an_interrupt_ends_a_wait_with_its_exit_code() {
    let sandbox = sandbox();
    let arguments = [&["ensure", APPID, "--wait", "1h", "--json"][..], &CHOICES].concat();
    // The invitation was posted, and the list was read again after that.
    let ready = || received(&sandbox, "link") == 1 && received(&sandbox, "get") >= 2;
    let ran = interrupted(calling(&sandbox, TOKEN, &arguments), "INT", ready);
    let line = ran.json();
    assert_eq!((ran.code, &line["status"]), (130, &json!("CANCELLED")));
    assert_eq!(
        (&line["state"], &line["posts"]),
        (&json!("pending"), &json!(1))
    );

    fault(&sandbox, json!("hang"));
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let before = received(&sandbox, "get");
        let ready = || received(&sandbox, "get") > before;
        let list = calling(&sandbox, TOKEN, &["list", "--timeout-ms", "3600000"]);
        let ran = interrupted(list, name, ready);
        assert_eq!((ran.code, &*ran.out), (code, ""), "{name}");
        assert!(ran.err.contains("CANCELLED"), "{}", ran.err);
    }
}

#[test]
fn a_second_interrupt_ends_the_process_immediately() {
    let sandbox = sandbox();
    // More than fits into the socket's buffer, so that the program blocks while it writes.
    let items = vec![json!({"appid": APPID, "status": 1, "nickname": "x".repeat(1000)}); 2000];
    let list = json!({"errcode": 0, "errmsg": "ok", "wxopens": {"items": items}});
    fault(&sandbox, json!({"body": {"text": list.to_string()}}));
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command = calling(&sandbox, TOKEN, &["list", "--json"]);
    let mut child = command.stdout(OwnedFd::from(theirs)).spawn().unwrap();
    ours.read_exact(&mut [0]).unwrap();
    until(|| {
        signal(child.id(), "INT");
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn usage_errors_are_one_line_for_programs() {
    for arguments in [
        &["list", "--json"][..],
        &["list", "--json", "--timeout-ms", "0"],
        &["list", "--json", "one-too-many"],
        &["link", "--json"],
        &["--json"],
    ] {
        let wrong = run(bare(arguments));
        let line = wrong.json();
        assert_eq!(
            (wrong.code, &line["errcode"]),
            (2, &json!(-3)),
            "{arguments:?}"
        );
        assert!(!line["message"].as_str().unwrap().is_empty());
    }
    let wrong = run(bare(&["list", "SANDBOX-TOKEN-in-the-wrong-place"]));
    assert_eq!((wrong.code, &*wrong.out), (2, ""));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let sandbox = sandbox();
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let mut list = calling(&sandbox, "SANDBOX-TOKEN-3", &["list"]);
    list.stdout(Stdio::from(OwnedFd::from(theirs)));
    let ran = run(list);
    assert_eq!((ran.code, &*ran.err), (0, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_failure_to_write_is_reported() {
    let sandbox = sandbox();
    let mut list = calling(&sandbox, TOKEN, &["list"]);
    list.stdout(std::fs::File::create("/dev/full").unwrap());
    let ran = run(list);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("could not write the output"),
        "{}",
        ran.err
    );
}

#[test]
fn explain_knows_errcodes_and_statuses() {
    let explain = |arguments: &[&str]| run(bare(&[&["explain"], arguments].concat()));
    let both = explain(&["-1", "--json"]);
    let lines = both.lines();
    // Any endpoint, the list, the six of a platform, and the status.
    assert_eq!((both.code, lines.len()), (0, 9));
    assert_eq!(
        (&lines[0]["errcode"], &lines[0]["name"]),
        (&json!(-1), &json!("SYSTEM_BUSY"))
    );
    assert_eq!(
        (&lines[8]["status"], &lines[8]["name"]),
        (&json!(-1), &json!("NULL_POINTER"))
    );
    // Rows that read the same are shown once.
    let both = explain(&["-1"]).out;
    assert_eq!(both.matches("-1 SYSTEM_BUSY").count(), 3, "{both}");
    let platform = "api_component_token, api_authorizer_token, api_get_authorizer_list, \
                    api_create_preauthcode, api_query_auth, api_get_authorizer_info\n";
    assert!(both.contains(platform), "{both}");

    // It has another meaning on unlinking.
    assert_eq!(explain(&["89010", "--json"]).lines().len(), 2);
    let link = explain(&["89010", "--endpoint", "link", "--json"]).json();
    assert_eq!(link["class"], "pending");
    let unlink = explain(&["link-message-sent", "--endpoint", "unlink", "--json"]).json();
    assert_eq!(
        (&unlink["class"], &unlink["errcode"]),
        (&json!("action_required"), &json!(89010))
    );
    assert_eq!(unlink["remedy"], link["remedy"]);

    // A platform's codes.
    for code in ["61005", "TICKET_EXPIRED"] {
        let ran = explain(&[code]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(
            ran.out.matches("61005 TICKET_EXPIRED").count(),
            1,
            "{}",
            ran.out
        );
        assert!(ran.out.contains("component_verify_ticket"), "{}", ran.out);
    }
    for endpoint in ["linkMiniprogram", "wxamplink", "/cgi-bin/wxopen/wxamplink"] {
        let named = explain(&["89010", "--endpoint", endpoint, "--json"]);
        assert_eq!(named.json(), link, "{endpoint}");
    }
    for endpoint in [
        "api_component_token",
        "/cgi-bin/component/api_component_token",
    ] {
        let named = explain(&["40001", "--endpoint", endpoint, "--json"]);
        assert_eq!(named.json()["class"], "action_required", "{endpoint}");
    }
    // The list is read without arguments.
    let read = explain(&["40097", "--endpoint", "getLinkMiniprogram", "--json"]).json();
    let remedy = read["remedy"].as_str().unwrap();
    assert!(!remedy.contains("notify_users"), "{remedy}");

    for name in ["-40", "TIMEOUT", "WX_E_TIMEOUT", "timeout"] {
        assert_eq!(explain(&[name, "--json"]).json()["status"], -40, "{name}");
    }
    let words = explain(&["89015", "--lang", "zh"]);
    assert!(
        words.out.starts_with("89015 ") && words.out.contains("关联"),
        "{}",
        words.out
    );
    let unknown = explain(&["4711"]);
    assert_eq!((unknown.code, &*unknown.out), (2, ""));
    assert!(unknown.err.contains("rid"), "{}", unknown.err);
    assert_eq!(explain(&["76001", "--json"]).lines().len(), 2);
}

#[test]
fn a_token_command_may_print_json_and_invalid_output_is_refused() {
    let sandbox = sandbox();
    let list = |printed: &str| {
        let mut command = bare(&["list", "--json"]);
        command
            .env("WXLINK_BASE_URL", sandbox.http_url())
            .env("WXLINK_ACCOUNT", ACCOUNT)
            .env("PRINTED", printed)
            .env("WXLINK_TOKEN_COMMAND", "printf %s \"$PRINTED\"");
        run(command)
    };
    for token in [
        r#"{"access_token":"SANDBOX-TOKEN","expires_in":"7200"}"#,
        "\u{feff}SANDBOX-TOKEN\r\n",
        "expires_in=9223372036854775807\naccess_token=SANDBOX-TOKEN\n",
    ] {
        let ran = list(token);
        assert_eq!((ran.code, &*ran.err), (0, ""), "{token}");
    }
    assert_eq!(received(&sandbox, "get"), 3);
    for (printed, says) in [
        (r#"{"errcode":40001,"errmsg":"HUSHHUSH"}"#, "errcode 40001"),
        (r#"{"data":{"access_token":"HUSHHUSH"}}"#, "inside another"),
        ("Bearer HUSHHUSH", "Bearer"),
        ("null", "null"),
        ("", "no token"),
    ] {
        let ran = list(printed);
        assert_eq!(ran.code, 4, "{printed}: {}{}", ran.out, ran.err);
        assert!(
            format!("{}{}", ran.out, ran.err).contains(says),
            "{printed}: {}{}",
            ran.out,
            ran.err
        );
    }
    assert_eq!(received(&sandbox, "get"), 3);
}

#[test]
fn platform_status_shows_the_ticket_the_token_and_the_accounts() {
    let sandbox = sandbox();
    let dir = scratch("platform-status");
    let status = ["platform", "status"];
    let set_ticket = platform(&sandbox, &dir, &["platform", "set-ticket"]);
    assert_eq!(run_with(set_ticket, "SANDBOX-TICKET\n").code, 0);

    let ran = run(platform(&sandbox, &dir, &status));
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let cells = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = ran.out.lines().map(cells).collect();
    let may = "wx0a00000000000001 示例公众号 normal nothing yes 1 2 3 4 7 11 33";
    let may_not = "wx0a00000000000004 示例服务号 normal nothing no 1 2 3 4 7 11";
    assert_eq!(&lines[..2], ["TICKET TOKEN", "stored by hand none"]);
    assert_eq!(
        lines[3],
        "ACCOUNT NAME STATE IN STORE MAY LINK PERMISSION SETS"
    );
    assert_eq!((lines[4].as_str(), lines[7].as_str()), (may, may_not));
    assert_eq!(lines.len(), 8, "{}", ran.out);

    // The list was read with a token, which is now in the store.
    let ran = run(platform(
        &sandbox,
        &dir,
        &[&status[..], &["--json"]].concat(),
    ));
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let lines = ran.lines();
    assert_eq!((lines.len(), &lines[0]["has_ticket"]), (5, &json!(true)));
    assert_eq!(lines[0]["ticket_age"], Value::Null);
    assert!(lines[0]["token_expires_in"].as_u64().unwrap() > 0);
    for (line, number, may_link) in [(&lines[1], 1, true), (&lines[4], 4, false)] {
        assert_eq!(line["account"], format!("wx0a{number:014}"));
        assert_eq!(line["may_link"], may_link);
    }

    let mut chinese = platform(&sandbox, &dir, &status);
    chinese.env("WXLINK_LANG", "zh");
    let ran = run(chinese);
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[1].contains("手动存入") && lines[1].contains(" 分后过期"),
        "{}",
        ran.out
    );
    let token = lines[1].rsplit("  ").next().unwrap();
    assert!(token.contains(" 小时 "), "{token}");
    // Every word that a person reads is Chinese, and each takes two columns.
    let column = |line: &str, text: &str| line[..line.find(text).expect(text)].width();
    for (line, texts) in [
        (1, [("平台令牌", token)].as_slice()),
        (
            4,
            &[
                ("名称", "示例公众号"),
                ("状态", "正常"),
                ("存储", "无"),
                ("可关联", "是"),
                ("权限集", "1 2 3"),
            ],
        ),
        (
            7,
            &[
                ("名称", "示例服务号"),
                ("状态", "正常"),
                ("存储", "无"),
                ("可关联", "否"),
                ("权限集", "1 2 3"),
            ],
        ),
    ] {
        let head = lines[if line == 1 { 0 } else { 3 }];
        for (heading, cell) in texts {
            assert_eq!(
                column(lines[line], cell),
                column(head, heading),
                "{}",
                ran.out
            );
        }
    }

    // An account of which WeChat refuses a description does not hide the others.
    let refused = json!({"errcode": {"code": 48001}});
    let rule = json!({"endpoint": "authorizer_info", "fault": refused, "times": 1});
    admin(&sandbox, "POST", "faults", rule);
    let ran = run(platform(
        &sandbox,
        &dir,
        &[&status[..], &["--json"]].concat(),
    ));
    let codes: Vec<_> = ran
        .lines()
        .iter()
        .map(|line| line["errcode"].clone())
        .collect();
    assert_eq!(
        codes,
        [json!(null), json!(48001), json!(0), json!(0), json!(0)]
    );
    assert_eq!(ran.lines()[1]["account"], ACCOUNT);
    assert_eq!((ran.code, &*ran.err), (4, ""));
}

#[test]
fn platform_status_shows_which_accounts_can_be_used() {
    let sandbox = sandbox();
    let dir = scratch("platform-status-usable");
    let set_ticket = platform(&sandbox, &dir, &["platform", "set-ticket"]);
    assert_eq!(run_with(set_ticket, "SANDBOX-TICKET\n").code, 0);
    let authorizer = |number: u32, body: Value| {
        let path = format!("authorizers/wx0a{number:014}");
        admin(&sandbox, "PUT", &path, body);
    };
    authorizer(1, json!({"refresh_token": "refreshtoken@@@SANDBOX-1"}));
    authorizer(2, json!({"queried": false}));
    authorizer(3, json!({"release_test": true}));
    let refresh_token = "refreshtoken@@@SANDBOX-1\n";
    let add = ["platform", "add-account", ACCOUNT];
    let added = run_with(platform(&sandbox, &dir, &add), refresh_token);
    assert_eq!(added.code, 0, "{}", added.err);

    let ran = run(platform(&sandbox, &dir, &["platform", "status"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let row = |number: u32| {
        let account = format!("wx0a{number:014}");
        let line = ran.out.lines().find(|line| line.starts_with(&account));
        let cells = line.expect("a row").split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).skip(2).collect()
    };
    let rows: [Vec<&str>; 3] = [1, 2, 3].map(row);
    assert_eq!(rows[0][..3], ["normal", "refresh token", "yes"]);
    assert_eq!(rows[1][..3], ["normal", "nothing", "no"]);
    assert_eq!(rows[2][..3], ["not authorised", "nothing", "no"]);
    let notes: Vec<&str> = ran.err.lines().collect();
    assert_eq!(notes.len(), 2, "{}", ran.err);
    assert!(notes[0].starts_with("wx0a00000000000002: neither"));
    assert!(notes[1].starts_with("wx0a00000000000003: WeChat lists it"));

    let ran = run(platform(&sandbox, &dir, &["platform", "status", "--json"]));
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let lines = ran.lines();
    for (line, stored, status, may_link) in [
        (&lines[1], "authorized", "normal", true),
        (&lines[2], "not_stored", "normal", false),
        (&lines[3], "not_stored", "not_authorized", false),
    ] {
        assert_eq!(
            (&line["stored"], &line["status"], &line["may_link"]),
            (&json!(stored), &json!(status), &json!(may_link))
        );
    }
    assert_eq!(lines[3]["errcode"], 61003);

    // An account with a refresh token in the store is a merchant's: that it does not work is an
    // error.
    authorizer(1, json!({"release_test": true}));
    let ran = run(platform(&sandbox, &dir, &["platform", "status"]));
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.err.contains("61003"), "{}", ran.err);
}

#[test]
fn platform_status_reports_a_missing_ticket_and_an_unavailable_wechat() {
    let sandbox = sandbox();
    let dir = scratch("platform-status-errors");
    let status = |more: &[&str]| {
        let arguments = [&["platform", "status"], more].concat();
        run(platform(&sandbox, &dir, &arguments))
    };
    let ran = status(&[]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.contains("none    none"), "{}", ran.out);
    assert!(
        ran.err.contains("missing component_verify_ticket"),
        "{}",
        ran.err
    );
    let ran = status(&["--json"]);
    let lines = ran.lines();
    assert_eq!((ran.code, lines.len()), (4, 2), "{}", ran.out);
    assert_eq!(lines[0]["has_ticket"], false);
    assert_eq!(lines[1]["status"], "NO_TOKEN");

    let set_ticket = platform(&sandbox, &dir, &["platform", "set-ticket"]);
    assert_eq!(run_with(set_ticket, "SANDBOX-TICKET\n").code, 0);
    // What is in the store is shown all the same.
    fault(&sandbox, json!({"drop": "reset"}));
    let ran = status(&[]);
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.out.contains("stored by hand"), "{}", ran.out);
    assert!(ran.err.contains("api_component_token"), "{}", ran.err);
    let ran = status(&["--json"]);
    let lines = ran.lines();
    assert_eq!((ran.code, lines.len()), (5, 2), "{}", ran.out);
    assert_eq!(lines[0]["has_ticket"], true);
}
