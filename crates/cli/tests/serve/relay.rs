//! Stands in front of two instances: sends each connection to one of them, and to the other one if
//! the first does not accept it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::random::Random;

/// How long a connection waits before it tries both instances again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Where the instances listen. `None`: the instance is not running.
#[derive(Default)]
struct Targets {
    addresses: Mutex<Addresses>,
    changed: Condvar,
}

#[derive(Default)]
struct Addresses {
    of_instances: [Option<SocketAddr>; 2],
    is_stopped: bool,
}

/// A running relay. Dropping it stops it.
pub struct Relay {
    pub address: SocketAddr,
    targets: Arc<Targets>,
}

impl Relay {
    pub fn start(mut random: Random) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let targets = Arc::<Targets>::default();
        let relay = Relay {
            address,
            targets: targets.clone(),
        };
        thread::spawn(move || {
            for client in listener.incoming() {
                if targets.addresses.lock().unwrap().is_stopped {
                    return;
                }
                let (targets, first) = (targets.clone(), random.below(2));
                thread::spawn(move || {
                    // An error means that one side has gone away; the other side notices.
                    let _ = pass(&client?, &targets, first);
                    io::Result::Ok(())
                });
            }
        });
        relay
    }

    /// Sets where an instance listens.
    pub fn set(&self, instance: usize, address: Option<SocketAddr>) {
        self.setter(instance)(address);
    }

    /// A function that sets where an instance listens.
    pub fn setter(&self, instance: usize) -> impl FnOnce(Option<SocketAddr>) + Send + use<> {
        let targets = self.targets.clone();
        move |address| {
            targets.addresses.lock().unwrap().of_instances[instance] = address;
            targets.changed.notify_all();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.targets.addresses.lock().unwrap().is_stopped = true;
        self.targets.changed.notify_all();
        // Wakes the thread that accepts connections.
        let _ = TcpStream::connect(self.address);
    }
}

/// Passes bytes in both directions until one side closes its connection.
fn pass(client: &TcpStream, targets: &Targets, first: usize) -> io::Result<()> {
    let server = connect(targets, first)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*client, &mut &server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &server, &mut &*client);
        let _ = client.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// A connection to an instance. Waits while neither is running.
fn connect(targets: &Targets, first: usize) -> io::Result<TcpStream> {
    loop {
        let known = targets.addresses.lock().unwrap().of_instances;
        for address in [known[first], known[1 - first]].into_iter().flatten() {
            if let Ok(stream) = TcpStream::connect(address) {
                return Ok(stream);
            }
        }
        let addresses = targets.addresses.lock().unwrap();
        if addresses.is_stopped {
            return Err(io::ErrorKind::NotConnected.into());
        }
        drop(targets.changed.wait_timeout(addresses, RETRY_INTERVAL));
    }
}
