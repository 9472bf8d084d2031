//! `wxlink unlink`: requests that a link be removed.

use clap::{ArgMatches, Command};
use wxlink::Lang;

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::{args, report};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command(lang: Lang) -> Command {
    Command::new("unlink")
        .about(text(
            lang,
            "Request to unlink a mini program from the Official Account",
            "请求解除小程序与公众号的关联",
        ))
        .long_about(text(
            lang,
            "Request to unlink a mini program from the Official Account.\n\n\
             Success means that the Official Account's administrator has been asked; the mini \
             program stays in the list until they agree.",
            "请求解除小程序与公众号的关联。\n\n成功表示已请求公众号管理员确认；\
             在其同意之前，小程序仍在列表中。",
        ))
        .arg(args::appid(lang))
        .after_help(examples(
            lang,
            &[(
                text(
                    lang,
                    "request to unlink a mini program",
                    "请求解除一个小程序的关联",
                ),
                "wxlink unlink wx0b00000000000001 --token-file token.txt",
            )],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let appid = args::required(matches, "appid");
    let result = context.posting_client()?.unlink_miniprogram(None, appid);
    let success = context.text(
        "The Official Account's administrator has been asked; the mini program stays in the list \
         until they agree.",
        "已请求公众号管理员确认；在其同意之前，小程序仍在列表中。",
    );
    Ok(report::call(context, appid, result, success))
}
