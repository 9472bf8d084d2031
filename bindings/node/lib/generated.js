// Written by `make generate`; do not edit.
'use strict';

/** The numbers of the statuses. */
exports.STATUS_NUMBERS = {
  OK: 0,
  NULL_POINTER: -1,
  NOT_UTF8: -2,
  BAD_VALUE: -3,
  BAD_OPTION: -4,
  BUFFER: -5,
  NOT_FOUND: -6,
  BAD_PUSH: -7,
  RESOLVE: -20,
  CONNECT: -21,
  TLS: -22,
  PROXY: -23,
  TIMEOUT_UNSENT: -24,
  NO_TOKEN: -25,
  STORE: -26,
  TIMEOUT: -40,
  CONNECTION_LOST: -41,
  IN_DOUBT: -42,
  BAD_ANSWER: -60,
  TOO_LARGE: -61,
  API: -70,
  PENDING: -80,
  DECLINED: -81,
  VANISHED: -82,
  CANCELLED: -90,
  FORKED: -91,
  INTERNAL: -99,
};

exports.LinkStatus = Object.freeze({
  Linked: 1,
  AwaitingMiniProgram: 2,
  Refused: 3,
  AwaitingOfficialAccount: 12,
});

/** The options: their names here and in the core, and the kinds of value. */
exports.OPTIONS = [
  { name: 'baseUrl', key: 'base_url', kind: 'urls' },
  { name: 'timeoutMs', key: 'timeout_ms', kind: 'milliseconds' },
  { name: 'connectTimeoutMs', key: 'connect_timeout_ms', kind: 'milliseconds' },
  { name: 'maxRetries', key: 'max_retries', kind: 'number' },
  { name: 'settleMs', key: 'settle_ms', kind: 'milliseconds' },
  { name: 'reinvite', key: 'reinvite', kind: 'flag' },
  { name: 'keepAliveMs', key: 'keep_alive_ms', kind: 'milliseconds' },
  { name: 'proxy', key: 'proxy', kind: 'text' },
  { name: 'caFile', key: 'ca_file', kind: 'path' },
  { name: 'trust', key: 'trust', kind: 'text' },
  { name: 'userAgent', key: 'user_agent', kind: 'text' },
  { name: 'maxResponseBytes', key: 'max_response_bytes', kind: 'number' },
  { name: 'lang', key: 'lang', kind: 'text' },
  { name: 'account', key: 'account', kind: 'text' },
  { name: 'accessToken', key: 'access_token', kind: 'text' },
  { name: 'tokenCommand', key: 'token_command', kind: 'text' },
  { name: 'componentAppid', key: 'component_appid', kind: 'text' },
  { name: 'componentAppsecret', key: 'component_appsecret', kind: 'text' },
  { name: 'pushToken', key: 'push_token', kind: 'text' },
  { name: 'pushAesKey', key: 'push_aes_key', kind: 'text' },
  { name: 'store', key: 'store', kind: 'text' },
];
