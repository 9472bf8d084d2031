//! `wxlink platform status`: the ticket, the platform's token and the accounts.

use clap::Command;
use wxlink::{Client, Lang, PlatformStatus};

use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::output::{Cell, FAILURE, SUCCESS, Table, json};
use crate::platform;

pub(super) const NAME: &str = "status";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Show the ticket, the platform's token, and the accounts with their permission sets")
        .long_about(
            "Show the ticket and the platform's access token in the store, and the accounts that \
             have authorised the platform. Asks WeChat for the list of accounts, and about each \
             of them.",
        )
        .after_help(examples(&[(
            "as lines of JSON",
            "wxlink platform status --json",
        )]))
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
    let ticket = match (platform.has_ticket(), platform.ticket_age()) {
        (false, _) => context.text("none", "无").to_owned(),
        (true, None) => context.text("stored by hand", "手动存入").to_owned(),
        (true, Some(age)) => match out.lang() {
            Lang::En => format!("{} old", duration(age)),
            Lang::Zh => format!("{} 前", duration(age)),
        },
    };
    let token = match (platform.token_expires_in(), out.lang()) {
        (0, _) => context.text("none", "无").to_owned(),
        (left, Lang::En) => format!("expires in {}", duration(left)),
        (left, Lang::Zh) => format!("{} 后过期", duration(left)),
    };
    let mut table = Table::new([context.text("TICKET", "TICKET"), "TOKEN"]);
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
                    Cell::from(info.status()),
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

/// A time in its two largest units.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
    }
}
