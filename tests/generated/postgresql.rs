//! `bindings/postgresql`: the extension has the library's version, and its C code the names of
//! deliveries.

use wxlink::DELIVERIES;
use wxlink_testkit::root;

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("bindings/postgresql").join(name)).unwrap()
}

/// The version of the SQL objects is MAJOR.MINOR: a patch changes none.
#[test]
fn version() {
    let (version, _patch) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    let control = read("wxlink.control");
    let expected = format!("default_version = '{version}'");
    assert!(control.lines().any(|line| line == expected), "{control}");
    let script = format!("wxlink--{version}.sql");
    assert!(root().join("bindings/postgresql").join(&script).exists());
    assert!(read("Makefile").contains(&script));
}

#[test]
fn deliveries() {
    let code = read("wxlink.c");
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    for e in DELIVERIES {
        let name = format!("case WX_DELIVERY_{}: return \"{}\";", e.name, e.word);
        assert!(code.contains(&name), "{name}");
    }
}
