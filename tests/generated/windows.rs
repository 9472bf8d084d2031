//! The declarations in `docs/windows.md` for languages that have no binding: Visual Basic 6, VBA,
//! PowerBuilder and Delphi.

use std::fmt::Write;

use wxlink_testkit::check_generated_part;

use crate::header::declared;
use crate::text::{upper_camel, words, wrap};

const PAGES: [&str; 2] = ["docs/windows.md", "docs/zh-CN/windows.md"];
const WIDTH: usize = 100;
/// A blank at which a line is not broken.
const UNBROKEN: char = '~';
/// A function without parameters has no calling convention, so that every language can declare it.
const WITHOUT_PARAMETERS: &str = "wx_abi_version";

/// A function of the header.
struct Function {
    name: String,
    result: &'static str,
    parameters: Vec<Parameter>,
}

struct Parameter {
    kind: Kind,
    name: String,
}

/// The types of parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text in bytes: `const char *`, `char *`.
    Bytes {
        written: bool,
    },
    /// A text in UTF-16.
    Utf16 {
        written: bool,
    },
    Number,
    /// The place for a number.
    NumberPlace,
}

impl Function {
    /// `int32_t __stdcall wx_f(const char *op, int32_t op_len)`
    fn parse(prototype: &str) -> Function {
        let (head, parameters) = prototype.split_once('(').unwrap();
        let (result, name) = head.rsplit_once(' ').unwrap();
        let parameters = parameters.trim_end_matches(')').split(", ");
        Function {
            name: name.to_owned(),
            result: match result.trim_end_matches(" __stdcall") {
                "int32_t" => "int32_t",
                "uint32_t" => "uint32_t",
                other => panic!("{other}: no language here has such a type"),
            },
            parameters: parameters
                .filter(|p| *p != "void")
                .map(Parameter::parse)
                .collect(),
        }
    }

    fn is_utf16(&self) -> bool {
        let is_utf16 = |p: &Parameter| matches!(p.kind, Kind::Utf16 { .. });
        self.parameters.iter().any(is_utf16)
    }
}

impl Parameter {
    fn parse(text: &str) -> Parameter {
        let at = text.rfind([' ', '*']).unwrap() + 1;
        let (kind, name) = text.split_at(at);
        let kind = match kind.trim_end() {
            "const char *" => Kind::Bytes { written: false },
            "char *" => Kind::Bytes { written: true },
            "const uint16_t *" => Kind::Utf16 { written: false },
            "uint16_t *" => Kind::Utf16 { written: true },
            "int32_t" => Kind::Number,
            "int32_t *" => Kind::NumberPlace,
            other => panic!("{other}: no language here has such a type"),
        };
        let name = name.to_owned();
        Parameter { kind, name }
    }
}

/// What such a language can declare: the functions that are stdcall, and one without parameters.
fn functions() -> Vec<Function> {
    declared()
        .iter()
        .filter(|(name, prototype)| prototype.contains("__stdcall ") || *name == WITHOUT_PARAMETERS)
        .map(|(_, prototype)| Function::parse(prototype))
        .collect()
}

fn check(part: &str, language: &str, text: &str) {
    for page in PAGES {
        check_generated_part(page, part, &format!("```{language}\n{text}```\n"));
    }
}

/// A statement of Visual Basic, with `_` at the end of each line but the last.
fn basic_statement(indent: &str, function: &Function, is_vba: bool) -> String {
    let (ptr_safe, pointer) = if is_vba {
        ("PtrSafe ", "LongPtr")
    } else {
        ("", "Long")
    };
    let head = format!(
        "{indent}Public Declare {ptr_safe}Function {} Lib \"wxlink.dll\" (",
        function.name
    );
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .map(|p| {
            let (passing, kind) = match p.kind {
                Kind::Bytes { .. } => ("ByRef", "Byte"),
                Kind::Utf16 { .. } => ("ByVal", pointer),
                Kind::Number => ("ByVal", "Long"),
                Kind::NumberPlace => ("ByRef", "Long"),
            };
            format!("{passing} {} As {kind}", p.name)
        })
        .collect();
    if parameters.is_empty() {
        return format!("{head}) As Long\n");
    }
    let unbroken: Vec<String> = parameters.iter().map(|p| p.replace(' ', "~")).collect();
    let rest = format!("{}) As Long", unbroken.join(", ")).replace(") As ", ")~As~");
    let lines = wrap(&format!("{indent}    "), &rest, WIDTH - 2);
    let lines = lines.join(" _\n").replace(UNBROKEN, " ");
    format!("{head} _\n{lines}\n")
}

#[test]
fn declares_of_visual_basic() {
    let statements = |is_vba: bool| -> String {
        let functions = functions();
        let statements = functions.iter();
        statements
            .map(|f| basic_statement("    ", f, is_vba))
            .collect()
    };
    let text = format!(
        "#If VBA7 Then\n{}#Else\n{}#End If\n",
        statements(true),
        statements(false)
    );
    check("visual-basic", "vb", &text);
}

#[test]
fn external_functions_of_powerbuilder() {
    let mut text = String::new();
    // Its texts are UTF-16.
    for function in functions()
        .iter()
        .filter(|f| f.is_utf16() || f.parameters.is_empty())
    {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|p| {
                let kind = match p.kind {
                    Kind::Utf16 { written: false } => "string",
                    Kind::Utf16 { written: true } => "ref string",
                    Kind::Number => "long",
                    Kind::NumberPlace => "ref long",
                    Kind::Bytes { .. } => panic!("{}: a text in bytes", function.name),
                };
                format!("{kind} {}", p.name)
            })
            .collect();
        let result = match function.result {
            "uint32_t" => "ulong",
            _ => "long",
        };
        let head = format!("FUNCTION {result} {}(", function.name);
        let unbroken: Vec<String> = parameters.iter().map(|p| p.replace(' ', "~")).collect();
        let rest = format!("{}) LIBRARY~\"wxlink.dll\"", unbroken.join(", "));
        let line = format!("{head}{rest}").replace(UNBROKEN, " ");
        if line.len() <= WIDTH {
            writeln!(text, "{line}").unwrap();
        } else {
            // A statement of PowerBuilder goes on after an ampersand.
            let lines = wrap("    ", &rest, WIDTH - 2).join(" &\n");
            writeln!(text, "{head} &\n{}", lines.replace(UNBROKEN, " ")).unwrap();
        }
    }
    check("powerbuilder", "", &text);
}

#[test]
fn external_functions_of_delphi() {
    let mut text = String::new();
    for function in functions() {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|p| {
                // Parameters have an A, as `out` is a word of the language.
                let name = format!("A{}", upper_camel(&words(&p.name)));
                let (passing, kind) = match p.kind {
                    Kind::Bytes { .. } => ("", "PAnsiChar"),
                    Kind::Utf16 { .. } => ("", "PWideChar"),
                    Kind::Number => ("", "Integer"),
                    Kind::NumberPlace => ("var ", "Integer"),
                };
                format!("{passing}{name}: {kind}")
            })
            .collect();
        let result = match function.result {
            "uint32_t" => "Cardinal",
            _ => "Integer",
        };
        let unbroken: Vec<String> = parameters.iter().map(|p| p.replace(' ', "~")).collect();
        let list = if unbroken.is_empty() {
            String::new()
        } else {
            format!("({})", unbroken.join("; "))
        };
        let statement = format!(
            "function~{}{list}:~{result}; stdcall; external~'wxlink.dll';",
            function.name
        );
        // Lines after the first are indented.
        let lines = wrap("  ", &statement, WIDTH);
        let lines = lines.join("\n").replace(UNBROKEN, " ");
        writeln!(text, "{}", &lines[2..]).unwrap();
    }
    check("delphi", "pascal", &text);
}
