//! The fault rules in force, and which of them applies to a request or a new connection.

use std::sync::Arc;

use serde::Serialize;

use crate::faults::fault::Fault;
use crate::faults::rule::{FaultRule, Listener};
use crate::model::endpoint::Endpoint;
use crate::model::random::mix;

/// How many rules are kept before those that are used up are removed.
const MAX_RULES_WITH_USED_UP: usize = 1000;

/// A rule in force.
struct ActiveRule {
    id: u64,
    rule: Arc<FaultRule>,
    /// How many more times it applies; `None`: without limit.
    left: Option<u64>,
    /// How many times it was applied.
    hits: u64,
    /// How many random numbers were drawn for it.
    draws: u64,
}

impl ActiveRule {
    /// Draws a random number if the rule has a probability. Returns whether the rule applies.
    fn draw(&mut self) -> bool {
        let Some(probability) = self.rule.probability else {
            return true;
        };
        let seed = mix(self.rule.seed.unwrap_or(1));
        let number = mix(seed.wrapping_add(self.draws));
        self.draws += 1;
        // The upper 53 bits are a number from 0 to below 1.
        ((number >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }
}

/// A rule that applies to a request.
pub(crate) struct MatchedRule {
    pub(crate) id: u64,
    pub(crate) rule: Arc<FaultRule>,
}

/// All rules in force, oldest first.
#[derive(Default)]
pub(crate) struct ActiveFaults {
    rules: Vec<ActiveRule>,
    last_id: u64,
}

/// A rule as `GET faults` shows it.
#[derive(Serialize)]
pub(crate) struct RuleView<'a> {
    id: u64,
    hits: u64,
    left: Option<u64>,
    rule: &'a FaultRule,
}

impl ActiveFaults {
    /// Adds a rule that has been checked. Returns its id.
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        // Rules that are used up are kept for `GET faults`, but not without limit.
        if self.rules.len() >= MAX_RULES_WITH_USED_UP {
            self.rules.retain(|active| active.left != Some(0));
        }
        self.last_id += 1;
        let left = if rule.always || rule.probability.is_some() {
            None
        } else {
            Some(rule.times.unwrap_or(1))
        };
        self.rules.push(ActiveRule {
            id: self.last_id,
            rule: Arc::new(rule),
            left,
            hits: 0,
            draws: 0,
        });
        self.last_id
    }

    /// Finds the oldest rule that applies to this request, and counts that it was applied.
    pub(crate) fn take_for_request(
        &mut self,
        endpoint: Endpoint,
        listener: Listener,
    ) -> Option<MatchedRule> {
        self.take_first(|rule| {
            !rule.fault.is_for_connections()
                && !rule.fault.is_for_pushes()
                && rule.is_for_listener(listener)
                && rule.endpoint.matches(endpoint)
        })
    }

    /// Finds the oldest rule that applies to this new connection, and counts that it was applied.
    pub(crate) fn take_for_connection(&mut self, listener: Listener) -> Option<Arc<FaultRule>> {
        let matched = self.take_first(|rule| {
            rule.is_for_listener(listener)
                && match rule.fault {
                    Fault::AcceptClose => true,
                    Fault::TlsHang | Fault::TlsReset => listener == Listener::Https,
                    _ => false,
                }
        })?;
        Some(matched.rule)
    }

    /// Finds the oldest rule that applies to this push, and counts that it was applied.
    pub(crate) fn take_for_push(&mut self) -> Option<MatchedRule> {
        self.take_first(|rule| rule.fault.is_for_pushes())
    }

    fn take_first(&mut self, matches: impl Fn(&FaultRule) -> bool) -> Option<MatchedRule> {
        let active = self
            .rules
            .iter_mut()
            .filter(|active| active.left != Some(0) && matches(&active.rule))
            .find_map(|active| active.draw().then_some(active))?;
        active.left = active.left.map(|left| left - 1);
        active.hits += 1;
        Some(MatchedRule {
            id: active.id,
            rule: Arc::clone(&active.rule),
        })
    }

    /// Whether there are no rules.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule may apply to a new connection.
    pub(crate) fn has_connection_faults(&self) -> bool {
        self.rules
            .iter()
            .any(|active| active.left != Some(0) && active.rule.fault.is_for_connections())
    }

    /// The rules as `GET faults` shows them.
    pub(crate) fn views(&self) -> Vec<RuleView<'_>> {
        self.rules
            .iter()
            .map(|active| RuleView {
                id: active.id,
                hits: active.hits,
                left: active.left,
                rule: &active.rule,
            })
            .collect()
    }

    /// Removes a rule. Returns whether there was one with this id.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let count = self.rules.len();
        self.rules.retain(|active| active.id != id);
        self.rules.len() < count
    }

    /// Removes all rules. Returns how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.rules.len();
        self.rules.clear();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> FaultRule {
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        rule.check().unwrap();
        rule
    }

    #[test]
    fn the_oldest_matching_rule_applies_until_it_is_used_up() {
        let mut faults = ActiveFaults::default();
        faults.add(rule(r#"{"endpoint":"link","fault":"hang","times":2}"#));
        faults.add(rule(r#"{"fault":"bom"}"#));
        let mut names = Vec::new();
        for endpoint in [
            Endpoint::Link,
            Endpoint::Get,
            Endpoint::Link,
            Endpoint::Link,
        ] {
            let matched = faults.take_for_request(endpoint, Listener::Http);
            names.push(matched.map(|matched| matched.rule.fault.name()));
        }
        assert_eq!(names, [Some("hang"), Some("bom"), Some("hang"), None]);
        assert_eq!(faults.clear(), 2);
    }

    #[test]
    fn a_seed_repeats_the_same_draws_and_the_rate_is_about_right() {
        let run = |seed: u64| {
            let mut faults = ActiveFaults::default();
            let text = format!(r#"{{"fault":"hang","probability":0.25,"seed":{seed}}}"#);
            faults.add(rule(&text));
            let mut draw = || faults.take_for_request(Endpoint::Get, Listener::Http);
            (0..1000).map(|_| draw().is_some()).collect::<Vec<_>>()
        };
        let hits = run(7).into_iter().filter(|hit| *hit).count();
        assert!((180..320).contains(&hits), "{hits}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn tls_faults_do_not_apply_to_plain_connections() {
        let mut faults = ActiveFaults::default();
        faults.add(rule(r#"{"fault":"tls_reset","always":true}"#));
        assert!(faults.has_connection_faults());
        assert!(faults.take_for_connection(Listener::Http).is_none());
        assert!(faults.take_for_connection(Listener::Https).is_some());
        let request = faults.take_for_request(Endpoint::Link, Listener::Https);
        assert!(request.is_none());
    }
}
