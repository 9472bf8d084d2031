//! Why a subcommand did not come to its end, told to people on stderr and to programs on stdout.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::{Value, json};
use wxlink::{Delivery, Error, Status};
use wxlink_bulk::{BulkError, Verdict};

use crate::output::Output;
use crate::{interrupt, report, settings};

/// Why.
pub(crate) enum Failure {
    /// The command was called the wrong way; what to do about it.
    Usage(String),
    /// A call failed, or could not be made.
    Call(Error),
    /// A job cannot begin, or go on.
    Bulk(BulkError),
    /// A signal came while the command waited for input: nothing was sent.
    Interrupted,
}

impl From<BulkError> for Failure {
    fn from(error: BulkError) -> Failure {
        Failure::Bulk(error)
    }
}

impl From<wxlink::OptionError> for Failure {
    fn from(error: wxlink::OptionError) -> Failure {
        Failure::Call(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Call(error)
    }
}

impl Failure {
    /// Says it, and what it comes to.
    pub fn tell(&self, out: &Output) -> Verdict {
        match self {
            Failure::Usage(message) => {
                out.result(&usage(message), || out.complain(message));
                Verdict::Usage
            }
            Failure::Call(error) => {
                out.result(&report::error(error), || out.complain(error));
                Verdict::of_error(error)
            }
            Failure::Bulk(error) => {
                let verdict = error.verdict();
                out.result(&bulk(error), || out.complain(error));
                verdict
            }
            Failure::Interrupted => {
                let message = "interrupted while it waited for input; nothing was done";
                out.result(&failed(Status::Cancelled, message), || {
                    out.complain(message)
                });
                Verdict::Interrupted
            }
        }
    }
}

fn bulk(error: &BulkError) -> Value {
    json!({"message": error.to_string(), "exit_code": interrupt::exit_code(error.verdict())})
}

fn usage(message: &str) -> Value {
    failed(Status::BadValue, message)
}

/// A failure before anything was sent.
fn failed(status: Status, message: &str) -> Value {
    json!({
        "status": status.name(),
        "class": null,
        "errcode": status.code(),
        "errmsg": "",
        "rid": "",
        "delivery": Delivery::NeverSent.as_str(),
        "message": message,
    })
}

/// Shows help and the version where they were asked for, else what is wrong with the arguments. Returns the exit
/// code.
pub(crate) fn of_arguments(told: &clap::Error, arguments: &[OsString]) -> u8 {
    if matches!(
        told.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let out = Output::new(false);
        out.line(told.render().ansi().to_string().trim_end());
        return out.finish(Verdict::Done.code());
    }
    let out = Output::new(arguments.iter().any(|a| a == "--json"));
    let advice = match told.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) if told.kind() == ErrorKind::UnknownArgument => {
            // It is not repeated: somebody may have put a token there.
            let too_many = || "there is an argument too many; see --help".to_owned();
            settings::secret_of_flag(flag).or_else(|| (!flag.starts_with('-')).then(too_many))
        }
        _ => None,
    };
    match advice {
        Some(advice) => Failure::Usage(advice).tell(&out),
        None if out.is_json() => Failure::Usage(told.render().to_string()).tell(&out),
        None => {
            out.note(told.render().ansi().to_string().trim_end());
            Verdict::Usage
        }
    };
    out.finish(Verdict::Usage.code())
}
