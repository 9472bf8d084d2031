//! The world in motion: the documents, every account's list as it stands now, and who may call.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::links::Links;
use crate::platform::Platform;
use crate::policy::Policy;
use crate::secrets::Secrets;
use crate::tokens::{Mint, Tokens};
use crate::world::{
    Account, Component, FuncInfo, LinkEntry, LinkState, MiniProgram, Token, World,
    username_or_derived,
};

/// The documents without what moves, and what moves.
pub(crate) struct Registry {
    world: World,
    lists: HashMap<String, Links>,
    pub(crate) tokens: Tokens,
    pub(crate) platform: Option<Platform>,
    mint: Mint,
    pub(crate) secrets: Secrets,
}

/// What gives access, all of it at once.
pub(crate) struct Authority<'a> {
    pub(crate) platform: &'a mut Option<Platform>,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) mint: &'a mut Mint,
}

impl Registry {
    /// Sets up a world that has been checked.
    pub(crate) fn new(mut world: World, policy: &Policy, now_ms: u64) -> Self {
        let mut lists = HashMap::new();
        for (appid, account) in &mut world.accounts {
            lists.insert(appid.clone(), Links::new(account, policy, now_ms));
            account.links = None;
        }
        let mut mint = Mint::new();
        Self {
            secrets: Secrets::of(&world),
            lists,
            tokens: Tokens::new(std::mem::take(&mut world.tokens), now_ms),
            platform: world
                .component
                .take()
                .map(|document| Platform::new(document, &mut mint, now_ms)),
            mint,
            world,
        }
    }

    pub(crate) fn authority(&mut self) -> Authority<'_> {
        Authority {
            platform: &mut self.platform,
            tokens: &mut self.tokens,
            mint: &mut self.mint,
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The documents with the lists as they are now.
    pub(crate) fn snapshot(&mut self, policy: &Policy, now_ms: u64) -> World {
        let mut world = self.world.clone();
        for (appid, account) in &mut world.accounts {
            if let Some(links) = self.lists.get_mut(appid) {
                links.settle(policy, now_ms);
                account.links = Some(links.entries().cloned().collect());
                account.linked_this_month = links.linked_this_month(now_ms);
            }
        }
        world.tokens = self.tokens.snapshot(now_ms);
        world.component = self
            .platform
            .as_ref()
            .map(|platform| platform.snapshot(now_ms));
        world
    }

    /// An account with its list, and the rest of the world to look things up in.
    pub(crate) fn account(&mut self, appid: &str) -> Option<(&Account, &mut Links, &World)> {
        let account = self.world.accounts.get(appid)?;
        let links = self.lists.get_mut(appid)?;
        Some((account, links, &self.world))
    }

    pub(crate) fn add_account(
        &mut self,
        appid: &str,
        mut account: Account,
        policy: &Policy,
        now_ms: u64,
    ) {
        let links = self.lists.entry(appid.to_owned()).or_default();
        links.set_linked_this_month(account.linked_this_month, now_ms);
        if let Some(entries) = account.links.take() {
            links.replace(entries, policy, now_ms);
        }
        self.world.accounts.insert(appid.to_owned(), account);
        self.forget_answers();
    }

    pub(crate) fn put_miniprogram(&mut self, appid: &str, miniprogram: MiniProgram) {
        self.world
            .miniprograms
            .insert(appid.to_owned(), miniprogram);
        self.forget_answers();
    }

    pub(crate) fn put_token(&mut self, text: &str, token: Token, now_ms: u64) {
        self.secrets.add_token(text, &token);
        self.tokens.put(text.to_owned(), token, now_ms);
    }

    /// Puts a platform in the place of the one there was, whose accounts stay unless it has its own.
    pub(crate) fn put_component(&mut self, document: Component, now_ms: u64) {
        self.secrets.add_component(&document);
        let has_accounts = document.authorizers.is_some();
        let mut platform = Platform::new(document, &mut self.mint, now_ms);
        if let Some(before) = self.platform.take()
            && !has_accounts
        {
            platform.succeed(before);
        }
        self.platform = Some(platform);
    }

    /// Any list may show what has just changed.
    fn forget_answers(&mut self) {
        for links in self.lists.values_mut() {
            links.answer = None;
        }
    }
}

/// How many mini programs of the account's own subject and of others are linked or asked for.
pub(crate) fn subjects(account: &Account, links: &Links, world: &World) -> (u32, u32) {
    let mut counts = (0, 0);
    for entry in links.entries() {
        let Some(miniprogram) = world.miniprograms.get(&entry.appid) else {
            continue;
        };
        if entry.state == LinkState::Refused {
            continue;
        }
        if miniprogram.subject == account.subject {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
    }
    counts
}

/// The answer to a request for an account's list.
pub(crate) fn list_answer(links: &mut Links, world: &World) -> Bytes {
    if let Some(answer) = &links.answer {
        return answer.clone();
    }
    let items: Vec<Item> = links
        .entries()
        .filter_map(|entry| item(entry, world))
        .collect();
    let answer = ListAnswer {
        errcode: 0,
        errmsg: "ok",
        wxopens: Items { items },
    };
    // These types always serialise: they hold nothing but text, numbers and JSON.
    let bytes = Bytes::from(serde_json::to_vec(&answer).unwrap_or_default());
    links.answer = Some(bytes.clone());
    bytes
}

fn item<'a>(entry: &'a LinkEntry, world: &'a World) -> Option<Item<'a>> {
    let status = match entry.state {
        LinkState::Linked | LinkState::Unlinking => 1,
        LinkState::WaitingMiniProgram => 2,
        LinkState::Refused => 3,
        LinkState::WaitingOfficialAccount => 12,
    };
    let refused = entry.state == LinkState::Refused;
    if let Some(miniprogram) = world.miniprograms.get(&entry.appid) {
        return Some(Item {
            status,
            username: username_or_derived(&miniprogram.username, &entry.appid),
            // A refused item loses its appid and whatever only a link has.
            appid: (!refused).then_some(&entry.appid),
            source: "SOURCE_NORMAL",
            nickname: &miniprogram.nickname,
            selected: (!refused).then_some(entry.selected.into()),
            nearby_display_status: (!refused).then_some(miniprogram.nearby.into()),
            released: (!refused).then_some(miniprogram.released.into()),
            headimg_url: &miniprogram.headimg_url,
            func_infos: &miniprogram.func_infos,
            copy_verify_status: (!refused).then_some(1),
            email: miniprogram.email.as_deref().filter(|_| !refused),
            extra: &miniprogram.extra,
        });
    }
    let account = world.accounts.get(&entry.appid)?;
    Some(Item {
        status,
        username: username_or_derived(&account.username, &entry.appid),
        appid: (!refused).then_some(&entry.appid),
        source: "SOURCE_NORMAL",
        nickname: &account.nickname,
        selected: Some(entry.selected.into()),
        nearby_display_status: None,
        released: None,
        headimg_url: &account.headimg_url,
        func_infos: &[],
        copy_verify_status: None,
        email: None,
        extra: nothing(),
    })
}

fn nothing() -> &'static Map<String, Value> {
    static NOTHING: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    NOTHING.get_or_init(Map::new)
}

#[derive(Serialize)]
struct ListAnswer<'a> {
    errcode: i32,
    errmsg: &'a str,
    wxopens: Items<'a>,
}

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    status: i32,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    appid: Option<&'a String>,
    source: &'a str,
    nickname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearby_display_status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<u8>,
    headimg_url: &'a str,
    func_infos: &'a [FuncInfo],
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_verify_status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_shows_each_state_as_wechat_does() {
        let mut registry = Registry::new(World::demo(), &Policy::default(), 0);
        let (_, links, world) = registry.account("wx0a00000000000003").unwrap();
        let answer: Value = serde_json::from_slice(&list_answer(links, world)).unwrap();
        let items = answer["wxopens"]["items"].as_array().unwrap();
        let statuses: Vec<_> = items.iter().map(|item| item["status"].as_i64()).collect();
        assert_eq!(statuses, [1, 12, 2, 3, 1, 1].map(Some));
        let mut fields: Vec<_> = items[3].as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "func_infos",
                "headimg_url",
                "nickname",
                "source",
                "status",
                "username"
            ]
        );
        assert_eq!(items[5]["username"], "gh_000000000004");
        assert!(links.answer.is_some());
    }

    #[test]
    fn a_changed_mini_program_changes_the_lists() {
        let mut registry = Registry::new(World::demo(), &Policy::default(), 0);
        let extra = Map::from_iter([("new_field".to_owned(), Value::from(7))]);
        for nickname in ["一", "二"] {
            let miniprogram = MiniProgram {
                nickname: nickname.to_owned(),
                extra: extra.clone(),
                ..MiniProgram::default()
            };
            registry.put_miniprogram("wx0b00000000000011", miniprogram);
            let (_, links, world) = registry.account("wx0a00000000000003").unwrap();
            let answer: Value = serde_json::from_slice(&list_answer(links, world)).unwrap();
            assert_eq!(answer["wxopens"]["items"][0]["nickname"], nickname);
            assert_eq!(answer["wxopens"]["items"][0]["new_field"], 7);
        }
    }
}
