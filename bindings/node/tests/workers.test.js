'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { join } = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');

const { eventually, received, run, useSandbox } = require('./support.js');

const shared = useSandbox();
const FILE = join(__dirname, 'programs/worker.js');

function start(workerData) {
  return new Worker(FILE, { workerData: { baseUrl: shared.sandbox.url, ...workerData } });
}

test('calls work in several worker threads and the main thread at the same time', async () => {
  const { sandbox } = shared;
  const workers = Array.from({ length: 4 }, () => start({ calls: 50 }));
  const client = sandbox.client();
  const own = await Promise.all(
    Array.from({ length: 50 }, () => client.getLinked('SANDBOX-TOKEN-3')),
  );
  assert.ok(own.every((list) => list.length === 6));
  for (const worker of workers) {
    const [lengths] = await once(worker, 'message');
    assert.deepEqual(lengths, Array(50).fill(6));
    const [code] = await once(worker, 'exit');
    assert.equal(code, 0);
  }
  assert.equal(await received(sandbox, 'get'), 250);
});

test('a worker thread may be terminated during calls', async () => {
  const { sandbox } = shared;
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  for (let n = 1; n <= 10; n += 1) {
    const worker = start({ calls: 50 });
    await eventually(async () => (await received(sandbox, 'get')) === n * 32);
    await worker.terminate();
  }
  await sandbox.admin('DELETE', 'faults');
  const client = sandbox.client();
  assert.equal((await client.getLinked('SANDBOX-TOKEN-3')).length, 6);
});

test('answers that arrive while a worker thread is terminated do no harm', async () => {
  const ran = await run('terminate.js', [shared.sandbox.url]);
  assert.deepEqual(ran, { code: 0, signal: null, stdout: 'survived\n', stderr: '' });
});
