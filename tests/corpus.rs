//! What the fuzzers found interesting, replayed: see `make fuzz`.

#[path = "../fuzz/checks.rs"]
mod checks;
mod common;

fn replay(name: &str, check: impl Fn(&[u8])) {
    let mut replayed = 0;
    for file in std::fs::read_dir(common::root().join("fuzz/corpus").join(name)).unwrap() {
        let path = file.unwrap().path();
        // Shown if the check fails.
        println!("{}", path.display());
        check(&std::fs::read(path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 20, "{name}: only {replayed}");
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
