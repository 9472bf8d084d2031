//! `wxlink sandbox` runs the simulator.
#![cfg(all(unix, feature = "sandbox"))]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::*;
use serde_json::Value;
use wxlink_sandbox::Lang;

#[test]
fn it_takes_the_arguments_of_the_simulator() {
    for (lang, unknown) in [(Lang::En, "unknown option"), (Lang::Zh, "未知选项")] {
        let in_lang = |arguments: &[&str]| {
            let mut command = bare(arguments);
            let locale = if lang == Lang::Zh { "zh_CN.UTF-8" } else { "C" };
            command.env("LC_ALL", locale);
            run(command)
        };
        for flag in ["--help", "-h"] {
            let help = in_lang(&["sandbox", flag]);
            assert_eq!((help.code, &*help.out), (0, wxlink_sandbox::help(lang)));
        }
        let wrong = in_lang(&["sandbox", "--prot", "1"]);
        assert_eq!((wrong.code, &*wrong.out), (2, ""));
        let unknown = format!("{unknown} --prot");
        assert!(wrong.err.contains(&unknown), "{}", wrong.err);
    }
}

#[test]
fn it_serves_until_it_is_interrupted() {
    let mut child = bare(&["sandbox", "--approve", "immediate", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let about: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(about["pid"], child.id());
    let mut list = bare(&["list"]);
    list.env("WXLINK_BASE_URL", about["http"].as_str().unwrap())
        .env("WXLINK_ACCESS_TOKEN", TOKEN);
    assert_eq!(run(list).code, 0);
    signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!std::path::Path::new(about["ca_file"].as_str().unwrap()).exists());
}
