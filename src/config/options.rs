//! The options of a client: text keys with text values, checked when they are set.
//!
//! [`OPTIONS`] is the only list of them. The C header, the bindings, the command's flags and the
//! documentation are checked against it or generated from it. To add an option:
//!
//! 1. Add a row to [`OPTIONS`] with its properties, a field to [`Options`], and the field's initial
//!    value to [`Options::new`].
//! 2. If a derived client may change it, add a field to [`CallSettings`] and fill it in
//!    `Options::call_settings`. If it is secret or may have a password, add the secret to
//!    `Options::secrets`.
//! 3. Describe it in the documentation of `wx_options_set` (`src/ffi/options.rs`).
//! 4. Run `make generate`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::call_settings::CallSettings;
use super::host::{Host, parse_hosts};
use super::limits::{MAX_APPID_BYTES, MAX_TOKEN_BYTES};
use super::proxy::{NoProxy, ProxyAddress, ProxySettings};
use super::push_keys::{AesKey, parse_aes_keys, parse_tokens};
use super::secret_text::{self, SecretKind};
use super::store_url::StoreUrl;
use crate::model::lang::{Lang, Text};
use crate::redact::OwnedSecret;

/// One row of the table of options.
#[derive(Debug)]
pub struct OptionEntry {
    /// The key, as it is passed to [`Options::set`].
    pub key: &'static str,
    /// The value of the option until it is set.
    pub default: &'static str,
    /// The values the option takes, with units.
    pub takes: Text,
    /// What the option does.
    pub doc: Text,
    /// The type of its value in languages that have types.
    pub kind: OptionKind,
    properties: &'static [Property],
    set: Setter,
}

/// A property that only some of the options have.
#[derive(Clone, Copy, Debug)]
enum Property {
    /// A derived client may change it. The function copies its value from the derived client's own
    /// settings.
    Derivable(fn(&mut CallSettings, &CallSettings)),
    /// Its whole value is secret.
    Secret,
    /// Its value can be a URL with a password.
    MayHavePassword,
    /// It belongs to this source of access tokens.
    TokenSource(TokenSource),
}

/// The sources of access tokens for calls that pass none. A client has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenSource {
    /// One fixed token: the option `access_token`.
    AccessToken,
    /// A program that prints tokens: the option `token_command`.
    TokenCommand,
    /// A third-party platform: the options `component_appid` and `component_appsecret`.
    Platform,
}

impl OptionEntry {
    /// Whether a derived client may change the option. If not, it belongs to the connections or
    /// tokens, which a derived client shares with its base.
    pub fn is_derivable(&self) -> bool {
        self.copy_to_derived().is_some()
    }

    /// Whether the whole value is secret.
    pub fn is_secret(&self) -> bool {
        self.has(|property| matches!(property, Property::Secret))
    }

    /// Whether the value can be a URL with a password: `SCHEME://[USER:PASSWORD@]HOST…`.
    pub fn may_have_password(&self) -> bool {
        self.has(|property| matches!(property, Property::MayHavePassword))
    }

    /// Whether the option belongs to a source of access tokens.
    pub fn is_token_source(&self) -> bool {
        self.token_source().is_some()
    }

    /// The source of access tokens that the option belongs to.
    pub fn token_source(&self) -> Option<TokenSource> {
        self.properties.iter().find_map(|property| match property {
            Property::TokenSource(source) => Some(*source),
            _ => None,
        })
    }

    fn has(&self, is_wanted: fn(&Property) -> bool) -> bool {
        self.properties.iter().any(is_wanted)
    }

    /// The function that copies the option's value to the settings of a derived client.
    fn copy_to_derived(&self) -> Option<fn(&mut CallSettings, &CallSettings)> {
        self.properties.iter().find_map(|property| match property {
            Property::Derivable(copy) => Some(*copy),
            _ => None,
        })
    }
}

/// The type of an option's value: what the setters of the bindings are generated from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Any text; the option checks it.
    Text,
    /// The path of a file.
    Path,
    /// URLs, separated by commas.
    Urls,
    /// A number of times.
    Count,
    /// A number of bytes.
    Bytes,
    /// A time; the key ends in `_ms`.
    Milliseconds,
    /// `yes` or `no`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// Checks a value and stores it. The error is a clause that follows "option KEY", in the language
/// of the options.
type Setter = fn(&mut Options, &str) -> Result<(), String>;

/// Every option, in the order of the documentation.
pub static OPTIONS: &[OptionEntry] = &[
    OptionEntry {
        key: "base_url",
        default: "https://api.weixin.qq.com",
        kind: OptionKind::Urls,
        properties: &[],
        takes: Text {
            en: "1 to 16 URLs separated by commas: https://HOST[:PORT], or http://HOST[:PORT] if \
                 HOST is a loopback address",
            zh: "1 至 16 个 URL，以逗号分隔：https://HOST[:PORT]；仅本机回环地址可用 \
                 http://HOST[:PORT]",
        },
        doc: Text {
            en: "WeChat's API hosts, the preferred one first. If a request could not be sent to \
                 one host, the next is tried.",
            zh: "微信 API 的接入地址，首选的排在最前。请求未能发往某个地址时，改用下一个。",
        },
        set: |o, v| {
            o.hosts = parse_hosts(v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "timeout_ms",
        default: "10000",
        kind: OptionKind::Milliseconds,
        properties: &[Property::Derivable(|to, own| to.timeout = own.timeout)],
        takes: Text {
            en: "1 to 3600000 ms",
            zh: "1 至 3600000 毫秒",
        },
        doc: Text {
            en: "Time limit for a whole call: name resolution, connecting, retries and reading the \
                 response.",
            zh: "一次调用的总时限，包括域名解析、建立连接、重试和读取响应。",
        },
        set: |o, v| {
            o.timeout_ms = parse_number(v, 1, HOUR_MS, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "connect_timeout_ms",
        default: "3000",
        kind: OptionKind::Milliseconds,
        properties: &[Property::Derivable(|to, own| {
            to.connect_timeout = own.connect_timeout;
        })],
        takes: Text {
            en: "1 to 3600000 ms",
            zh: "1 至 3600000 毫秒",
        },
        doc: Text {
            en: "Time limit for opening one connection: name resolution, TCP, proxy and TLS \
                 handshakes.",
            zh: "建立单个连接的时限，包括域名解析、TCP 连接、代理握手和 TLS 握手。",
        },
        set: |o, v| {
            o.connect_timeout_ms = parse_number(v, 1, HOUR_MS, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "max_retries",
        default: "2",
        kind: OptionKind::Count,
        properties: &[Property::Derivable(|to, own| {
            to.max_retries = own.max_retries;
        })],
        takes: Text {
            en: "0 to 10",
            zh: "0 至 10",
        },
        doc: Text {
            en: "How often a call retries automatically. Only requests that cannot take effect \
                 twice are retried: those that were never sent, and reads.",
            zh: "调用自动重试的最大次数。仅重试不会重复生效的请求：尚未发出的请求和查询请求。",
        },
        set: |o, v| {
            o.max_retries = parse_number(v, 0, 10, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "settle_ms",
        default: "90000",
        kind: OptionKind::Milliseconds,
        properties: &[Property::Derivable(|to, own| {
            to.settle = own.settle;
        })],
        takes: Text {
            en: "0 to 3600000 ms; 0 switches link claims and the memory of invitations off",
            zh: "0 至 3600000 毫秒；0 表示不使用关联占位，也不记录邀请",
        },
        doc: Text {
            en: "How long after a post no other one is made for the same account and mini program \
                 by the calls that ensure a link: an invitation may take effect long after its \
                 request seemed to fail. See reliability.md.",
            zh: "发出关联邀请之后，确保关联的调用在这段时间内不会向同一账号和小程序再次发出邀请：\
                 请求看似失败后，邀请仍可能延迟生效。详见 reliability.md。",
        },
        set: |o, v| {
            o.settle_ms = parse_number(v, 0, HOUR_MS, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "reinvite",
        default: "no",
        kind: OptionKind::Flag,
        properties: &[Property::Derivable(|to, own| {
            to.reinvite = own.reinvite;
        })],
        takes: Text {
            en: "no or yes",
            zh: "no 或 yes",
        },
        doc: Text {
            en: "Whether a mini program whose earlier invitation is no longer in the list is \
                 invited again. The store remembers invitations for 90 days.",
            zh: "此前的邀请已不在列表中时，是否再次邀请该小程序。存储会将邀请记录保留 90 天。",
        },
        set: |o, v| {
            o.reinvite = match v {
                "no" => false,
                "yes" => true,
                _ => {
                    let why = Text {
                        en: "takes no or yes",
                        zh: "应为 no 或 yes",
                    };
                    return Err(why.get(o.lang).into());
                }
            };
            Ok(())
        },
    },
    OptionEntry {
        key: "keep_alive_ms",
        default: "15000",
        kind: OptionKind::Milliseconds,
        properties: &[],
        takes: Text {
            en: "0 to 3600000 ms; 0 opens a new connection for every call",
            zh: "0 至 3600000 毫秒；0 表示每次调用都新建连接",
        },
        doc: Text {
            en: "How long an idle connection is kept open for later calls.",
            zh: "空闲连接的保留时间，供后续调用复用。",
        },
        set: |o, v| {
            o.keep_alive_ms = parse_number(v, 0, HOUR_MS, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "proxy",
        default: "none",
        kind: OptionKind::Text,
        properties: &[Property::MayHavePassword],
        takes: Text {
            en: "none, env, http://[USER:PASSWORD@]HOST:PORT or \
                 socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and \
                 PASSWORD",
            zh: "none、env、http://[用户名:密码@]HOST:PORT 或 socks5://[用户名:密码@]HOST:PORT；\
                 用户名和密码中的特殊字符须进行百分号编码",
        },
        doc: Text {
            en: "The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) \
                 and NO_PROXY once, when it is created, by curl's rules. Plain http is used for \
                 loopback hosts only and never through a proxy.",
            zh: "访问 https 主机所用的代理。设为 env 时，客户端在创建时按 curl 的规则读取一次 \
                 HTTPS_PROXY（未设置则读取 ALL_PROXY）和 NO_PROXY。明文 http \
                 仅用于本机回环地址，不经过代理。",
        },
        set: |o, v| {
            o.proxy = parse_proxy(v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "ca_file",
        default: "",
        kind: OptionKind::Path,
        properties: &[],
        takes: Text {
            en: "a path to a PEM file; empty for none",
            zh: "PEM 文件的路径；空值表示不使用",
        },
        doc: Text {
            en: "CA certificates to trust in addition to the roots that trust selects. Read when \
                 the client is created.",
            zh: "在 trust 选定的根证书之外额外信任的 CA 证书，创建客户端时读取。",
        },
        set: |o, v| {
            o.ca_file = (!v.is_empty()).then(|| v.to_owned());
            Ok(())
        },
    },
    OptionEntry {
        key: "trust",
        default: "system",
        kind: OptionKind::Choice(&["system", "bundled"]),
        properties: &[],
        takes: Text {
            en: "system or bundled",
            zh: "system 或 bundled",
        },
        doc: Text {
            en: "The root certificates to trust: system uses the operating system's, and the \
                 bundled ones if it has none; bundled uses Mozilla's, which are part of the \
                 library.",
            zh: "信任的根证书：system 使用操作系统的根证书（系统没有时改用内置证书）；\
                 bundled 使用库内置的 Mozilla 根证书。",
        },
        set: |o, v| {
            o.trust = match v {
                "system" => Trust::System,
                "bundled" => Trust::Bundled,
                _ => {
                    let why = Text {
                        en: "takes system or bundled",
                        zh: "应为 system 或 bundled",
                    };
                    return Err(why.get(o.lang).into());
                }
            };
            Ok(())
        },
    },
    OptionEntry {
        key: "user_agent",
        default: concat!("wxlink/", env!("CARGO_PKG_VERSION")),
        kind: OptionKind::Text,
        properties: &[],
        takes: Text {
            en: "1 to 256 printable ASCII characters",
            zh: "1 至 256 个可打印 ASCII 字符",
        },
        doc: Text {
            en: "The User-Agent header of every request.",
            zh: "所有请求的 User-Agent 头。",
        },
        set: |o, v| {
            let printable = v.bytes().all(|b| (b' '..=b'~').contains(&b));
            if v.trim().is_empty() || v.len() > 256 || !printable {
                let why = Text {
                    en: "takes 1 to 256 printable ASCII characters",
                    zh: "应为 1 至 256 个可打印 ASCII 字符",
                };
                return Err(why.get(o.lang).into());
            }
            o.user_agent = v.to_owned();
            Ok(())
        },
    },
    OptionEntry {
        key: "max_response_bytes",
        default: "4194304",
        kind: OptionKind::Bytes,
        properties: &[],
        takes: Text {
            en: "1024 to 1073741824 bytes",
            zh: "1024 至 1073741824 字节",
        },
        doc: Text {
            en: "The largest response that is read. A call fails if the response is larger.",
            zh: "允许的最大响应长度。响应超过该长度时，调用失败。",
        },
        set: |o, v| {
            o.max_response_bytes = parse_number(v, 1024, 1 << 30, o.lang)?.into();
            Ok(())
        },
    },
    OptionEntry {
        key: "lang",
        default: "en",
        kind: OptionKind::Choice(&["en", "zh"]),
        properties: &[Property::Derivable(|to, own| to.lang = own.lang)],
        takes: Text {
            en: "en or zh",
            zh: "en 或 zh",
        },
        doc: Text {
            en: "The language of messages: English or Chinese.",
            zh: "提示信息的语言：英文或中文。",
        },
        set: |o, v| {
            let why = Text {
                en: "takes en or zh",
                zh: "应为 en 或 zh",
            };
            o.lang = Lang::from_code(v).ok_or_else(|| why.get(o.lang))?;
            Ok(())
        },
    },
    OptionEntry {
        key: "account",
        default: "",
        kind: OptionKind::Text,
        // `account_over` copies the account.
        properties: &[Property::Derivable(|_, _| {})],
        takes: Text {
            en: "the appid of an Official Account; empty for none",
            zh: "公众号的 appid；空值表示不设置",
        },
        doc: Text {
            en: "The Official Account for calls that pass no access token. Its token comes from \
                 one of three sources: access_token, token_command or component_appid. Of a token \
                 that is passed it names the owner, so that invitations are remembered.",
            zh: "未传入 access_token 的调用所操作的公众号。其令牌来自以下三种来源之一：\
                 access_token、token_command 或 component_appid。传入令牌时，此选项表明令牌所属的账号，\
                 以便记住已发出的邀请。",
        },
        set: |o, v| {
            o.account = parse_text(v, MAX_APPID_BYTES, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "access_token",
        default: "",
        kind: OptionKind::Text,
        properties: &[
            Property::Secret,
            Property::TokenSource(TokenSource::AccessToken),
        ],
        takes: Text {
            en: "an access token; empty for none",
            zh: "access_token；空值表示不设置",
        },
        doc: Text {
            en: "Token source 1: this access token, for calls that pass none.",
            zh: "令牌来源之一：固定令牌，供未传入 access_token 的调用使用。",
        },
        set: |o, v| {
            o.access_token = parse_secret(secret_text::ACCESS_TOKEN, v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "token_command",
        default: "",
        kind: OptionKind::Text,
        properties: &[Property::TokenSource(TokenSource::TokenCommand)],
        takes: Text {
            en: "a shell command; empty for none",
            zh: "shell 命令；空值表示不设置",
        },
        doc: Text {
            en: "Token source 2: a program that prints an access token. It reads the lines \
                 account=APPID and refused_token=TOKEN, then an empty line, from standard input. \
                 It prints the token alone, or the lines access_token=TOKEN and \
                 expires_in=SECONDS, or JSON with these two fields. It is killed after timeout_ms. \
                 See tokens.md.",
            zh: "令牌来源之二：输出 access_token 的程序。程序从标准输入读取 account=APPID、\
                 refused_token=TOKEN 两行和一个空行，并输出令牌本身，或 access_token=TOKEN 与 \
                 expires_in=秒数 两行，或包含这两个字段的 JSON。运行超过 timeout_ms 时被终止。\
                 详见 tokens.md。",
        },
        set: |o, v| {
            o.token_command = parse_text(v, MAX_TOKEN_BYTES, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "component_appid",
        default: "",
        kind: OptionKind::Text,
        properties: &[Property::TokenSource(TokenSource::Platform)],
        takes: Text {
            en: "the appid of a third-party platform; empty for none",
            zh: "第三方平台的 appid；空值表示不设置",
        },
        doc: Text {
            en: "Token source 3: this third-party platform. The client fetches and refreshes the \
                 access tokens of the accounts that authorised it. Needs component_appsecret.",
            zh: "令牌来源之三：第三方平台。客户端自动获取并刷新已授权账号的 access_token。\
                 需同时设置 component_appsecret。",
        },
        set: |o, v| {
            o.component_appid = parse_text(v, MAX_APPID_BYTES, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "component_appsecret",
        default: "",
        kind: OptionKind::Text,
        properties: &[
            Property::Secret,
            Property::TokenSource(TokenSource::Platform),
        ],
        takes: Text {
            en: "the platform's appsecret; empty for none",
            zh: "第三方平台的 appsecret；空值表示不设置",
        },
        doc: Text {
            en: "The appsecret of the platform that component_appid names.",
            zh: "component_appid 所指第三方平台的 appsecret。",
        },
        set: |o, v| {
            o.component_appsecret = parse_secret(secret_text::APPSECRET, v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "push_token",
        default: "",
        kind: OptionKind::Text,
        properties: &[Property::Secret],
        takes: Text {
            en: "1 to 8 tokens separated by commas, the current one first; empty for none",
            zh: "1 至 8 个 Token，以逗号分隔，当前使用的排在最前；空值表示不设置",
        },
        doc: Text {
            en: "The token in the platform's settings that signs WeChat's pushes. To change it, \
                 set the new one and the previous one: pushes signed with either are accepted. \
                 See authorization.md.",
            zh: "第三方平台设置中用于签名微信推送的 Token。更换时请同时设置新旧两个：\
                 用任一 Token 签名的推送都会被接受。详见 authorization.md。",
        },
        set: |o, v| {
            o.push_tokens = parse_tokens(v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "push_aes_key",
        default: "",
        kind: OptionKind::Text,
        properties: &[Property::Secret],
        takes: Text {
            en: "1 to 8 keys of 43 characters separated by commas, the current one first; empty \
                 for none",
            zh: "1 至 8 个 43 字符的密钥，以逗号分隔，当前使用的排在最前；空值表示不设置",
        },
        doc: Text {
            en: "The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To \
                 change it, set the new one and the previous one.",
            zh: "第三方平台设置中用于加密微信推送的 EncodingAESKey。更换时请同时设置新旧两个。",
        },
        set: |o, v| {
            o.push_aes_keys = parse_aes_keys(v, o.lang)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "store",
        default: "memory",
        kind: OptionKind::Text,
        properties: &[Property::MayHavePassword],
        takes: Text {
            en: "memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…",
            zh: "memory、file:PATH、redis://[用户名:密码@]HOST[:PORT][/DB] 或 rediss://…",
        },
        doc: Text {
            en: "Where link claims, and a platform's tickets and tokens, are kept: memory for this \
                 process only, file for all processes of one machine, redis or rediss (TLS) for \
                 several machines.",
            zh: "关联占位以及第三方平台的票据和令牌的存放位置：memory 仅供本进程使用，\
                 file 由同一台机器上的各进程共享，redis 或 rediss（TLS）由多台机器共享。",
        },
        set: |o, v| {
            o.store = StoreUrl::parse(v).map_err(|why| why.get(o.lang))?;
            o.store_password = password_of(v).map(str::to_owned);
            Ok(())
        },
    },
];

const HOUR_MS: u32 = 3_600_000;
/// The longest unknown key that a message repeats (bytes).
const MAX_SHOWN_KEY_BYTES: usize = 40;

/// Which root certificates to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    System,
    Bundled,
}

/// The value of the option `proxy`.
#[derive(Clone)]
enum ProxyChoice {
    None,
    Env,
    Url(ProxyAddress),
}

/// Why an option could not be set. Its text never contains the value, which may be a secret.
///
/// Converts into an [`Error`](crate::Error) with [`Status::BadOption`](crate::Status::BadOption).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    pub(crate) why: String,
    pub(crate) lang: Lang,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for OptionError {}

/// The key of the option that is most similar to `key`, if one is similar.
///
/// ```
/// assert_eq!(wxlink::nearest_option("time_out_ms"), Some("timeout_ms"));
/// assert_eq!(wxlink::nearest_option("colour"), None);
/// ```
pub fn nearest_option(key: &str) -> Option<&'static str> {
    let key = &*key.to_ascii_lowercase();
    let nearest = OPTIONS.iter().map(|e| e.key).min_by_key(|known| {
        // A name without its unit, or half typed, is nearer than a shorter one with other letters.
        (!known.starts_with(key), distance(key, known))
    });
    // At most a third of the letters differ.
    nearest.filter(|known| {
        let is_start = key.len() >= 3 && known.starts_with(key);
        is_start || distance(key, known) * 3 <= known.len()
    })
}

/// How many characters must be inserted, removed or replaced to turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, in_a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, in_b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(in_a != *in_b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The message for an unknown option. Something that is not the name of an option may be a secret
/// and is not repeated.
fn unknown_option(key: &str, lang: Lang) -> String {
    let is_name = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
    let is_named = !key.is_empty() && key.len() <= MAX_SHOWN_KEY_BYTES && key.chars().all(is_name);
    let shown = if is_named {
        format!(" {key}")
    } else {
        String::new()
    };
    let keys = || OPTIONS.iter().map(|e| e.key).collect::<Vec<_>>().join(", ");
    match (lang, nearest_option(key).filter(|_| is_named)) {
        (Lang::En, Some(nearest)) => format!("unknown option{shown}; do you mean {nearest}?"),
        (Lang::En, None) => format!("unknown option{shown}; expected one of {}", keys()),
        (Lang::Zh, Some(nearest)) => format!("未知选项{shown}；是否想写 {nearest}？"),
        (Lang::Zh, None) => format!("未知选项{shown}；可用的选项有 {}", keys()),
    }
}

/// The options a [`Client`](crate::Client) is created with. [`OPTIONS`] lists them.
///
/// A client copies its options: later changes do not affect it.
#[derive(Clone)]
pub struct Options {
    pub(crate) hosts: Vec<Host>,
    pub(crate) timeout_ms: u32,
    pub(crate) connect_timeout_ms: u32,
    pub(crate) max_retries: u32,
    pub(crate) settle_ms: u32,
    pub(crate) reinvite: bool,
    pub(crate) keep_alive_ms: u32,
    proxy: ProxyChoice,
    pub(crate) ca_file: Option<String>,
    pub(crate) trust: Trust,
    pub(crate) user_agent: String,
    pub(crate) max_response_bytes: u64,
    pub(crate) lang: Lang,
    pub(crate) account: Option<String>,
    pub(crate) access_token: Option<String>,
    pub(crate) token_command: Option<String>,
    pub(crate) component_appid: Option<String>,
    pub(crate) component_appsecret: Option<String>,
    pub(crate) push_tokens: Vec<String>,
    pub(crate) push_aes_keys: Vec<AesKey>,
    pub(crate) store: StoreUrl,
    /// The password in the store's URL, percent-encoded as it is written there.
    store_password: Option<String>,
    /// The options that were set explicitly, even if to their default.
    set: Vec<&'static OptionEntry>,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// Options with every value at its default.
    pub fn new() -> Options {
        let mut options = Options {
            hosts: Vec::new(),
            timeout_ms: 0,
            connect_timeout_ms: 0,
            max_retries: 0,
            settle_ms: 0,
            reinvite: false,
            keep_alive_ms: 0,
            proxy: ProxyChoice::None,
            ca_file: None,
            trust: Trust::System,
            user_agent: String::new(),
            max_response_bytes: 0,
            lang: Lang::En,
            account: None,
            access_token: None,
            token_command: None,
            component_appid: None,
            component_appsecret: None,
            push_tokens: Vec::new(),
            push_aes_keys: Vec::new(),
            store: StoreUrl::Memory,
            store_password: None,
            set: Vec::new(),
        };
        for entry in OPTIONS {
            let set = (entry.set)(&mut options, entry.default);
            debug_assert!(set.is_ok(), "the default of {}", entry.key);
        }
        options
    }

    /// Sets one option. An invalid value leaves the option unchanged.
    ///
    /// ```
    /// let mut options = wxlink::Options::new();
    /// options.set("timeout_ms", "5000")?.set("keep_alive_ms", "0")?;
    ///
    /// let error = options.set("max_retries", "many").err().unwrap();
    /// assert_eq!(error.to_string(), "option max_retries takes a whole number from 0 to 10");
    /// # Ok::<(), wxlink::OptionError>(())
    /// ```
    ///
    /// # Errors
    /// The key is unknown, or the option does not take the value. The message lists what the option
    /// takes. It never contains the value, which may be a secret.
    pub fn set(&mut self, key: &str, value: &str) -> Result<&mut Options, OptionError> {
        let lang = self.lang;
        let Some(entry) = OPTIONS.iter().find(|e| e.key == key) else {
            let why = unknown_option(key, lang);
            return Err(OptionError { why, lang });
        };
        (entry.set)(self, value).map_err(|why| OptionError {
            why: match lang {
                Lang::En => format!("option {key} {why}"),
                Lang::Zh => format!("选项 {key} {why}"),
            },
            lang,
        })?;
        if !self.is_set(key) {
            self.set.push(entry);
        }
        Ok(self)
    }

    /// Whether the option was set explicitly.
    fn is_set(&self, key: &str) -> bool {
        self.set.iter().any(|entry| entry.key == key)
    }

    /// Whether a source of access tokens is set.
    #[cfg(feature = "capi")]
    pub(crate) fn has_token_source(&self) -> bool {
        self.access_token.is_some()
            || self.token_command.is_some()
            || self.component_appid.is_some()
    }

    /// The settings of each call of a client with these options.
    pub(crate) fn call_settings(&self) -> CallSettings {
        CallSettings {
            timeout: Duration::from_millis(self.timeout_ms.into()),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms.into()),
            max_retries: self.max_retries,
            settle: Duration::from_millis(self.settle_ms.into()),
            reinvite: self.reinvite,
            lang: self.lang,
        }
    }

    /// The settings of a client derived from one with the settings `base`: those that were set
    /// replace the base's.
    ///
    /// # Errors
    /// An option was set that a derived client cannot change.
    pub(crate) fn call_settings_over(&self, base: CallSettings) -> Result<CallSettings, String> {
        let own = self.call_settings();
        let mut derived = base;
        for entry in &self.set {
            let Some(copy) = entry.copy_to_derived() else {
                let key = entry.key;
                let derivable: Vec<&str> = OPTIONS
                    .iter()
                    .filter(|entry| entry.is_derivable())
                    .map(|entry| entry.key)
                    .collect();
                let derivable = derivable.join(", ");
                return Err(match base.lang {
                    Lang::En => format!(
                        "option {key} cannot be changed on a derived client, because it shares \
                         its connections; only {derivable} can"
                    ),
                    Lang::Zh => {
                        format!("派生的客户端共用连接，不能更改选项 {key}；只能更改 {derivable}")
                    }
                });
            };
            copy(&mut derived, &own);
        }
        Ok(derived)
    }

    /// The account that was set, otherwise the base client's. An explicitly empty account clears
    /// it: if it were inherited, a blank cell in a caller's table would silently select the wrong
    /// account.
    pub(crate) fn account_over(&self, base: Option<&Arc<str>>) -> Option<Arc<str>> {
        if self.is_set("account") {
            self.account.as_deref().map(Arc::from)
        } else {
            base.cloned()
        }
    }

    /// The secrets among the values, each with the name that replaces it in texts.
    pub(crate) fn secrets(&self, proxy: Option<&ProxySettings>) -> Vec<OwnedSecret> {
        let login = proxy.and_then(|settings| settings.proxy.login.clone());
        let store = self.store_password.as_deref();
        let decoded = store.map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        let secrets = [
            ("access_token", self.access_token.clone()),
            ("component_appsecret", self.component_appsecret.clone()),
            ("proxy_password", login.map(|login| login.password)),
            ("store_password", store.map(str::to_owned)),
            ("store_password", decoded),
        ];
        let tokens = self.push_tokens.iter().cloned();
        let keys = self.push_aes_keys.iter().map(|key| key.text.clone());
        let tokens = tokens.map(|token| ("push_token", Some(token)));
        let keys = keys.map(|key| ("push_aes_key", Some(key)));
        let known = |(name, value): (_, Option<String>)| Some((name, Arc::from(value?)));
        let all = secrets.into_iter().chain(tokens).chain(keys);
        all.filter_map(known).collect()
    }

    /// The proxy to use. Reads the environment if the option is `env` and a host can use a proxy.
    ///
    /// # Errors
    /// Names the environment variable that is invalid, and gives the reason.
    pub(crate) fn proxy_settings(&self) -> Result<Option<ProxySettings>, String> {
        match &self.proxy {
            ProxyChoice::Url(proxy) => Ok(Some(ProxySettings {
                proxy: proxy.clone(),
                no_proxy: NoProxy::default(),
            })),
            ProxyChoice::Env if self.hosts.iter().any(|host| host.tls) => {
                ProxySettings::from_environment(self.lang, |name| std::env::var_os(name)).map_err(
                    |why| match self.lang {
                        Lang::En => format!("option proxy is env, and {why}"),
                        Lang::Zh => format!("选项 proxy 为 env，但 {why}"),
                    },
                )
            }
            ProxyChoice::Env | ProxyChoice::None => Ok(None),
        }
    }
}

/// The password in a URL, percent-encoded as it is written there.
fn password_of(url: &str) -> Option<&str> {
    let (login, _) = url.split_once("://")?.1.rsplit_once('@')?;
    login.split_once(':').map(|(_, password)| password)
}

/// Checks a text of which only length and control characters matter; `None` if it is empty.
fn parse_text(value: &str, max_bytes: usize, lang: Lang) -> Result<Option<String>, String> {
    if value.len() > max_bytes || value.chars().any(char::is_control) {
        return Err(match lang {
            Lang::En => format!("takes at most {max_bytes} bytes without control characters"),
            Lang::Zh => format!("最多 {max_bytes} 字节，且不得含有控制字符"),
        });
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// Reads a token or secret; `None` if the value is empty.
fn parse_secret(kind: SecretKind, value: &str, lang: Lang) -> Result<Option<String>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let secret = secret_text::parse(kind, value).map_err(|why| why.get(lang).to_owned())?;
    Ok(Some(secret.into_owned()))
}

fn parse_number(value: &str, min: u32, max: u32, lang: Lang) -> Result<u32, String> {
    // `parse` alone would accept a plus sign.
    let only_digits = value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<u32>() {
        Ok(n) if only_digits && (min..=max).contains(&n) => Ok(n),
        _ => Err(match lang {
            Lang::En => format!("takes a whole number from {min} to {max}"),
            Lang::Zh => format!("应为 {min} 至 {max} 的整数"),
        }),
    }
}

fn parse_proxy(value: &str, lang: Lang) -> Result<ProxyChoice, String> {
    match value {
        "none" => Ok(ProxyChoice::None),
        "env" => Ok(ProxyChoice::Env),
        "" => {
            let why = Text {
                en: "is empty. Expected none, env, or a URL such as http://proxy:3128",
                zh: "为空。应为 none、env 或 http://proxy:3128 这样的 URL",
            };
            Err(why.get(lang).into())
        }
        url => ProxyAddress::parse(url)
            .map(ProxyChoice::Url)
            .map_err(|why| match lang {
                Lang::En => format!("is invalid: {}", why.en),
                Lang::Zh => format!("无效：{}", why.zh),
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_valid_value() {
        for entry in OPTIONS {
            assert!(
                (entry.set)(&mut Options::new(), entry.default).is_ok(),
                "{}",
                entry.key
            );
        }
        let o = Options::new();
        assert_eq!(o.hosts[0].origin, "https://api.weixin.qq.com");
        assert_eq!(
            (o.timeout_ms, o.connect_timeout_ms, o.max_retries),
            (10_000, 3_000, 2)
        );
        assert_eq!((o.keep_alive_ms, o.max_response_bytes), (15_000, 4 << 20));
    }

    #[test]
    fn a_message_never_contains_the_proxys_password() {
        let mut o = Options::new();
        for bad in [
            "ftp://u:SECRET@h:1",
            "socks5://u:SECRET@",
            "http://u:SECRET@h:1/path",
        ] {
            let message = o.set("proxy", bad).err().unwrap().to_string();
            assert!(!message.contains("SECRET"), "{message}");
        }
    }

    #[test]
    fn messages_are_in_the_language_of_the_options() {
        let mut o = Options::new();
        o.set("lang", "zh").unwrap();
        for (key, value, expected) in [
            (
                "timeout_ms",
                "0",
                "选项 timeout_ms 应为 1 至 3600000 的整数",
            ),
            (
                "proxy",
                "ftp://h:1",
                "选项 proxy 无效：协议未知。应为 http、socks5 或 socks5h",
            ),
            ("no_such", "", "未知选项 no_such；可用的选项有 base_url"),
            ("timeout", "", "未知选项 timeout；是否想写 timeout_ms？"),
        ] {
            let message = o.set(key, value).err().unwrap().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    #[cfg(feature = "redis-store")]
    fn every_secret_option_is_among_the_secrets() {
        let secret = |key: &str| match key {
            "push_aes_key" => "SECRET".repeat(8)[..43].to_owned(),
            _ => format!("SECRET-{key}"),
        };
        let mut o = Options::new();
        for entry in OPTIONS {
            let value = secret(entry.key);
            if entry.is_secret() {
                o.set(entry.key, &value).unwrap();
            } else if entry.may_have_password() {
                let scheme = if entry.key == "proxy" {
                    "http"
                } else {
                    "redis"
                };
                let url = format!("{scheme}://user:{value}@127.0.0.1:1");
                o.set(entry.key, &url).unwrap();
            }
        }
        let secrets = o.secrets(o.proxy_settings().unwrap().as_ref());
        for entry in OPTIONS {
            let is_known = secrets.iter().any(|(_, s)| **s == *secret(entry.key));
            let is_expected = entry.is_secret() || entry.may_have_password();
            assert_eq!(is_known, is_expected, "{}", entry.key);
        }
    }

    #[test]
    fn an_unknown_option_is_repeated_with_the_nearest_known_one() {
        for (key, expected) in [
            ("timeout", "unknown option timeout; do you mean timeout_ms?"),
            (
                "time_out_ms",
                "unknown option time_out_ms; do you mean timeout_ms?",
            ),
            (
                "retries",
                "unknown option retries; expected one of base_url, ",
            ),
            (
                "max_retry",
                "unknown option max_retry; do you mean max_retries?",
            ),
            (
                "acess_token",
                "unknown option acess_token; do you mean access_token?",
            ),
            ("base-url", "unknown option base-url; do you mean base_url?"),
            (
                "timeoutMs",
                "unknown option timeoutMs; do you mean timeout_ms?",
            ),
            ("", "unknown option; expected one of base_url, "),
            // It may be a token.
            ("SECRET-1", "unknown option; expected one of base_url, "),
            ("timeout_ms ", "unknown option; expected one of base_url, "),
        ] {
            let message = Options::new().set(key, "1").err().unwrap().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        for entry in OPTIONS {
            assert_eq!(nearest_option(entry.key), Some(entry.key));
        }
    }

    #[test]
    fn an_invalid_value_changes_nothing() {
        let mut o = Options::new();
        assert!(o.set("timeout_ms", "0").is_err());
        assert_eq!(o.timeout_ms, 10_000);
    }
}
