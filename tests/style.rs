//! What no formatter checks: lines have at most 100 columns, comments too, and messages and
//! comments avoid the words that docs/style.md lists.

use std::process::Command;

use wxlink_testkit::{root, run};

/// The widest line, in characters.
const MAX_COLUMNS: usize = 100;

/// Words of the private dialect that this project used to have; docs/style.md says what to write.
const AVOIDED: [&str; 7] = [
    "told",
    "anew",
    "whoever",
    "nobody",
    "somebody",
    "for want of",
    "makes no sense",
];

/// The files that lists these words, and texts of others.
const EXEMPT: [&str; 4] = ["docs/style.md", "tests/style.rs", "LICENSE", "fuzz/corpus"];

/// The tracked text files with their texts.
fn files(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let listed = run(Command::new("git").arg("ls-files").current_dir(root())).stdout;
    let names = String::from_utf8(listed).unwrap();
    let names = names
        .lines()
        .filter(|name| is_wanted(name) && !EXEMPT.iter().any(|exempt| name.starts_with(exempt)));
    let texts = names.map(|name| (name.to_owned(), std::fs::read_to_string(root().join(name))));
    texts
        .filter_map(|(name, text)| Some((name, text.ok()?)))
        .collect()
}

/// rustfmt, ruff and clang-format keep code within the limit; comments are checked here, except for
/// tables and sentences in Chinese.
#[test]
fn comments_have_at_most_100_columns() {
    let is_source = |name: &str| {
        let kinds = [
            "rs", "c", "h", "hpp", "cpp", "py", "pyi", "sh", "java", "php", "pas", "toml",
        ];
        let kind = name.rsplit('.').next().unwrap_or_default();
        kinds.contains(&kind) || name == "Makefile"
    };
    let is_comment = |line: &str| {
        let marks = ["//", "/*", "* ", "# "];
        marks.iter().any(|mark| line.trim_start().starts_with(mark))
    };
    let mut long = Vec::new();
    for (name, text) in files(is_source) {
        for (number, line) in (1..).zip(text.lines()) {
            let may_be_long = !line.is_ascii() || line.contains(" | ");
            if is_comment(line) && !may_be_long && line.len() > MAX_COLUMNS {
                long.push(format!("{name}:{number}"));
            }
        }
    }
    let places = long.join(" ");
    assert!(long.is_empty(), "{} long comments: {places}", long.len());
}

#[test]
fn plain_words_are_used() {
    let mut found = Vec::new();
    for (name, text) in files(|_| true) {
        for (number, line) in (1..).zip(text.lines()) {
            let words = line.to_lowercase();
            let words = words.replace(|c: char| !c.is_alphanumeric(), " ");
            let words = format!(
                " {} ",
                words.split_whitespace().collect::<Vec<_>>().join(" ")
            );
            if AVOIDED
                .iter()
                .any(|avoided| words.contains(&format!(" {avoided} ")))
            {
                found.push(format!("{name}:{number}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} lines: {}",
        found.len(),
        found.join(" ")
    );
}
