//! `wxlink platform`: stores what WeChat gives a third-party platform: tickets and the refresh
//! tokens of accounts.

use clap::{ArgMatches, Command};
use serde_json::json;

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::Message;
use crate::output::SUCCESS;
use crate::{args, secret};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

const SET_TICKET: &str = "set-ticket";
const ADD_ACCOUNT: &str = "add-account";

fn command() -> Command {
    Command::new("platform")
        .about("Store a third-party platform's ticket or an account's refresh token, from stdin")
        .long_about(
            "Store what WeChat gives a third-party platform (component_appid), for all programs \
             that share its store. The secret is read from stdin; at a terminal the command asks \
             for it and does not show it. The store must \
             outlive the command: set the option store to file:PATH or redis://HOST.",
        )
        .subcommand_required(true)
        .subcommand(set_ticket())
        .subcommand(add_account())
        .after_help(examples(&[(
            "store a ticket that is in a file",
            "wxlink platform set-ticket < ticket.txt",
        )]))
}

fn set_ticket() -> Command {
    Command::new(SET_TICKET)
        .about("Store the component_verify_ticket, read from stdin")
        .long_about(
            "Store the component_verify_ticket, which WeChat pushes every 10 minutes. It is read \
             from stdin: the ticket alone, or the decrypted push that contains it. At a terminal \
             the command asks for it and does not show it.",
        )
        .after_help(examples(&[(
            "from a file",
            "wxlink platform set-ticket < ticket.txt",
        )]))
}

fn add_account() -> Command {
    Command::new(ADD_ACCOUNT)
        .about("Store the refresh token of an account that authorised the platform, from stdin")
        .long_about(
            "Store the refresh token that WeChat issues when an account authorises the platform. \
             It is read from stdin; at a terminal the command asks for it and does not show it.",
        )
        .arg(args::appid().help("The account's appid, wx…"))
        .after_help(examples(&[(
            "from a file",
            "wxlink platform add-account wx0a00000000000001 < refresh-token.txt",
        )]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    check_settings(context)?;
    let client = context.client_with(context.settings.options())?;
    let read = |name| secret::from_stdin(name, context.out.lang());
    match matches.subcommand() {
        Some((ADD_ACCOUNT, matches)) => {
            let appid = args::required(matches, "appid");
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

/// Checks that the secret would be kept: there must be a platform, and a store outside this
/// process.
fn check_settings(context: &Context) -> Result<(), CommandError> {
    let settings = &context.settings;
    let is_set = |key| settings.set().iter().any(|s| s.key == key);
    if !is_set("component_appid") || !is_set("component_appsecret") {
        return Err(CommandError::Usage(no_platform(context)));
    }
    if settings.redacted("store") == "memory" {
        return Err(CommandError::Usage(Message::new(
            "nothing was stored: the option store is memory, whose content is lost when this \
             command exits. Set it to file:PATH or redis://HOST (--store, WXLINK_STORE or the \
             config file)",
            "未保存：选项 store 为 memory，命令结束后内容即丢失。请将其设为 file:PATH 或 redis://HOST\
             （--store、WXLINK_STORE 或配置文件）",
        )));
    }
    Ok(())
}

fn no_platform(context: &Context) -> Message {
    let other = context.settings.token_source();
    let other = other.filter(|s| !s.key.starts_with("component_"));
    let (hint_en, hint_zh) = match other {
        Some(s) => (
            format!(
                " {} ({}) replaces the platform's settings: unset it.",
                s.key, s.source
            ),
            format!(
                "{}（{}）会取代第三方平台的设置：请先取消它。",
                s.key, s.source
            ),
        ),
        None => Default::default(),
    };
    Message::new(
        format!(
            "nothing was stored: no third-party platform is set. Set component_appid and \
             component_appsecret (WXLINK_COMPONENT_APPID and WXLINK_COMPONENT_APPSECRET, or the \
             config file).{hint_en}"
        ),
        format!(
            "未保存：未设置第三方平台。请设置 component_appid 和 component_appsecret\
             （WXLINK_COMPONENT_APPID 和 WXLINK_COMPONENT_APPSECRET，或配置文件）。{hint_zh}"
        ),
    )
}
