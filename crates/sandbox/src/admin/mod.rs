//! The admin interface under `/__sandbox/`: JSON in, JSON out, over HTTP and in process alike.
//!
//! Tests use it to set up the world, to play the administrators, to inject faults and to read the
//! journal.

pub(crate) mod accounts;
pub(crate) mod approvals;
pub(crate) mod authorizations;
pub(crate) mod calls;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod messages;
pub(crate) mod pushes;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod world;
