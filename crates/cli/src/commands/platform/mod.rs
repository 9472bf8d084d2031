//! `wxlink platform`: shows the state of a third-party platform, and stores what WeChat gives it:
//! tickets and the refresh tokens of accounts.

mod status;

use clap::{ArgMatches, Command};
use serde_json::json;
use wxlink::Lang;

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::{Message, text};
use crate::output::SUCCESS;
use crate::{args, platform, secret};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

const SET_TICKET: &str = "set-ticket";
const ADD_ACCOUNT: &str = "add-account";

fn command(lang: Lang) -> Command {
    Command::new("platform")
        .about(text(
            lang,
            "Show a third-party platform's state, or store its ticket or refresh \
             tokens",
            "查看第三方平台的状态，或保存其票据和刷新令牌",
        ))
        .long_about(text(
            lang,
            "Show the state of a third-party platform (component_appid), or store \
             what WeChat gives it, for all programs that share its store. A secret \
             is read from stdin; at a terminal the command asks for it and does not \
             show it. The store must outlive the command: set the option store to \
             file:PATH or redis://HOST.",
            "查看第三方平台 (component_appid) 的状态，或保存微信给它的内容，供使用\
             同一存储的所有程序使用。密钥从标准输入读取；在终端中会提示输入，且不显\
             示所输入的内容。存储须在命令结束后仍然保留：请将选项 store 设为 \
             file:PATH 或 redis://HOST。",
        ))
        .subcommand_required(true)
        .subcommand(status::command(lang))
        .subcommand(set_ticket(lang))
        .subcommand(add_account(lang))
        .after_help(examples(
            lang,
            &[(
                text(lang, "store a ticket that is in a file", "保存文件中的票据"),
                "wxlink platform set-ticket < ticket.txt",
            )],
        ))
}

fn set_ticket(lang: Lang) -> Command {
    Command::new(SET_TICKET)
        .about(text(
            lang,
            "Store the component_verify_ticket, read from stdin",
            "从标准输入读取票据（component_verify_ticket）并保存",
        ))
        .long_about(text(
            lang,
            "Store the component_verify_ticket, which WeChat pushes every 10 \
             minutes. It is read from stdin: the ticket alone, or the decrypted \
             push that contains it. At a terminal the command asks for it and does \
             not show it.",
            "保存微信每 10 分钟推送一次的票据（component_verify_ticket）。从标准输入\
             读取：可以是票据本身，也可以是含有票据的推送（已解密）。在终端中会提示\
             输入，且不显示所输入的内容。",
        ))
        .after_help(examples(
            lang,
            &[(
                text(lang, "from a file", "从文件读取"),
                "wxlink platform set-ticket < ticket.txt",
            )],
        ))
}

fn add_account(lang: Lang) -> Command {
    Command::new(ADD_ACCOUNT)
        .about(text(
            lang,
            "Store the refresh token of an account that authorised the platform, \
             from stdin",
            "从标准输入读取授权账号的刷新令牌并保存",
        ))
        .long_about(text(
            lang,
            "Store the refresh token that WeChat issues when an account authorises \
             the platform. It is read from stdin; at a terminal the command asks \
             for it and does not show it.",
            "保存账号授权第三方平台时微信给出的刷新令牌。从标准输入读取；在终端中会\
             提示输入，且不显示所输入的内容。",
        ))
        .arg(args::appid(lang).help(text(
            lang,
            "The account's appid, wx…",
            "公众号的 appid，形如 wx…",
        )))
        .after_help(examples(
            lang,
            &[(
                text(lang, "from a file", "从文件读取"),
                "wxlink platform add-account wx0a00000000000001 < refresh-token.txt",
            )],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    if let Some((status::NAME, _)) = matches.subcommand() {
        return status::show(context);
    }
    platform::check(context).map_err(nothing_stored)?;
    let client = context.client_with(context.settings.options())?;
    let read = |name| secret::from_stdin(name, context.out.lang());
    match matches.subcommand() {
        Some((ADD_ACCOUNT, matches)) => {
            let appid = args::required(matches, "appid");
            check_appid(appid)?;
            client.add_account(appid, &read("authorizer_refresh_token")?)?;
        }
        _ => client.set_ticket(&read("component_verify_ticket")?)?,
    }
    let out = context.out;
    out.result(&json!({"status": "OK"}), || {
        let stored = context.text("Stored.", "已保存。");
        out.line(format_args!("{SUCCESS}{stored}{SUCCESS:#}"));
    });
    Ok(ExitCode::Done)
}

/// Checks that a text has the form of an appid. What is stored under another text would never be
/// found.
fn check_appid(appid: &str) -> Result<(), CommandError> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits = appid.strip_prefix("wx").filter(|digits| digits.len() == 16);
    if digits.is_some_and(|digits| digits.bytes().all(is_hex)) {
        return Ok(());
    }
    Err(nothing_stored(Message::new(
        format!("{appid:?} is not an appid: expected wx and 16 lower-case hexadecimal digits"),
        format!("{appid:?} 不是 appid：应为 wx 和 16 位小写十六进制数字"),
    )))
}

/// Adds that nothing was stored.
fn nothing_stored(why: Message) -> CommandError {
    let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
    CommandError::Usage(Message::new(
        format!("nothing was stored: {en}"),
        format!("未保存：{zh}"),
    ))
}
