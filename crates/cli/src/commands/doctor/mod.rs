//! `wxlink doctor`: checks everything that a call needs, one thing after the other, and shows how
//! to fix each problem.

mod account;
mod check;
mod network;
mod store;

use clap::{ArgMatches, Command};
use wxlink::Lang;

use self::check::{CheckResult, Doctor};
use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::settings::Setting;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command(lang: Lang) -> Command {
    Command::new("doctor")
        .about(text(
            lang,
            "Check everything that a call needs, and show how to fix each problem",
            "检查调用所需的一切，并说明如何解决各个问题",
        ))
        .long_about(text(
            lang,
            "Check everything that a call needs: DNS, proxy, TLS, clock, the source \
             of tokens, the kind of token, the IP whitelist, the account's \
             authorisation and permission set 33, and the store in which runs find \
             what earlier ones posted. Shows how to fix each problem.\n\n\
             Calls WeChat with an invalid token, which shows whether WeChat can be \
             reached, then reads the account's list. Changes nothing.",
            "检查调用所需的一切：DNS、代理、TLS、时钟、令牌来源、令牌类型、IP 白名\
             单、公众号的授权与权限集 33，以及供后续运行查找此前邀请的存储，并说明\
             如何解决各个问题。\n\n\
             先以无效令牌调用微信，以确认能否连通，再读取公众号的列表。不做任何修改。",
        ))
        .after_help(examples(
            lang,
            &[
                (
                    text(lang, "one account", "一个公众号"),
                    "wxlink doctor --token-file token.txt",
                ),
                (
                    text(lang, "a line of JSON for each check", "每项检查一行 JSON"),
                    "wxlink doctor --token-file token.txt --json",
                ),
            ],
        ))
}

fn run(context: &Context, _: &ArgMatches) -> Result<ExitCode, CommandError> {
    let mut doctor = Doctor {
        context,
        exit_code: ExitCode::Done,
    };
    doctor.report("configuration", configuration(context));
    doctor.check_dns();
    doctor.check_proxy();
    let responses = doctor.check_connections()?;
    doctor.check_clock(&responses);
    doctor.check_account(!responses.is_empty())?;
    doctor.check_store();
    Ok(doctor.exit_code)
}

/// Which options are set, and where.
fn configuration(context: &Context) -> CheckResult {
    let describe = |s: &Setting| {
        let secret = || context.text("set", "已设置").to_owned();
        let value = s.redacted().unwrap_or_else(secret);
        format!("{} = {value} ({})", s.key, s.source)
    };
    let set: Vec<String> = context.settings.set().iter().map(describe).collect();
    let found = if set.is_empty() {
        let text = context.text(
            "all options have their default values",
            "全部选项均为默认值",
        );
        text.to_owned()
    } else {
        set.join(", ")
    };
    CheckResult::Ok { found }
}
