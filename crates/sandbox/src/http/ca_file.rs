//! The CA's certificate in a temporary file, for clients that read it from one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::random::mix;

/// A temporary file that only its owner can read. It is removed when dropped.
pub(crate) struct CaFile {
    path: PathBuf,
}

impl CaFile {
    /// Writes a new file.
    pub(crate) fn write(pem: &str) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mut options = OpenOptions::new();
        // An existing file of this name belongs to another program.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for _ in 0..100 {
            let nanos = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos() as u64);
            let noise = mix(nanos ^ mix(COUNTER.fetch_add(1, Ordering::Relaxed)));
            let name = format!("wxlink-sandbox-{}-{noise:016x}.pem", std::process::id());
            let path = std::env::temp_dir().join(name);
            match options.open(&path) {
                Ok(mut file) => {
                    // Constructed first, so that a write error removes the file.
                    let ca_file = Self { path };
                    file.write_all(pem.as_bytes())?;
                    return Ok(ca_file);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(
            "could not create the CA file: all names tried exist",
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
