'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { join } = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');

const { callThreads, eventually, received, run, useSandbox } = require('./support.js');

const shared = useSandbox();
const FILE = join(__dirname, 'programs/worker.js');

function start(workerData) {
  return new Worker(FILE, { workerData: { baseUrl: shared.sandbox.url, ...workerData } });
}

test('calls work in several worker threads and the main thread at the same time', async () => {
  const { sandbox } = shared;
  const ended = Array.from({ length: 4 }, () => {
    const worker = start({ calls: 50 });
    return Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  });
  const client = sandbox.client();
  const own = await Promise.all(
    Array.from({ length: 50 }, () => client.getLinked('SANDBOX-TOKEN-3')),
  );
  assert.ok(own.every((list) => list.length === 6));
  for (const [[lengths], [code]] of await Promise.all(ended)) {
    assert.deepEqual(lengths, Array(50).fill(6));
    assert.equal(code, 0);
  }
  assert.equal(await received(sandbox, 'get'), 250);
  client.close();
});

test('terminating a worker thread ends its calls', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  for (let n = 1; n <= 10; n += 1) {
    const worker = start({ calls: 50 });
    await eventually(async () => (await received(sandbox, 'get')) === n * 32);
    await worker.terminate();
    // Their time limit is ten minutes.
    await eventually(() => callThreads() === 0);
  }
  await sandbox.admin('DELETE', 'faults');
  const client = sandbox.client();
  assert.equal((await client.getLinked('SANDBOX-TOKEN-3')).length, 6);
});

test('answers that arrive while a worker thread is terminated do no harm', async () => {
  const ran = await run('terminate.js', [shared.sandbox.url]);
  assert.deepEqual(ran, { code: 0, signal: null, stdout: 'survived\n', stderr: '' });
});
