//! The table of WeChat's errcodes and the table of their classes: what each means and what to do
//! next, in every language.
//!
//! The C header, the bindings and the pages about errors are generated from these tables. Texts are
//! plain sentences without markup, so that they can be used anywhere.

use crate::model::endpoint::Endpoint;
use crate::model::lang::Text;

/// One row of the table of classes.
#[derive(Clone, Copy, Debug)]
pub struct ClassEntry {
    /// The class.
    pub class: Class,
    /// Its word, such as `action_required`; the C constant is `WX_CLASS_` and this in capitals.
    pub word: &'static str,
    /// What the caller may do next, in one sentence.
    pub advice: Text,
}

/// Makes the enum and its table from the same rows, so that neither can have one the other lacks.
macro_rules! classes {
    ($($code:literal $variant:ident $word:literal en $en:literal zh $zh:literal)+) => {
        /// What the caller may do next. Programs should decide by this rather than by the errcode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Class {
            $(#[doc = $en] $variant = $code,)+
        }

        /// Every class, by its number.
        pub static CLASSES: &[ClassEntry] = &[$(ClassEntry {
            class: Class::$variant,
            word: $word,
            advice: Text { en: $en, zh: $zh },
        },)+];

        impl Class {
            /// The word used in JSON, messages and the documentation, such as `pending`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Class::$variant => $word,)+
                }
            }

            /// What the caller may do next, in one sentence.
            pub const fn advice(self) -> Text {
                match self {
                    $(Class::$variant => Text { en: $en, zh: $zh },)+
                }
            }
        }
    };
}

classes! {
    // number Variant "word" language "what the caller may do next"

    1 Ok "ok"
        en "Done, or done before: continue."
        zh "已完成或此前已完成，继续即可。"
    2 Pending "pending"
        en "Not a failure, it is in progress: wait for the administrators and read the list; do \
            not repeat the call."
        zh "并非失败，正在进行中：请等待管理员确认并查询列表，不要重复调用。"
    3 Token "token"
        en "Get another access token and call again, once."
        zh "请重新获取 access_token，并且只重试一次。"
    4 Busy "busy"
        en "Wait and try again, a bounded number of times; read the list before repeating a link \
            or unlink."
        zh "请稍候重试，并限制重试次数；重复关联或解除关联之前，请先查询列表。"
    5 Quota "quota"
        en "Call again when the minute, the day or the month is over."
        zh "请等到下一分钟、次日或下个月再调用。"
    6 ActionRequired "action_required"
        en "An administrator or operator must act first."
        zh "需要管理员或运营人员先行处理。"
    7 InvalidRequest "invalid_request"
        en "Correct the call; the same call would be refused again."
        zh "请修正调用；原样重试仍会被拒绝。"
    8 Ticket "ticket"
        en "Pass on the component_verify_ticket that WeChat pushes to the platform, then call \
            again."
        zh "请传入微信推送给第三方平台的票据（component_verify_ticket），然后重试。"
}

impl Class {
    /// The number of the C interface: `WX_CLASS_…`.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The class with this number of the C interface, if there is one.
    pub fn from_code(code: i32) -> Option<Class> {
        CLASSES
            .iter()
            .map(|e| e.class)
            .find(|class| class.code() == code)
    }

    /// Whether the same call is worth another try after the remedy: another token, another ticket,
    /// or waiting.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Class::Token | Class::Busy | Class::Quota | Class::Ticket
        )
    }
}

/// One row of the table of errcodes.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// WeChat's number.
    pub errcode: i32,
    /// The endpoint the row holds for; `None` for every one without a row of its own.
    pub endpoint: Option<Endpoint>,
    /// A stable name derived from the meaning, such as `ALREADY_LINKED`; each errcode has one.
    pub name: &'static str,
    /// What the caller may do next.
    pub class: Class,
    /// WeChat's errmsg as seen, without its suffixes; empty if none is known.
    pub errmsg: &'static str,
    /// Whether WeChat documents the code for these endpoints; if not, it was seen in practice.
    pub official: bool,
    /// What happened, in one sentence.
    pub meaning: Text,
    /// What to do next, in one sentence; empty for 0 alone.
    pub remedy: Text,
}

/// Turns the table below into rows. A code has a block for each meaning, and a row for each item
/// in brackets.
macro_rules! table {
    ($(
        $errcode:literal $name:ident $errmsg:literal [$($on:ident $class:ident $known:ident),+]
            en $meaning_en:literal $remedy_en:literal
            zh $meaning_zh:literal $remedy_zh:literal
    )*) => {
        &[$($(Entry {
            errcode: $errcode,
            endpoint: table!(@ $on),
            name: stringify!($name),
            class: Class::$class,
            errmsg: $errmsg,
            official: table!(@ $known),
            meaning: Text { en: $meaning_en, zh: $meaning_zh },
            remedy: Text { en: $remedy_en, zh: $remedy_zh },
        },)+)*]
    };
    (@ any) => { None };
    (@ link) => { Some(Endpoint::Link) };
    (@ get) => { Some(Endpoint::Get) };
    (@ unlink) => { Some(Endpoint::Unlink) };
    (@ component_token) => { Some(Endpoint::ComponentToken) };
    (@ authorizer_token) => { Some(Endpoint::AuthorizerToken) };
    (@ authorizer_list) => { Some(Endpoint::AuthorizerList) };
    (@ create_preauthcode) => { Some(Endpoint::CreatePreauthcode) };
    (@ query_auth) => { Some(Endpoint::QueryAuth) };
    (@ authorizer_info) => { Some(Endpoint::AuthorizerInfo) };
    (@ rid) => { Some(Endpoint::Rid) };
    (@ official) => { true };
    (@ field) => { false };
}

/// Every known errcode, by errcode; rows of one errcode by endpoint, the general one first.
pub static ENTRIES: &[Entry] = table! {
    // errcode NAME "errmsg" [endpoint, class, origin]
    // (the origin is official if WeChat documents the code, field if it was seen in practice)
    //     language "meaning" "remedy"

    -1 SYSTEM_BUSY "system error" [any Busy official]
        en "WeChat is busy, or the appid is that of a service account."
           "Wait a little and try again, reading the list first if you were linking or unlinking, \
            and make sure that the appid is a mini program's."
        zh "微信系统繁忙，或传入的是服务号的 appid。"
           "请稍候重试（关联或解除关联时请先查询列表），并确认传入的是小程序的 appid。"
    -1 SYSTEM_BUSY "system error" [get Busy official]
        en "WeChat is busy."
           "Wait a little and try again: reading the list changes nothing."
        zh "微信系统繁忙。"
           "请稍候重试；查询列表不会改变任何数据。"
    -1 SYSTEM_BUSY "system error" [
        component_token Busy official,
        authorizer_token Busy official,
        authorizer_list Busy official,
        create_preauthcode Busy official,
        query_auth Busy official,
        authorizer_info Busy official
    ]
        en "WeChat is busy."
           "Wait a little and try again: a token that has not expired stays valid."
        zh "微信系统繁忙。"
           "请稍候重试；未过期的令牌仍然有效。"
    0 OK "ok" [any Ok official]
        en "WeChat accepted the request." ""
        zh "微信已接受请求。" ""

    // Only what linking answers: elsewhere WeChat uses these numbers for other things.
    1001 SUBJECT_OVER_LIMIT "" [link ActionRequired field]
        en "The subject (the registered person or organisation) is over its limit."
           "Have accounts of this subject that are no longer needed unbound, or take it up with \
            WeChat's support."
        zh "主体（注册的个人或组织）超出限制。"
           "请解除该主体下不再使用的账号的绑定，或联系微信客服。"
    1002 SUBJECT_BLACKLISTED "" [link ActionRequired field]
        en "The subject (the registered person or organisation) is on the blacklist."
           "Have the subject settle it with WeChat's support."
        zh "主体（注册的个人或组织）已被列入黑名单。"
           "请由该主体联系微信客服处理。"
    1003 ADMIN_OVER_LIMIT "" [link ActionRequired official]
        en "The mini program's administrator is bound to too many accounts."
           "Have the administrator unbind some accounts in the platform's security assistant, then \
            link again."
        zh "小程序管理员绑定的账号数量已达上限。"
           "请管理员在“公众平台安全助手”中解除部分账号的绑定，然后重新关联。"
    1004 ADMIN_BLACKLISTED "" [link ActionRequired field]
        en "The administrator is on the blacklist."
           "Have the administrator settle it with WeChat's support."
        zh "管理员已被列入黑名单。"
           "请管理员联系微信客服处理。"
    1005 PHONE_OVER_LIMIT "" [link ActionRequired official]
        en "The phone number of the mini program's administrator is bound to too many accounts."
           "Have the administrator unbind some accounts in the platform's security assistant, then \
            link again."
        zh "小程序管理员的手机号绑定的账号数量已达上限。"
           "请管理员在“公众平台安全助手”中解除部分账号的绑定，然后重新关联。"
    1006 PHONE_BLACKLISTED "" [link ActionRequired official]
        en "The phone number of the mini program's administrator is on the blacklist."
           "Have the administrator settle it with WeChat's support."
        zh "小程序管理员的手机号已被列入黑名单。"
           "请管理员联系微信客服处理。"
    1007 ID_CARD_OVER_LIMIT "" [link ActionRequired field]
        en "The identity card is over its limit."
           "Have accounts registered with this identity card that are no longer needed unbound, or \
            take it up with WeChat's support."
        zh "身份证超出限制。"
           "请解除该身份证下不再使用的账号的绑定，或联系微信客服。"
    1008 ID_CARD_BLACKLISTED "" [link ActionRequired field]
        en "The identity card is on the blacklist."
           "Have its holder settle it with WeChat's support."
        zh "身份证已被列入黑名单。"
           "请身份证持有人联系微信客服处理。"

    40001 INVALID_CREDENTIAL "invalid credential, access_token is invalid or not latest" [any Token official]
        en "The access token is not valid, not the latest, or of the wrong kind."
           "Get the Official Account's current authorizer_access_token and call again, once."
        zh "access_token 无效、不是最新，或类型不对。"
           "请获取该公众号当前的 authorizer_access_token，并且只重试一次。"
    40001 INVALID_CREDENTIAL "invalid credential, access_token is invalid or not latest" [
        component_token ActionRequired official
    ]
        en "The third-party platform's appsecret is wrong."
           "Set component_appsecret to the platform's current appsecret, which changes when it is \
            reset."
        zh "第三方平台的 appsecret 有误。"
           "请将 component_appsecret 设为该平台当前的 appsecret（重置后会改变）。"
    40001 INVALID_CREDENTIAL "invalid credential, access_token is invalid or not latest" [
        authorizer_token Token official,
        authorizer_list Token official,
        create_preauthcode Token official,
        query_auth Token official,
        authorizer_info Token official
    ]
        en "The third-party platform's access token is not valid or not the latest."
           "Get the platform's current component_access_token and call again, once."
        zh "第三方平台的 component_access_token 无效，或不是最新。"
           "请获取该平台当前的 component_access_token，并且只重试一次。"
    40013 INVALID_APPID "invalid appid" [any InvalidRequest field]
        en "The appid is not valid."
           "Check the appid: it is wx and 16 hexadecimal digits."
        zh "appid 无效。"
           "请检查 appid：应为 wx 加 16 位十六进制字符。"
    40013 INVALID_APPID "invalid appid" [get InvalidRequest field]
        en "WeChat refused an appid, although a request for the list contains none."
           "Check that the access token is the Official Account's authorizer_access_token, and \
            that no proxy or gateway changes the request."
        zh "微信认为 appid 无效，但查询列表的请求中没有 appid。"
           "请确认 access_token 是该公众号的 authorizer_access_token，且没有代理或网关改动请求。"
    40013 INVALID_APPID "invalid appid" [unlink InvalidRequest field]
        en "The appid is not valid, or the mini program is not linked to this Official Account."
           "Read the list: if the mini program is not in it, nothing needs to be unlinked; if it is \
            pending, wait until it is linked; else check the appid: it is wx and 16 hexadecimal \
            digits."
        zh "appid 无效，或该小程序未关联到此公众号。"
           "请查询列表：若其中没有该小程序，则无需解除；若仍在等待确认，请待关联完成后再解除；\
            否则请检查 appid：应为 wx 加 16 位十六进制字符。"
    40013 INVALID_APPID "invalid appid" [
        component_token InvalidRequest official,
        authorizer_token InvalidRequest official,
        authorizer_list InvalidRequest official,
        create_preauthcode InvalidRequest official,
        query_auth InvalidRequest official,
        authorizer_info InvalidRequest official
    ]
        en "The third-party platform's appid, or the Official Account's, is not valid."
           "Check that component_appid is the platform's appid and that the account is an Official \
            Account's: each is wx and 16 hexadecimal digits."
        zh "第三方平台或公众号的 appid 无效。"
           "请确认 component_appid 是第三方平台的 appid，且账号是公众号的 appid：均应为 wx 加 16 位十六进制字符。"
    40014 INVALID_ACCESS_TOKEN "invalid access_token" [any Token field]
        en "The access token is not valid."
           "Get the Official Account's current authorizer_access_token and call again, once."
        zh "access_token 无效。"
           "请获取该公众号当前的 authorizer_access_token，并且只重试一次。"
    40014 INVALID_ACCESS_TOKEN "invalid access_token" [
        authorizer_token Token field,
        authorizer_list Token field,
        create_preauthcode Token field,
        query_auth Token field,
        authorizer_info Token field
    ]
        en "The third-party platform's access token is not valid."
           "Get the platform's current component_access_token and call again, once."
        zh "第三方平台的 component_access_token 无效。"
           "请获取该平台当前的 component_access_token，并且只重试一次。"
    40091 INVALID_COMPONENT_TICKET "invalid component ticket" [any Ticket field]
        en "The third-party platform's component_verify_ticket is not valid."
           "Pass on the component_verify_ticket that WeChat pushes to this platform every 10 \
            minutes, then call again."
        zh "第三方平台的票据（component_verify_ticket）无效。"
           "请传入微信每 10 分钟向该平台推送的票据，然后重试。"
    40094 INVALID_COMPONENT_CREDENTIAL "invalid component credential" [any Token field]
        en "The third-party platform's access token is not valid, or another platform's."
           "Get the platform's current component_access_token and call again, once."
        zh "第三方平台的 component_access_token 无效，或属于其他平台。"
           "请获取该平台当前的 component_access_token，并且只重试一次。"
    40097 INVALID_ARGS "invalid args" [any InvalidRequest field]
        en "An argument is not valid."
           "Check the appid, and that notify_users and show_profile are the numbers 0 or 1."
        zh "参数无效。"
           "请检查 appid，并确认 notify_users 和 show_profile 为数字 0 或 1。"
    40097 INVALID_ARGS "invalid args" [get InvalidRequest field]
        en "WeChat refused an argument, although a request for the list contains none but the \
            access token."
           "Check that the access token is the Official Account's authorizer_access_token, and \
            that no proxy or gateway changes the request."
        zh "微信认为参数无效，但查询列表的请求中只有 access_token。"
           "请确认 access_token 是该公众号的 authorizer_access_token，且没有代理或网关改动请求。"
    40097 INVALID_ARGS "invalid args" [unlink InvalidRequest field]
        en "An argument is not valid."
           "Check the mini program's appid: it is wx and 16 hexadecimal digits."
        zh "参数无效。"
           "请检查小程序的 appid：应为 wx 加 16 位十六进制字符。"
    40097 INVALID_ARGS "invalid args" [
        component_token InvalidRequest field,
        authorizer_token InvalidRequest field,
        authorizer_list InvalidRequest field,
        create_preauthcode InvalidRequest field
    ]
        en "An argument is not valid."
           "Check component_appid, and the Official Account's appid and refresh token."
        zh "参数无效。"
           "请检查 component_appid，以及公众号的 appid 和刷新令牌。"
    40097 INVALID_ARGS "invalid args" [
        query_auth InvalidRequest field,
        authorizer_info InvalidRequest field
    ]
        en "An argument is not valid."
           "Pass the authorisation code or the account's appid unchanged, as WeChat sent it."
        zh "参数无效。"
           "请原样传入微信给出的授权码或账号的 appid。"
    40125 WRONG_APPSECRET "invalid appsecret" [
        any ActionRequired field,
        component_token ActionRequired official,
        create_preauthcode ActionRequired official
    ]
        en "The third-party platform's appsecret is wrong or was reset in the platform's console."
           "Set component_appsecret to the platform's current appsecret."
        zh "第三方平台的 appsecret 有误，或已在平台后台重置。"
           "请将 component_appsecret 设为该平台当前的 appsecret。"
    40164 IP_NOT_IN_ACCOUNT_WHITELIST "invalid ip …, not in whitelist" [any ActionRequired field]
        en "The calling IP is not in the Official Account's IP whitelist."
           "Add the calling IP to the Official Account's IP whitelist."
        zh "调用方 IP 不在公众号的 IP 白名单中。"
           "请将调用方 IP 加入该公众号的 IP 白名单。"
    40166 NOT_A_MINI_PROGRAM_APPID "invalid weapp appid" [any InvalidRequest field]
        en "The appid is not that of a mini program."
           "Pass the mini program's appid (wx...), not its original id (gh_...)."
        zh "传入的不是小程序的 appid。"
           "请传入小程序的 appid（wx 开头），而不是原始 ID（gh_ 开头）。"
    40166 NOT_A_MINI_PROGRAM_APPID "invalid weapp appid" [get InvalidRequest field]
        en "WeChat refused a mini program's appid, although a request for the list contains none."
           "Check that no proxy or gateway changes the path or the body of the request."
        zh "微信认为小程序的 appid 有误，但查询列表的请求中没有 appid。"
           "请确认没有代理或网关改动请求的路径或请求体。"
    40170 TOO_MANY_LISTED "args count exceed count limit" [
        any InvalidRequest field,
        authorizer_list InvalidRequest official
    ]
        en "The request asks for more items than WeChat returns in one page."
           "Ask for at most 500 accounts in one page."
        zh "请求的条数超过单页上限。"
           "请将每页的账号数量限制在 500 以内。"
    41001 ACCESS_TOKEN_MISSING "access_token missing" [any InvalidRequest field]
        en "The request carried no access token."
           "Pass the Official Account's authorizer_access_token."
        zh "请求未携带 access_token。"
           "请传入该公众号的 authorizer_access_token。"
    41001 ACCESS_TOKEN_MISSING "access_token missing" [
        authorizer_token InvalidRequest field,
        authorizer_list InvalidRequest field,
        create_preauthcode InvalidRequest official,
        query_auth InvalidRequest field,
        authorizer_info InvalidRequest field
    ]
        en "The request arrived without the third-party platform's access token."
           "Check that no proxy or gateway removes or changes the query of the URL."
        zh "请求到达微信时没有第三方平台的 component_access_token。"
           "请确认没有代理或网关删除或改动 URL 的查询参数。"
    41002 APPID_MISSING "appid missing" [any InvalidRequest field]
        en "The request arrived without an appid."
           "Send the body as JSON, not as a form, and check that no proxy or gateway changes it."
        zh "请求到达微信时没有 appid。"
           "请以 JSON（而不是表单）发送请求体，并确认没有代理或网关改动它。"
    41004 APPSECRET_MISSING "appsecret missing" [
        any InvalidRequest field,
        component_token InvalidRequest official,
        create_preauthcode InvalidRequest official
    ]
        en "The request arrived without the third-party platform's appsecret."
           "Set component_appsecret, and check that no proxy or gateway changes the body."
        zh "请求到达微信时没有第三方平台的 appsecret。"
           "请设置 component_appsecret，并确认没有代理或网关改动请求体。"
    41018 COMPONENT_APPID_MISSING "missing component_appid" [any InvalidRequest field]
        en "The request arrived without the third-party platform's appid, or its body is not JSON."
           "Send the body as JSON with component_appid, and check that no proxy or gateway changes \
            it."
        zh "请求到达微信时没有第三方平台的 appid，或请求体不是 JSON。"
           "请以 JSON 发送包含 component_appid 的请求体，并确认没有代理或网关改动它。"
    42001 ACCESS_TOKEN_EXPIRED "access_token expired" [any Token field]
        en "The access token has expired."
           "Get the Official Account's current authorizer_access_token and call again, once."
        zh "access_token 已过期。"
           "请获取该公众号当前的 authorizer_access_token，并且只重试一次。"
    42001 ACCESS_TOKEN_EXPIRED "access_token expired" [
        authorizer_token Token field,
        authorizer_list Token field,
        create_preauthcode Token official,
        query_auth Token field,
        authorizer_info Token field
    ]
        en "The third-party platform's access token has expired."
           "Get the platform's current component_access_token and call again, once."
        zh "第三方平台的 component_access_token 已过期。"
           "请获取该平台当前的 component_access_token，并且只重试一次。"
    42006 COMPONENT_TOKEN_EXPIRED "component_access_token expired" [any Token field]
        en "The third-party platform's access token has expired."
           "Get the platform's current component_access_token and call again, once."
        zh "第三方平台的 component_access_token 已过期。"
           "请获取该平台当前的 component_access_token，并且只重试一次。"
    42007 PASSWORD_CHANGED "" [any ActionRequired field]
        en "The account's password was changed, which ended its authorisation."
           "Have the Official Account's administrator authorise the third-party platform again."
        zh "该账号修改了密码，原授权已失效。"
           "请公众号管理员重新授权给第三方平台。"
    43002 POST_REQUIRED "require POST method" [any InvalidRequest field]
        en "The request did not arrive as a POST."
           "Remove the proxy or redirect on the way that turns POST into GET."
        zh "请求到达微信时不是 POST。"
           "请排除途中将 POST 变为 GET 的代理或重定向。"
    44002 EMPTY_BODY "empty post data" [any InvalidRequest field]
        en "The request arrived with an empty body."
           "Send a JSON body, an empty object at the least, and check that no proxy drops it."
        zh "请求到达微信时请求体为空。"
           "请发送 JSON 请求体（至少是空对象），并确认没有代理丢弃请求体。"
    44993 QUERY_QUOTA_REACHED "reach max api day frequence limit" [any Quota field]
        en "Today's quota of queries about quotas and request ids is used up."
           "Wait until tomorrow."
        zh "今日查询调用额度和 rid 的次数已用完。"
           "请等到次日再查询。"
    45009 DAILY_QUOTA_REACHED "reach max api daily quota limit" [
        any Quota field,
        component_token Quota official,
        create_preauthcode Quota official
    ]
        en "Today's quota of calls is used up."
           "Wait until tomorrow, or have the quota reset, which is possible 10 times a month."
        zh "今日的接口调用额度已用完。"
           "请等到次日再调用，或重置调用额度（每月可重置 10 次）。"
    45011 MINUTE_QUOTA_REACHED "api minute-quota reach limit, must slower, retry next minute" [any Quota field]
        en "This minute's quota of calls is used up."
           "Wait 60 seconds before calling again, and call more slowly."
        zh "本分钟的接口调用额度已用完。"
           "请等待 60 秒后再调用，并降低调用频率。"
    45035 IP_NOT_REGISTERED "access clientip is not registered, not in ip-white-list" [any ActionRequired field]
        en "The calling IP is not in the third-party platform's IP whitelist."
           "Add the calling IP to the third-party platform's IP whitelist."
        zh "调用方 IP 不在第三方平台的 IP 白名单中。"
           "请将调用方 IP 加入第三方平台的 IP 白名单。"
    47001 DATA_FORMAT_ERROR "data format error" [
        any InvalidRequest field,
        component_token InvalidRequest official,
        create_preauthcode InvalidRequest official
    ]
        en "WeChat could not read the request's body."
           "Send a valid JSON body in UTF-8."
        zh "微信无法解析请求体。"
           "请以 UTF-8 编码发送合法的 JSON 请求体。"
    48001 API_UNAUTHORIZED "api unauthorized" [any ActionRequired field]
        en "The token is of the wrong kind, or the Official Account lacks the capability or the \
            permission set."
           "Pass the Official Account's authorizer_access_token, and have its administrator check \
            that it has the capability and has granted permission set 33."
        zh "token 类型不对，或该公众号没有接口能力或未授予权限集。"
           "请使用该公众号的 authorizer_access_token，并请其管理员确认已具备接口能力且已授予权限集 33。"
    48001 API_UNAUTHORIZED "api unauthorized" [
        component_token ActionRequired official,
        authorizer_token ActionRequired field,
        authorizer_list ActionRequired field,
        create_preauthcode ActionRequired official,
        query_auth ActionRequired field,
        authorizer_info ActionRequired field
    ]
        en "The appid is not that of a third-party platform, or the platform may not call this \
            endpoint."
           "Check that component_appid is that of a third-party platform and that the platform is \
            not restricted, or else ask WeChat's support with the rid."
        zh "appid 不是第三方平台的，或该平台无权调用此接口。"
           "请确认 component_appid 属于第三方平台且该平台未受限制；如无问题，请凭 rid 联系微信客服。"
    48004 API_FORBIDDEN "api forbidden for irregularities" [any ActionRequired field]
        en "WeChat has barred the account from this endpoint for breaking its rules."
           "Have the account's administrator settle the breach with WeChat."
        zh "该账号因违规被封禁了此接口。"
           "请账号管理员与微信处理违规事项。"
    48006 CLEAR_QUOTA_LIMIT "forbid to clear quota because of reaching the limit" [any Quota field]
        en "This month's 10 resets of the quota of calls are used up."
           "Wait until the quota of calls is renewed tomorrow, or reset it again next month."
        zh "本月重置调用额度的 10 次机会已用完。"
           "请等到次日调用额度恢复，或下个月再重置。"
    50002 ACCOUNT_LIMITED "user limited" [any ActionRequired field]
        en "The account is frozen or closed."
           "Have the account's administrator restore it, or stop calling on its behalf."
        zh "该账号已被冻结或注销。"
           "请账号管理员恢复账号，否则请停止代其调用。"
    61000 INVALID_COMPONENT_TYPE "" [any InvalidRequest field]
        en "The type of the third-party platform is not valid."
           "Check that component_appid is that of a third-party platform."
        zh "第三方平台的类型无效。"
           "请确认 component_appid 属于第三方平台。"
    61001 COMPONENT_TYPE_MISMATCH "" [any InvalidRequest field]
        en "The type of the third-party platform does not match its appid."
           "Check that component_appid is that of a third-party platform."
        zh "第三方平台的类型与 appid 不一致。"
           "请确认 component_appid 属于第三方平台。"
    61002 CUSTOMER_SERVICE_NOT_OPEN "" [any InvalidRequest field]
        en "The third-party platform has not activated customer service."
           "Activate it in the platform's console, then call again."
        zh "第三方平台未开通客服功能。"
           "请在平台后台开通，然后重试。"

    61003 PLATFORM_NOT_AUTHORIZED "component is not authorized by this account" [any ActionRequired field]
        en "The Official Account has not authorised the third-party platform."
           "Have the Official Account's administrator authorise the third-party platform."
        zh "该公众号未授权给第三方平台。"
           "请公众号管理员授权给第三方平台。"
    61004 IP_NOT_IN_PLATFORM_WHITELIST "access clientip is not registered requestIP: …" [
        any ActionRequired field,
        component_token ActionRequired official,
        create_preauthcode ActionRequired official
    ]
        en "The calling IP is not in the third-party platform's IP whitelist."
           "Add the calling IP to the third-party platform's IP whitelist; the Official Account's \
            does not count here."
        zh "调用方 IP 不在第三方平台的 IP 白名单中。"
           "请将调用方 IP 加入第三方平台（而不是公众号）的 IP 白名单。"
    61005 TICKET_EXPIRED "component ticket is expired" [
        any Ticket field,
        component_token Ticket official,
        create_preauthcode Ticket official
    ]
        en "The third-party platform's component_verify_ticket is older than 12 hours."
           "Pass on the component_verify_ticket that WeChat pushes to this platform every 10 \
            minutes, or restart the pushes with api_start_push_ticket if none arrives."
        zh "第三方平台的票据（component_verify_ticket）已超过 12 小时。"
           "请传入微信每 10 分钟向该平台推送的票据；如未收到推送，请调用 api_start_push_ticket 重新启动。"
    61006 TICKET_INVALID "component ticket is invalid" [
        any Ticket field,
        component_token Ticket official,
        create_preauthcode Ticket official
    ]
        en "The component_verify_ticket is incomplete, or is another third-party platform's."
           "Pass on the whole component_verify_ticket that WeChat pushes to this platform every 10 \
            minutes, then call again."
        zh "票据（component_verify_ticket）不完整，或属于其他第三方平台。"
           "请完整传入微信每 10 分钟向该平台推送的票据，然后重试。"
    61007 PERMISSION_SET_MISSING "api is unauthorized to component" [any ActionRequired field]
        en "The Official Account has not granted permission set 33 to the third-party platform."
           "Have the Official Account's administrator grant permission set 33 to the third-party \
            platform."
        zh "该公众号未将权限集 33 授予第三方平台。"
           "请公众号管理员将权限集 33 授予第三方平台。"
    61008 DUPLICATE_REQUEST_KEY "" [any InvalidRequest field]
        en "The request contains a key twice."
           "Send each key once."
        zh "请求中有重复的键。"
           "请确保每个键只出现一次。"
    61009 AUTHORIZATION_CODE_INVALID "code is invalid" [any ActionRequired field]
        en "The authorisation code was used before, is another third-party platform's, or is not \
            an authorisation code."
           "Nothing needs to be done if the Official Account's refresh token is stored already, or \
            else have its administrator authorise the third-party platform again."
        zh "授权码已被使用、属于其他第三方平台，或不是授权码。"
           "若已存有该公众号的刷新令牌，则无需处理；否则请公众号管理员重新授权给第三方平台。"
    61010 AUTHORIZATION_CODE_EXPIRED "code is expired" [any ActionRequired field]
        en "The authorisation code is older than an hour, or was used before."
           "Nothing needs to be done if the Official Account's refresh token is stored already, or \
            else have its administrator authorise the third-party platform again."
        zh "授权码已超过 1 小时，或已被使用。"
           "若已存有该公众号的刷新令牌，则无需处理；否则请公众号管理员重新授权给第三方平台。"
    61011 NOT_A_PLATFORM "invalid component" [
        any InvalidRequest field,
        component_token InvalidRequest official,
        create_preauthcode InvalidRequest official
    ]
        en "The appid is not that of a third-party platform."
           "Set component_appid to the appid of the third-party platform, not to that of an \
            Official Account or mini program."
        zh "传入的不是第三方平台的 appid。"
           "请将 component_appid 设为第三方平台的 appid，而不是公众号或小程序的 appid。"
    61012 INVALID_OPTION_NAME "" [any InvalidRequest field]
        en "The name of the account's option is not valid."
           "Correct option_name."
        zh "选项名称无效。"
           "请修正 option_name。"
    61013 INVALID_OPTION_VALUE "" [any InvalidRequest field]
        en "The value of the account's option is not valid."
           "Correct option_value."
        zh "选项值无效。"
           "请修正 option_value。"
    61014 PLATFORM_TOKEN_REQUIRED "must use component token for component api" [
        any InvalidRequest field,
        authorizer_token InvalidRequest official
    ]
        en "The request needs the third-party platform's access token, and has an account's."
           "Pass the platform's component_access_token."
        zh "此接口须使用第三方平台的 component_access_token，而请求中是账号的 access_token。"
           "请传入该平台的 component_access_token。"
    61015 ACCOUNT_TOKEN_REQUIRED "must use biz token for not component api" [any InvalidRequest field]
        en "The request needs an account's access token, and has the third-party platform's."
           "Pass the Official Account's authorizer_access_token."
        zh "此接口须使用账号的 access_token，而请求中是第三方平台的 component_access_token。"
           "请传入该公众号的 authorizer_access_token。"
    61016 PERMISSION_SET_UNCONFIRMED "function category of API need be confirmed by component" [
        any ActionRequired field
    ]
        en "The third-party platform has not confirmed the permission set that this endpoint \
            belongs to."
           "Have the platform's administrator confirm the permission set in its console."
        zh "第三方平台尚未确认此接口所属的权限集。"
           "请平台管理员在平台后台确认该权限集。"
    61017 PERMISSION_SET_UNAUTHORIZED "" [any ActionRequired field]
        en "The permission set that this endpoint belongs to is not granted to the third-party \
            platform."
           "Have the Official Account's administrator grant it."
        zh "此接口所属的权限集未授予第三方平台。"
           "请公众号管理员授予该权限集。"
    61018 PERMISSION_SET_ALREADY_CONFIRMED "" [any ActionRequired field]
        en "The permission set is confirmed already."
           "Have the platform's administrator check its state in the console."
        zh "该权限集此前已确认。"
           "请平台管理员在后台查看其状态。"
    61019 CONFIRMATION_NOT_NEEDED "" [any ActionRequired field]
        en "The permission set does not need to be confirmed."
           "Have the platform's administrator check its state in the console."
        zh "该权限集无需确认。"
           "请平台管理员在后台查看其状态。"
    61020 CONFIRMATION_INVALID "" [any ActionRequired field]
        en "An argument of the confirmation of a permission set is not valid."
           "Have the platform's administrator check the permission set in the console."
        zh "确认权限集的参数有误。"
           "请平台管理员在后台检查该权限集。"
    61021 CONFIRMATION_NOT_POSSIBLE "" [any ActionRequired field]
        en "The permission set cannot be confirmed."
           "Have the platform's administrator check its state in the console."
        zh "该权限集不能确认。"
           "请平台管理员在后台查看其状态。"
    61022 CONFIRMATION_NOT_REPEATABLE "" [any ActionRequired field]
        en "The confirmation of the permission set cannot be submitted again."
           "Have the platform's administrator check its state in the console."
        zh "不能重复提交该权限集的确认。"
           "请平台管理员在后台查看其状态。"
    61023 REFRESH_TOKEN_INVALID "refresh_token is invalid" [any ActionRequired field]
        en "The refresh token is not valid."
           "Read the Official Account's current refresh token again, or else have its \
            administrator authorise the third-party platform again."
        zh "刷新令牌（refresh_token）无效。"
           "请重新读取该公众号当前的刷新令牌；如仍无效，请公众号管理员重新授权给第三方平台。"
    61024 WRONG_TOKEN_ENDPOINT "must use api(api_component_token) to get token for component acct" [
        any InvalidRequest field
    ]
        en "The access token of a third-party platform comes from another endpoint."
           "Call api_component_token for a platform's appid."
        zh "第三方平台的令牌须通过其他接口获取。"
           "请用 api_component_token 获取第三方平台的令牌。"
    61025 OPTION_READ_ONLY "" [any InvalidRequest field]
        en "The account's option cannot be changed."
           "Read the option only."
        zh "该选项只读。"
           "请只查询该选项，不要修改。"
    61026 REGISTRATION_DENIED "register access deny" [any ActionRequired field]
        en "The third-party platform may not register accounts."
           "Have the platform's administrator settle it with WeChat's support."
        zh "第三方平台无权注册账号。"
           "请平台管理员联系微信客服处理。"
    61027 REGISTRATION_LIMIT "register limit exceed" [any ActionRequired field]
        en "The third-party platform has reached its limit of registrations."
           "Have the platform's administrator settle it with WeChat's support."
        zh "第三方平台的注册数量已达上限。"
           "请平台管理员联系微信客服处理。"
    61028 PLATFORM_UNPUBLISHED "component is unpublished" [any ActionRequired field]
        en "The third-party platform is not published."
           "Have the platform's administrator publish it."
        zh "第三方平台尚未全网发布。"
           "请平台管理员将其全网发布。"
    61029 PLATFORM_MUST_REPUBLISH "component need republish with base category" [any ActionRequired field]
        en "The third-party platform must be published again with the basic permission set."
           "Have the platform's administrator publish it again."
        zh "第三方平台需要带上基础权限集重新全网发布。"
           "请平台管理员重新全网发布。"
    61030 WITHDRAWAL_NOT_ALLOWED "component cancel authorization not allowed" [any ActionRequired field]
        en "The third-party platform may not withdraw the authorisation."
           "Have the Official Account's administrator withdraw it."
        zh "第三方平台不能取消该授权。"
           "请公众号管理员自行取消授权。"
    76001 RID_NOT_FOUND "rid not found" [any InvalidRequest field, rid InvalidRequest official]
        en "WeChat does not know this rid, or it is older than 7 days."
           "Pass the rid of a request of the last 7 days."
        zh "微信没有该 rid 的记录，或已超过 7 天。"
           "请传入最近 7 天内请求的 rid。"
    76002 RID_INVALID "rid error" [any InvalidRequest field, rid InvalidRequest official]
        en "The rid is not valid."
           "Pass the rid unchanged as it is in the errmsg."
        zh "rid 无效。"
           "请原样传入 errmsg 中的 rid。"
    76003 RID_NOT_PERMITTED "no permission" [any InvalidRequest field, rid InvalidRequest official]
        en "The rid belongs to another account, or the path is not valid."
           "Use an access token of the account and kind that the request was sent with."
        zh "该 rid 属于其他账号，或路径无效。"
           "请使用与原请求属于同一账号且同一类型的 access_token。"
    76021 API_PATH_NOT_FOUND "" [any InvalidRequest field]
        en "WeChat does not know the path in cgi_path."
           "Pass the path of an endpoint, starting with a slash, without host and query."
        zh "微信不认识 cgi_path 中的路径。"
           "请传入以斜杠开头、不含域名和查询参数的接口路径。"
    76022 API_PATH_NOT_SUPPORTED "" [any InvalidRequest field]
        en "The path is not supported, or the access token is of the wrong kind for it."
           "Use an access token of the kind that the endpoint needs."
        zh "不支持查询该路径，或 access_token 的类型与其不符。"
           "请使用该接口所需类型的 access_token。"

    89007 MONTHLY_LINKS_USED_UP "wxa quota limit" [any Quota official]
        en "This month's links are used up."
           "Link again next month."
        zh "本月的关联次数已用完。"
           "请下个月再关联。"
    89008 OVERSEAS_ACCOUNT "overseas account can not link" [any ActionRequired official]
        en "An overseas account cannot link."
           "Use an account that is not overseas, or take it up with WeChat's support."
        zh "境外账号不能关联。"
           "请改用非境外账号，或联系微信客服。"
    89009 MINI_PROGRAM_LINK_LIMIT "wxa reach link limit" [any ActionRequired official]
        en "The mini program has reached its limit of linked Official Accounts."
           "Have an Official Account that no longer needs the mini program unlinked, then link \
            again."
        zh "该小程序关联的公众号数量已达上限。"
           "请先解除该小程序与不再需要的公众号的关联，然后重新关联。"
    // To who links this is as good as a yes; who unlinks must not take it for theirs.
    89010 LINK_MESSAGE_SENT "link message has sent" [any Pending official, unlink ActionRequired official]
        en "The invitation to link is already out and waits for the administrators."
           "Wait for the administrators and ask the list again; do not link again."
        zh "关联邀请已发出，正在等待管理员确认。"
           "请等待管理员确认并再次查询列表，不要重复发起关联。"
    89011 SHOWN_IN_NEARBY "can not unlink nearby wxa" [any ActionRequired official]
        en "The mini program is shown in nearby mini programs and cannot be unlinked."
           "Have it taken off nearby mini programs first, then unlink again."
        zh "该小程序展示在“附近的小程序”中，不能解除关联。"
           "请先将其从“附近的小程序”中移除，然后重新解除关联。"
    89012 STORE_OR_MALL "can not unlink store or mall" [any ActionRequired official]
        en "The mini program is a store or a mall and cannot be unlinked."
           "Leave it linked, or take it up with WeChat's support."
        zh "该小程序是门店或商城小程序，不能解除关联。"
           "请保留关联，或联系微信客服。"
    89013 MINI_PROGRAM_BANNED "wxa is banned" [any ActionRequired official]
        en "The mini program is banned."
           "Have the mini program's administrator get the ban lifted, then call again."
        zh "该小程序已被封禁。"
           "请小程序管理员申请解封，然后再调用。"
    89014 VERSION_NOT_SUPPORTED "support version error" [any InvalidRequest field, get InvalidRequest official]
        en "Invalid base-library version."
           "Correct the base-library version, then call again."
        zh "基础库版本有误。"
           "请修正基础库版本，然后再调用。"
    // Done only for who wanted it linked.
    89015 ALREADY_LINKED "has linked wxa" [any Ok official, unlink InvalidRequest official]
        en "The mini program is already linked to the Official Account."
           "Go on without linking: there is nothing left to link."
        zh "该小程序已与公众号关联。"
           "请直接继续，无需再次关联。"
    89016 MONTHLY_SAME_SUBJECT_USED_UP "reach same realname quota" [any Quota official]
        en "This month's links between accounts of the same subject are used up."
           "Link again next month."
        zh "本月的同主体关联次数已用完。"
           "请下个月再关联。"
    89017 MONTHLY_DIFFERENT_SUBJECT_USED_UP "reach different realname quota" [any Quota official]
        en "This month's links between accounts of different subjects are used up."
           "Link again next month."
        zh "本月的不同主体关联次数已用完。"
           "请下个月再关联。"
    // As 89010, the other way round.
    89018 UNLINK_MESSAGE_SENT "unlink message has sent" [any Pending field, link ActionRequired field]
        en "The request to unlink is already out and waits for the Official Account's \
            administrator."
           "Wait for the administrator and ask the list again; do not unlink again."
        zh "解除关联请求已发出，正在等待公众号管理员确认。"
           "请等待管理员确认并再次查询列表，不要重复发起解除关联。"
    89030 MONTHLY_OPERATIONS_USED_UP "operation reach month limit" [any Quota field]
        en "This month's operations are used up."
           "Call again next month."
        zh "本月的操作次数已用完。"
           "请下个月再调用。"
    // As 89010.
    89035 LINKING_FROM_CONSOLE "linking from mp" [any Pending official, unlink ActionRequired official]
        en "A link was started in the console and waits for the mini program's administrator."
           "Wait for the administrators and ask the list again; do not link again."
        zh "已在公众平台后台发起关联，正在等待小程序管理员确认。"
           "请等待管理员确认并再次查询列表，不要重复发起关联。"
    89245 LINKING_SWITCHED_OFF "mini program forbidden to link" [any ActionRequired field, link ActionRequired official]
        en "The mini program's administrator has switched off that Official Accounts may link it."
           "Have the mini program's administrator allow it under Settings > Associated settings > \
            Associated Official Accounts in the mini program's console, then link again."
        zh "小程序管理员已关闭“允许公众号关联”。"
           "请小程序管理员在小程序后台“设置 > 关联设置 > 关联公众号”中开启，然后重新关联。"
    89254 PLATFORM_RIGHTS_MISSING "lack of some component rights" [any ActionRequired field]
        en "The third-party platform lacks permission sets."
           "Have the platform's administrator add them and publish the platform again."
        zh "第三方平台缺少部分权限集。"
           "请平台管理员补全权限集并重新全网发布。"
    89407 DIFFERENT_SUBJECT_LIMIT "reach different realname limit" [any ActionRequired field]
        en "The limit of links between accounts of different subjects is reached."
           "Unlink a mini program of a different subject that is no longer needed, then link again."
        zh "不同主体的关联总数已达上限。"
           "请先解除一个不再需要的不同主体小程序的关联，然后重新关联。"
};

/// What an errcode means on an endpoint: its own row, or else the general one.
pub fn lookup(endpoint: Endpoint, errcode: i32) -> Option<&'static Entry> {
    // The general row comes first, so a search from the end finds it last.
    let mut rows = rows(errcode).iter().rev();
    rows.find(|e| e.endpoint.is_none_or(|on| on == endpoint))
}

/// What an errcode means if the endpoint is not known: the general row, or else that of the only
/// endpoint known to answer it.
pub fn general(errcode: i32) -> Option<&'static Entry> {
    rows(errcode).first()
}

/// Whether WeChat refuses the address that the request came from: it is not in a whitelist.
pub fn refuses_address(errcode: i32) -> bool {
    matches!(errcode, 40164 | 45035 | 61004)
}

/// The rows of one errcode.
fn rows(errcode: i32) -> &'static [Entry] {
    let start = ENTRIES.partition_point(|e| e.errcode < errcode);
    let end = ENTRIES.partition_point(|e| e.errcode <= errcode);
    &ENTRIES[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lang::Lang;

    /// Codes by class.
    type ByClass = &'static [(Class, &'static [i32])];

    /// The codes that endpoints for links answer, by class (on the endpoint they belong to).
    const KNOWN: ByClass = &[
        (Class::Ok, &[0, 89015]),
        (Class::Pending, &[89010, 89018, 89035]),
        (Class::Token, &[40001, 40014, 40094, 42001, 42006]),
        (Class::Busy, &[-1]),
        (Class::Quota, &[45009, 45011, 89007, 89016, 89017, 89030]),
        (
            Class::ActionRequired,
            &[
                1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 40164, 42007, 48001, 48004, 50002,
                61003, 61004, 61007, 61023, 89008, 89009, 89011, 89012, 89013, 89245, 89407,
            ],
        ),
        (
            Class::InvalidRequest,
            &[40013, 40097, 40166, 41001, 43002, 44002, 47001, 89014],
        ),
    ];

    /// The codes that WeChat answers to a platform, by class, on any endpoint.
    const PLATFORM: ByClass = &[
        (Class::Ticket, &[40091, 61005, 61006]),
        (Class::Quota, &[44993, 48006]),
        (
            Class::ActionRequired,
            &[
                40125, 45035, 61009, 61010, 61016, 61017, 61018, 61019, 61020, 61021, 61022, 61026,
                61027, 61028, 61029, 61030, 89254,
            ],
        ),
        (
            Class::InvalidRequest,
            &[
                40170, 41002, 41004, 41018, 61000, 61001, 61002, 61008, 61011, 61012, 61013, 61014,
                61015, 61024, 61025, 76001, 76002, 76003, 76021, 76022,
            ],
        ),
    ];

    /// The codes that have a meaning or a remedy of their own on an endpoint other than linking.
    const OWN: &[(Endpoint, ByClass)] = &[
        (
            Endpoint::Get,
            &[
                (Class::Busy, &[-1]),
                (Class::InvalidRequest, &[40013, 40097, 40166]),
            ],
        ),
        (
            Endpoint::Unlink,
            &[(Class::InvalidRequest, &[40013, 40097])],
        ),
        (
            Endpoint::ComponentToken,
            &[
                (Class::Busy, &[-1]),
                (Class::ActionRequired, &[40001, 48001]),
                (Class::InvalidRequest, &[40013, 40097]),
            ],
        ),
        (
            Endpoint::AuthorizerToken,
            &[
                (Class::Busy, &[-1]),
                (Class::Token, &[40001, 40014, 42001]),
                (Class::ActionRequired, &[48001]),
                (Class::InvalidRequest, &[40013, 40097, 41001]),
            ],
        ),
        (
            Endpoint::AuthorizerList,
            &[
                (Class::Busy, &[-1]),
                (Class::Token, &[40001, 40014, 42001]),
                (Class::ActionRequired, &[48001]),
                (Class::InvalidRequest, &[40013, 40097, 41001]),
            ],
        ),
        (
            Endpoint::CreatePreauthcode,
            &[
                (Class::Busy, &[-1]),
                (Class::Token, &[40001, 40014, 42001]),
                (Class::ActionRequired, &[48001]),
                (Class::InvalidRequest, &[40013, 40097, 41001]),
            ],
        ),
        (
            Endpoint::QueryAuth,
            &[
                (Class::Busy, &[-1]),
                (Class::Token, &[40001, 40014, 42001]),
                (Class::ActionRequired, &[48001]),
                (Class::InvalidRequest, &[40013, 40097, 41001]),
            ],
        ),
        (
            Endpoint::AuthorizerInfo,
            &[
                (Class::Busy, &[-1]),
                (Class::Token, &[40001, 40014, 42001]),
                (Class::ActionRequired, &[48001]),
                (Class::InvalidRequest, &[40013, 40097, 41001]),
            ],
        ),
    ];

    /// The codes that WeChat documents: on the three endpoints for links, or on the one named.
    const OFFICIAL: &[(Option<Endpoint>, &[i32])] = &[
        (
            None,
            &[
                -1, 0, 40001, 89007, 89008, 89009, 89010, 89011, 89012, 89013, 89015, 89016, 89017,
                89035,
            ],
        ),
        (Some(Endpoint::Link), &[1003, 1005, 1006, 89245]),
        (Some(Endpoint::Get), &[89014]),
        (
            Some(Endpoint::ComponentToken),
            &[
                -1, 40001, 40013, 40125, 41004, 45009, 47001, 48001, 61004, 61005, 61006, 61011,
            ],
        ),
        (Some(Endpoint::AuthorizerToken), &[-1, 40001, 40013, 61014]),
        (Some(Endpoint::AuthorizerList), &[-1, 40001, 40013, 40170]),
        (
            Some(Endpoint::CreatePreauthcode),
            &[
                -1, 40001, 40013, 40125, 41001, 41004, 42001, 45009, 47001, 48001, 61004, 61005,
                61006, 61011,
            ],
        ),
        (Some(Endpoint::QueryAuth), &[-1, 40001, 40013]),
        (Some(Endpoint::AuthorizerInfo), &[-1, 40001, 40013]),
        (Some(Endpoint::Rid), &[76001, 76002, 76003]),
    ];

    fn class_on(endpoint: Endpoint, errcode: i32) -> Option<Class> {
        lookup(endpoint, errcode).map(|e| e.class)
    }

    #[test]
    fn sorted_and_unique() {
        let key = |e: &Entry| (e.errcode, e.endpoint.map(|i| i as u8));
        assert!(ENTRIES.windows(2).all(|w| key(&w[0]) < key(&w[1])));
    }

    #[test]
    fn one_errcode_has_one_name_and_one_name_one_errcode() {
        for a in ENTRIES {
            let name = a.name;
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
            let mut chars = name.chars();
            assert!(
                chars.all(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_')),
                "{name}"
            );
            for b in ENTRIES {
                assert_eq!(a.errcode == b.errcode, name == b.name, "{name}");
            }
        }
    }

    #[test]
    fn texts_are_plain_sentences_in_their_language() {
        let texts = ENTRIES.iter().flat_map(|e| {
            assert_eq!(e.remedy.en.is_empty(), e.errcode == 0, "{}", e.name);
            assert_eq!(e.remedy.zh.is_empty(), e.errcode == 0, "{}", e.name);
            [e.meaning, e.remedy]
                .into_iter()
                .filter(|t| !t.en.is_empty())
        });
        for text in texts.chain(CLASSES.iter().map(|e| e.advice)) {
            let (en, zh) = (text.get(Lang::En), text.get(Lang::Zh));
            assert!(en.chars().all(|c| matches!(c, ' '..='~')), "{en}");
            assert!(en.starts_with(|c: char| c.is_ascii_uppercase()), "{en}");
            assert!(en.ends_with('.') && !en.contains(". "), "{en}");
            assert!(
                zh.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}')),
                "{zh}"
            );
            assert!(zh.ends_with('。') && zh.matches('。').count() == 1, "{zh}");
            for t in [en, zh] {
                // They go into tables, comments and string literals as they are.
                assert!(
                    !t.contains(['|', '\\', '"', '`']) && !t.contains("*/"),
                    "{t}"
                );
                assert!(!t.contains(char::is_control), "{t}");
                assert!(!t.contains("  ") && t.trim() == t, "{t}");
            }
        }
        let mut errmsgs = ENTRIES.iter().map(|e| e.errmsg);
        assert!(errmsgs.all(|w| !w.contains(char::is_control) && w.trim() == w));
    }

    #[test]
    fn every_known_code_is_there_and_no_other() {
        let mut known: Vec<i32> = KNOWN
            .iter()
            .chain(PLATFORM)
            .flat_map(|(_, codes)| *codes)
            .copied()
            .collect();
        known.sort_unstable();
        let mut codes: Vec<i32> = ENTRIES.iter().map(|e| e.errcode).collect();
        codes.dedup();
        assert_eq!(codes, known);
    }

    #[test]
    fn classes_are_those_of_the_source() {
        for (class, codes) in KNOWN.iter().chain(PLATFORM) {
            for &code in *codes {
                let on = match code {
                    89018 => Endpoint::Unlink,
                    _ => Endpoint::Link,
                };
                assert_eq!(class_on(on, code), Some(*class), "{code}");
            }
        }
    }

    #[test]
    fn other_calls_than_linking_have_a_row_for_each_of_their_codes() {
        for (endpoint, classes) in OWN {
            for (class, codes) in *classes {
                for code in *codes {
                    let entry = lookup(*endpoint, *code).unwrap();
                    assert_eq!(entry.endpoint, Some(*endpoint), "{code}");
                    assert_eq!(entry.class, *class, "{code} on {endpoint:?}");
                    // The other row is about a link, or about an Official Account's token.
                    let general = general(*code).unwrap();
                    assert!(general.endpoint.is_none());
                    assert_ne!(entry.remedy.en, general.remedy.en, "{code}");
                    assert_ne!(entry.remedy.zh, general.remedy.zh, "{code}");
                }
            }
        }
        // The only tokens that these calls need are the platform's.
        for endpoint in [
            Endpoint::AuthorizerToken,
            Endpoint::AuthorizerList,
            Endpoint::CreatePreauthcode,
            Endpoint::QueryAuth,
            Endpoint::AuthorizerInfo,
        ] {
            for (class, codes) in KNOWN.iter().chain(PLATFORM) {
                for code in codes.iter().filter(|code| !(1001..=1008).contains(*code)) {
                    let entry = lookup(endpoint, *code).unwrap();
                    let is_token = *class == Class::Token && entry.class == Class::Token;
                    for text in [entry.remedy.en, entry.remedy.zh] {
                        assert!(
                            !is_token || text.contains("component_access_token"),
                            "{endpoint:?}: {text}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn remedies_name_only_arguments_that_the_request_has() {
        for e in ENTRIES {
            for on in Endpoint::LINKING {
                let entry = lookup(on, e.errcode);
                let texts = entry.map_or([""; 2], |e| [e.remedy.en, e.remedy.zh]);
                for text in texts {
                    // The list is read without an appid, and only a link has the two flags.
                    let names_appid = ["heck the appid", "mini program's appid"]
                        .into_iter()
                        .chain([
                            "请检查 appid",
                            "传入小程序的 appid",
                            "传入的是小程序的 appid",
                        ])
                        .any(|words| text.contains(words));
                    assert!(on != Endpoint::Get || !names_appid, "{text}");
                    let names_flag = text.contains("notify_users");
                    assert!(on == Endpoint::Link || !names_flag, "{on:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn remedies_that_name_the_whitelist_are_those_of_refused_addresses() {
        for e in ENTRIES {
            let names_it = e.remedy.en.contains("IP whitelist");
            assert_eq!(names_it, refuses_address(e.errcode), "{}", e.name);
        }
    }

    #[test]
    fn official_rows_are_those_of_the_source() {
        for e in ENTRIES {
            let is_linking = e.endpoint.is_none_or(Endpoint::is_linking);
            let documented = OFFICIAL.iter().any(|(on, codes)| {
                codes.contains(&e.errcode) && (*on == e.endpoint || (on.is_none() && is_linking))
            });
            assert_eq!(e.official, documented, "{} {:?}", e.name, e.endpoint);
        }
        for (on, codes) in OFFICIAL {
            for code in *codes {
                let entry = lookup(on.unwrap_or(Endpoint::Link), *code);
                assert!(entry.is_some_and(|e| e.official), "{code} on {on:?}");
            }
        }
    }

    #[test]
    fn lookup_finds_every_row() {
        for e in ENTRIES {
            for on in Endpoint::ALL {
                let has_own = ENTRIES
                    .iter()
                    .any(|r| r.errcode == e.errcode && r.endpoint == Some(on));
                if e.endpoint == Some(on) || (e.endpoint.is_none() && !has_own) {
                    assert!(lookup(on, e.errcode).is_some_and(|r| std::ptr::eq(r, e)));
                }
            }
        }
    }

    #[test]
    fn only_the_endpoint_that_was_asked_reports_pending() {
        for code in [89010, 89035] {
            assert_eq!(class_on(Endpoint::Link, code), Some(Class::Pending));
            assert_eq!(
                class_on(Endpoint::Unlink, code),
                Some(Class::ActionRequired)
            );
        }
        assert_eq!(class_on(Endpoint::Unlink, 89018), Some(Class::Pending));
        assert_eq!(class_on(Endpoint::Link, 89018), Some(Class::ActionRequired));
        assert_eq!(class_on(Endpoint::Link, 89015), Some(Class::Ok));
        assert_eq!(
            class_on(Endpoint::Unlink, 89015),
            Some(Class::InvalidRequest)
        );
    }

    #[test]
    fn other_endpoints_have_their_own_1003() {
        for endpoint in Endpoint::ALL {
            let is_known = lookup(endpoint, 1003).is_some();
            assert_eq!(is_known, endpoint == Endpoint::Link);
        }
        // All longer numbers say something everywhere.
        for e in ENTRIES
            .iter()
            .filter(|e| !(1001..=1008).contains(&e.errcode))
        {
            assert!(
                Endpoint::ALL
                    .into_iter()
                    .all(|on| lookup(on, e.errcode).is_some())
            );
            assert!(general(e.errcode).is_some_and(|g| g.endpoint.is_none()));
        }
    }

    #[test]
    fn general_answers_for_every_code() {
        assert!(
            ENTRIES
                .iter()
                .all(|e| general(e.errcode).is_some_and(|g| g.name == e.name))
        );
        assert_eq!(general(1003).and_then(|e| e.endpoint), Some(Endpoint::Link));
    }

    #[test]
    fn unknown_codes_are_unknown() {
        for code in [i32::MIN, -2, 1, 1000, 1009, 4711, 89408, i32::MAX] {
            assert!(general(code).is_none());
            assert!(
                Endpoint::ALL
                    .into_iter()
                    .all(|on| lookup(on, code).is_none())
            );
        }
    }

    #[test]
    fn classes_have_numbers_and_words_of_their_own() {
        for (i, e) in CLASSES.iter().enumerate() {
            assert_eq!(e.class.code(), i32::try_from(i).unwrap() + 1);
            assert_eq!(Class::from_code(e.class.code()), Some(e.class));
            let letters = e.word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(!e.word.is_empty() && letters, "{}", e.word);
            assert!(CLASSES[..i].iter().all(|other| other.word != e.word));
            let worth_it = matches!(e.word, "token" | "busy" | "quota" | "ticket");
            assert_eq!(e.class.retryable(), worth_it, "{}", e.word);
        }
        assert_eq!(Class::from_code(0), None);
    }
}
