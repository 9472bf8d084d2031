//! The statuses: the outcome of a call as a number of the C interface.
//!
//! Numbers are grouped by what the caller may do next, leave gaps for later ones, and are never
//! reused. The C header, the constants of every binding and the pages about errors are generated
//! from the table in this file.

use crate::model::delivery::Delivery;
use crate::model::lang::{Lang, Text};

/// One row of the table of statuses.
#[derive(Clone, Copy, Debug)]
pub struct StatusEntry {
    /// The status.
    pub status: Status,
    /// Its name; the C constant is `WX_E_` and this name (`WX_OK` for `OK`).
    pub name: &'static str,
    /// What happened, in one sentence: the comment of its constant in every language.
    pub summary: &'static str,
    /// What happened and what to do next.
    pub text: Text,
}

/// A range of statuses for which the caller may do the same next. A status that is added later
/// belongs to the group of its number.
#[derive(Clone, Copy, Debug)]
pub struct StatusGroup {
    /// The group's name, such as `OUTCOME_UNKNOWN`.
    pub name: &'static str,
    /// The lowest number.
    pub lowest: i32,
    /// The highest number, which is the nearest to 0.
    pub highest: i32,
    /// What the statuses of the group have in common.
    pub text: Text,
}

/// The groups that have a rule of their own, from the highest numbers downwards.
pub static STATUS_GROUPS: &[StatusGroup] = &[
    StatusGroup {
        name: "ARGUMENT",
        lowest: -19,
        highest: -1,
        text: Text {
            en: "an argument is invalid; nothing was changed",
            zh: "参数有误，未作任何更改",
        },
    },
    StatusGroup {
        name: "NOTHING_SENT",
        lowest: -39,
        highest: -20,
        text: Text {
            en: "nothing was sent; calling again is safe",
            zh: "请求未发出，可以安全地重试",
        },
    },
    StatusGroup {
        name: "OUTCOME_UNKNOWN",
        lowest: -69,
        highest: -40,
        text: Text {
            en: "WeChat may have acted; read the list before calling again",
            zh: "微信可能已执行，再次调用前请先查询列表",
        },
    },
];

/// Makes the enum and its table from the same rows, so that neither can have one the other lacks.
macro_rules! statuses {
    ($(
        $code:literal $variant:ident $name:literal $summary:literal
        en $en:literal zh $zh:literal
    )+) => {
        /// The outcome of a call. The numbers are those of `wxlink.h` (`WX_OK`, `WX_E_…`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Status {
            $(#[doc = $summary] $variant = $code,)+
        }

        /// Every status, from `WX_OK` downwards.
        pub static STATUSES: &[StatusEntry] = &[$(StatusEntry {
            status: Status::$variant,
            name: $name,
            summary: $summary,
            text: Text { en: $en, zh: $zh },
        },)+];

        impl Status {
            /// The status's name, such as `TIMEOUT`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Status::$variant => $name,)+
                }
            }
        }
    };
}

statuses! {
    // number Variant "NAME" "summary"
    //     language "what happened and what to do next"

    0 Ok "OK" "WeChat accepted the request."
        en "WeChat accepted the request."
        zh "微信已接受请求。"

    -1 NullPointer "NULL_POINTER" "A pointer that must not be NULL is NULL."
        en "A pointer that must not be NULL is NULL; nothing was sent. Pass the missing argument."
        zh "必填指针为 NULL，请求未发送。请传入缺少的参数。"
    -2 NotUtf8 "NOT_UTF8" "A text is not valid UTF-8."
        en "A text is not valid UTF-8; nothing was sent. Convert it to UTF-8 first."
        zh "文本不是有效的 UTF-8，请求未发送。请先转换为 UTF-8。"
    -3 BadValue "BAD_VALUE" "An argument is invalid."
        en "An argument is invalid; nothing was sent. Correct the argument that the message names."
        zh "参数无效，请求未发送。请按提示修正该参数。"
    -4 BadOption "BAD_OPTION" "The option does not exist, or its value is invalid."
        en "An option is unknown or its value is invalid; nothing was sent. See the table of \
            options."
        zh "选项不存在或取值无效，请求未发送。请查阅选项表。"
    -5 Buffer "BUFFER" "The caller's buffer is too small."
        en "The caller's buffer is too small. Pass a larger one."
        zh "调用方的缓冲区太小。请传入更大的缓冲区。"
    -6 NotFound "NOT_FOUND" "The result holds no value at that place."
        en "The result holds no value at that place. Every field of a list is optional: treat it \
            as missing."
        zh "该位置没有内容。列表的每个字段都可能缺失，请按缺失处理。"

    -7 BadPush "BAD_PUSH" "The push is not WeChat's, or not for this platform."
        en "The push is not WeChat's, or not for this platform; nothing was changed. Answer it \
            with HTTP 403; if it is WeChat's, correct what the message names."
        zh "推送不是微信发出的，或不属于该平台，未作任何更改。请以 HTTP 403 应答；如确为微信的推送，请按提示修正。"

    -20 Resolve "RESOLVE" "The host's name could not be resolved."
        en "The host's name could not be resolved; nothing was sent. Check the name and the name \
            servers, then call again."
        zh "无法解析主机名，请求未发送。请检查域名和 DNS 服务器后重试。"
    -21 Connect "CONNECT" "The connection to the host failed."
        en "The connection to the host failed; nothing was sent. Check the network and firewall, \
            then call again."
        zh "无法连接主机，请求未发送。请检查网络和防火墙后重试。"
    -22 Tls "TLS" "The TLS handshake failed."
        en "The TLS handshake failed; nothing was sent. Check the clock, the trusted roots and any \
            device that intercepts TLS."
        zh "TLS 握手失败，请求未发送。请检查系统时间、受信任的根证书以及是否有中间设备拦截 TLS。"
    -23 Proxy "PROXY" "The proxy failed to connect to the host."
        en "The proxy failed to connect to the host; nothing was sent. Check the proxy's address, \
            credentials and rules."
        zh "代理未能建立连接，请求未发送。请检查代理的地址、凭据和规则。"
    -24 TimeoutUnsent "TIMEOUT_UNSENT" "The time limit was reached before anything was sent."
        en "The time limit was reached before anything was sent. It is safe to call again."
        zh "在发送任何内容之前已超时。可以安全地重试。"
    -25 NoToken "NO_TOKEN" "No valid access token could be fetched for the account."
        en "No valid access token could be fetched for the account; the request that needs it was \
            not sent. The message gives the reason."
        zh "无法取得该账号的有效 access_token，需要它的请求未发送。提示信息说明了原因。"
    -26 Store "STORE" "The store cannot be used."
        en "The store cannot be used. Nothing was posted, stored or accepted; otherwise an \
            invitation could be sent twice, or a ticket be lost. The message gives the reason."
        zh "存储无法使用。为避免重复发送邀请或丢失推送，请求未发出，内容未存入，推送未接受。\
            提示信息说明了原因。"

    -40 Timeout "TIMEOUT" "The time limit was reached after the request was sent."
        en "The time limit was reached after the request was sent; WeChat may have acted on it. \
            Read the list before calling again."
        zh "请求发出后超时，微信可能已经处理。再次调用前请先查询列表。"
    -41 ConnectionLost "CONNECTION_LOST" "The connection broke after the request was sent."
        en "The connection broke after the request was sent; WeChat may have acted on it. Read the \
            list before calling again."
        zh "请求发出后连接中断，微信可能已经处理。再次调用前请先查询列表。"
    -42 InDoubt "IN_DOUBT" "An earlier invitation may still take effect."
        en "An earlier invitation may still take effect, so no other one was posted. Call again \
            after the time that the result gives, with the same store: that is safe."
        zh "此前的邀请仍可能生效，因此未再次发送。请在结果给出的时间之后再次调用；只要使用同一存储，重复调用就是安全的。"

    -60 BadAnswer "BAD_ANSWER" "The response is not a valid answer of WeChat."
        en "The response is not a valid answer of WeChat, which may have acted all the same. Read \
            the list before calling again, and look for a proxy or gateway in between."
        zh "返回的内容不是微信的有效应答，但微信可能已经处理。再次调用前请先查询列表，并检查中间是否有代理或网关。"
    -61 TooLarge "TOO_LARGE" "The response is larger than max_response_bytes."
        en "The response is larger than max_response_bytes; WeChat may have acted all the same. \
            Raise the option if the list is really that long."
        zh "应答超过 max_response_bytes，但微信可能已经处理。如果列表确实很长，请调大该选项。"

    -70 Api "API" "WeChat answered with an errcode other than 0."
        en "WeChat answered with an errcode other than 0. The errcode's class and remedy give the \
            next step."
        zh "微信返回了非 0 的 errcode。请按该错误码的类别和处理建议操作。"

    -80 Pending "PENDING" "An invitation was sent and waits for an administrator."
        en "An invitation was sent and waits for an administrator. Wait, then call again, with \
            the same store: that is safe."
        zh "关联邀请已发出，正在等待管理员确认。请等待后再次调用；只要使用同一存储，重复调用就是安全的。"
    -81 Declined "DECLINED" "The mini program's administrator refused."
        en "The mini program's administrator refused. Talk to them before inviting again."
        zh "小程序管理员已拒绝。再次邀请之前请先与其沟通。"
    -82 Vanished "VANISHED" "The mini program is not, or no longer, in the list."
        en "The mini program is not, or no longer, in the list: the Official Account's \
            administrator refused, the invitation expired, or it was unlinked. Ask them before \
            inviting again."
        zh "列表中没有（或不再有）该小程序：公众号管理员拒绝、邀请过期，或已被解除关联。再次邀请之前请先确认。"

    -90 Cancelled "CANCELLED" "The call was cancelled."
        en "The call was cancelled. If the request had been sent already, WeChat may have acted on \
            it: read the list before calling again."
        zh "调用已被取消。如果请求已经发出，微信可能已经处理：再次调用前请先查询列表。"
    -91 Forked "FORKED" "The client was made before a fork and used in the child."
        en "The client was made before a fork and used in the child; nothing was sent. Make a \
            client in the child."
        zh "该客户端在 fork 之前创建，却在子进程中使用，请求未发送。请在子进程中新建客户端。"

    -99 Internal "INTERNAL" "An internal error of the library."
        en "An internal error of wxlink. The handles stay usable; if no reason is given, please \
            report it."
        zh "wxlink 未能完成操作。句柄仍可继续使用；若未给出原因，请报告此问题。"
}

impl Status {
    /// The number of the C interface.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The row of the table that describes a number, if there is one.
    pub fn entry_of(code: i32) -> Option<&'static StatusEntry> {
        STATUSES.iter().find(|e| e.status.code() == code)
    }

    /// What happened and what to do next.
    pub fn text(self, lang: Lang) -> &'static str {
        Status::entry_of(self.code()).map_or("", |e| e.text.get(lang))
    }

    /// The same as a part of the message of one call, of which more is known: the reason, which is
    /// in the same message, whether the call only reads, and whether its request was sent. Falls
    /// back to [`text`](Status::text), which holds for every call.
    pub(crate) fn text_of_call(
        self,
        is_read_only: bool,
        delivery: Delivery,
        lang: Lang,
    ) -> &'static str {
        let text = match (self, is_read_only) {
            (Status::Cancelled, _) if delivery == Delivery::NeverSent => CANCELLED_UNSENT,
            (Status::Cancelled, true) => CANCELLED_READ,
            (Status::Cancelled, false) => CANCELLED_SENT,
            (Status::Timeout, true) => TIMEOUT_READ,
            (Status::ConnectionLost, true) => CONNECTION_LOST_READ,
            (Status::BadAnswer, true) => BAD_ANSWER_READ,
            (Status::TooLarge, true) => TOO_LARGE_READ,
            (Status::BadValue, _) => BAD_VALUE_EXPLAINED,
            (Status::BadPush, _) => BAD_PUSH_EXPLAINED,
            (Status::NoToken, _) => NO_TOKEN_EXPLAINED,
            (Status::Store, _) => STORE_EXPLAINED,
            _ => return self.text(lang),
        };
        text.get(lang)
    }
}

const CANCELLED_UNSENT: Text = Text {
    en: "The call was cancelled before anything was sent. It is safe to call again.",
    zh: "调用在发送任何内容之前已被取消。可以安全地重试。",
};
const CANCELLED_READ: Text = Text {
    en: "The call was cancelled. It only reads: it is safe to call again.",
    zh: "调用已被取消。该请求只读取数据，可以安全地重试。",
};
const CANCELLED_SENT: Text = Text {
    en: "The call was cancelled after the request was sent; WeChat may have acted on it. Read the \
         list before calling again.",
    zh: "请求发出后调用被取消，微信可能已经处理。再次调用前请先查询列表。",
};
const TIMEOUT_READ: Text = Text {
    en: "The time limit was reached before the response was complete. The request only reads: \
         it is safe to call again.",
    zh: "等待应答超时。该请求只读取数据，可以安全地重试。",
};
const CONNECTION_LOST_READ: Text = Text {
    en: "The connection broke before the response was complete. The request only reads: it is safe \
         to call again.",
    zh: "应答完整到达之前连接中断。该请求只读取数据，可以安全地重试。",
};
const BAD_ANSWER_READ: Text = Text {
    en: "The response is not a valid answer of WeChat. The request only reads: it is safe to \
         call again. Look for a proxy or gateway in between.",
    zh: "返回的内容不是微信的有效应答。该请求只读取数据，可以安全地重试。请检查中间是否有代理或网关。",
};
const TOO_LARGE_READ: Text = Text {
    en: "The response is larger than max_response_bytes. Raise the option if the list is really \
         that long.",
    zh: "应答超过 max_response_bytes。如果列表确实很长，请调大该选项。",
};

const BAD_VALUE_EXPLAINED: Text = Text {
    en: "An argument is invalid; nothing was sent. Correct it, then call again.",
    zh: "参数无效，请求未发送。请修正后再次调用。",
};
const BAD_PUSH_EXPLAINED: Text = Text {
    en: "The push is not WeChat's, or not for this platform; nothing was changed. Answer it with \
         HTTP 403; if it is WeChat's, remove this cause.",
    zh: "推送不是微信发出的，或不属于该平台，未作任何更改。请以 HTTP 403 应答；如确为微信的推送，请消除上述原因。",
};
const NO_TOKEN_EXPLAINED: Text = Text {
    en: "No valid access token could be fetched for the account; the request that needs it was not \
         sent.",
    zh: "无法取得该账号的有效 access_token，需要它的请求未发送。",
};
const STORE_EXPLAINED: Text = Text {
    en: "The store cannot be used. Nothing was posted, stored or accepted; otherwise an invitation \
         could be sent twice, or a ticket be lost.",
    zh: "存储无法使用。为避免重复发送邀请或丢失推送，请求未发出，内容未存入，推送未接受。",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::DELIVERIES;

    #[test]
    fn numbers_fall_and_no_text_is_missing() {
        let codes: Vec<i32> = STATUSES.iter().map(|e| e.status.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a > b), "{codes:?}");
        for e in STATUSES {
            assert!(!e.name.is_empty() && !e.text.en.is_empty() && !e.text.zh.is_empty());
            assert!(e.summary.ends_with('.'), "{}", e.summary);
        }
    }

    #[test]
    fn the_text_within_a_message_does_not_refer_to_the_message() {
        for entry in STATUSES {
            for is_read_only in [false, true] {
                let text = |lang| {
                    let delivery = Delivery::NeverSent;
                    entry.status.text_of_call(is_read_only, delivery, lang)
                };
                assert!(!text(Lang::En).contains("message "), "{}", text(Lang::En));
                assert!(!text(Lang::Zh).contains("提示"), "{}", text(Lang::Zh));
            }
        }
    }

    #[test]
    fn a_failed_read_may_be_repeated_and_advice_on_a_change_fits_linking_and_unlinking() {
        let unknown = [Status::Timeout, Status::ConnectionLost, Status::BadAnswer];
        for status in unknown.into_iter().chain([Status::Cancelled]) {
            let text = |is_read, lang| status.text_of_call(is_read, Delivery::Unknown, lang);
            let (read, change) = (text(true, Lang::En), text(false, Lang::En));
            assert!(read.contains("safe to call again"), "{read}");
            assert!(!read.contains("may have acted"), "{read}");
            assert!(change.contains("may have acted"), "{change}");
            assert!(change.contains("list before calling again"), "{change}");
            let (read, change) = (text(true, Lang::Zh), text(false, Lang::Zh));
            assert!(read.contains("可以安全地重试"), "{read}");
            assert!(!read.contains("可能已经处理"), "{read}");
            assert!(change.contains("再次调用前请先查询列表"), "{change}");
        }
    }

    #[test]
    fn what_an_unknown_outcome_means_fits_linking_and_unlinking() {
        let group = STATUS_GROUPS.iter().find(|g| g.name == "OUTCOME_UNKNOWN");
        let delivery = DELIVERIES.iter().find(|d| d.delivery == Delivery::Unknown);
        for text in [group.unwrap().text.en, delivery.unwrap().summary] {
            assert!(text.contains("list before calling again"), "{text}");
        }
        let zh = group.unwrap().text.zh;
        assert!(zh.contains("再次调用前请先查询列表"), "{zh}");
    }

    #[test]
    fn groups_are_apart() {
        let edges: Vec<i32> = STATUS_GROUPS
            .iter()
            .flat_map(|g| [g.highest, g.lowest])
            .collect();
        assert!(edges.is_sorted_by(|a, b| a > b), "{edges:?}");
    }
}
