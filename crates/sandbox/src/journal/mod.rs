//! The journal: which requests arrived, and what became of them, without the secrets in them.

pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod pushes;
pub(crate) mod record;
pub(crate) mod redaction;
