//! A fake Redis server that misbehaves in the way that a test asks for.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// How a connection behaves.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers every command with these bytes.
    Answer(String),
    /// Answers the commands that the store sends.
    Store,
    /// Answers reads like `Store`, and writes with these bytes.
    ReadOnly(String),
    /// Answers the first command like `Store`, and all others with these bytes.
    StoreOnceThen(String),
    /// Sends these bytes before any command, and never answers.
    Greet(String),
    /// Closes the connection at the first command.
    Close,
    /// Reads and never answers.
    Silent,
    /// Forwards everything to another server.
    Forward(SocketAddr),
}

type Texts = Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>;

/// A fake Redis server on a port of its own.
pub struct FakeRedis {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    texts: Texts,
}

impl FakeRedis {
    /// Starts a server. The first connection gets the first behaviour, and so on; the last one also
    /// holds for all further connections.
    pub fn start(behaviours: Vec<Behaviour>) -> FakeRedis {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = FakeRedis {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            texts: Arc::default(),
        };
        let (count, texts) = (fake.connections.clone(), fake.texts.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let n = count.fetch_add(1, Ordering::SeqCst);
                let behaviour = behaviours[n.min(behaviours.len() - 1)].clone();
                let texts = texts.clone();
                thread::spawn(move || serve(stream, behaviour, &texts));
            }
        });
        fake
    }

    /// Its URL, for the option `store`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The values that were written, by key.
    pub fn texts(&self) -> HashMap<String, String> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let texts = self.texts.lock().unwrap();
        texts.iter().map(|(k, v)| (text(k), text(v))).collect()
    }

    /// Sets the value of a key.
    pub fn put(&self, key: &str, text: &[u8]) {
        self.texts.lock().unwrap().insert(key.into(), text.into());
    }
}

fn serve(stream: TcpStream, behaviour: Behaviour, texts: &Texts) -> Option<()> {
    if let Behaviour::Forward(to) = behaviour {
        return forward(stream, to).ok();
    }
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    if let Behaviour::Greet(greeting) = &behaviour {
        writer.write_all(greeting.as_bytes()).ok()?;
        let _ = io::copy(&mut reader, &mut io::sink());
        return None;
    }
    let mut served = 0;
    while let Some(command) = command(&mut reader) {
        let answer = match &behaviour {
            Behaviour::Answer(answer) => answer.clone().into_bytes(),
            Behaviour::StoreOnceThen(answer) if served > 0 => answer.clone().into_bytes(),
            Behaviour::ReadOnly(answer) if command[0] == b"EVAL" => answer.clone().into_bytes(),
            Behaviour::Store | Behaviour::StoreOnceThen(_) | Behaviour::ReadOnly(_) => {
                as_store(&command, texts)
            }
            Behaviour::Silent => Vec::new(),
            Behaviour::Close | Behaviour::Forward(_) | Behaviour::Greet(_) => return None,
        };
        served += 1;
        writer.write_all(&answer).ok()?;
    }
    Some(())
}

fn forward(stream: TcpStream, to: SocketAddr) -> io::Result<()> {
    let other = TcpStream::connect(to)?;
    let (mut from_client, mut to_server) = (stream.try_clone()?, other.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (other, stream);
    let _ = io::copy(&mut from_server, &mut to_client);
    to_client.shutdown(std::net::Shutdown::Both)
}

/// Reads the next command and returns its words.
fn command(reader: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    fn number(reader: &mut impl BufRead, mark: char) -> Option<usize> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.trim_end().strip_prefix(mark)?.parse().ok()
    }
    let words = number(reader, '*')?;
    let mut command = Vec::new();
    for _ in 0..words {
        let mut word = vec![0; number(reader, '$')? + 2];
        reader.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        command.push(word);
    }
    Some(command)
}

/// The answer of a Redis to a command of the store. Scripts are recognised by their text.
fn as_store(command: &[Vec<u8>], texts: &Texts) -> Vec<u8> {
    let mut texts = texts.lock().unwrap();
    let word = |n: usize| command.get(n).cloned().unwrap_or_default();
    match command[0].as_slice() {
        b"GET" => match texts.get(&word(1)) {
            Some(text) => {
                let mut answer = format!("${}\r\n", text.len()).into_bytes();
                answer.extend(text);
                answer.extend(b"\r\n");
                answer
            }
            None => b"$-1\r\n".to_vec(),
        },
        b"EVAL" => {
            let script = String::from_utf8_lossy(&command[1]);
            let (key, first, second) = (word(3), word(4), word(5));
            let value = texts.get(&key).cloned();
            let done = if script.contains("'DEL'") {
                let is_owner = value.as_ref() == Some(&first);
                if is_owner {
                    texts.remove(&key);
                }
                is_owner
            } else if script.contains("'PX'") {
                let is_free = value.is_none_or(|owner| owner == first);
                if is_free {
                    texts.insert(key, first);
                }
                is_free
            } else {
                let is_unchanged = value.unwrap_or_default() == first;
                if is_unchanged {
                    texts.insert(key, second);
                }
                is_unchanged
            };
            format!(":{}\r\n", u8::from(done)).into_bytes()
        }
        _ => b"+OK\r\n".to_vec(),
    }
}
