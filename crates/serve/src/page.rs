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
    /// WeChat or the store cannot be reached at the moment.
    Unavailable,
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
            Outcome::UnknownState => StatusCode::FORBIDDEN,
            Outcome::Refused => StatusCode::BAD_GATEWAY,
            Outcome::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The page with the button that leads to WeChat's page. `account` is the appid of the only account
/// that may authorise, if there is one.
pub(crate) fn start(lang: Lang, state: &str, account: Option<&str>) -> String {
    let title = Text {
        en: "Authorise mini programs to be linked",
        zh: "授权关联小程序",
    };
    let explanation = Text {
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
    let mut query = format!("state={state}");
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
        Lang::En => ("zh", "中文"),
        Lang::Zh => ("en", "English"),
    };
    let account = account.map_or(String::new(), |a| format!("&amp;account={}", encode(a)));
    let nav = format!(
        "<nav><a href=\"/authorize?lang={}{account}\" hreflang=\"{}\">{}</a></nav>\n",
        other.0, other.0, other.1
    );
    document(
        lang,
        title.get(lang),
        &format!("{nav}{}{body}", heading(title.get(lang))),
    )
}

/// The page about an outcome.
pub(crate) fn outcome(lang: Lang, outcome: &Outcome<'_>) -> String {
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
                en: "This page cannot be opened again",
                zh: "此页面无法再次打开",
            },
            Text {
                en: "It was opened before, too late, or in another browser. If you authorised on \
                     WeChat's page, nothing more needs to be done: WeChat notifies this service \
                     itself.",
                zh: "该页面已打开过、已过期，或是在其他浏览器中打开的。如果您已在微信的页面上授权，则无需\
                     再做任何操作：微信会自行通知本服务。",
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
        Outcome::Unavailable => (
            Text {
                en: "Please wait a moment",
                zh: "请稍候",
            },
            Text {
                en: "WeChat or this service is busy. If you authorised on WeChat's page, nothing is \
                     lost; else try again in a minute.",
                zh: "微信或本服务繁忙。如果您已在微信的页面上授权，结果不会丢失；否则请一分钟后重试。",
            },
        ),
        Outcome::BadLink => (
            Text {
                en: "This link is not complete",
                zh: "链接不完整",
            },
            Text {
                en: "Ask the operator of this service for a new one.",
                zh: "请向本服务的运营方索取新的链接。",
            },
        ),
    };
    let account = match outcome {
        Outcome::MayLink { account } | Outcome::MayNotLink { account } => {
            format!("<p class=\"note\">AppID {}</p>\n", escape(account))
        }
        _ => String::new(),
    };
    let again = match outcome {
        Outcome::MayNotLink { .. } | Outcome::NotAuthorized | Outcome::Refused => {
            let again = Text {
                en: "Authorise again",
                zh: "重新授权",
            };
            let code = lang_code(lang);
            let again = again.get(lang);
            format!("<p><a class=\"button\" href=\"/authorize?lang={code}\">{again}</a></p>\n")
        }
        _ => String::new(),
    };
    let title = title.get(lang);
    let text = text.get(lang);
    let body = format!("{}<p>{text}</p>\n{account}{again}", heading(title));
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
fn lang_code(lang: Lang) -> &'static str {
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
        let html = outcome(Lang::En, &Outcome::MayLink { account });
        assert!(html.contains("&lt;script&gt;&quot;&#39;&amp;"));
        assert!(!html.contains("<script"));
        let html = start(Lang::En, "0123", Some(account));
        assert!(!html.contains("<script"));
    }

    #[test]
    fn the_style_sheet_matches_its_hash() {
        let html = outcome(Lang::Zh, &Outcome::NotAuthorized);
        let style = html.split("<style>").nth(1).unwrap();
        let style = style.split("</style>").next().unwrap();
        let hash = digest::digest(&digest::SHA256, style.as_bytes());
        assert_eq!(
            style_hash(),
            format!("sha256-{}", BASE64_STANDARD.encode(hash))
        );
    }
}
