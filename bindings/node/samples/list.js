'use strict';

/*
 * Lists the mini programs linked to an Official Account, and those on their way.
 *
 *     WXLINK_ACCESS_TOKEN=... node list.js
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0, 1 if the list could not be read, 2 after wrong arguments or options.
 */

const { ArgumentError, Client, LinkStatus, WxError } = require('wxlink');

const STATUS = {
  [LinkStatus.Linked]: 'linked',
  [LinkStatus.AwaitingMiniProgram]: "waiting for the mini program's administrator",
  [LinkStatus.Refused]: "refused by the mini program's administrator",
  [LinkStatus.AwaitingOfficialAccount]: "waiting for the Official Account's administrator",
};

function row(appid, username, status, nickname) {
  const columns = [
    (appid ?? '-').padEnd(18),
    (username ?? '-').padEnd(18),
    (status ?? '-').padEnd(48),
    nickname ?? '-',
  ];
  return `  ${columns.join('  ')}`;
}

async function main() {
  const token = process.env.WXLINK_ACCESS_TOKEN;
  if (token === undefined) {
    console.error('usage: WXLINK_ACCESS_TOKEN=... node list.js');
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
  let list;
  try {
    list = await client.getLinked(token);
  } catch (error) {
    if (!(error instanceof WxError)) throw error;
    console.error(error.message);
    return 1;
  }
  console.log(row('APPID', 'ORIGINAL ID', 'STATUS', 'NAME'));
  for (const { appid, username, status, nickname } of list) {
    console.log(row(appid, username, STATUS[status] ?? status?.toString(), nickname));
  }
  if (list.length === 0) {
    console.log('  (none)');
  }
  return 0;
}

main().then((code) => {
  process.exitCode = code;
});
