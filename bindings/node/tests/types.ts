// Compiled by test.sh with `tsc --strict`, and not run: what must compile, and what must not.

import {
  ApiError,
  CallCancelledError,
  Client,
  LinkList,
  LinkProgress,
  LinkStatus,
  MiniProgram,
  Response,
  Stats,
  TokenError,
  WxError,
  explain,
  version,
} from 'wxlink';
import type { AcceptedPush, Delivery, ErrorClass, ErrorCode, Options } from 'wxlink';
import { Sandbox } from 'wxlink/sandbox';

declare function expectType<T>(value: T): void;

export async function calls(client: Client, signal: AbortSignal): Promise<void> {
  const flags = { notifyUsers: false, showProfile: true };
  expectType<Response>(await client.linkMiniprogram('token', 'wx1', flags));
  expectType<LinkList>(await client.getLinked());
  expectType<LinkList>(await client.getLinked(null, { signal }));
  expectType<LinkList>(await client.getLinked(() => 'token'));
  expectType<LinkList>(await client.getLinked(async () => 'token', { signal: undefined }));
  expectType<Response>(await client.unlinkMiniprogram('token', 'wx1', { signal }));
  const progress = await client.ensureLinked(null, 'wx1', { ...flags, waitMs: 5, signal });
  expectType<LinkProgress>(progress);
  expectType<LinkProgress>(await client.waitLinked(null, 'gh_1', { waitMs: 5 }));
  expectType<'official_account' | 'mini_program' | ''>(progress.waitsFor);
  expectType<MiniProgram | null>(progress.item);
  expectType<ErrorCode>(progress.code);
  switch (progress.state) {
    case 'linked':
    case 'pending':
    case 'declined':
    case 'vanished':
    case 'in_doubt':
    case 'unknown':
      break;
    default:
      expectType<never>(progress.state);
  }
  expectType<void>(await client.setTicket('ticket'));
  expectType<void>(await client.addAccount('wx1', 'refresh', { signal }));
  expectType<AcceptedPush>(await client.acceptPush('a=b', new Uint8Array()));
  expectType<string>((await client.authorizationUrl('https://shop.example/')).computerUrl);
  await client.authorizationUrl('https://shop.example/', { account: 'wx1' });
  expectType<boolean | null>((await client.acceptAuthorization('code')).mayLink);
  expectType<'official_account' | 'mini_program'>((await client.accountInfo('wx1')).kind);
  const stats: Stats = client.stats();
  expectType<number | undefined>(stats.endpoints.link?.calls);
  expectType<number | undefined>(stats.endpoints.get?.outcomes.WX_E_TIMEOUT);
  client.derive({ timeoutMs: 500 }).account('wx1').close();

  // @ts-expect-error The flags have no defaults.
  await client.linkMiniprogram('token', 'wx1', { showProfile: true });
  // @ts-expect-error A flag is a boolean.
  await client.linkMiniprogram('token', 'wx1', { notifyUsers: 0, showProfile: true });
  // @ts-expect-error A wait needs its time.
  await client.waitLinked('token', 'wx1', {});
  // @ts-expect-error A push is bytes.
  await client.acceptPush('a=b', 'text');
  // @ts-expect-error The connections are shared.
  client.derive({ baseUrl: 'https://api2.weixin.qq.com' });
  // @ts-expect-error A result cannot be changed.
  progress.posts = 2;
}

export function options(): Client {
  const limits: Options = { timeoutMs: 5000, lang: 'zh', reinvite: true };
  // @ts-expect-error The languages are en and zh.
  new Client({ lang: 'fr' });
  // @ts-expect-error An unknown option.
  new Client({ timeout: 5 });
  const baseUrl = ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'];
  return new Client({ ...limits, baseUrl, caFile: new URL('file:///ca.pem'), maxConcurrency: 8 });
}

export async function disposal(): Promise<void> {
  using client = new Client();
  await using sandbox = await Sandbox.start();
  expectType<void>(client[Symbol.dispose]());
  expectType<Promise<void>>(sandbox[Symbol.asyncDispose]());
  // @ts-expect-error A client is closed without waiting.
  client[Symbol.asyncDispose]();
}

export function items(list: LinkList): string[] {
  const linked = [...list].filter((item) => item.status === LinkStatus.Linked);
  expectType<1>(LinkStatus.Linked);
  expectType<MiniProgram | undefined>(list.find('wx1'));
  // @ts-expect-error A field may be missing.
  expectType<string>(list.items[0]?.nickname);
  return linked.map((item) => item.appid ?? '');
}

export function decide(error: unknown): Delivery | ErrorClass {
  if (error instanceof TokenError) {
    expectType<number>(error.errcode);
    expectType<Buffer>(error.body);
  }
  if (error instanceof CallCancelledError) {
    expectType<number | undefined>(error.progress?.posts);
  }
  if (error instanceof ApiError) {
    return error.errorClass;
  }
  if (error instanceof WxError) {
    // @ts-expect-error Only WeChat's answers have an errcode.
    void error.errcode;
    return error.delivery;
  }
  // @ts-expect-error Errors are made by the package alone.
  throw new WxError();
}

export async function simulator(): Promise<string | undefined> {
  const sandbox = await Sandbox.start('--approve', 'immediate');
  await sandbox.approve(sandbox.appid, { by: 'official_account' });
  await sandbox.fault({ drop: 'reset' }, { endpoint: 'link' });
  // @ts-expect-error There are two administrators.
  await sandbox.approve(sandbox.appid, { by: 'someone' });
  await sandbox.client({ timeoutMs: 500 }).getLinked(sandbox.token);
  await sandbox.stop();
  expectType<string>(version);
  return explain(40001, { endpoint: 'link', lang: 'zh' })?.remedy;
}
