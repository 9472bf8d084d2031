//! Checks that imports point one way: no file imports from a layer above its own, and files do not
//! import each other in a circle. Tests within the files are exempt.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wxlink_testkit::root;

/// A crate's top-level modules, the lowest layer first. A file may import from its own layer and
/// from those before it. The crate's root stands above all of them.
struct Layers {
    src: &'static str,
    modules: &'static [&'static str],
}

const CRATES: [Layers; 9] = [
    Layers {
        src: "src",
        modules: &[
            "model",
            "sys",
            "stats",
            "redact",
            "response",
            "config",
            "push",
            "transport",
            "error",
            "retry",
            "store",
            "token",
            "client",
            "ffi",
            "fuzzing",
        ],
    },
    Layers {
        src: "crates/bulk/src",
        modules: &[
            "message",
            "lock",
            "random",
            "stop",
            "rate",
            "quota",
            "severity",
            "error",
            "spreadsheet",
            "columns",
            "field",
            "template",
            "row",
            "outcome",
            "posts",
            "input",
            "folder",
            "report",
            "runner",
            "follow",
            "job",
            "queue",
        ],
    },
    Layers {
        src: "crates/cli/src",
        modules: &[
            "exit",
            "message",
            "locale",
            "help",
            "parse_error",
            "output",
            "interrupt",
            "systemd",
            "input",
            "folders",
            "options",
            "error",
            "environment",
            "secret",
            "config",
            "settings",
            "state",
            "context",
            "platform",
            "args",
            "report",
            "command",
            "commands",
        ],
    },
    Layers {
        src: "crates/metrics/src",
        modules: &["text", "client", "listener"],
    },
    Layers {
        src: "crates/sandbox/src",
        modules: &[
            "model",
            "wechat",
            "faults",
            "journal",
            "simulator",
            "admin",
            "page",
            "http",
            "sandbox",
            "program",
        ],
    },
    Layers {
        src: "crates/serve/src",
        modules: &[
            "settings",
            "log",
            "metrics",
            "counts",
            "signature",
            "forward",
            "page",
            "reply",
            "state",
            "service",
            "accounts",
            "routes",
            "server",
        ],
    },
    Layers {
        src: "crates/testkit/src",
        modules: &[
            "environment",
            "markdown",
            "push",
            "redis",
            "fake_redis",
            "vectors",
            "world",
        ],
    },
    Layers {
        src: "python/src",
        modules: &["ending", "responses", "errors", "handle", "command", "bulk"],
    },
    Layers {
        src: "bindings/node/src",
        modules: &["fetches", "outcome", "pool", "handle", "tables"],
    },
];

#[test]
fn imports_point_one_way() {
    let mut faults = Vec::new();
    for layers in CRATES {
        let files = read_crate(&root().join(layers.src));
        faults.extend(upward_imports(&layers, &files));
        faults.extend(circles(&files).map(|circle| format!("{}: a circle: {circle}", layers.src)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn upward_imports_and_circles_are_found() {
    let files = |texts: &[(&str, &str)]| {
        let modules: BTreeSet<Module> = texts.iter().map(|(name, _)| module(name)).collect();
        texts
            .iter()
            .map(|(name, text)| (module(name), imports(&module(name), text, &modules)))
            .collect::<Files>()
    };
    let layers = Layers {
        src: "src",
        modules: &["low", "high"],
    };
    let good = [
        ("", "mod low; mod high; pub use high::X;"),
        ("low", "mod inner;\npub use inner::Y;"),
        (
            "low::inner",
            "// crate::high::X\nuse std::fmt;\n#[cfg(test)]\nuse crate::high;",
        ),
        (
            "high",
            "use crate::low::{self, Y as _};\nfn f() { crate::low::inner::g() }",
        ),
    ];
    assert_eq!(upward_imports(&layers, &files(&good)), Vec::<String>::new());
    assert_eq!(circles(&files(&good)).count(), 0);

    for (changed, text, upward, circle) in [
        ("low::inner", "use crate::{high::X};", true, true),
        ("low::inner", "fn f() -> crate::high::X {}", true, true),
        ("low::inner", "use super::Y;", false, true),
        ("low::inner", "use super::super::high::X;", true, true),
        ("high", "use crate::X;", true, true),
        ("other", "", true, false),
    ] {
        let mut texts = good.to_vec();
        texts.retain(|(name, _)| *name != changed);
        texts.push((changed, text));
        let files = files(&texts);
        assert_eq!(
            upward_imports(&layers, &files).is_empty(),
            !upward,
            "{text}"
        );
        assert_eq!(circles(&files).count() > 0, circle, "{text}");
    }
}

/// A module's path within its crate. The path of the crate's root is empty.
type Module = Vec<String>;
/// The modules that are files, each with the modules that it imports from.
type Files = BTreeMap<Module, BTreeSet<Module>>;

fn module(path: &str) -> Module {
    path.split("::")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn upward_imports(layers: &Layers, files: &Files) -> Vec<String> {
    // The root, whose path is empty, is above all layers.
    let layer = |module: &Module| match module.first() {
        None => Some(layers.modules.len()),
        Some(name) => layers.modules.iter().position(|layer| layer == name),
    };
    let mut faults = Vec::new();
    for (module, imported) in files {
        let Some(own) = layer(module) else {
            let name = module.join("::");
            faults.push(format!("{}: {name} is in no layer", layers.src));
            continue;
        };
        let above = imported.iter().filter(|other| layer(other) > Some(own));
        faults.extend(above.map(|other| {
            let (name, other) = (module.join("::"), other.join("::"));
            format!(
                "{}: {name} imports from {other:?}, which is above it",
                layers.src
            )
        }));
    }
    faults
}

/// The groups of files that import each other, directly or through others.
fn circles(files: &Files) -> impl Iterator<Item = String> {
    let reach = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut left: Vec<&Module> = files[from].iter().collect();
        while let Some(module) = left.pop() {
            if reached.insert(module.clone()) {
                left.extend(files.get(module).into_iter().flatten());
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        files.keys().map(|module| (module, reach(module))).collect();
    let circles: BTreeSet<Vec<String>> = files
        .keys()
        .filter(|module| reached[module].contains(*module))
        .map(|module| {
            let both = reached[module].iter();
            let both = both.filter(|other| reached[other].contains(module));
            both.map(|member| format!("{:?}", member.join("::")))
                .collect()
        })
        .collect();
    circles.into_iter().map(|members| members.join(", "))
}

fn read_crate(src: &Path) -> Files {
    let mut texts = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                texts.insert(module_of(src, &path), fs::read_to_string(path).unwrap());
            }
        }
    }
    let modules: BTreeSet<Module> = texts.keys().cloned().collect();
    let imports_of =
        |(module, text): (&Module, &String)| (module.clone(), imports(module, text, &modules));
    texts.iter().map(imports_of).collect()
}

fn module_of(src: &Path, file: &Path) -> Module {
    let path: PathBuf = file.strip_prefix(src).unwrap().with_extension("");
    let names = path.iter().map(|name| name.to_str().unwrap().to_owned());
    names
        .filter(|name| !matches!(name.as_str(), "lib" | "mod" | "main"))
        .collect()
}

/// The modules from which this one imports.
fn imports(module: &Module, text: &str, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let code = code_without_tests(text);
    let mut paths = Vec::new();
    for statement in code.split("use ").skip(1) {
        expand(
            statement.split(';').next().unwrap_or_default(),
            "",
            &mut paths,
        );
    }
    // Paths in other places of the code begin with a keyword.
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let is_path = |c: &char| c.is_alphanumeric() || "_:".contains(*c);
            let path: String = code[at..].chars().take_while(is_path).collect();
            // A group in braces, which is part of a `use` statement.
            if !path.ends_with("::") {
                paths.push(path);
            }
        }
    }
    let found = paths
        .iter()
        .filter_map(|path| resolve(module, path, modules));
    found.filter(|found| found != module).collect()
}

/// The code without comments, and without the tests at the end of the file. Paths of a module
/// within the file are rewritten to start from the file's own module.
fn code_without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut in_inner_module = false;
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        let line = line.split("//").next().unwrap_or_default();
        if line.ends_with('{') && line.trim_start_matches("pub ").starts_with("mod ") {
            in_inner_module = true;
        } else if line == "}" {
            in_inner_module = false;
        }
        let levels = line.matches("super::").count();
        code += &match levels {
            0 => line.to_owned(),
            _ if in_inner_module => line
                .replacen("super::", "self::", 1)
                .replace("self::super", "super"),
            _ => line.to_owned(),
        };
        code.push('\n');
    }
    code
}

/// The paths of a `use` statement, whose braces may nest.
fn expand(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return paths.push(format!("{prefix}{path}"));
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&inner[start..at], &format!("{prefix}{before}"), paths);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The module of this crate that a path leads to, as seen from `module`.
fn resolve(module: &Module, path: &str, modules: &BTreeSet<Module>) -> Option<Module> {
    let mut names = path.split("::").map(str::trim).peekable();
    let mut base = match *names.peek()? {
        "crate" => {
            names.next();
            Module::new()
        }
        // The names that follow are resolved below.
        "self" | "super" => module.clone(),
        child => {
            let mut below = module.clone();
            below.push(child.to_owned());
            // The path leads to another crate.
            if !modules.contains(&below) {
                return None;
            }
            module.clone()
        }
    };
    while let Some(name) = names.next_if(|name| matches!(*name, "self" | "super")) {
        if name == "super" {
            base.pop();
        }
    }
    for name in names {
        let mut below = base.clone();
        below.push(name.to_owned());
        if !modules.contains(&below) {
            break;
        }
        base = below;
    }
    Some(base)
}
