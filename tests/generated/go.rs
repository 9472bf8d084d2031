//! `bindings/go/generated.go`: the constants and the options; and the licences beside it.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, LINK_STATUSES, OPTIONS, OptionEntry, OptionKind, STATUSES};
use wxlink_testkit::{check_generated, root};

use crate::text::{HEAD, line_comment, option_comment, upper_camel, without_unit, words};

const WIDTH: usize = 100;

/// The name as Go spells it, with its initialisms in capitals.
fn go_name(name: &str) -> String {
    let spelled: Vec<String> = words(name)
        .into_iter()
        .map(|word| match word.as_str() {
            "api" | "ca" | "en" | "ok" | "tls" | "url" | "utf8" | "zh" => word.to_uppercase(),
            "appid" => "AppID".to_owned(),
            "appsecret" => "AppSecret".to_owned(),
            _ => word,
        })
        .collect();
    upper_camel(&spelled)
}

/// Names that would say too little without their type in front.
fn special_name(name: &str) -> String {
    match name {
        "UNKNOWN" => "OutcomeUnknown".to_owned(),
        _ => go_name(name),
    }
}

/// A module contains only files of its own folder, and no links.
#[test]
fn licences() {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        check_generated(&format!("bindings/go/{name}"), &text);
    }
}

fn constant(name: &str, kind: &str, value: &str, comment: &str) -> String {
    let comment = line_comment("\t// ", comment, WIDTH - 3);
    format!("\n{comment}\t{name} {kind} = {value}\n")
}

#[test]
fn constants_and_options() {
    let mut text =
        format!("// Code generated from the library's tables. {HEAD}\n\npackage wxlink\n");
    text += "\nimport (\n\t\"fmt\"\n\t\"strconv\"\n\t\"strings\"\n\t\"time\"\n)\n";

    let mut blocks = Vec::new();
    blocks.push(STATUSES.iter().fold(String::new(), |block, e| {
        let name = format!("Status{}", go_name(e.name));
        block + &constant(&name, "Status", &e.status.code().to_string(), e.summary)
    }));
    blocks.push(CLASSES.iter().fold(String::new(), |block, e| {
        let (name, value) = (
            format!("Class{}", go_name(e.word)),
            format!("\"{}\"", e.word),
        );
        block + &constant(&name, "Class", &value, e.advice.en)
    }));
    blocks.push(DELIVERIES.iter().fold(String::new(), |block, e| {
        let value = e.delivery.code().to_string();
        block + &constant(&special_name(e.name), "Delivery", &value, e.summary)
    }));
    blocks.push(LINK_STATUSES.iter().fold(String::new(), |block, e| {
        let value = e.status.code().to_string();
        block + &constant(&special_name(e.name), "LinkStatus", &value, e.summary)
    }));
    for block in blocks {
        writeln!(text, "\nconst ({block})").unwrap();
    }
    text += "\n// statuses has every status.\nvar statuses = []Status{\n";
    for e in STATUSES {
        writeln!(text, "\tStatus{},", go_name(e.name)).unwrap();
    }
    text += "}\n";
    for option in OPTIONS {
        if let OptionKind::Choice(words) = option.kind {
            text += &choice(option.key, words);
        }
    }

    text += "\n// String returns the word that the library uses in JSON.\n";
    text += "func (d Delivery) String() string {\n\tswitch d {\n";
    for e in DELIVERIES {
        let name = special_name(e.name);
        writeln!(text, "\tcase {name}:\n\t\treturn \"{}\"", e.word).unwrap();
    }
    text += "\t}\n\treturn fmt.Sprintf(\"Delivery(%d)\", int32(d))\n}\n";

    let timeout = OPTIONS.iter().find(|o| o.key == "timeout_ms").unwrap();
    writeln!(
        text,
        "\n// The time limit of a call unless [WithTimeout] sets another.\n\
         const defaultTimeout = {} * time.Millisecond",
        timeout.default
    )
    .unwrap();
    for option in OPTIONS {
        text += &setter(option);
    }
    check_generated("bindings/go/generated.go", &text);
}

/// The type of an option's values, and a constant for each of them.
fn choice(key: &str, words: &[&str]) -> String {
    let name = go_name(key);
    let names: Vec<String> = words
        .iter()
        .map(|word| name.clone() + &go_name(word))
        .collect();
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut text = format!(
        "\n// {name} is a value of the option {key}: see [With{name}].\ntype {name} string\n\n\
         const (\n"
    );
    for (constant, word) in names.iter().zip(words) {
        writeln!(text, "\t{constant:width$} {name} = \"{word}\"").unwrap();
    }
    text + ")\n"
}

fn setter(option: &OptionEntry) -> String {
    let key = option.key;
    let name = go_name(without_unit(option));
    let (parameter, value) = match option.kind {
        OptionKind::Milliseconds => ("limit time.Duration", "milliseconds(limit)"),
        OptionKind::Bytes => ("bytes int", "strconv.Itoa(bytes)"),
        OptionKind::Count => ("times int", "strconv.Itoa(times)"),
        OptionKind::Urls => ("urls ...string", "strings.Join(urls, \",\")"),
        OptionKind::Path => ("path string", "path"),
        OptionKind::Text => ("value string", "value"),
        OptionKind::Flag => ("on bool", "yesOrNo(on)"),
        OptionKind::Choice(_) => (&*format!("{key} {name}"), &*format!("string({key})")),
    };
    let comment = format!(
        "With{name} sets the option {key}. {}",
        option_comment(option)
    );
    let comment = line_comment("// ", &comment, WIDTH);
    format!(
        "\n{comment}func With{name}({parameter}) Option {{\n\treturn WithOption(\"{key}\", \
         {value})\n}}\n"
    )
}
