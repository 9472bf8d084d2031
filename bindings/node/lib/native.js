'use strict';

/**
 * Loads the native part of the package. It is in `prebuilds`, in a folder for each platform.
 */

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread } = require('node:worker_threads');

const { cpu } = require('../package.json');

const FOLDER = join(__dirname, '..', 'prebuilds');
const SUPPORTED = `Linux with glibc on ${cpu.join(' and ')}`;

/** Whether this Node uses glibc. The report takes a while: it is made only after a failure. */
function usesGlibc() {
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}

function load() {
  const platform = `${process.platform}-${process.arch}`;
  const file = join(FOLDER, platform, 'wxlink.node');
  if (!existsSync(file)) {
    const remedy =
      process.platform === 'linux'
        ? 'build one in a checkout of wxlink, with bindings/node/build.sh --release'
        : `wxlink for Node supports ${SUPPORTED}`;
    throw new Error(`wxlink: this package has no library for ${platform}: ${remedy}`);
  }
  try {
    return require(file);
  } catch (error) {
    if (usesGlibc()) {
      throw error;
    }
    throw new Error(
      'wxlink: the library in this package needs glibc, which this system (such as Alpine) does ' +
        `not have: use ${SUPPORTED}, such as Debian`,
      { cause: error },
    );
  }
}

const native = load();

if (isMainThread) {
  // WeChat may have replaced a refresh token, and the new one must be stored.
  process.on('exit', () => native.finishTokenFetches());
}

/**
 * Reads how a call of the native part ended. Throws its error.
 *
 * @param {{ json: string, body?: Buffer }} outcome
 */
function read(outcome) {
  const { value, error } = JSON.parse(outcome.json);
  if (error !== undefined) {
    // Required here, because errors.js requires results.js, which requires this file.
    throw require('./errors.js').fromNative(error, outcome.body);
  }
  return value;
}

module.exports = { native, read };
