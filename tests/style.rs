//! What no formatter checks: lines have at most 100 columns, comments too, and messages and comments
//! avoid the words that docs/style.md lists.

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
    let names = names.lines().filter(|name| {
        is_wanted(name) && !EXEMPT.iter().any(|exempt| name.starts_with(exempt))
    });
    let texts = names.map(|name| (name.to_owned(), std::fs::read_to_string(root().join(name))));
    texts.filter_map(|(name, text)| Some((name, text.ok()?))).collect()
}
