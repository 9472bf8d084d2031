//! Tokens, tickets and secrets as people pass them: with what a file, an editor or a copy puts
//! around them, or still in the JSON or XML in which WeChat sent them. Texts that cannot be one are
//! refused, because WeChat would only answer that they are wrong.

use std::borrow::Cow;

use super::limits::MAX_TOKEN_BYTES;
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::response::token_fields;

/// The kind of a secret: the names of the fields that contain it, the usual one first.
#[derive(Clone, Copy)]
pub(crate) struct SecretKind(&'static [&'static str]);

/// An access token.
pub(crate) const ACCESS_TOKEN: SecretKind = SecretKind(&[
    "access_token",
    "authorizer_access_token",
    "component_access_token",
]);
/// An account's refresh token.
pub(crate) const REFRESH_TOKEN: SecretKind =
    SecretKind(&["authorizer_refresh_token", "refresh_token"]);
/// A platform's ticket.
pub(crate) const TICKET: SecretKind =
    SecretKind(&["ComponentVerifyTicket", "component_verify_ticket"]);
/// A platform's appsecret.
pub(crate) const APPSECRET: SecretKind = SecretKind(&["component_appsecret", "appsecret"]);

/// Characters of JSON, XML and shells. No secret of WeChat's contains one.
const SYNTAX: [char; 8] = ['"', '\'', '`', '<', '>', '{', '}', '\\'];

/// What programs print in place of a value that they do not have.
pub(crate) const NO_VALUES: [&str; 7] =
    ["null", "nil", "none", "undefined", "nan", "true", "false"];

/// Reads a secret. What is around it is removed: blanks, line ends, invisible characters, a pair of
/// quotes, or the JSON or XML that it is a field of.
///
/// # Errors
/// Why the text is not a secret of this kind, as a predicate. It never contains the text.
pub(crate) fn parse(kind: SecretKind, text: &str) -> Result<Cow<'_, str>, Message> {
    if is_plain(text) && !is_no_value(text) {
        return Ok(Cow::Borrowed(text));
    }
    // Without it, the rest of a terminal's escape sequence would be taken for a part of the secret.
    if text.contains('\u{1b}') {
        return Err(odd_character('\u{1b}', CONTROL));
    }
    let text = bare(text);
    let secret = match text.as_bytes().first() {
        Some(b'{') => kind.in_json(text)?,
        Some(b'<') => Cow::Borrowed(kind.in_xml(text)?),
        _ => Cow::Borrowed(kind.after_name(text).map_or(text, bare)),
    };
    check(&secret)?;
    Ok(secret)
}

/// Whether it is one of [`NO_VALUES`], in any case.
fn is_no_value(text: &str) -> bool {
    NO_VALUES.iter().any(|none| text.eq_ignore_ascii_case(none))
}

/// Whether it contains a bracket or a quote of XML or JSON in the form that HTML or a URL gives it.
fn is_escaped(text: &str) -> bool {
    const ESCAPED: [&str; 8] = ["&lt;", "&gt;", "&quot;", "&#", "%3c", "%3e", "%22", "%7b"];
    text.contains(['&', '%']) && {
        let text = text.to_ascii_lowercase();
        ESCAPED.iter().any(|escaped| text.contains(escaped))
    }
}

/// The text without blanks, line ends, NULs, invisible characters and pairs of quotes around it.
pub(crate) fn bare(text: &str) -> &str {
    let trimmed = text.trim_matches(is_around);
    let quotes = ['"', '\'', '`'].into_iter();
    let unquoted = quotes
        .filter_map(|quote| trimmed.strip_prefix(quote)?.strip_suffix(quote))
        .next();
    unquoted.map_or(trimmed, bare)
}

/// Whether nothing has to be removed or refused. The name of the secret may precede a `=`, and `&`
/// or `%` may start an escape.
fn is_plain(text: &str) -> bool {
    let is_syntax = |byte| SYNTAX.iter().fold(false, |any, c| any | (*c as u8 == byte));
    let is_usual =
        |byte: u8| byte.is_ascii_graphic() & !matches!(byte, b'=' | b'&' | b'%') & !is_syntax(byte);
    // Every call looks at each byte of its token. Compilers vectorise this, because nothing in it
    // ends early.
    let are_usual = || text.bytes().fold(true, |all, byte| all & is_usual(byte));
    (1..=MAX_TOKEN_BYTES).contains(&text.len()) && are_usual()
}

/// Whether a character may be around a secret: it shows nothing.
fn is_around(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Zero-width characters, marks of the writing direction, and the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
    )
}

/// Checks a secret that nothing has to be removed from.
///
/// # Errors
/// As [`parse`].
pub(crate) fn check(secret: &str) -> Result<(), Message> {
    if secret.is_empty() {
        return Err(Message::new("is empty", "为空"));
    }
    if secret.len() > MAX_TOKEN_BYTES {
        return Err(message!(
            "is longer than {MAX_TOKEN_BYTES} bytes",
            "超过 {MAX_TOKEN_BYTES} 字节"
        ));
    }
    if is_no_value(secret) {
        return Err(Message::new(
            "is null or the like, in place of a value",
            "是 null 之类的空值",
        ));
    }
    if is_escaped(secret) {
        return Err(Message::new(
            "is escaped for HTML or a URL; pass the value alone, as WeChat sent it",
            "是经过 HTML 或 URL 转义的文本；请只传入该值，不作转义",
        ));
    }
    let is_odd = |c: char| !c.is_ascii_graphic() || SYNTAX.contains(&c);
    let Some(odd) = secret.chars().find(|c| is_odd(*c)) else {
        return Ok(());
    };
    let what = match odd {
        ' ' | '\t' => BLANK,
        c if c.is_control() => CONTROL,
        c if c.is_whitespace() => BLANK,
        c if is_invisible(c) => INVISIBLE,
        _ => OTHER,
    };
    Err(odd_character(odd, what))
}

fn odd_character(odd: char, what: Text) -> Message {
    let code = format!("U+{:04X}", u32::from(odd));
    let (en, zh) = (what.en, what.zh);
    message!(
        "contains {en} ({code}), which WeChat's never do; pass the value alone, unchanged",
        "含有{zh}（{code}），微信的值中不会有；请只传入该值，不作改动"
    )
}

const BLANK: Text = Text {
    en: "a blank",
    zh: "空白",
};
const CONTROL: Text = Text {
    en: "a control character",
    zh: "控制字符",
};
const INVISIBLE: Text = Text {
    en: "an invisible character",
    zh: "不可见字符",
};
const OTHER: Text = Text {
    en: "a character",
    zh: "字符",
};

impl SecretKind {
    /// What follows the name of the kind, as in `access_token=…` or `WXLINK_ACCESS_TOKEN=…`.
    fn after_name(self, text: &str) -> Option<&str> {
        let (before, value) = text.split_once('=')?;
        let is_name = |name: &str| {
            let at = before.len().checked_sub(name.len())?;
            let end = before.get(at..)?;
            let is_whole = at == 0 || matches!(before.as_bytes()[at - 1], b'_' | b' ');
            Some(is_whole && end.eq_ignore_ascii_case(name))
        };
        let mut names = self.0.iter();
        names
            .any(|name| is_name(name) == Some(true))
            .then_some(value)
    }

    fn in_json<'a>(self, json: &'a str) -> Result<Cow<'a, str>, Message> {
        let found = |name| token_fields::texts(json.as_bytes(), name);
        let secret = self.the_only(found)?.ok_or_else(|| {
            let name = self.0[0];
            message!(
                "is JSON without a readable {name}; pass the value alone",
                "是没有可读 {name} 的 JSON；请只传入该值"
            )
        })?;
        Ok(match secret {
            Cow::Borrowed(secret) => Cow::Borrowed(bare(secret)),
            Cow::Owned(secret) => Cow::Owned(bare(&secret).to_owned()),
        })
    }

    fn in_xml(self, xml: &str) -> Result<&str, Message> {
        let secret = self.the_only(|name| elements(xml, name))?.flatten();
        let secret = secret.ok_or_else(|| {
            let name = self.0[0];
            if xml.contains("<Encrypt>") {
                message!(
                    "is a push that is still encrypted; decrypt it, and pass its {name}",
                    "是尚未解密的推送；请先解密，再传入其中的 {name}"
                )
            } else {
                message!(
                    "is XML or HTML without a {name}; pass the value alone",
                    "是没有 {name} 的 XML 或 HTML；请只传入该值"
                )
            }
        })?;
        let inner = secret.strip_prefix("<![CDATA[");
        Ok(inner
            .and_then(|content| content.strip_suffix("]]>"))
            .map_or(secret, bare))
    }

    /// The value of the first name that is found; `None` if none is.
    ///
    /// # Errors
    /// The name is found more than once: which of its values is meant is unknown.
    fn the_only<T, I: Iterator<Item = T>>(
        self,
        find: impl Fn(&'static str) -> I,
    ) -> Result<Option<T>, Message> {
        for name in self.0 {
            let mut found = find(name);
            match (found.next(), found.next()) {
                (None, _) => {}
                (only, None) => return Ok(only),
                (Some(_), Some(_)) => {
                    return Err(message!(
                        "contains {name} more than once; pass the value alone",
                        "含有多个 {name}；请只传入该值"
                    ));
                }
            }
        }
        Ok(None)
    }
}

/// The contents of the elements of XML with this name; `None` for one that is not closed.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = Option<&'a str>> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        (_, rest) = rest.split_once(&*start)?;
        Some(rest.split_once(&*end).map(|(content, _)| bare(content)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lang::Lang;

    #[test]
    fn a_value_behind_its_name_is_read_and_one_that_is_none_is_refused() {
        for text in [
            "access_token=T",
            "WXLINK_ACCESS_TOKEN=T",
            "export ACCESS_TOKEN='T'\n",
            "authorizer_access_token= T",
        ] {
            assert_eq!(parse(ACCESS_TOKEN, text).unwrap(), "T", "{text}");
        }
        // These are values as they are.
        for text in ["T=1", "token=T", "xaccess_token=T"] {
            assert_eq!(parse(ACCESS_TOKEN, text).unwrap(), text);
        }
        let ticket = parse(TICKET, "component_verify_ticket=ticket@@@T");
        assert_eq!(ticket.unwrap(), "ticket@@@T");
        for text in [
            "null",
            "Undefined",
            "access_token=null",
            "\u{1b}[0mT\u{1b}[0m",
        ] {
            assert!(parse(ACCESS_TOKEN, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_around_a_secret_is_removed() {
        for text in [
            "ticket@@@T-1_2=",
            " ticket@@@T-1_2=\r\n",
            "\u{feff}ticket@@@T-1_2=\n\n",
            "\u{200b}ticket@@@T-1_2=\u{2060}\0",
            "\u{3000}\t'ticket@@@T-1_2=' ",
            "\"ticket@@@T-1_2=\"",
            "\" 'ticket@@@T-1_2=' \"",
            "{\"component_verify_ticket\": \"ticket@@@T-1_2=\"}",
            "{\"InfoType\":\"component_verify_ticket\",\"ComponentVerifyTicket\":\" \
             ticket\\u0040@@T-1_2=\"}",
            "<xml><AppId>wx1</AppId>\n<ComponentVerifyTicket><![CDATA[ticket@@@T-1_2=]]>\
             </ComponentVerifyTicket></xml>",
            "\u{feff}<xml><ComponentVerifyTicket> <![CDATA[ ticket@@@T-1_2= ]]>\n\
             </ComponentVerifyTicket>",
            "<ComponentVerifyTicket>ticket@@@T-1_2=</ComponentVerifyTicket>",
        ] {
            let read = parse(TICKET, text);
            assert_eq!(read.as_deref(), Ok("ticket@@@T-1_2="), "{text:?}");
        }
        let json = r#"{"errcode":0,"access_token":"T\/1","expires_in":7200}"#;
        assert_eq!(parse(ACCESS_TOKEN, json).as_deref(), Ok("T/1"));
    }

    #[test]
    fn a_text_that_is_no_secret_is_refused_without_repeating_it() {
        let long = "k".repeat(MAX_TOKEN_BYTES + 1);
        for (text, says) in [
            ("", "is empty"),
            (" \r\n", "is empty"),
            ("\u{feff}", "is empty"),
            ("''", "is empty"),
            (&*long, "longer than 4096"),
            ("SECRET SECRET", "a blank (U+0020)"),
            ("SECRET\u{a0}SECRET", "a blank (U+00A0)"),
            ("SECRET\r\nSECRET", "a control character (U+000D)"),
            ("SECRET\u{7f}SECRET", "a control character (U+007F)"),
            ("SECRET\u{85}SECRET", "a control character (U+0085)"),
            ("SECRET\u{200b}SECRET", "an invisible character (U+200B)"),
            ("SECRET令牌", "a character (U+4EE4)"),
            ("\"SECRET", "a character (U+0022)"),
            ("SECRET'", "a character (U+0027)"),
            ("“SECRET”", "a character (U+201C)"),
            ("Bearer SECRET", "a blank"),
            (
                "{\"ticket\":\"SECRET\"}",
                "JSON without a readable ComponentVerifyTicket",
            ),
            ("{\"component_verify_ticket\":\"SECRET", "JSON without"),
            ("{\"component_verify_ticket\":\"SEC RET\"}", "a blank"),
            (
                "{\"component_verify_ticket\":\"SECRET\",\"component_verify_ticket\":\"SECOND\"}",
                "component_verify_ticket more than once",
            ),
            (
                "<ComponentVerifyTicket>SECRET</ComponentVerifyTicket>\
                 <ComponentVerifyTicket>SECOND</ComponentVerifyTicket>",
                "ComponentVerifyTicket more than once",
            ),
            (
                "<ComponentVerifyTicket>SECRET</ComponentVerifyTicket><ComponentVerifyTicket>",
                "ComponentVerifyTicket more than once",
            ),
            (
                "&lt;ComponentVerifyTicket&gt;SECRET&lt;/ComponentVerifyTicket&gt;",
                "escaped for HTML or a URL",
            ),
            (
                "<xml>&lt;ComponentVerifyTicket&gt;SECRET&lt;/ComponentVerifyTicket&gt;</xml>",
                "XML or HTML without",
            ),
            (
                "<ComponentVerifyTicket>&lt;![CDATA[SECRET]]&gt;</ComponentVerifyTicket>",
                "escaped for HTML or a URL",
            ),
            (
                "%3CComponentVerifyTicket%3ESECRET%3C/ComponentVerifyTicket%3E",
                "escaped for HTML or a URL",
            ),
            ("<ComponentVerifyTicket>SECRET", "XML or HTML without"),
            ("<html>SECRET</html>", "XML or HTML without"),
            ("<xml><Encrypt>SECRET</Encrypt></xml>", "still encrypted"),
            (
                "<ComponentVerifyTicket></ComponentVerifyTicket>SECRET",
                "is empty",
            ),
        ] {
            let why = parse(TICKET, text).unwrap_err();
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            assert!(en.contains(says), "{text:?}: {en}");
            assert!(en != zh && !format!("{en}{zh}").contains("SEC"), "{why}");
        }
    }
}
