//! A Redis for one test: on loopback, gone with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Redis {
    server: Child,
    port: u16,
    /// Where it keeps what it is told, if it does.
    folder: Option<PathBuf>,
}

impl Redis {
    /// Starts one that keeps nothing; `None` if there is none to start.
    pub fn start() -> Option<Redis> {
        Redis::start_in(None)
    }

    /// Starts one that keeps all it has answered to in that folder, whatever becomes of it.
    pub fn start_keeping(folder: &Path) -> Option<Redis> {
        Redis::start_in(Some(folder))
    }

    fn start_in(folder: Option<&Path>) -> Option<Redis> {
        // It takes no port 0: one that was free a moment ago is tried until it still is.
        (0..20).find_map(|_| {
            let port = TcpListener::bind("127.0.0.1:0")
                .ok()?
                .local_addr()
                .ok()?
                .port();
            Redis::start_at(port, folder)
        })
    }

    fn start_at(port: u16, folder: Option<&Path>) -> Option<Redis> {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", ""]);
        if let Some(folder) = folder {
            command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]);
            command.arg(folder);
        }
        let mut server = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let limit = Instant::now() + Duration::from_secs(30);
        while Instant::now() < limit && server.try_wait().ok()?.is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Redis {
                    server,
                    port,
                    folder: folder.map(Into::into),
                });
            }
            std::thread::yield_now();
        }
        let _ = server.kill();
        let _ = server.wait();
        None
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/3", self.port)
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Starts it anew at the same port, with what it kept.
    pub fn restart(&mut self) {
        self.kill();
        // Somebody's connection may have got the port meanwhile.
        let again = (0..20).find_map(|_| Redis::start_at(self.port, self.folder.as_deref()));
        drop(std::mem::replace(self, again.expect("the port is free")));
    }

    /// Has it take connections and answer nothing, until it goes on.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.server.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|s| s.success()), "{line}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
