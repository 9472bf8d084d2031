//! `bindings/csharp/src/Generated.cs`: the enums and the options.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{
    DELIVERIES, Endpoint, LINK_STATUSES, OPTIONS, OptionEntry, OptionKind, STATUS_GROUPS, STATUSES,
};
use wxlink_testkit::check_generated;

use crate::text::{HEAD, NO_CLASS, line_comment, option_comment, upper_camel, without_unit, words};

const WIDTH: usize = 100;

/// A comment of the documentation: on one line if it fits.
fn comment(indent: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let line = format!("{indent}/// <summary>{text}</summary>\n");
    if line.len() <= WIDTH + 1 {
        return line;
    }
    let body = line_comment(&format!("{indent}/// "), &text, WIDTH);
    format!("{indent}/// <summary>\n{body}{indent}/// </summary>\n")
}

/// A member of an enum: name, number if it is the library's, and comment.
type Member<'a> = (String, Option<i64>, &'a str);

fn declare(name: &str, text: &str, members: &[Member<'_>]) -> String {
    let mut declaration = comment("    ", text) + &format!("    public enum {name}\n    {{\n");
    for (i, (member, number, text)) in members.iter().enumerate() {
        if i > 0 {
            declaration.push('\n');
        }
        declaration += &comment("        ", text);
        match number {
            Some(number) => writeln!(declaration, "        {member} = {number},").unwrap(),
            None => writeln!(declaration, "        {member},").unwrap(),
        }
    }
    declaration + "    }\n\n"
}

fn statuses() -> String {
    let mut text = String::from("How a call ended. Numbers are grouped:");
    for g in STATUS_GROUPS {
        write!(text, " {} to {}: {};", g.highest, g.lowest, g.text.en).unwrap();
    }
    text.pop();
    text += ". Treat a number of a later library, which has no name, like its group.";
    let members: Vec<Member<'_>> = STATUSES
        .iter()
        .map(|e| (name_of(e.name), Some(e.status.code().into()), e.summary))
        .collect();
    declare("Status", &text, &members)
}

fn classes() -> String {
    let mut members = vec![("None".to_owned(), Some(0), NO_CLASS)];
    members.extend(
        CLASSES
            .iter()
            .map(|e| (name_of(e.word), Some(e.class.code().into()), e.advice.en)),
    );
    let text = "What to do next about WeChat's errcode. A class of a later library reads as None.";
    declare("ErrorClass", text, &members)
}

fn deliveries() -> String {
    let members: Vec<Member<'_>> = DELIVERIES
        .iter()
        .map(|e| (name_of(e.name), Some(e.delivery.code().into()), e.summary))
        .collect();
    let text = "Whether WeChat may have received the request. A number of a later library reads \
                as Unknown, the careful case.";
    declare("Delivery", text, &members)
}

fn link_statuses() -> String {
    let members: Vec<Member<'_>> = LINK_STATUSES
        .iter()
        .map(|e| (name_of(e.name), Some(e.status.code()), e.summary))
        .collect();
    let text = "How far the list shows a link to be. The numbers are WeChat's, which may add more.";
    declare("LinkStatus : long", text, &members)
}

fn endpoints() -> String {
    let names: Vec<(String, String)> = Endpoint::ALL
        .iter()
        .map(|e| (name_of(e.as_str()), format!("WeChat's {}.", e.name())))
        .collect();
    let members: Vec<Member<'_>> = names
        .iter()
        .map(|(name, text)| (name.clone(), None, text.as_str()))
        .collect();
    let text = "WeChat's endpoints, for links and for a platform. An errcode may have different \
                meanings on them.";
    declare("Endpoint", text, &members)
}

/// The enum of the values of an option that is a choice.
fn choice(option: &OptionEntry) -> Option<String> {
    let OptionKind::Choice(choices) = option.kind else {
        return None;
    };
    let texts: Vec<(String, String)> = choices
        .iter()
        .map(|word| (name_of(word), format!("The value {word}.")))
        .collect();
    let members: Vec<Member<'_>> = texts
        .iter()
        .map(|(name, text)| (name.clone(), None, text.as_str()))
        .collect();
    let text = format!("The values of the option {}. {}", option.key, option.doc.en);
    Some(declare(&name_of(option.key), &text, &members))
}

/// A name of the tables, such as `timeout_ms`, as C# writes it.
fn name_of(name: &str) -> String {
    upper_camel(&words(name))
}

fn property(option: &OptionEntry) -> String {
    let key = option.key;
    let name = name_of(without_unit(option));
    let (kind, value) = match option.kind {
        OptionKind::Milliseconds => ("TimeSpan", "value"),
        OptionKind::Bytes => ("long", "value"),
        OptionKind::Count => ("int", "value"),
        OptionKind::Flag => ("bool", "value"),
        OptionKind::Urls | OptionKind::Path | OptionKind::Text => ("string", "value"),
        OptionKind::Choice(_) => (name.as_str(), "value.Word()"),
    };
    let text = comment("        ", &option_comment(option));
    format!(
        "
{text}        /// <exception cref=\"WxArgumentException\">The value is invalid.</exception>
        public {kind} {name}
        {{
            set {{ Set(\"{key}\", {value}); }}
        }}
"
    )
}

#[test]
fn csharp() {
    let mut text = format!(
        "// {HEAD}\n\nusing System;\nusing System.Reflection;\n\n\
         [assembly: AssemblyTitle(\"Wxlink.Net\")]\n\
         [assembly: AssemblyCompany(\"the wxlink authors\")]\n\
         [assembly: AssemblyVersion(\"{}.0\")]\n\n\
         namespace Wxlink\n{{\n",
        env!("CARGO_PKG_VERSION")
    );
    text += &statuses();
    text += &classes();
    text += &deliveries();
    text += &link_statuses();
    text += &endpoints();
    for option in OPTIONS {
        text += &choice(option).unwrap_or_default();
    }
    let properties: String = OPTIONS.iter().map(property).collect();
    text += "    // The properties, one for each option.\n";
    text += "    public sealed partial class WxOptions\n    {\n";
    text += properties.trim_start_matches('\n');
    text += "    }\n}\n";
    check_generated("bindings/csharp/src/Generated.cs", &text);
}
