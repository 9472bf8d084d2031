//! How the simulated administrators decide: automatically, or through the admin interface.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::clock::MAX_AHEAD_S;
use crate::model::message::{Message, message};
use crate::model::one_key;
use crate::model::world::check_appid;

/// When a decision is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Only through `POST /__sandbox/approvals`.
    #[default]
    Manual,
    /// Immediately.
    Immediate,
    /// After the account's list has been read this many times since the step started.
    Polls(u32),
    /// This many seconds by the simulator's clock after the step started.
    Seconds(u64),
}

/// What an administrator decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Agrees.
    #[default]
    Agree,
    /// Refuses.
    Refuse,
    /// Does not respond until the message expires.
    Vanish,
}

/// The decision of one administrator, and when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When the decision is made.
    #[serde(default, deserialize_with = "one_key::deserialize")]
    pub when: When,
    /// The decision.
    #[serde(default)]
    pub decision: Decision,
}

/// Exceptions from the policy for one mini program. `None`: no exception.
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

/// How all administrators decide. Steps missing in its JSON are decided by hand.
///
/// A step follows the policy that was in force when the step started.
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

/// A question to an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    LinkToOfficialAccount,
    LinkToMiniProgram,
    Unlink,
}

impl Policy {
    /// A policy under which each step is agreed to, at the time `when`.
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

    /// When this question about this mini program is decided, and how.
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

    /// Checks the policy. The error names the invalid field.
    pub(crate) fn check(&self) -> Result<(), Message> {
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
            if matches!(step.when, When::Seconds(seconds) if seconds > MAX_AHEAD_S) {
                return Err(message!(
                    "`seconds` is at most {MAX_AHEAD_S}. Use \"manual\" for a decision that is \
                     never made",
                    "`seconds` 最多为 {MAX_AHEAD_S}。永远不作决定请用 \"manual\""
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
    fn an_exception_overrides_the_policy() {
        let policy: Policy = serde_json::from_str(
            r#"{"official_account": {"when": "immediate"},
                "miniprograms": {"wx0b00000000000001": {
                    "official_account": {"when": {"polls": 2}, "decision": "vanish"}}}}"#,
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
    fn errors_name_the_mistake() {
        let error = |text: &str| {
            serde_json::from_str::<Policy>(text)
                .map_err(|error| error.to_string())
                .and_then(|policy| policy.check().map_err(|error| error.to_string()))
                .unwrap_err()
        };
        assert!(error(r#"{"unlinking":{}}"#).contains("unknown field `unlinking`"));
        assert!(error(r#"{"unlink":{"when":"later"}}"#).contains("expected one of"));
        assert!(error(r#"{"unlink":{"when":{"seconds":99999999999}}}"#).contains("at most"));
        assert!(error(r#"{"miniprograms":{"gh_1":{}}}"#).contains("appid"));
    }
}
