'use strict';

/* Terminates worker threads while answers arrive. A crash would end the process. */

const { once } = require('node:events');
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

const baseUrl = process.argv[2];

async function main() {
  for (let n = 0; n < 20; n += 1) {
    const workerData = { baseUrl, calls: 20, isEndless: true };
    const worker = new Worker(join(__dirname, 'worker.js'), { workerData });
    await once(worker, 'message');
    await worker.terminate();
  }
  console.log('survived');
}

main();
