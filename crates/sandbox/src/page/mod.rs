//! The page on which an administrator authorises the platform, and its two decisions.
//!
//! It works without scripts. Everything that comes from a request is escaped. The simulator's own
//! page is in `panel`.

mod html;
pub(crate) mod panel;

use bytes::Bytes;

use crate::faults::plan::PlainResponse;
use crate::model::message::Message;
use crate::page::html::{decided_page, form_page, problem_page};
use crate::simulator::{Simulator, State};
use crate::wechat::events::{self, Authorize};
use crate::wechat::platform::{Platform, PreAuthProblem};
use crate::wechat::query::parameter;
use crate::wechat::redirect;

/// The paths of WeChat's pages: for a browser on a computer, and two for a browser in WeChat.
const PATHS: [&str; 3] = [
    "/cgi-bin/componentloginpage",
    "/safe/bindcomponent",
    "/wxaopen/safe/bindcomponent",
];
/// How many seconds after the redirect the event is pushed, if it comes after.
const EVENT_AFTER_S: u64 = 3;
/// How many accounts the page offers at most.
const MAX_OFFERED: usize = 500;

/// Whether a path is that of the page.
pub(crate) fn is_page_path(path: &str) -> bool {
    PATHS.contains(&path)
}

/// A request for the page.
pub(crate) struct PageRequest<'a> {
    /// Whether the administrator has decided.
    pub(crate) is_post: bool,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// The host of the page that holds the link.
    pub(crate) referer_host: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// Why the page shows nothing else.
enum Problem {
    Component,
    /// The page that holds the link is not on a registered domain.
    Referer(String),
    RedirectUri(Message),
    PreAuthCode(PreAuthProblem),
    Account,
}

impl Problem {
    /// The explanation, in Chinese and in English.
    fn texts(&self) -> [String; 2] {
        let [chinese, english] = match self {
            Self::Component => ["component_appid 不正确", "component_appid is invalid"],
            Self::Referer(domains) => {
                return [
                    format!(
                        "授权入口页必须在登记的域名上（{domains}）。请从该域名的网页点击链接打开本页"
                    ),
                    format!(
                        "The page that holds the link must be on a registered domain ({domains}). \
                         Open this page through a link on such a page, with \
                         referrerpolicy=\"origin\""
                    ),
                ];
            }
            Self::RedirectUri(Message { en, zh }) => {
                return [
                    format!("redirect_uri 不正确：{zh}"),
                    format!("redirect_uri is invalid: {en}"),
                ];
            }
            Self::PreAuthCode(PreAuthProblem::Unknown) => {
                ["预授权码不正确", "pre_auth_code is unknown"]
            }
            Self::PreAuthCode(PreAuthProblem::Used) => {
                ["预授权码已被使用", "pre_auth_code was used"]
            }
            Self::PreAuthCode(PreAuthProblem::Expired) => {
                ["预授权码已过期", "pre_auth_code has expired"]
            }
            Self::Account => ["公众号不存在", "The account does not exist"],
        };
        [chinese.to_owned(), english.to_owned()]
    }
}

/// Shows the page, or carries out the administrator's decision.
pub(crate) async fn respond(simulator: &Simulator, request: PageRequest<'_>) -> PlainResponse {
    let decided = if request.is_post {
        decide(&mut simulator.state(), &request)
    } else {
        show(&mut simulator.state(), &request).map(Decided::Page)
    };
    match decided {
        Ok(Decided::Page(html)) => page(200, html),
        Ok(Decided::Redirect {
            location,
            event_first,
        }) => {
            simulator.wait_for_first_tries(&event_first).await;
            PlainResponse {
                status: 302,
                location: Some(location),
                ..page(302, String::new())
            }
        }
        Ok(Decided::Done { html, event_first }) => {
            simulator.wait_for_first_tries(&event_first).await;
            page(200, html)
        }
        Err(problem) => page(400, problem_page(&problem.texts())),
    }
}

fn page(status: u16, html: String) -> PlainResponse {
    PlainResponse {
        status,
        content_type: "text/html; charset=utf-8",
        location: None,
        body: Bytes::from(html),
    }
}

/// What follows a request.
enum Decided {
    Page(String),
    Redirect {
        location: String,
        /// The pushes to wait for.
        event_first: Vec<u64>,
    },
    Done {
        html: String,
        event_first: Vec<u64>,
    },
}

/// The parameters of the page, checked.
struct Checked {
    pre_auth_code: String,
    redirect_uri: String,
    biz_appid: Option<String>,
}

fn check(state: &State, request: &PageRequest) -> Result<Checked, Problem> {
    let given = |name| {
        let value = parameter(request.query, name);
        value.map(std::borrow::Cow::into_owned)
    };
    let text = |name| given(name).unwrap_or_default();
    let platform: &Platform = state
        .wechat
        .platform
        .as_ref()
        .filter(|platform| platform.appid == text("component_appid"))
        .ok_or(Problem::Component)?;
    let domains = &platform.page.domains;
    let is_own_link = request
        .referer_host
        .is_some_and(|host| redirect::is_registered(host, domains));
    // The decision comes from the page itself.
    if platform.page.check_referer && !request.is_post && !is_own_link {
        return Err(Problem::Referer(domains.join(", ")));
    }
    let redirect_uri = text("redirect_uri");
    redirect::check(&redirect_uri, domains).map_err(Problem::RedirectUri)?;
    let pre_auth_code = text("pre_auth_code");
    platform
        .check_pre_auth_code(&pre_auth_code, state.clock.now_ms())
        .map_err(Problem::PreAuthCode)?;
    let biz_appid = given("biz_appid");
    let accounts = &state.wechat.world().accounts;
    if biz_appid
        .as_ref()
        .is_some_and(|appid| !accounts.contains_key(appid))
    {
        return Err(Problem::Account);
    }
    Ok(Checked {
        pre_auth_code,
        redirect_uri,
        biz_appid,
    })
}

fn show(state: &mut State, request: &PageRequest) -> Result<String, Problem> {
    let checked = check(state, request)?;
    let accounts = state.wechat.world().accounts.iter();
    let offered: Vec<_> = accounts
        .filter(|(appid, _)| checked.biz_appid.as_ref().is_none_or(|only| only == *appid))
        .take(MAX_OFFERED)
        .map(|(appid, account)| (&**appid, &*account.nickname))
        .collect();
    let action = format!("{}?{}", request.path, request.query);
    Ok(form_page(&action, &offered))
}

fn decide(state: &mut State, request: &PageRequest) -> Result<Decided, Problem> {
    let checked = check(state, request)?;
    let form = String::from_utf8_lossy(request.body);
    let field = |name| parameter(&form, name).unwrap_or_default();
    let now_ms = state.clock.now_ms();
    if field("decision") != "approve" {
        if let Some(platform) = &mut state.wechat.platform {
            platform.use_pre_auth_code(&checked.pre_auth_code);
        }
        return Ok(Decided::Page(decided_page(false)));
    }
    let account = checked
        .biz_appid
        .unwrap_or_else(|| field("account").into_owned());
    if !state.wechat.world().accounts.contains_key(&account) {
        return Err(Problem::Account);
    }
    let order = field("event");
    let consent = Authorize {
        account: &account,
        permission: field("permission") == "1",
        pre_auth_code: &checked.pre_auth_code,
        events: match (&*order, &*field("times")) {
            ("none", _) => Some(0),
            (_, "1") => Some(1),
            (_, "2") => Some(2),
            _ => None,
        },
        event_after_s: if order == "after" { EVENT_AFTER_S } else { 0 },
    };
    state.revision += 1;
    let authorized =
        events::authorize(&mut state.wechat, consent, now_ms).ok_or(Problem::Component)?;
    let event_first = if order == "after" {
        Vec::new()
    } else {
        authorized.pushes
    };
    Ok(if field("redirect") == "1" {
        Decided::Redirect {
            location: redirect::with_code(&checked.redirect_uri, &authorized.consent),
            event_first,
        }
    } else {
        Decided::Done {
            html: decided_page(true),
            event_first,
        }
    })
}
