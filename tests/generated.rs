//! Files that are written from tables: they must say what the tables say.
//!
//! `make generate` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;

use wxlink::errcode::{Class, ENTRIES};
use wxlink::{Lang, OPTIONS, STATUSES};

use wxlink_testkit::{check_generated, lib_dir, root, run};

/// The header as `build.rs` made it from this source.
const HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/wxlink.h"));

#[test]
fn the_header() {
    check_generated("include/wxlink.h", HEADER);
}

/// The functions a header declares, by name, each on one line.
fn prototypes(header: &str) -> BTreeMap<String, String> {
    let mut code = String::new();
    let mut rest = header;
    while let Some((before, after)) = rest.split_once("/*") {
        code += before;
        rest = after.split_once("*/").unwrap().1;
    }
    code += rest;
    let code: String = code
        .lines()
        .filter(|l| !l.starts_with('#'))
        .flat_map(|l| [l, " "])
        .collect();
    code.replace("extern \"C\" {", "")
        .split(';')
        .map(|declaration| declaration.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|declaration| declaration.contains('('))
        .map(|declaration| {
            let name = declaration.split('(').next().unwrap();
            let name = name.rsplit([' ', '*']).next().unwrap().to_owned();
            (name, declaration)
        })
        .collect()
}

/// The functions the shared library exports.
fn exported() -> BTreeSet<String> {
    let library = lib_dir().join("libwxlink.so");
    let output = run(Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(library));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split_whitespace().last().unwrap().to_owned())
        .collect()
}

#[test]
fn header_library_and_symbols_file_agree() {
    let declared = prototypes(HEADER);
    // Two empty sets would agree as well.
    assert!(declared.contains_key("wx_abi_version"), "{declared:?}");
    let names: BTreeSet<String> = declared.keys().cloned().collect();
    assert_eq!(names, exported());
    assert!(names.iter().all(|n| n.starts_with("wx_")));

    // First: what is written anew could not tell any more what is missing.
    promises_are_kept(&declared);
    let version = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0;
    let list: String = declared.values().map(|p| format!("{p};\n")).collect();
    check_generated(&format!("abi/{version}.symbols"), &list);
}

/// Every function of every version stays as it was, whatever `make generate` would like to write.
fn promises_are_kept(declared: &BTreeMap<String, String>) {
    for file in std::fs::read_dir(root().join("abi")).unwrap() {
        let path = file.unwrap().path();
        let promised = prototypes(&std::fs::read_to_string(&path).unwrap());
        assert!(!promised.is_empty());
        for (name, promise) in promised {
            let now = declared.get(&name).map_or("nothing", String::as_str);
            assert!(
                now == promise,
                "{} promises {promise}\nbut the header has {now}: see docs/abi.md",
                path.display()
            );
        }
    }
}

#[test]
fn the_library_has_its_name() {
    let library = lib_dir().join("libwxlink.so");
    let output = run(Command::new("readelf").arg("-dW").arg(library));
    let dynamic = String::from_utf8(output.stdout).unwrap();
    assert!(dynamic.contains("[libwxlink.so.1]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

/// Each function with the comment above it.
fn commented() -> Vec<(String, String)> {
    HEADER
        .split("/**")
        .skip(1)
        .filter_map(|part| part.split_once("*/"))
        .map(|(comment, code)| (comment.to_owned(), prototypes(code)))
        .filter_map(|(comment, functions)| Some((functions.into_values().next()?, comment)))
        .collect()
}

#[test]
fn the_header_is_the_manual() {
    let functions = commented();
    assert_eq!(functions.len(), prototypes(HEADER).len());
    for (function, comment) in functions {
        let says = |what: &str| {
            comment
                .lines()
                .any(|l| l.trim_start_matches([' ', '*']).starts_with(what))
        };
        assert!(
            says("Parameters:") || function.ends_with("(void)"),
            "{function}"
        );
        assert!(
            says("Returns") || function.starts_with("void "),
            "{function}"
        );
        let hands_out = function.contains("**") || function.contains("wx_options *wx_");
        assert!(says("Ownership:") || !hands_out, "{function}");
        // Each parameter is named, at the beginning of a line of its own.
        let arguments = function.split_once('(').unwrap().1.trim_end_matches(')');
        for argument in arguments.split(',').filter(|a| *a != "void") {
            let name = argument.rsplit([' ', '*']).next().unwrap();
            assert!(says(&format!("{name} ")), "{function} does not tell {name}");
        }
    }
}

/// The header's text without comment marks and line ends.
fn header_words() -> String {
    let words = HEADER.replace("\n *", " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_header_tells_every_option() {
    let words = header_words();
    for option in OPTIONS {
        let default = match option.key {
            "user_agent" => "wxlink/VERSION",
            _ => option.default,
        };
        let row = format!("{} {default}", option.key);
        assert!(
            words.contains(row.trim()),
            "wx_options_set does not tell {row:?}"
        );
    }
}

#[test]
fn the_options_page() {
    let mut page = String::from(
        "# Options\n\n\
         <!-- Written by `make generate` from the table in src/options.rs. -->\n\n\
         A client is made with options: text keys with text values, checked when they are set. A\n\
         value that an option does not take is refused with a message that says what it takes, and\n\
         the option keeps the value it had.\n\n\
         | key | default | takes | meaning |\n|---|---|---|---|\n",
    );
    for o in OPTIONS {
        let default = match o.default {
            "" => "(none)".to_owned(),
            text => format!("`{text}`"),
        };
        writeln!(
            page,
            "| `{}` | {default} | {} | {} |",
            o.key, o.takes.en, o.doc.en
        )
        .unwrap();
    }
    page += "\nHow the time limits, retries and entry hosts work together is told in\n\
             [How it works](how-it-works.md).\n";
    check_generated("docs/options.md", &page);
}

/// What the errors page says around its tables.
struct ErrorsPage {
    file: &'static str,
    lang: Lang,
    head: &'static str,
    statuses: &'static str,
    groups: &'static str,
    classes: &'static str,
    errcodes: &'static str,
    any: &'static str,
    yes_no: [&'static str; 2],
}

const ERRORS_PAGES: [ErrorsPage; 2] = [
    ErrorsPage {
        file: "docs/errors.md",
        lang: Lang::En,
        head: "# Errors\n\n[中文](errors.zh-CN.md)\n\n",
        statuses: "## What a function returns\n\n\
            A status says what you may do next. WeChat's own errcode, if WeChat answered, is a second\n\
            number: see below.\n\n\
            | status | number | what happened, what to do |\n|---|---|---|\n",
        groups: "\n-1 to -19: an argument is wrong. -20 to -39: nothing was sent. -40 to -69: WeChat may\n\
            have acted. Numbers are never reused; treat one you do not know like its group.\n\n",
        classes: "## What WeChat answers\n\n\
            Each errcode has a class, which is what a program should decide by:\n\n\
            | class | what to do |\n|---|---|\n",
        errcodes: "\nWhere one code means different things on different endpoints there is a row for each. \
            \"Documented\" means by WeChat, for these endpoints; the others have been met in \
            the field.\n\n\
            | errcode | name | on | class | documented | meaning | remedy |\n\
            |---|---|---|---|---|---|---|\n",
        any: "any",
        yes_no: ["yes", "no"],
    },
    ErrorsPage {
        file: "docs/errors.zh-CN.md",
        lang: Lang::Zh,
        head: "# 错误\n\n[English](errors.md)\n\n",
        statuses: "## 函数返回的状态\n\n\
            状态说明接下来可以做什么。若微信已应答，其错误码是另一个数字，见下文。\n\n\
            | 状态 | 数值 | 发生了什么，怎么办 |\n|---|---|---|\n",
        groups: "\n-1 到 -19：参数有误。-20 到 -39：请求未发出。-40 到 -69：微信可能已执行。数值不会重复使用；遇到未知的数值，请按其所在区间处理。\n\n",
        classes: "## 微信返回的错误码\n\n\
            每个错误码都属于一个类别，程序应据此决定：\n\n\
            | 类别 | 怎么办 |\n|---|---|\n",
        errcodes: "\n同一错误码在不同接口上含义不同时，各占一行。“文档”指微信在这些接口的文档中列出；其余为实际遇到过的。\n\n\
            | 错误码 | 名称 | 接口 | 类别 | 文档 | 含义 | 处理办法 |\n\
            |---|---|---|---|---|---|---|\n",
        any: "全部",
        yes_no: ["是", "否"],
    },
];

#[test]
fn the_errors_pages() {
    for told in ERRORS_PAGES {
        let mut page = told.head.to_owned();
        page += "<!-- Written by `make generate` from the tables in src/status.rs and src/catalogue.rs. -->\n\n";
        page += told.statuses;
        for e in STATUSES {
            let prefix = if e.name == "OK" { "WX_" } else { "WX_E_" };
            let (number, text) = (e.status.code(), e.text.get(told.lang));
            writeln!(page, "| `{prefix}{}` | {number} | {text} |", e.name).unwrap();
        }
        page += told.groups;
        page += told.classes;
        for class in Class::ALL {
            let advice = class.advice().get(told.lang);
            writeln!(page, "| `{}` | {advice} |", class.as_str()).unwrap();
        }
        page += told.errcodes;
        for e in ENTRIES {
            let on = e.endpoint.map_or(told.any, |i| i.as_str());
            let documented = told.yes_no[usize::from(!e.official)];
            let (code, name, class) = (e.errcode, e.name, e.class.as_str());
            let (meaning, remedy) = (e.meaning.get(told.lang), e.remedy.get(told.lang));
            writeln!(
                page,
                "| {code} | `{name}` | {on} | `{class}` | {documented} | {meaning} | {remedy} |"
            )
            .unwrap();
        }
        check_generated(told.file, &page);
    }
}
