//! Runs the fuzzers' checks on the inputs in `fuzz/corpus`. `make fuzz` looks for new ones.

#[path = "../fuzz/checks.rs"]
mod checks;
use std::collections::BTreeSet;

fn replay(name: &str, check: impl Fn(&[u8])) {
    let mut replayed = 0;
    for file in std::fs::read_dir(wxlink_testkit::root().join("fuzz/corpus").join(name)).unwrap() {
        let path = file.unwrap().path();
        // The test runner shows the file if the check fails.
        println!("{}", path.display());
        check(&std::fs::read(path).unwrap());
        replayed += 1;
    }
    assert_ne!(replayed, 0, "{name}: the corpus is empty");
}

/// The names of the files and folders in a folder of `fuzz/`, without extensions.
fn names(folder: &str) -> BTreeSet<String> {
    std::fs::read_dir(wxlink_testkit::root().join("fuzz").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned())
        .map(|name| name.into_string().unwrap())
        .collect()
}

#[test]
fn every_fuzz_target_is_replayed() {
    // `rows` is replayed in `crates/bulk`.
    let replayed = [
        "answer", "exec", "list", "options", "pointer", "push", "record", "rows", "token",
    ];
    assert_eq!(names("fuzz_targets"), replayed.map(String::from).into());
    assert_eq!(names("corpus"), names("fuzz_targets"));
}

#[test]
fn answers() {
    replay("answer", checks::answer);
}

#[test]
fn arguments_of_exec() {
    replay("exec", checks::exec);
}

#[test]
fn options() {
    replay("options", checks::options);
}

#[test]
fn pointers() {
    replay("pointer", checks::pointer);
}

#[test]
fn pushes() {
    replay("push", checks::push);
}

#[test]
fn damaged_lists() {
    replay("list", checks::list);
}

#[test]
fn tokens() {
    replay("token", checks::token);
}

#[test]
fn records() {
    replay("record", checks::record);
}
