//! What the Node package takes from the tables: the types of options and of words, and the values
//! that its code uses.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{
    DELIVERIES, Endpoint, LINK_STATUSES, OPTIONS, OptionEntry, OptionKind, STATUSES, Status,
};
use wxlink_testkit::check_generated;

use crate::text::{HEAD, NO_CLASS, block_comment, default_of, lower_camel, upper_camel, words};

const WIDTH: usize = 100;

/// The name of an option in JavaScript.
fn name_of(option: &OptionEntry) -> String {
    lower_camel(&words(option.key))
}

/// The code of a status, which is the name of its constant in C.
fn code_of(status: Status, name: &str) -> String {
    if status == Status::Ok {
        "WX_OK".to_owned()
    } else {
        format!("WX_E_{name}")
    }
}

fn type_of(option: &OptionEntry) -> String {
    match option.kind {
        OptionKind::Milliseconds | OptionKind::Count | OptionKind::Bytes => "number".to_owned(),
        OptionKind::Flag => "boolean".to_owned(),
        OptionKind::Urls => "string | readonly string[]".to_owned(),
        OptionKind::Path => "string | URL".to_owned(),
        OptionKind::Choice(words) => union(words),
        OptionKind::Text => "string".to_owned(),
    }
}

fn union(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("'{}'", w.as_ref())).collect();
    words.join(" | ")
}

/// A type of words; one a line if they are many.
fn words_type(name: &str, words: &[impl AsRef<str>], comment: &str) -> String {
    let comment = block_comment("", comment, WIDTH);
    let line = format!("export type {name} = {};\n", union(words));
    if line.len() <= WIDTH {
        return format!("\n{comment}{line}");
    }
    let mut text = format!("\n{comment}export type {name} =");
    for word in words {
        write!(text, "\n  | '{}'", word.as_ref()).unwrap();
    }
    text + ";\n"
}

/// What an option is for, what it takes, and its default.
fn comment(option: &OptionEntry) -> String {
    let is_flag = option.kind == OptionKind::Flag;
    let takes = if is_flag {
        "true or false"
    } else {
        option.takes.en
    };
    let mut text = format!("{} Takes {takes}", option.doc.en);
    if !text.ends_with('…') {
        text.push('.');
    }
    match default_of(option) {
        Some("no") if is_flag => text += " Default: false.",
        Some("yes") if is_flag => text += " Default: true.",
        Some(default) => write!(text, " Default: {default}.").unwrap(),
        None => {}
    }
    // Other options are mentioned by their names in JavaScript.
    let mut mentioned: Vec<&OptionEntry> = OPTIONS.iter().collect();
    mentioned.sort_by_key(|o| std::cmp::Reverse(o.key.len()));
    for other in mentioned.into_iter().filter(|o| o.key.contains('_')) {
        // What a token_command reads and prints has these names in every language.
        text = text.replace(&format!("{}=", other.key), "\u{1}");
        text = text.replace(other.key, &name_of(other));
        text = text.replace('\u{1}', &format!("{}=", other.key));
    }
    text
}

fn interface(head: &str, summary: &str, options: &[&OptionEntry]) -> String {
    let mut text = format!(
        "\n{}export interface {head} {{",
        block_comment("", summary, WIDTH)
    );
    for option in options {
        text.push('\n');
        text += &block_comment("  ", &comment(option), WIDTH);
        writeln!(
            text,
            "  {}?: {} | undefined;",
            name_of(option),
            type_of(option)
        )
        .unwrap();
    }
    text + "}\n"
}

#[test]
fn types() {
    let mut text = format!("// {HEAD}\n");
    let codes: Vec<String> = STATUSES.iter().map(|e| code_of(e.status, e.name)).collect();
    text += &words_type("ErrorCode", &codes, "How a call ended.");
    let classes: Vec<&str> = std::iter::once("")
        .chain(CLASSES.iter().map(|e| e.word))
        .collect();
    let summary = format!("What to do next about WeChat's errcode. Empty: {NO_CLASS}");
    text += &words_type("ErrorClass", &classes, &summary);
    let deliveries: Vec<&str> = DELIVERIES.iter().map(|e| e.word).collect();
    let summary = "Whether WeChat may have received the request.";
    text += &words_type("Delivery", &deliveries, summary);
    let endpoints = Endpoint::ALL.map(Endpoint::as_str);
    text += &words_type(
        "Endpoint",
        &endpoints,
        "The endpoints of WeChat that are called.",
    );

    let summary = "How far the list shows a link to be: the known values of an item's status.";
    text += &format!(
        "\n{}export declare const LinkStatus: {{\n",
        block_comment("", summary, WIDTH)
    );
    for e in LINK_STATUSES {
        let name = upper_camel(&words(e.name));
        text += &block_comment("  ", e.summary, WIDTH);
        writeln!(text, "  readonly {name}: {};", e.status.code()).unwrap();
    }
    text += "};\n";

    let (derivable, shared): (Vec<&OptionEntry>, Vec<&OptionEntry>) =
        OPTIONS.iter().partition(|o| o.is_derivable());
    text += &interface(
        "Limits",
        "The options that a derived client may have for itself. Times are in milliseconds.",
        &derivable,
    );
    text += &interface(
        "Options extends Limits",
        "The options of a client. Times are in milliseconds.",
        &shared,
    );
    check_generated("bindings/node/generated.d.ts", &text);
}

#[test]
fn values() {
    let mut text = format!("// {HEAD}\n'use strict';\n\n");
    text += "/** The numbers of the statuses. */\nexports.STATUS_NUMBERS = {\n";
    for e in STATUSES {
        writeln!(text, "  {}: {},", e.name, e.status.code()).unwrap();
    }
    text += "};\n\nexports.LinkStatus = Object.freeze({\n";
    for e in LINK_STATUSES {
        let name = upper_camel(&words(e.name));
        writeln!(text, "  {name}: {},", e.status.code()).unwrap();
    }
    text +=
        "});\n\n/** The options: their names here and in the core, and the kinds of value. */\n";
    text += "exports.OPTIONS = [\n";
    for option in OPTIONS {
        let kind = match option.kind {
            OptionKind::Milliseconds => "milliseconds",
            OptionKind::Count | OptionKind::Bytes => "number",
            OptionKind::Flag => "flag",
            OptionKind::Urls => "urls",
            OptionKind::Path => "path",
            OptionKind::Text | OptionKind::Choice(_) => "text",
        };
        writeln!(
            text,
            "  {{ name: '{}', key: '{}', kind: '{kind}' }},",
            name_of(option),
            option.key
        )
        .unwrap();
    }
    text += "];\n";
    check_generated("bindings/node/lib/generated.js", &text);
}
