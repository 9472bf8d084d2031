'use strict';

/** The actions of running calls, by their signal. */
const actionsOf = new WeakMap();

/**
 * Runs `action` when the signal is aborted. Returns a function that withdraws it. Many calls may
 * share a signal, which gets one listener: Node warns of many.
 */
function onAbort(signal, action) {
  let actions = actionsOf.get(signal);
  if (actions === undefined) {
    actions = new Set();
    actionsOf.set(signal, actions);
  }
  if (actions.size === 0) {
    actions.listener = () => {
      // The latest calls first: those that still wait for a thread must not get one.
      for (const each of [...actions].reverse()) {
        each();
      }
    };
    signal.addEventListener('abort', actions.listener, { once: true });
  }
  actions.add(action);
  return () => {
    actions.delete(action);
    // A signal with a listener is not collected.
    if (actions.size === 0) {
      signal.removeEventListener('abort', actions.listener);
    }
  };
}

module.exports = { onAbort };
