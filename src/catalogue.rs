//! The catalogue of errcodes: the one table that the C functions, the bindings and the page of
//! errors are made from.
//!
//! "Official" rows are those WeChat documents for these interfaces; the others have been met in the
//! field or are documented for others of its interfaces.

use crate::interface::Interface;
use crate::lang::Text;

/// What a caller may do about an errcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Done, or done before.
    Ok,
    /// On its way: wait for the administrators.
    Pending,
    /// Another access token is needed.
    Token,
    /// WeChat is busy.
    Busy,
    /// A quota is used up until the minute, day or month is over.
    Quota,
    /// An administrator or operator must act first.
    Human,
    /// The call itself is wrong.
    Caller,
}

impl Class {
    /// All of them, in the order the documentation lists them.
    pub const ALL: [Class; 7] = [
        Class::Ok,
        Class::Pending,
        Class::Token,
        Class::Busy,
        Class::Quota,
        Class::Human,
        Class::Caller,
    ];

    /// The word that stands for it in JSON and in C.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Ok => "ok",
            Class::Pending => "pending",
            Class::Token => "token",
            Class::Busy => "busy",
            Class::Quota => "quota",
            Class::Human => "human",
            Class::Caller => "caller",
        }
    }

    /// What to do next, whatever the errcode.
    pub const fn advice(self) -> Text {
        match self {
            Class::Ok => Text {
                en: "Nothing: it is done, or was done before.",
                zh: "无需操作：已完成，或之前已完成。",
            },
            Class::Pending => Text {
                en: "Not a failure. Wait for the administrators and ask the list; do not link again.",
                zh: "这不是失败。请等待管理员处理并查询列表，不要重复关联。",
            },
            Class::Token => Text {
                en: "Get another access token and call again, once.",
                zh: "换一个新的 access_token 重试一次。",
            },
            Class::Busy => Text {
                en: "Wait a little and try again; after a link, ask the list first.",
                zh: "稍后重试；如果是关联请求，请先查询列表。",
            },
            Class::Quota => Text {
                en: "Try again when the minute, day or month is over.",
                zh: "等当前分钟、当日或当月结束后再试。",
            },
            Class::Human => Text {
                en: "An administrator or operator must act first; trying again does not help.",
                zh: "需要管理员或运营人员先处理，重试无效。",
            },
            Class::Caller => Text {
                en: "Correct the call; trying again does not help.",
                zh: "请修正调用方式，重试无效。",
            },
        }
    }

    /// Whether the same call may succeed later without an administrator.
    pub const fn retryable(self) -> bool {
        matches!(self, Class::Token | Class::Busy | Class::Quota)
    }
}

/// One row: an errcode, on one interface or on any.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// WeChat's number.
    pub errcode: i32,
    /// The interface it holds for; `None` for every interface without a row of its own.
    pub interface: Option<Interface>,
    /// A name that stays.
    pub name: &'static str,
    /// What a caller may do about it.
    pub class: Class,
    /// WeChat's words as seen, empty if none are known. They vary: never decide by them.
    pub wire: &'static str,
    /// Whether WeChat documents it for these interfaces.
    pub official: bool,
    /// What happened.
    pub meaning: Text,
    /// What to do next; empty where there is nothing to do.
    pub remedy: Text,
}

/// The row for that interface, else the one for any.
pub fn lookup(interface: Interface, errcode: i32) -> Option<&'static Entry> {
    rows(errcode)
        .iter()
        .find(|e| e.interface == Some(interface))
        .or_else(|| general(errcode))
}

/// The row that holds for any interface; failing that, for the only one it is known from.
pub fn general(errcode: i32) -> Option<&'static Entry> {
    let rows = rows(errcode);
    rows.iter().find(|e| e.interface.is_none()).or(rows.first())
}

/// The rows of an errcode, of which there may be none.
fn rows(errcode: i32) -> &'static [Entry] {
    let from = ENTRIES.partition_point(|e| e.errcode < errcode);
    let to = ENTRIES.partition_point(|e| e.errcode <= errcode);
    ENTRIES.get(from..to).unwrap_or_default()
}

/// Whether WeChat documents a code for these interfaces.
const OFFICIAL: bool = true;
/// Met in the field, or documented for other interfaces.
const FIELD: bool = false;

const LINK: Option<Interface> = Some(Interface::Link);
const GET: Option<Interface> = Some(Interface::Get);
const UNLINK: Option<Interface> = Some(Interface::Unlink);
const ANY: Option<Interface> = None;

/// Writes the table: `errcode interface NAME Class OFFICIAL "wire"`, then English, then Chinese,
/// each as meaning and remedy.
macro_rules! table {
    ($($errcode:literal $interface:ident $name:ident $class:ident $official:ident $wire:literal
       $en:literal $do_en:literal $zh:literal $do_zh:literal;)*) => {
        /// Every errcode known, in ascending order.
        pub static ENTRIES: &[Entry] = &[$(Entry {
            errcode: $errcode,
            interface: $interface,
            name: stringify!($name),
            class: Class::$class,
            wire: $wire,
            official: $official,
            meaning: Text { en: $en, zh: $zh },
            remedy: Text { en: $do_en, zh: $do_zh },
        }),*];
    };
}

table! {
    -1 ANY SYSTEM_BUSY Busy OFFICIAL "system error"
        "WeChat is busy, or the appid is a service account's."
        "Check that the appid is a mini program's, wait and try again; after a link, ask the list first."
        "微信系统繁忙，或者传入了服务号的 appid。"
        "请确认 appid 属于小程序，稍后重试；如果是关联请求，请先查询列表。";
    0 ANY OK Ok OFFICIAL "ok"
        "WeChat accepted the request."
        ""
        "微信已接受请求。"
        "";
    1001 ANY SUBJECT_OVER_LIMIT Human FIELD ""
        "The mini program's subject is bound to too many accounts."
        "Have the subject unbind some accounts, then link again."
        "小程序主体绑定的账号数量超出限制。"
        "请让该主体解绑部分账号后再关联。";
    1002 ANY SUBJECT_BLACKLISTED Human FIELD ""
        "The mini program's subject is on WeChat's blacklist."
        "Have the subject appeal to WeChat's support."
        "小程序主体在微信黑名单中。"
        "请让该主体向微信客服申诉。";
    1003 LINK ADMIN_OVER_LIMIT Human OFFICIAL ""
        "The mini program's administrator is bound to too many accounts."
        "Have the administrator unbind some in the platform's security assistant, then link again."
        "小程序管理员绑定的账号数量超出限制。"
        "请让该管理员在公众平台安全助手中解绑部分账号后再关联。";
    1004 ANY ADMIN_BLACKLISTED Human FIELD ""
        "The mini program's administrator is on WeChat's blacklist."
        "Have the mini program name another administrator, or appeal to WeChat's support."
        "小程序管理员在微信黑名单中。"
        "请更换小程序管理员，或向微信客服申诉。";
    1005 LINK PHONE_OVER_LIMIT Human OFFICIAL ""
        "The phone number of the mini program's administrator is bound to too many accounts."
        "Have the administrator unbind some in the platform's security assistant, then link again."
        "小程序管理员的手机号绑定的账号数量超出限制。"
        "请让该管理员在公众平台安全助手中解绑部分账号后再关联。";
    1006 LINK PHONE_BLACKLISTED Human OFFICIAL ""
        "The phone number of the mini program's administrator is on WeChat's blacklist."
        "Have the administrator use another number, or appeal to WeChat's support."
        "小程序管理员的手机号在微信黑名单中。"
        "请让管理员更换手机号，或向微信客服申诉。";
    1007 ANY ID_CARD_OVER_LIMIT Human FIELD ""
        "The identity card of the mini program's administrator is bound to too many accounts."
        "Have the administrator unbind some in the platform's security assistant, then link again."
        "小程序管理员的身份证绑定的账号数量超出限制。"
        "请让该管理员在公众平台安全助手中解绑部分账号后再关联。";
    1008 ANY ID_CARD_BLACKLISTED Human FIELD ""
        "The identity card of the mini program's administrator is on WeChat's blacklist."
        "Have the mini program name another administrator, or appeal to WeChat's support."
        "小程序管理员的身份证在微信黑名单中。"
        "请更换小程序管理员，或向微信客服申诉。";
    40001 ANY INVALID_CREDENTIAL Token OFFICIAL "invalid credential, access_token is invalid or not latest"
        "The access token is not valid, not the latest, or of another kind than the call needs."
        "Get the Official Account's current authorizer_access_token and call again, once."
        "access_token 无效、不是最新，或类型不符合该接口要求。"
        "请获取该公众号当前的 authorizer_access_token，重试一次。";
    40013 ANY INVALID_APPID Caller FIELD "invalid appid"
        "The appid is not one WeChat knows."
        "Pass the mini program's appid (wx and 16 hexadecimal digits)."
        "微信不认识这个 appid。"
        "请传入小程序的 appid（wx 加 16 位十六进制字符）。";
    40014 ANY INVALID_ACCESS_TOKEN Token FIELD "invalid access_token"
        "The access token is not valid."
        "Get the Official Account's current authorizer_access_token and call again, once."
        "access_token 无效。"
        "请获取该公众号当前的 authorizer_access_token，重试一次。";
    40097 ANY INVALID_ARGS Caller FIELD "invalid args"
        "An argument is not what WeChat expects."
        "Check the appid and the two flags; the trace's rid shows WeChat's view of the call."
        "参数不符合微信的要求。"
        "请检查 appid 和两个标志；可用 rid 查询微信侧的请求详情。";
    40164 ANY IP_NOT_IN_WHITELIST Human FIELD "invalid ip, not in whitelist"
        "The calling IP is not in the Official Account's whitelist."
        "Add the calling IP to the Official Account's IP whitelist."
        "调用方 IP 不在公众号的 IP 白名单中。"
        "请将调用方 IP 加入该公众号的 IP 白名单。";
    40166 ANY INVALID_MINI_PROGRAM_APPID Caller FIELD "invalid weapp appid"
        "The appid is not a mini program's appid."
        "Pass the mini program's appid (wx…), not its original id (gh_…)."
        "该 appid 不是小程序的 appid。"
        "请传入小程序的 appid（wx…），而不是原始 ID（gh_…）。";
    41001 ANY ACCESS_TOKEN_MISSING Caller FIELD "access_token missing"
        "The request reached WeChat without an access token."
        "Look for a proxy or gateway that drops the query of the URL."
        "请求到达微信时缺少 access_token。"
        "请检查是否有代理或网关丢弃了 URL 查询参数。";
    42001 ANY ACCESS_TOKEN_EXPIRED Token FIELD "access_token expired"
        "The access token has expired."
        "Refresh the Official Account's authorizer_access_token and call again, once."
        "access_token 已过期。"
        "请刷新该公众号的 authorizer_access_token，重试一次。";
    42007 ANY REAUTHORIZATION_NEEDED Human FIELD ""
        "The authorisation ended, since the account's password was changed."
        "Have the Official Account's administrator authorise the third-party platform again."
        "账号密码已修改，授权失效。"
        "请让公众号管理员重新授权第三方平台。";
    43002 ANY POST_REQUIRED Caller FIELD "require POST method"
        "The request reached WeChat as a GET."
        "Look for a proxy or gateway that answers with redirects; base_url must be the last host."
        "请求到达微信时变成了 GET。"
        "请检查是否有代理或网关进行了重定向；base_url 必须是最终主机。";
    44002 ANY EMPTY_BODY Caller FIELD "empty post data"
        "The request reached WeChat without its body."
        "Look for a proxy or gateway that drops the body of POST requests."
        "请求到达微信时缺少请求体。"
        "请检查是否有代理或网关丢弃了 POST 请求体。";
    45009 ANY DAILY_QUOTA Quota FIELD "reach max api daily quota limit"
        "Today's quota of calls is used up."
        "Call again tomorrow, or reset the quota (WeChat allows that 10 times a month)."
        "当日接口调用次数已用完。"
        "请明天再试，或清零调用次数（每月最多 10 次）。";
    45011 ANY MINUTE_QUOTA Quota FIELD "api minute-quota reach limit, must slower, retry next minute"
        "Too many calls in this minute."
        "Wait 60 seconds and call again, more slowly."
        "当前分钟内调用过于频繁。"
        "请等待 60 秒后以更低频率重试。";
    47001 ANY DATA_FORMAT Caller FIELD "data format error"
        "WeChat could not read the body as JSON."
        "Look for a proxy or gateway that changes the body of requests."
        "微信无法将请求体解析为 JSON。"
        "请检查是否有代理或网关改动了请求体。";
    48001 ANY API_UNAUTHORIZED Human FIELD "api unauthorized"
        "The token is of the wrong kind, or the account lacks the capability or the permission set."
        "Use the Official Account's authorizer_access_token, and have the account grant permission set 33."
        "令牌类型错误，或该账号没有此接口能力或权限集。"
        "请使用公众号的 authorizer_access_token，并让公众号授予权限集 33。";
    48004 ANY API_FORBIDDEN Human FIELD "api forbidden for irregularities"
        "WeChat has closed this interface to the account for irregularities."
        "Have the Official Account's administrator look for WeChat's notice in its console and appeal."
        "该账号因违规被禁用此接口。"
        "请让公众号管理员在公众平台查看通知并申诉。";
    50002 ANY USER_LIMITED Human FIELD "user limited"
        "The account is frozen or closed."
        "Have the account's administrator restore it in WeChat's console."
        "账号被冻结或已注销。"
        "请让账号管理员在公众平台恢复账号。";
    61003 ANY NOT_AUTHORIZED_BY_ACCOUNT Human FIELD "component is not authorized by this account"
        "The Official Account has not authorised the third-party platform."
        "Have the Official Account's administrator authorise the platform."
        "公众号未授权该第三方平台。"
        "请让公众号管理员授权该第三方平台。";
    61004 ANY CLIENT_IP_NOT_REGISTERED Human FIELD "access clientip is not registered"
        "The calling IP is not in the third-party platform's whitelist."
        "Add the IP named in requestIP to the platform's own whitelist (not the Official Account's)."
        "调用方 IP 不在第三方平台的白名单中。"
        "请将 requestIP 所示 IP 加入第三方平台（而非公众号）的白名单。";
    61007 ANY PERMISSION_SET_MISSING Human FIELD "api is unauthorized to component"
        "The Official Account has not granted the third-party platform permission set 33."
        "Have the Official Account's administrator authorise the platform again with permission set 33."
        "公众号未将权限集 33 授予第三方平台。"
        "请让公众号管理员重新授权，并勾选权限集 33。";
    61023 ANY INVALID_REFRESH_TOKEN Human FIELD "refresh_token is invalid"
        "The authorizer_refresh_token is not valid any more."
        "Read the current refresh token again from where it is kept, else have the account authorise again."
        "authorizer_refresh_token 已失效。"
        "请重新读取当前保存的刷新令牌，否则让公众号重新授权。";
    89007 ANY MONTHLY_LINK_QUOTA Quota OFFICIAL "wxa quota limit"
        "This month's new links of the Official Account are used up."
        "Link again next month."
        "公众号本月新增关联次数已用完。"
        "请下个月再关联。";
    89008 ANY OVERSEAS_ACCOUNT Human OFFICIAL "overseas account can not link"
        "An overseas account cannot be linked."
        "Use an Official Account and a mini program registered in mainland China."
        "海外账号不能关联。"
        "请使用在中国大陆注册的公众号和小程序。";
    89009 ANY MINI_PROGRAM_LINK_LIMIT Human OFFICIAL "wxa reach link limit"
        "The mini program is linked to as many Official Accounts as it may be."
        "Have the mini program's administrator unlink some Official Accounts, then link again."
        "该小程序关联的公众号数量已达上限。"
        "请让小程序管理员解除部分公众号关联后再试。";
    89010 ANY INVITATION_SENT Pending OFFICIAL "link message has sent"
        "The invitation is already out."
        "Wait for the administrators and ask the list; do not link again."
        "关联邀请已发出。"
        "请等待管理员确认并查询列表，不要重复关联。";
    89011 ANY SHOWN_NEARBY Human OFFICIAL "can not unlink nearby wxa"
        "The mini program is shown in \"nearby mini programs\" and cannot be unlinked."
        "Have its administrator take it off \"nearby mini programs\" first, then unlink."
        "该小程序正在“附近的小程序”中展示，不能解除关联。"
        "请先让管理员在“附近的小程序”中下架，再解除关联。";
    89012 ANY STORE_OR_MALL Human OFFICIAL "can not unlink store or mall"
        "A store or mall mini program cannot be unlinked."
        "Have the Official Account's administrator close the store in WeChat's console first."
        "门店或小商店类小程序不能解除关联。"
        "请让公众号管理员先在公众平台关闭该门店或小商店。";
    89013 ANY MINI_PROGRAM_BANNED Human OFFICIAL "wxa is banned"
        "The mini program is banned."
        "Have the mini program's administrator appeal in its console."
        "该小程序已被封禁。"
        "请让小程序管理员在后台申诉。";
    89014 GET BASE_LIBRARY_VERSION Caller OFFICIAL "support version error"
        "WeChat does not accept the base-library version."
        "Have the mini program's administrator set a supported base-library version."
        "基础库版本不受支持。"
        "请让小程序管理员设置受支持的基础库版本。";
    89015 ANY ALREADY_LINKED Ok OFFICIAL "has linked wxa"
        "The mini program is linked already."
        "Nothing to do: go on as after a success."
        "该小程序已关联。"
        "无需操作，按成功处理即可。";
    89015 UNLINK ALREADY_LINKED Caller OFFICIAL "has linked wxa"
        "WeChat says that the mini program is linked already, which is no answer to this call."
        "Check that base_url leads to WeChat, and report the rid to its support."
        "微信返回“该小程序已关联”，这不是本接口应有的应答。"
        "请检查 base_url 是否指向微信，并将 rid 提供给微信客服。";
    89016 ANY SAME_SUBJECT_QUOTA Quota OFFICIAL "reach same realname quota"
        "This month's links to mini programs of the same subject are used up."
        "Link again next month."
        "本月关联同主体小程序的次数已用完。"
        "请下个月再关联。";
    89017 ANY DIFFERENT_SUBJECT_QUOTA Quota OFFICIAL "reach different realname quota"
        "This month's links to mini programs of other subjects are used up."
        "Link again next month."
        "本月关联不同主体小程序的次数已用完。"
        "请下个月再关联。";
    89018 ANY UNLINK_SENT Pending FIELD "unlink message has sent"
        "The request to unlink is already out."
        "Wait for the Official Account's administrator and ask the list; do not unlink again."
        "解除关联请求已发出。"
        "请等待公众号管理员确认并查询列表，不要重复解除。";
    89030 ANY MONTHLY_OPERATIONS Quota FIELD "operation reach month limit"
        "This month's operations are used up."
        "Try again next month."
        "本月操作次数已用完。"
        "请下个月再试。";
    89035 ANY LINKING_FROM_CONSOLE Pending OFFICIAL "linking from mp"
        "Somebody started this link in WeChat's console; it waits for the mini program's administrator."
        "Wait for the administrator and ask the list; do not link again."
        "该关联已在公众平台后台发起，正在等待小程序管理员确认。"
        "请等待管理员确认并查询列表，不要重复关联。";
    89245 LINK LINKING_FORBIDDEN Human OFFICIAL "mini program forbidden to link"
        "The mini program does not let Official Accounts link it."
        "Have its administrator allow it under Settings, Associated settings, Associated Official Accounts."
        "该小程序不允许公众号关联。"
        "请让小程序管理员在“设置—关联设置—关联公众号”中开启允许。";
    89407 ANY DIFFERENT_SUBJECT_LIMIT Human FIELD "reach different realname limit"
        "The Official Account is linked to as many mini programs of other subjects as it may be."
        "Unlink one of another subject first, then link again."
        "公众号关联的不同主体小程序数量已达上限。"
        "请先解除一个不同主体的小程序，再重新关联。";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn the_table_is_in_order_and_without_repetition() {
        let key = |e: &Entry| (e.errcode, e.interface.map_or("", Interface::word));
        let keys: Vec<_> = ENTRIES.iter().map(key).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(keys, sorted);
    }

    #[test]
    fn every_row_is_complete_in_both_languages() {
        for e in ENTRIES {
            let code = e.errcode;
            assert!(
                e.meaning.en.is_ascii() && e.meaning.en.ends_with('.'),
                "{code}"
            );
            assert!(e.meaning.zh.ends_with('。'), "{code}");
            for lang in [Lang::En, Lang::Zh] {
                assert_eq!(e.remedy.get(lang).is_empty(), code == 0, "{code}");
            }
            assert!(
                code == 0 || e.remedy.en.ends_with('.') && e.remedy.zh.ends_with('。'),
                "{code}"
            );
            let named = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(e.name.chars().all(named), "{code}");
        }
    }

    #[test]
    fn one_errcode_has_one_name_and_a_name_one_errcode() {
        for a in ENTRIES {
            for b in ENTRIES {
                assert_eq!(
                    a.errcode == b.errcode,
                    a.name == b.name,
                    "{} {}",
                    a.name,
                    b.name
                );
            }
        }
    }

    #[test]
    fn lookups_find_the_nearest_row() {
        for e in ENTRIES {
            let found = match e.interface {
                Some(interface) => lookup(interface, e.errcode),
                None => general(e.errcode),
            };
            assert!(found.is_some_and(|f| std::ptr::eq(f, e)));
        }
        for unknown in [i32::MIN, -2, 1, 1009, 99999, i32::MAX] {
            assert!(lookup(Interface::Link, unknown).is_none());
        }
        let class = |interface, code| lookup(interface, code).map(|e| e.class);
        assert_eq!(class(Interface::Link, 89015), Some(Class::Ok));
        assert_eq!(class(Interface::Unlink, 89015), Some(Class::Caller));
    }
}
