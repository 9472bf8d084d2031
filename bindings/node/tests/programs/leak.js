'use strict';

/* Prints what the process holds before and after many calls or many clients. */

const { Client } = require('wxlink');
const { countInProc } = require('../support.js');

const [, , baseUrl, what] = process.argv;
const TOKEN = 'SANDBOX-TOKEN-3';

function held() {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return {
    files: countInProc('fd'),
    threads: countInProc('task'),
    resources: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').sort(),
    // V8 takes more memory than it uses, in large steps.
    bytes: rss - heapTotal + heapUsed,
  };
}

/** Lets finalizers run. */
async function collect() {
  for (let n = 0; n < 5; n += 1) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
}

async function batch(client, size) {
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: size }, (_, n) => {
    switch (n % 4) {
      case 0:
        return client.getLinked(TOKEN);
      case 1:
        return client.getLinked('SANDBOX-EXPIRED').catch((error) => error);
      case 2:
        return client.derive({ timeoutMs: 5000 }).waitLinked(TOKEN, 'wx1', { waitMs: 0 });
      default:
        return client.getLinked(TOKEN, { signal }).catch((error) => error);
    }
  });
  controller.abort();
  return Promise.all(calls);
}

async function manyCalls() {
  const used = async (rounds) => {
    const client = new Client({ baseUrl, maxConcurrency: 16 });
    const after = [];
    for (let round = 0; round < rounds; round += 1) {
      for (let calls = 0; calls < 2500; calls += 100) {
        await batch(client, 100);
      }
      await collect();
      after.push(held());
    }
    client.close();
    return after;
  };
  await used(1);
  await settled(() => false, 20);
  const before = held();
  const rounds = await used(5);
  await settled((now) => now.files <= before.files, 2000);
  return { before, rounds, after: held() };
}

async function manyClients() {
  const started = async (count) => {
    const clients = Array.from({ length: count }, () => new Client({ baseUrl }));
    await Promise.all(clients.map((client) => client.getLinked(TOKEN)));
    // Uses the clients, so that none was collected before.
    const calls = clients.map((client) => client.stats().endpoints.get.calls);
    return { ...held(), calls };
  };
  (await started(1)).calls;
  await settled(() => false, 20);
  const before = held();
  const during = await started(50);
  await settled((now) => now.files <= before.files && now.threads <= before.threads, 2000);
  return { before, during, after: held() };
}

async function settled(isDone, rounds) {
  for (let n = 0; n < rounds && !isDone(held()); n += 1) {
    await collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

(what === 'calls' ? manyCalls() : manyClients()).then((result) => {
  console.log(JSON.stringify(result));
});
