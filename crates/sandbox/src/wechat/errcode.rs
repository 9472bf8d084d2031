//! The errcodes that the simulator returns by itself, with WeChat's texts.

use std::fmt;

/// What WeChat appends to the text of an error.
#[derive(Clone, Copy)]
enum Suffix {
    /// ` rid: …`
    Rid,
    /// ` hint: […] rid: …`
    HintAndRid,
    /// `, rid: …`
    CommaRid,
}

/// A reason for which WeChat refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// WeChat's general error, also returned for the appid of a service account.
    System,
    AdministratorOverLimit,
    PhoneOverLimit,
    TokenUnknown,
    BadAppid,
    TokenMalformed,
    BadArguments,
    NotMiniProgramAppid,
    UnknownPath,
    TokenMissing,
    TokenExpired,
    NotPost,
    EmptyBody,
    NotJson,
    WrongKindOfToken,
    NoPermission,
    MonthUsedUp,
    Overseas,
    MiniProgramFull,
    AlreadySent,
    Nearby,
    Store,
    Banned,
    AlreadyLinked,
    SameSubjectUsedUp,
    DifferentSubjectUsedUp,
    UnlinkAlreadySent,
    ConsoleLink,
    TooMany,
    SecretMissing,
    WrongSecret,
    NotAuthorized,
    TicketExpired,
    UnknownTicket,
    UnknownComponent,
    /// A component endpoint was called with an account's token.
    AccountToken,
    BadRefreshToken,
    ForbidsLinking,
    /// The authorisation code is unknown or was used.
    BadCode,
    CodeExpired,
    UnknownRid,
    BadRid,
    /// The call that the rid names was made with another token.
    ForeignRid,
}

/// A row of the table of refusals.
struct Row {
    refused: Refused,
    errcode: i64,
    /// WeChat's text, without its suffix.
    text: &'static str,
    suffix: Suffix,
}

const fn row(refused: Refused, errcode: i64, text: &'static str, suffix: Suffix) -> Row {
    Row {
        refused,
        errcode,
        text,
        suffix,
    }
}

/// All refusals, by errcode.
const TABLE: &[Row] = {
    use Refused as R;
    use Suffix::{CommaRid, HintAndRid, Rid};
    &[
        row(R::System, -1, "system error", Rid),
        // WeChat sends the next two without a text.
        row(R::AdministratorOverLimit, 1003, "", Rid),
        row(R::PhoneOverLimit, 1005, "", Rid),
        row(
            R::TokenUnknown,
            40001,
            "invalid credential, access_token is invalid or not latest",
            HintAndRid,
        ),
        row(R::BadAppid, 40013, "invalid appid", Rid),
        row(R::TokenMalformed, 40014, "invalid access_token", HintAndRid),
        row(R::UnknownPath, 40066, "invalid url", Rid),
        row(R::BadArguments, 40097, "invalid args", Rid),
        row(R::WrongSecret, 40125, "invalid appsecret", Rid),
        row(R::NotMiniProgramAppid, 40166, "invalid weapp appid", Rid),
        row(R::TooMany, 40170, "args count exceed count limit", Rid),
        row(R::TokenMissing, 41001, "access_token missing", Rid),
        row(R::SecretMissing, 41004, "appsecret missing", Rid),
        row(R::TokenExpired, 42001, "access_token expired", HintAndRid),
        row(R::NotPost, 43002, "require POST method", HintAndRid),
        row(R::EmptyBody, 44002, "empty post data", HintAndRid),
        row(R::NotJson, 47001, "data format error", HintAndRid),
        row(R::WrongKindOfToken, 48001, "api unauthorized", CommaRid),
        row(
            R::NotAuthorized,
            61003,
            "component is not authorized by this account",
            Rid,
        ),
        row(R::TicketExpired, 61005, "component ticket is expired", Rid),
        row(R::UnknownTicket, 61006, "component ticket is invalid", Rid),
        row(
            R::NoPermission,
            61007,
            "api is unauthorized to component",
            Rid,
        ),
        row(R::BadCode, 61009, "code is invalid", Rid),
        row(R::CodeExpired, 61010, "code is expired", Rid),
        row(R::UnknownComponent, 61011, "invalid component", Rid),
        row(
            R::AccountToken,
            61014,
            "must use component token for component api",
            Rid,
        ),
        row(R::BadRefreshToken, 61023, "refresh_token is invalid", Rid),
        row(R::UnknownRid, 76001, "rid not found", Rid),
        row(R::BadRid, 76002, "rid error", Rid),
        row(R::ForeignRid, 76003, "no permission", Rid),
        row(R::MonthUsedUp, 89007, "wxa quota limit", Rid),
        row(R::Overseas, 89008, "overseas account can not link", Rid),
        row(R::MiniProgramFull, 89009, "wxa reach link limit", Rid),
        row(R::AlreadySent, 89010, "link message has sent", Rid),
        row(R::Nearby, 89011, "can not unlink nearby wxa", Rid),
        row(R::Store, 89012, "can not unlink store or mall", Rid),
        row(R::Banned, 89013, "wxa is banned", Rid),
        row(R::AlreadyLinked, 89015, "has linked wxa", Rid),
        row(
            R::SameSubjectUsedUp,
            89016,
            "reach same realname quota",
            Rid,
        ),
        row(
            R::DifferentSubjectUsedUp,
            89017,
            "reach different realname quota",
            Rid,
        ),
        row(R::UnlinkAlreadySent, 89018, "unlink message has sent", Rid),
        row(R::ConsoleLink, 89035, "linking from mp", Rid),
        row(
            R::ForbidsLinking,
            89245,
            "mini program forbidden to link",
            Rid,
        ),
    ]
};

impl Refused {
    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.refused == self)
    }

    /// The errcode of the response.
    pub(crate) fn errcode(self) -> i64 {
        // Every refusal has a row; a test makes sure of it.
        self.row().map_or(-1, |row| row.errcode)
    }

    /// The errmsg of the response.
    pub(crate) fn errmsg(self, rid: RequestId) -> String {
        self.row()
            .map(|row| row.suffix.append(row.text, rid))
            .unwrap_or_default()
    }
}

/// The errmsg of any errcode. Its text is empty if the simulator does not return this errcode by
/// itself.
pub(crate) fn errmsg_for(errcode: i64, rid: RequestId) -> String {
    if errcode == 0 {
        return "ok".to_owned();
    }
    match TABLE.iter().find(|row| row.errcode == errcode) {
        Some(row) => row.suffix.append(row.text, rid),
        None => Suffix::Rid.append("", rid),
    }
}

impl Suffix {
    fn append(self, text: &str, rid: RequestId) -> String {
        match self {
            Self::Rid => format!("{text} rid: {rid}"),
            Self::CommaRid => format!("{text}, rid: {rid}"),
            Self::HintAndRid => {
                let hint = rid.noise.rotate_left(17) as u32;
                format!("{text} hint: [{hint:08x}ent1] rid: {rid}")
            }
        }
    }
}

/// What a response's request id (`rid`) is made of.
#[derive(Clone, Copy)]
pub(crate) struct RequestId {
    /// Unix time in seconds by the simulator's clock.
    pub(crate) now_s: u64,
    /// A number that differs between requests.
    pub(crate) noise: u64,
}

impl fmt::Display for RequestId {
    /// As WeChat writes it: the time in hex, then two numbers without a documented meaning.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = ((self.noise >> 32) as u32, self.noise as u32);
        write!(formatter, "{:08x}-{high:08x}-{low:08x}", self.now_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RID: RequestId = RequestId {
        now_s: 0x6193_2a5b,
        noise: 0x0e24_8764_42d1_c1b2,
    };

    #[test]
    fn texts_end_in_a_rid_with_the_time_in_hex() {
        assert_eq!(Refused::BadAppid.errcode(), 40013);
        assert_eq!(
            Refused::BadAppid.errmsg(RID),
            "invalid appid rid: 61932a5b-0e248764-42d1c1b2"
        );
        assert_eq!(
            Refused::PhoneOverLimit.errmsg(RID),
            " rid: 61932a5b-0e248764-42d1c1b2"
        );
        let text = Refused::WrongKindOfToken.errmsg(RID);
        assert!(text.starts_with("api unauthorized, rid: "), "{text}");
        let text = Refused::TokenUnknown.errmsg(RID);
        assert!(text.contains(" hint: [") && text.contains("ent1] rid: "));
    }

    #[test]
    fn every_refusal_has_one_row_and_every_errcode_is_listed_once() {
        for (index, row) in TABLE.iter().enumerate() {
            let is_different =
                |other: &Row| other.refused != row.refused && other.errcode != row.errcode;
            assert!(TABLE[..index].iter().all(is_different));
        }
        // The index of the last variant is the number of the others.
        assert_eq!(TABLE.len(), Refused::ForeignRid as usize + 1);
    }

    #[test]
    fn the_text_of_an_unknown_errcode_is_only_a_rid() {
        assert!(errmsg_for(12345, RID).starts_with(" rid: "));
        assert_eq!(errmsg_for(0, RID), "ok");
    }
}
