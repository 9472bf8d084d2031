//! Fuzzes the JSON pointers of `wx_result_get`.

#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::pointer(data));
