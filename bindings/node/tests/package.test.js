'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { cpSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, before, test } = require('node:test');
const { promisify } = require('node:util');

const { useSandbox } = require('./support.js');

const shared = useSandbox();
const root = join(__dirname, '..');
const tsc = require.resolve('typescript/bin/tsc');

const PLATFORM = `${process.platform}-${process.arch}`;
const TYPED = ['typed.mts', 'typed.cts'];
const CALL = `
const client = new Client({ baseUrl: process.argv[2] });
client.getLinked('SANDBOX-TOKEN-3').then((list) => console.log(list.length));
`;
const TYPED_PROGRAM = `
import { Client } from 'wxlink';
import { Sandbox } from 'wxlink/sandbox';
export async function first(client: Client, sandbox: Sandbox): Promise<Buffer> {
  await sandbox[Symbol.asyncDispose]();
  client[Symbol.dispose]();
  return (await client.getLinked()).response.body;
}
`;
const PROGRAMS = {
  'required.cjs': `const { Client } = require('wxlink');${CALL}`,
  'imported.mjs': `import { Client } from 'wxlink';${CALL}`,
  ...Object.fromEntries(TYPED.map((name) => [name, TYPED_PROGRAM])),
};

/** Programs that let a process take this platform for another one. */
const FOREIGN = {
  windows: "Object.defineProperty(process, 'platform', { value: 'win32' });",
  macos: "Object.defineProperty(process, 'platform', { value: 'darwin' });",
  riscv64: "Object.defineProperty(process, 'arch', { value: 'riscv64' });",
  // npm looks for the name of the C library in the program ldd, or in Node's report.
  musl: `
const fs = require('node:fs');
const { readFileSync } = fs;
fs.readFileSync = (file, ...more) =>
  file === '/usr/bin/ldd' ? 'musl libc' : readFileSync(file, ...more);
process.report.getReport = () => ({ header: {}, sharedObjects: ['/lib/ld-musl-x86_64.so.1'] });
`,
};

const folder = mkdtempSync(join(tmpdir(), 'wxlink-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs a command in the project. Rejects if it fails. */
async function execute(command, programArguments, env = process.env) {
  const done = await promisify(execFile)(command, programArguments, { cwd: folder, env });
  return done.stdout;
}

let tarball;
let paths;

/** Installs the package. It has no dependencies, so no registry is needed. */
function install(env) {
  return execute('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], env);
}

/** How a program that loads the package fails. */
async function loadFailure(preparation) {
  const program = `${preparation}; require('wxlink')`;
  const error = await execute(process.execPath, ['--eval', program]).catch((caught) => caught);
  return error.stderr;
}

before(async () => {
  const packed = await execute('npm', ['pack', '--json', '--pack-destination', folder, root]);
  const [{ filename, files }] = JSON.parse(packed);
  tarball = `./${filename}`;
  paths = files.map(({ path }) => path);
  writeFileSync(join(folder, 'package.json'), '{"name": "shop", "private": true}');
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, name), text);
  }
  await install();
});

test('the package contains what a user needs, and nothing else', () => {
  for (const path of ['README.md', 'index.js', 'index.d.ts', `prebuilds/${PLATFORM}/wxlink.node`]) {
    assert.ok(paths.includes(path), path);
  }
  const extra = paths.filter((path) => /^(tests|samples|src|node_modules|\.)|\.sh$/.test(path));
  assert.deepEqual(extra, []);
});

test('the package runs in a clean project', async () => {
  for (const program of ['required.cjs', 'imported.mjs']) {
    const printed = await execute(process.execPath, [program, shared.sandbox.url]);
    assert.equal(printed, '6\n', program);
  }
});

test('its types compile in a clean project, together with @types/node', async () => {
  const compile = () =>
    execute(process.execPath, [tsc, '--strict', '--noEmit', '--module', 'node16', ...TYPED]);
  const { stdout } = await compile().catch((error) => error);
  assert.match(stdout, /TS2688: Cannot find type definition file for 'node'/);
  for (const name of ['@types/node', 'undici-types']) {
    const place = join('node_modules', name);
    cpSync(join(root, place), join(folder, place), { recursive: true });
  }
  await compile();
});

test('npm refuses the package on platforms that it has no library for', async () => {
  const env = { ...process.env, NODE_OPTIONS: '--require ./foreign.cjs' };
  // As on Windows, npm would write paths that do not exist here.
  for (const name of ['macos', 'musl', 'riscv64']) {
    writeFileSync(join(folder, 'foreign.cjs'), FOREIGN[name]);
    await assert.rejects(install(env), { stderr: /EBADPLATFORM/ }, name);
  }
});

test('a package without a suitable library names those that it has', async () => {
  const supported = /wxlink for Node supports Linux with glibc on x64 and arm64/;
  const windows = await loadFailure(FOREIGN.windows);
  assert.match(windows, /this package has no library for win32-/);
  assert.match(windows, supported);
  assert.match(await loadFailure(FOREIGN.riscv64), /for linux-riscv64: build one in a checkout/);
  // A library that cannot be loaded, with glibc and without.
  const library = join(folder, 'node_modules/wxlink/prebuilds', PLATFORM, 'wxlink.node');
  writeFileSync(library, 'not a library');
  assert.match(await loadFailure(''), /wxlink\.node: (file too short|invalid ELF header)/);
  assert.match(await loadFailure(FOREIGN.musl), /needs glibc, which this system/);
});
