//! Names the shared library and writes the C header to `OUT_DIR`.
//!
//! The header in `include/` is refreshed by `make header` and compared by a test: a build that
//! changed the source tree could not be packaged.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/ffi");
    shared_library();
    #[cfg(feature = "capi")]
    header();
}

/// The name the dynamic linker looks for, whose number changes when the promise of the binary
/// interface ends, which it is not meant to. And never unloaded: a thread that looks up a name may
/// still be running.
fn shared_library() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libwxlink.so.1");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

#[cfg(feature = "capi")]
fn header() {
    // The header's sections in order. Named one by one: cbindgen would sort them otherwise, and
    // would take constants of the core for its own.
    const SECTIONS: [&str; 7] = [
        "status", "options", "client", "calls", "result", "errcode", "exec",
    ];
    let root = std::path::PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("by cargo"));
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("by cargo"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for section in SECTIONS {
        builder = builder.with_src(root.join(format!("src/ffi/{section}.rs")));
    }
    let mut text = Vec::new();
    builder
        .generate()
        .expect("the C interface has a form cbindgen cannot express")
        .write(&mut text);
    let text = finish(&String::from_utf8(text).expect("UTF-8"));
    std::fs::write(out.join("wxlink.h"), text).expect("OUT_DIR is writable");
}

/// Two things cbindgen has no setting for: negative constants in brackets, so that `x-WX_E_API`
/// is not `x--70`, and no `//` comment, which C89 lacks.
#[cfg(feature = "capi")]
fn finish(header: &str) -> String {
    let mut text = String::new();
    for line in header.lines() {
        let in_comment = line.starts_with(" *") || line.starts_with("/*");
        let constant = line
            .strip_prefix("#define ")
            .and_then(|rest| rest.split_once(" -"));
        match (constant, line.split_once("// ")) {
            (Some((name, number)), _) => text += &format!("#define {name} (-{number})"),
            (None, Some((code, comment))) if !in_comment => {
                text += &format!("{} /* {comment} */", code.trim_end());
            }
            _ => text += line,
        }
        text.push('\n');
    }
    text
}
