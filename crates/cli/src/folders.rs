//! The user's own folders: those of the XDG specification or, on Windows, those that Windows names.

use std::path::PathBuf;

/// A folder of the user, whose variables are read when it is asked for.
pub(crate) struct UserFolder {
    /// The variable of the XDG specification, which comes first everywhere.
    pub xdg: &'static str,
    /// The variable that is read if that one names no folder.
    pub fallback: &'static str,
    /// The folder below the one that `fallback` names.
    below: &'static str,
}

/// Where the config file is.
pub(crate) const CONFIG: UserFolder = UserFolder {
    xdg: "XDG_CONFIG_HOME",
    fallback: if cfg!(windows) { "APPDATA" } else { "HOME" },
    below: if cfg!(windows) { "" } else { ".config" },
};

/// Where the command keeps what its later runs need to know.
pub(crate) const STATE: UserFolder = UserFolder {
    xdg: "XDG_STATE_HOME",
    fallback: if cfg!(windows) {
        "LOCALAPPDATA"
    } else {
        "HOME"
    },
    below: if cfg!(windows) { "" } else { ".local/state" },
};

impl UserFolder {
    /// How a user writes the folder that `fallback` leads to.
    pub(crate) fn shown(&self) -> String {
        match self.below {
            "" => format!("%{}%", self.fallback),
            below => format!("~/{below}"),
        }
    }

    /// The folder `wxlink` in it, which need not exist; none if no variable names a folder. By the
    /// XDG specification a relative path is ignored.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let absolute = |name| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        let folder =
            absolute(self.xdg).or_else(|| Some(absolute(self.fallback)?.join(self.below)))?;
        Some(folder.join("wxlink"))
    }
}
