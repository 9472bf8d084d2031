'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { run, useSandbox } = require('./support.js');

const shared = useSandbox();

// Less than a kilobyte for each call.
const MAX_GROWTH_BYTES = 8_000_000;

test('nothing leaks over 10,000 calls', async () => {
  const { url } = shared.sandbox;
  const ran = await run('leak.js', [url, 'calls'], { flags: ['--expose-gc'] });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  const { before, after } = JSON.parse(ran.stdout);
  assert.ok(after.files <= before.files, ran.stdout);
  assert.ok(after.threads <= before.threads, ran.stdout);
  assert.deepEqual(after.resources, before.resources);
  assert.ok(after.bytes - before.bytes < MAX_GROWTH_BYTES, ran.stdout);
});

test('clients that are not closed are collected with their connections and threads', async () => {
  const { url } = shared.sandbox;
  const ran = await run('leak.js', [url, 'clients'], { flags: ['--expose-gc'] });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  const { before, during, after } = JSON.parse(ran.stdout);
  assert.ok(during.files > before.files && during.threads > before.threads, ran.stdout);
  assert.ok(after.files <= before.files && after.threads <= before.threads, ran.stdout);
});
