//! The command `wxlink`.
#![forbid(unsafe_code)]
