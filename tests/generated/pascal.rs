//! The included files of `bindings/pascal/wxlink.pas`: the constants, and the properties of
//! options.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, Endpoint, LINK_STATUSES, OPTIONS, OptionKind, STATUS_GROUPS, STATUSES};
use wxlink_testkit::check_generated;

use crate::text::{HEAD, NO_CLASS, option_comment, upper_camel, words, wrap};

const WIDTH: usize = 100;

/// A comment in braces.
fn comment(indent: &str, text: &str) -> String {
    // Two columns for the brace at the end; following lines are below the text.
    let lines = wrap(&format!("{indent}  "), text, WIDTH - 2);
    let text = lines.join("\n");
    format!("{indent}{{ {} }}\n", &text[indent.len() + 2..])
}

fn constant(name: &str, number: impl Into<i64>, text: &str) -> String {
    format!("{}  {name} = {};\n", comment("  ", text), number.into())
}

/// The values of an enumeration, wrapped.
fn enumeration(name: &str, values: &[String]) -> String {
    let values = values.join(", ");
    let lines = wrap("    ", &format!("{name} = ({values});"), WIDTH);
    format!("  {}\n", lines.join("\n").trim_start())
}

/// The values of an option that takes one of a few words, such as `trSystem`.
fn option_values(key: &str, choices: &[&str]) -> Vec<String> {
    let prefix = &key[..2];
    choices
        .iter()
        .map(|word| format!("{prefix}{}", upper_camel(&words(word))))
        .collect()
}

/// The words of the values of an enumeration, as an array.
fn names_array(kind: &str, all: impl IntoIterator<Item = &'static str>) -> String {
    let all: Vec<String> = all.into_iter().map(|word| format!("'{word}'")).collect();
    let name = format!("Wx{kind}Names: array[TWx{kind}] of UTF8String");
    enumeration(&name, &all)
}

#[test]
fn constants() {
    let mut text = format!("{{ {HEAD} }}\n\nconst\n");
    let mut group_before = None;
    for e in STATUSES {
        let code = e.status.code();
        let group = STATUS_GROUPS
            .iter()
            .find(|g| (g.lowest..=g.highest).contains(&code));
        if group.map(|g| g.name) != group_before {
            group_before = group.map(|g| g.name);
            let words = group.map_or("Others.".to_owned(), |g| {
                format!("{} to {}: {}.", g.highest, g.lowest, g.text.en)
            });
            write!(text, "\n{}\n", comment("  ", &words)).unwrap();
        }
        let prefix = if code == 0 { "WX_" } else { "WX_E_" };
        text += &constant(&format!("{prefix}{}", e.name), code, e.summary);
    }
    text += "\n  { Classes: what to do next about WeChat's errcode. }\n\n";
    text += &constant("WX_CLASS_UNKNOWN", 0, NO_CLASS);
    for e in CLASSES {
        let name = format!("WX_CLASS_{}", e.word.to_uppercase());
        text += &constant(&name, e.class.code(), e.advice.en);
    }
    text += "\n  { Delivery: whether WeChat may have received the request. }\n\n";
    for e in DELIVERIES {
        let name = format!("WX_DELIVERY_{}", e.name);
        text += &constant(&name, e.delivery.code(), e.summary);
    }
    text += "\n  { Link status: how far the list shows a link to be. WeChat may add more. }\n\n";
    for e in LINK_STATUSES {
        text += &constant(&format!("WX_LINK_{}", e.name), e.status.code(), e.summary);
    }

    text += "\ntype\n  { WX_CLASS_... as an enumeration. }\n";
    let mut classes = vec!["wcNone".to_owned()];
    classes.extend(
        CLASSES
            .iter()
            .map(|e| format!("wc{}", upper_camel(&words(e.word)))),
    );
    text += &enumeration("TWxClass", &classes);
    text += "\n  { WX_DELIVERY_... as an enumeration. }\n";
    let deliveries: Vec<String> = DELIVERIES
        .iter()
        .map(|e| format!("wd{}", upper_camel(&words(e.name))))
        .collect();
    text += &enumeration("TWxDelivery", &deliveries);
    text +=
        "\n  { WX_LINK_... as an enumeration; lsOther is a number that WeChat has added since. }\n";
    let mut links = vec!["lsMissing".to_owned()];
    links.extend(
        LINK_STATUSES
            .iter()
            .map(|e| format!("ls{}", upper_camel(&words(e.name)))),
    );
    links.push("lsOther".to_owned());
    text += &enumeration("TWxLinkStatus", &links);
    text += "\n  { WeChat's endpoints that answer errcodes; epAny for none in particular. }\n";
    let mut endpoints = vec!["epAny".to_owned()];
    endpoints.extend(
        Endpoint::ALL
            .iter()
            .map(|e| format!("ep{}", upper_camel(&words(e.as_str())))),
    );
    text += &enumeration("TWxEndpoint", &endpoints);
    for option in OPTIONS {
        if let OptionKind::Choice(choices) = option.kind {
            let name = upper_camel(&words(option.key));
            write!(text, "\n  {{ The values of the option {}. }}\n", option.key).unwrap();
            text += &enumeration(&format!("TWx{name}"), &option_values(option.key, choices));
        }
    }

    text += "\nconst\n  { The words for classes in JSON and in the documentation. }\n";
    let names: Vec<String> = std::iter::once("")
        .chain(CLASSES.iter().map(|e| e.word))
        .map(|word| format!("'{word}'"))
        .collect();
    text += &enumeration("WxClassNames: array[TWxClass] of string", &names);
    text += "\n  { The words of other enumerations in the C interface. }\n";
    text += &names_array(
        "Endpoint",
        std::iter::once("").chain(Endpoint::ALL.map(Endpoint::as_str)),
    );
    for option in OPTIONS {
        if let OptionKind::Choice(choices) = option.kind {
            text += &names_array(&upper_camel(&words(option.key)), choices.iter().copied());
        }
    }
    text += "\n  { The keys of options, by the index of their property of TWxOptions. }\n";
    let keys: Vec<String> = OPTIONS.iter().map(|o| format!("'{}'", o.key)).collect();
    let name = format!(
        "WxOptionKeys: array[0..{}] of UTF8String",
        OPTIONS.len() - 1
    );
    text += &enumeration(&name, &keys);
    check_generated("bindings/pascal/wxconstants.inc", &text);
}

#[test]
fn options() {
    let mut text = format!("    {{ {HEAD} }}\n");
    for (index, option) in OPTIONS.iter().enumerate() {
        let name = upper_camel(&words(option.key));
        let (kind, setter) = match option.kind {
            OptionKind::Milliseconds | OptionKind::Bytes | OptionKind::Count => {
                ("Int64".to_owned(), "SetNumber".to_owned())
            }
            OptionKind::Text | OptionKind::Path | OptionKind::Urls => {
                ("UTF8String".to_owned(), "SetText".to_owned())
            }
            OptionKind::Flag => ("Boolean".to_owned(), "SetFlag".to_owned()),
            // Setters that wxlink.pas defines.
            OptionKind::Choice(_) => (format!("TWx{name}"), format!("Set{name}")),
        };
        text += &comment("    ", &option_comment(option));
        writeln!(
            text,
            "    property {name}: {kind} index {index} write {setter};"
        )
        .unwrap();
    }
    check_generated("bindings/pascal/wxoptions.inc", &text);
}
