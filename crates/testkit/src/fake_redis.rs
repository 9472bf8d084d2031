//! A server that stands where a Redis is expected, and goes wrong as the test says.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a connection does.
#[derive(Clone)]
pub enum Behaviour {
    /// Gives the same answer, in the bytes of the protocol, to every command.
    Answer(String),
    /// Answers the commands that the token store sends.
    Store,
    /// Serves the first command as a store does, and gives this answer to all others.
    StoreOnceThen(String),
    /// Sends this before it is asked anything, and reads on.
    Greet(String),
    /// Ends at the first command.
    Close,
    /// Reads and never answers.
    Silent,
    /// Passes everything on to another server.
    Forward(SocketAddr),
}

type Texts = Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>;

pub struct FakeRedis {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    texts: Texts,
}

impl FakeRedis {
    /// The connections behave as the list says, in the order they come; the last goes for all others.
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

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What the stores have written, by key.
    pub fn texts(&self) -> HashMap<String, String> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let texts = self.texts.lock().unwrap();
        texts.iter().map(|(k, v)| (text(k), text(v))).collect()
    }

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
            Behaviour::Store | Behaviour::StoreOnceThen(_) => as_store(&command, texts),
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

/// The words of the next command.
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

/// What a Redis answers to the store's commands. Locks are taken and given back by their owners.
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
            let there = texts.get(&key).cloned();
            let done = if script.contains("'DEL'") {
                let ours = there.as_ref() == Some(&first);
                if ours {
                    texts.remove(&key);
                }
                ours
            } else if script.contains("'PX'") {
                let free = there.is_none_or(|owner| owner == first);
                if free {
                    texts.insert(key, first);
                }
                free
            } else {
                let same = there.unwrap_or_default() == first;
                if same {
                    texts.insert(key, second);
                }
                same
            };
            format!(":{}\r\n", u8::from(done)).into_bytes()
        }
        _ => b"+OK\r\n".to_vec(),
    }
}
