'use strict';

/**
 * Checks the types of arguments, so that a TypeError names the argument. It does not show the
 * value, which may be a secret.
 */

function kindOf(value) {
  return value === null ? 'null' : typeof value;
}

function fail(name, wanted, value) {
  throw new TypeError(`${name} must be ${wanted}, not ${kindOf(value)}`);
}

function checkText(name, value) {
  if (typeof value !== 'string') {
    fail(name, 'a string', value);
  }
}

/** Flags are never guessed from other types: one of them messages every follower. */
function checkFlag(name, value) {
  if (typeof value !== 'boolean') {
    fail(name, 'a boolean', value);
  }
}

function checkWait(name, value) {
  if (typeof value !== 'number') {
    fail(name, 'a number of milliseconds', value);
  }
  if (!(value >= 0 && value < Infinity)) {
    throw new RangeError(`${name} must be a number of milliseconds, 0 or more`);
  }
}

function checkBytes(name, value) {
  if (!(value instanceof Uint8Array)) {
    fail(name, 'a Buffer or a Uint8Array', value);
  }
}

function checkObject(name, value) {
  if (value === null || typeof value !== 'object') {
    fail(name, 'an object', value);
  }
}

function checkToken(value) {
  const isToken = value === null || value === undefined || typeof value === 'string';
  if (!isToken && typeof value !== 'function') {
    fail('accessToken', 'a string, a function that returns one, or null', value);
  }
}

function checkReturnedToken(value) {
  if (typeof value !== 'string') {
    fail('the token that the function for accessToken returns', 'a string', value);
  }
  return value;
}

function checkSignal(value) {
  if (value !== undefined && value !== null && !(value instanceof AbortSignal)) {
    fail('signal', 'an AbortSignal', value);
  }
}

function checkConcurrency(value) {
  if (!Number.isInteger(value)) {
    fail('maxConcurrency', 'a whole number', value);
  }
  if (value < 1 || value > 1024) {
    throw new RangeError('maxConcurrency must be a whole number from 1 to 1024');
  }
}

module.exports = {
  checkBytes,
  checkConcurrency,
  checkFlag,
  checkObject,
  checkReturnedToken,
  checkSignal,
  checkText,
  checkToken,
  checkWait,
  kindOf,
};
