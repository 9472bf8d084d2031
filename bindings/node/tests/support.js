'use strict';

/**
 * What several tests use.
 */

const { spawn } = require('node:child_process');
const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { after, before, beforeEach } = require('node:test');

const { Sandbox } = require('wxlink/sandbox');

const QUIET = { notifyUsers: false, showProfile: true };

/** A simulator for the tests of a file; each test starts with its initial state. */
function useSandbox(...programArguments) {
  const shared = { sandbox: undefined };
  before(async () => {
    shared.sandbox = await Sandbox.start(...programArguments);
  });
  beforeEach(() => shared.sandbox.reset());
  after(() => shared.sandbox.stop());
  return shared;
}

/** Waits until `isTrue` returns true. The runner's time limit ends a test that waits in vain. */
async function eventually(isTrue) {
  while (!(await isTrue())) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How many requests to an endpoint the simulator has received. */
async function received(sandbox, endpoint) {
  return (await sandbox.counts()).received[endpoint];
}

/** Runs a program of `tests/programs`. It gets what its callback writes to stdin. */
function run(name, programArguments, { flags = [], whileItRuns = async () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const file = join(__dirname, 'programs', name);
    const child = spawn(process.execPath, [...flags, file, ...programArguments]);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
    whileItRuns(child).catch((error) => {
      child.kill('SIGKILL');
      reject(error);
    });
  });
}

/** The number of threads of this process that make calls. */
function callThreads() {
  const names = readdirSync('/proc/self/task').map((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8');
    } catch {
      return ''; // It has ended.
    }
  });
  return names.filter((name) => name === 'wxlink-call\n').length;
}

/** The number of entries of a folder of /proc: threads (task) or open files (fd). */
function countInProc(folder) {
  return readdirSync(`/proc/self/${folder}`).length;
}

module.exports = { QUIET, callThreads, countInProc, eventually, received, run, useSandbox };
