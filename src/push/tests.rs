use super::*;
use crate::config::options::Options;

/// A published sample of WeChat's: its settings and the encrypted push.
struct Sample {
    token: &'static str,
    aes_key: &'static str,
    appid: &'static str,
    timestamp: &'static str,
    nonce: &'static str,
    signature: &'static str,
    encrypted: &'static str,
    message: &'static str,
}

/// The official sample of an encrypted reply.
const REPLY: Sample = Sample {
    token: "AAAAA",
    aes_key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    appid: "wx134c8103faa5a59e",
    timestamp: "1713424427",
    nonce: "415670741",
    signature: "03e0812039325c2712ef5f0f980fd14c70d6e307",
    encrypted: "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZc\
                r6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7",
    message: "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>",
};

/// A text beyond ASCII, with a key that has stray bits. The sample has no signature.
const BEYOND_ASCII: Sample = Sample {
    token: "pamtest",
    aes_key: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    appid: "wxb11529c136998cb6",
    timestamp: "",
    nonce: "",
    signature: "",
    encrypted: "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72v\
                VOfg==",
    message: "我是中文abcd123",
};

/// The text that WeChat sends to check a URL, with a key that has stray bits.
const ECHO: Sample = Sample {
    token: "QDG6eK",
    aes_key: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    appid: "wx5823bf96d3bd56c7",
    timestamp: "1409659589",
    nonce: "263014780",
    signature: "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    encrypted: "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXv\
                naqQ==",
    message: "1616140317555161061",
};

fn keys(token: &str, aes_key: &str, appid: &str) -> PushKeys {
    let mut options = Options::new();
    options.set("push_token", token).unwrap();
    options.set("push_aes_key", aes_key).unwrap();
    PushKeys {
        appid: appid.into(),
        tokens: options.push_tokens,
        aes_keys: options.push_aes_keys,
    }
}

#[test]
fn published_samples_are_decrypted_and_their_signatures_agree() {
    for sample in [REPLY, BEYOND_ASCII, ECHO] {
        let PushKeys { aes_keys, .. } = keys(sample.token, sample.aes_key, sample.appid);
        let message = cipher::decrypt(&aes_keys, sample.appid, sample.encrypted).unwrap();
        assert_eq!(String::from_utf8(message).unwrap(), sample.message);
        let other = cipher::decrypt(&aes_keys, "wx134c8103faa5a59f", sample.encrypted);
        assert!(other.is_err(), "{}", sample.message);
        if !sample.signature.is_empty() {
            let signed = [
                sample.token,
                sample.timestamp,
                sample.nonce,
                sample.encrypted,
            ];
            assert_eq!(signature::sign(signed), sample.signature);
        }
    }
}

#[test]
fn plain_signatures_are_those_of_the_documentation() {
    for (timestamp, nonce, signed) in [
        (
            "1714036504",
            "1514711492",
            "f464b24fc39322e44b38aa78f5edd27bd1441696",
        ),
        (
            "1714037059",
            "486452656",
            "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        ),
    ] {
        assert_eq!(signature::sign(["AAAAA", timestamp, nonce]), signed);
    }
}

#[test]
fn any_of_several_tokens_and_keys_may_fit() {
    let tokens = format!("newer,{}", ECHO.token);
    let aes_keys = format!("{},{}", REPLY.aes_key, ECHO.aes_key);
    let keys = keys(&tokens, &aes_keys, ECHO.appid);
    let query = |signature: &str| {
        let (timestamp, nonce) = (ECHO.timestamp, ECHO.nonce);
        format!("nonce={nonce}&msg_signature={signature}&timestamp={timestamp}")
    };
    let verify = |query: &str| signature::verify(&keys.tokens, query, ECHO.encrypted);
    assert_eq!(verify(&query(ECHO.signature)), Ok(()));
    assert!(cipher::decrypt(&keys.aes_keys, ECHO.appid, ECHO.encrypted).is_ok());
    // In its own case only.
    assert!(verify(&query(&ECHO.signature.to_uppercase())).is_err());
    assert!(verify(&query("")).is_err());
    assert!(verify("").is_err());
    assert!(verify(&(query(ECHO.signature) + "&nonce=1")).is_err());
    let none = signature::verify(&[], &query(ECHO.signature), ECHO.encrypted);
    assert!(none.is_err());
}

#[test]
fn xml_is_read_as_wechat_writes_it() {
    let read = |document: &str| xml::read(document).unwrap();
    for document in [
        "<xml><a><![CDATA[1]]></a></xml>",
        "\u{feff}<?xml version=\"1.0\"?>\n<xml>\n  <a> 1 </a>\n  <b/>\n</xml>\n",
        // WeChat's sample of an authorized push.
        "<xml><a>1</a>\n<xml>",
        "<xml><a>1</a>",
        "<xml><!-- x --><a>&#49;</a></xml>",
        "<ROOT><a x=\"y\">1</a></ROOT>",
    ] {
        assert_eq!(read(document).text("a").unwrap(), "1", "{document}");
    }
    let escaped = read("<xml><a>&lt;b&gt; &amp; &quot;<![CDATA[<c>&amp;]]></a></xml>");
    assert_eq!(escaped.text("a").unwrap(), "<b> & \"<c>&amp;");
    let nested = read("<xml><a>1</a><info><b>2</b><b>3</b><s>x</s></info><e></e></xml>");
    let json = nested.json(&|name, _| name == "s");
    assert_eq!(
        json.to_string(),
        r#"{"a":"1","e":"","info":{"b":["2","3"]}}"#
    );
    for name in ["e", "info", "none"] {
        assert!(nested.text(name).is_err(), "{name}");
    }
    let doubled = read("<xml><a>1</a><a>1</a></xml>");
    assert!(doubled.text("a").is_err());
}

#[test]
fn what_is_not_xml_is_refused() {
    let deep = "<a>".repeat(20) + &"</a>".repeat(20);
    let many = format!("<xml>{}</xml>", "<a/>".repeat(2000));
    for document in [
        "",
        "x",
        "{}",
        "<xml>",
        "<xml><a>1</xml>",
        "<xml><a>1",
        "<xml></xml>x",
        "<xml></xml><xml></xml>",
        "</xml>",
        "<xml><a>&nbsp;</a></xml>",
        "<xml><a>&file;</a></xml>",
        "<!DOCTYPE xml><xml><a>1</a></xml>",
        "<!DOCTYPE xml [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><xml><a>&f;</a></xml>",
        "<xml><a><![CDATA[1</a></xml>",
        &deep,
        &many,
    ] {
        assert!(xml::read(document).is_err(), "{document}");
    }
    let why = xml::read("<!DOCTYPE xml><xml/>").unwrap_err();
    assert!(why.en.contains("DOCTYPE"));
}

#[test]
fn events_are_read_without_their_secrets() {
    let read = |fields: &str| Push::read(xml::read(&format!("<xml>{fields}</xml>")).unwrap());
    let head = "<AppId>wx1</AppId><CreateTime><![CDATA[1413192760]]></CreateTime>";
    let push = read(&format!(
        "{head}<InfoType>updateauthorized</InfoType><AuthorizerAppid>wx2</AuthorizerAppid>\
         <AuthorizationCode>queryauthcode@@@C</AuthorizationCode>\
         <PreAuthCode>preauthcode@@@P</PreAuthCode>"
    ))
    .unwrap();
    assert_eq!(push.create_time, 1_413_192_760);
    assert_eq!(push.account.as_deref(), Some("wx2"));
    assert!(matches!(push.event, Event::Authorized { code, .. } if code == "queryauthcode@@@C"));
    assert!(!push.fields.to_string().contains("@@@"), "{}", push.fields);
    // A registration: its code is secret too, and its fields are nested.
    let push = read(&format!(
        "{head}<InfoType>notify_third_fasteregister</InfoType><appid>wx3</appid>\
         <status>0</status><auth_code>queryauthcode@@@D</auth_code>\
         <info><name>N</name><odd>ticket@@@T</odd></info>"
    ))
    .unwrap();
    assert!(matches!(push.event, Event::Other));
    assert_eq!(push.account.as_deref(), Some("wx3"));
    assert_eq!(push.fields["info"].to_string(), r#"{"name":"N"}"#);
    assert!(!push.fields.to_string().contains("@@@"), "{}", push.fields);
    // Events that lack what they are about.
    for fields in [
        "<InfoType>component_verify_ticket</InfoType><CreateTime>1</CreateTime>",
        "<InfoType>component_verify_ticket</InfoType>\
         <ComponentVerifyTicket>T</ComponentVerifyTicket>",
        "<InfoType>authorized</InfoType><CreateTime>1</CreateTime>\
         <AuthorizerAppid>wx2</AuthorizerAppid>",
        "<InfoType>unauthorized</InfoType><CreateTime>soon</CreateTime>\
         <AuthorizerAppid>wx2</AuthorizerAppid>",
        "<InfoType>unauthorized</InfoType><CreateTime>1</CreateTime>",
    ] {
        assert!(read(fields).is_err(), "{fields}");
    }
}
