'use strict';

/*
 * Asks to unlink a mini program from an Official Account.
 *
 *     WXLINK_ACCESS_TOKEN=... node unlink.js APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or options.
 */

const { ArgumentError, Client, PendingError, WxError } = require('wxlink');

async function main() {
  const token = process.env.WXLINK_ACCESS_TOKEN;
  const [appid, ...others] = process.argv.slice(2);
  if (token === undefined || appid === undefined || others.length > 0) {
    console.error('usage: WXLINK_ACCESS_TOKEN=... node unlink.js APPID');
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
    await client.unlinkMiniprogram(token, appid);
    console.log("The Official Account's administrator has been asked.");
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
