'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');

const { useSandbox } = require('./support.js');

const shared = useSandbox();
const root = join(__dirname, '..');
const tsc = require.resolve('typescript/bin/tsc');

const CALL = `
const client = new Client({ baseUrl: process.env.WXLINK_BASE_URL });
client.getLinked('SANDBOX-TOKEN-3').then((list) => console.log(list.length));
`;
const PROGRAMS = {
  'required.cjs': `const { Client } = require('wxlink');${CALL}`,
  'imported.mjs': `import { Client } from 'wxlink';${CALL}`,
  'typed.mts': `import { Client } from 'wxlink';\nconst client: Client = new Client();\nclient;\n`,
  'typed.cts': `import { Client } from 'wxlink';\nconst client: Client = new Client();\nclient;\n`,
};

test('the packed package is installed into a clean project and runs there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wxlink-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const env = { ...process.env, WXLINK_BASE_URL: shared.sandbox.url };
  const execute = async (...command) => {
    const done = await promisify(execFile)(command[0], command.slice(1), { cwd: folder, env });
    return done.stdout;
  };
  const packed = await execute('npm', 'pack', '--json', '--pack-destination', folder, root);
  const [{ filename, files }] = JSON.parse(packed);
  const platform = `${process.platform}-${process.arch}`;
  const paths = files.map(({ path }) => path);
  for (const path of ['index.js', 'index.d.ts', `prebuilds/${platform}/wxlink.node`]) {
    assert.ok(paths.includes(path), path);
  }
  const extra = paths.filter((path) => /^(tests|samples|src|node_modules|\.)|\.sh$/.test(path));
  assert.deepEqual(extra, []);

  writeFileSync(join(folder, 'package.json'), '{"name": "shop", "private": true}');
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), text);
  }
  // It has no dependencies, so no registry is needed.
  await execute('npm', 'install', '--offline', '--no-audit', '--no-fund', `./${filename}`);
  assert.equal(await execute(process.execPath, 'required.cjs'), '6\n');
  assert.equal(await execute(process.execPath, 'imported.mjs'), '6\n');
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  await execute(
    ...[process.execPath, tsc, '--strict', '--noEmit', '--module', 'node16', ...types],
    ...['typed.mts', 'typed.cts'],
  );
});
