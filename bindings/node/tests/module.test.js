'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { test } = require('node:test');

const root = join(__dirname, '..');

/** The names that a declaration file exports as values. */
function declaredValues(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const declared = text.matchAll(/^export declare (?:abstract )?(?:class|const|function) (\w+)/gm);
  const reexported = text.matchAll(/^export \{ (\w+) \} from/gm);
  return [...declared, ...reexported].map(([, name]) => name).sort();
}

for (const [name, file] of [
  ['wxlink', 'index.d.ts'],
  ['wxlink/sandbox', 'sandbox.d.ts'],
]) {
  test(`${name} has the same names for require, import and TypeScript`, async () => {
    const required = Object.keys(require(name)).sort();
    const imported = await import(name);
    assert.deepEqual(Object.keys(imported).sort(), required);
    assert.deepEqual(declaredValues(file), required);
    for (const key of required) {
      assert.equal(imported[key], require(name)[key]);
    }
  });
}

test('every property of an error and a result is declared', () => {
  const declarations = readFileSync(join(root, 'index.d.ts'), 'utf8');
  const sources = ['errors.js', 'results.js'].map((file) =>
    readFileSync(join(root, 'lib', file), 'utf8'),
  );
  const assigned = sources.join().matchAll(/this\.(\w+) = /g);
  for (const [, name] of assigned) {
    assert.match(declarations, new RegExp(`readonly ${name}: `), name);
  }
});

test('the versions of the package and the library agree', () => {
  const { version } = require('wxlink/package.json');
  assert.equal(version, require('wxlink').version);
});
