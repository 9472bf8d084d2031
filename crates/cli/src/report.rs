//! Prints the results that several subcommands share, and turns them into exit codes.

use std::io::{self, IsTerminal, stderr};
use std::net::SocketAddr;
use std::time::Duration;

use wxlink::{Error, LinkProgress, Response};

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::Message;
use crate::output::{SUCCESS, json};

/// Prints the result of one call for one mini program; `success` is the text if WeChat accepted it.
pub(crate) fn call(
    context: &Context,
    appid: &str,
    result: Result<Response, Error>,
    success: &str,
) -> ExitCode {
    let out = context.out;
    match result {
        Ok(response) => {
            let line = json::with_appid(appid, json::response(&response));
            out.result(&line, || {
                out.line(format_args!("{SUCCESS}{success}{SUCCESS:#}"));
            });
            ExitCode::Done
        }
        Err(error) => {
            let code = ExitCode::from(&error);
            let line = json::with_appid(appid, json::error(&error));
            out.result(&line, || match code {
                // Not a failure: linked already, or waiting for an administrator.
                ExitCode::Done | ExitCode::Waiting => out.line(&error),
                _ => out.diagnostic(&error),
            });
            code
        }
    }
}

/// Prints the result of `ensure` or `wait`.
pub(crate) fn link_progress(context: &Context, appid: &str, progress: &LinkProgress) -> ExitCode {
    let out = context.out;
    let code = ExitCode::from(progress);
    let line = json::with_appid(appid, json::link_progress(progress));
    out.result(&line, || match code {
        ExitCode::Done => {
            let linked = context.text("Linked.", "已关联。");
            out.line(format_args!("{SUCCESS}{linked}{SUCCESS:#}"));
        }
        ExitCode::Waiting => out.line(progress.message()),
        _ => out.diagnostic(progress.message()),
    });
    code
}

/// The error of a listener that cannot be started.
pub(crate) fn cannot_listen(address: SocketAddr, why: &io::Error) -> CommandError {
    let (en, zh) = (
        format!("cannot listen on {address}"),
        format!("无法监听 {address}"),
    );
    CommandError::Usage(Message::from(why).after(en, zh))
}

/// On a terminal, announces that the command is going to wait for the administrators.
pub(crate) fn waiting(context: &Context, wait: Duration) {
    if !wait.is_zero() && stderr().is_terminal() {
        context.out.note(context.text(
            "Waiting for the administrators; Ctrl-C stops waiting and does not withdraw the \
             invitation.",
            "正在等待管理员确认；按 Ctrl-C 只会停止等待，不会撤回邀请。",
        ));
    }
}
