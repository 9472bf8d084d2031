//! The network: listeners, TLS certificates, the HTTP server, pushes, and raw responses past it.

pub(crate) mod ca_file;
pub(crate) mod certificates;
pub(crate) mod date;
pub(crate) mod guard;
pub(crate) mod push_client;
pub(crate) mod push_tls;
pub(crate) mod raw;
pub(crate) mod rsa_key;
pub(crate) mod server;
