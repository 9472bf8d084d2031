//! Errors of the command line in Chinese. clap has its own texts in English only.

use std::error::Error as _;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use wxlink::Lang;

use crate::help::translate_usage;
use crate::message::InvalidValue;

/// What clap calls the usage.
const USAGE: &str = "Usage: ";

/// The error in Chinese, with the usage; `None` if it is the help.
pub(crate) fn in_chinese(error: &Error) -> Option<String> {
    let problem = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => return None,
        _ => problem(error),
    };
    let mut text = problem;
    for kind in [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ] {
        let suggested = texts(error, kind);
        if !suggested.is_empty() {
            text += &format!("。是否想写{}？", quoted(&suggested));
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        let usage = usage.trim().trim_start_matches(USAGE);
        text += &format!("\n\n用法：{}\n", translate_usage(usage));
    }
    Some(text + "\n详情请参见 --help")
}

fn problem(error: &Error) -> String {
    let argument = quoted(&texts(error, ContextKind::InvalidArg));
    let value = texts(error, ContextKind::InvalidValue).concat();
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if value.is_empty() => {
            format!("参数{argument}缺少值{}", possible_values(error))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let (reason, possible) = (reason(error), possible_values(error));
            format!("参数{argument}的值“{value}”无效{reason}{possible}")
        }
        ErrorKind::UnknownArgument => format!("未知参数{argument}"),
        ErrorKind::InvalidSubcommand => {
            let name = quoted(&texts(error, ContextKind::InvalidSubcommand));
            format!("未知子命令{name}")
        }
        ErrorKind::MissingSubcommand => {
            let command = quoted(&texts(error, ContextKind::InvalidSubcommand));
            let names = texts(error, ContextKind::ValidSubcommand).join("、");
            format!("{command}缺少子命令 [可选值：{names}]")
        }
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{argument}"),
        ErrorKind::ArgumentConflict => {
            let others = quoted(&texts(error, ContextKind::PriorArg));
            let subcommand = quoted(&texts(error, ContextKind::InvalidSubcommand));
            if argument == others {
                format!("参数{argument}只能指定一次")
            } else if argument.is_empty() {
                format!("子命令{subcommand}不能与参数{others}同时使用")
            } else {
                format!("参数{argument}不能与{others}同时使用")
            }
        }
        ErrorKind::InvalidUtf8 => "参数无效：不是 UTF-8 编码".to_owned(),
        _ => format!("参数{argument}的用法有误"),
    }
}

/// Why a value is invalid, if a parser of the command found it. clap's own reasons are English.
fn reason(error: &Error) -> String {
    let source = error.source();
    let reason = source.and_then(|source| source.downcast_ref::<InvalidValue>());
    reason.map_or_else(String::new, |reason| {
        format!("：{}", reason.0.get(Lang::Zh))
    })
}

fn possible_values(error: &Error) -> String {
    let values = texts(error, ContextKind::ValidValue);
    if values.is_empty() {
        String::new()
    } else {
        format!(" [可选值：{}]", values.join("、"))
    }
}

fn texts(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("“{text}”")).collect();
    texts.join("、")
}
