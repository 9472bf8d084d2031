//! `wxlink put`: stores what WeChat gives a third-party platform in its token store.

use clap::{ArgMatches, Command};
use serde_json::json;
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::link::{appid, given};
use crate::output::GOOD;
use crate::{Act, Subcommand, examples, settings};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("put")
        .about("Store a third-party platform's ticket, or an account's refresh token, from stdin")
        .long_about(
            "Store what WeChat gives a third-party platform (component_appid) in its store, for all programs \
             that share the store. The secret is read from stdin, one line. The store must outlive the command: \
             store is file:PATH or redis://HOST.",
        )
        .subcommand_required(true)
        .subcommand(
            Command::new("ticket")
                .about("Store the component_verify_ticket that WeChat pushes every 10 minutes, read from stdin")
                .long_about(
                    "Store the component_verify_ticket that WeChat pushes every 10 minutes. It is read from stdin, one \
                     line.",
                )
                .after_help(examples(&[("from a file", "wxlink put ticket < ticket.txt")])),
        )
        .subcommand(
            Command::new("account")
                .about("Store the refresh token that an account gives the platform, read from stdin")
                .long_about(
                    "Store the refresh token that an account gives when it authorises the platform. It is read from \
                     stdin, one line.",
                )
                .arg(appid().help("The account's appid, wx…"))
                .after_help(examples(&[(
                    "from a file",
                    "wxlink put account wx0a00000000000001 < refresh-token.txt",
                )])),
        )
        .after_help(examples(&[("from a file", "wxlink put ticket < ticket.txt")]))
}

/// Whether what is put would be kept: only a platform has such secrets, and only a store outside this process keeps
/// them.
fn check(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let missing = |key| settings.set().iter().all(|s| s.key != key);
    let usage = |en: String, zh: String| {
        let text = match settings.lang() {
            wxlink::Lang::En => en,
            wxlink::Lang::Zh => zh,
        };
        Err(Failure::Usage(text))
    };
    if missing("component_appid") || missing("component_appsecret") {
        let other = settings
            .token_source()
            .filter(|s| !s.key.starts_with("component_"));
        let (en, zh) = other.map_or_else(Default::default, |s| {
            (
                format!(
                    " {} ({}) takes the place of a platform: unset it.",
                    s.key, s.source
                ),
                format!(
                    "{}（{}）会取代第三方平台的设置：请先取消它。",
                    s.key, s.source
                ),
            )
        });
        return usage(
            format!(
                "nothing was stored: put needs a third-party platform. Set component_appid and component_appsecret \
                 (WXLINK_COMPONENT_APPID and WXLINK_COMPONENT_APPSECRET, or the config file).{en}"
            ),
            format!(
                "未保存：put 需要第三方平台。请设置 component_appid 和 component_appsecret（WXLINK_COMPONENT_APPID 和 \
                 WXLINK_COMPONENT_APPSECRET，或配置文件）。{zh}"
            ),
        );
    }
    if settings.shown("store") == "memory" {
        return usage(
            "nothing was stored: store is memory, which ends with this command. Set store to file:PATH or \
             redis://HOST (--store, WXLINK_STORE or the config file)"
                .into(),
            "未保存：store 为 memory，命令结束后内容即丢失。请将 store 设为 file:PATH 或 redis://HOST\
             （--store、WXLINK_STORE 或配置文件）"
                .into(),
        );
    }
    Ok(())
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    check(context)?;
    let client = context.client_with(context.settings.options())?;
    let secret = settings::secret_of_stdin()?;
    match matches.subcommand() {
        Some(("account", matches)) => client.add_account(given(matches, "appid"), &secret)?,
        _ => client.set_ticket(&secret)?,
    }
    let out = context.out;
    out.result(&json!({"status": "OK"}), || {
        out.line(format_args!(
            "{GOOD}{}{GOOD:#}",
            context.told("Stored.", "已保存。")
        ));
    });
    Ok(Verdict::Done)
}
