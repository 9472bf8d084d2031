//! What became of a call, as a number that is a promise: the statuses of the C interface.
//!
//! Numbers are grouped by what the caller may do next, have gaps for later, and are never reused.

use crate::model::delivery::Delivery;
use crate::model::lang::{Lang, Text};

/// The outcome of a call. The numbers are those of `wxlink.h` (`WX_OK`, `WX_E_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// WeChat said yes.
    Ok = 0,

    /// A pointer that must not be NULL is NULL.
    NullPointer = -1,
    /// A text is not UTF-8.
    NotUtf8 = -2,
    /// An argument is out of its range.
    BadValue = -3,
    /// No such option, or a value it does not take.
    BadOption = -4,
    /// The caller's buffer is too small.
    Buffer = -5,
    /// There is nothing at that place.
    NotFound = -6,

    /// The host's name has no address, or the name servers did not say.
    Resolve = -20,
    /// No connection to the host.
    Connect = -21,
    /// No trust in the host: the TLS handshake failed.
    Tls = -22,
    /// The proxy did not connect us.
    Proxy = -23,
    /// Time ran out before anything was sent.
    TimeoutUnsent = -24,
    /// No access token could be had for the account.
    NoToken = -25,

    /// Time ran out after the request was sent.
    Timeout = -40,
    /// The connection broke after the request was sent.
    ConnectionLost = -41,

    /// What came back is not an answer of WeChat's.
    BadAnswer = -60,
    /// The answer is larger than `max_response_bytes`.
    TooLarge = -61,

    /// WeChat answered with an errcode other than 0.
    Api = -70,

    /// An invitation is out and waits for an administrator.
    Pending = -80,
    /// The mini program's administrator refused.
    Declined = -81,
    /// It was in the list and is there no more.
    Vanished = -82,

    /// The call was cancelled.
    Cancelled = -90,
    /// The client was made before a fork and used in the child.
    Forked = -91,

    /// A fault in the library itself.
    Internal = -99,
}

/// One row of the table of statuses.
#[derive(Clone, Copy, Debug)]
pub struct StatusEntry {
    /// The status.
    pub status: Status,
    /// Its name; the C constant is `WX_E_` and this name (`WX_OK` for `OK`).
    pub name: &'static str,
    /// What happened and what to do next.
    pub text: Text,
}

/// Every status, from `WX_OK` downwards.
pub static STATUSES: &[StatusEntry] = &[
    row(Status::Ok, "OK", "WeChat said yes.", "微信已接受请求。"),
    row(
        Status::NullPointer,
        "NULL_POINTER",
        "A pointer that must not be NULL is NULL; nothing was sent. Pass the missing argument.",
        "必填指针为 NULL，请求未发送。请传入缺少的参数。",
    ),
    row(
        Status::NotUtf8,
        "NOT_UTF8",
        "A text is not valid UTF-8; nothing was sent. Convert it to UTF-8 first.",
        "文本不是有效的 UTF-8，请求未发送。请先转换为 UTF-8。",
    ),
    row(
        Status::BadValue,
        "BAD_VALUE",
        "An argument is out of its range; nothing was sent. Correct the argument the message names.",
        "参数超出允许范围，请求未发送。请按提示修正该参数。",
    ),
    row(
        Status::BadOption,
        "BAD_OPTION",
        "An option cannot be used as it is. See the table of options.",
        "选项无法使用。请查阅选项表。",
    ),
    row(
        Status::Buffer,
        "BUFFER",
        "The caller's buffer is too small. Pass a larger one.",
        "调用方的缓冲区太小。请传入更大的缓冲区。",
    ),
    row(
        Status::NotFound,
        "NOT_FOUND",
        "There is nothing at that place. Every field of a list is optional: go on without it.",
        "该位置没有内容。列表的每个字段都可能缺失，请按缺失处理。",
    ),
    row(
        Status::Resolve,
        "RESOLVE",
        "The host's name could not be resolved; nothing was sent. Check the name and the name servers, then call again.",
        "无法解析主机名，请求未发送。请检查域名和 DNS 服务器后重试。",
    ),
    row(
        Status::Connect,
        "CONNECT",
        "No connection to the host; nothing was sent. Check the network and firewall, then call again.",
        "无法连接主机，请求未发送。请检查网络和防火墙后重试。",
    ),
    row(
        Status::Tls,
        "TLS",
        "The TLS handshake failed; nothing was sent. Check the clock, the trusted roots and whatever intercepts TLS.",
        "TLS 握手失败，请求未发送。请检查系统时间、受信任的根证书以及是否有中间设备拦截 TLS。",
    ),
    row(
        Status::Proxy,
        "PROXY",
        "The proxy did not connect us; nothing was sent. Check the proxy's address, credentials and rules.",
        "代理未能建立连接，请求未发送。请检查代理的地址、凭据和规则。",
    ),
    row(
        Status::TimeoutUnsent,
        "TIMEOUT_UNSENT",
        "Time ran out before anything was sent. It is safe to call again.",
        "在发送任何内容之前已超时。可以安全地重试。",
    ),
    row(
        Status::NoToken,
        "NO_TOKEN",
        "No valid access token could be fetched for the account, so nothing was done there. The message gives the reason.",
        "无法取得该账号的有效 access_token，未对其执行任何操作。提示信息说明了原因。",
    ),
    row(
        Status::Timeout,
        "TIMEOUT",
        "Time ran out after the request was sent; WeChat may have acted on it. Read the list before linking again.",
        "请求发出后超时，微信可能已经处理。再次关联前请先查询列表。",
    ),
    row(
        Status::ConnectionLost,
        "CONNECTION_LOST",
        "The connection broke after the request was sent; WeChat may have acted on it. Read the list before linking again.",
        "请求发出后连接中断，微信可能已经处理。再次关联前请先查询列表。",
    ),
    row(
        Status::BadAnswer,
        "BAD_ANSWER",
        "What came back is not an answer of WeChat's; it may have acted all the same. Read the list before linking again, and look for a proxy or gateway in between.",
        "返回的内容不是微信的应答，但微信可能已经处理。再次关联前请先查询列表，并检查中间是否有代理或网关。",
    ),
    row(
        Status::TooLarge,
        "TOO_LARGE",
        "The answer is larger than max_response_bytes; WeChat may have acted all the same. Raise the option if the list is really that long.",
        "应答超过 max_response_bytes，但微信可能已经处理。如果列表确实很长，请调大该选项。",
    ),
    row(
        Status::Api,
        "API",
        "WeChat answered with an errcode other than 0. The errcode's class and remedy say what to do.",
        "微信返回了非 0 的 errcode。请按该错误码的类别和处理建议操作。",
    ),
    row(
        Status::Pending,
        "PENDING",
        "An invitation is out and waits for an administrator. Wait, and ask again; the same call is safe to repeat.",
        "关联邀请已发出，正在等待管理员确认。请等待后再次查询；重复同一调用是安全的。",
    ),
    row(
        Status::Declined,
        "DECLINED",
        "The mini program's administrator refused. Talk to them before inviting again.",
        "小程序管理员已拒绝。再次邀请之前请先与其沟通。",
    ),
    row(
        Status::Vanished,
        "VANISHED",
        "The mini program is not in the list (any more): the Official Account's administrator refused, the invitation expired, or it was unlinked. Ask them before inviting again.",
        "列表中没有（或不再有）该小程序：公众号管理员拒绝、邀请过期，或已被解除关联。再次邀请之前请先确认。",
    ),
    row(
        Status::Cancelled,
        "CANCELLED",
        "The call was cancelled. If the request had been sent already, WeChat may have acted on it: read the list before linking again.",
        "调用已被取消。如果请求已经发出，微信可能已经处理：再次关联前请先查询列表。",
    ),
    row(
        Status::Forked,
        "FORKED",
        "The client was made before a fork and used in the child; nothing was sent. Make a client in the child.",
        "该客户端在 fork 之前创建，却在子进程中使用，请求未发送。请在子进程中新建客户端。",
    ),
    row(
        Status::Internal,
        "INTERNAL",
        "wxlink could not do its part. The handles stay usable; unless the reason is given, please report it.",
        "wxlink 未能完成操作。句柄仍可继续使用；若未给出原因，请报告此问题。",
    ),
];

const fn row(
    status: Status,
    name: &'static str,
    en: &'static str,
    zh: &'static str,
) -> StatusEntry {
    StatusEntry {
        status,
        name,
        text: Text { en, zh },
    }
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

    /// The status's name, such as `TIMEOUT`.
    pub fn name(self) -> &'static str {
        Status::entry_of(self.code()).map_or("", |e| e.name)
    }

    /// What happened and what to do next.
    pub fn text(self, lang: Lang) -> &'static str {
        Status::entry_of(self.code()).map_or("", |e| e.text.get(lang))
    }

    /// The same for one call, of which more is known: whether it only reads, and whether its request
    /// was sent. Falls back to [`text`](Status::text), which holds for every call.
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
    zh: "调用已被取消。该调用只读取数据，可以安全地重试。",
};
const CANCELLED_SENT: Text = Text {
    en: "The call was cancelled after the request was sent; WeChat may have acted on it. Read the list before \
         linking again.",
    zh: "请求发出后调用被取消，微信可能已经处理。再次关联前请先查询列表。",
};
const TIMEOUT_READ: Text = Text {
    en: "Time ran out before the answer came. The call only reads: it is safe to call again.",
    zh: "等待应答超时。该调用只读取数据，可以安全地重试。",
};
const CONNECTION_LOST_READ: Text = Text {
    en: "The connection broke before the answer was complete. The call only reads: it is safe to call again.",
    zh: "应答完整到达之前连接中断。该调用只读取数据，可以安全地重试。",
};
const BAD_ANSWER_READ: Text = Text {
    en: "What came back is not an answer of WeChat's. The call only reads: it is safe to call again. Look for a proxy \
         or gateway in between.",
    zh: "返回的内容不是微信的应答。该调用只读取数据，可以安全地重试。请检查中间是否有代理或网关。",
};
const TOO_LARGE_READ: Text = Text {
    en: "The answer is larger than max_response_bytes. Raise the option if the list is really that long.",
    zh: "应答超过 max_response_bytes。如果列表确实很长，请调大该选项。",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_in_order() {
        let codes: Vec<i32> = STATUSES.iter().map(|e| e.status.code()).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        sorted.dedup();
        assert_eq!(codes, sorted);
        for e in STATUSES {
            assert!(!e.name.is_empty() && !e.text.en.is_empty() && !e.text.zh.is_empty());
            assert_eq!(e.status.name(), e.name);
        }
    }

    #[test]
    fn every_variant_has_a_row() {
        // Rust cannot list an enum's variants; its source can.
        let (_, rest) = include_str!("status.rs")
            .split_once("pub enum Status {")
            .unwrap();
        let (variants, _) = rest.split_once("\n}").unwrap();
        let declared: Vec<i32> = variants
            .lines()
            .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
            .map(|(_, code)| code.parse().unwrap())
            .collect();
        let rows: Vec<i32> = STATUSES.iter().map(|e| e.status.code()).collect();
        assert_eq!(declared, rows);
    }
}
