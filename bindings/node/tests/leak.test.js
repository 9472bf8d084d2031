'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { run, useSandbox } = require('./support.js');

const shared = useSandbox();

// 200 bytes for each call.
const MAX_GROWTH_BYTES = 2_000_000;

test('nothing leaks over 10,000 calls', async () => {
  const { url } = shared.sandbox;
  const ran = await run('leak.js', [url, 'calls'], { flags: ['--expose-gc'] });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  const { before, rounds, after } = JSON.parse(ran.stdout);
  assert.ok(after.files <= before.files, ran.stdout);
  // Memory comes and goes: the most of the first rounds is compared with the most of later ones.
  const growth = (what) => {
    const most = (some) => Math.max(...some.map((round) => round[what]));
    return most(rounds.slice(2)) - most(rounds.slice(0, 2));
  };
  assert.ok(growth('bytes') < MAX_GROWTH_BYTES, ran.stdout);
  assert.ok(growth('threads') <= 0, ran.stdout);
  assert.deepEqual(after.resources, before.resources);
});

test('clients that are not closed are collected with their connections and threads', async () => {
  const { url } = shared.sandbox;
  const ran = await run('leak.js', [url, 'clients'], { flags: ['--expose-gc'] });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  const { before, during, after } = JSON.parse(ran.stdout);
  assert.ok(during.files > before.files && during.threads > before.threads, ran.stdout);
  assert.ok(after.files <= before.files && after.threads <= before.threads, ran.stdout);
});
