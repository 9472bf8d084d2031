//! The world that the simulator starts with by default. `docs/sandbox.md` lists it.

use std::collections::BTreeMap;

use crate::model::world::{
    Account, AuthorizationPage, Authorizer, Component, Lifetimes, LinkEntry, LinkState,
    MiniProgram, RefreshMode, Refusal, TICKET_LIFETIME_S, Token, TokenKind, UsedCode, World,
};

const ACCOUNT: &str = "wx0a00000000000001";
const SECOND_ACCOUNT: &str = "wx0a00000000000002";
const FULL_ACCOUNT: &str = "wx0a00000000000003";
const SERVICE_ACCOUNT: &str = "wx0a00000000000004";

impl World {
    /// The world that a simulator starts with by default: see `docs/sandbox.md`.
    pub fn demo() -> Self {
        let mut world = Self::default();
        accounts(&mut world);
        linkable_miniprograms(&mut world);
        refusing_miniprograms(&mut world);
        tokens(&mut world);
        world.component = Some(component());
        world
    }
}

fn accounts(world: &mut World) {
    let entry = |appid: &str, state| LinkEntry {
        appid: appid.to_owned(),
        state,
        from_console: false,
        selected: true,
    };
    // A link in every state, and one to a service account.
    let one_of_each = vec![
        entry("wx0b00000000000011", LinkState::Linked),
        entry("wx0b00000000000012", LinkState::WaitingOfficialAccount),
        entry("wx0b00000000000013", LinkState::WaitingMiniProgram),
        entry("wx0b00000000000014", LinkState::Refused),
        entry("wx0b00000000000015", LinkState::Unlinking),
        entry(SERVICE_ACCOUNT, LinkState::Linked),
    ];
    for (appid, nickname, links) in [
        (ACCOUNT, "示例公众号", None),
        (SECOND_ACCOUNT, "示例公众号二号", None),
        (FULL_ACCOUNT, "示例公众号三号", Some(one_of_each)),
        (SERVICE_ACCOUNT, "示例服务号", None),
    ] {
        let account = Account {
            nickname: nickname.to_owned(),
            links,
            ..Account::default()
        };
        world.accounts.insert(appid.to_owned(), account);
    }
}

fn linkable_miniprograms(world: &mut World) {
    let numbered = |number: u32, subject: Option<&str>| {
        let default = MiniProgram::default();
        let miniprogram = MiniProgram {
            nickname: format!("示例小程序{number:x}"),
            headimg_url: format!("http://wx.qlogo.cn/mmhead/sandbox-{number:016x}/0"),
            subject: subject.map_or(default.subject.clone(), str::to_owned),
            ..default
        };
        (format!("wx0b{number:014x}"), miniprogram)
    };
    // Enough of the accounts' own subject, and of others, to use up either quota.
    for number in (0x01..=0x0f).chain(0x11..=0x15) {
        world.miniprograms.extend([numbered(number, None)]);
    }
    for number in 0xd1..=0xd5 {
        let owner = format!("另一家公司{:x}", number & 0xf);
        world.miniprograms.extend([numbered(number, Some(&owner))]);
    }
}

fn refusing_miniprograms(world: &mut World) {
    for (number, nickname, refuses) in [
        (0xe1, "已封禁的小程序", Some(Refusal::Banned)),
        (0xe2, "海外主体的小程序", Some(Refusal::Overseas)),
        (0xe3, "不允许被关联的小程序", Some(Refusal::ForbidsLinking)),
        (0xe4, "关联已满的小程序", Some(Refusal::LimitReached)),
        (
            0xe5,
            "管理员绑定过多的小程序",
            Some(Refusal::AdministratorOverLimit),
        ),
        (0xe6, "手机号超限的小程序", Some(Refusal::PhoneOverLimit)),
        (0xe7, "附近的小程序", None),
        (0xe8, "门店小程序", Some(Refusal::Store)),
    ] {
        let miniprogram = MiniProgram {
            nickname: nickname.to_owned(),
            nearby: refuses.is_none(),
            refuses: refuses.into_iter().collect(),
            ..MiniProgram::default()
        };
        world
            .miniprograms
            .insert(format!("wx0b{number:014x}"), miniprogram);
    }
}

fn tokens(world: &mut World) {
    for (text, account, kind) in [
        ("SANDBOX-TOKEN", Some(ACCOUNT), TokenKind::Good),
        ("SANDBOX-TOKEN-2", Some(SECOND_ACCOUNT), TokenKind::Good),
        ("SANDBOX-TOKEN-3", Some(FULL_ACCOUNT), TokenKind::Good),
        ("SANDBOX-EXPIRED", Some(ACCOUNT), TokenKind::Expired),
        ("SANDBOX-REVOKED", Some(ACCOUNT), TokenKind::Revoked),
        ("SANDBOX-MALFORMED", None, TokenKind::Malformed),
        ("SANDBOX-COMPONENT", None, TokenKind::Component),
        (
            "SANDBOX-NO-PERMISSION",
            Some(ACCOUNT),
            TokenKind::NoPermission,
        ),
    ] {
        let account = account.map(str::to_owned);
        let token = Token {
            account,
            kind,
            ..Token::default()
        };
        world.tokens.insert(text.to_owned(), token);
    }
}

fn component() -> Component {
    let authorizer = |number: u64| Authorizer {
        refresh_token: format!("SANDBOX-REFRESH-{number}"),
        auth_time: Some(1_790_000_000 + number),
        ..Authorizer::default()
    };
    let accounts = [ACCOUNT, SECOND_ACCOUNT, FULL_ACCOUNT, SERVICE_ACCOUNT];
    let mut authorizers: BTreeMap<_, _> = accounts
        .into_iter()
        .map(str::to_owned)
        .zip((1..).map(authorizer))
        .collect();
    if let Some(service_account) = authorizers.get_mut(SERVICE_ACCOUNT) {
        service_account.permission = false;
    }
    Component {
        appid: "wx0c00000000000001".to_owned(),
        appsecret: "SANDBOX-COMPONENT-SECRET".to_owned(),
        ticket: "SANDBOX-TICKET".to_owned(),
        ticket_expires_in: TICKET_LIFETIME_S,
        earlier_tickets: BTreeMap::new(),
        refresh: RefreshMode::Rotating,
        used_code: UsedCode::Invalid,
        lifetimes: Lifetimes::default(),
        authorization_page: AuthorizationPage::default(),
        push: None,
        pre_auth_codes: BTreeMap::new(),
        authorization_codes: BTreeMap::new(),
        refreshes: 0,
        authorizers: Some(authorizers),
    }
}
