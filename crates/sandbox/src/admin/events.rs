//! Server-sent events: the entries of the journal as they are added or completed, and a note
//! whenever anything else has changed.
//!
//! A reader pulls them. One that is slow takes no memory: it is sent what the journal still has
//! when it is ready, and how much it has missed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::admin::error::AdminError;
use crate::admin::request::only_parameter;
use crate::journal::log::ChangeId;
use crate::simulator::{Simulator, State};

/// The path of the stream, which only a request over HTTP can read.
pub(crate) const PATH: &str = "/__sandbox/events";

/// A frame is sent once it is this long.
const FRAME_BYTES: usize = 128 * 1024;
/// The pause after a frame that is not full, so that many changes in a row become few frames.
const PAUSE: Duration = Duration::from_millis(50);
/// How often decisions are looked for that have become due, which no request causes.
const TICK: Duration = Duration::from_millis(250);
/// A comment is sent after this long without an event, so that a reader that has gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How far a reader has got.
pub(crate) struct Reader {
    place: Option<ChangeId>,
    /// The last revision of the state that it knows of.
    revision: Option<u64>,
    /// When due decisions were looked for.
    last_tick: Option<Instant>,
}

impl Reader {
    /// `last_event_id` is the header that a browser sends when it connects again; the query is that
    /// of the first connection.
    pub(crate) fn new(query: &str, last_event_id: Option<&str>) -> Result<Self, AdminError> {
        let after = only_parameter(query, "after")?;
        // An id that is no place of this journal starts from the beginning.
        let place = last_event_id.or(after.as_deref());
        Ok(Self {
            place: place.and_then(|id| id.parse().ok()),
            revision: None,
            last_tick: None,
        })
    }

    /// The next events. Empty: there are none yet.
    fn next_frame(&mut self, state: &mut State) -> String {
        let now_ms = state.clock.now_ms();
        if self.last_tick.is_none_or(|last| last.elapsed() >= TICK) {
            self.last_tick = Some(Instant::now());
            if state.wechat.apply_due_decisions(&state.policy, now_ms) {
                state.revision += 1;
            }
        }
        let mut frame = String::new();
        self.add_entries(state, &mut frame);
        if self.revision != Some(state.revision) {
            self.revision = Some(state.revision);
            let ahead_s = state.clock.ahead_s();
            let data = format!("{{\"now_ms\":{now_ms},\"ahead_s\":{ahead_s}}}");
            add_event(&mut frame, "state", None, &data);
        }
        frame
    }

    fn add_entries(&mut self, state: &State, frame: &mut String) {
        let journal = &state.journal;
        let known = self
            .place
            .and_then(|place| Some((place, journal.missed_after(place)?)));
        let place = match known {
            Some((place, 0)) => place,
            Some((_, missed)) => {
                let data = format!("{{\"changes\":{missed}}}");
                add_event(frame, "missed", None, &data);
                journal.start()
            }
            None => {
                let data = format!("{{\"dropped\":{}}}", journal.dropped());
                let start = journal.start();
                add_event(frame, "reset", Some(start), &data);
                start
            }
        };
        self.place = Some(place);
        for (id, entry) in journal.changes_after(place, &state.wechat.secrets) {
            // Serialising texts and numbers cannot fail.
            let data = serde_json::to_string(&entry).unwrap_or_default();
            add_event(frame, "request", Some(id), &data);
            self.place = Some(id);
            if frame.len() >= FRAME_BYTES {
                return;
            }
        }
    }
}

/// Adds an event. Its data is JSON in one line.
fn add_event(frame: &mut String, name: &str, id: Option<ChangeId>, data: &str) {
    // Writing to a text cannot fail.
    if let Some(id) = id {
        let _ = writeln!(frame, "id: {id}");
    }
    let _ = write!(frame, "event: {name}\ndata: {data}\n\n");
}

/// Sends events until the reader has gone.
pub(crate) async fn send(
    simulator: Arc<Simulator>,
    mut reader: Reader,
    frames: mpsc::Sender<Bytes>,
) {
    let mut changes = simulator.subscribe();
    let mut sent = Instant::now();
    // One frame waits in the channel; the next one is made when it has been taken.
    while let Ok(permit) = frames.reserve().await {
        changes.mark_unchanged();
        let mut frame = reader.next_frame(&mut simulator.state());
        if frame.is_empty() && sent.elapsed() >= KEEP_ALIVE {
            frame += ": the simulator is still there\n\n";
        }
        if !frame.is_empty() {
            sent = Instant::now();
            let is_full = frame.len() >= FRAME_BYTES;
            permit.send(frame.into());
            if !is_full {
                tokio::time::sleep(PAUSE).await;
            }
            continue;
        }
        drop(permit);
        tokio::select! {
            // The sender lives as long as the simulator.
            _ = changes.changed() => {}
            () = tokio::time::sleep(TICK) => {}
            () = frames.closed() => return,
        }
    }
}
