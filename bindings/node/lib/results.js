'use strict';

const { native } = require('./native.js');

/** WeChat's response to a successful call. */
class Response {
  constructor(fields, body) {
    this.errcode = fields.errcode;
    this.errmsg = fields.errmsg;
    this.rid = fields.rid;
    this.httpStatus = fields.httpStatus;
    this.body = body;
    this.trace = fields.trace;
    Object.freeze(this);
  }

  json() {
    return JSON.parse(native.validJson(this.body));
  }
}

/** The mini programs that are linked to an Official Account or pending. */
class LinkList {
  constructor(fields, body) {
    this.items = Object.freeze(fields.items.map(frozenItem));
    this.response = new Response(fields.response, body);
    Object.freeze(this);
  }

  get length() {
    return this.items.length;
  }

  find(appidOrGhId) {
    const isSame = (id) => id !== null && id.trim() === appidOrGhId;
    return this.items.find((item) => isSame(item.appid) || isSame(item.username));
  }

  [Symbol.iterator]() {
    return this.items[Symbol.iterator]();
  }
}

/** The state of a link. */
class LinkProgress {
  #json;

  constructor(fields) {
    this.code = codeOf(fields.status);
    this.state = fields.state;
    this.linked = fields.state === 'linked';
    this.waitsFor = fields.waitsFor;
    this.posts = fields.posts;
    this.retryAfterMs = fields.retryAfterMs;
    this.item = fields.item && frozenItem(fields.item);
    this.message = fields.message;
    this.delivery = fields.delivery;
    this.trace = fields.trace;
    this.#json = fields.json;
    Object.freeze(this);
  }

  json() {
    return structuredClone(this.#json);
  }
}

function frozenItem(item) {
  Object.freeze(item.funcInfos);
  return Object.freeze(item);
}

/** The code of a status, as in the C interface. */
function codeOf(status) {
  return status === 'OK' ? 'WX_OK' : `WX_E_${status}`;
}

/**
 * The core's JSON with the names that JavaScript uses. The values of `kept` are not changed: their
 * names are WeChat's, or values themselves.
 */
function inCamelCase(value, kept = []) {
  if (Array.isArray(value)) {
    return value.map((element) => inCamelCase(element, kept));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const entries = Object.entries(value).map(([key, inner]) => [
    camelCase(key),
    kept.includes(key) ? inner : inCamelCase(inner, kept),
  ]);
  return Object.fromEntries(entries);
}

function camelCase(key) {
  return key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

/** A result of the core without the errcode, which is 0. */
function successIn(json, kept) {
  const { errcode: _, errmsg: __, ...fields } = json;
  return Object.freeze(inCamelCase(fields, kept));
}

function acceptedPush(json) {
  return successIn(json, ['fields']);
}

function statsIn(json) {
  const { endpoints, ...others } = json;
  const counted = Object.entries(endpoints).map(([endpoint, stats]) => {
    const outcomes = Object.entries(stats.outcomes).map(([name, calls]) => [codeOf(name), calls]);
    return [endpoint, { ...inCamelCase(stats), outcomes: Object.fromEntries(outcomes) }];
  });
  return Object.freeze({ ...successIn(others), endpoints: Object.fromEntries(counted) });
}

module.exports = {
  LinkList,
  LinkProgress,
  Response,
  acceptedPush,
  camelCase,
  codeOf,
  statsIn,
  successIn,
};
