//! The events that WeChat pushes, as XML.

use crate::model::push::PushFault;

/// The InfoType of the fault [`PushFault::UnknownInfoType`].
const UNKNOWN_INFO_TYPE: &str = "notify_sandbox_unknown";
/// A document type with an entity, which a receiver has to refuse.
const DOCTYPE: &str = "<!DOCTYPE xml [<!ENTITY e \"sandbox\">]>\n";
/// How many bytes [`PushFault::LargeBody`] adds.
const LARGE_BYTES: usize = 1 << 20;

/// A field of an event.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Numbers are written without CDATA.
    pub(crate) is_number: bool,
}

impl Field {
    pub(crate) fn text(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            is_number: false,
        }
    }

    pub(crate) fn number(name: &str, value: u64) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_string(),
            is_number: true,
        }
    }
}

/// An event to push.
pub(crate) struct PushMessage {
    pub(crate) info_type: String,
    /// The account that it is about.
    pub(crate) account: Option<String>,
    /// In seconds of Unix time.
    pub(crate) create_time: u64,
    /// The fields besides those that every event has.
    pub(crate) fields: Vec<Field>,
}

impl PushMessage {
    /// The document that is encrypted.
    pub(crate) fn to_xml(&self, platform: &str, fault: Option<&PushFault>) -> String {
        let info_type = match fault {
            Some(PushFault::UnknownInfoType) => UNKNOWN_INFO_TYPE,
            _ => &self.info_type,
        };
        let common = [
            Field::text("AppId", platform),
            Field::number("CreateTime", self.create_time),
            Field::text("InfoType", info_type),
        ];
        let mut xml = String::new();
        if fault == Some(&PushFault::InnerDoctype) {
            xml += DOCTYPE;
        }
        xml += "<xml>";
        for field in common.iter().chain(&self.fields) {
            let is_plain = field.is_number && fault != Some(&PushFault::CdataNumbers);
            let value = if is_plain {
                field.value.clone()
            } else {
                cdata(&field.value)
            };
            let name = &field.name;
            xml += &format!("<{name}>{value}</{name}>\n");
        }
        xml += if fault == Some(&PushFault::UnclosedXml) {
            "<xml>"
        } else {
            "</xml>"
        };
        xml
    }
}

/// The document that is sent.
pub(crate) fn envelope(platform: &str, encrypted: &str, fault: Option<&PushFault>) -> String {
    let encrypted = match fault {
        Some(PushFault::SpaceForPlus) => encrypted.replace('+', " "),
        Some(PushFault::BlanksAroundEncrypt) => format!(" \r\n\t{encrypted}\n "),
        _ => encrypted.to_owned(),
    };
    let before = match fault {
        Some(PushFault::Bom) => "\u{feff}",
        Some(PushFault::Doctype) => DOCTYPE,
        _ => "",
    };
    let more = if fault == Some(&PushFault::LargeBody) {
        format!("    <Padding>{}</Padding>\n", "x".repeat(LARGE_BYTES))
    } else {
        String::new()
    };
    format!(
        "{before}<xml>\n    <AppId>{}</AppId>\n    <Encrypt>{}</Encrypt>\n{more}</xml>\n",
        cdata(platform),
        cdata(&encrypted)
    )
}

/// A CDATA section. It cannot contain its own end, so that a text with one has two sections.
fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

/// Whether a text can be the name of an XML element.
pub(crate) fn is_element_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_as_wechat_writes_them() {
        let message = PushMessage {
            info_type: "authorized".to_owned(),
            account: None,
            create_time: 1_436_881_222,
            fields: vec![
                Field::text("AuthorizationCode", "a]]>b"),
                Field::number("AuthorizationCodeExpiredTime", 7),
            ],
        };
        assert_eq!(
            message.to_xml("wx0c00000000000001", None),
            "<xml><AppId><![CDATA[wx0c00000000000001]]></AppId>\n\
             <CreateTime>1436881222</CreateTime>\n\
             <InfoType><![CDATA[authorized]]></InfoType>\n\
             <AuthorizationCode><![CDATA[a]]]]><![CDATA[>b]]></AuthorizationCode>\n\
             <AuthorizationCodeExpiredTime>7</AuthorizationCodeExpiredTime>\n</xml>"
        );
        let unusual = message.to_xml("wx", Some(&PushFault::CdataNumbers));
        assert!(unusual.contains("<CreateTime><![CDATA[1436881222]]></CreateTime>"));
        assert!(
            message
                .to_xml("wx", Some(&PushFault::UnclosedXml))
                .ends_with("\n<xml>")
        );
    }

    #[test]
    fn element_names() {
        for (name, expected) in [
            ("AppId", true),
            ("a_1", true),
            ("1a", false),
            ("a>b", false),
        ] {
            assert_eq!(is_element_name(name), expected, "{name}");
        }
    }
}
