'use strict';

/*
 * Makes the calls of the shared test vectors.
 *
 * Reads one request per line and prints one reply per line; tests/conformance.rs describes them.
 */

const { createInterface } = require('node:readline');

const wxlink = require('wxlink');
const { OPTIONS } = require('./lib/generated.js');
const { native } = require('./lib/native.js');

const FIELDS = {
  status: 'status',
  username: 'username',
  appid: 'appid',
  source: 'source',
  nickname: 'nickname',
  selected: 'selected',
  nearby_display_status: 'nearbyDisplayStatus',
  released: 'released',
  headimg_url: 'headimgUrl',
  copy_verify_status: 'copyVerifyStatus',
  email: 'email',
};

/** The option as the package takes it. */
function optionFrom(key, value) {
  const { name, kind } = OPTIONS.find((option) => option.key === key);
  if (kind === 'milliseconds' || kind === 'number') return [name, Number(value)];
  if (kind === 'flag') return [name, value === 'yes'];
  return [name, value];
}

function statusOf(code) {
  return code.replace(/^WX_(E_)?/, '');
}

/** The push with the names of the other languages. */
function pushJson(push) {
  const { createTime, ...others } = push;
  return JSON.stringify({ errcode: 0, errmsg: 'ok', create_time: createTime, ...others });
}

async function call(verb, fields) {
  const set = Object.entries(fields).filter(([key]) => key.startsWith('option.'));
  const client = new wxlink.Client(
    Object.fromEntries(set.map(([key, value]) => optionFrom(key.slice(7), value))),
  );
  const token = fields.access_token ?? '';
  const appid = fields.appid ?? '';
  const choices = {
    notifyUsers: fields.notify_users === '1',
    showProfile: fields.show_profile === '1',
  };
  const waitMs = Number(fields.wait_ms ?? 0);
  switch (verb) {
    case 'link':
      return client.linkMiniprogram(token, appid, choices);
    case 'get':
      return client.getLinked(token);
    case 'unlink':
      return client.unlinkMiniprogram(token, appid);
    case 'ensure':
      return client.ensureLinked(token, appid, { ...choices, waitMs });
    case 'wait':
      return client.waitLinked(token, appid, { waitMs });
    case 'push':
      return client.acceptPush(fields.query, Buffer.from(fields.body));
    default:
      throw new Error(`unknown verb ${verb}`);
  }
}

function* itemsOf(list) {
  yield ['items', list.length];
  for (const [i, item] of list.items.entries()) {
    for (const [field, name] of Object.entries(FIELDS)) {
      if (item[name] !== null) yield [`item.${i}.${field}`, item[name]];
    }
    yield [`item.${i}.func_infos`, item.funcInfos.length];
    for (const [j, info] of item.funcInfos.entries()) {
      for (const field of ['id', 'status', 'name']) {
        if (info[field] !== null) yield [`item.${i}.func_infos.${j}.${field}`, info[field]];
      }
    }
  }
}

function replyToError(error) {
  const reply = {
    status: statusOf(error.code),
    errcode: error.errcode ?? '',
    class: error.errorClass ?? '',
    delivery: error.delivery,
    http_status: error.httpStatus,
    rid: error.rid ?? '',
    message: error.message,
    body: error.body ?? '',
  };
  if (error.progress) {
    const { state, waitsFor, posts } = error.progress;
    Object.assign(reply, { state, waits_for: waitsFor, posts });
  }
  return reply;
}

function replyToResult(result) {
  const reply = {
    status: 'OK',
    errcode: 0,
    class: 'ok',
    delivery: 'answered',
    rid: '',
    message: '',
  };
  if (result instanceof wxlink.LinkProgress) {
    return {
      ...reply,
      status: statusOf(result.code),
      message: result.message,
      state: result.state,
      waits_for: result.waitsFor,
      posts: result.posts,
    };
  }
  if (result instanceof wxlink.LinkList) {
    Object.assign(reply, Object.fromEntries(itemsOf(result)));
  }
  const response = result instanceof wxlink.LinkList ? result.response : result;
  if (response instanceof wxlink.Response) {
    const { httpStatus, rid, body } = response;
    return { ...reply, http_status: httpStatus, rid, body };
  }
  return { ...reply, body: pushJson(result) };
}

async function replyTo(request) {
  const [verb, ...pairs] = request.split('\t');
  const fields = Object.fromEntries(
    pairs.map((pair) => {
      const split = pair.indexOf('=');
      return [pair.slice(0, split), decodeURIComponent(pair.slice(split + 1))];
    }),
  );
  if (verb === 'errcodes') {
    const found = wxlink.explain(Number(fields.errcode), { endpoint: fields.endpoint });
    if (found === null) return { status: 'NOT_FOUND' };
    const { name, errorClass, meaning, remedy } = found;
    return { status: 'OK', name, class: errorClass, meaning, remedy };
  }
  if (verb === 'option') {
    // Checked without a client: no file is read and nothing is connected.
    const { error } = JSON.parse(native.checkOption(fields.key, fields.value));
    return { status: error?.status ?? 'OK', message: error?.message ?? '' };
  }
  try {
    return replyToResult(await call(verb, fields));
  } catch (error) {
    if (!(error instanceof wxlink.WxError)) throw error;
    return replyToError(error);
  }
}

function encoded(value) {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 32 && byte <= 126 && byte !== 37;
    const hex = byte.toString(16).padStart(2, '0').toUpperCase();
    text += isPlain ? String.fromCharCode(byte) : `%${hex}`;
  }
  return text;
}

async function main() {
  for await (const request of createInterface({ input: process.stdin })) {
    const reply = Object.entries(await replyTo(request));
    console.log(reply.map(([key, value]) => `${key}=${encoded(value)}`).join('\t'));
  }
}

main();
