//! Input that may keep the command waiting: a terminal, a pipe. Since a blocked read cannot be
//! ended, it is made on a thread of its own, and a signal ends the waiting.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use crate::interrupt;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// What a read waits for.
enum Event {
    /// The next bytes; none at the end.
    Chunk(io::Result<Vec<u8>>),
    /// A signal.
    Interrupted,
}

/// Input whose reads fail after a signal, and then end; see [`interrupt::has_come`].
struct Input {
    wanted: Sender<()>,
    events: Receiver<Event>,
    chunk: Vec<u8>,
    at: usize,
    is_over: bool,
}

/// The program's stdin.
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
    /// `open` runs on the thread that reads: a named pipe waits for its other end.
    fn new(open: impl FnOnce() -> io::Result<Box<dyn Read>> + Send + 'static) -> io::Result<Input> {
        let (wanted, requests) = mpsc::channel::<()>();
        let (found, events) = mpsc::channel();
        let interrupted = found.clone();
        interrupt::call_back(move || {
            // Nobody may read any more.
            let _ = interrupted.send(Event::Interrupted);
        });
        thread::Builder::new()
            .name("wxlink-input".into())
            .spawn(move || {
                let mut source = None;
                let mut open = Some(open);
                // Not ahead of the one who reads: what is not wanted here is left to others.
                while requests.recv().is_ok() {
                    let chunk = match open.take().map(|open| open()) {
                        Some(Err(error)) => Err(error),
                        Some(Ok(opened)) => next(source.insert(opened)),
                        None => source.as_mut().map_or(Ok(Vec::new()), next),
                    };
                    if found.send(Event::Chunk(chunk)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Input {
            wanted,
            events,
            chunk: Vec::new(),
            at: 0,
            is_over: false,
        })
    }
}

fn next(source: &mut Box<dyn Read>) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK];
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
        if self.at == self.chunk.len() && !self.is_over {
            let waited = match self.wanted.send(()) {
                Ok(()) => self.events.recv().ok(),
                Err(_) => None,
            };
            let chunk = match waited {
                Some(Event::Chunk(chunk)) => chunk,
                Some(Event::Interrupted) => Err(io::Error::other("interrupted")),
                None => Err(io::Error::other("the thread that reads has failed")),
            };
            self.is_over = chunk.as_ref().map_or(true, Vec::is_empty);
            self.chunk = chunk?;
            self.at = 0;
        }
        let read = (&self.chunk[self.at..]).read(into)?;
        self.at += read;
        Ok(read)
    }
}
