//! `wxlink list`: what is linked, and what is on its way.

use anstyle::Style;
use clap::{ArgMatches, Command};
use wxlink::{LinkList, LinkStatus};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, SOON};
use crate::table::{Cell, Table};
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("list")
        .about("List the mini programs linked to the Official Account, and those on their way")
        .long_about(
            "List the mini programs linked to the Official Account, and those on their way.\n\n\
             With --json a line each, with the fields as WeChat sent them.",
        )
        .after_help(examples(&[
            ("a table", "wxlink list --token-file token.txt"),
            (
                "a line of JSON each, the token from a pipe",
                "cat token.txt | wxlink list --token-file - --json",
            ),
            ("in Chinese", "wxlink list --lang zh --token-file token.txt"),
        ]))
}

fn run(context: &Context, _: &ArgMatches) -> Result<Verdict, Failure> {
    let list = context.client()?.get_linked(None)?;
    match context.out.is_json() {
        true => list.items().for_each(|item| context.out.line(item.json())),
        false if list.is_empty() => context.out.line(context.told(
            "No mini program is linked, and none is on its way.",
            "没有已关联或正在关联的小程序。",
        )),
        false => context.out.table(&table(context, &list)),
    }
    Ok(Verdict::Done)
}

fn table(context: &Context, list: &LinkList) -> Table {
    let mut table = Table::new([
        context.told("STATE", "状态"),
        "APPID",
        context.told("ORIGINAL ID", "原始 ID"),
        context.told("NAME", "名称"),
    ]);
    for item in list.items() {
        let text =
            |text: Option<std::borrow::Cow<'_, str>>| Cell::from(&*text.unwrap_or("-".into()));
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
        Some(LinkStatus::Linked) => (GOOD, context.told("linked", "已关联")),
        Some(LinkStatus::AwaitingMiniProgram) => (
            SOON,
            context.told(
                "waits for the mini program's administrator",
                "待小程序管理员确认",
            ),
        ),
        Some(LinkStatus::AwaitingOfficialAccount) => (
            SOON,
            context.told(
                "waits for the Official Account's administrator",
                "待公众号管理员确认",
            ),
        ),
        Some(LinkStatus::Refused) => (
            BAD,
            context.told(
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
