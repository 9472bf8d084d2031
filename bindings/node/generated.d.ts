// Written by `make generate`; do not edit.

/** How a call ended. */
export type ErrorCode =
  | 'WX_OK'
  | 'WX_E_NULL_POINTER'
  | 'WX_E_NOT_UTF8'
  | 'WX_E_BAD_VALUE'
  | 'WX_E_BAD_OPTION'
  | 'WX_E_BUFFER'
  | 'WX_E_NOT_FOUND'
  | 'WX_E_BAD_PUSH'
  | 'WX_E_RESOLVE'
  | 'WX_E_CONNECT'
  | 'WX_E_TLS'
  | 'WX_E_PROXY'
  | 'WX_E_TIMEOUT_UNSENT'
  | 'WX_E_NO_TOKEN'
  | 'WX_E_STORE'
  | 'WX_E_TIMEOUT'
  | 'WX_E_CONNECTION_LOST'
  | 'WX_E_IN_DOUBT'
  | 'WX_E_BAD_ANSWER'
  | 'WX_E_TOO_LARGE'
  | 'WX_E_API'
  | 'WX_E_PENDING'
  | 'WX_E_DECLINED'
  | 'WX_E_VANISHED'
  | 'WX_E_CANCELLED'
  | 'WX_E_FORKED'
  | 'WX_E_INTERNAL';

/**
 * What to do next about WeChat's errcode. Empty: WeChat did not answer, or answered with an errcode
 * that the library does not know.
 */
export type ErrorClass =
  | ''
  | 'ok'
  | 'pending'
  | 'token'
  | 'busy'
  | 'quota'
  | 'action_required'
  | 'invalid_request'
  | 'ticket';

/** Whether WeChat may have received the request. */
export type Delivery = 'never sent' | 'unknown' | 'answered';

/** The endpoints of WeChat that are called. */
export type Endpoint =
  | 'link'
  | 'get'
  | 'unlink'
  | 'component_token'
  | 'authorizer_token'
  | 'authorizer_list'
  | 'create_preauthcode'
  | 'query_auth'
  | 'authorizer_info'
  | 'rid';

/** How far the list shows a link to be: the known values of an item's status. */
export declare const LinkStatus: {
  /** The mini program is linked. */
  readonly Linked: 1;
  /** The mini program's administrator has to agree. */
  readonly AwaitingMiniProgram: 2;
  /** The mini program's administrator refused. */
  readonly Refused: 3;
  /** The Official Account's administrator has to agree. */
  readonly AwaitingOfficialAccount: 12;
};

/** The options that a derived client may have for itself. Times are in milliseconds. */
export interface Limits {
  /**
   * Time limit for a whole call: name resolution, connecting, retries and reading the response.
   * Takes 1 to 3600000 ms. Default: 10000.
   */
  timeoutMs?: number | undefined;

  /**
   * Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes. Takes 1
   * to 3600000 ms. Default: 3000.
   */
  connectTimeoutMs?: number | undefined;

  /**
   * How often a call retries automatically. Only requests that cannot take effect twice are
   * retried: those that were never sent, and reads. Takes 0 to 10. Default: 2.
   */
  maxRetries?: number | undefined;

  /**
   * How long after a post no other one is made for the same account and mini program by the calls
   * that ensure a link: an invitation may take effect long after its request seemed to fail. See
   * reliability.md. Takes 0 to 3600000 ms; 0 switches link claims and the memory of invitations
   * off. Default: 90000.
   */
  settleMs?: number | undefined;

  /**
   * Whether a mini program whose earlier invitation is no longer in the list is invited again. The
   * store remembers invitations for 90 days. Takes true or false. Default: false.
   */
  reinvite?: boolean | undefined;

  /** The language of messages: English or Chinese. Takes en or zh. Default: en. */
  lang?: 'en' | 'zh' | undefined;

  /**
   * The Official Account for calls that pass no access token. Its token comes from one of three
   * sources: accessToken, tokenCommand or componentAppid. Of a token that is passed it names the
   * owner, so that invitations are remembered. Takes the appid of an Official Account; empty for
   * none.
   */
  account?: string | undefined;
}

/** The options of a client. Times are in milliseconds. */
export interface Options extends Limits {
  /**
   * WeChat's API hosts, the preferred one first. If a request could not be sent to one host, the
   * next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
   * http://HOST[:PORT] if HOST is a loopback address. Default: https://api.weixin.qq.com.
   */
  baseUrl?: string | readonly string[] | undefined;

  /**
   * How long an idle connection is kept open for later calls. Takes 0 to 3600000 ms; 0 opens a new
   * connection for every call. Default: 15000.
   */
  keepAliveMs?: number | undefined;

  /**
   * The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and NO_PROXY
   * once, when it is created, by curl's rules. Plain http is used for loopback hosts only and never
   * through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
   * socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and PASSWORD.
   * Default: none.
   */
  proxy?: string | undefined;

  /**
   * CA certificates to trust in addition to the roots that trust selects. Read when the client is
   * created. Takes a path to a PEM file; empty for none.
   */
  caFile?: string | URL | undefined;

  /**
   * The root certificates to trust: system uses the operating system's, and the bundled ones if it
   * has none; bundled uses Mozilla's, which are part of the library. Takes system or bundled.
   * Default: system.
   */
  trust?: 'system' | 'bundled' | undefined;

  /**
   * The User-Agent header of every request. Takes 1 to 256 printable ASCII characters. Default:
   * wxlink/VERSION.
   */
  userAgent?: string | undefined;

  /**
   * The largest response that is read. A call fails if the response is larger. Takes 1024 to
   * 1073741824 bytes. Default: 4194304.
   */
  maxResponseBytes?: number | undefined;

  /**
   * Token source 1: this access token, for calls that pass none. Takes an access token; empty for
   * none.
   */
  accessToken?: string | undefined;

  /**
   * Token source 2: a program that prints an access token. It reads the lines account=APPID and
   * refused_token=TOKEN, then an empty line, from standard input. It prints the token alone, or the
   * lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two fields. It is killed
   * after timeoutMs. See tokens.md. Takes a shell command; empty for none.
   */
  tokenCommand?: string | undefined;

  /**
   * Token source 3: this third-party platform. The client fetches and refreshes the access tokens
   * of the accounts that authorised it. Needs componentAppsecret. Takes the appid of a third-party
   * platform; empty for none.
   */
  componentAppid?: string | undefined;

  /**
   * The appsecret of the platform that componentAppid names. Takes the platform's appsecret; empty
   * for none.
   */
  componentAppsecret?: string | undefined;

  /**
   * The token in the platform's settings that signs WeChat's pushes. To change it, set the new one
   * and the previous one: pushes signed with either are accepted. See authorization.md. Takes 1 to
   * 8 tokens separated by commas, the current one first; empty for none.
   */
  pushToken?: string | undefined;

  /**
   * The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it, set
   * the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by commas, the
   * current one first; empty for none.
   */
  pushAesKey?: string | undefined;

  /**
   * Where link claims, and a platform's tickets and tokens, are kept: memory for this process only,
   * file for all processes of one machine, redis or rediss (TLS) for several machines. Takes
   * memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default: memory.
   */
  store?: string | undefined;
}
