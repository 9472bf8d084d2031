//! All state on WeChat's side. It is made from a world, changes while the simulator is used, and
//! can be turned into a world again.
//!
//! A *document* is the JSON form of a part of the world, such as an account or a token: the types
//! of `model::world`. Users write documents through the admin interface.

use std::collections::HashMap;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::policy::Policy;
use crate::model::random::TokenGenerator;
use crate::model::secrets::Secrets;
use crate::model::tokens::Tokens;
use crate::model::world::{
    Account, Component, FuncInfo, LinkEntry, LinkState, MiniProgram, Token, World,
    username_or_derived,
};
use crate::wechat::links::AccountLinks;
use crate::wechat::platform::Platform;
use crate::wechat::push_crypto::Seal;
use crate::wechat::pushes::Pushes;
use crate::wechat::refused::RefusedCalls;

/// The state on WeChat's side: accounts, mini programs, links, tokens and the platform.
pub(crate) struct WechatState {
    /// The documents. Links, tokens and the platform are moved out of them, to the fields below.
    world: World,
    /// The links of each account, by its appid.
    links: HashMap<String, AccountLinks>,
    pub(crate) tokens: Tokens,
    pub(crate) platform: Option<Platform>,
    generator: TokenGenerator,
    pub(crate) secrets: Secrets,
    pub(crate) refused_calls: RefusedCalls,
    pub(crate) pushes: Pushes,
}

/// An account, its links, and the world to look up other documents in.
pub(crate) struct AccountView<'a> {
    pub(crate) account: &'a Account,
    pub(crate) links: &'a mut AccountLinks,
    pub(crate) world: &'a World,
}

/// Everything that issues and checks tokens.
pub(crate) struct Credentials<'a> {
    pub(crate) platform: &'a mut Option<Platform>,
    pub(crate) tokens: &'a mut Tokens,
    pub(crate) generator: &'a mut TokenGenerator,
}

impl WechatState {
    /// Sets up a world that has been checked.
    pub(crate) fn new(mut world: World, policy: &Policy, now_ms: u64) -> Self {
        let mut links = HashMap::new();
        for (appid, account) in &mut world.accounts {
            links.insert(appid.clone(), AccountLinks::new(account, policy, now_ms));
            account.links = None;
        }
        let mut generator = TokenGenerator::new();
        if let Some(push) = world.component.as_mut().and_then(|it| it.push.as_mut()) {
            push.generate_missing(&mut generator);
        }
        Self {
            secrets: Secrets::from_world(&world),
            links,
            tokens: Tokens::from_documents(std::mem::take(&mut world.tokens), now_ms),
            platform: world
                .component
                .take()
                .map(|document| Platform::from_document(document, &mut generator, now_ms)),
            generator,
            refused_calls: RefusedCalls::default(),
            pushes: Pushes::default(),
            world,
        }
    }

    pub(crate) fn credentials(&mut self) -> Credentials<'_> {
        Credentials {
            platform: &mut self.platform,
            tokens: &mut self.tokens,
            generator: &mut self.generator,
        }
    }

    /// What makes the next push unique.
    pub(crate) fn new_seal(&mut self, now_ms: u64) -> Seal {
        Seal {
            timestamp: now_ms / 1000,
            nonce: (self.generator.number() % 10_000_000_000).to_string(),
            random: self.generator.generate("", 1),
            unknown_key: self.generator.letters(43),
        }
    }

    /// The documents, without links, tokens and the platform.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// All state as documents.
    pub(crate) fn current_world(&mut self, policy: &Policy, now_ms: u64) -> World {
        let mut world = self.world.clone();
        for (appid, account) in &mut world.accounts {
            if let Some(links) = self.links.get_mut(appid) {
                links.apply_due_decisions(policy, now_ms);
                account.links = Some(links.entries().cloned().collect());
                account.linked_this_month = links.requests_this_month(now_ms);
            }
        }
        world.tokens = self.tokens.to_documents(now_ms);
        world.component = self
            .platform
            .as_ref()
            .map(|platform| platform.to_full_document(now_ms));
        world
    }

    /// Makes all decisions that are due. Returns whether there were any.
    pub(crate) fn apply_due_decisions(&mut self, policy: &Policy, now_ms: u64) -> bool {
        let mut any = false;
        for links in self.links.values_mut() {
            any |= links.apply_due_decisions(policy, now_ms);
        }
        any
    }

    /// The links of an account.
    pub(crate) fn links(&self, appid: &str) -> Option<&AccountLinks> {
        self.links.get(appid)
    }

    pub(crate) fn account(&mut self, appid: &str) -> Option<AccountView<'_>> {
        Some(AccountView {
            account: self.world.accounts.get(appid)?,
            links: self.links.get_mut(appid)?,
            world: &self.world,
        })
    }

    /// Adds or replaces an account. Its links are kept if the document has none.
    pub(crate) fn put_account(
        &mut self,
        appid: &str,
        mut account: Account,
        policy: &Policy,
        now_ms: u64,
    ) {
        let links = self.links.entry(appid.to_owned()).or_default();
        links.set_requests_this_month(account.linked_this_month, now_ms);
        if let Some(entries) = account.links.take() {
            links.replace(entries, policy, now_ms);
        }
        self.world.accounts.insert(appid.to_owned(), account);
        self.clear_cached_lists();
    }

    /// Adds or replaces a mini program.
    pub(crate) fn put_miniprogram(&mut self, appid: &str, miniprogram: MiniProgram) {
        self.world
            .miniprograms
            .insert(appid.to_owned(), miniprogram);
        self.clear_cached_lists();
    }

    /// Adds or replaces a token.
    pub(crate) fn put_token(&mut self, text: &str, token: Token, now_ms: u64) {
        self.secrets.add_token(text, &token);
        self.tokens.put(text.to_owned(), token, now_ms);
    }

    /// Adds or replaces the platform. Its accounts are kept if the document has none.
    pub(crate) fn put_component(&mut self, mut document: Component, now_ms: u64) {
        if let Some(push) = &mut document.push {
            push.generate_missing(&mut self.generator);
        }
        self.secrets.add_component(&document);
        let has_accounts = document.authorizers.is_some();
        let mut platform = Platform::from_document(document, &mut self.generator, now_ms);
        if let Some(mut replaced) = self.platform.take() {
            if platform.push.is_none() {
                platform.push = replaced.push.take();
            }
            if !has_accounts {
                platform.take_accounts_of(replaced);
            }
        }
        self.platform = Some(platform);
    }

    /// Drops all serialised lists: any of them may show the document that has changed.
    fn clear_cached_lists(&mut self) {
        for links in self.links.values_mut() {
            links.cached_list = None;
        }
    }
}

/// How many mini programs are linked or waiting to be.
pub(crate) struct SubjectCounts {
    /// Those of the account's own subject.
    pub(crate) same: u32,
    /// Those of other subjects.
    pub(crate) different: u32,
}

/// Counts what uses up the quotas of an account.
pub(crate) fn subject_counts(
    account: &Account,
    links: &AccountLinks,
    world: &World,
) -> SubjectCounts {
    let mut counts = SubjectCounts {
        same: 0,
        different: 0,
    };
    for entry in links.entries() {
        let Some(miniprogram) = world.miniprograms.get(&entry.appid) else {
            continue;
        };
        if entry.state == LinkState::Refused {
            continue;
        }
        if miniprogram.subject == account.subject {
            counts.same += 1;
        } else {
            counts.different += 1;
        }
    }
    counts
}

/// The body of the response to `wxamplinkget`.
pub(crate) fn list_body(links: &mut AccountLinks, world: &World) -> Bytes {
    if let Some(body) = &links.cached_list {
        return body.clone();
    }
    let body = body_of(links.entries(), world);
    links.cached_list = Some(body.clone());
    body
}

/// The same with the links of an earlier time.
pub(crate) fn past_list_body(links: &AccountLinks, world: &World, at_ms: u64) -> Bytes {
    body_of(links.entries_at(at_ms).iter(), world)
}

fn body_of<'a>(entries: impl Iterator<Item = &'a LinkEntry>, world: &World) -> Bytes {
    let items = entries.filter_map(|entry| item(entry, world)).collect();
    let list = ListBody {
        errcode: 0,
        errmsg: "ok",
        wxopens: Items { items },
    };
    // Serialising texts, numbers and JSON cannot fail.
    Bytes::from(serde_json::to_vec(&list).unwrap_or_default())
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
            // An item that was refused has no appid, and none of the fields of a link.
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
        extra: no_extra_fields(),
    })
}

fn no_extra_fields() -> &'static Map<String, Value> {
    static EMPTY: OnceLock<Map<String, Value>> = OnceLock::new();
    EMPTY.get_or_init(Map::new)
}

#[derive(Serialize)]
struct ListBody<'a> {
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
        let mut wechat = WechatState::new(World::demo(), &Policy::default(), 0);
        let AccountView { links, world, .. } = wechat.account("wx0a00000000000003").unwrap();
        let body: Value = serde_json::from_slice(&list_body(links, world)).unwrap();
        let items = body["wxopens"]["items"].as_array().unwrap();
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
        assert!(links.cached_list.is_some());
    }

    #[test]
    fn a_changed_mini_program_changes_the_lists() {
        let mut wechat = WechatState::new(World::demo(), &Policy::default(), 0);
        let extra = Map::from_iter([("new_field".to_owned(), Value::from(7))]);
        for nickname in ["一", "二"] {
            let miniprogram = MiniProgram {
                nickname: nickname.to_owned(),
                extra: extra.clone(),
                ..MiniProgram::default()
            };
            wechat.put_miniprogram("wx0b00000000000011", miniprogram);
            let AccountView { links, world, .. } = wechat.account("wx0a00000000000003").unwrap();
            let body: Value = serde_json::from_slice(&list_body(links, world)).unwrap();
            assert_eq!(body["wxopens"]["items"][0]["nickname"], nickname);
            assert_eq!(body["wxopens"]["items"][0]["new_field"], 7);
        }
    }
}
