'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const wxlink = require('wxlink');
const { native } = require('../lib/native.js');
const { OPTIONS } = require('../lib/generated.js');
const { QUIET, received, useSandbox } = require('./support.js');

const shared = useSandbox();

const PLATFORM = {
  componentAppid: 'wx0c00000000000001',
  componentAppsecret: 'SANDBOX-COMPONENT-SECRET',
};

test('the story of a link', async () => {
  const { sandbox } = shared;
  const { token, appid } = sandbox;
  const client = sandbox.client();
  const answer = await client.linkMiniprogram(token, appid, QUIET);
  assert.ok(answer instanceof wxlink.Response);
  assert.deepEqual([answer.errcode, answer.httpStatus], [0, 200]);
  assert.deepEqual(answer.json(), JSON.parse(answer.body.toString()));
  assert.equal(JSON.parse(answer.trace).endpoint, 'link');

  const again = client.linkMiniprogram(token, appid, QUIET);
  const error = await again.catch((caught) => caught);
  assert.ok(error instanceof wxlink.PendingError && error instanceof wxlink.ApiError);
  assert.equal(error.constructor, wxlink.PendingError);
  assert.equal(error.name, 'PendingError');
  assert.deepEqual(
    [error.code, error.errno, error.delivery, error.endpoint, error.httpStatus],
    ['WX_E_API', -70, 'answered', 'link', 200],
  );
  assert.deepEqual(
    [error.errcode, error.errcodeName, error.errorClass, error.retryable],
    [89010, 'LINK_MESSAGE_SENT', 'pending', false],
  );
  assert.ok(error.rid && error.message.includes(error.rid));
  assert.ok(error.remedy && error.message.includes(error.remedy));
  assert.equal(JSON.parse(error.body.toString()).errcode, 89010);
  assert.equal(error.progress, null);

  for (const [by, status] of [
    ['official_account', wxlink.LinkStatus.AwaitingMiniProgram],
    ['mini_program', wxlink.LinkStatus.Linked],
  ]) {
    await sandbox.approve(appid, { by });
    const list = await client.getLinked(token);
    assert.deepEqual(
      list.items.map((item) => item.status),
      [status],
    );
  }

  await client.unlinkMiniprogram(token, appid);
  await assert.rejects(client.unlinkMiniprogram(token, appid), { errcode: 89018 });
  await sandbox.approve(appid, { by: 'official_account' });
  assert.equal((await client.getLinked(token)).length, 0);
});

test('a list has typed items', async () => {
  const list = await shared.sandbox.client().getLinked('SANDBOX-TOKEN-3');
  assert.ok(list instanceof wxlink.LinkList);
  assert.equal(list.length, 6);
  assert.deepEqual([...list], [...list.items]);
  const refused = list.items.find((item) => item.status === wxlink.LinkStatus.Refused);
  assert.equal(refused.appid, null);
  assert.equal(list.find(refused.username), refused);
  assert.equal(list.find('wx-unknown'), undefined);
  const [first] = list;
  const [raw] = list.response.json().wxopens.items;
  assert.deepEqual([first.nickname, first.headimgUrl], [raw.nickname, raw.headimg_url]);
  assert.equal(list.find(first.appid), first);
  assert.ok(first.funcInfos.length > 0);
  assert.deepEqual(Object.keys(first.funcInfos[0]).sort(), ['id', 'name', 'status']);
  assert.throws(() => {
    first.status = 2;
  }, TypeError);
});

test('ensure and wait', async () => {
  const { sandbox } = shared;
  const { token, appid } = sandbox;
  const client = sandbox.client();
  const invited = await client.ensureLinked(token, appid, QUIET);
  assert.ok(invited instanceof wxlink.LinkProgress);
  assert.deepEqual(
    [invited.state, invited.waitsFor, invited.posts, invited.linked, invited.code],
    ['pending', 'official_account', 1, false, 'WX_E_PENDING'],
  );
  assert.deepEqual([invited.delivery, invited.retryAfterMs], ['answered', 0]);
  assert.match(invited.message, /administrator/);
  assert.deepEqual(invited.item, (await client.getLinked(token)).find(appid));
  assert.equal(invited.item.status, wxlink.LinkStatus.AwaitingOfficialAccount);
  assert.equal(invited.json().waits_for, 'official_account');

  await sandbox.approve(appid, { by: 'official_account' });
  const waiting = client.waitLinked(token, appid, { waitMs: 60_000 });
  await sandbox.approve(appid, { by: 'mini_program' });
  const linked = await waiting;
  assert.deepEqual(
    [linked.state, linked.linked, linked.code, linked.message, linked.posts],
    ['linked', true, 'WX_OK', '', 0],
  );
  assert.equal((await sandbox.counts()).processed.link, 1);
});

test('a failed ensure shows what it knows', async () => {
  const { sandbox } = shared;
  await sandbox.fault({ errcode: { code: 42001 } }, { endpoint: 'link' });
  const failed = sandbox.client().ensureLinked(sandbox.token, sandbox.appid, QUIET);
  const error = await failed.catch((caught) => caught);
  assert.equal(error.constructor, wxlink.TokenError);
  assert.ok(error.progress instanceof wxlink.LinkProgress);
  assert.equal(error.progress.posts, 1);
});

for (const [errcode, kind, retryable] of [
  [89015, 'PendingError', false],
  [42001, 'TokenError', true],
  [-1, 'BusyError', true],
  [45009, 'QuotaError', true],
  [89245, 'ActionRequiredError', false],
  [40013, 'InvalidRequestError', false],
  [77777, 'ApiError', false],
]) {
  test(`the class of errcode ${errcode} is ${kind}`, async () => {
    const { sandbox } = shared;
    await sandbox.fault({ errcode: { code: errcode } }, { endpoint: 'link' });
    const call = sandbox.client().linkMiniprogram(sandbox.token, sandbox.appid, QUIET);
    const error = await call.catch((caught) => caught);
    assert.equal(error.constructor, wxlink[kind]);
    assert.deepEqual([error.errcode, error.retryable], [errcode, retryable]);
  });
}

for (const [fault, kind, code] of [
  [{ drop: 'reset' }, 'OutcomeUnknownError', 'WX_E_CONNECTION_LOST'],
  ['hang', 'OutcomeUnknownTimeoutError', 'WX_E_TIMEOUT'],
  ['garbage', 'BadAnswerError', 'WX_E_BAD_ANSWER'],
  [{ status: { code: 502 } }, 'BadAnswerError', 'WX_E_BAD_ANSWER'],
]) {
  test(`the class of the fault ${JSON.stringify(fault)} is ${kind}`, async () => {
    const { sandbox } = shared;
    await sandbox.fault(fault, { endpoint: 'link' });
    const client = sandbox.client({ timeoutMs: 500 });
    const call = client.linkMiniprogram(sandbox.token, sandbox.appid, QUIET);
    const error = await call.catch((caught) => caught);
    assert.equal(error.constructor, wxlink[kind]);
    assert.ok(error instanceof wxlink.OutcomeUnknownError);
    assert.deepEqual([error.code, error.delivery], [code, 'unknown']);
  });
}

test('a call that could not be sent has an error of its own', async () => {
  // Nothing listens on port 1.
  const client = new wxlink.Client({ baseUrl: 'http://127.0.0.1:1', maxRetries: 0 });
  const error = await client.getLinked('T').catch((caught) => caught);
  assert.equal(error.constructor, wxlink.NotSentError);
  assert.deepEqual([error.code, error.delivery], ['WX_E_CONNECT', 'never sent']);
});

test('no token is shown', async () => {
  const { sandbox } = shared;
  const secret = 'VERY-SECRET-TOKEN';
  const client = sandbox.client();
  await sandbox.fault({ errcode: { code: 40001, errmsg: `token ${secret} is invalid` } });
  const refused = await client.getLinked(secret).catch((caught) => caught);
  assert.equal(refused.constructor, wxlink.TokenError);
  await sandbox.fault({ body: { text: `<html>${secret}</html>` } });
  const unreadable = await client.getLinked(secret).catch((caught) => caught);
  assert.equal(unreadable.constructor, wxlink.BadAnswerError);
  for (const error of [refused, unreadable]) {
    const shown = [error.message, error.stack, inspect(error), JSON.stringify(error)];
    assert.ok(!shown.join().includes(secret), shown.join());
  }
  const client2 = sandbox.client({ accessToken: secret });
  assert.ok(!inspect(client2, { showHidden: true, depth: 10 }).includes(secret));
});

test('arguments of a wrong type reject with a TypeError that names them', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  const { token, appid } = sandbox;
  for (const [call, message] of [
    [() => client.linkMiniprogram(token, 1, QUIET), 'appid must be a string, not number'],
    [() => client.linkMiniprogram(token, appid), 'options must be an object, not undefined'],
    [
      () => client.linkMiniprogram(token, appid, { notifyUsers: 0, showProfile: true }),
      'notifyUsers must be a boolean, not number',
    ],
    [
      () => client.linkMiniprogram(token, appid, { notifyUsers: false }),
      'showProfile must be a boolean, not undefined',
    ],
    [
      () => client.getLinked(5),
      'accessToken must be a string, a function that returns one, or null, not number',
    ],
    [
      () => client.getLinked(() => 5),
      'the token that the function for accessToken returns must be a string, not number',
    ],
    [
      () => client.getLinked(token, { signal: {} }),
      'signal must be an AbortSignal, not object',
    ],
    [
      () => client.waitLinked(token, appid, { waitMs: '5' }),
      'waitMs must be a number of milliseconds, not string',
    ],
    [() => client.acceptPush('', 'text'), 'body must be a Buffer or a Uint8Array, not string'],
    [() => client.setTicket(), 'ticket must be a string, not undefined'],
  ]) {
    await assert.rejects(call(), { name: 'TypeError', message });
  }
  await assert.rejects(client.waitLinked(token, appid, { waitMs: -1 }), RangeError);
  assert.throws(() => sandbox.client({ timeoutMs: '5' }), {
    name: 'TypeError',
    message: 'timeoutMs must be a number, not string',
  });
  assert.throws(() => sandbox.client({ maxConcurrency: 0 }), RangeError);
  assert.equal((await sandbox.counts()).received.link, 0);
});

test('invalid values are argument errors', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  await assert.rejects(client.getLinked('a\nb'), (error) => {
    assert.equal(error.constructor, wxlink.ArgumentError);
    assert.deepEqual([error.code, error.errno], ['WX_E_BAD_VALUE', -3]);
    return true;
  });
  assert.throws(() => sandbox.client({ timeoutMs: 0 }), {
    constructor: wxlink.ArgumentError,
    code: 'WX_E_BAD_OPTION',
    message: /option timeoutMs takes a whole number from 1 to 3600000/,
  });
  assert.throws(() => sandbox.client({ timeout: 5 }), /unknown option timeout; .*timeoutMs\?/);
  assert.throws(() => sandbox.client({ lang: 'zh', base_url: '' }), /未知选项 base_url；/);
  assert.throws(() => sandbox.client({ colour: 1 }), /unknown option colour; expected one of/);
  // An option of the connections cannot be changed for a derived client.
  assert.throws(() => client.derive({ keepAliveMs: 5 }), {
    code: 'WX_E_BAD_OPTION',
    message: /keepAliveMs/,
  });
});

test('every option is accepted, and a wrong value of it is not', () => {
  const good = {
    baseUrl: ['http://127.0.0.1:1', 'http://127.0.0.1:2'],
    proxy: 'none',
    caFile: __filename,
    trust: 'bundled',
    userAgent: 'test',
    lang: 'zh',
    account: 'wx1',
    accessToken: 'T',
    tokenCommand: 'true',
    componentAppid: 'wx1',
    componentAppsecret: 'S',
    pushToken: 'T',
    pushAesKey: 'A'.repeat(43),
    store: 'memory',
  };
  const numbers = { milliseconds: 1000, number: 5, flag: true };
  for (const { name, kind } of OPTIONS) {
    const value = good[name] ?? numbers[kind];
    const build = () => new wxlink.Client({ [name]: name === 'maxResponseBytes' ? 2048 : value });
    if (['caFile', 'componentAppid', 'componentAppsecret'].includes(name)) {
      // Needs a certificate, or another option.
      assert.throws(build, wxlink.ArgumentError, name);
    } else {
      build();
    }
    assert.throws(() => new wxlink.Client({ [name]: Symbol('x') }), TypeError, name);
  }
  assert.throws(() => new wxlink.Client({ caFile: new URL('file:///no/such.pem') }), /such\.pem/);
});

test('messages in Chinese', async () => {
  const { sandbox } = shared;
  const client = sandbox.client({ lang: 'zh' });
  await assert.rejects(client.getLinked('SANDBOX-EXPIRED'), /微信/);
  client.close();
  await assert.rejects(client.getLinked(sandbox.token), /客户端已关闭/);
});

test('a token function is called again once', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  const tokens = ['SANDBOX-EXPIRED', sandbox.token];
  const list = await client.getLinked(async () => tokens.shift());
  assert.equal(list.length, 0);
  assert.equal(tokens.length, 0);

  let calls = 0;
  const expired = () => {
    calls += 1;
    return 'SANDBOX-EXPIRED';
  };
  await assert.rejects(client.getLinked(expired), wxlink.TokenError);
  assert.equal(calls, 2);
  const failure = new Error('no token today');
  const failing = client.getLinked(() => Promise.reject(failure));
  assert.equal(await failing.catch((caught) => caught), failure);
});

test('a platform gets its tokens', async () => {
  const { sandbox } = shared;
  const client = sandbox.client({ ...PLATFORM, account: sandbox.account });
  await assert.rejects(client.getLinked(), (error) => {
    assert.equal(error.constructor, wxlink.NotSentError);
    return /component_verify_ticket/.test(error.message);
  });
  await client.setTicket('REFUSED-TICKET');
  await assert.rejects(client.getLinked(), { constructor: wxlink.TicketError });
  await client.setTicket('SANDBOX-TICKET');
  await client.addAccount(sandbox.account, 'SANDBOX-REFRESH-1');
  assert.equal((await client.getLinked()).length, 0);
  const other = client.account('wx0a00000000000002');
  await other.linkMiniprogram(null, sandbox.appid, QUIET);
  assert.equal((await client.getLinked()).length, 0);
  assert.equal((await other.getLinked()).length, 1);

  const info = await client.accountInfo(sandbox.account);
  assert.deepEqual(Object.keys(info).sort(), [
    'account',
    'ghId',
    'kind',
    'mayLink',
    'name',
    'permissionSets',
    'serviceType',
    'status',
    'subject',
  ]);
  assert.deepEqual([info.account, info.kind, info.mayLink], [
    sandbox.account,
    'official_account',
    true,
  ]);
});

test('an account authorises a platform', async () => {
  const { sandbox } = shared;
  const client = sandbox.client(PLATFORM);
  await client.setTicket('SANDBOX-TICKET');
  const back = 'http://127.0.0.1:9000/back';
  const url = await client.authorizationUrl(back);
  assert.deepEqual(Object.keys(url).sort(), ['computerUrl', 'expiresIn', 'phoneUrl']);
  const only = await client.authorizationUrl(back, { account: sandbox.account });
  assert.match(only.computerUrl, /biz_appid=wx0a00000000000001/);
  const preAuthCode = new URL(url.computerUrl).searchParams.get('pre_auth_code');
  const { authorization_code: code } = await sandbox.admin('POST', 'authorizations', {
    account: sandbox.account,
    pre_auth_code: preAuthCode,
    redirect_uri: back,
  });
  const authorization = await client.acceptAuthorization(code);
  assert.equal(authorization.account, sandbox.account);
  assert.equal(authorization.mayLink, true);
  assert.ok(authorization.permissionSets.includes(33));
  assert.equal((await client.account(sandbox.account).getLinked()).length, 0);
});

test('pushes are accepted', async () => {
  const file = join(__dirname, '../../../tests/vectors/pushes.json');
  const { vectors } = JSON.parse(readFileSync(file, 'utf8'));
  const vector = vectors.find(({ expect }) => expect.status === 'OK');
  const options = Object.entries(vector.options).map(([key, value]) => [
    OPTIONS.find((option) => option.key === key).name,
    value,
  ]);
  const client = new wxlink.Client({
    ...Object.fromEntries(options),
    componentAppsecret: 'S',
  });
  // A part of a larger buffer.
  const body = new Uint8Array(Buffer.from(`..${vector.body}..`)).subarray(2, -2);
  const push = await client.acceptPush(vector.query, body);
  const { create_time: createTime, event, action, fields } = vector.expect.json;
  assert.deepEqual(
    [push.createTime, push.event, push.action, push.fields],
    [createTime, event, action, fields],
  );
  await assert.rejects(client.acceptPush(vector.query, body.subarray(1)), {
    constructor: wxlink.ArgumentError,
    code: 'WX_E_BAD_PUSH',
  });
});

test('a derived client shares the connections and has its own limits', async () => {
  const { sandbox } = shared;
  const client = sandbox.client();
  await client.getLinked(sandbox.token);
  const hasty = client.derive({ timeoutMs: 100 });
  await sandbox.fault('hang', { endpoint: 'get', always: true });
  await assert.rejects(hasty.getLinked(sandbox.token), { code: 'WX_E_TIMEOUT' });
  await sandbox.admin('DELETE', 'faults');
  await hasty.getLinked(sandbox.token);
  hasty.close();
  await assert.rejects(hasty.getLinked(sandbox.token), wxlink.CallCancelledError);
  await client.getLinked(sandbox.token);
  const stats = client.stats();
  assert.equal(stats.endpoints.get.calls, 4);
  assert.deepEqual(stats.endpoints.get.outcomes, { WX_OK: 3, WX_E_TIMEOUT: 1 });
  assert.deepEqual(Object.keys(stats.endpoints.get).sort(), [
    'calls',
    'deliveryUnknown',
    'latency',
    'outcomes',
    'retries',
  ]);
  assert.ok(stats.endpoints.get.latency.buckets[0].belowUs > 0);
  assert.deepEqual(Object.keys(stats).sort(), [
    'connections',
    'endpoints',
    'inDoubt',
    'since',
    'tokensFetched',
  ]);
  assert.ok(stats.connections.reused > 0);
});

test('errcodes are explained', () => {
  const found = wxlink.explain(89245, { endpoint: 'link' });
  assert.deepEqual([found.name, found.errorClass], ['LINKING_SWITCHED_OFF', 'action_required']);
  assert.match(wxlink.explain(40001, { lang: 'zh' }).remedy, /[\u4e00-\u9fff]/);
  assert.equal(wxlink.explain(123456789), null);
});

test('each call is published on the diagnostics channel without secrets', async () => {
  const { channel } = require('node:diagnostics_channel');
  const { sandbox } = shared;
  const client = sandbox.client();
  const messages = [];
  const listener = (message) => messages.push(message);
  channel('wxlink:call').subscribe(listener);
  try {
    await client.ensureLinked(sandbox.token, sandbox.appid, QUIET);
    await client.getLinked(sandbox.token);
    await client.getLinked('SANDBOX-EXPIRED').catch(() => {});
  } finally {
    channel('wxlink:call').unsubscribe(listener);
  }
  assert.deepEqual(
    messages.map(({ call, code, state, errcode }) => [call, code, state, errcode]),
    [
      ['ensureLinked', 'WX_E_PENDING', 'pending', undefined],
      ['getLinked', 'WX_OK', undefined, 0],
      ['getLinked', 'WX_E_API', undefined, 42001],
    ],
  );
  assert.ok(messages.every(({ durationMs, trace }) => durationMs >= 0 && trace));
  assert.ok(!/SANDBOX-(TOKEN|EXPIRED)/.test(JSON.stringify(messages)));
});

test('a damaged body is read with replacements', () => {
  const body = Buffer.from('{"errcode":0,"errmsg":"ok","x":"a\u0001\xff"}', 'latin1');
  assert.throws(() => JSON.parse(body.toString()));
  assert.match(JSON.parse(native.validJson(body)).x, /^a.*\ufffd$/);
});

test('requests reach the simulator once', async () => {
  const { sandbox } = shared;
  await sandbox.client().getLinked(sandbox.token);
  assert.equal(await received(sandbox, 'get'), 1);
});
