//! `wxlink list`: lists the linked and the invited mini programs.

use std::borrow::Cow;

use anstyle::Style;
use clap::{ArgMatches, Command};
use wxlink::{LinkList, LinkStatus};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::output::{Cell, FAILURE, PENDING, SUCCESS, Table};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command() -> Command {
    Command::new("list")
        .about("List the mini programs that are linked to the Official Account or invited")
        .long_about(
            "List the mini programs that are linked to the Official Account or invited.\n\n\
             With --json, one line for each, with the fields as WeChat sent them.",
        )
        .after_help(examples(&[
            ("a table", "wxlink list --token-file token.txt"),
            (
                "a line of JSON for each, with the token from a pipe",
                "cat token.txt | wxlink list --token-file - --json",
            ),
            ("in Chinese", "wxlink list --lang zh --token-file token.txt"),
        ]))
}

fn run(context: &Context, _: &ArgMatches) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let list = context.client()?.get_linked(None)?;
    if out.is_json() {
        list.items().for_each(|item| out.line(item.json()));
    } else if list.is_empty() {
        out.line(context.text(
            "No mini program is linked or invited.",
            "没有已关联或待确认的小程序。",
        ));
    } else {
        out.table(&table(context, &list));
    }
    Ok(ExitCode::Done)
}

fn table(context: &Context, list: &LinkList) -> Table {
    let mut table = Table::new([
        context.text("STATE", "状态"),
        "APPID",
        context.text("ORIGINAL ID", "原始 ID"),
        context.text("NAME", "名称"),
    ]);
    for item in list.items() {
        let text = |text: Option<Cow<'_, str>>| Cell::from(&*text.unwrap_or("-".into()));
        table.row([
            state(context, item.status()),
            text(item.appid()),
            text(item.username()),
            text(item.nickname()),
        ]);
    }
    table
}

fn state(context: &Context, status: Option<LinkStatus>) -> Cell {
    let (style, text) = match status {
        Some(LinkStatus::Linked) => (SUCCESS, context.text("linked", "已关联")),
        Some(LinkStatus::AwaitingMiniProgram) => (
            PENDING,
            context.text(
                "awaiting the mini program's administrator",
                "待小程序管理员确认",
            ),
        ),
        Some(LinkStatus::AwaitingOfficialAccount) => (
            PENDING,
            context.text(
                "awaiting the Official Account's administrator",
                "待公众号管理员确认",
            ),
        ),
        Some(LinkStatus::Refused) => (
            FAILURE,
            context.text(
                "refused by the mini program's administrator",
                "小程序管理员已拒绝",
            ),
        ),
        Some(LinkStatus::Other(number)) => {
            return Cell::new(&number.to_string(), Style::new());
        }
        None => (Style::new(), "-"),
    };
    Cell::new(text, style)
}
