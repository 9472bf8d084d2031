//! The native part of the Node package `wxlink`: the core's client, whose calls run on threads of
//! this module and end as promises.
//!
//! Options, arguments, results and errors get their JavaScript form in the package around this
//! module, in `lib/`. Both sides exchange JSON, and the bytes of a body as a `Buffer`.
//!
//! # Layout
//!
//! From bottom to top; a module imports only from modules listed before it:
//!
//! - `fetches`: token fetches that the end of the process waits for.
//! - `outcome`: results and errors of the core as JSON.
//! - `pool`: the threads that calls run on, and how a call is cancelled.
//! - `handle`: the client.
//! - `tables`: options and errcodes.

mod fetches;
mod handle;
mod outcome;
mod pool;
mod tables;
