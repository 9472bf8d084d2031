//! The error codes the simulator answers by itself, and how WeChat words them.

/// How WeChat decorates the text of an error.
#[derive(Clone, Copy)]
enum Suffix {
    /// ` rid: …`
    Rid,
    /// ` hint: […] rid: …`
    HintAndRid,
    /// `, rid: …`
    CommaRid,
}

/// One thing the simulator can refuse with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// WeChat's catch-all, also its answer to a service account's appid.
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
    BadRefreshToken,
    ForbidsLinking,
}

/// The one table: refusal, code, wire text, decoration.
const TABLE: &[(Refused, i64, &str, Suffix)] = {
    use Refused as R;
    use Suffix::{CommaRid, HintAndRid, Rid};
    &[
        (R::System, -1, "system error", Rid),
        // WeChat sends these two with nothing but the decoration.
        (R::AdministratorOverLimit, 1003, "", Rid),
        (R::PhoneOverLimit, 1005, "", Rid),
        (
            R::TokenUnknown,
            40001,
            "invalid credential, access_token is invalid or not latest",
            HintAndRid,
        ),
        (R::BadAppid, 40013, "invalid appid", Rid),
        (R::TokenMalformed, 40014, "invalid access_token", HintAndRid),
        (R::UnknownPath, 40066, "invalid url", Rid),
        (R::BadArguments, 40097, "invalid args", Rid),
        (R::WrongSecret, 40125, "invalid appsecret", Rid),
        (R::NotMiniProgramAppid, 40166, "invalid weapp appid", Rid),
        (R::TooMany, 40170, "args count exceed count limit", Rid),
        (R::TokenMissing, 41001, "access_token missing", Rid),
        (R::SecretMissing, 41004, "appsecret missing", Rid),
        (R::TokenExpired, 42001, "access_token expired", HintAndRid),
        (R::NotPost, 43002, "require POST method", HintAndRid),
        (R::EmptyBody, 44002, "empty post data", HintAndRid),
        (R::NotJson, 47001, "data format error", HintAndRid),
        (R::WrongKindOfToken, 48001, "api unauthorized", CommaRid),
        (
            R::NotAuthorized,
            61003,
            "component is not authorized by this account",
            Rid,
        ),
        (R::TicketExpired, 61005, "component ticket is expired", Rid),
        (R::UnknownTicket, 61006, "component ticket is invalid", Rid),
        (
            R::NoPermission,
            61007,
            "api is unauthorized to component",
            Rid,
        ),
        (R::UnknownComponent, 61011, "invalid component", Rid),
        (R::BadRefreshToken, 61023, "refresh_token is invalid", Rid),
        (R::MonthUsedUp, 89007, "wxa quota limit", Rid),
        (R::Overseas, 89008, "overseas account can not link", Rid),
        (R::MiniProgramFull, 89009, "wxa reach link limit", Rid),
        (R::AlreadySent, 89010, "link message has sent", Rid),
        (R::Nearby, 89011, "can not unlink nearby wxa", Rid),
        (R::Store, 89012, "can not unlink store or mall", Rid),
        (R::Banned, 89013, "wxa is banned", Rid),
        (R::AlreadyLinked, 89015, "has linked wxa", Rid),
        (
            R::SameSubjectUsedUp,
            89016,
            "reach same realname quota",
            Rid,
        ),
        (
            R::DifferentSubjectUsedUp,
            89017,
            "reach different realname quota",
            Rid,
        ),
        (R::UnlinkAlreadySent, 89018, "unlink message has sent", Rid),
        (R::ConsoleLink, 89035, "linking from mp", Rid),
        (
            R::ForbidsLinking,
            89245,
            "mini program forbidden to link",
            Rid,
        ),
    ]
};

/// The code and the decorated text of a refusal.
pub(crate) fn worded(refused: Refused, rid: Rid) -> (i64, String) {
    // Every refusal has its row (a test sees to it).
    TABLE
        .iter()
        .find(|row| row.0 == refused)
        .map_or((-1, String::new()), |row| {
            (row.1, decorate(row.2, row.3, rid))
        })
}

/// The decorated text of any code, as far as the simulator knows it.
pub(crate) fn text_of(code: i64, rid: Rid) -> String {
    if code == 0 {
        return "ok".to_owned();
    }
    TABLE.iter().find(|row| row.1 == code).map_or_else(
        || decorate("", Suffix::Rid, rid),
        |row| decorate(row.2, row.3, rid),
    )
}

fn decorate(text: &str, suffix: Suffix, rid: Rid) -> String {
    let Rid { now_s, noise } = rid;
    // WeChat's rid: the time in hex, then two numbers nobody outside can read.
    let rid = format!(
        "{now_s:08x}-{:08x}-{:08x}",
        (noise >> 32) as u32,
        noise as u32
    );
    match suffix {
        Suffix::Rid => format!("{text} rid: {rid}"),
        Suffix::CommaRid => format!("{text}, rid: {rid}"),
        Suffix::HintAndRid => {
            let hint = noise.rotate_left(17) as u32;
            format!("{text} hint: [{hint:08x}ent1] rid: {rid}")
        }
    }
}

/// What makes one request's id.
#[derive(Clone, Copy)]
pub(crate) struct Rid {
    /// Unix time by the sandbox's clock.
    pub(crate) now_s: u64,
    /// Anything that differs between requests.
    pub(crate) noise: u64,
}

/// A well-mixed number from a counter (splitmix64): cheap, and the same in every run.
pub(crate) fn mix(counter: u64) -> u64 {
    let mut z = counter
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RID: Rid = Rid {
        now_s: 0x6193_2a5b,
        noise: 0x0e24_8764_42d1_c1b2,
    };

    #[test]
    fn texts_end_in_a_rid_with_the_time_in_hex() {
        let (code, text) = worded(Refused::BadAppid, RID);
        assert_eq!(code, 40013);
        assert_eq!(text, "invalid appid rid: 61932a5b-0e248764-42d1c1b2");
        assert_eq!(
            worded(Refused::PhoneOverLimit, RID).1,
            " rid: 61932a5b-0e248764-42d1c1b2"
        );
        let (_, text) = worded(Refused::WrongKindOfToken, RID);
        assert!(text.starts_with("api unauthorized, rid: "), "{text}");
        let (_, text) = worded(Refused::TokenUnknown, RID);
        assert!(text.contains(" hint: [") && text.contains("ent1] rid: "));
    }

    #[test]
    fn every_refusal_has_one_row_and_every_code_is_listed_once() {
        for (index, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..index].iter().all(|r| r.0 != row.0 && r.1 != row.1));
        }
        // The last variant's place counts them all: one row each.
        assert_eq!(TABLE.len(), Refused::ForbidsLinking as usize + 1);
    }

    #[test]
    fn unknown_codes_have_a_rid_alone() {
        assert!(text_of(12345, RID).starts_with(" rid: "));
        assert_eq!(text_of(0, RID), "ok");
    }
}
