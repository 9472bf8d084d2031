//! Messages for people, in every language that the command speaks.

pub(crate) use wxlink_bulk::Message;
