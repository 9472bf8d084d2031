'use strict';

/*
 * Links a mini program and decides by the class of the error what to do after a refusal.
 *
 *     WXLINK_ACCESS_TOKEN=... node refusal.js APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the mini program is linked or pending, 1 if an action is required, 2 after
 * invalid arguments or options, 3 if another token is needed, 4 if the call may be repeated later,
 * 5 if the outcome is unknown.
 */

const {
  ActionRequiredError,
  ArgumentError,
  BusyError,
  Client,
  InvalidRequestError,
  PendingError,
  QuotaError,
  TokenError,
  WxError,
} = require('wxlink');

async function link(client, token, appid) {
  try {
    await client.linkMiniprogram(token, appid, { notifyUsers: false, showProfile: true });
    return [0, 'done: the invitation is out'];
  } catch (error) {
    if (error instanceof PendingError) return [0, `done: ${error.message}`];
    if (error instanceof TokenError) {
      return [3, 'token: get another access token, then call again'];
    }
    if (error instanceof BusyError) return [4, 'busy: wait a little, then call again'];
    if (error instanceof QuotaError) return [4, 'quota: call again when it is renewed'];
    if (error instanceof ActionRequiredError) return [1, `action_required: ${error.message}`];
    if (error instanceof InvalidRequestError) return [1, `invalid_request: ${error.message}`];
    if (error instanceof WxError) return [5, `unknown: ${error.message}`];
    throw error;
  }
}

async function main() {
  const token = process.env.WXLINK_ACCESS_TOKEN;
  const [appid, ...others] = process.argv.slice(2);
  if (token === undefined || appid === undefined || others.length > 0) {
    console.error('usage: WXLINK_ACCESS_TOKEN=... node refusal.js APPID');
    return 2;
  }
  let client;
  try {
    client = new Client({ baseUrl: process.env.WXLINK_BASE_URL });
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    console.error(error.message);
    return 2;
  }
  const [code, words] = await link(client, token, appid);
  console.log(words);
  return code;
}

main().then((code) => {
  process.exitCode = code;
});
