'use strict';

const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { test } = require('node:test');

const { Client } = require('wxlink');
const { eventually, received, run, useSandbox } = require('./support.js');

const shared = useSandbox();

test('a process ends by itself when nothing is pending', async () => {
  const ran = await run('exit.js', [shared.sandbox.url, 'idle']);
  assert.deepEqual(ran, { code: 0, signal: null, stdout: 'called\n', stderr: '' });
});

test('a process does not end while a call is pending', async () => {
  await shared.sandbox.fault({ delay_ms: 300 }, { endpoint: 'get' });
  const ran = await run('exit.js', [shared.sandbox.url, 'pending']);
  assert.deepEqual(ran, { code: 0, signal: null, stdout: 'exiting\nanswered\n', stderr: '' });
});

for (const [how, code] of [
  ['process.exit', 3],
  ['exception', 1],
]) {
  test(`${how} during calls ends the process`, async () => {
    const { sandbox } = shared;
    await sandbox.fault('hang', { endpoint: 'get', always: true });
    const ran = await run('exit.js', [sandbox.url, how], {
      whileItRuns: async (child) => {
        await eventually(async () => (await received(sandbox, 'get')) === 20);
        child.stdin.end('\n');
      },
    });
    assert.deepEqual([ran.code, ran.signal], [code, null]);
    assert.equal(ran.stderr.includes('the reason to end'), how === 'exception');
  });
}

for (const how of ['aborted', 'process.exit']) {
  test(`the end waits for a token that is being renewed (${how})`, async (t) => {
    const { sandbox } = shared;
    const folder = mkdtempSync(join(tmpdir(), 'wxlink-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const store = `file:${folder}/tokens`;
    // A refresh token is refused once it was used.
    await sandbox.admin('POST', 'reset', {
      accounts: { [sandbox.account]: {} },
      component: {
        appid: 'wx0c00000000000001',
        appsecret: 'SECRET',
        ticket: 'TICKET',
        refresh: 'strict',
        authorizers: { [sandbox.account]: { refresh_token: 'REFRESH-1' } },
      },
    });
    await sandbox.fault({ delay_ms: 1500 }, { endpoint: 'authorizer_token' });
    const ran = await run('renew.js', [sandbox.url, store, how], {
      whileItRuns: async (child) => {
        await eventually(async () => (await received(sandbox, 'authorizer_token')) === 1);
        child.stdin.end('\n');
      },
    });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    // The token is in the store, and with it the new refresh token.
    const client = new Client({
      baseUrl: sandbox.url,
      componentAppid: 'wx0c00000000000001',
      componentAppsecret: 'SECRET',
      store,
    });
    assert.equal((await client.account(sandbox.account).getLinked()).length, 0);
    assert.equal(await received(sandbox, 'authorizer_token'), 1);
    client.close();
  });
}
