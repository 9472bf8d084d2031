//! The list of accounts that have authorised a platform, with their refresh tokens.
//!
//! It is read page by page. What the pages show is kept for the accounts that are looked up next:
//! reading the whole list for each of thousands of accounts would take as many times thousands of
//! pages.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};

use super::new_tokens::usable_token;
use super::record::whole_number;
use crate::config::limits::MAX_APPID_BYTES;
use crate::response::reader::Reader;

/// The most accounts that `api_get_authorizer_list` returns in one page.
pub(super) const PAGE_SIZE: u64 = 500;
/// The most accounts of a platform that are read, whatever number WeChat reports.
const MAX_ACCOUNTS: u64 = 200_000;

/// A page of `api_get_authorizer_list`.
pub(super) struct Page {
    /// The number of all accounts, if WeChat reports it.
    total: Option<u64>,
    /// How many entries the page has, readable or not.
    entries: u64,
    accounts: Vec<Authorizer>,
}

/// An account in WeChat's list of those that have authorised the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    /// The account's appid.
    pub appid: String,
    /// Whether the list has its refresh token. WeChat lists none until the account's first
    /// authorisation code has been exchanged.
    pub has_refresh_token: bool,
}

/// An entry of the list, with its secret.
struct Authorizer {
    appid: String,
    refresh_token: Option<String>,
}

impl Page {
    /// Reads a page of valid JSON. Entries that cannot be read are skipped. `None` if the response
    /// has no list; a missing one is empty if WeChat reports no accounts.
    pub fn read(json: &[u8]) -> Option<Page> {
        let start = json.iter().position(|b| *b == b'{')?;
        let response = Reader::new(json, start);
        let total = response.child("total_count");
        let mut page = Page {
            total: total.and_then(|mut total| whole_number(&total.value())),
            entries: 0,
            accounts: Vec::new(),
        };
        let Some(mut list) = response.child("list").filter(|list| !list.is_null()) else {
            return (page.total == Some(0)).then_some(page);
        };
        let Ok(is_list) = list.array(|entry| -> Result<(), Infallible> {
            let text = |name| entry.child(name)?.text();
            let appid = text("authorizer_appid").filter(|id| is_appid(id));
            if let Some(appid) = appid {
                page.accounts.push(Authorizer {
                    appid: appid.into_owned(),
                    refresh_token: text("refresh_token").and_then(|token| usable_token(&token)),
                });
            }
            page.entries += 1;
            entry.skip();
            Ok(())
        });
        is_list.then_some(page)
    }

    /// Its accounts.
    pub fn accounts(&self) -> impl Iterator<Item = ListedAccount> {
        self.accounts.iter().map(|account| ListedAccount {
            appid: account.appid.clone(),
            has_refresh_token: account.refresh_token.is_some(),
        })
    }

    /// The offset of the page after this one, which is at `offset`; `None` if this is the last one.
    pub fn next_offset(&self, offset: u64) -> Option<u64> {
        // WeChat may send fewer accounts than it was asked for.
        let next = offset + self.entries;
        // After a full page there may be another one, whatever the total says.
        let is_last = self.entries < PAGE_SIZE && self.total.is_none_or(|total| next >= total);
        (!is_last && next < MAX_ACCOUNTS).then_some(next)
    }
}

fn is_appid(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_APPID_BYTES
}

/// What the pages that were read so far have shown.
pub(super) struct AuthorizerListCache {
    /// Refresh tokens that were not used yet, by account.
    refresh_tokens: HashMap<String, String>,
    /// The offset of the next page; `None` at the end of the list.
    next_offset: Option<u64>,
    /// Hashes of the accounts seen since the last restart. A page without a new account ends the
    /// list.
    seen: HashSet<u64>,
    hasher: RandomState,
}

/// What the cache knows of an account.
pub(super) enum Lookup {
    /// A refresh token that differs from the useless one.
    Found(String),
    /// The page at this offset has to be read first.
    ReadPage(u64),
    /// The whole list was read and has no usable refresh token.
    NotFound,
}

impl AuthorizerListCache {
    pub fn new() -> AuthorizerListCache {
        AuthorizerListCache {
            refresh_tokens: HashMap::new(),
            next_offset: Some(0),
            seen: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Looks for a refresh token other than `useless`. If `may_restart`, the list is read from the
    /// start again when what is known of the account is outdated.
    pub fn look_up(&mut self, account: &str, useless: &str, may_restart: bool) -> Lookup {
        let known = self.refresh_tokens.remove(account);
        match known {
            Some(token) if token != useless => return Lookup::Found(token),
            None if self.next_offset.is_some() => {}
            _ if may_restart => self.restart(),
            _ => return Lookup::NotFound,
        }
        Lookup::ReadPage(self.next_offset.unwrap_or(0))
    }

    /// Forgets what the list showed of an account, because its refresh token has changed.
    pub fn forget(&mut self, account: &str) {
        self.refresh_tokens.remove(account);
    }

    /// Starts reading at the first page again.
    fn restart(&mut self) {
        self.next_offset = Some(0);
        self.seen.clear();
    }

    /// Adds the page at `offset`, unless another call has added it meanwhile.
    pub fn add(&mut self, offset: u64, page: &Page) {
        if self.next_offset != Some(offset) {
            return;
        }
        let mut has_new_account = false;
        for account in &page.accounts {
            has_new_account |= self.seen.insert(self.hasher.hash_one(&account.appid));
            if let Some(token) = &account.refresh_token {
                self.refresh_tokens
                    .insert(account.appid.clone(), token.clone());
            }
        }
        self.next_offset = page.next_offset(offset).filter(|_| has_new_account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(appids: impl Iterator<Item = u64>, total: Option<u64>) -> Page {
        let accounts: Vec<_> = appids
            .map(|n| Authorizer {
                appid: n.to_string(),
                refresh_token: None,
            })
            .collect();
        Page {
            total,
            entries: accounts.len() as u64,
            accounts,
        }
    }

    #[test]
    fn a_page_is_read_whatever_is_odd_in_it() {
        let account = r#"{"authorizer_appid":"wx1","refresh_token":" R\/1 ","auth_time":1e999}"#;
        for (json, total, entries, token) in [
            (
                format!(r#"{{"total_count":1,"list":[{account}]}}"#),
                Some(1),
                1,
                "R/1",
            ),
            (
                format!(r#"{{"total_count":"1","list":[{account}]}}"#),
                Some(1),
                1,
                "R/1",
            ),
            (format!("\u{feff}{{\"list\":[{account}]}}"), None, 1, "R/1"),
            (
                format!(r#"{{"total_count":-1,"list":[{account}]}}"#),
                Some(0),
                1,
                "R/1",
            ),
            (
                format!(r#"{{"total_count":1e999,"list":[{account}]}}"#),
                None,
                1,
                "R/1",
            ),
            (
                format!(r#"{{"total_count":[],"list":[7,null,[],{{}},{account}]}}"#),
                None,
                5,
                "R/1",
            ),
            (
                r#"{"list":[{"authorizer_appid":"wx1","refresh_token":"R é"}]}"#.into(),
                None,
                1,
                "",
            ),
            (
                r#"{"list":[{"authorizer_appid":"wx1"}]}"#.into(),
                None,
                1,
                "",
            ),
            (r#"{"total_count":0}"#.into(), Some(0), 0, ""),
            (r#"{"total_count":"0","list":null}"#.into(), Some(0), 0, ""),
            (r#"{"list":[]}"#.into(), None, 0, ""),
        ] {
            let page = Page::read(json.as_bytes()).unwrap_or_else(|| panic!("{json}"));
            assert_eq!((page.total, page.entries), (total, entries), "{json}");
            let found = page.accounts.iter().find(|account| account.appid == "wx1");
            let found = found.and_then(|account| account.refresh_token.as_deref());
            assert_eq!(found.unwrap_or_default(), token, "{json}");
        }
        for json in [
            r#"{"total_count":1}"#,
            "{}",
            r#"{"list":{}}"#,
            r#"{"list":"x"}"#,
            "",
        ] {
            assert!(Page::read(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn reading_the_accounts_ends() {
        // An endless list, always with new accounts.
        let mut cache = AuthorizerListCache::new();
        let mut pages = 0;
        while let Some(offset) = cache.next_offset {
            cache.add(offset, &page(offset..offset + PAGE_SIZE, Some(u64::MAX)));
            pages += 1;
        }
        assert_eq!(pages, MAX_ACCOUNTS / PAGE_SIZE);
        // From the first page again.
        cache.restart();
        cache.add(0, &page(0..PAGE_SIZE, None));
        assert_eq!(cache.next_offset, Some(PAGE_SIZE));
        // Another call has added it meanwhile.
        cache.add(0, &page(0..PAGE_SIZE, None));
        assert_eq!(cache.next_offset, Some(PAGE_SIZE));
        // Short pages, with and without more to come.
        let [second, third] = [PAGE_SIZE, PAGE_SIZE + 3];
        cache.add(second, &page(second..third, Some(PAGE_SIZE + 6)));
        assert_eq!(cache.next_offset, Some(third));
        cache.add(third, &page(third..third + 3, Some(PAGE_SIZE + 6)));
        assert_eq!(cache.next_offset, None);
        for (repeated, total) in [
            (0..PAGE_SIZE, Some(u64::MAX)),
            (0..0, Some(u64::MAX)),
            (0..3, None),
        ] {
            cache.restart();
            cache.add(0, &page(0..PAGE_SIZE, Some(1)));
            cache.add(PAGE_SIZE, &page(repeated, total));
            assert_eq!(cache.next_offset, None);
        }
    }
}
