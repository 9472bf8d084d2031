'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const dns = require('node:dns/promises');
const fs = require('node:fs/promises');
const { test } = require('node:test');
const { promisify } = require('node:util');
const zlib = require('node:zlib');

const { eventually, received, useSandbox } = require('./support.js');

const shared = useSandbox();

const CALLS = 1000;

for (const maxConcurrency of [32, 256]) {
  test(`libuv's threads are free during ${CALLS} calls on ${maxConcurrency} threads`, async () => {
    const { sandbox } = shared;
    await sandbox.fault('hang', { endpoint: 'get', always: true });
    const client = sandbox.client({ timeoutMs: 600_000, maxConcurrency });
    const controller = new AbortController();
    const { signal } = controller;
    let ended = 0;
    const calls = Array.from({ length: CALLS }, async () => {
      try {
        return await client.getLinked(sandbox.token, { signal });
      } catch (error) {
        return error.code;
      } finally {
        ended += 1;
      }
    });
    await eventually(async () => (await received(sandbox, 'get')) === maxConcurrency);

    // Each of these needs a thread of libuv's pool, which has four; there are more than four.
    const hash = promisify(crypto.pbkdf2);
    const work = Array.from({ length: 10 }, (_, n) => [
      fs.readFile(__filename),
      dns.lookup('localhost'),
      hash('password', `salt ${n}`, 1000, 32, 'sha256'),
      promisify(zlib.gzip)(Buffer.alloc(100_000, n)),
    ]);
    const done = await Promise.all(work.flat());
    assert.equal(done.length, 40);
    assert.equal(ended, 0, 'the calls still run');

    controller.abort();
    const codes = await Promise.all(calls);
    assert.ok(codes.every((code) => code === 'WX_E_CANCELLED'));
    assert.equal(await received(sandbox, 'get'), maxConcurrency);
  });
}

test(`${CALLS} calls at once all get their answers`, async () => {
  const { sandbox } = shared;
  const client = sandbox.client({ timeoutMs: 600_000 });
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
  }, 1);
  const calls = Array.from({ length: CALLS }, () => client.getLinked('SANDBOX-TOKEN-3'));
  const lists = await Promise.all(calls);
  clearInterval(ticking);
  assert.ok(lists.every((list) => list.length === 6));
  assert.equal(await received(sandbox, 'get'), CALLS);
  assert.ok(ticks > 0, 'the event loop ran meanwhile');
  client.close();
});
