//! Where the command keeps what later runs need to know, if no store is set.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use wxlink::Lang;

use crate::folders::{STATE, UserFolder};
use crate::message::Message;

/// The name of the default store in the command's folder.
const STORE: &str = "store";

/// The store of a run that posts, if the option `store` is not set: a file in the user's folder for
/// state, which is created.
///
/// # Errors
/// A warning: without a folder, a later run does not know of this one's invitation.
pub(crate) fn default_store() -> Result<String, Message> {
    let folder = folder().map_err(|why| forgetful(&why))?;
    let failed = |e: &io::Error| forgetful(&unusable(&folder, e));
    create(&folder).map_err(|e| failed(&e))?;
    match folder.join(STORE).to_str() {
        Some(path) => Ok(format!("file:{path}")),
        None => Err(failed(&io::ErrorKind::InvalidInput.into())),
    }
}

/// The file of the default store.
pub(crate) struct StoreFile {
    pub path: PathBuf,
    /// If not, the first run that posts creates it.
    pub exists: bool,
}

/// Finds the file of the default store and checks whether a run that posts can use or create it.
/// Changes nothing.
///
/// # Errors
/// Why such a run could not.
pub(crate) fn examine_default_store() -> Result<StoreFile, Message> {
    let folder = folder()?;
    let path = folder.join(STORE);
    let exists = |place: &Path| place.symlink_metadata().is_ok();
    // Folders that are missing are created in the nearest one that exists.
    let nearest = folder.ancestors().find(|place| exists(place));
    let nearest = nearest.unwrap_or(&folder);
    check_folder(nearest).map_err(|e| unusable(nearest, &e))?;
    let exists = exists(&path);
    if exists {
        check_file(&path).map_err(|e| unusable(&path, &e))?;
    }
    Ok(StoreFile { path, exists })
}

/// The command's folder for state.
fn folder() -> Result<PathBuf, Message> {
    STATE.path().ok_or_else(|| {
        let UserFolder { xdg, fallback, .. } = STATE;
        Message::new(
            format!("neither {xdg} nor {fallback} names a folder"),
            format!("{xdg} 与 {fallback} 均未指定目录"),
        )
    })
}

/// Creates the folder; other users cannot read what is created.
fn create(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    check_folder(folder)
}

/// Checks that files can be created in the folder.
fn check_folder(folder: &Path) -> io::Result<()> {
    if !folder.metadata()?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(folder, Access::WRITE_OK | Access::EXEC_OK)?;
    }
    Ok(())
}

/// Checks that the file can be read and written. The library refuses what is not a regular file.
fn check_file(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other(Message::new(
            "not a regular file",
            "不是普通文件",
        )));
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(path, Access::READ_OK | Access::WRITE_OK)?;
    }
    Ok(())
}

/// Why the default store cannot be used.
fn unusable(place: &Path, error: &io::Error) -> Message {
    Message::from(error).after(place.display(), place.display())
}

fn forgetful(why: &Message) -> Message {
    let (en, zh, xdg) = (why.get(Lang::En), why.get(Lang::Zh), STATE.xdg);
    Message::new(
        format!(
            "warning: {en}. A later run will not know of an invitation that this one posts: set \
             {xdg}, or the option store"
        ),
        format!("警告：{zh}。之后的运行将不知道本次发出的邀请：请设置 {xdg} 或选项 store"),
    )
}
