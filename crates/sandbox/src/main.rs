//! The program `wxlink-sandbox`: see `program`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let lang = wxlink_sandbox::Lang::from_environment();
    wxlink_sandbox::program(std::env::args_os().skip(1), lang).into()
}
