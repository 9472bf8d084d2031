//! Environment variables.

use crate::error::CommandError;
use crate::message::Message;

/// The value of an environment variable; `None` if it is unset or empty.
pub(crate) fn variable(name: &str) -> Result<Option<String>, CommandError> {
    match std::env::var_os(name).map(|value| value.into_string()) {
        None => Ok(None),
        Some(Ok(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(Err(_)) => Err(CommandError::Usage(Message::new(
            format!("invalid environment variable {name}: it is not UTF-8"),
            format!("环境变量 {name} 无效：不是 UTF-8 编码"),
        ))),
    }
}
