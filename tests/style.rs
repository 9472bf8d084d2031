//! What no formatter checks: lines have at most 100 columns, and messages and comments avoid the
//! words that docs/style.md lists.

use std::process::Command;

use wxlink_testkit::{root, run};

/// The widest line, in characters.
const MAX_COLUMNS: usize = 100;

/// The last column that COBOL reads in fixed format: a compiler ignores the rest of the line.
const MAX_COBOL_COLUMNS: usize = 72;

/// The columns of a tab.
const TAB_COLUMNS: usize = 4;

/// The kinds of file whose code is checked, too: no formatter keeps it within the limit.
const CODE_KINDS: [&str; 16] = [
    "c", "cc", "cob", "cpp", "cpy", "cs", "css", "go", "h", "hpp", "html", "inc", "java", "js",
    "pas", "php",
];

/// The kinds of file whose comments alone are checked: rustfmt and ruff format Rust and Python, and
/// shell scripts contain the output that they expect.
const COMMENT_KINDS: [&str; 5] = ["rs", "py", "pyi", "sh", "toml"];

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

/// The files that list these words, and texts of others.
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

fn kind(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn columns(line: &str) -> usize {
    let columns = |c| if c == '\t' { TAB_COLUMNS } else { 1 };
    line.chars().map(columns).sum()
}

fn is_comment(line: &str) -> bool {
    let marks = ["//", "/*", "* ", "# "];
    marks.iter().any(|mark| line.trim_start().starts_with(mark))
}

/// Whether a line contains Chinese, which is not wrapped.
fn is_chinese(line: &str) -> bool {
    line.contains(|c: char| ('\u{3000}'..='\u{9fff}').contains(&c))
}

/// The rows of a table, in a comment or in expected output, are not wrapped.
fn is_table(line: &str) -> bool {
    is_comment(line) && line.contains(" | ") || line.trim().contains("       ")
}

#[test]
fn lines_have_at_most_100_columns() {
    let is_checked = |name: &str| {
        CODE_KINDS.contains(&kind(name))
            || COMMENT_KINDS.contains(&kind(name))
            || name == "Makefile"
    };
    let mut long = Vec::new();
    for (name, text) in files(is_checked) {
        let most = match kind(&name) {
            "cob" | "cpy" => MAX_COBOL_COLUMNS,
            _ => MAX_COLUMNS,
        };
        for (number, line) in (1..).zip(text.lines()) {
            let is_checked = CODE_KINDS.contains(&kind(&name)) || is_comment(line);
            if is_checked && !is_chinese(line) && !is_table(line) && columns(line) > most {
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
