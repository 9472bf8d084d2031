'use strict';

/**
 * Converts options to the texts of the core, which checks their values.
 */

const { fileURLToPath } = require('node:url');

const { kindOf } = require('./arguments.js');
const { beforeCall } = require('./errors.js');
const { OPTIONS } = require('./generated.js');
const { native } = require('./native.js');
const { camelCase } = require('./results.js');

/** Returns pairs of keys and values. */
function asTexts(options) {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`options must be an object, not ${kindOf(options)}`);
  }
  const isChinese = options.lang === 'zh';
  const pairs = [];
  for (const [name, value] of Object.entries(options)) {
    const option = OPTIONS.find((known) => known.name === name);
    if (option === undefined) {
      throw beforeCall('BAD_OPTION', unknown(name, isChinese));
    }
    if (value !== undefined && value !== null) {
      pairs.push([option.key, textOf(option, value)]);
    }
  }
  return pairs;
}

function unknown(name, isChinese) {
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const near = native.nearestOption(key);
  if (near) {
    const advice = camelCase(near);
    return isChinese
      ? `未知选项 ${name}；是否想写 ${advice}？`
      : `unknown option ${name}; do you mean ${advice}?`;
  }
  const all = OPTIONS.map((option) => option.name).join(', ');
  return isChinese
    ? `未知选项 ${name}；可用的选项有 ${all}`
    : `unknown option ${name}; expected one of ${all}`;
}

function textOf({ name, kind }, value) {
  switch (kind) {
    case 'milliseconds':
    case 'number':
      expect(typeof value === 'number', name, 'a number', value);
      return String(value);
    case 'flag':
      expect(typeof value === 'boolean', name, 'a boolean', value);
      return value ? 'yes' : 'no';
    case 'urls':
      if (Array.isArray(value)) {
        for (const url of value) {
          expect(typeof url === 'string', name, 'a string or an array of strings', url);
        }
        return value.join(',');
      }
      expect(typeof value === 'string', name, 'a string or an array of strings', value);
      return value;
    case 'path':
      if (value instanceof URL) {
        return fileURLToPath(value);
      }
      expect(typeof value === 'string', name, 'a string or a file: URL', value);
      return value;
    default:
      expect(typeof value === 'string', name, 'a string', value);
      return value;
  }
}

function expect(truth, name, wanted, value) {
  if (!truth) {
    throw new TypeError(`${name} must be ${wanted}, not ${kindOf(value)}`);
  }
}

module.exports = { asTexts };
