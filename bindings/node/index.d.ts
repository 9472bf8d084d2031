/// <reference types="node" />

import type { Delivery, Endpoint, ErrorClass, ErrorCode, Limits, Options } from './generated';

export type { Delivery, Endpoint, ErrorClass, ErrorCode, Limits, Options };
export { LinkStatus } from './generated';

declare global {
  // As the library esnext.disposable of TypeScript declares them, which a project need not have.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** The version of the library. */
export declare const version: string;

/**
 * An access token, or a function that returns one. The function is called a second time if WeChat
 * refuses the token. Without a token, the client gets it from its token source for its account.
 */
export type AccessToken = string | (() => string | Promise<string>) | null;

/** What every call takes. */
export interface CallOptions {
  /**
   * Ends the call within 100 ms when it is aborted. The call rejects with a
   * `CallCancelledError`, which shows what the call had done.
   */
  signal?: AbortSignal | null | undefined;
}

/** The choices for a link. They have no defaults: `notifyUsers` messages every follower. */
export interface LinkOptions extends CallOptions {
  /** Whether WeChat messages every follower of the Official Account. */
  notifyUsers: boolean;
  /** Whether the mini program is shown on the Official Account's page. */
  showProfile: boolean;
}

export interface EnsureOptions extends LinkOptions {
  /** How long to wait for the administrators, in milliseconds. Default: 0. */
  waitMs?: number | undefined;
}

export interface WaitOptions extends CallOptions {
  /** How long to wait for the administrators, in milliseconds. */
  waitMs: number;
}

export interface AuthorizationUrlOptions extends CallOptions {
  /** The appid of the only account that can use the page. */
  account?: string | null | undefined;
}

export interface ClientOptions extends Options {
  /**
   * How many calls of the client, and of those derived from it, run at the same time: 1 to 1024.
   * Each takes a thread of the library's own. Further calls wait; the wait does not count against
   * their time limit. Default: 32.
   */
  maxConcurrency?: number | undefined;
}

/**
 * A client for WeChat. Any number of calls may run at the same time.
 *
 * Calls run on threads of the library: they neither block the event loop nor occupy libuv's
 * threads. An argument of a wrong type rejects with a `TypeError` that names it.
 */
export declare class Client {
  /**
   * Creates a client. Reads the root certificates, but opens no connection.
   *
   * Throws an `ArgumentError` if an option is invalid.
   */
  constructor(options?: ClientOptions);

  /** Returns a client on the same connections and threads, with options of its own. */
  derive(options: Limits): Client;

  /**
   * Returns a client for calls to this account without an access token: shorthand for
   * `derive({ account: appid })`. It is cheap: you can create one for each call.
   */
  account(appid: string): Client;

  /**
   * Ends the running calls within 100 ms, and those of clients that were derived from it, at any
   * depth. They and all later calls reject with a `CallCancelledError`.
   *
   * A client that is not closed does not keep the process from ending.
   */
  close(): void;

  /** Closes the client at the end of a block: `using client = new Client()`. */
  [Symbol.dispose](): void;

  /**
   * Invites a mini program to be linked to the Official Account of the token. Posts once.
   *
   * Success means that the invitation is pending: the list shows when the administrators have
   * agreed. Rejects with a `PendingError` if it is already invited or linked, with an
   * `OutcomeUnknownError` if the outcome is unknown (read the list before you link again), and
   * with other `WxError`s.
   */
  linkMiniprogram(
    accessToken: AccessToken,
    appid: string,
    options: LinkOptions,
  ): Promise<Response>;

  /** Returns the mini programs that are linked to the account or pending. Safe to repeat. */
  getLinked(accessToken?: AccessToken, options?: CallOptions): Promise<LinkList>;

  /**
   * Asks the Official Account's administrator to unlink a mini program, which stays in the list
   * until the administrator agrees. Rejects with a `PendingError` if the administrator was asked
   * before.
   */
  unlinkMiniprogram(
    accessToken: AccessToken,
    appid: string,
    options?: CallOptions,
  ): Promise<Response>;

  /**
   * Links a mini program unless it is already linked or pending. Calls that share a store (option
   * `store`; the default is this process's memory) can repeat it safely after any failure.
   *
   * Reads the list, invites if the mini program is not in it, and then waits up to `waitMs` for
   * the administrators. Returns the state: linked, pending, declined, vanished or in doubt.
   * Rejects with a `WxError` if the state cannot be determined or WeChat refuses the link; its
   * `progress` shows what is known.
   */
  ensureLinked(
    accessToken: AccessToken,
    appid: string,
    options: EnsureOptions,
  ): Promise<LinkProgress>;

  /**
   * Waits until a mini program is linked, declined or vanished. Does not invite. The mini program
   * is named by its appid or its original id (`gh_…`).
   */
  waitLinked(
    accessToken: AccessToken,
    appidOrGhId: string,
    options: WaitOptions,
  ): Promise<LinkProgress>;

  /** Stores the ticket that WeChat pushes to the platform every 10 minutes. */
  setTicket(ticket: string, options?: CallOptions): Promise<void>;

  /** Stores the refresh token of an account that has authorised the platform. */
  addAccount(appid: string, refreshToken: string, options?: CallOptions): Promise<void>;

  /**
   * Accepts a push of WeChat's to the platform: verifies, decrypts and stores it.
   *
   * `query` is the raw query string of WeChat's request, and `body` its body, both unchanged.
   * Answer with HTTP 200 and the body `success` if it resolves, with 403 if it rejects with the
   * code `WX_E_BAD_PUSH`, else with 503, so that WeChat sends the push again.
   */
  acceptPush(query: string, body: Uint8Array, options?: CallOptions): Promise<AcceptedPush>;

  /**
   * Makes the URLs of the pages on which an account authorises the platform. Call it when the
   * administrator clicks: the URLs contain a code that is valid once.
   */
  authorizationUrl(
    redirectUri: string,
    options?: AuthorizationUrlOptions,
  ): Promise<AuthorizationUrl>;

  /**
   * Exchanges the code of a redirect (auth_code) for the account's tokens and stores them. The
   * same code may be passed again, and may be that of a push.
   */
  acceptAuthorization(code: string, options?: CallOptions): Promise<Authorization>;

  /** Describes an account that has authorised the platform. */
  accountInfo(appid: string, options?: CallOptions): Promise<AccountInfo>;

  /**
   * Returns what the client has done so far, in numbers. Makes no request. Clients on the same
   * connections share the numbers.
   */
  stats(): Stats;
}

/** WeChat's response to a successful call. */
export declare class Response {
  private constructor();
  /** WeChat's errcode. */
  readonly errcode: number;
  /** WeChat's free text. Do not base decisions on it. */
  readonly errmsg: string;
  /** The request id that WeChat's support asks for; empty if there is none. */
  readonly rid: string;
  /** The HTTP status. */
  readonly httpStatus: number;
  /** The body, byte for byte. */
  readonly body: Buffer;
  /** Every attempt with host, phase and milliseconds, as JSON. */
  readonly trace: string;
  /** The body as a value, with U+FFFD in place of what cannot be read. */
  json(): unknown;
}

/** The mini programs that are linked to an Official Account or pending: iterable. */
export declare class LinkList implements Iterable<MiniProgram> {
  private constructor();
  readonly items: readonly MiniProgram[];
  /** The number of items. */
  readonly length: number;
  /** The response that contained the list. */
  readonly response: Response;
  /** The first item with that appid or original id (`gh_…`). */
  find(appidOrGhId: string): MiniProgram | undefined;
  [Symbol.iterator](): IterableIterator<MiniProgram>;
}

/** One item of the list. A field that WeChat left out is null. */
export interface MiniProgram {
  /** The state of the link: see `LinkStatus`. WeChat may add numbers. */
  readonly status: number | null;
  /** The original id, `gh_…`. */
  readonly username: string | null;
  /** The appid. A refused item has none. */
  readonly appid: string | null;
  /** Seen as `SOURCE_NORMAL`; WeChat does not document its meaning. */
  readonly source: string | null;
  /** The display name. */
  readonly nickname: string | null;
  /** 1: shown on the Official Account's page. */
  readonly selected: number | null;
  /** 1: shown in "nearby mini programs", which forbids unlinking. */
  readonly nearbyDisplayStatus: number | null;
  /** 1: published. */
  readonly released: number | null;
  /** The URL of the picture. */
  readonly headimgUrl: string | null;
  /** WeChat verification (id 1), WeChat Pay (id 2) and the like. */
  readonly funcInfos: readonly FuncInfo[];
  /** Seen as 1; WeChat does not document its meaning. */
  readonly copyVerifyStatus: number | null;
  /** The e-mail address of the mini program. */
  readonly email: string | null;
  /** All other fields, and fields whose value has an unexpected type. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A capability of a mini program. */
export interface FuncInfo {
  /** 1: WeChat verification. 2: WeChat Pay. */
  readonly id: number | null;
  /** 0: closed. 1: open. */
  readonly status: number | null;
  /** The name, in Chinese. */
  readonly name: string | null;
}

export type LinkState = 'linked' | 'pending' | 'declined' | 'vanished' | 'in_doubt' | 'unknown';

/** The state of a link. */
export declare class LinkProgress {
  private constructor();
  /** `WX_OK` if it is linked, otherwise the reason why it is not. */
  readonly code: ErrorCode;
  readonly state: LinkState;
  /** Whether it is linked. */
  readonly linked: boolean;
  /** Whose administrator has to act; empty if none has. */
  readonly waitsFor: 'official_account' | 'mini_program' | '';
  /** How many links were posted of which WeChat may have seen anything. */
  readonly posts: number;
  /** How long an earlier invitation may still take effect, in milliseconds; 0 unless in doubt. */
  readonly retryAfterMs: number;
  /** The list's item as it was last seen; null if it was not in the list. */
  readonly item: MiniProgram | null;
  /** What happened and what to do; empty if linked. */
  readonly message: string;
  /** Whether WeChat may have seen the request. */
  readonly delivery: Delivery;
  /** Every attempt with host, phase and milliseconds, as JSON. */
  readonly trace: string;
  /** All of it as the JSON that every language has. */
  json(): unknown;
}

/** What was done with a push. */
export type PushAction =
  | 'ticket_stored'
  | 'account_added'
  | 'code_stored'
  | 'code_refused'
  | 'account_removed'
  | 'repeated'
  | 'outdated'
  | 'unhandled';

/** A push of WeChat's that has to be answered with `success`. */
export interface AcceptedPush {
  /** WeChat's InfoType; empty for a push without one. */
  readonly event: string;
  /** The appid that the push names. */
  readonly account: string | null;
  /** When WeChat made the event, in seconds since 1970. */
  readonly createTime: number;
  readonly action: PushAction;
  /** Why the authorisation code was not exchanged; empty otherwise. */
  readonly reason: string;
  /** The decrypted fields of a push that is yours to handle (`unhandled`). */
  readonly fields: Readonly<Record<string, unknown>> | null;
}

/** The URLs of the pages on which an account authorises the platform. They are secret. */
export interface AuthorizationUrl {
  readonly computerUrl: string;
  readonly phoneUrl: string;
  /** For how many seconds they can be opened. */
  readonly expiresIn: number;
}

/** An account that has authorised the platform. */
export interface Authorization {
  readonly account: string;
  readonly permissionSets: readonly number[] | null;
  /** Whether the account has granted the permission set for links; null if it is unknown. */
  readonly mayLink: boolean | null;
}

/** What WeChat says about an account. */
export interface AccountInfo {
  readonly account: string;
  readonly name: string;
  readonly ghId: string;
  readonly subject: string;
  readonly kind: 'official_account' | 'mini_program';
  readonly serviceType: number | null;
  readonly status: 'normal' | 'closed' | 'banned' | 'warned' | 'frozen' | 'unknown';
  readonly permissionSets: readonly number[] | null;
  readonly mayLink: boolean | null;
}

/** What a client, and those that share its connections, have done since it was created. */
export interface Stats {
  /** When the client was created, in seconds since 1970. */
  readonly since: number;
  readonly endpoints: Readonly<Partial<Record<Endpoint, EndpointStats>>>;
  /** How many calls ended in doubt. */
  readonly inDoubt: number;
  readonly tokensFetched: number;
  readonly connections: ConnectionStats;
}

/** The calls of one endpoint, each with the fetch of its token, its retries and pauses. */
export interface EndpointStats {
  readonly calls: number;
  readonly outcomes: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly retries: number;
  readonly deliveryUnknown: number;
  readonly latency: Latency;
}

/** How long calls took, in microseconds, in ascending order. Empty buckets are left out. */
export interface Latency {
  readonly sumUs: number;
  readonly maxUs: number;
  /** The calls that took less than `belowUs`, and not less than that of the bucket before. */
  readonly buckets: readonly { readonly belowUs: number; readonly calls: number }[];
}

/** The connections that were opened, the attempts that reused one, and those idle now. */
export interface ConnectionStats {
  readonly opened: number;
  readonly reused: number;
  readonly idle: number;
}

/** What is known of an errcode. */
export interface Errcode {
  readonly name: string;
  readonly errorClass: ErrorClass;
  readonly meaning: string;
  readonly remedy: string;
}

/** Looks up an errcode; null if it is unknown. */
export declare function explain(
  errcode: number,
  options?: { endpoint?: Endpoint | null; lang?: 'en' | 'zh' },
): Errcode | null;

/**
 * Any failure of wxlink. The class shows what a program may do next:
 *
 *     WxError
 *     ├── ArgumentError                   an argument is invalid; nothing was sent
 *     ├── NotSentError                    nothing was sent: call again
 *     │   ├── NotSentTimeoutError
 *     │   └── TicketError                 pass the ticket that WeChat pushes, call again
 *     ├── OutcomeUnknownError             sent without a verdict: read the list first
 *     │   ├── OutcomeUnknownTimeoutError
 *     │   └── BadAnswerError              the response is not one of WeChat's
 *     ├── ApiError                        WeChat answered an errcode other than 0
 *     │   ├── PendingError                already invited or linked: do not link again
 *     │   ├── TokenError                  get another access token and call again, once
 *     │   ├── BusyError                   wait a little and call again
 *     │   ├── QuotaError                  call again after the minute, day or month
 *     │   ├── ActionRequiredError         an administrator or operator must act first
 *     │   └── InvalidRequestError         correct the call
 *     ├── CallCancelledError              the call was aborted, or the client is closed
 *     └── InternalError                   a fault in wxlink
 *
 * After an OutcomeUnknownError, a call that only reads can simply be repeated. No error contains
 * an access token, neither in its text nor in a property.
 */
export declare class WxError extends Error {
  protected constructor();
  /** The code, such as `WX_E_TIMEOUT`: see docs/errors.md. */
  readonly code: ErrorCode;
  /** The number of the code, as in the C interface. */
  readonly errno: number;
  /** The endpoint that was called; null if none was. */
  readonly endpoint: Endpoint | null;
  /** Whether WeChat may have seen the request. */
  readonly delivery: Delivery;
  /** The HTTP status of the last response, 0 if there was none. */
  readonly httpStatus: number;
  /** Every attempt with host, phase and milliseconds, as JSON for logs and support. */
  readonly trace: string;
  /** The state that `ensureLinked` or `waitLinked` knew when it failed; otherwise null. */
  readonly progress: LinkProgress | null;
}

/** An argument or option is invalid; nothing was sent. */
export declare class ArgumentError extends WxError {}

/** Nothing was sent: it is safe to call again. */
export declare class NotSentError extends WxError {}

/** The time limit passed before anything was sent. */
export declare class NotSentTimeoutError extends NotSentError {}

/**
 * WeChat refuses the platform's ticket, so there is no access token. Pass the ticket that WeChat
 * pushes to `setTicket`, then call again.
 */
export declare class TicketError extends NotSentError {}

/** The request was sent, but there is no verdict: read the list before you call again. */
export declare class OutcomeUnknownError extends WxError {}

/** The time limit passed after the request was sent. */
export declare class OutcomeUnknownTimeoutError extends OutcomeUnknownError {}

/** The response is not one of WeChat's: read the list before you call again. */
export declare class BadAnswerError extends OutcomeUnknownError {}

/** WeChat answered an errcode other than 0. */
export declare class ApiError extends WxError {
  /** WeChat's errcode. */
  readonly errcode: number;
  /** The name of the errcode in wxlink's table; empty for an unknown errcode. */
  readonly errcodeName: string;
  /** What to do next; empty for an unknown errcode. */
  readonly errorClass: ErrorClass;
  /** The meaning of the errcode. */
  readonly meaning: string;
  /** The remedy. */
  readonly remedy: string;
  /** Whether the same call may succeed later without any action. */
  readonly retryable: boolean;
  /** WeChat's free text. Do not base decisions on it. */
  readonly errmsg: string;
  /** The request id that WeChat's support asks for. */
  readonly rid: string;
  /** The hint in the errmsg, if there is one. */
  readonly hint: string;
  /** The caller's address as WeChat saw it, if it is in the errmsg. */
  readonly requestIp: string;
  /** The body of the response, byte for byte. */
  readonly body: Buffer;
}

/** Already invited, or already linked; not a failure. Wait, do not link again. */
export declare class PendingError extends ApiError {}

/** WeChat refused the access token: get another one and call again, once. */
export declare class TokenError extends ApiError {}

/** WeChat is busy: wait a little. After -1 it may have acted: read the list first. */
export declare class BusyError extends ApiError {}

/** A quota is used up: call again after the minute, day or month. */
export declare class QuotaError extends ApiError {}

/** An administrator or operator must act first. */
export declare class ActionRequiredError extends ApiError {}

/** The call is invalid: correct it. */
export declare class InvalidRequestError extends ApiError {}

/**
 * The call was aborted by its signal, or the client is closed. `delivery` shows whether anything
 * was sent. If a signal ended the call, `name` is `AbortError`, as with Node's own functions, and
 * `cause` is the signal's reason.
 */
export declare class CallCancelledError extends WxError {}

/** A fault in wxlink, or a resource that is exhausted. */
export declare class InternalError extends WxError {}

/**
 * What the diagnostics channel `wxlink:call` (see `node:diagnostics_channel`) publishes when a call
 * has ended. It contains no token.
 */
export interface CallMessage {
  /** The method, such as `ensureLinked`. */
  call: string;
  durationMs: number;
  /** The code of the result or error; the name of an error that is not a `WxError`. */
  code: string;
  errcode?: number;
  delivery?: Delivery;
  rid?: string;
  state?: LinkState;
  posts?: number;
  trace?: string;
  message?: string;
}
