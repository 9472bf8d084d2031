'use strict';

/**
 * Loads the native part of the package. It is in `prebuilds`, in a folder for each platform.
 */

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread } = require('node:worker_threads');

const FOLDER = join(__dirname, '..', 'prebuilds');

function load() {
  const platform = `${process.platform}-${process.arch}`;
  const file = join(FOLDER, platform, 'wxlink.node');
  if (!existsSync(file)) {
    throw new Error(
      `wxlink: this package has no binary for ${platform}: ` +
        'build one in a checkout, with bindings/node/build.sh --release',
    );
  }
  return require(file);
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
