//! The pages that merchants see, in Chinese and English. They need no scripts.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest;
use wxlink::{Lang, Text};

const STYLE: &str = "\
body{margin:0;font:16px/1.6 system-ui,\"PingFang SC\",\"Microsoft YaHei\",sans-serif;color:#1a1a1a;\
background:#f4f5f4}\
main{max-width:34rem;margin:12vh auto 0;padding:2rem 1.5rem;background:#fff;border-radius:12px}\
h1{font-size:1.35rem;margin:0 0 .75rem}\
p{margin:0 0 1rem}\
ul{padding-left:1.25rem;margin:0 0 1rem}\
.button{display:inline-block;padding:.7rem 1.6rem;border-radius:8px;background:#087443;color:#fff;\
text-decoration:none;font-weight:600}\
.button:focus-visible{outline:3px solid #1a1a1a;outline-offset:2px}\
.button:hover{background:#065c35}\
.note{color:#595959;font-size:.9rem}\
nav{text-align:right;font-size:.9rem;margin-bottom:1rem}\
nav a{color:#087443}\
@media(max-width:36rem){main{margin:0;min-height:100vh;box-sizing:border-box;border-radius:0}}\
@media(prefers-color-scheme:dark){body{background:#161816;color:#eee}main{background:#222522}\
.note{color:#b5b5b5}nav a{color:#6fd3a0}}";

/// The hash of the style sheet, for a page's Content-Security-Policy.
pub(crate) fn style_hash() -> String {
    let hash = digest::digest(&digest::SHA256, STYLE.as_bytes());
    format!("sha256-{}", BASE64_STANDARD.encode(hash))
}

/// What the page says to a merchant who came back from WeChat, or did not get there.
pub(crate) enum Outcome<'a> {
    /// The account has authorised the platform, and mini programs can be linked to it.
    MayLink { account: &'a str },
    /// The account has authorised the platform without the permission to link.
    MayNotLink { account: &'a str },
    /// WeChat sent no code: the administrator refused or gave up.
    NotAuthorized,
    /// The page was opened twice, late, or in another browser.
    UnknownState,
    /// WeChat refused the code.
    Refused,
    /// The code is stored, and could not be exchanged yet.
    Kept,
    /// The code could not be stored.
    NotKept,
    /// WeChat or the store cannot be reached at the moment.
    Unavailable,
    /// WeChat refuses the service itself, for instance its address.
    NeedsOperator,
    /// The link to this service is wrong.
    BadLink,
}

impl Outcome<'_> {
    /// The HTTP status of the page about it.
    pub fn status(&self) -> StatusCode {
        match self {
            Outcome::MayLink { .. } | Outcome::MayNotLink { .. } | Outcome::NotAuthorized => {
                StatusCode::OK
            }
            Outcome::BadLink => StatusCode::BAD_REQUEST,
            Outcome::Kept => StatusCode::ACCEPTED,
            Outcome::UnknownState => StatusCode::FORBIDDEN,
            Outcome::Refused | Outcome::NeedsOperator => StatusCode::BAD_GATEWAY,
            Outcome::NotKept | Outcome::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The button on the page about it.
    fn button(&self) -> Option<Button> {
        match self {
            Outcome::MayNotLink { .. }
            | Outcome::NotAuthorized
            | Outcome::UnknownState
            | Outcome::Refused => Some(Button::Authorize),
            Outcome::Kept | Outcome::NotKept | Outcome::Unavailable => Some(Button::Reload),
            Outcome::MayLink { .. } | Outcome::NeedsOperator | Outcome::BadLink => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Button {
    /// Starts another authorisation.
    Authorize,
    /// Loads the same page.
    Reload,
}

/// Where the buttons of a page about an outcome lead to.
pub(crate) struct Again<'a> {
    /// The appid of the only account that may authorise, if there is one.
    pub account: Option<&'a str>,
    /// The path and query of this page.
    pub url: &'a str,
}

/// What the first page depends on.
pub(crate) struct Start<'a> {
    pub state: &'a str,
    /// The appid of the only account that may authorise, if there is one.
    pub account: Option<&'a str>,
    /// Whether it is shown inside WeChat, whose page then has no QR code.
    pub is_wechat: bool,
}

/// The page with the button that leads to WeChat's page.
pub(crate) fn start(lang: Lang, start: &Start<'_>) -> String {
    let Start { state, account, .. } = *start;
    let title = Text {
        en: "Authorise mini programs to be linked",
        zh: "授权关联小程序",
    };
    let in_wechat = Text {
        en: "The administrator of the Official Account continues on WeChat's page. Keep the \
             permission for managing mini programs ticked: without it no mini program can be linked.",
        zh: "请由公众号管理员在微信的页面上继续操作。请保留小程序管理权限的勾选：\
             没有该权限就无法关联小程序。",
    };
    let on_computer = Text {
        en: "The administrator of the Official Account continues on WeChat's page and scans its QR \
             code there. Keep the permission for managing mini programs ticked: without it no mini \
             program can be linked.",
        zh: "请由公众号管理员在微信的页面上继续操作，并扫描页面上的二维码。请保留小程序管理权限的勾选：\
             没有该权限就无法关联小程序。",
    };
    let button = Text {
        en: "Continue on WeChat",
        zh: "前往微信授权",
    };
    let explanation = if start.is_wechat {
        in_wechat
    } else {
        on_computer
    };
    let mut query = format!("state={state}&amp;lang={}", lang_code(lang));
    if let Some(account) = account {
        query += &format!("&amp;account={}", encode(account));
    }
    let body = format!(
        "<p>{}</p>\n<p><a class=\"button\" href=\"/authorize/continue?{query}\" \
         referrerpolicy=\"origin\" rel=\"nofollow\">{}</a></p>\n",
        explanation.get(lang),
        button.get(lang)
    );
    let other = match lang {
        Lang::En => (Lang::Zh, "中文"),
        Lang::Zh => (Lang::En, "English"),
    };
    let nav = format!(
        "<nav><a href=\"{}\" hreflang=\"{}\">{}</a></nav>\n",
        start_url(other.0, account),
        lang_code(other.0),
        other.1
    );
    document(
        lang,
        title.get(lang),
        &format!("{nav}{}{body}", heading(title.get(lang))),
    )
}

/// The URL of the first page, for an attribute in HTML.
fn start_url(lang: Lang, account: Option<&str>) -> String {
    let account = account.map_or(String::new(), |a| format!("&amp;account={}", encode(a)));
    format!("/authorize?lang={}{account}", lang_code(lang))
}

/// The page about an outcome.
pub(crate) fn outcome(lang: Lang, outcome: &Outcome<'_>, again: &Again<'_>) -> String {
    let (title, text) = match outcome {
        Outcome::MayLink { .. } => (
            Text {
                en: "Authorised",
                zh: "授权成功",
            },
            Text {
                en: "Mini programs can now be linked to this Official Account. You can close this \
                     page.",
                zh: "现在可以为该公众号关联小程序了。您可以关闭此页面。",
            },
        ),
        Outcome::MayNotLink { .. } => (
            Text {
                en: "Authorised, but one permission is missing",
                zh: "已授权，但缺少一项权限",
            },
            Text {
                en: "Mini programs cannot be linked to this Official Account: permission set 33, for \
                     managing mini programs, was not granted. Authorise again and keep it ticked.",
                zh: "无法为该公众号关联小程序：未授予权限集 33（小程序管理）。请重新授权，并保留该权限的勾选。",
            },
        ),
        Outcome::NotAuthorized => (
            Text {
                en: "Not authorised",
                zh: "未授权",
            },
            Text {
                en: "WeChat returned without an authorisation. Nothing has changed.",
                zh: "微信未返回授权结果，没有任何变更。",
            },
        ),
        Outcome::UnknownState => (
            Text {
                en: "This page cannot be opened",
                zh: "无法打开此页面",
            },
            Text {
                en: "It was opened too late or in another browser. If a page has confirmed your \
                     authorisation before, nothing more needs to be done; otherwise authorise again.",
                zh: "该页面已过期，或是在其他浏览器中打开的。如果之前的页面已确认您的授权，则无需再做\
                     任何操作；否则请重新授权。",
            },
        ),
        Outcome::Refused => (
            Text {
                en: "WeChat did not confirm the authorisation",
                zh: "微信未确认授权",
            },
            Text {
                en: "Authorise again. If this happens once more, ask the operator of this service.",
                zh: "请重新授权。如再次出现，请联系本服务的运营方。",
            },
        ),
        Outcome::Kept => (
            Text {
                en: "Your authorisation is stored",
                zh: "您的授权已保存",
            },
            Text {
                en: "WeChat has not confirmed it yet. This service asks again by itself for an hour: \
                     you can close this page, or try again to see the result.",
                zh: "微信尚未确认。本服务会在一小时内自动重试：您可以关闭此页面，也可以点击重试查看结果。",
            },
        ),
        Outcome::NotKept => (
            Text {
                en: "Your authorisation could not be stored",
                zh: "您的授权未能保存",
            },
            Text {
                en: "You authorised on WeChat's page, but this service cannot store the result at \
                     the moment. Keep this page open and try again in a minute.",
                zh: "您已在微信的页面上授权，但本服务暂时无法保存结果。请不要关闭此页面，一分钟后重试。",
            },
        ),
        Outcome::Unavailable => (
            Text {
                en: "Please wait a moment",
                zh: "请稍候",
            },
            Text {
                en: "WeChat or this service is busy. Try again in a minute.",
                zh: "微信或本服务繁忙。请一分钟后重试。",
            },
        ),
        Outcome::NeedsOperator => (
            Text {
                en: "This service is not ready",
                zh: "本服务尚未就绪",
            },
            Text {
                en: "WeChat refuses its requests. Ask the operator of this service.",
                zh: "微信拒绝了本服务的请求。请联系本服务的运营方。",
            },
        ),
        Outcome::BadLink => (
            Text {
                en: "This link is not valid",
                zh: "链接无效",
            },
            Text {
                en: "Ask the operator of this service for a new one.",
                zh: "请向本服务的运营方索取新的链接。",
            },
        ),
    };
    let authorized = match outcome {
        Outcome::MayLink { account } | Outcome::MayNotLink { account } => {
            format!("<p class=\"note\">AppID {}</p>\n", escape(account))
        }
        _ => String::new(),
    };
    let button = outcome.button().map_or(String::new(), |button| {
        let (label, url) = match button {
            Button::Authorize => (
                Text {
                    en: "Authorise again",
                    zh: "重新授权",
                },
                start_url(lang, again.account),
            ),
            Button::Reload => (
                Text {
                    en: "Try again",
                    zh: "重试",
                },
                escape(again.url),
            ),
        };
        format!(
            "<p><a class=\"button\" href=\"{url}\">{}</a></p>\n",
            label.get(lang)
        )
    });
    let title = title.get(lang);
    let text = text.get(lang);
    let body = format!("{}<p>{text}</p>\n{authorized}{button}", heading(title));
    document(lang, title, &body)
}

fn heading(title: &str) -> String {
    format!("<h1>{title}</h1>\n")
}

fn document(lang: Lang, title: &str, body: &str) -> String {
    let code = match lang {
        Lang::En => "en",
        Lang::Zh => "zh-CN",
    };
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n"
    )
}

/// The value of the parameter `lang` for this language.
pub(crate) fn lang_code(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Zh => "zh",
    }
}

/// The language of a page: that of the parameter `lang`, else the one that the browser prefers.
pub(crate) fn language(parameter: Option<&str>, accept_language: Option<&str>) -> Lang {
    match parameter {
        Some("zh") => return Lang::Zh,
        Some("en") => return Lang::En,
        _ => {}
    }
    let accepted = accept_language.unwrap_or_default().to_ascii_lowercase();
    let position = |code: &str| {
        let mut tags = accepted.split(',').map(str::trim);
        tags.position(|tag| tag.starts_with(code))
    };
    match (position("zh"), position("en")) {
        (None, Some(_)) => Lang::En,
        (Some(zh), Some(en)) if en < zh => Lang::En,
        _ => Lang::Zh,
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_asked_for_or_preferred() {
        for (parameter, header, lang) in [
            (Some("en"), Some("zh-CN"), Lang::En),
            (Some("zh"), Some("en-GB"), Lang::Zh),
            (None, Some("en-GB,en;q=0.9,zh;q=0.8"), Lang::En),
            (None, Some("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh),
            (None, Some("fr"), Lang::Zh),
            (Some("xx"), None, Lang::Zh),
        ] {
            assert_eq!(
                language(parameter, header),
                lang,
                "{parameter:?} {header:?}"
            );
        }
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let account = "<script>\"'&";
        let again = Again {
            account: Some(account),
            url: account,
        };
        let html = outcome(Lang::En, &Outcome::MayLink { account }, &again);
        assert!(html.contains("&lt;script&gt;&quot;&#39;&amp;"));
        assert!(!html.contains("<script"));
        let first = Start {
            state: "0123",
            account: Some(account),
            is_wechat: false,
        };
        assert!(!start(Lang::En, &first).contains("<script"));
        for page in [Outcome::Refused, Outcome::Kept, Outcome::NotKept] {
            let html = outcome(Lang::En, &page, &again);
            assert!(html.contains("class=\"button\"") && !html.contains("<script"));
        }
    }

    #[test]
    fn the_style_sheet_matches_its_hash() {
        let again = Again {
            account: None,
            url: "/",
        };
        let html = outcome(Lang::Zh, &Outcome::NotAuthorized, &again);
        let style = html.split("<style>").nth(1).unwrap();
        let style = style.split("</style>").next().unwrap();
        let hash = digest::digest(&digest::SHA256, style.as_bytes());
        assert_eq!(
            style_hash(),
            format!("sha256-{}", BASE64_STANDARD.encode(hash))
        );
    }
}
