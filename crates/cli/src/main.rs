//! The program `wxlink`; see the library for its layout.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    wxlink_cli::main(std::env::args_os()).into()
}
