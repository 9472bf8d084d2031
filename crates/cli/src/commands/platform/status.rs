//! `wxlink platform status`: the ticket, the platform's token and the accounts.

use clap::Command;
use wxlink::{AccountInfo, AccountState, Client, Lang, ListedAccount, PlatformStatus, Text};

use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::{Message, text};
use crate::output::{Cell, FAILURE, SUCCESS, Table, json};
use crate::platform;

pub(super) const NAME: &str = "status";

/// WeChat's errcode for an account that has not authorised the platform.
const NOT_AUTHORIZED: i32 = 61003;

pub(super) fn command(lang: Lang) -> Command {
    Command::new(NAME)
        .about(text(
            lang,
            "Show the ticket, the platform's token, and the accounts with their permission sets",
            "查看票据、平台令牌，以及各账号及其权限集",
        ))
        .long_about(text(
            lang,
            "Show the ticket and the platform's access token in the store, and the accounts that \
             have authorised the platform, with what the store has of each. Asks WeChat for the \
             list of accounts, and about each of them.",
            "查看存储中的票据和平台令牌，以及授权了该平台的账号，并显示存储中\
             各账号的情况。会向微信查询账号列表和每个账号的信息。",
        ))
        .after_help(examples(
            lang,
            &[(
                text(lang, "as lines of JSON", "输出 JSON 行"),
                "wxlink platform status --json",
            )],
        ))
}

pub(super) fn show(context: &Context) -> Result<ExitCode, CommandError> {
    platform::check(context).map_err(CommandError::Usage)?;
    let client = context.client_with(context.settings.options())?;
    let out = context.out;
    let platform = client.platform_status()?;
    out.result(&platform.json(), || print_platform(context, &platform));
    show_accounts(context, &client)
}

fn print_platform(context: &Context, platform: &PlatformStatus) {
    let out = context.out;
    let lang = out.lang();
    let ticket = match (platform.has_ticket(), platform.ticket_age()) {
        (false, _) => context.text("none", "无").to_owned(),
        (true, None) => context.text("stored by hand", "手动存入").to_owned(),
        (true, Some(age)) => match lang {
            Lang::En => format!("{} old", duration(age, lang)),
            Lang::Zh => format!("{}前", duration(age, lang)),
        },
    };
    let token = match (platform.token_expires_in(), lang) {
        (0, _) => context.text("none", "无").to_owned(),
        (left, Lang::En) => format!("expires in {}", duration(left, lang)),
        (left, Lang::Zh) => format!("{}后过期", duration(left, lang)),
    };
    let mut table = Table::new([
        context.text("TICKET", "票据"),
        context.text("TOKEN", "平台令牌"),
    ]);
    table.row([Cell::from(&*ticket), Cell::from(&*token)]);
    out.table(&table);
    out.line("");
}

/// Prints every account.
fn show_accounts(context: &Context, client: &Client) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let accounts = client.listed_accounts()?;
    let mut table = Table::new([
        context.text("ACCOUNT", "账号"),
        context.text("NAME", "名称"),
        context.text("STATE", "状态"),
        context.text("IN STORE", "存储"),
        context.text("MAY LINK", "可关联"),
        context.text("PERMISSION SETS", "权限集"),
    ]);
    let (mut code, mut notes) = (ExitCode::Done, Vec::new());
    for listed in &accounts {
        let account = listed.appid.as_str();
        let stored = client.account_status(account)?.state;
        let (mut line, row) = match client.account_info(account) {
            Ok(info) => {
                let may_link = may_link(&info, listed, stored);
                if !listed.has_refresh_token && is_without_token(stored) {
                    notes.push(unfinished(account));
                }
                let mut line = info.json();
                line["may_link"] = may_link.into();
                let sets = info.permission_sets().unwrap_or_default().iter();
                let sets: Vec<String> = sets.map(u64::to_string).collect();
                let cells = [
                    Cell::from(account),
                    Cell::from(info.name()),
                    Cell::from(account_status(&info).get(out.lang())),
                    Cell::from(in_store(stored).get(out.lang())),
                    may_link_cell(context, may_link),
                    Cell::from(&*sets.join(" ")),
                ];
                (line, Some(cells))
            }
            Err(error) if error.errcode() == Some(NOT_AUTHORIZED) && is_without_token(stored) => {
                notes.push(left_over(account));
                let mut line = json::error(&error);
                line["status"] = "not_authorized".into();
                line["may_link"] = false.into();
                let cells = [
                    Cell::from(account),
                    Cell::from("-"),
                    Cell::from(context.text("not authorised", "未授权")),
                    Cell::from(in_store(stored).get(out.lang())),
                    may_link_cell(context, Some(false)),
                    Cell::from("-"),
                ];
                (line, Some(cells))
            }
            Err(error) => {
                code = code.max(ExitCode::from(&error));
                if !out.is_json() {
                    out.diagnostic(format_args!("{account}: {error}"));
                }
                (json::error(&error), None)
            }
        };
        line["account"] = account.into();
        line["stored"] = stored.as_str().into();
        if out.is_json() {
            out.line(&line);
        }
        if let Some(cells) = row {
            table.row(cells);
        }
    }
    if out.is_json() {
        return Ok(code);
    }
    if accounts.is_empty() {
        out.line(context.text(
            "No account has authorised the platform.",
            "没有账号授权该第三方平台。",
        ));
    } else {
        out.table(&table);
    }
    for note in notes {
        out.note(note.get(out.lang()));
    }
    Ok(code)
}

/// Whether the store has neither the account's refresh token nor a code to get it with.
fn is_without_token(stored: AccountState) -> bool {
    match stored {
        AccountState::Authorized | AccountState::CodeStored => false,
        AccountState::Withdrawn | AccountState::NotStored => true,
    }
}

/// Whether links can be made for the account: it has granted the permission, and its refresh token
/// is in the store or in WeChat's list. `None` if it is not known, as before a stored code is
/// exchanged.
fn may_link(info: &AccountInfo, listed: &ListedAccount, stored: AccountState) -> Option<bool> {
    if listed.has_refresh_token || stored == AccountState::Authorized {
        return info.may_link();
    }
    let is_excluded = is_without_token(stored) || info.may_link() == Some(false);
    is_excluded.then_some(false)
}

fn may_link_cell(context: &Context, may_link: Option<bool>) -> Cell {
    match may_link {
        Some(true) => Cell::new(context.text("yes", "是"), SUCCESS),
        Some(false) => Cell::new(context.text("no", "否"), FAILURE),
        None => Cell::from("-"),
    }
}

/// What the store has of the account, in words.
fn in_store(stored: AccountState) -> Text {
    let (en, zh) = match stored {
        AccountState::Authorized => ("refresh token", "refresh_token"),
        AccountState::CodeStored => ("code", "授权码"),
        AccountState::Withdrawn => ("withdrawn", "已取消授权"),
        AccountState::NotStored => ("nothing", "无"),
    };
    Text { en, zh }
}

/// The note on an account whose first authorisation code was never exchanged.
fn unfinished(account: &str) -> Message {
    Message::new(
        format!(
            "{account}: neither the store nor WeChat's list has its refresh token, because its \
             authorisation was not finished. Have its administrator authorise the platform again."
        ),
        format!(
            "{account}：存储和微信的列表中都没有它的 refresh_token，因为授权没有完成。\
             请让其管理员重新授权第三方平台。"
        ),
    )
}

/// The note on an account that is in WeChat's list alone.
fn left_over(account: &str) -> Message {
    Message::new(
        format!(
            "{account}: WeChat lists it, but it has not authorised the platform (61003). An \
             account left from WeChat's test before a release looks like this; nothing needs to \
             be done."
        ),
        format!(
            "{account}：在微信的列表中，但并未授权该第三方平台（61003）。\
             全网发布检测留下的账号即是如此，无需处理。"
        ),
    )
}

/// The account's status in words. WeChat's page has the Chinese ones.
fn account_status(info: &AccountInfo) -> Text {
    let (en, zh) = match info.status() {
        "normal" => ("normal", "正常"),
        "closed" => ("closed", "已注销"),
        "banned" => ("banned", "已封禁"),
        "warned" => ("warned", "已告警"),
        "frozen" => ("frozen", "已冻结"),
        _ => ("unknown", "未知"),
    };
    Text { en, zh }
}

/// A time in its two largest units.
fn duration(seconds: u64, lang: Lang) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (seconds, lang) {
        (0..60, Lang::En) => format!("{seconds}s"),
        (0..60, Lang::Zh) => format!("{seconds} 秒"),
        (60..3600, Lang::En) => format!("{minutes}m {}s", seconds % 60),
        (60..3600, Lang::Zh) => format!("{minutes} 分 {} 秒", seconds % 60),
        (_, Lang::En) => format!("{hours}h {}m", minutes % 60),
        (_, Lang::Zh) => format!("{hours} 小时 {} 分", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_its_two_largest_units_in_each_language() {
        for (seconds, en, zh) in [
            (0, "0s", "0 秒"),
            (59, "59s", "59 秒"),
            (60, "1m 0s", "1 分 0 秒"),
            (3599, "59m 59s", "59 分 59 秒"),
            (7199, "1h 59m", "1 小时 59 分"),
            (90_000, "25h 0m", "25 小时 0 分"),
        ] {
            assert_eq!(duration(seconds, Lang::En), en);
            assert_eq!(duration(seconds, Lang::Zh), zh);
        }
    }
}
