//! How many accounts a platform has, in which states, and how many access tokens.

use std::time::Instant;

use wxlink::{AccountState, AccountStatus};
use wxlink_metrics::{gauge, gauges};

/// The counts of a moment.
pub(crate) struct Counts {
    accounts: [u32; AccountState::ALL.len()],
    /// Access tokens of accounts that have not expired.
    tokens: u32,
    finished: Instant,
}

impl Counts {
    pub fn new() -> Counts {
        Counts {
            accounts: [0; AccountState::ALL.len()],
            tokens: 0,
            finished: Instant::now(),
        }
    }

    /// Adds an account.
    pub fn add(&mut self, status: AccountStatus) {
        for (state, count) in AccountState::ALL.iter().zip(&mut self.accounts) {
            *count += u32::from(*state == status.state);
        }
        self.tokens += u32::from(status.token_expires_in > 0);
    }

    /// The counts, which are complete now.
    pub fn finished(self) -> Counts {
        Counts {
            finished: Instant::now(),
            ..self
        }
    }

    /// The counts, as text for Prometheus. `has_token`: whether the platform has an access token.
    pub fn text(&self, has_token: bool) -> String {
        let states = AccountState::ALL.map(AccountState::as_str);
        let accounts = states.into_iter().zip(self.accounts);
        let tokens = [("account", self.tokens), ("platform", has_token.into())];
        let mut text = gauges(
            "wxlink_accounts",
            "Accounts in WeChat's list, by the state of their authorisation in the store.",
            "state",
            accounts,
        );
        text += &gauges(
            "wxlink_tokens",
            "Access tokens in the store that have not expired.",
            "kind",
            tokens,
        );
        text += &gauge(
            "wxlink_accounts_age_seconds",
            "Time since the accounts and their tokens were counted.",
            self.finished.elapsed().as_secs() as f64,
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_and_kind_has_a_line() {
        let mut counts = Counts::new();
        for (state, token_expires_in) in [
            (AccountState::Authorized, 7200),
            (AccountState::Authorized, 0),
            (AccountState::Withdrawn, 0),
        ] {
            counts.add(AccountStatus {
                state,
                token_expires_in,
            });
        }
        let text = counts.finished().text(true);
        for line in [
            "# TYPE wxlink_accounts gauge\n",
            "wxlink_accounts{state=\"authorized\"} 2\n",
            "wxlink_accounts{state=\"code_stored\"} 0\n",
            "wxlink_accounts{state=\"withdrawn\"} 1\n",
            "wxlink_accounts{state=\"not_stored\"} 0\n",
            "wxlink_tokens{kind=\"account\"} 1\n",
            "wxlink_tokens{kind=\"platform\"} 1\n",
            "wxlink_accounts_age_seconds 0\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert_eq!(text.matches("# HELP ").count(), 3, "{text}");
    }
}
