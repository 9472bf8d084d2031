'use strict';

/* Ends in the way that its second argument names. */

const { Client } = require('wxlink');

const [, , baseUrl, how] = process.argv;
const client = new Client({ baseUrl, timeoutMs: 600_000 });

switch (how) {
  case 'idle':
    // Neither the client nor its idle thread and connection keep the process from ending.
    client.getLinked('SANDBOX-TOKEN').then(() => console.log('called'));
    break;
  case 'pending':
    client.getLinked('SANDBOX-TOKEN').then(() => console.log('answered'));
    console.log('exiting');
    break;
  default:
    for (let n = 0; n < 20; n += 1) {
      client.getLinked('SANDBOX-TOKEN');
    }
    process.stdin.once('data', () => {
      if (how === 'process.exit') {
        process.exit(3);
      }
      throw new Error('the reason to end');
    });
}
