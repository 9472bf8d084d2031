'use strict';

/* Ends while an access token is being renewed. */

const { Client } = require('wxlink');

const [, , baseUrl, store, how] = process.argv;

async function main() {
  const client = new Client({
    baseUrl,
    componentAppid: 'wx0c00000000000001',
    componentAppsecret: 'SECRET',
    store,
    timeoutMs: 60_000,
  });
  await client.setTicket('TICKET');
  await client.addAccount('wx0a00000000000001', 'REFRESH-1');
  const controller = new AbortController();
  const { signal } = controller;
  const call = client.account('wx0a00000000000001').getLinked(null, { signal });
  process.stdin.once('data', () => {
    if (how === 'process.exit') {
      process.exit(0);
    }
    controller.abort();
    process.stdin.destroy();
  });
  await call.catch((error) => {
    if (error.name !== 'AbortError') throw error;
  });
}

main();
