//! `wxlink list`: lists the linked and the invited mini programs.

use std::borrow::Cow;

use anstyle::Style;
use clap::{Arg, ArgAction, ArgMatches, Command};
use wxlink::{Lang, LinkStatus, MiniProgram};
use wxlink_bulk::{BYTE_ORDER_MARK, csv_line};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::output::{Cell, FAILURE, PENDING, SUCCESS, Table, sanitize};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command(lang: Lang) -> Command {
    Command::new("list")
        .about(text(
            lang,
            "List the mini programs that are linked to the Official Account or invited",
            "列出已与公众号关联或已邀请的小程序",
        ))
        .long_about(text(
            lang,
            "List the mini programs that are linked to the Official Account or invited.\n\n\
             With --json, one line for each, with the fields as WeChat sent them. With --csv, a \
             file for spreadsheets.",
            "列出已与公众号关联或已邀请的小程序。\n\n加上 --json 时每个小程序一\
             行，字段与微信返回的一致。加上 --csv 时输出供表格软件使用的文件。",
        ))
        .arg(
            Arg::new("csv")
                .long("csv")
                .action(ArgAction::SetTrue)
                .conflicts_with("json")
                .help(text(
                    lang,
                    "Print CSV for spreadsheets instead of a table",
                    "输出供表格软件使用的 CSV，而不是表格",
                )),
        )
        .arg(
            Arg::new("state")
                .long("state")
                .value_name("linked|pending|refused")
                .value_parser(["linked", "pending", "refused"])
                .hide_possible_values(true)
                .help(text(
                    lang,
                    "List only those that are linked, wait for an administrator, or were refused",
                    "只列出已关联、待管理员确认或已被拒绝的小程序",
                )),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(lang, "a table", "表格"),
                    "wxlink list --token-file token.txt",
                ),
                (
                    text(
                        lang,
                        "a line of JSON for each, with the token from a pipe",
                        "每个小程序一行 JSON，令牌来自管道",
                    ),
                    "cat token.txt | wxlink list --token-file - --json",
                ),
                (
                    text(
                        lang,
                        "a file for a spreadsheet, of those that an administrator has to agree to",
                        "供表格软件使用的文件，只含待管理员确认的小程序",
                    ),
                    "wxlink list --state pending --csv --token-file token.txt > pending.csv",
                ),
                (
                    text(lang, "in Chinese", "使用中文"),
                    "wxlink list --lang zh --token-file token.txt",
                ),
            ],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let wanted = matches.get_one::<String>("state");
    let list = context.client()?.get_linked(None)?;
    let items: Vec<MiniProgram<'_>> = list
        .items()
        .filter(|item| wanted.is_none_or(|wanted| group(item.status()) == wanted))
        .collect();
    if out.is_json() {
        items.iter().for_each(|item| out.line(item.json()));
    } else if matches.get_flag("csv") {
        out.write(csv(context, &items).as_bytes());
    } else if items.is_empty() {
        out.line(if wanted.is_some() && !list.is_empty() {
            context.text(
                "No mini program is in this state.",
                "没有处于该状态的小程序。",
            )
        } else {
            context.text(
                "No mini program is linked or invited.",
                "没有已关联或待确认的小程序。",
            )
        });
    } else {
        out.table(&table(context, &items));
    }
    Ok(ExitCode::Done)
}

/// The value of `--state` that includes an item. An item of an unknown status may be an invitation.
fn group(status: Option<LinkStatus>) -> &'static str {
    match status {
        Some(LinkStatus::Linked) => "linked",
        Some(LinkStatus::Refused) => "refused",
        Some(
            LinkStatus::AwaitingMiniProgram
            | LinkStatus::AwaitingOfficialAccount
            | LinkStatus::Other(_),
        )
        | None => "pending",
    }
}

fn headings(context: &Context) -> [&'static str; 4] {
    [
        context.text("STATE", "状态"),
        "APPID",
        context.text("ORIGINAL ID", "原始 ID"),
        context.text("NAME", "名称"),
    ]
}

fn table(context: &Context, items: &[MiniProgram<'_>]) -> Table {
    let mut table = Table::new(headings(context));
    for item in items {
        let text = |text: Option<Cow<'_, str>>| Cell::from(&*text.unwrap_or("-".into()));
        let State { text: state, style } = state(context, item.status());
        table.row([
            Cell::new(&state, style),
            text(item.appid()),
            text(item.username()),
            text(item.nickname()),
        ]);
    }
    table
}

fn csv(context: &Context, items: &[MiniProgram<'_>]) -> String {
    let mut csv = format!("{BYTE_ORDER_MARK}{}", csv_line(headings(context)));
    for item in items {
        let cells = [
            Some(state(context, item.status()).text),
            item.appid(),
            item.username(),
            item.nickname(),
        ];
        let cells = cells.map(|cell| sanitize(&cell.unwrap_or_default()));
        csv += &csv_line(cells.iter().map(String::as_str));
    }
    csv
}

/// A state as it is shown.
struct State {
    text: Cow<'static, str>,
    style: Style,
}

fn state(context: &Context, status: Option<LinkStatus>) -> State {
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
            return State {
                text: number.to_string().into(),
                style: Style::new(),
            };
        }
        None => (Style::new(), "-"),
    };
    State {
        text: text.into(),
        style,
    }
}
