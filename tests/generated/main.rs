//! Files that are written from the tables of the library: they must agree with the tables.
//!
//! `make generate` writes them.

mod header;
mod pages;
mod text;

mod cobol;
mod cpp;
mod csharp;
mod go;
mod java;
mod node;
mod pascal;
mod php;
mod postgresql;
mod python;
mod windows;
