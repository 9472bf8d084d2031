'use strict';

/* Makes calls in a worker thread, and reports the lengths of the lists. */

const { parentPort, workerData } = require('node:worker_threads');

const { Client } = require('wxlink');

const { baseUrl, calls, isEndless } = workerData;
const client = new Client({ baseUrl, timeoutMs: 600_000 });

async function round() {
  const lists = await Promise.all(
    Array.from({ length: calls }, () => client.getLinked('SANDBOX-TOKEN-3')),
  );
  return lists.map((list) => list.length);
}

async function main() {
  do {
    parentPort.postMessage(await round());
  } while (isEndless);
}

main();
