//! `wxlink platform status`: the ticket, the platform's token and the accounts.

use clap::Command;
use wxlink::{AccountInfo, Client, Lang, PlatformStatus, Text};

use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::output::{Cell, FAILURE, SUCCESS, Table, json};
use crate::platform;

pub(super) const NAME: &str = "status";

pub(super) fn command(lang: Lang) -> Command {
    Command::new(NAME)
        .about(text(
            lang,
            "Show the ticket, the platform's token, and the accounts with their permission sets",
            "查看验证票据、平台令牌，以及各账号及其权限集",
        ))
        .long_about(text(
            lang,
            "Show the ticket and the platform's access token in the store, and the accounts that \
             have authorised the platform. Asks WeChat for the list of accounts, and about each \
             of them.",
            "查看存储中的验证票据和平台令牌，以及授权了该平台的账号。会向微信查\
             询账号列表和每个账号的信息。",
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
        context.text("TICKET", "验证票据"),
        context.text("TOKEN", "平台令牌"),
    ]);
    table.row([Cell::from(&*ticket), Cell::from(&*token)]);
    out.table(&table);
    out.line("");
}

/// Prints every account.
fn show_accounts(context: &Context, client: &Client) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let accounts = client.accounts()?;
    let mut table = Table::new([
        context.text("ACCOUNT", "账号"),
        context.text("NAME", "名称"),
        context.text("STATE", "状态"),
        context.text("MAY LINK", "可关联"),
        context.text("PERMISSION SETS", "权限集"),
    ]);
    let mut code = ExitCode::Done;
    for account in &accounts {
        match client.account_info(account) {
            Ok(info) => {
                let sets = info.permission_sets().unwrap_or_default().iter();
                let sets: Vec<String> = sets.map(u64::to_string).collect();
                let may_link = match info.may_link() {
                    Some(true) => Cell::new(context.text("yes", "是"), SUCCESS),
                    Some(false) => Cell::new(context.text("no", "否"), FAILURE),
                    None => Cell::from("-"),
                };
                if out.is_json() {
                    out.line(info.json());
                }
                table.row([
                    Cell::from(account.as_str()),
                    Cell::from(info.name()),
                    Cell::from(account_status(&info).get(out.lang())),
                    may_link,
                    Cell::from(&*sets.join(" ")),
                ]);
            }
            Err(error) => {
                code = code.max(ExitCode::from(&error));
                let mut line = json::error(&error);
                line["account"] = account.as_str().into();
                out.result(&line, || out.diagnostic(format_args!("{account}: {error}")));
            }
        }
    }
    if !out.is_json() && accounts.is_empty() {
        out.line(context.text(
            "No account has authorised the platform.",
            "没有账号授权该第三方平台。",
        ));
    } else if !out.is_json() {
        out.table(&table);
    }
    Ok(code)
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
