//! Reads from stdin, a terminal or a pipe in a way that a signal can interrupt.
//!
//! A blocked read cannot be cancelled. It therefore runs on its own thread, and a signal ends the
//! wait for that thread.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::interrupt;
use crate::message::Message;

/// The most bytes that one read asks for.
const CHUNK_BYTES: usize = 64 * 1024;

/// What ends the wait for a chunk.
enum Event {
    /// The next bytes, none of them at the end of the input.
    Chunk(io::Result<Vec<u8>>),
    /// A signal.
    Interrupted,
}

/// Input whose reads fail once there has been a signal; see [`interrupt::is_interrupted`].
struct Input {
    requests: Sender<()>,
    events: Receiver<Event>,
    chunk: Vec<u8>,
    /// How many bytes of `chunk` the reader has taken.
    taken: usize,
    has_ended: bool,
}

/// Stdin of the process.
pub(crate) fn stdin() -> io::Result<Box<dyn Read>> {
    Ok(Box::new(Input::new(|| Ok(Box::new(io::stdin())))?))
}

/// A file, which may be a pipe.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.metadata()?.is_file() {
        return Ok(Box::new(File::open(path)?));
    }
    let path = path.to_owned();
    Ok(Box::new(Input::new(move || {
        Ok(Box::new(File::open(path)?))
    })?))
}

impl Input {
    /// `open` runs on the thread that reads, because opening a named pipe blocks until the other
    /// end is open.
    fn new(open: impl FnOnce() -> io::Result<Box<dyn Read>> + Send + 'static) -> io::Result<Input> {
        let (request, requests) = mpsc::channel::<()>();
        let (event, events) = mpsc::channel();
        let interrupted = event.clone();
        interrupt::on_interrupt(move || {
            // Fails if the input has been dropped, which needs no interruption.
            let _ = interrupted.send(Event::Interrupted);
        });
        thread::Builder::new()
            .name("wxlink-input".into())
            .spawn(move || {
                let mut source = None;
                let mut open = Some(open);
                // Reads only on request: bytes that are not needed stay for the next reader of
                // the same stdin.
                while requests.recv().is_ok() {
                    let chunk = match open.take().map(|open| open()) {
                        Some(Err(error)) => Err(error),
                        Some(Ok(opened)) => read_chunk(source.insert(opened)),
                        None => source.as_mut().map_or(Ok(Vec::new()), read_chunk),
                    };
                    if event.send(Event::Chunk(chunk)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Input {
            requests: request,
            events,
            chunk: Vec::new(),
            taken: 0,
            has_ended: false,
        })
    }
}

fn read_chunk(source: &mut Box<dyn Read>) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(read) => {
                chunk.truncate(read);
                return Ok(chunk);
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() && !self.has_ended {
            let event = match self.requests.send(()) {
                Ok(()) => self.events.recv().ok(),
                Err(_) => None,
            };
            let failed = |en, zh| Err(io::Error::other(Message::new(en, zh)));
            let chunk = match event {
                Some(Event::Chunk(chunk)) => chunk,
                Some(Event::Interrupted) => failed("interrupted", "被中断"),
                None => failed("the reading thread failed", "读取线程出错"),
            };
            self.has_ended = chunk.as_ref().map_or(true, Vec::is_empty);
            self.chunk = chunk?;
            self.taken = 0;
        }
        let read = (&self.chunk[self.taken..]).read(into)?;
        self.taken += read;
        Ok(read)
    }
}
