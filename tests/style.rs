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

/// Long lines of code, with their places. Pages, data and generated files are exempt, and so are
/// the sources of languages that have formatters with other rules.
#[test]
fn lines_have_at_most_100_columns() {
    let is_source = |name: &str| {
        let kinds = [
            ".rs", ".c", ".h", ".hpp", ".cpp", ".py", ".pyi", ".sh", ".java", ".php", ".pas",
            ".toml",
        ];
        kinds.iter().any(|kind| name.ends_with(kind)) || name == "Makefile"
    };
    let mut long = Vec::new();
    for (name, text) in files(is_source) {
        for (number, line) in (1..).zip(text.lines()) {
            // A text that cannot be broken, such as a URL or a sentence in Chinese, may be longer.
            let can_be_broken = line.trim_start().contains(' ') && line.is_ascii();
            if can_be_broken && line.chars().count() > MAX_COLUMNS {
                long.push(format!("{name}:{number}"));
            }
        }
    }
    assert!(
        long.is_empty(),
        "{} long lines: {}",
        long.len(),
        long.join(" ")
    );
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
