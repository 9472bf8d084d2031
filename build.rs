//! Names the shared library and writes the C header to `OUT_DIR`.
//!
//! cbindgen writes the header's types and functions from `src/ffi/`; its constants are written here
//! from the tables in `src/model/`, which cbindgen cannot read. The header in `include/` is
//! refreshed by `make generate` and compared by a test: a build that changed the source tree could
//! not be packaged.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=src/model");
    shared_library();
    #[cfg(feature = "capi")]
    header::write();
}

/// Sets the name that the dynamic linker looks for; its number changes if the binary interface ever
/// breaks. The library is never unloaded, because a thread that looks up a name may still run.
fn shared_library() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libwxlink.so.1");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// The tables of the library, compiled into this program as well.
#[cfg(feature = "capi")]
#[allow(dead_code)]
#[path = "src/model"]
mod model {
    pub(crate) mod delivery;
    pub(crate) mod endpoint;
    pub(crate) mod errcode;
    pub(crate) mod lang;
    pub(crate) mod link_status;
    pub(crate) mod status;
}

#[cfg(feature = "capi")]
mod header {
    use std::path::{Path, PathBuf};

    use crate::model::delivery::DELIVERIES;
    use crate::model::errcode::CLASSES;
    use crate::model::link_status::LINK_STATUSES;
    use crate::model::status::{STATUS_GROUPS, STATUSES};

    /// The header's sections in order. They are named one by one because cbindgen would sort them
    /// otherwise, and would take constants of the core for its own.
    const SECTIONS: [&str; 9] = [
        "status",
        "options",
        "client",
        "authorization",
        "calls",
        "result",
        "list",
        "errcode",
        "exec",
    ];

    pub fn write() {
        let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("by cargo"));
        let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("by cargo"));
        let config = cbindgen::Config::from_file(root.join("cbindgen.toml"));
        let mut builder = cbindgen::Builder::new().with_config(config.expect("cbindgen.toml"));
        for section in SECTIONS {
            builder = builder.with_src(root.join(format!("src/ffi/{section}.rs")));
        }
        builder = builder.with_src(stdcall_as_cdecl(&root, &out));
        let mut text = Vec::new();
        builder
            .generate()
            .expect("the C interface has a form cbindgen cannot express")
            .write(&mut text);
        let text = String::from_utf8(text).expect("UTF-8");
        // The constants follow the only one that cbindgen knows.
        let (before, after) = text
            .split_once("#define WX_ABI_VERSION 1\n")
            .expect("the version of the binary interface");
        let text = format!("{before}#define WX_ABI_VERSION 1\n{}{after}", constants());
        let text = with_stdcall(&without_line_comments(&text));
        std::fs::write(out.join("wxlink.h"), text).expect("OUT_DIR");
    }

    /// The header's last section, functions for Windows. cbindgen passes over functions of another
    /// calling convention than C's, so it reads a copy of the source.
    fn stdcall_as_cdecl(root: &Path, out: &Path) -> PathBuf {
        let source = std::fs::read_to_string(root.join("src/ffi/stdcall.rs")).expect("source");
        let copy = out.join("stdcall.rs");
        std::fs::write(&copy, source.replace("extern \"system\"", "extern \"C\""))
            .expect("OUT_DIR");
        copy
    }

    /// The header with the calling convention of the functions for Windows.
    fn with_stdcall(header: &str) -> String {
        const CONVENTION: &str = "__stdcall ";
        let mut text = String::new();
        let mut indent = 0;
        for line in header.lines() {
            if let Some(rest) = line.strip_prefix("int32_t wx_stdcall_") {
                text += &format!("int32_t {CONVENTION}wx_stdcall_{rest}\n");
                // The other parameters stay below the first one.
                indent = CONVENTION.len();
                continue;
            }
            if !line.starts_with(' ') {
                indent = 0;
            }
            text += &format!("{:indent$}{line}\n", "");
        }
        text
    }

    /// The header's constants.
    fn constants() -> String {
        let mut text = String::from(
            "\n/**\n * The release this header comes from. wx_version gives that of the library.\n \
             */\n",
        );
        for part in ["MAJOR", "MINOR", "PATCH"] {
            let number = std::env::var(format!("CARGO_PKG_VERSION_{part}")).expect("by cargo");
            text += &format!("#define WXLINK_VERSION_{part} {number}\n");
        }

        text += "\n/* Statuses: what functions return. */\n";
        let mut group_before = None;
        for e in STATUSES {
            let code = e.status.code();
            let group = STATUS_GROUPS
                .iter()
                .find(|g| (g.lowest..=g.highest).contains(&code));
            if group.map(|g| g.name) != group_before {
                group_before = group.map(|g| g.name);
                text += &match group {
                    Some(g) => format!("\n/* {} to {}: {}. */\n", g.highest, g.lowest, g.text.en),
                    None => String::from("\n/* Others. */\n"),
                };
            }
            let prefix = if code == 0 { "WX_" } else { "WX_E_" };
            text += &constant(&format!("{prefix}{}", e.name), code.into(), e.summary);
        }

        text += "\n/* Classes: what to do next about an errcode. See wx_result_class. */\n";
        let unknown = "WeChat did not answer, or with an errcode that is not in the table.";
        text += &constant("WX_CLASS_UNKNOWN", 0, unknown);
        for e in CLASSES {
            let name = format!("WX_CLASS_{}", e.word.to_uppercase());
            text += &constant(&name, e.class.code().into(), e.advice.en);
        }

        text += "\n/* Delivery: whether WeChat may have received the request. See \
                 wx_result_delivery. */\n";
        for e in DELIVERIES {
            let name = format!("WX_DELIVERY_{}", e.name);
            text += &constant(&name, e.delivery.code().into(), e.summary);
        }

        text += "\n/* Link status: the status of a list's item. WeChat may add more. */\n";
        for e in LINK_STATUSES {
            let name = format!("WX_LINK_{}", e.name);
            text += &constant(&name, e.status.code(), e.summary);
        }
        text
    }

    /// One constant with its comment, wrapped at 100 columns. A negative number is in brackets, so
    /// that `x-WX_E_API` is not `x--70`.
    fn constant(name: &str, number: i64, comment: &str) -> String {
        let number = if number < 0 {
            format!("({number})")
        } else {
            number.to_string()
        };
        let mut lines = vec![String::from("/**")];
        for word in comment.split(' ') {
            if lines
                .last()
                .is_some_and(|line| line.len() + word.len() > 96)
            {
                lines.push(String::from(" *"));
            }
            if let Some(line) = lines.last_mut() {
                *line += " ";
                *line += word;
            }
        }
        format!("{} */\n#define {name} {number}\n", lines.join("\n"))
    }

    /// The header without `//` comments, which C89 lacks. cbindgen has no setting for it.
    fn without_line_comments(header: &str) -> String {
        let mut text = String::new();
        for line in header.lines() {
            let in_comment = line.starts_with(" *") || line.starts_with("/*");
            match line.split_once("// ") {
                Some((code, comment)) if !in_comment => {
                    text += &format!("{} /* {comment} */", code.trim_end());
                }
                _ => text += line,
            }
            text.push('\n');
        }
        text
    }
}
