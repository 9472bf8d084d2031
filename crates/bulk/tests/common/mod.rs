//! Rows of the accounts and mini programs of a [`World`](wxlink_testkit::world::World).

#![allow(dead_code)] // No test uses all of it.

use wxlink_bulk::{OtherCells, Rate, Rates, Row};
use wxlink_testkit::world::{account, appid};

pub const UNLIMITED: Rates = Rates {
    all: Rate::UNLIMITED,
    account: Rate::UNLIMITED,
};

pub fn row(line: u64, a: usize, p: usize) -> Row {
    Row {
        line,
        account: account(a),
        appid: appid(p),
        notify_users: false,
        show_profile: true,
        other: OtherCells::default(),
    }
}
