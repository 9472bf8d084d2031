//! The enums and the options of `bindings/java`, and the version in its `pom.xml`.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{
    DELIVERIES, Endpoint, LINK_STATUSES, OPTIONS, OptionEntry, OptionKind, STATUS_GROUPS, STATUSES,
};
use wxlink_testkit::{check_generated, check_generated_part};

use crate::text::{
    HEAD, NO_CLASS, block_comment, line_comment, lower_camel, option_comment, upper_camel,
    without_unit, words,
};

const WIDTH: usize = 100;

/// One constant of an enum.
struct Constant {
    name: String,
    code: i64,
    comment: String,
}

impl Constant {
    fn new(name: &str, code: impl Into<i64>, comment: &str) -> Constant {
        Constant {
            name: name.to_uppercase(),
            code: code.into(),
            comment: comment.to_owned(),
        }
    }
}

/// A type with the head of a file.
fn file(name: &str, comment: &str, declaration: &str) -> (String, String) {
    let text = format!("// {HEAD}\n\npackage wxlink;\n\n{comment}{declaration}");
    (
        format!("bindings/java/src/main/java/wxlink/{name}.java"),
        text,
    )
}

/// Checks an enum whose numbers are the library's. A number that it does not have reads as
/// `fallback`.
fn check_enum(name: &str, comment: &str, constants: &[Constant], fallback: &str, methods: &str) {
    let comment = block_comment("", comment, WIDTH);
    let (path, mut text) = file(name, &comment, &format!("public enum {name} {{\n"));
    for (i, constant) in constants.iter().enumerate() {
        let end = if i + 1 < constants.len() { ",\n" } else { ";" };
        text += &block_comment("    ", &constant.comment, WIDTH);
        let code = match constant.code {
            code if code == i64::from(i32::MIN) => "Integer.MIN_VALUE".to_owned(),
            code => code.to_string(),
        };
        writeln!(text, "    {}({code}){end}", constant.name).unwrap();
    }
    write!(
        text,
        "
    private final int code;

    {name}(int code) {{
        this.code = code;
    }}

    /** The number of the native library. */
    public int code() {{
        return code;
    }}
{methods}
    static {name} fromCode(long code) {{
        for ({name} known : values()) {{
            if (known.code == code) {{
                return known;
            }}
        }}
        return {fallback};
    }}
}}
"
    )
    .unwrap();
    check_generated(&path, &text);
}

#[test]
fn version() {
    let version = format!("  <version>{}</version>\n", env!("CARGO_PKG_VERSION"));
    check_generated_part("bindings/java/pom.xml", "version", &version);
}

#[test]
fn statuses() {
    let mut comment = String::from("How a call ended. Numbers are grouped:");
    for g in STATUS_GROUPS {
        write!(comment, " {} to {}: {};", g.highest, g.lowest, g.text.en).unwrap();
    }
    comment.pop();
    comment += ". Treat a number of a later library, which reads as UNKNOWN, like its group.";
    let mut constants: Vec<Constant> = STATUSES
        .iter()
        .map(|e| Constant::new(e.name, e.status.code(), e.summary))
        .collect();
    let unknown = "A status of a later library: see {@link Result#statusCode}.";
    constants.push(Constant::new("UNKNOWN", i32::MIN, unknown));
    let methods = "
    /** What the status means and what to do next, in English; empty for {@link #UNKNOWN}. */
    public String text() {
        return Lib.LIB.wx_status_text(code);
    }
";
    check_enum("Status", &comment, &constants, "UNKNOWN", methods);
}

#[test]
fn classes() {
    let mut constants = vec![Constant::new("NONE", 0, NO_CLASS)];
    constants.extend(
        CLASSES
            .iter()
            .map(|e| Constant::new(e.word, e.class.code(), e.advice.en)),
    );
    let methods = "
    /**
     * The word that docs/errors.md, the command and the other languages use, such as {@code
     * action_required}; empty for {@link #NONE}.
     */
    public String word() {
        return this == NONE ? \"\" : name().toLowerCase(java.util.Locale.ROOT);
    }
";
    let comment =
        "What to do next about WeChat's errcode. A class of a later library reads as NONE.";
    check_enum("ErrorClass", comment, &constants, "NONE", methods);
}

#[test]
fn deliveries() {
    let constants: Vec<Constant> = DELIVERIES
        .iter()
        .map(|e| Constant::new(e.name, e.delivery.code(), e.summary))
        .collect();
    let comment = "Whether WeChat may have received the request. A number of a later library reads \
                   as UNKNOWN, the careful case.";
    check_enum("Delivery", comment, &constants, "UNKNOWN", "");
}

#[test]
fn link_statuses() {
    let mut constants: Vec<Constant> = LINK_STATUSES
        .iter()
        .map(|e| Constant::new(e.name, e.status.code(), e.summary))
        .collect();
    let other = "A number that WeChat has added since: see {@link MiniProgram#status}.";
    constants.push(Constant::new("OTHER", i32::MIN, other));
    let comment = "How far the list shows a link to be. The numbers are WeChat's.";
    check_enum("LinkStatus", comment, &constants, "OTHER", "");
}

#[test]
fn options() {
    let comment = block_comment(
        "",
        "The setters of {@link Options}, one for each option.",
        WIDTH,
    );
    let declaration = "abstract class OptionSetters {\n    \
        /** Sets one option by its key. */\n    \
        public abstract Options set(String key, String value) throws WxException;\n";
    let (path, mut text) = file("OptionSetters", &comment, declaration);
    text = text.replace(
        "package wxlink;\n",
        "package wxlink;\n\nimport java.nio.file.Path;\nimport java.time.Duration;\n",
    );
    for option in OPTIONS {
        text += &setter(option);
    }
    text += "}\n";
    check_generated(&path, &text);
}

/// Checks an enum of words that the library takes.
fn check_words(name: &str, comment: &str, words: &[(&str, String)]) {
    let comment = block_comment("", comment, WIDTH);
    let (path, mut text) = file(name, &comment, &format!("public enum {name} {{\n"));
    for (i, (word, comment)) in words.iter().enumerate() {
        let end = if i + 1 < words.len() { ",\n" } else { ";" };
        text += &block_comment("    ", comment, WIDTH);
        writeln!(text, "    {}{end}", word.to_uppercase()).unwrap();
    }
    text += "
    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
";
    check_generated(&path, &text);
}

#[test]
fn choices() {
    for option in OPTIONS {
        if let OptionKind::Choice(choices) = option.kind {
            let comment = format!("The values of the option {}. {}", option.key, option.doc.en);
            let choices: Vec<(&str, String)> = choices
                .iter()
                .map(|word| (*word, format!("The value {{@code {word}}}.")))
                .collect();
            check_words(&upper_camel(&words(option.key)), &comment, &choices);
        }
    }
}

#[test]
fn endpoints() {
    let comment = "WeChat's endpoints, for links and for a platform. An errcode may have \
                   different meanings on them.";
    let endpoints: Vec<(&str, String)> = Endpoint::ALL
        .iter()
        .map(|e| (e.as_str(), format!("WeChat's {}.", e.name())))
        .collect();
    check_words("Endpoint", comment, &endpoints);
}

fn setter(option: &OptionEntry) -> String {
    let key = option.key;
    let name = lower_camel(&words(without_unit(option)));
    let (parameter, value) = match option.kind {
        OptionKind::Milliseconds => ("Duration limit", "Long.toString(limit.toMillis())"),
        OptionKind::Bytes => ("long bytes", "Long.toString(bytes)"),
        OptionKind::Count => ("int times", "Integer.toString(times)"),
        OptionKind::Urls => ("String... urls", "String.join(\",\", urls)"),
        OptionKind::Path => ("Path path", "path.toString()"),
        OptionKind::Text => ("String value", "value"),
        OptionKind::Flag => ("boolean on", "on ? \"yes\" : \"no\""),
        OptionKind::Choice(_) => (
            &*format!("{} {name}", upper_camel(&words(key))),
            &*format!("{name}.word()"),
        ),
    };
    let body = line_comment("     * ", &option_comment(option), WIDTH);
    format!(
        "
    /**
{body}     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options {name}({parameter}) throws WxException {{
        return set(\"{key}\", {value});
    }}
"
    )
}
