//! Why a subcommand failed, how that is printed, and the exit code it results in.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;
use wxlink::{Error, Lang, Status, Text};
use wxlink_bulk::BulkError;

use crate::exit::ExitCode;
use crate::message::Message;
use crate::output::{Output, json};
use crate::{help, interrupt, options, parse_error};

/// Why a subcommand failed.
pub(crate) enum CommandError {
    /// Invalid arguments; the message describes what to do. Nothing was sent.
    Usage(Message),
    /// A call failed, or could not be made.
    Call(Error),
    /// A job of many links could not be started or continued.
    Bulk(BulkError),
    /// A signal arrived while the command was waiting for input. Nothing was sent.
    Interrupted,
}

impl From<BulkError> for CommandError {
    fn from(error: BulkError) -> CommandError {
        CommandError::Bulk(error)
    }
}

impl From<wxlink::OptionError> for CommandError {
    fn from(error: wxlink::OptionError) -> CommandError {
        wxlink::Error::from(error).into()
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        CommandError::Call(error)
    }
}

const INTERRUPTED: Text = Text {
    en: "interrupted while waiting for input; nothing was sent",
    zh: "等待输入时被中断；未发送任何请求",
};

impl CommandError {
    pub fn usage(message: impl Into<Message>) -> CommandError {
        CommandError::Usage(message.into())
    }

    /// The exit code for it.
    fn exit_code(&self) -> ExitCode {
        match self {
            CommandError::Usage(_) => ExitCode::Usage,
            CommandError::Call(error) => error.into(),
            CommandError::Bulk(error) => error.severity().into(),
            CommandError::Interrupted => ExitCode::Interrupted,
        }
    }

    /// Prints the error, for people on stderr or for programs on stdout, and returns its exit code.
    pub fn report(&self, out: &Output) -> ExitCode {
        let code = self.exit_code();
        let not_sent = |status, message: &str| {
            let line = json::not_sent(status, message);
            out.result(&line, || out.diagnostic(message));
        };
        match self {
            CommandError::Usage(message) => not_sent(Status::BadValue, message.get(out.lang())),
            CommandError::Interrupted => not_sent(Status::Cancelled, INTERRUPTED.get(out.lang())),
            CommandError::Call(error) => {
                out.result(&json::error(error), || out.diagnostic(error));
            }
            CommandError::Bulk(error) => {
                let exit_code = interrupt::process_exit_code(code);
                let message = error.message(out.lang());
                let line = json!({"message": message, "exit_code": exit_code});
                out.result(&line, || out.diagnostic(message));
            }
        }
        code
    }
}

/// Handles arguments that clap did not accept: prints the help or the version if that was asked
/// for, or else what is wrong. Returns the exit code of the process.
pub(crate) fn report_arguments(error: &clap::Error, arguments: &[OsString], lang: Lang) -> u8 {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let out = Output::new(false, lang);
        out.line(rendered(error, lang).trim_end());
        return out.finish(ExitCode::Done.number());
    }
    let out = Output::new(arguments.iter().any(|a| a == "--json"), lang);
    let message = unknown_argument(error).or_else(|| match lang {
        Lang::En => None,
        Lang::Zh => parse_error::in_chinese(error).map(Message::from),
    });
    match (message, out.is_json()) {
        (Some(message), _) => {
            CommandError::Usage(message).report(&out);
        }
        (None, true) => {
            CommandError::usage(error.render().to_string()).report(&out);
        }
        (None, false) => out.note(rendered(error, lang).trim_end()),
    }
    out.finish(ExitCode::Usage.number())
}

/// The help, or the text of an error, with the styles of a terminal.
fn rendered(error: &clap::Error, lang: Lang) -> String {
    let text = error.render().ansi().to_string();
    match lang {
        Lang::En => text,
        Lang::Zh => help::translate_usage(&text),
    }
}

/// The message for an unknown argument that clap must not repeat, because it may be a token.
fn unknown_argument(error: &clap::Error) -> Option<Message> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    if argument.starts_with('-') {
        return options::secret_flag_advice(argument);
    }
    Some(Message::new(
        "unexpected argument: there is one too many. See --help",
        "多余的参数：请参见 --help",
    ))
}
