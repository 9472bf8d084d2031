//! The invitations that were posted for a row, and when one of them may still take effect.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::row::Row;

/// How many invitations are posted for a row at most, over all runs and workers.
pub(crate) const MAX_POSTS: u32 = 3;

/// What is known of a row's invitations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Posts {
    /// How many WeChat may have received.
    pub count: u32,
    /// How long the last one may still take effect, although the list does not show it.
    pub in_doubt_for: Duration,
}

impl Posts {
    /// What is known before one more invitation is posted, as this process may be killed meanwhile.
    pub fn one_more(self, in_doubt_for: Duration) -> Posts {
        Posts {
            count: self.count + 1,
            in_doubt_for,
        }
    }
}

/// A note in a job's journal about a row that has no outcome yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PostNote {
    #[serde(flatten)]
    pub row: Row,
    /// How many invitations WeChat may have received for it.
    pub posting: u32,
    /// Until when the last one may still take effect (Unix time, ms).
    pub until_ms: u64,
}
