//! Rows of the accounts and mini programs of a [`World`](wxlink_testkit::world::World).

#![allow(dead_code)] // Each test uses its part.

use wxlink_bulk::{Rate, Rates, Row};
use wxlink_testkit::world::{account, appid};

pub const UNLIMITED: Rates = Rates {
    all: Rate::NONE,
    account: Rate::NONE,
};

pub fn row(line: u64, a: usize, p: usize) -> Row {
    Row {
        line,
        account: account(a),
        appid: appid(p),
        notify_users: false,
        show_profile: true,
    }
}
