//! Ctrl-C, and a polite request to end: what runs is told once; a second one ends the program at once.

use std::sync::{Mutex, Once, PoisonError};

use wxlink_bulk::Verdict;

type Hook = Box<dyn Fn() + Send>;

static STATE: Mutex<State> = Mutex::new(State {
    interrupted: false,
    hooks: Vec::new(),
});
static INSTALLED: Once = Once::new();

struct State {
    interrupted: bool,
    hooks: Vec<Hook>,
}

/// Has `hook` called at the interrupt, or now if there was one.
pub(crate) fn call_back(hook: impl Fn() + Send + 'static) {
    // Where a host has a handler of its own, the default stays: the program ends.
    INSTALLED.call_once(|| drop(ctrlc::set_handler(interrupted)));
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    match state.interrupted {
        true => hook(),
        false => state.hooks.push(Box::new(hook)),
    }
}

fn interrupted() {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if state.interrupted {
        std::process::exit(Verdict::Interrupted.code().into());
    }
    state.interrupted = true;
    for hook in state.hooks.drain(..) {
        hook();
    }
}
