//! What the generators of all languages share: comments, names, and facts in words.

use std::fmt::Write;

use wxlink::errcode::{CLASSES, ClassEntry};
use wxlink::{OptionEntry, OptionKind};

/// The head comment of every generated file.
pub const HEAD: &str = "Written by `make generate`; do not edit.";

/// Splits a text into lines, each with the prefix, of at most `width` columns.
pub fn wrap(prefix: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![prefix.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.len() > prefix.len() && line.len() + 1 + word.len() > width {
            lines.push(format!("{prefix}{word}"));
        } else {
            if line.len() > prefix.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A comment of lines that each start with the prefix.
pub fn line_comment(prefix: &str, text: &str, width: usize) -> String {
    let mut comment = String::new();
    for line in wrap(prefix, text, width) {
        writeln!(comment, "{line}").unwrap();
    }
    comment
}

/// A comment between `/**` and `*/`: on one line if it fits.
pub fn block_comment(indent: &str, text: &str, width: usize) -> String {
    let line = format!("{indent}/** {text} */\n");
    if line.len() <= width + 1 {
        return line;
    }
    let body = line_comment(&format!("{indent} * "), text, width);
    format!("{indent}/**\n{body}{indent} */\n")
}

/// The words of a name such as `timeout_ms` or `NEVER_SENT`, in small letters.
pub fn words(name: &str) -> Vec<String> {
    name.split('_').map(str::to_lowercase).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The words as `TimeoutMs`.
pub fn upper_camel(words: &[String]) -> String {
    words.iter().map(|word| capitalised(word)).collect()
}

/// The words as `timeoutMs`.
pub fn lower_camel(words: &[String]) -> String {
    words[..1].concat() + &upper_camel(&words[1..])
}

/// The name of an option in languages that have a type for times: without its unit.
pub fn without_unit(option: &OptionEntry) -> &'static str {
    if option.kind == OptionKind::Milliseconds {
        option.key.strip_suffix("_ms").unwrap()
    } else {
        option.key
    }
}

/// An option's default for people; `None` if it has none.
pub fn default_of(option: &OptionEntry) -> Option<&'static str> {
    match (option.key, option.default) {
        ("user_agent", _) => Some("wxlink/VERSION"),
        (_, "") => None,
        (_, default) => Some(default),
    }
}

/// What an option is for, what it takes, and its default.
pub fn option_comment(option: &OptionEntry) -> String {
    let mut text = format!("{} Takes {}", option.doc.en, option.takes.en);
    if !text.ends_with('…') {
        text.push('.');
    }
    if let Some(default) = default_of(option) {
        write!(text, " Default: {default}.").unwrap();
    }
    text
}

/// What the absence of a class means.
pub const NO_CLASS: &str =
    "WeChat did not answer, or answered with an errcode that the library does not know.";

/// The highest number of a class.
pub fn last_class() -> &'static ClassEntry {
    CLASSES.last().unwrap()
}

#[test]
fn comments_are_wrapped() {
    assert_eq!(wrap("// ", "one two three", 10), ["// one two", "// three"]);
    assert_eq!(block_comment("  ", "Short.", 40), "  /** Short. */\n");
    assert_eq!(
        block_comment("", "one two three", 10),
        "/**\n * one two\n * three\n */\n"
    );
}
