//! A Redis for one test: on loopback, keeping nothing, gone with the test.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts one; `None` if there is none to start.
    pub fn start() -> Option<Redis> {
        // It takes no port 0: one that was free a moment ago is tried until it still is.
        (0..20).find_map(|_| {
            let port = TcpListener::bind("127.0.0.1:0")
                .ok()?
                .local_addr()
                .ok()?
                .port();
            Redis::start_at(port)
        })
    }

    fn start_at(port: u16) -> Option<Redis> {
        let mut server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let limit = Instant::now() + Duration::from_secs(30);
        while Instant::now() < limit && server.try_wait().ok()?.is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Redis { server, port });
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

    /// Starts it anew, empty.
    pub fn restart(&mut self) {
        self.kill();
        let again = Redis::start_at(self.port).expect("the port is free again");
        drop(std::mem::replace(self, again));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
