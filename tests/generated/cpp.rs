//! The generated parts of `include/wxlink.hpp`.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, Endpoint, LINK_STATUSES, OPTIONS, OptionKind};
use wxlink_testkit::check_generated_part;

use crate::text::{NO_CLASS, last_class, line_comment, option_comment, without_unit};

const FILE: &str = "include/wxlink.hpp";
const WIDTH: usize = 100;

/// An enumeration without numbers, and the words for its values.
fn word_enum(name: &str, comment: &str, all: &[&str], to_string_comment: &str) -> String {
    let mut text = line_comment("/// ", comment, WIDTH);
    let one_line = format!("enum class {name} {{ {} }};", all.join(", "));
    text += &if one_line.len() <= WIDTH {
        one_line + "\n\n"
    } else {
        format!("enum class {name} {{\n    {}\n}};\n\n", all.join(",\n    "))
    };
    text += &line_comment("/// ", to_string_comment, WIDTH);
    writeln!(
        text,
        "constexpr std::string_view to_string({name} value) noexcept {{"
    )
    .unwrap();
    text += "    switch (value) {\n";
    for word in all {
        writeln!(text, "    case {name}::{word}: return \"{word}\";").unwrap();
    }
    text + "    }\n    return \"\";\n}\n\n"
}

#[test]
fn constants() {
    let mut text = String::from("/// Whether WeChat may have received the request.\n");
    text += "enum class delivery {\n";
    for e in DELIVERIES {
        text += &line_comment("    /// ", e.summary, WIDTH);
        let name = e.name.to_lowercase();
        writeln!(text, "    {name} = WX_DELIVERY_{},", e.name).unwrap();
    }
    text += "};\n\n/// What to do next about WeChat's errcode.\nenum class error_class {\n";
    text += &line_comment("    /// ", NO_CLASS, WIDTH);
    text += "    none = WX_CLASS_UNKNOWN,\n";
    for e in CLASSES {
        text += &line_comment("    /// ", e.advice.en, WIDTH);
        let name = e.word.to_uppercase();
        writeln!(text, "    {} = WX_CLASS_{name},", e.word).unwrap();
    }
    text += "};\n\n/// The word for a class, such as \"action_required\"; empty for none.\n";
    text += "constexpr std::string_view to_string(error_class value) noexcept {\n";
    text += "    switch (value) {\n    case error_class::none: return \"\";\n";
    for e in CLASSES {
        writeln!(text, "    case error_class::{0}: return \"{0}\";", e.word).unwrap();
    }
    text += "    }\n    return \"\";\n}\n\n";
    for option in OPTIONS {
        if let OptionKind::Choice(choices) = option.kind {
            let comment = format!("The values of the option {}.", option.key);
            text += &word_enum(
                option.key,
                &comment,
                choices,
                "The value as the library takes it.",
            );
        }
    }
    text += &word_enum(
        "endpoint",
        "The endpoints of WeChat that answer errcodes: those for links, and those for the tokens \
         of a third-party platform.",
        &Endpoint::ALL.map(Endpoint::as_str),
        "The endpoint as the library takes it.",
    );
    text += "namespace detail {\n\n";
    text += "/// The class with a number of wx_result_class. A class of a later library is none.\n";
    text += "constexpr error_class class_from(std::int32_t number) noexcept {\n";
    let last = last_class().word.to_uppercase();
    write!(
        text,
        "    if (number < WX_CLASS_UNKNOWN || number > WX_CLASS_{last}) return error_class::none;
    return static_cast<error_class>(number);
}}

}} // namespace detail
"
    )
    .unwrap();
    check_generated_part(FILE, "constants", &text);
}

#[test]
fn link_statuses() {
    let mut text = String::from(
        "/// The status of an item of the list. WeChat may add values that have no name here.\n",
    );
    text += "enum class link_status : std::int64_t {\n";
    for e in LINK_STATUSES {
        text += &line_comment("    /// ", e.summary, WIDTH);
        let name = e.name.to_lowercase();
        writeln!(text, "    {name} = WX_LINK_{},", e.name).unwrap();
    }
    text += "};\n";
    check_generated_part(FILE, "link statuses", &text);
}

#[test]
fn options() {
    let mut text = String::new();
    for option in OPTIONS {
        let (name, key) = (without_unit(option), option.key);
        let qualified = format!("wxlink::{name} value");
        let (argument, call) = match option.kind {
            OptionKind::Milliseconds => ("std::chrono::milliseconds time", "set_time"),
            OptionKind::Bytes => ("std::size_t bytes", "set_number"),
            OptionKind::Count => ("unsigned number", "set_number"),
            OptionKind::Text | OptionKind::Path | OptionKind::Urls => {
                ("std::string_view value", "set")
            }
            OptionKind::Flag => ("bool value", "set"),
            OptionKind::Choice(_) => (qualified.as_str(), "set"),
        };
        let value = argument.rsplit(' ').next().unwrap();
        let value = match option.kind {
            OptionKind::Choice(_) => format!("to_string({value})"),
            OptionKind::Flag => format!("{value} ? \"yes\" : \"no\""),
            _ => value.to_owned(),
        };
        text += &line_comment("    /// ", &option_comment(option), WIDTH);
        let head = format!("    options &{name}({argument}) {{");
        let body = format!("return {call}(\"{key}\", {value});");
        // On one line if it fits, as clang-format has it.
        let line = format!("{head} {body} }}");
        if line.len() <= WIDTH {
            writeln!(text, "{line}").unwrap();
        } else {
            writeln!(text, "{head}\n        {body}\n    }}").unwrap();
        }
    }
    check_generated_part(FILE, "options", &text);
}
