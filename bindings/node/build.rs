//! The linker's arguments for a Node addon.

fn main() {
    // For Windows it would link with a libnode.dll. The feature `dyn-symbols` of napi makes that
    // unnecessary: the addon looks Node's functions up in the process that loads it.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        napi_build::setup();
    }
}
