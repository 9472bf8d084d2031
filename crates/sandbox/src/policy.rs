//! How the administrators decide: by themselves after a while, or when told to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::FURTHEST_S;
use crate::world::check_appid;

/// When a decision falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Only through `POST /__sandbox/approvals`.
    #[default]
    Manual,
    /// At once.
    Immediate,
    /// Once the account's list has been answered this many times since the step began.
    Polls(u32),
    /// Once this many seconds have passed by the sandbox's clock since the step began.
    Seconds(u64),
}

/// What an administrator decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Consents.
    #[default]
    Agree,
    /// Says no.
    Refuse,
    /// Never answers, until the message expires.
    Vanish,
}

/// One administrator's decision and its moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When the decision falls.
    #[serde(default)]
    pub when: When,
    /// What it is.
    #[serde(default)]
    pub decision: Decision,
}

/// Exceptions from the policy for one mini program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// The Official Account's administrator, asked to link this mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official_account: Option<Step>,
    /// The mini program's administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mini_program: Option<Step>,
    /// The Official Account's administrator, asked to unlink this mini program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlink: Option<Step>,
}

/// How all administrators decide. What is left out of its JSON is decided by hand.
///
/// A step goes by the policy that stood when the step began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The Official Account's administrator, asked to link.
    #[serde(default)]
    pub official_account: Step,
    /// The mini program's administrator, asked to link.
    #[serde(default)]
    pub mini_program: Step,
    /// The Official Account's administrator, asked to unlink.
    #[serde(default)]
    pub unlink: Step,
    /// Exceptions by the mini program's appid.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub miniprograms: BTreeMap<String, Exceptions>,
}

/// Which administrator is asked what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    LinkToOfficialAccount,
    LinkToMiniProgram,
    Unlink,
}

impl Policy {
    /// The same moment for every step, all of them agreed to.
    pub fn all(when: When) -> Self {
        let step = Step {
            when,
            decision: Decision::Agree,
        };
        Self {
            official_account: step,
            mini_program: step,
            unlink: step,
            miniprograms: BTreeMap::new(),
        }
    }

    pub(crate) fn step(&self, question: Question, appid: &str) -> Step {
        let own = self.miniprograms.get(appid);
        match question {
            Question::LinkToOfficialAccount => own
                .and_then(|own| own.official_account)
                .unwrap_or(self.official_account),
            Question::LinkToMiniProgram => own
                .and_then(|own| own.mini_program)
                .unwrap_or(self.mini_program),
            Question::Unlink => own.and_then(|own| own.unlink).unwrap_or(self.unlink),
        }
    }

    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut steps = vec![&self.official_account, &self.mini_program, &self.unlink];
        for (appid, own) in &self.miniprograms {
            check_appid(appid)?;
            steps.extend(
                [&own.official_account, &own.mini_program, &own.unlink]
                    .into_iter()
                    .flatten(),
            );
        }
        for step in steps {
            if matches!(step.when, When::Seconds(seconds) if seconds > FURTHEST_S) {
                return Err(format!(
                    "`seconds` goes up to {FURTHEST_S}; use \"manual\" for a decision that never falls"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_come_first() {
        let policy: Policy = serde_json::from_str(
            r#"{"official_account":{"when":"immediate"},
                "miniprograms":{"wx0b00000000000001":{"official_account":{"when":{"polls":2},"decision":"vanish"}}}}"#,
        )
        .unwrap();
        policy.check().unwrap();
        let step = policy.step(Question::LinkToOfficialAccount, "wx0b00000000000001");
        assert_eq!(step.when, When::Polls(2));
        assert_eq!(step.decision, Decision::Vanish);
        let step = policy.step(Question::LinkToOfficialAccount, "wx0b00000000000002");
        assert_eq!(step.when, When::Immediate);
        assert_eq!(policy.step(Question::Unlink, "x").when, When::Manual);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| {
            serde_json::from_str::<Policy>(text)
                .map_err(|error| error.to_string())
                .and_then(|policy| policy.check())
                .unwrap_err()
        };
        assert!(error(r#"{"unlinking":{}}"#).contains("unknown field `unlinking`"));
        assert!(error(r#"{"unlink":{"when":"later"}}"#).contains("expected one of"));
        assert!(error(r#"{"unlink":{"when":{"seconds":99999999999}}}"#).contains("goes up to"));
        assert!(error(r#"{"miniprograms":{"gh_1":{}}}"#).contains("appid"));
    }
}
