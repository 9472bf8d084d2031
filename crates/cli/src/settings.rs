//! The settings of a run: the library's options, each from a flag, else the environment, else the
//! config file.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use wxlink::{Lang, OPTIONS, Options, Text, TokenSource};

use crate::config::Config;
use crate::environment::variable;
use crate::error::CommandError;
use crate::locale;
use crate::message::Message;
use crate::options;
use crate::secret;

/// The flag that names the file with the access token.
const TOKEN_FILE: &str = "--token-file";
/// What a terminal asks for.
const ACCESS_TOKEN: Text = Text {
    en: "access token",
    zh: "access_token",
};

/// The checked settings of a run.
pub(crate) struct Settings {
    /// The options that are set, in the order of the library's table.
    set: Vec<Setting>,
    options: Options,
    warnings: Vec<Message>,
}

/// An option that is set.
pub(crate) struct Setting {
    pub key: &'static str,
    /// The value as it was set; may be a secret.
    value: String,
    pub source: Source,
}

/// Where an option is set, in ascending order of precedence.
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
    const fn precedence(&self) -> u8 {
        match self {
            Source::File(_) => 0,
            Source::Environment(_) => 1,
            Source::Flag(_) => 2,
        }
    }
}

impl Setting {
    /// The value without secrets; `None` if all of it is secret.
    pub fn redacted(&self) -> Option<String> {
        (!options::is_secret(self.key)).then(|| options::redact(self.key, &self.value))
    }

    /// The source of tokens that the option belongs to.
    fn token_source(&self) -> Option<TokenSource> {
        options::token_source(self.key)
    }

    fn holds_secret(&self) -> bool {
        options::is_secret(self.key) || options::contains_password(self.key, &self.value)
    }
}

/// The language of a run, for messages about the other settings. An invalid one is ignored here;
/// [`Settings::read`] refuses it.
pub(crate) fn language(matches: &ArgMatches, config: Option<&Config>) -> Lang {
    choose_language(matches.get_one::<String>("lang").cloned(), config)
}

/// The language of a run whose arguments could not be parsed.
pub(crate) fn language_of_raw(arguments: &[OsString]) -> Lang {
    let path = options::raw_value(arguments, "--config").map(PathBuf::from);
    // Without readable settings, the language of the environment is left.
    let config = Config::read(path.as_deref()).ok().flatten();
    let flag = options::raw_value(arguments, &options::flag_name("lang"));
    choose_language(flag, config.as_ref())
}

fn choose_language(flag: Option<String>, config: Option<&Config>) -> Lang {
    let variable = || variable(&options::variable_name("lang")).ok().flatten();
    let in_file = || config?.get("lang").map(str::to_owned);
    match flag.or_else(variable).or_else(in_file) {
        Some(code) => Lang::from_code(&code).unwrap_or_default(),
        None => locale::from_environment().map_or_else(Lang::default, |locale| locale.lang),
    }
}

impl Settings {
    /// Collects the settings from flags, environment and config file, and checks them.
    pub fn read(matches: &ArgMatches, config: Option<&Config>) -> Result<Settings, CommandError> {
        let mut set = Vec::new();
        let lang = language(matches, config);
        for key in options::keys() {
            let setting = match from_flag(key, matches, lang)? {
                Some(setting) => Some(setting),
                None => from_environment(key)?
                    .or_else(|| from_file(key, config))
                    .or_else(|| from_locale(key)),
            };
            set.extend(setting);
        }
        keep_strongest_token_source(&mut set);
        let warnings = warnings(&set, config);
        // The language comes first: the library's messages about the other options are in it.
        let mut options = Options::new();
        let (langs, others): (Vec<_>, Vec<_>) = set.iter().partition(|s| s.key == "lang");
        for setting in langs.into_iter().chain(others) {
            let result = options.set(setting.key, &setting.value);
            result.map_err(|e| CommandError::usage(format!("{}: {e}", setting.source)))?;
        }
        Ok(Settings {
            set,
            options,
            warnings,
        })
    }

    /// The library's options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What to warn of before the work starts.
    pub fn warnings(&self) -> &[Message] {
        &self.warnings
    }

    /// The options that are set.
    pub fn set(&self) -> &[Setting] {
        &self.set
    }

    /// The value of an option without secrets; its default if it is not set.
    pub fn redacted(&self, key: &str) -> String {
        let set = self.set.iter().find(|s| s.key == key);
        let default = || OPTIONS.iter().find(|e| e.key == key).map(|e| e.default);
        set.and_then(Setting::redacted)
            .or_else(|| default().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The setting that names the source of tokens, if there is one.
    pub fn token_source(&self) -> Option<&Setting> {
        self.set.iter().find(|s| s.token_source().is_some())
    }

    /// Whether there is a source of tokens.
    pub fn has_token_source(&self) -> bool {
        self.token_source().is_some()
    }

    /// The message for a run that has no source of tokens but needs one.
    pub fn no_token_source(&self) -> Text {
        Text {
            en: "no access token: none of its sources is set. Name a file with --token-file, or \
                 set WXLINK_ACCESS_TOKEN, token_command or component_appid",
            zh: "没有 access_token：未设置任何令牌来源。请用 --token-file 指定文件，或设置 \
                 WXLINK_ACCESS_TOKEN、token_command 或 component_appid",
        }
    }
}

fn from_flag(
    key: &'static str,
    matches: &ArgMatches,
    lang: Lang,
) -> Result<Option<Setting>, CommandError> {
    let setting = |value, flag: String| Setting {
        key,
        value,
        source: Source::Flag(flag),
    };
    if key == "access_token" {
        let path = matches.get_one::<PathBuf>("token-file");
        return path
            .map(|path| {
                Ok(setting(
                    secret::in_file(TOKEN_FILE, ACCESS_TOKEN.get(lang), path, lang)?,
                    TOKEN_FILE.into(),
                ))
            })
            .transpose();
    }
    if options::is_secret(key) {
        return Ok(None);
    }
    let Some(value) = matches.get_one::<String>(key) else {
        return Ok(None);
    };
    let flag = options::flag_name(key);
    if !options::contains_password(key, value) {
        return Ok(Some(setting(value.clone(), flag)));
    }
    let variable = options::variable_name(key);
    Err(CommandError::Usage(Message::new(
        format!(
            "{flag} must not contain a password: other users of this machine can read arguments. \
             Put the value into {variable}, or into the config file as {key}"
        ),
        format!(
            "{flag} 不得包含密码：本机其他用户可以看到命令行参数。请将该值放入环境变量 {variable}，\
             或配置文件的 {key}"
        ),
    )))
}

fn from_environment(key: &'static str) -> Result<Option<Setting>, CommandError> {
    let name = options::variable_name(key);
    Ok(variable(&name)?.map(|value| Setting {
        key,
        value,
        source: Source::Environment(name),
    }))
}

fn from_file(key: &'static str, config: Option<&Config>) -> Option<Setting> {
    let config = config?;
    Some(Setting {
        key,
        value: config.get(key)?.to_owned(),
        source: Source::File(config.path.clone()),
    })
}

/// The language of the locale, if it is not the default.
fn from_locale(key: &'static str) -> Option<Setting> {
    let locale = locale::from_environment().filter(|_| key == "lang")?;
    (locale.lang == Lang::Zh).then(|| Setting {
        key,
        value: "zh".to_owned(),
        source: Source::Environment(locale.variable.to_owned()),
    })
}

/// Removes every source of tokens but those that are set with the highest precedence.
fn keep_strongest_token_source(set: &mut Vec<Setting>) {
    let source_of = |s: &Setting| Some((s.token_source()?, s.source.precedence()));
    let sources: Vec<_> = set.iter().filter_map(source_of).collect();
    let Some(highest) = sources.iter().map(|(_, precedence)| *precedence).max() else {
        return;
    };
    let is_strongest = |source| sources.contains(&(source, highest));
    set.retain(|s| s.token_source().is_none_or(is_strongest));
}

fn warnings(set: &[Setting], config: Option<&Config>) -> Vec<Message> {
    let Some(config) = config else {
        return Vec::new();
    };
    let path = config.path.display();
    let mut warnings = Vec::new();
    let in_file = |s: &&Setting| matches!(s.source, Source::File(_)) && s.holds_secret();
    let secret = set.iter().find(in_file);
    if let Some(Setting { key, .. }) = secret.filter(|_| config.is_readable_by_others()) {
        warnings.push(Message::new(
            format!(
                "warning: other users can read {path}, which holds {key}. \
                 Run: chmod 600 {path}"
            ),
            format!("警告：{path} 含有 {key}，而其他用户可以读取该文件。请执行：chmod 600 {path}"),
        ));
    }
    if config.is_writable_by_others() {
        warnings.push(Message::new(
            format!(
                "warning: other users can change {path}, and could redirect calls or set a \
                 token_command that runs as you. Run: chmod 600 {path}"
            ),
            format!(
                "警告：其他用户可以修改 {path}，从而改变请求的去向，或设置以您的身份运行的 \
                 token_command。请执行：chmod 600 {path}"
            ),
        ));
    }
    warnings
}
