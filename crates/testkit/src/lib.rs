//! Helpers that the tests of several crates share.
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! - `environment`: constants, folders, tools that may be missing, generated files.
//! - `markdown`: reads the pages.
//! - `push`: encrypts pushes as WeChat does.
//! - `redis`, `fake_redis`: Redis servers, real and faulty.
//! - `vectors`: the shared test vectors.
//! - `world`: a simulator with many accounts and mini programs.

mod environment;
pub mod fake_redis;
pub mod markdown;
pub mod push;
pub mod redis;
pub mod vectors;
pub mod world;

pub use environment::{
    ACCOUNT, APPID, TOKEN, check_generated, check_generated_between, check_generated_pages,
    check_generated_part, files, have, lib_dir, revision, root, run, scratch, skip,
};
