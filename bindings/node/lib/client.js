'use strict';

const {
  checkBytes,
  checkConcurrency,
  checkFlag,
  checkObject,
  checkReturnedToken,
  checkSignal,
  checkText,
  checkToken,
  checkWait,
} = require('./arguments.js');
const { TokenError, beforeCall, markAborted } = require('./errors.js');
const { native, read } = require('./native.js');
const { observed } = require('./observe.js');
const { asTexts } = require('./options.js');
const {
  LinkList,
  LinkProgress,
  Response,
  acceptedPush,
  statsIn,
  successIn,
} = require('./results.js');
const { onAbort } = require('./signals.js');

/** The constructor's first argument for a client that shares the connections of another. */
const DERIVED = Symbol('derived');

let lastCall = 0;

/** A native handle; throws the error of the outcome that is returned in its place. */
function opened(handle) {
  return typeof handle === 'string' ? read({ json: handle }) : handle;
}

/** `index.d.ts` documents the class. */
class Client {
  #handle;
  #lang;

  constructor(options = {}, handle, lang) {
    if (options === DERIVED) {
      this.#handle = handle;
      this.#lang = lang;
      return;
    }
    checkObject('options', options);
    const { maxConcurrency = 32, ...others } = options;
    checkConcurrency(maxConcurrency);
    this.#handle = opened(native.open(asTexts(others), maxConcurrency));
    this.#lang = others.lang ?? 'en';
  }

  derive(options) {
    checkObject('options', options);
    this.#checkOpen();
    const handle = opened(this.#handle.derive(asTexts(options)));
    return new Client(DERIVED, handle, options.lang ?? this.#lang);
  }

  account(appid) {
    checkText('appid', appid);
    return this.derive({ account: appid });
  }

  close() {
    this.#handle.close();
  }

  stats() {
    this.#checkOpen();
    return statsIn(read({ json: this.#handle.stats() }));
  }

  async setTicket(ticket, { signal } = {}) {
    checkText('ticket', ticket);
    await this.#call('setTicket', signal, (id) => this.#handle.setTicket(id, ticket));
  }

  async addAccount(appid, refreshToken, { signal } = {}) {
    checkText('appid', appid);
    checkText('refreshToken', refreshToken);
    await this.#call('addAccount', signal, (id) =>
      this.#handle.addAccount(id, appid, refreshToken),
    );
  }

  async acceptPush(query, body, { signal } = {}) {
    checkText('query', query);
    checkBytes('body', body);
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return this.#call(
      'acceptPush',
      signal,
      (id) => this.#handle.acceptPush(id, query, bytes),
      acceptedPush,
    );
  }

  async authorizationUrl(redirectUri, { account = null, signal } = {}) {
    checkText('redirectUri', redirectUri);
    if (account !== null) {
      checkText('account', account);
    }
    return this.#call(
      'authorizationUrl',
      signal,
      (id) => this.#handle.authorizationUrl(id, redirectUri, account),
      successIn,
    );
  }

  async acceptAuthorization(code, { signal } = {}) {
    checkText('code', code);
    return this.#call(
      'acceptAuthorization',
      signal,
      (id) => this.#handle.acceptAuthorization(id, code),
      successIn,
    );
  }

  async accountInfo(appid, { signal } = {}) {
    checkText('appid', appid);
    return this.#call(
      'accountInfo',
      signal,
      (id) => this.#handle.accountInfo(id, appid),
      successIn,
    );
  }

  async linkMiniprogram(accessToken, appid, options) {
    checkText('appid', appid);
    checkObject('options', options);
    const { notifyUsers, showProfile, signal } = options;
    checkFlag('notifyUsers', notifyUsers);
    checkFlag('showProfile', showProfile);
    return this.#withToken(
      'linkMiniprogram',
      accessToken,
      signal,
      (id, token) => this.#handle.linkMiniprogram(id, token, appid, notifyUsers, showProfile),
      (fields, body) => new Response(fields, body),
    );
  }

  async getLinked(accessToken = null, { signal } = {}) {
    return this.#withToken(
      'getLinked',
      accessToken,
      signal,
      (id, token) => this.#handle.getLinked(id, token),
      (fields, body) => new LinkList(fields, body),
    );
  }

  async unlinkMiniprogram(accessToken, appid, { signal } = {}) {
    checkText('appid', appid);
    return this.#withToken(
      'unlinkMiniprogram',
      accessToken,
      signal,
      (id, token) => this.#handle.unlinkMiniprogram(id, token, appid),
      (fields, body) => new Response(fields, body),
    );
  }

  async ensureLinked(accessToken, appid, options) {
    checkText('appid', appid);
    checkObject('options', options);
    const { notifyUsers, showProfile, waitMs = 0, signal } = options;
    checkFlag('notifyUsers', notifyUsers);
    checkFlag('showProfile', showProfile);
    checkWait('waitMs', waitMs);
    return this.#withToken(
      'ensureLinked',
      accessToken,
      signal,
      (id, token) =>
        this.#handle.ensureLinked(id, token, appid, notifyUsers, showProfile, waitMs),
      (fields) => new LinkProgress(fields),
    );
  }

  async waitLinked(accessToken, appidOrGhId, options) {
    checkText('appidOrGhId', appidOrGhId);
    checkObject('options', options);
    const { waitMs, signal } = options;
    checkWait('waitMs', waitMs);
    return this.#withToken(
      'waitLinked',
      accessToken,
      signal,
      (id, token) => this.#handle.waitLinked(id, token, appidOrGhId, waitMs),
      (fields) => new LinkProgress(fields),
    );
  }

  #checkOpen() {
    if (this.#handle.isClosed) {
      throw this.#cancelled(
        'the client is closed; nothing was sent. Create another one',
        '客户端已关闭；未发送任何请求。请新建客户端',
      );
    }
  }

  /** Refuses a call whose signal was aborted before. */
  #checkSignal(signal) {
    checkSignal(signal);
    if (signal?.aborted) {
      throw this.#aborted(signal);
    }
  }

  /** The error of a call that was aborted before it started. */
  #aborted(signal) {
    const error = this.#cancelled(
      'the signal was aborted before the call; nothing was sent',
      '调用前信号已中止；未发送任何请求',
    );
    return markAborted(error, signal);
  }

  /** Waits for a token, or until the signal is aborted. */
  #token(returned, signal) {
    if (!signal) {
      return returned;
    }
    return new Promise((resolve, reject) => {
      const withdraw = onAbort(signal, () => reject(this.#aborted(signal)));
      Promise.resolve(returned).then(resolve, reject).finally(withdraw);
    });
  }

  #cancelled(english, chinese) {
    return beforeCall('CANCELLED', this.#lang === 'zh' ? chinese : english);
  }

  /** Calls, and once again with a new token if WeChat refused one that a function returned. */
  async #withToken(name, accessToken, signal, start, success) {
    checkToken(accessToken);
    const call = (token) => this.#call(name, signal, (id) => start(id, token), success);
    if (typeof accessToken !== 'function') {
      return call(accessToken ?? null);
    }
    const fetch = async () => {
      this.#checkOpen();
      this.#checkSignal(signal);
      return checkReturnedToken(await this.#token(accessToken(), signal));
    };
    try {
      return await call(await fetch());
    } catch (error) {
      if (!(error instanceof TokenError)) {
        throw error;
      }
    }
    return call(await fetch());
  }

  async #call(name, signal, start, success = () => undefined) {
    this.#checkOpen();
    this.#checkSignal(signal);
    return observed(name, () => this.#run(signal, start, success));
  }

  async #run(signal, start, success) {
    lastCall += 1;
    const id = lastCall;
    const withdraw = signal ? onAbort(signal, () => this.#handle.cancel(id)) : undefined;
    try {
      const outcome = await start(id);
      return success(read(outcome), outcome.body);
    } catch (error) {
      const isAborted = signal?.aborted && error.code === 'WX_E_CANCELLED';
      throw isAborted ? markAborted(error, signal) : error;
    } finally {
      withdraw?.();
    }
  }
}

if (Symbol.dispose !== undefined) {
  Object.defineProperty(Client.prototype, Symbol.dispose, { value: Client.prototype.close });
}

module.exports = { Client };
