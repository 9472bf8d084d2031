//! The program `wxlink-sandbox`: see `program`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    wxlink_sandbox::program(std::env::args_os().skip(1)).into()
}
