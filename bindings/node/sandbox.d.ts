import type { Client, ClientOptions } from './index';

/**
 * A running simulator of WeChat for the tests of your own code, with a demo world: an account, its
 * token, and mini programs to link.
 *
 * The program `wxlink-sandbox` runs as a child process, which ends with this one. It is found in
 * the PATH, or by its path in the environment variable WXLINK_SANDBOX. docs/sandbox.md describes
 * what it simulates and how it differs from WeChat.
 */
export declare class Sandbox {
  private constructor();

  /** Starts the program with these arguments, such as "--approve", "immediate". */
  static start(...programArguments: string[]): Promise<Sandbox>;

  /** The address that stands for WeChat, over HTTP: the option `baseUrl`. */
  readonly url: string;
  /** The same over HTTPS. */
  readonly httpsUrl: string;
  /** The CA certificate to trust for HTTPS: the option `caFile`. */
  readonly caFile: string;
  /** The access token of `account`. */
  readonly token: string;
  /** The appid of an Official Account. Nothing is linked to it. */
  readonly account: string;
  /** The appid of a mini program that can be linked. */
  readonly appid: string;

  /** Returns a client for the simulator. `settleMs` is 0 unless you set it. */
  client(options?: ClientOptions): Client;

  /** Calls the admin interface (see docs/sandbox.md): `sandbox.admin('GET', 'state')`. */
  admin(method: string, path: string, body?: unknown): Promise<any>;

  /** Restores the state of the start. */
  reset(): Promise<void>;

  /** Makes an administrator decide. */
  approve(
    appid: string,
    options: {
      by: 'official_account' | 'mini_program';
      decision?: 'agree' | 'refuse' | 'vanish';
      account?: string;
    },
  ): Promise<void>;

  /** Injects a fault: `sandbox.fault({ status: { code: 502 } }, { endpoint: 'link' })`. */
  fault(fault: unknown, rule?: Record<string, unknown>): Promise<void>;

  /** Returns how many requests were received and took effect, for each endpoint. */
  counts(): Promise<any>;

  /** Stops the program. */
  stop(): Promise<void>;

  /** Stops the program at the end of a block: `await using sandbox = await Sandbox.start()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
