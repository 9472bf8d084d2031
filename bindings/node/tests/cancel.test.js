'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const wxlink = require('wxlink');
const { Sandbox } = require('wxlink/sandbox');
const { QUIET, eventually, received, useSandbox } = require('./support.js');

const shared = useSandbox();

/** How a promise that must reject does so. */
async function errorOf(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: `resolved with ${result}` });
}

test('an abort in the middle of a post shows that its outcome is unknown', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'link', when: 'after' });
  const client = sandbox.client({ timeoutMs: 600_000 });
  const controller = new AbortController();
  const { signal } = controller;
  const call = client.linkMiniprogram(sandbox.token, sandbox.appid, { ...QUIET, signal });
  const caught = errorOf(call);
  await eventually(async () => (await sandbox.counts()).processed.link === 1);
  const reason = new Error('the user left');
  controller.abort(reason);
  const error = await caught;
  assert.equal(error.constructor, wxlink.CallCancelledError);
  assert.deepEqual(
    [error.name, error.code, error.delivery, error.cause],
    ['AbortError', 'WX_E_CANCELLED', 'unknown', reason],
  );
  // The client goes on.
  assert.equal((await client.getLinked(sandbox.token)).length, 1);
});

test('after an abort of ensure, the next call posts nothing', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'link', when: 'after' });
  const client = sandbox.client({ timeoutMs: 600_000, settleMs: 600_000 });
  const controller = new AbortController();
  const call = client.ensureLinked(sandbox.token, sandbox.appid, {
    ...QUIET,
    signal: controller.signal,
  });
  const caught = errorOf(call);
  await eventually(async () => (await sandbox.counts()).processed.link === 1);
  controller.abort();
  const error = await caught;
  assert.equal(error.constructor, wxlink.CallCancelledError);
  assert.deepEqual([error.progress.posts, error.delivery], [1, 'unknown']);
  assert.match(error.message, /An invitation was posted and its outcome is unknown/);
  const next = await client.ensureLinked(sandbox.token, sandbox.appid, QUIET);
  assert.deepEqual([next.state, next.posts], ['pending', 0]);
  assert.equal((await sandbox.counts()).received.link, 1);
});

test('an aborted wait has its progress', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  const controller = new AbortController();
  const call = client.ensureLinked(sandbox.token, sandbox.appid, {
    ...QUIET,
    waitMs: 600_000,
    signal: controller.signal,
  });
  const caught = errorOf(call);
  await eventually(async () => (await sandbox.counts()).processed.link === 1);
  controller.abort();
  const error = await caught;
  assert.equal(error.progress.posts, 1);
  assert.equal(error.name, 'AbortError');
});

test('AbortSignal.timeout ends a call', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  const client = sandbox.client({ timeoutMs: 600_000 });
  const signal = AbortSignal.timeout(50);
  const error = await errorOf(client.getLinked(sandbox.token, { signal }));
  assert.equal(error.name, 'AbortError');
  assert.equal(error.cause.name, 'TimeoutError');
});

test('a signal that was aborted before sends nothing', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  const signal = AbortSignal.abort();
  let calls = 0;
  const token = () => {
    calls += 1;
    return sandbox.token;
  };
  for (const passed of [sandbox.token, token]) {
    const error = await errorOf(client.getLinked(passed, { signal }));
    assert.deepEqual([error.name, error.delivery], ['AbortError', 'never sent']);
  }
  assert.equal(calls, 0);
  assert.equal(await received(sandbox, 'get'), 0);
});

test('an abort during a token function sends nothing', async () => {
  const { sandbox } = shared;
  const controller = new AbortController();
  const token = async () => {
    controller.abort();
    return sandbox.token;
  };
  const call = sandbox.client().getLinked(token, { signal: controller.signal });
  assert.equal((await errorOf(call)).delivery, 'never sent');
  assert.equal(await received(sandbox, 'get'), 0);
});

test('an abort ends the wait for a token function', async () => {
  const { sandbox } = shared;
  const controller = new AbortController();
  const call = sandbox.client().getLinked(() => new Promise(() => {}), {
    signal: controller.signal,
  });
  const caught = errorOf(call);
  await new Promise(setImmediate);
  controller.abort();
  assert.deepEqual([(await caught).name, (await caught).delivery], ['AbortError', 'never sent']);
});

test('a call that waits for a thread is aborted immediately and never sent', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  const client = sandbox.client({ timeoutMs: 600_000, maxConcurrency: 1 });
  const first = errorOf(client.getLinked(sandbox.token));
  await eventually(async () => (await received(sandbox, 'get')) === 1);
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = Array.from({ length: 20 }, () =>
    errorOf(client.getLinked(sandbox.token, { signal })),
  );
  controller.abort();
  for (const error of await Promise.all(waiting)) {
    assert.deepEqual([error.name, error.delivery], ['AbortError', 'never sent']);
  }
  assert.equal(await received(sandbox, 'get'), 1);
  client.close();
  assert.equal((await first).code, 'WX_E_CANCELLED');
});

test('closing a client during calls ends all of them, and later ones', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  const client = sandbox.client({ timeoutMs: 600_000, maxConcurrency: 8 });
  const derived = client.account(sandbox.account);
  const calls = [client, derived].flatMap((each) =>
    Array.from({ length: 20 }, () => errorOf(each.getLinked(sandbox.token))),
  );
  await eventually(async () => (await received(sandbox, 'get')) === 8);
  client.close();
  const errors = await Promise.all(calls);
  assert.ok(errors.every((error) => error.constructor === wxlink.CallCancelledError));
  assert.ok(errors.every((error) => error.name === 'CallCancelledError'));
  const unknown = errors.filter((error) => error.delivery === 'unknown');
  assert.equal(unknown.length, 8);
  for (const each of [client, derived]) {
    const error = await errorOf(each.getLinked(sandbox.token));
    assert.match(error.message, /the client is closed/);
    assert.throws(() => each.stats(), wxlink.CallCancelledError);
    assert.throws(() => each.derive({}), wxlink.CallCancelledError);
  }
  assert.equal(await received(sandbox, 'get'), 8);
});

test('closing a derived client ends its own calls only', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', times: 2 });
  const client = sandbox.client({ timeoutMs: 600_000, maxConcurrency: 2 });
  const derived = client.derive({});
  const own = errorOf(client.getLinked(sandbox.token));
  await eventually(async () => (await received(sandbox, 'get')) === 1);
  const others = errorOf(derived.getLinked(sandbox.token));
  await eventually(async () => (await received(sandbox, 'get')) === 2);
  // Waits for a thread.
  const waiting = errorOf(derived.getLinked(sandbox.token));
  const next = client.getLinked(sandbox.token);
  derived.close();
  assert.equal((await others).delivery, 'unknown');
  assert.equal((await waiting).delivery, 'never sent');
  assert.equal((await next).length, 0);
  client.close();
  assert.equal((await own).delivery, 'unknown');
});

test('closing a derived client ends the calls of all that were derived from it', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', times: 4 });
  const client = sandbox.client({ timeoutMs: 600_000, maxConcurrency: 4 });
  const child = client.derive({});
  const sibling = client.derive({});
  const grandchild = child.account(sandbox.account);
  const descendants = [child, grandchild, grandchild.derive({})];
  const own = errorOf(client.getLinked(sandbox.token));
  await eventually(async () => (await received(sandbox, 'get')) === 1);
  const running = descendants.map((each) => errorOf(each.getLinked(sandbox.token)));
  await eventually(async () => (await received(sandbox, 'get')) === 4);
  // They wait for a thread.
  const waiting = descendants.map((each) => errorOf(each.getLinked(sandbox.token)));
  child.close();
  for (const [calls, delivery] of [
    [running, 'unknown'],
    [waiting, 'never sent'],
  ]) {
    for (const error of await Promise.all(calls)) {
      assert.equal(error.constructor, wxlink.CallCancelledError);
      assert.equal(error.delivery, delivery);
    }
  }
  for (const each of descendants) {
    assert.match((await errorOf(each.getLinked(sandbox.token))).message, /the client is closed/);
    assert.throws(() => each.stats(), wxlink.CallCancelledError);
    assert.throws(() => each.derive({}), wxlink.CallCancelledError);
  }
  assert.equal(await received(sandbox, 'get'), 4);
  // Those above it and beside it are open.
  assert.equal((await sibling.getLinked(sandbox.token)).length, 0);
  assert.equal((await client.derive({}).getLinked(sandbox.token)).length, 0);
  client.close();
  assert.equal((await own).delivery, 'unknown');
});

const skip = Symbol.dispose === undefined && 'this Node has no Symbol.dispose';

test('the end of a block closes a client and stops a simulator', { skip }, async () => {
  // What TypeScript makes of `using` and `await using`.
  const sandbox = await Sandbox.start();
  const client = sandbox.client({ timeoutMs: 600_000 });
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  const call = errorOf(client.getLinked(sandbox.token));
  await eventually(async () => (await received(sandbox, 'get')) === 1);
  assert.equal(client[Symbol.dispose](), undefined);
  assert.equal((await call).constructor, wxlink.CallCancelledError);
  await sandbox[Symbol.asyncDispose]();
  await assert.rejects(sandbox.counts(), { code: 'ECONNREFUSED' });
});

test('many calls share a signal without a warning', async () => {
  const { sandbox } = shared;
  const warnings = [];
  const listener = (warning) => warnings.push(warning.message);
  process.on('warning', listener);
  const client = sandbox.client();
  const { signal } = new AbortController();
  const calls = Array.from({ length: 50 }, () => client.getLinked(sandbox.token, { signal }));
  await Promise.all(calls);
  await new Promise(setImmediate);
  process.off('warning', listener);
  assert.deepEqual(warnings, []);
});
