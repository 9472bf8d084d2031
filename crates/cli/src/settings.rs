//! The settings of a run: flags, environment and config file, all made from the library's table of options.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use wxlink::{Lang, MAX_TOKEN_BYTES, OPTIONS, OptionEntry, Options};

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::{input, interrupt};

/// Options that are secret all through. They have no flag: arguments are seen by everybody on the machine.
const SECRETS: [&str; 2] = ["access_token", "component_appsecret"];
/// The sources of tokens, and what belongs to each.
const SOURCES: [&[&str]; 3] = [
    &["access_token"],
    &["token_command"],
    &["component_appid", "component_appsecret"],
];

/// What a run was told, checked.
pub(crate) struct Settings {
    /// One for each option that is set.
    set: Vec<Setting>,
    options: Options,
    lang: Lang,
    warnings: Vec<String>,
}

/// An option that is set.
pub(crate) struct Setting {
    pub key: &'static str,
    /// As it was set: perhaps a secret.
    value: String,
    pub source: Source,
}

/// Who set it; the later one counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    File(PathBuf),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => path.display().fmt(f),
            Source::Environment(name) | Source::Flag(name) => f.write_str(name),
        }
    }
}

impl Source {
    const fn rank(&self) -> u8 {
        match self {
            Source::File(_) => 0,
            Source::Environment(_) => 1,
            Source::Flag(_) => 2,
        }
    }
}

impl Setting {
    /// The value, without what is secret in it.
    pub fn shown(&self) -> String {
        match SECRETS.contains(&self.key) {
            true => "set".to_owned(),
            false => without_login(self.key, &self.value),
        }
    }

    fn is_secret(&self) -> bool {
        SECRETS.contains(&self.key) || login_of(self.key, &self.value).is_some()
    }
}

/// Every option's key.
pub(crate) fn option_keys() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|entry| entry.key)
}

/// The arguments that every subcommand takes.
pub(crate) fn arguments() -> Vec<Arg> {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Answer in lines of JSON, failures too");
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!(
            "The config file [env: {}] [default: wxlink/config.toml in $XDG_CONFIG_HOME or ~/.config, if it is there]",
            config::VARIABLE
        ));
    let token_file = Arg::new("token-file")
        .long("token-file")
        .value_name("PATH")
        .value_parser(value_parser!(PathBuf))
        .help(format!(
            "Read the access token from a file, or from stdin if PATH is - [env: {}, the token itself]",
            variable_of("access_token")
        ));
    let own = [json, config, token_file].map(|arg| arg.global(true).help_heading("Common options"));
    let options = OPTIONS.iter().filter(|entry| !SECRETS.contains(&entry.key));
    own.into_iter().chain(options.map(argument)).collect()
}

fn argument(entry: &'static OptionEntry) -> Arg {
    let default = match entry.default {
        "" => String::new(),
        text => format!(" [default: {text}]"),
    };
    let name = variable_of(entry.key);
    let (doc, takes) = (entry.doc.en, entry.takes.en);
    Arg::new(entry.key)
        .long(entry.key.replace('_', "-"))
        .value_name("VALUE")
        .help(doc)
        .long_help(format!("{doc}{default} [env: {name}]\nTakes {takes}."))
        .help_heading("Options of the library")
        .hide_short_help(true)
        .global(true)
}

fn flag_of(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn variable_of(key: &str) -> String {
    format!("WXLINK_{}", key.to_uppercase())
}

/// If the flag would be that of a secret: where to put it instead.
pub(crate) fn secret_of_flag(flag: &str) -> Option<String> {
    let key = SECRETS.into_iter().find(|key| flag_of(key) == flag)?;
    let file = match key {
        "access_token" => ", into a file for --token-file",
        _ => "",
    };
    Some(format!(
        "{flag} is no flag, since everybody on the machine could read the secret: put it into {}{file}, or into the \
         config file as {key}",
        variable_of(key)
    ))
}

/// A variable of the environment; none if it is empty.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var_os(name).map(|value| value.into_string()) {
        None => Ok(None),
        Some(Ok(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(Err(_)) => Err(Failure::Usage(format!("{name} is not UTF-8"))),
    }
}

/// The part of a value that logs in somewhere, if the option may have one and it holds a password.
fn login_of<'a>(key: &str, value: &'a str) -> Option<&'a str> {
    let entry = OPTIONS.iter().find(|entry| entry.key == key)?;
    if !entry.takes.en.contains("PASSWORD") || value.starts_with("file:") {
        return None;
    }
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let (login, _) = rest.rsplit_once('@')?;
    login.contains(':').then_some(login)
}

/// Whether a URL holds a password.
pub(crate) fn holds_login(url: &str) -> bool {
    login_of("store", url).is_some()
}

/// A value of that option without a password and whose it is.
pub(crate) fn without_login(key: &str, value: &str) -> String {
    match login_of(key, value) {
        Some(login) => value.replace(login, "…"),
        None => value.to_owned(),
    }
}

impl Settings {
    /// Reads flags, environment and config file, and checks them.
    pub fn read(matches: &ArgMatches) -> Result<Settings, Failure> {
        let config = Config::read(matches)?;
        let mut set = Vec::new();
        for key in option_keys() {
            let setting = match from_flag(key, matches)? {
                Some(setting) => Some(setting),
                None => from_environment(key)?.or_else(|| from_file(key, config.as_ref())),
            };
            set.extend(setting);
        }
        keep_first_source(&mut set);
        let warnings = warnings(&set, config.as_ref());
        // The language first: what is wrong with the others is told in it.
        let mut options = Options::new();
        let (langs, others): (Vec<_>, Vec<_>) = set.iter().partition(|s| s.key == "lang");
        for setting in langs.into_iter().chain(others) {
            let done = options.set(setting.key, &setting.value);
            done.map_err(|e| Failure::Usage(format!("{}: {e}", setting.source)))?;
        }
        let lang = set.iter().find(|s| s.key == "lang");
        let lang = lang.and_then(|s| Lang::from_code(&s.value));
        Ok(Settings {
            lang: lang.unwrap_or_default(),
            set,
            options,
            warnings,
        })
    }

    /// What the library takes.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The language people are spoken to in.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// What people should know before anything is done.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The options that are set.
    pub fn set(&self) -> &[Setting] {
        &self.set
    }

    /// The value of an option without what is secret in it, its default if it is not set.
    pub fn shown(&self, key: &str) -> String {
        let set = self.set.iter().find(|s| s.key == key);
        let default = || OPTIONS.iter().find(|e| e.key == key).map(|e| e.default);
        set.map(Setting::shown)
            .or_else(|| default().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The setting of the source that tokens come from, if one is named.
    pub fn token_source(&self) -> Option<&Setting> {
        let names = |s: &&Setting| SOURCES.iter().any(|source| source.contains(&s.key));
        self.set.iter().find(names)
    }

    /// Whether a source of tokens is named.
    pub fn names_tokens(&self) -> bool {
        self.token_source().is_some()
    }

    /// What to do where none is.
    pub fn no_tokens(&self) -> &'static str {
        wxlink::Text {
            en: "there is no access token: name a file with --token-file, or set WXLINK_ACCESS_TOKEN, token_command or \
                 component_appid",
            zh: "没有 access_token：请用 --token-file 指定文件，或设置 WXLINK_ACCESS_TOKEN、token_command 或 \
                 component_appid",
        }
        .get(self.lang)
    }
}

fn from_flag(key: &'static str, matches: &ArgMatches) -> Result<Option<Setting>, Failure> {
    let flagged = |value, flag: String| Setting {
        key,
        value,
        source: Source::Flag(flag),
    };
    if key == "access_token" {
        let path = matches.get_one::<PathBuf>("token-file");
        return path
            .map(|path| Ok(flagged(token_in(path)?, "--token-file".into())))
            .transpose();
    }
    if SECRETS.contains(&key) {
        return Ok(None);
    }
    let Some(value) = matches.get_one::<String>(key) else {
        return Ok(None);
    };
    let flag = flag_of(key);
    match login_of(key, value) {
        None => Ok(Some(flagged(value.clone(), flag))),
        Some(_) => Err(Failure::Usage(format!(
            "{flag} with a password could be read by everybody on the machine: put it into {}, or into the config \
             file as {key}",
            variable_of(key)
        ))),
    }
}

fn from_environment(key: &'static str) -> Result<Option<Setting>, Failure> {
    let name = variable_of(key);
    Ok(variable(&name)?.map(|value| Setting {
        key,
        value,
        source: Source::Environment(name),
    }))
}

fn from_file(key: &'static str, config: Option<&Config>) -> Option<Setting> {
    let config = config?;
    let (_, value) = config.values.iter().find(|(k, _)| *k == key)?;
    Some(Setting {
        key,
        value: value.clone(),
        source: Source::File(config.path.clone()),
    })
}

/// A source of tokens that is named takes the place of those named with less weight.
fn keep_first_source(set: &mut Vec<Setting>) {
    let rank = |set: &[Setting], keys: &[&str]| {
        let of_it = set.iter().filter(|s| keys.contains(&s.key));
        of_it.map(|s| s.source.rank()).max()
    };
    let first = SOURCES.iter().filter_map(|keys| rank(set, keys)).max();
    for keys in SOURCES {
        if rank(set, keys) < first {
            set.retain(|s| !keys.contains(&s.key));
        }
    }
}

fn warnings(set: &[Setting], config: Option<&Config>) -> Vec<String> {
    let in_file = |s: &&Setting| matches!(s.source, Source::File(_)) && s.is_secret();
    let secret = set.iter().find(in_file);
    let open = config.filter(|config| config.is_open());
    let told = |(secret, config): (&Setting, &Config)| {
        let path = config.path.display();
        format!(
            "warning: {path} holds {}, and others may read it: chmod 600 {path}",
            secret.key
        )
    };
    secret.zip(open).map(told).into_iter().collect()
}

/// The access token a file holds.
fn token_in(path: &Path) -> Result<String, Failure> {
    secret_in(path, |why| {
        format!("--token-file {}: {why}", path.display())
    })
}

/// The secret on stdin.
pub(crate) fn secret_of_stdin() -> Result<String, Failure> {
    secret_in(Path::new("-"), |why| format!("the secret on stdin {why}"))
}

/// The secret a file holds, without the line end after it; `-` is stdin. `wrong` makes the message of a reason why
/// there is none.
fn secret_in(path: &Path, wrong: impl FnOnce(String) -> String) -> Result<String, Failure> {
    read_secret(path).map_err(|why| match interrupt::has_come() {
        true => Failure::Interrupted,
        false => Failure::Usage(wrong(why)),
    })
}

fn read_secret(path: &Path) -> Result<String, String> {
    let limit = MAX_TOKEN_BYTES as u64 + 3;
    let mut bytes = Vec::new();
    let source = match path.as_os_str() == "-" {
        true => input::stdin(),
        false => input::open(path),
    };
    let read = source.and_then(|source| source.take(limit).read_to_end(&mut bytes));
    read.map_err(|e| format!("cannot be read: {e}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let token = line.strip_suffix('\r').unwrap_or(line);
    if token.is_empty() {
        return Err("is empty".into());
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(format!(
            "is longer than {MAX_TOKEN_BYTES} bytes; no token is"
        ));
    }
    Ok(token.to_owned())
}
