//! Fuzzes the readers of lists with a damaged nickname.

#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::list(data));
