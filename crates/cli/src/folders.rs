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
    /// How the folder by `fallback` is shown to users.
    pub shown: &'static str,
}

/// Where the config file is.
pub(crate) const CONFIG: UserFolder = if cfg!(windows) {
    on_windows("XDG_CONFIG_HOME", "APPDATA", "%APPDATA%")
} else {
    in_home("XDG_CONFIG_HOME", ".config", "~/.config")
};

/// Where the command keeps what its later runs need to know.
pub(crate) const STATE: UserFolder = if cfg!(windows) {
    on_windows("XDG_STATE_HOME", "LOCALAPPDATA", "%LOCALAPPDATA%")
} else {
    in_home("XDG_STATE_HOME", ".local/state", "~/.local/state")
};

const fn on_windows(xdg: &'static str, fallback: &'static str, shown: &'static str) -> UserFolder {
    UserFolder {
        xdg,
        fallback,
        below: "",
        shown,
    }
}

const fn in_home(xdg: &'static str, below: &'static str, shown: &'static str) -> UserFolder {
    UserFolder {
        xdg,
        fallback: "HOME",
        below,
        shown,
    }
}

impl UserFolder {
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
