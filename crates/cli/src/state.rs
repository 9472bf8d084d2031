//! Where the command keeps what later runs need to know, if no store is set.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use crate::message::Message;

/// The store of a run that posts, if the option `store` is not set: a file in the user's folder for
/// state (`$XDG_STATE_HOME`, otherwise `~/.local/state`), which is created.
///
/// # Errors
/// A warning: without a folder, a later run does not know of this one's invitation.
pub(crate) fn default_store() -> Result<String, Message> {
    let folder = folder().ok_or_else(|| {
        forgetful(
            "neither XDG_STATE_HOME nor HOME names a folder",
            "XDG_STATE_HOME 与 HOME 均未指定目录",
        )
    })?;
    let failed = |e: &io::Error| {
        let shown = folder.display();
        forgetful(&format!("{shown}: {e}"), &format!("{shown}：{e}"))
    };
    create(&folder).map_err(|e| failed(&e))?;
    let path = folder.join("store");
    match path.to_str() {
        Some(path) => Ok(format!("file:{path}")),
        None => Err(failed(&io::ErrorKind::InvalidInput.into())),
    }
}

/// `$XDG_STATE_HOME/wxlink`. By the XDG specification a relative path is ignored.
fn folder() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("wxlink"))
}

/// Creates the folder; other users cannot read what is created.
fn create(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    #[cfg(unix)]
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?;
    Ok(())
}

fn forgetful(en: &str, zh: &str) -> Message {
    Message::new(
        format!(
            "warning: {en}. A later run will not know of an invitation that this one posts: set \
             XDG_STATE_HOME, or the option store"
        ),
        format!("警告：{zh}。之后的运行将不知道本次发出的邀请：请设置 XDG_STATE_HOME 或选项 store"),
    )
}
