'use strict';

/*
 * Links one mini program to an Official Account.
 *
 *     WXLINK_ACCESS_TOKEN=... node link.js APPID NOTIFY_USERS SHOW_PROFILE
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
 * options.
 */

const { ArgumentError, Client, PendingError, WxError } = require('wxlink');

const USAGE =
  'usage: WXLINK_ACCESS_TOKEN=... node link.js APPID NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)';

async function main() {
  const token = process.env.WXLINK_ACCESS_TOKEN;
  const [appid, notifyUsers, showProfile, ...others] = process.argv.slice(2);
  const isFlag = (text) => text === '0' || text === '1';
  const isComplete = isFlag(notifyUsers) && isFlag(showProfile) && others.length === 0;
  if (token === undefined || !isComplete) {
    console.error(USAGE);
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
  try {
    await client.linkMiniprogram(token, appid, {
      notifyUsers: notifyUsers === '1',
      showProfile: showProfile === '1',
    });
    console.log('The invitation is out.');
  } catch (error) {
    if (error instanceof PendingError) {
      console.log(error.message);
    } else if (error instanceof WxError) {
      console.error(error.message);
      return 1;
    } else {
      throw error;
    }
  }
  return 0;
}

main().then((code) => {
  process.exitCode = code;
});
