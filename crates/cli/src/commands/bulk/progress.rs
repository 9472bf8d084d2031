//! How far the work is: a bar on a terminal, elsewhere a line every ten seconds.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Condvar;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::Output;

const REDRAW: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(10);

/// Does the work and meanwhile says how far it is: `now` tells of how many how many are done, and in words what came
/// of them.
pub(super) fn while_told<T>(
    out: &Output,
    what: &str,
    of: u64,
    now: impl Fn() -> (u64, String) + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let over = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| tell(out, what, of, &now, &over));
        let done = Over(&over);
        let worked = work();
        drop(done);
        worked
    })
}

/// Ends the telling, whatever becomes of the work.
struct Over<'a>(&'a (Mutex<bool>, Condvar));

impl Drop for Over<'_> {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

fn tell(
    out: &Output,
    what: &str,
    of: u64,
    now: &dyn Fn() -> (u64, String),
    (over, news): &(Mutex<bool>, Condvar),
) {
    let live = io::stderr().is_terminal();
    let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
    let style = "{msg} {wide_bar} {human_pos}/{human_len}  {rate}  {eta} left  {prefix}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        let rate = |state: &ProgressState, to: &mut dyn Write| {
            // Where nobody looks, nothing is lost.
            let _ = write!(to, "{:.0}/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar.set_message(what.to_owned());
    let (started, first) = (Instant::now(), now().0);
    bar.set_position(first);
    bar.reset_eta();
    let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
    while !*over {
        let every = if live { REDRAW } else { LINE };
        let (held, timeout) = news
            .wait_timeout(over, every)
            .unwrap_or_else(PoisonError::into_inner);
        over = held;
        let (done, words) = now();
        if live {
            bar.set_position(done);
            bar.set_prefix(words);
        } else if timeout.timed_out() {
            let since = done.saturating_sub(first) as f64 / started.elapsed().as_secs_f64();
            let left = match since > 0.0 {
                true => eta(of.saturating_sub(done) as f64 / since),
                false => "?".to_owned(),
            };
            out.note(format_args!(
                "{what} {done} of {of} rows, {since:.0}/s, {left} left  {words}"
            ));
        }
    }
    bar.finish_and_clear();
}

fn eta(seconds: f64) -> String {
    indicatif::HumanDuration(Duration::from_secs_f64(seconds.min(1e9))).to_string()
}
