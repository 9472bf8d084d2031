//! The authorisation codes of the last hour, by their hashes: which ones were exchanged, for what,
//! and which ones still have to be.
//!
//! A push and a redirect may carry the same code, and both may be repeated, but WeChat accepts a
//! code once. So exchanged codes are remembered. A code that a process stored before it was killed
//! expires after an hour. So other processes can find it. The code of an event is in the record of
//! its account. That of a redirect, which names no account, is here until it is exchanged.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::new_tokens::NewTokens;
use super::record;
use crate::store::key::sha256;

/// The permission set that links mini programs.
const LINKING_SET: u64 = 33;
/// How long a code is valid, and remembered (s).
const REMEMBERED_S: u64 = 3600;
/// The most codes that are remembered. The oldest are forgotten first, except those of redirects.
const MAX_REMEMBERED: usize = 1000;
/// The most codes of redirects that wait. Anyone can send a made-up code to a public URL.
pub(super) const MAX_REDIRECTS: usize = 200;

/// An account that has authorised the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub(super) account: String,
    pub(super) permission_sets: Option<Vec<u64>>,
}

impl Authorization {
    /// The account's appid.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The numbers of the permission sets that the account has granted; `None` if WeChat's response
    /// does not list them.
    pub fn permission_sets(&self) -> Option<&[u64]> {
        self.permission_sets.as_deref()
    }

    /// Whether the platform may link mini programs to the account: whether permission set 33 is
    /// granted. `None` if it is not known.
    pub fn may_link(&self) -> Option<bool> {
        self.permission_sets().map(may_link)
    }

    /// The authorisation as JSON, in the form of the C interface.
    pub fn json(&self) -> Value {
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "account": self.account,
            "permission_sets": self.permission_sets,
            "may_link": self.may_link(),
        })
    }
}

/// Whether permission sets include the one for links.
pub(super) fn may_link(permission_sets: &[u64]) -> bool {
    permission_sets.contains(&LINKING_SET)
}

/// The numbers of the permission sets in a response's func_info.
pub(super) fn permission_sets(authorization_info: &Value) -> Option<Vec<u64>> {
    let sets = authorization_info.get("func_info")?.as_array()?;
    let number = |set: &Value| record::whole_number(set.pointer("/funcscope_category/id")?);
    Some(sets.iter().filter_map(number).collect())
}

/// An authorisation code that is stored and not exchanged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingCode {
    /// The code of an event about the account with this appid.
    Account(String),
    /// The code of a redirect, by its SHA-256. WeChat names the account when it is exchanged.
    Redirect(String),
}

impl WaitingCode {
    /// The code of a redirect.
    pub fn redirect(code: &str) -> WaitingCode {
        WaitingCode::Redirect(sha256(code.trim()))
    }

    /// The account that authorised the platform, if it is known.
    pub fn account(&self) -> Option<&str> {
        match self {
            WaitingCode::Account(account) => Some(account),
            WaitingCode::Redirect(_) => None,
        }
    }
}

/// How a code came.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// With an event about this account, whose record says whether the code still counts.
    Event(&'a str),
    /// With a redirect, at this time (s since 1970).
    Redirect { at: u64 },
}

impl<'a> Origin<'a> {
    pub fn account(self) -> Option<&'a str> {
        match self {
            Origin::Event(account) => Some(account),
            Origin::Redirect { .. } => None,
        }
    }
}

/// What a code was exchanged for.
#[derive(Clone)]
pub(super) struct Exchanged {
    pub code: String,
    pub authorization: Authorization,
    pub tokens: NewTokens,
    /// When the account authorised the platform (s since 1970); 0 if the code came with an event: a
    /// withdrawal removes the code, so that it is later.
    pub authorized_at: u64,
}

/// The codes that were stored or exchanged within the last hour.
#[derive(Default)]
pub(super) struct RecentCodes(Vec<RecentCode>);

#[derive(Serialize, Deserialize)]
struct RecentCode {
    /// The code's SHA-256.
    code: String,
    account: String,
    permission_sets: Option<Vec<u64>>,
    /// When it was stored or exchanged (s since 1970).
    at: u64,
    /// Whether it is stored and has to be exchanged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_waiting: bool,
    /// The code of a redirect that has to be exchanged. Otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    redirect: String,
}

impl RecentCodes {
    /// Reads the text of a store. Entries are lost if it cannot be read: WeChat refuses their codes
    /// when they come again.
    pub fn read(text: &[u8]) -> RecentCodes {
        let mut codes: Vec<RecentCode> = serde_json::from_slice(text).unwrap_or_default();
        let now = record::now();
        // One that is from the future was written with a wrong clock.
        codes.retain(|code| code.at <= now && now - code.at < REMEMBERED_S);
        RecentCodes(codes)
    }

    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// What the code was exchanged for.
    pub fn find(&self, code: &str) -> Option<Authorization> {
        let hash = sha256(code);
        let mut exchanged = self.0.iter().filter(|recent| !recent.is_waiting);
        let found = exchanged.find(|recent| recent.code == hash)?;
        Some(Authorization {
            account: found.account.clone(),
            permission_sets: found.permission_sets.clone(),
        })
    }

    /// Adds a code that was exchanged.
    pub fn add(&mut self, code: &str, authorization: &Authorization) {
        let hash = sha256(code);
        self.0.retain(|recent| recent.code != hash);
        self.push(RecentCode {
            code: hash,
            account: authorization.account.clone(),
            permission_sets: authorization.permission_sets.clone(),
            at: record::now(),
            is_waiting: false,
            redirect: String::new(),
        });
    }

    /// Adds the code of an event, which has to be exchanged, unless it is known. Returns whether it
    /// was added. One that a redirect brought before is that of the account from now on.
    pub fn add_waiting(&mut self, code: &str, account: &str) -> bool {
        let hash = sha256(code);
        let known = self.0.iter_mut().find(|recent| recent.code == hash);
        if let Some(known) = known {
            let is_redirect = !known.redirect.is_empty();
            if is_redirect {
                account.clone_into(&mut known.account);
                known.redirect.clear();
            }
            return is_redirect;
        }
        self.push(RecentCode {
            code: hash,
            account: account.to_owned(),
            permission_sets: None,
            at: record::now(),
            is_waiting: true,
            redirect: String::new(),
        });
        true
    }

    /// Adds the code of a redirect, which has to be exchanged, unless it is known. Returns whether
    /// it was added.
    pub fn add_redirect(&mut self, code: &str) -> bool {
        let hash = sha256(code);
        if self.0.iter().any(|recent| recent.code == hash) || self.has_too_many_redirects() {
            return false;
        }
        self.push(RecentCode {
            code: hash,
            account: String::new(),
            permission_sets: None,
            at: record::now(),
            is_waiting: true,
            redirect: code.to_owned(),
        });
        true
    }

    /// Whether the code is known: exchanged, or stored to be exchanged.
    pub fn contains(&self, code: &str) -> bool {
        let hash = sha256(code);
        self.0.iter().any(|recent| recent.code == hash)
    }

    fn has_too_many_redirects(&self) -> bool {
        let redirects = self.0.iter().filter(|recent| !recent.redirect.is_empty());
        redirects.count() >= MAX_REDIRECTS
    }

    fn push(&mut self, code: RecentCode) {
        while self.0.len() >= MAX_REMEMBERED {
            let oldest = self.0.iter().position(|recent| recent.redirect.is_empty());
            self.0.remove(oldest.unwrap_or(0));
        }
        self.0.push(code);
    }

    /// The codes of events that have to be exchanged: the hash and the account of each.
    pub fn waiting(&self) -> impl Iterator<Item = (&str, &str)> {
        let waiting = self.0.iter().filter(|recent| recent.is_waiting);
        let of_events = waiting.filter(|recent| recent.redirect.is_empty());
        of_events.map(|recent| (recent.code.as_str(), recent.account.as_str()))
    }

    /// The hashes of the codes of redirects that have to be exchanged.
    pub fn redirects(&self) -> impl Iterator<Item = &str> {
        let redirects = self.0.iter().filter(|recent| !recent.redirect.is_empty());
        redirects.map(|recent| recent.code.as_str())
    }

    /// The code of a redirect with this hash, and when it came (s since 1970).
    pub fn redirect(&self, hash: &str) -> Option<(&str, u64)> {
        let mut redirects = self.0.iter().filter(|recent| !recent.redirect.is_empty());
        let found = redirects.find(|recent| recent.code == hash)?;
        Some((&found.redirect, found.at))
    }

    /// Removes the codes with these hashes that had to be exchanged. Returns whether there was one.
    pub fn remove_waiting(&mut self, hashes: &[String]) -> bool {
        let count = self.0.len();
        self.0
            .retain(|recent| !recent.is_waiting || !hashes.contains(&recent.code));
        self.0.len() < count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(account: &str) -> Authorization {
        Authorization {
            account: account.into(),
            permission_sets: Some(vec![1, 33]),
        }
    }

    #[test]
    fn codes_are_remembered_for_an_hour_and_never_written() {
        let mut codes = RecentCodes::default();
        codes.add("queryauthcode@@@A", &authorization("wx1"));
        assert!(!codes.text().contains("@@@"));
        let again = RecentCodes::read(codes.text().as_bytes());
        assert_eq!(again.find("queryauthcode@@@A"), Some(authorization("wx1")));
        assert_eq!(again.find("queryauthcode@@@B"), None);
        for (at, is_known) in [
            (record::now() - REMEMBERED_S + 60, true),
            (record::now() - REMEMBERED_S, false),
            (record::now() + 60, false),
            (u64::MAX, false),
        ] {
            codes.0[0].at = at;
            let found = RecentCodes::read(codes.text().as_bytes());
            assert_eq!(found.find("queryauthcode@@@A").is_some(), is_known, "{at}");
        }
        for text in ["", "x", "{}", r#"[{"code":7}]"#] {
            assert!(RecentCodes::read(text.as_bytes()).0.is_empty());
        }
    }

    #[test]
    fn a_code_waits_until_it_is_exchanged_or_removed() {
        let mut codes = RecentCodes::default();
        assert!(codes.add_waiting("A", "wx1") && codes.add_waiting("B", "wx2"));
        assert!(!codes.add_waiting("A", "wx1"));
        let mut codes = RecentCodes::read(codes.text().as_bytes());
        assert_eq!(codes.find("A"), None);
        let waiting: Vec<_> = codes.waiting().map(|(_, account)| account).collect();
        assert_eq!(waiting, ["wx1", "wx2"]);
        codes.add("A", &authorization("wx1"));
        assert_eq!(codes.find("A"), Some(authorization("wx1")));
        assert!(!codes.add_waiting("A", "wx1"));
        let hashes = [sha256("A"), sha256("B")];
        assert!(codes.remove_waiting(&hashes) && !codes.remove_waiting(&hashes));
        assert!(codes.waiting().next().is_none() && codes.find("A").is_some());
    }

    #[test]
    fn the_code_of_a_redirect_is_kept_until_it_is_exchanged_or_comes_with_an_event() {
        let mut codes = RecentCodes::default();
        assert!(codes.add_redirect("A") && codes.add_redirect("B") && !codes.add_redirect("A"));
        let mut codes = RecentCodes::read(codes.text().as_bytes());
        assert_eq!(codes.redirects().count(), 2);
        assert!(
            codes
                .redirect(&sha256("A"))
                .is_some_and(|(code, _)| code == "A")
        );
        assert!(codes.find("A").is_none() && codes.waiting().next().is_none());
        // From now on the code is in the record of the account.
        assert!(codes.add_waiting("A", "wx1") && !codes.add_waiting("A", "wx1"));
        assert_eq!(
            codes.waiting().collect::<Vec<_>>(),
            [(&*sha256("A"), "wx1")]
        );
        assert!(codes.redirect(&sha256("A")).is_none() && !codes.add_redirect("A"));
        codes.add("B", &authorization("wx2"));
        assert!(codes.redirects().next().is_none() && codes.find("B").is_some());
    }

    #[test]
    fn many_codes_of_redirects_displace_none_and_are_bounded() {
        let mut codes = RecentCodes::default();
        for n in 0..MAX_REDIRECTS {
            assert!(codes.add_redirect(&format!("R{n}")));
        }
        assert!(!codes.add_redirect("one more") && !codes.contains("one more"));
        for n in 0..MAX_REMEMBERED {
            codes.add(&n.to_string(), &authorization("wx1"));
        }
        assert_eq!(codes.0.len(), MAX_REMEMBERED);
        assert_eq!(codes.redirects().count(), MAX_REDIRECTS);
    }

    #[test]
    fn their_number_is_bounded() {
        let mut codes = RecentCodes::default();
        for n in 0..MAX_REMEMBERED + 3 {
            codes.add(&n.to_string(), &authorization("wx1"));
        }
        assert_eq!(codes.0.len(), MAX_REMEMBERED);
        assert!(codes.find("2").is_none() && codes.find("3").is_some());
    }

    #[test]
    fn permission_sets_are_read_in_every_form() {
        let set = |id: Value| json!({"funcscope_category": {"id": id}, "confirm_info": {}});
        for (info, sets) in [
            (
                json!({"func_info": [set(json!(1)), set(json!("33"))]}),
                Some(vec![1, 33]),
            ),
            (
                json!({"func_info": [7, {}, set(Value::Null)]}),
                Some(vec![]),
            ),
            (json!({"func_info": null}), None),
            (json!({}), None),
            (Value::Null, None),
        ] {
            assert_eq!(permission_sets(&info), sets, "{info}");
        }
    }
}
