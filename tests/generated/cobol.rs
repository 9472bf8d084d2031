//! The generated parts of `bindings/cobol/WXLINK.cpy`: condition names.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, LINK_STATUSES, OPTIONS, STATUS_GROUPS, STATUSES};
use wxlink_testkit::{check_generated_part, root};

use crate::text::{line_comment, option_comment};

const FILE: &str = "bindings/cobol/WXLINK.cpy";
/// The last column that COBOL reads in fixed format.
const WIDTH: usize = 72;

fn comment(text: &str) -> String {
    line_comment("      *        ", text, WIDTH)
}

/// A condition name; its value is on a line of its own if the name is long.
fn condition(name: &str, value: &str) -> String {
    let name = name.replace('_', "-");
    // Longer names are refused by older compilers.
    assert!(name.len() <= 30, "{name}");
    let line = format!("               88  {name:<21} {value}.");
    if name.len() <= 21 && line.len() <= WIDTH {
        return line + "\n";
    }
    format!("               88  {name}\n{:41}{value}.\n", "")
}

/// The field's declaration must have room for every value.
fn check_room(field: &str, longest: Option<usize>) {
    let copybook = std::fs::read_to_string(root().join(FILE)).unwrap();
    let line = copybook
        .lines()
        .find(|line| line.contains(&format!(" {field} ")))
        .unwrap();
    let (_, size) = line.rsplit_once("X(").unwrap();
    let size: usize = size.trim_end_matches(").").parse().unwrap();
    assert!(longest.unwrap() <= size, "{field} is too short");
}

// One test, because all parts are in one file, which is read here, too.
#[test]
fn copybook() {
    check_room("WX-CLASS", CLASSES.iter().map(|e| e.word.len()).max());
    check_room("WX-OPTION-KEY", OPTIONS.iter().map(|o| o.key.len()).max());
    statuses();
    classes();
    deliveries();
    link_statuses();
    options();
}

fn statuses() {
    let mut text = String::new();
    for e in STATUSES {
        let code = e.status.code();
        if let Some(g) = STATUS_GROUPS.iter().find(|g| g.highest == code) {
            let words = format!("{} to {}: {}.", g.highest, g.lowest, g.text.en);
            text += &comment(&words);
            let value = format!("VALUES {} THRU {}", g.lowest, g.highest);
            text += &condition(&format!("WX-E-{}", g.name), &value);
        }
        let prefix = if code == 0 { "WX-" } else { "WX-E-" };
        text += &condition(&format!("{prefix}{}", e.name), &format!("VALUE {code}"));
    }
    check_generated_part(FILE, "statuses", &text);
}

fn classes() {
    let mut text = String::new();
    for e in CLASSES {
        text += &comment(e.advice.en);
        let name = format!("WX-CLASS-{}", e.word.to_uppercase());
        text += &condition(&name, &format!("VALUE \"{}\"", e.word));
    }
    check_generated_part(FILE, "classes", &text);
}

fn deliveries() {
    let mut text = String::new();
    for e in DELIVERIES {
        text += &comment(e.summary);
        let value = format!("VALUE {}", e.delivery.code());
        text += &condition(&format!("WX-DELIVERY-{}", e.name), &value);
    }
    check_generated_part(FILE, "deliveries", &text);
}

fn link_statuses() {
    let mut text = String::new();
    for e in LINK_STATUSES {
        let name = match e.name {
            "AWAITING_MINI_PROGRAM" => "WAITS_PROGRAM",
            "AWAITING_OFFICIAL_ACCOUNT" => "WAITS_ACCOUNT",
            name => name,
        };
        let value = format!("VALUE \"{}\"", e.status.code());
        text += &comment(e.summary);
        text += &condition(&format!("WX-ITEM-{name}"), &value);
    }
    check_generated_part(FILE, "links", &text);
}

fn options() {
    let mut text = String::new();
    for option in OPTIONS {
        // A copybook may be read in any encoding.
        let words = option_comment(option).replace('…', "...");
        text += &comment(&words);
        let name = format!("WX-OPT-{}", option.key.to_uppercase());
        text += &condition(&name, &format!("VALUE \"{}\"", option.key));
    }
    assert!(text.is_ascii());
    let mut long = String::new();
    for line in text.lines().filter(|line| line.len() > WIDTH) {
        writeln!(long, "{line}").unwrap();
    }
    assert!(long.is_empty(), "{long}");
    check_generated_part(FILE, "options", &text);
}
