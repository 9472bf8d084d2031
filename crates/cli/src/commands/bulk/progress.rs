//! Shows the progress of a job on stderr: a bar on a terminal, a line every ten seconds elsewhere.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::message::Message;
use crate::output::Output;

/// How often the bar is drawn.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// How often a line is written if stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How far the work is.
pub(super) struct Progress {
    /// How many rows are done.
    pub done: u64,
    /// How many rows there are; 0 while that is not known.
    pub rows: u64,
    /// A summary of their outcomes.
    pub summary: String,
}

/// Runs `work` and shows its progress meanwhile. `name` is the name of the work, such as "linking".
pub(super) fn show_progress<T>(
    out: &Output,
    name: &str,
    progress: impl Fn() -> Progress + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let finished = Finished::default();
    thread::scope(|scope| {
        scope.spawn(|| show_until_finished(out, name, &progress, &finished));
        // Dropped also if the work panics, so that the thread above ends.
        let _guard = FinishOnDrop(&finished);
        work()
    })
}

/// Whether the work is finished.
#[derive(Default)]
struct Finished {
    is_finished: Mutex<bool>,
    changed: Condvar,
}

struct FinishOnDrop<'a>(&'a Finished);

impl Drop for FinishOnDrop<'_> {
    fn drop(&mut self) {
        let finished = self.0;
        *finished
            .is_finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        finished.changed.notify_all();
    }
}

fn show_until_finished(
    out: &Output,
    name: &str,
    progress: &dyn Fn() -> Progress,
    finished: &Finished,
) {
    let is_terminal = io::stderr().is_terminal() && out.log().is_plain();
    let interval = if is_terminal {
        BAR_INTERVAL
    } else {
        LINE_INTERVAL
    };
    let started_at = Instant::now();
    let at_start = progress();
    let done_at_start = at_start.done;
    let bar = new_bar(out, name, at_start.rows);
    bar.set_position(done_at_start);
    bar.reset_eta();
    let is_finished = finished.is_finished.lock();
    let mut is_finished = is_finished.unwrap_or_else(PoisonError::into_inner);
    while !*is_finished {
        let waited = finished.changed.wait_timeout(is_finished, interval);
        let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        is_finished = guard;
        let Progress {
            done,
            rows,
            summary,
        } = progress();
        if is_terminal {
            bar.set_length(rows);
            bar.set_position(done);
            bar.set_prefix(summary);
        } else if timeout.timed_out() && rows > 0 {
            let done_here = done.saturating_sub(done_at_start) as f64;
            let rate = done_here / started_at.elapsed().as_secs_f64();
            let left = if rate > 0.0 {
                format_seconds(rows.saturating_sub(done) as f64 / rate)
            } else {
                "?".to_owned()
            };
            let line = Message::new(
                format!("{name} {done} of {rows} rows, {rate:.0}/s, {left} left  {summary}"),
                format!("{name} {done}/{rows} 行，{rate:.0}/s，剩余 {left}  {summary}"),
            );
            out.note(line.get(out.lang()));
        }
    }
    bar.finish_and_clear();
}

fn new_bar(out: &Output, name: &str, rows: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::stderr());
    let style = out.text(
        "{msg} {wide_bar} {human_pos}/{human_len}  {rate}  {eta} left  {prefix}",
        "{msg} {wide_bar} {human_pos}/{human_len}  {rate}  剩余 {eta}  {prefix}",
    );
    if let Ok(style) = ProgressStyle::with_template(style) {
        let rate = |state: &ProgressState, to: &mut dyn Write| {
            // A failure to draw does not matter.
            let _ = write!(to, "{:.0}/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar.set_message(name.to_owned());
    bar
}

fn format_seconds(seconds: f64) -> String {
    // The limit keeps the conversion from panicking.
    let duration = Duration::from_secs_f64(seconds.min(1e9));
    // The short form, such as 3m, is the same in every language.
    format!("{:#}", indicatif::HumanDuration(duration))
}
