//! How the library's options appear in the command: the flag, environment variable and config key
//! of each, and which of them hold secrets. All of it is derived from the library's option table.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};
use wxlink::{Lang, OPTIONS, OptionEntry, TokenSource};

use crate::folders;
use crate::message::{Message, text};

/// The environment variable that names the config file.
pub(crate) const CONFIG_VARIABLE: &str = "WXLINK_CONFIG";

/// The keys of all options.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|entry| entry.key)
}

fn entry(key: &str) -> Option<&'static OptionEntry> {
    OPTIONS.iter().find(|entry| entry.key == key)
}

/// Whether the whole value of this option is secret. Such an option has no flag, because other
/// users of the machine can read arguments.
pub(crate) fn is_secret(key: &str) -> bool {
    entry(key).is_some_and(OptionEntry::is_secret)
}

/// The source of access tokens that this option belongs to.
pub(crate) fn token_source(key: &str) -> Option<TokenSource> {
    entry(key)?.token_source()
}

pub(crate) fn flag_name(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

pub(crate) fn variable_name(key: &str) -> String {
    format!("WXLINK_{}", key.to_uppercase())
}

/// The arguments that every subcommand takes.
pub(crate) fn global_arguments(lang: Lang) -> Vec<Arg> {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help(text(
            lang,
            "Print results and errors as lines of JSON",
            "以 JSON 行输出结果和错误",
        ));
    let verbose = Arg::new("verbose")
        .long("verbose")
        .action(ArgAction::SetTrue)
        .help(text(
            lang,
            "Log each attempt on stderr: endpoint, host, outcome and milliseconds",
            "在标准错误输出中记录每次尝试：接口、主机、结果和毫秒数",
        ));
    let log_format = Arg::new("log-format")
        .long("log-format")
        .value_name("text|json")
        .value_parser(["text", "json"])
        .hide_possible_values(true)
        .help(text(
            lang,
            "How stderr is written: as text, or as a line of JSON for each message",
            "标准错误输出的格式：文本，或每条消息一行 JSON",
        ));
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(match lang {
            Lang::En => format!(
                "The config file [env: {CONFIG_VARIABLE}] [default: wxlink/config.toml in \
                 $XDG_CONFIG_HOME or {}, if it exists]",
                folders::CONFIG.shown()
            ),
            Lang::Zh => format!(
                "配置文件 [环境变量：{CONFIG_VARIABLE}] [默认：$XDG_CONFIG_HOME 或 {} 中的 \
                 wxlink/config.toml（若存在）]",
                folders::CONFIG.shown()
            ),
        });
    let token = variable_name("access_token");
    let token_file = Arg::new("token-file")
        .long("token-file")
        .value_name("PATH")
        .value_parser(value_parser!(PathBuf))
        .help(match lang {
            Lang::En => format!(
                "Read the access token from a file, or from stdin if PATH is - [env: {token}, the \
                 token itself]"
            ),
            Lang::Zh => format!(
                "从文件读取 access_token；PATH 为 - 时从标准输入读取 [环境变量：{token}，即令牌本身]"
            ),
        });
    let common = [json, verbose, log_format, config, token_file];
    let heading = text(lang, "Common options", "通用选项");
    let common = common.map(|arg| arg.global(true).help_heading(heading));
    let options = OPTIONS.iter().filter(|entry| !entry.is_secret());
    let options = options.map(|entry| argument(entry, lang));
    common.into_iter().chain(options).collect()
}

fn argument(entry: &'static OptionEntry, lang: Lang) -> Arg {
    let default = match (entry.default, lang) {
        ("", _) => String::new(),
        (text, Lang::En) => format!(" [default: {text}]"),
        (text, Lang::Zh) => format!(" [默认：{text}]"),
    };
    let variable = variable_name(entry.key);
    let (doc, takes) = (entry.doc.get(lang), entry.takes.get(lang));
    let long = match lang {
        Lang::En => format!("{doc}{default} [env: {variable}]\nTakes {takes}."),
        Lang::Zh => format!("{doc}{default} [环境变量：{variable}]\n取值：{takes}。"),
    };
    Arg::new(entry.key)
        .long(entry.key.replace('_', "-"))
        .value_name("VALUE")
        .help(doc)
        .long_help(long)
        .help_heading(text(lang, "Options of the library", "库的选项"))
        .hide_short_help(true)
        .global(true)
}

/// If `flag` would be the flag of a secret option: where to put the secret instead.
pub(crate) fn secret_flag_advice(flag: &str) -> Option<Message> {
    let key = keys().find(|key| is_secret(key) && flag_name(key) == flag)?;
    let (file_en, file_zh) = match key {
        "access_token" => (
            ", into a file for --token-file",
            "、--token-file 指定的文件",
        ),
        _ => ("", ""),
    };
    let variable = variable_name(key);
    Some(Message::new(
        format!(
            "unknown flag {flag}: other users of this machine can read arguments. Put the \
             secret into {variable}{file_en}, or into the config file as {key}"
        ),
        format!(
            "没有参数 {flag}：本机其他用户可以看到命令行参数。请将密钥放入环境变量 {variable}{file_zh}，\
             或配置文件的 {key}"
        ),
    ))
}

/// The value of a flag in raw arguments, the last if it is there several times; used when the
/// arguments cannot be parsed.
pub(crate) fn raw_value(arguments: &[OsString], flag: &str) -> Option<String> {
    let mut words = arguments.iter().filter_map(|a| a.to_str());
    let mut value = None;
    while let Some(word) = words.next() {
        match word.strip_prefix(flag) {
            Some("") => value = words.next().map(str::to_owned),
            Some(rest) => value = rest.strip_prefix('=').map(str::to_owned).or(value),
            None => {}
        }
    }
    value
}

/// The `USER:PASSWORD` part of a value, if the option may have one and there is a password in it.
fn credentials_in<'a>(key: &str, value: &'a str) -> Option<&'a str> {
    // The path of a store may contain the characters `:` and `@`.
    if !entry(key)?.may_have_password() || value.starts_with("file:") {
        return None;
    }
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let (credentials, _) = rest.rsplit_once('@')?;
    credentials.contains(':').then_some(credentials)
}

/// Whether the value of this option contains a password.
pub(crate) fn contains_password(key: &str, value: &str) -> bool {
    credentials_in(key, value).is_some()
}

/// The value of this option without user and password.
pub(crate) fn redact(key: &str, value: &str) -> String {
    match credentials_in(key, value) {
        Some(credentials) => value.replace(credentials, "…"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_flag_counts() {
        let lang = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            raw_value(&arguments, "--lang").unwrap_or_default()
        };
        assert_eq!(lang(&["wxlink", "list", "--lang", "zh"]), "zh");
        assert_eq!(lang(&["wxlink", "--lang=zh", "list"]), "zh");
        assert_eq!(lang(&["wxlink", "--lang=zh", "--lang", "en"]), "en");
        assert_eq!(lang(&["wxlink", "--lang=zh", "--language"]), "zh");
        assert_eq!(lang(&["wxlink", "--lang"]), "");
    }
}
