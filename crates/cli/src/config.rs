//! The config file: options by their keys, in TOML.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use toml::{Table, Value};

use crate::failure::Failure;
use crate::settings::{option_keys, variable};

/// A config file that was read.
pub(crate) struct Config {
    pub path: PathBuf,
    /// Keys of options, and values as text.
    pub values: Vec<(&'static str, String)>,
}

/// The variable that names it.
pub(crate) const VARIABLE: &str = "WXLINK_CONFIG";

impl Config {
    /// Reads the file that is named, or the user's if there is one.
    pub fn read(matches: &ArgMatches) -> Result<Option<Config>, Failure> {
        let named = match matches.get_one::<PathBuf>("config") {
            Some(path) => Some(path.clone()),
            None => variable(VARIABLE)?.map(PathBuf::from),
        };
        let path = match (named, users()) {
            (Some(path), _) => path,
            (None, Some(path)) if path.exists() => path,
            _ => return Ok(None),
        };
        let told = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|e| told(format!("cannot be read: {e}")))?;
        let values = parse(&text).map_err(told)?;
        Ok(Some(Config { path, values }))
    }

    /// Whether others than its owner may read it.
    pub fn is_open(&self) -> bool {
        may_be_read_by_others(&self.path)
    }
}

/// The user's own, whether it is there or not.
fn users() -> Option<PathBuf> {
    let folder = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let home = || Some(folder("HOME")?.join(".config"));
    Some(
        folder("XDG_CONFIG_HOME")
            .or_else(home)?
            .join("wxlink/config.toml"),
    )
}

fn parse(text: &str) -> Result<Vec<(&'static str, String)>, String> {
    // What TOML's errors show of the file might be a secret.
    let table: Table = text.parse().map_err(|e: toml::de::Error| {
        let before = e.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| 1 + before.matches('\n').count());
        format!("line {line} is not TOML: KEY = \"VALUE\", or KEY = NUMBER")
    })?;
    table
        .into_iter()
        .map(|(key, value)| {
            let known = option_keys().find(|k| *k == key).ok_or_else(|| {
                let nearest = nearest(&key);
                format!("there is no option {key}; do you mean {nearest}?")
            })?;
            let value = match value {
                Value::String(text) => text,
                Value::Integer(number) => number.to_string(),
                _ => return Err(format!("{key} takes a text or a whole number")),
            };
            Ok((known, value))
        })
        .collect()
}

fn nearest(key: &str) -> &'static str {
    let likeness = |known: &&'static str| strsim::jaro_winkler(key, known);
    let best = option_keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.unwrap_or_default()
}

#[cfg(unix)]
fn may_be_read_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn may_be_read_by_others(_path: &Path) -> bool {
    false
}
