//! The HTML of the authorisation page, in Chinese and in English.

/// The part of each page before its body.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n\
    <title>公众号授权 – wxlink sandbox</title>\n\
    <style>body{font:16px/1.6 sans-serif;max-width:36em;margin:2em auto;padding:0 1em}\
    label{display:block;margin:1em 0}small{color:#666}button{font:inherit;padding:.4em 1.2em}\
    </style></head><body>\n\
    <p><small>这是模拟器，不是微信。 This is a simulator, not WeChat.</small></p>\n";
const END: &str = "</body></html>\n";

/// The page with the form. `action` is where it is sent; `accounts` are appids and names.
pub(super) fn form_page(action: &str, accounts: &[(&str, &str)]) -> String {
    let options: String = accounts
        .iter()
        .map(|(appid, name)| {
            let (appid, name) = (escaped(appid), escaped(name));
            format!("<option value=\"{appid}\">{name} ({appid})</option>\n")
        })
        .collect();
    let action = escaped(action);
    format!(
        "{HEAD}<h1>授权第三方平台 <small>Authorise the platform</small></h1>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <label>公众号 Official Account<br><select name=\"account\">\n{options}</select></label>\n\
         <label><input type=\"checkbox\" name=\"permission\" value=\"1\" checked> \
         权限集 33：关联小程序 <small>Permission set 33, which linking needs</small></label>\n\
         <label>事件 Event<br><select name=\"event\">\n\
         <option value=\"before\">跳转之前 before the redirect</option>\n\
         <option value=\"after\">跳转之后 after the redirect</option>\n\
         <option value=\"none\">不推送 not at all</option>\n</select></label>\n\
         <label>次数 How often<br><select name=\"times\">\n\
         <option value=\"\">有变化时一次 once, if anything changes</option>\n\
         <option value=\"1\">一次 once</option>\n\
         <option value=\"2\">两次 twice</option>\n</select></label>\n\
         <label><input type=\"checkbox\" name=\"redirect\" value=\"1\" checked> \
         跳转到 redirect_uri <small>Redirect to redirect_uri</small></label>\n\
         <p><button name=\"decision\" value=\"approve\">授权 Approve</button>\n\
         <button name=\"decision\" value=\"refuse\">拒绝 Refuse</button></p>\n\
         </form>\n{END}"
    )
}

/// The page after a decision without a redirect.
pub(super) fn decided_page(approved: bool) -> String {
    let text = if approved {
        "已授权，没有跳转。 Approved, without a redirect."
    } else {
        "已拒绝，没有跳转。 Refused, without a redirect."
    };
    format!("{HEAD}<p>{text}</p>\n{END}")
}

/// The page that explains a problem.
pub(super) fn problem_page(texts: &[String]) -> String {
    let texts: String = texts
        .iter()
        .map(|text| format!("<p>{}</p>\n", escaped(text)))
        .collect();
    format!("{HEAD}<h1>无法授权 <small>Not possible</small></h1>\n{texts}{END}")
}

/// A text for the content of an element or a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let evil = "\"'><script>alert(1)</script>&";
        let pages = [
            form_page(evil, &[(evil, evil)]),
            problem_page(&[evil.to_owned()]),
        ];
        for page in pages {
            assert!(!page.contains("<script>") && !page.contains(evil));
            assert!(page.contains("&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"));
        }
    }
}
