//! The C header, the symbols files and the shared library.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, LINK_STATUSES, OPTIONS, STATUSES};
use wxlink_testkit::{check_generated, lib_dir, root, run};

/// The header as `build.rs` made it from this source.
const HEADER: &str = include_str!(concat!(env!("OUT_DIR"), "/wxlink.h"));

#[test]
fn the_header() {
    check_generated("include/wxlink.h", HEADER);
}

/// The functions the header declares, by name, each on one line.
pub fn declared() -> BTreeMap<String, String> {
    prototypes(HEADER)
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

/// Whether only the library for Windows has the function.
fn is_for_windows(prototype: &str) -> bool {
    prototype.contains("__stdcall ")
}

#[test]
fn header_library_and_symbols_files_agree() {
    let declared = prototypes(HEADER);
    let (windows, everywhere): (BTreeMap<_, _>, BTreeMap<_, _>) = declared
        .clone()
        .into_iter()
        .partition(|(_, prototype)| is_for_windows(prototype));
    // Two empty sets would agree as well.
    assert!(everywhere.contains_key("wx_abi_version"), "{declared:?}");
    assert!(windows.contains_key("wx_stdcall_exec"), "{declared:?}");
    let names: BTreeSet<String> = everywhere.keys().cloned().collect();
    // tools/dist.py checks what the library for Windows exports.
    assert_eq!(names, exported());
    assert!(declared.keys().all(|n| n.starts_with("wx_")));

    // First, because a file that was just written misses no function.
    promises_are_kept(&declared);
    let version = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0;
    for (kind, functions) in [("symbols", everywhere), ("windows.symbols", windows)] {
        let list: String = functions.values().map(|p| format!("{p};\n")).collect();
        check_generated(&format!("abi/{version}.{kind}"), &list);
    }
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
        let has_line = |what: &str| {
            comment
                .lines()
                .any(|l| l.trim_start_matches([' ', '*']).starts_with(what))
        };
        assert!(
            has_line("Parameters:") || function.ends_with("(void)"),
            "{function}"
        );
        assert!(
            has_line("Returns") || function.starts_with("void "),
            "{function}"
        );
        let hands_out = function.contains("**") || function.contains("wx_options *wx_");
        assert!(has_line("Ownership:") || !hands_out, "{function}");
        // Each parameter is named, at the beginning of a line of its own.
        let arguments = function.split_once('(').unwrap().1.trim_end_matches(')');
        for argument in arguments.split(',').filter(|a| *a != "void") {
            let name = argument.rsplit([' ', '*']).next().unwrap();
            assert!(
                has_line(&format!("{name} ")),
                "{function} does not describe {name}"
            );
        }
    }
}

/// The header's text without comment marks and line ends.
fn header_words() -> String {
    let words = HEADER.replace("\n *", " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_header_describes_every_option() {
    let words = header_words();
    for option in OPTIONS {
        let default = match option.key {
            "user_agent" => "wxlink/VERSION",
            _ => option.default,
        };
        let row = format!("{} {default}", option.key);
        assert!(
            words.contains(row.trim()),
            "wx_options_set does not describe {row:?}"
        );
    }
}

/// The header's constants, by name.
fn constants() -> BTreeMap<String, i64> {
    HEADER
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_once(' '))
        .map(|(name, number)| {
            let number = number.trim_matches(['(', ')']).parse();
            (name.to_owned(), number.unwrap())
        })
        .collect()
}

#[test]
fn the_constants_are_those_of_the_tables() {
    let mut expected = BTreeMap::from([("WX_CLASS_UNKNOWN".to_owned(), 0)]);
    for e in STATUSES {
        let prefix = if e.name == "OK" { "WX_" } else { "WX_E_" };
        expected.insert(format!("{prefix}{}", e.name), e.status.code().into());
    }
    for e in CLASSES {
        let name = e.class.as_str().to_uppercase();
        expected.insert(format!("WX_CLASS_{name}"), e.class.code().into());
    }
    for e in DELIVERIES {
        expected.insert(format!("WX_DELIVERY_{}", e.name), e.delivery.code().into());
    }
    for e in LINK_STATUSES {
        expected.insert(format!("WX_LINK_{}", e.name), e.status.code());
    }
    let version: Vec<i64> = env!("CARGO_PKG_VERSION")
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    for (part, number) in ["MAJOR", "MINOR", "PATCH"].into_iter().zip(version) {
        expected.insert(format!("WXLINK_VERSION_{part}"), number);
    }

    let mut declared = constants();
    assert!(declared.remove("WX_ABI_VERSION").is_some());
    assert_eq!(declared, expected);
}

/// What has been promised once: the numbers of the tables may grow, but not change.
#[test]
fn the_numbers_of_classes_deliveries_and_link_statuses() {
    let classes: Vec<(i32, &str)> = CLASSES.iter().map(|e| (e.class.code(), e.word)).collect();
    assert_eq!(
        classes,
        [
            (1, "ok"),
            (2, "pending"),
            (3, "token"),
            (4, "busy"),
            (5, "quota"),
            (6, "action_required"),
            (7, "invalid_request"),
            (8, "ticket"),
        ]
    );
    let deliveries: Vec<(i32, &str)> = DELIVERIES
        .iter()
        .map(|e| (e.delivery.code(), e.name))
        .collect();
    assert_eq!(
        deliveries,
        [(0, "NEVER_SENT"), (1, "UNKNOWN"), (2, "ANSWERED")]
    );
    let links: Vec<(i64, &str)> = LINK_STATUSES
        .iter()
        .map(|e| (e.status.code(), e.name))
        .collect();
    assert_eq!(
        links,
        [
            (1, "LINKED"),
            (2, "AWAITING_MINI_PROGRAM"),
            (3, "REFUSED"),
            (12, "AWAITING_OFFICIAL_ACCOUNT"),
        ]
    );
}
