'use strict';

/**
 * Publishes each call on the diagnostics channel `wxlink:call`. Messages contain no tokens.
 */

const { channel } = require('node:diagnostics_channel');

const { WxError } = require('./errors.js');
const { LinkList, LinkProgress, Response } = require('./results.js');

const calls = channel('wxlink:call');

async function observed(call, run) {
  if (!calls.hasSubscribers) {
    return run();
  }
  const started = performance.now();
  let fields = {};
  try {
    const result = await run();
    fields = fieldsOf(result);
    return result;
  } catch (error) {
    fields = fieldsOfError(error);
    throw error;
  } finally {
    calls.publish({ call, durationMs: performance.now() - started, ...fields });
  }
}

function fieldsOf(result) {
  const found = result instanceof LinkList ? result.response : result;
  if (found instanceof Response) {
    const { errcode, rid, trace } = found;
    return { code: 'WX_OK', errcode, delivery: 'answered', rid, trace };
  }
  if (found instanceof LinkProgress) {
    const { code, state, posts, delivery, trace } = found;
    return { code, state, posts, delivery, trace };
  }
  return { code: 'WX_OK' };
}

/** Has no text of an error that is not the library's: it may be anything. */
function fieldsOfError(error) {
  if (!(error instanceof WxError)) {
    return { code: error?.name ?? 'Error', message: error?.name ?? 'Error' };
  }
  const { code, delivery, trace, message, errcode, rid, progress } = error;
  const state = progress && { state: progress.state, posts: progress.posts };
  const answer = errcode === undefined ? null : { errcode, rid };
  return { code, delivery, trace, message, ...answer, ...state };
}

module.exports = { observed };
