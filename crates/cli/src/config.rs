//! The config file: TOML whose keys are the keys of the library's options.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use wxlink::Lang;

use crate::environment::variable;
use crate::error::CommandError;
use crate::folders;
use crate::message::Message;
use crate::options;

/// The contents of a config file.
pub(crate) struct Config {
    pub path: PathBuf,
    /// The options that the file sets.
    pub values: Vec<ConfigValue>,
}

/// One option in the file.
pub(crate) struct ConfigValue {
    pub key: &'static str,
    pub text: String,
}

impl Config {
    /// Reads the file that the flag `--config` or `WXLINK_CONFIG` names, else the user's own if it
    /// exists.
    pub fn read(flag: Option<&Path>) -> Result<Option<Config>, CommandError> {
        let named = match flag {
            Some(path) => Some(path.to_owned()),
            None => variable(options::CONFIG_VARIABLE)?.map(PathBuf::from),
        };
        let path = match (named, default_path()) {
            (Some(path), _) => path,
            (None, Some(path)) if path.exists() => path,
            _ => return Ok(None),
        };
        let invalid = |why: Message| {
            let name = path.display();
            CommandError::Usage(Message::new(
                format!("config file {name}: {}", why.get(Lang::En)),
                format!("配置文件 {name}：{}", why.get(Lang::Zh)),
            ))
        };
        let text = fs::read_to_string(&path).map_err(|error| {
            invalid(Message::from(error).after("could not be read", "无法读取"))
        })?;
        let values = parse(&text).map_err(invalid)?;
        Ok(Some(Config { path, values }))
    }

    /// The value of an option, if the file sets it.
    pub fn get(&self, key: &str) -> Option<&str> {
        let value = self.values.iter().find(|value| value.key == key)?;
        Some(&value.text)
    }

    /// Whether users other than the owner may read the file.
    pub fn is_readable_by_others(&self) -> bool {
        has_mode_bits(&self.path, 0o044)
    }

    /// Whether other users may change the file: by its mode, or because it is theirs. Root may
    /// change every file.
    pub fn is_writable_by_others(&self) -> bool {
        has_mode_bits(&self.path, 0o022) || is_of_another_user(&self.path)
    }
}

#[cfg(unix)]
fn is_of_another_user(path: &Path) -> bool {
    let owner = path
        .metadata()
        .map(|m| std::os::unix::fs::MetadataExt::uid(&m));
    owner.is_ok_and(|uid| uid != 0 && uid != rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn is_of_another_user(_: &Path) -> bool {
    false
}

/// The path of the user's own config file, which need not exist.
fn default_path() -> Option<PathBuf> {
    Some(folders::CONFIG.path()?.join("config.toml"))
}

fn parse(text: &str) -> Result<Vec<ConfigValue>, Message> {
    // TOML's own message quotes the line, which may hold a secret.
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| 1 + before.matches('\n').count());
        Message::new(
            format!("line {line} is not TOML. Write KEY = \"VALUE\" or KEY = NUMBER"),
            format!("第 {line} 行不是有效的 TOML。请写成 KEY = \"VALUE\" 或 KEY = NUMBER"),
        )
    })?;
    let values = table
        .into_iter()
        .map(|(key, value)| parse_value(&key, value));
    values.collect()
}

fn parse_value(key: &str, value: Value) -> Result<ConfigValue, Message> {
    let known = options::keys().find(|known| *known == key);
    let known = known.ok_or_else(|| match wxlink::nearest_option(key) {
        Some(nearest) => Message::new(
            format!("unknown option {key}; do you mean {nearest}?"),
            format!("未知选项 {key}；是否想写 {nearest}？"),
        ),
        None => {
            let keys = options::keys().collect::<Vec<_>>().join(", ");
            Message::new(
                format!("unknown option {key}; expected one of {keys}"),
                format!("未知选项 {key}；可用的选项有 {keys}"),
            )
        }
    })?;
    let text = match value {
        Value::String(text) => text,
        Value::Integer(number) => number.to_string(),
        _ => {
            return Err(Message::new(
                format!("invalid {key}: expected a text or a whole number"),
                format!("{key} 无效：应为文本或整数"),
            ));
        }
    };
    Ok(ConfigValue { key: known, text })
}

#[cfg(unix)]
fn has_mode_bits(path: &Path, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & bits != 0)
}

#[cfg(not(unix))]
fn has_mode_bits(_path: &Path, _bits: u32) -> bool {
    false
}
