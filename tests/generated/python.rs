//! What the Python package takes from the tables: types of options and of words, `LinkStatus`, and
//! the options in the documentation of `Client`.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, LINK_STATUSES, OPTIONS, OptionEntry, OptionKind, STATUSES};
use wxlink_testkit::{check_generated, check_generated_between, check_generated_part};

use crate::text::{HEAD, default_of, line_comment, without_unit, wrap};

const WIDTH: usize = 100;

/// Milliseconds in a text as seconds: `1 to 3600000 ms` is `0.001 to 3600 s`.
fn in_seconds(text: &str) -> String {
    let (range, rest) = text.split_once(" ms").unwrap();
    let range: Vec<String> = range
        .split(' ')
        .map(|word| {
            let number = word.parse::<f64>().map(|ms| (ms / 1000.0).to_string());
            number.unwrap_or_else(|_| word.to_owned())
        })
        .collect();
    format!("{} s{rest}", range.join(" "))
}

/// What an option is for and what it takes, with times in seconds.
fn description(option: &OptionEntry) -> String {
    let takes = match option.kind {
        OptionKind::Milliseconds => in_seconds(option.takes.en),
        OptionKind::Flag => "True or False".to_owned(),
        _ => option.takes.en.to_owned(),
    };
    let end = if takes.ends_with('…') { "" } else { "." };
    format!("{} Takes {takes}{end}", option.doc.en)
}

/// The default as Python writes it.
fn default(option: &OptionEntry) -> Option<String> {
    let default = default_of(option)?;
    Some(match option.kind {
        OptionKind::Milliseconds => format!("{:.1}", default.parse::<f64>().unwrap() / 1000.0),
        OptionKind::Count | OptionKind::Bytes => default.to_owned(),
        OptionKind::Flag => (if default == "yes" { "True" } else { "False" }).to_owned(),
        _ => format!("\"{default}\""),
    })
}

fn type_of(option: &OptionEntry) -> String {
    match option.kind {
        OptionKind::Milliseconds => "float".to_owned(),
        OptionKind::Count | OptionKind::Bytes => "int".to_owned(),
        OptionKind::Flag => "bool".to_owned(),
        OptionKind::Urls => "str | Iterable[str]".to_owned(),
        OptionKind::Path => "str | os.PathLike[str]".to_owned(),
        OptionKind::Choice(words) => literal(words),
        OptionKind::Text => "str".to_owned(),
    }
}

fn literal(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("Literal[{}]", words.join(", "))
}

/// A type of words; one a line if they are many.
fn words_type(name: &str, words: &[&str], comment: &str) -> String {
    let line = format!("{name}: TypeAlias = {}\n", literal(words));
    let body = if line.len() <= WIDTH {
        line
    } else {
        let mut lines = format!("{name}: TypeAlias = Literal[\n");
        for word in words {
            writeln!(lines, "    \"{word}\",").unwrap();
        }
        lines + "]\n"
    };
    format!("\n{body}\"\"\"{comment}\"\"\"\n")
}

/// A typed dictionary of options, each with its documentation.
fn typed_dict(head: &str, options: &[&OptionEntry]) -> String {
    let mut text = format!("\n\nclass {head}\n");
    for option in options {
        let mut words = description(option);
        if let Some(default) = default(option) {
            write!(words, " Default: {default}.").unwrap();
        }
        let lines = wrap("    ", &words, WIDTH - 6).join("\n");
        let name = without_unit(option);
        writeln!(text, "    {name}: {}", type_of(option)).unwrap();
        writeln!(text, "    \"\"\"{}\"\"\"", lines.trim_start()).unwrap();
    }
    text
}

#[test]
fn types() {
    let mut text = format!(
        "\"\"\"Types from the library's tables; only type checkers import \
         them.\n\n{HEAD}\n\"\"\"\n\n\
         from __future__ import annotations\n\nimport os\nfrom collections.abc import Iterable\n\
         from typing import Literal, TypeAlias, TypedDict\n"
    );
    let statuses: Vec<&str> = STATUSES.iter().map(|e| e.name).collect();
    let classes: Vec<&str> = std::iter::once("")
        .chain(CLASSES.iter().map(|e| e.word))
        .collect();
    let deliveries: Vec<&str> = DELIVERIES.iter().map(|e| e.word).collect();
    text += &words_type("Status", &statuses, "How a call ended.");
    text += &words_type(
        "ErrcodeClass",
        &classes,
        "What to do next about WeChat's errcode; empty if WeChat did not answer.",
    );
    text += &words_type(
        "Delivery",
        &deliveries,
        "Whether WeChat may have received the request.",
    );

    let (derivable, shared): (Vec<&OptionEntry>, Vec<&OptionEntry>) =
        OPTIONS.iter().partition(|o| o.is_derivable());
    text += &typed_dict(
        "Limits(TypedDict, total=False):\n    \
         \"\"\"The options that a derived client may have for itself. Times are in seconds.\"\"\"\n",
        &derivable,
    );
    text += &typed_dict(
        "Options(Limits, total=False):\n    \
         \"\"\"The options of a client. Times are in seconds.\"\"\"\n",
        &shared,
    );
    check_generated("python/wxlink/_generated.py", &text);
}

/// The bounds of a time in seconds.
fn bounds(option: &OptionEntry) -> (f64, f64) {
    let mut numbers = option
        .takes
        .en
        .split([' ', ';'])
        .filter_map(|word| word.parse::<f64>().ok());
    let mut next = || numbers.next().unwrap() / 1000.0;
    (next(), next())
}

#[test]
fn options() {
    let mut text = String::from("# The lowest and the highest number of seconds.\n_TIMES = {\n");
    let (mut integers, mut flags, mut texts, mut limits) = (vec![], vec![], vec![], vec![]);
    for option in OPTIONS {
        let name = without_unit(option);
        if option.is_derivable() {
            limits.push(name);
        }
        match option.kind {
            OptionKind::Milliseconds => {
                let (low, high) = bounds(option);
                writeln!(text, "    \"{name}\": ({low:?}, {high:?}),").unwrap();
            }
            OptionKind::Count | OptionKind::Bytes => integers.push(name),
            OptionKind::Flag => flags.push(name),
            _ => texts.push(name),
        }
    }
    text += "}\n";
    for (variable, comment, names) in [
        ("_INTEGERS", "", integers),
        ("_FLAGS", "", flags),
        ("_TEXTS", "", texts),
        (
            "_LIMITS",
            "# Those that a derived client may have for itself.\n",
            limits,
        ),
    ] {
        writeln!(text, "{comment}{variable} = [").unwrap();
        for name in names {
            writeln!(text, "    \"{name}\",").unwrap();
        }
        text += "]\n";
    }
    check_generated_part("python/wxlink/_options.py", "options", &text);
}

#[test]
fn status_codes() {
    let mut text = String::from("_STATUS_CODES: dict[Status, int] = {\n");
    for e in STATUSES {
        writeln!(text, "    \"{}\": {},", e.name, e.status.code()).unwrap();
    }
    text += "}\n";
    check_generated_part("python/wxlink/errors.py", "statuses", &text);
}

#[test]
fn link_statuses() {
    let mut text = format!(
        "\"\"\"How far the list shows a link to be.\n\n{HEAD}\n\"\"\"\n\nfrom enum import \
         IntEnum\n\n\n\
         class LinkStatus(IntEnum):\n    \
         \"\"\"The known values of an item's status. WeChat may add more.\"\"\"\n\n    \
         __module__ = \"wxlink\"\n"
    );
    for e in LINK_STATUSES {
        write!(
            text,
            "\n    {} = {}\n    \"\"\"{}\"\"\"\n",
            e.name,
            e.status.code(),
            e.summary
        )
        .unwrap();
    }
    check_generated("python/wxlink/_status.py", &text);
}

#[test]
fn the_documentation_of_the_client() {
    let mut text = String::from("\n");
    for option in OPTIONS {
        let kind = match option.kind {
            OptionKind::Milliseconds => "float",
            OptionKind::Count | OptionKind::Bytes => "int",
            OptionKind::Flag => "bool",
            OptionKind::Urls => "str or several",
            OptionKind::Path => "path",
            OptionKind::Text | OptionKind::Choice(_) => "str",
        };
        let default = default(option).unwrap_or("none".to_owned());
        writeln!(text, "    {}: {kind}, {default}", without_unit(option)).unwrap();
        text += &line_comment("        ", &description(option), WIDTH);
    }
    text.push('\n');
    check_generated_between(
        "python/wxlink/_client.py",
        "    Options, all by keyword (times in seconds):",
        "    An access token may be a string",
        &text,
    );
}

#[test]
fn milliseconds_are_shown_in_seconds() {
    assert_eq!(in_seconds("1 to 3600000 ms"), "0.001 to 3600 s");
    assert_eq!(in_seconds("0 to 2000 ms; 0 is none"), "0 to 2 s; 0 is none");
}
