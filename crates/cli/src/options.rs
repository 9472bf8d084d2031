//! How the library's options appear in the command: the flag, environment variable and config key
//! of each, and which of them hold secrets. All of it is derived from the library's option table.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};
use wxlink::{Lang, OPTIONS, OptionEntry, TokenSource};

use crate::message::Message;

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
pub(crate) fn global_arguments() -> Vec<Arg> {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print results and errors as lines of JSON");
    let verbose = Arg::new("verbose")
        .long("verbose")
        .action(ArgAction::SetTrue)
        .help("Log each attempt on stderr: endpoint, host, outcome and milliseconds");
    let log_format = Arg::new("log-format")
        .long("log-format")
        .value_name("text|json")
        .value_parser(["text", "json"])
        .hide_possible_values(true)
        .help("How stderr is written: as text, or as a line of JSON for each message");
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!(
            "The config file [env: {CONFIG_VARIABLE}] [default: wxlink/config.toml in \
             $XDG_CONFIG_HOME or ~/.config, if it exists]"
        ));
    let token_file = Arg::new("token-file")
        .long("token-file")
        .value_name("PATH")
        .value_parser(value_parser!(PathBuf))
        .help(format!(
            "Read the access token from a file, or from stdin if PATH is - [env: {}, the token \
             itself]",
            variable_name("access_token")
        ));
    let common = [json, verbose, log_format, config, token_file];
    let common = common.map(|arg| arg.global(true).help_heading("Common options"));
    let options = OPTIONS.iter().filter(|entry| !entry.is_secret());
    common.into_iter().chain(options.map(argument)).collect()
}

fn argument(entry: &'static OptionEntry) -> Arg {
    let default = match entry.default {
        "" => String::new(),
        text => format!(" [default: {text}]"),
    };
    let variable = variable_name(entry.key);
    let (doc, takes) = (entry.doc.en, entry.takes.en);
    Arg::new(entry.key)
        .long(entry.key.replace('_', "-"))
        .value_name("VALUE")
        .help(doc)
        .long_help(format!("{doc}{default} [env: {variable}]\nTakes {takes}."))
        .help_heading("Options of the library")
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

/// The language that the raw arguments or else the environment ask for; used when the arguments
/// cannot be parsed.
pub(crate) fn lang_of(arguments: &[OsString]) -> Lang {
    let flag = flag_name("lang");
    let mut words = arguments.iter().filter_map(|a| a.to_str());
    let mut chosen = None;
    while let Some(word) = words.next() {
        match word.strip_prefix(&flag) {
            Some("") => chosen = words.next().map(str::to_owned),
            Some(rest) => chosen = rest.strip_prefix('=').map(str::to_owned).or(chosen),
            None => {}
        }
    }
    let chosen = chosen.or_else(|| std::env::var(variable_name("lang")).ok());
    chosen
        .and_then(|code| Lang::from_code(&code))
        .unwrap_or_default()
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
    fn the_last_language_flag_counts() {
        let lang = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            lang_of(&arguments)
        };
        assert_eq!(lang(&["wxlink", "list", "--lang", "zh"]), Lang::Zh);
        assert_eq!(lang(&["wxlink", "--lang=zh", "list"]), Lang::Zh);
        assert_eq!(lang(&["wxlink", "--lang=zh", "--lang", "en"]), Lang::En);
        assert_eq!(lang(&["wxlink", "--lang=zh", "--language"]), Lang::Zh);
        assert_eq!(lang(&["wxlink", "--lang"]), Lang::En);
    }
}
