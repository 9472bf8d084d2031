// The driver of node-easywechat: see "The drivers" in ../README.md.
//
// The SDK has no methods for links. They are requests through its client of an account.
'use strict';

const http = require('node:http');
const { OpenPlatform, ServerRequest } = require('node-easywechat');

const settings = {
  app_id: process.env.INTEROP_APPID,
  secret: process.env.INTEROP_APPSECRET,
  token: process.env.INTEROP_TOKEN,
  aes_key: process.env.INTEROP_AES_KEY,
  file_cache: { path: process.env.INTEROP_FOLDER },
};
const platform = new OpenPlatform(settings);
// The code that a push brought, and what its exchange brought.
let code;
let account;
let refreshToken;

async function push(request) {
  // The server of an application keeps the query of each request that it has served: one
  // application serves one request. They share the cache.
  const application = new OpenPlatform(settings);
  application.setRequest(await ServerRequest.createFromIncomingMessage(request));
  const server = application.getServer();
  server.handleAuthorized((message, next) => {
    code = message.get('AuthorizationCode');
    return next(message);
  });
  return (await server.serve()).getBody().toString();
}

async function call(name, json) {
  const official = await platform.getOfficialAccountWithRefreshToken(account, refreshToken);
  const response = await official.getClient().post(`cgi-bin/wxopen/${name}`, { json });
  // The SDK does not throw for statuses and errcodes: this is how it is asked.
  if (response.isFailed()) {
    throw new Error(`${name} failed: ${response.getStatusCode()} ${response.toString()}`);
  }
  return response.toObject();
}

const commands = {
  async platform_token() {
    await platform.getComponentAccessToken().refresh();
    return {};
  },
  async pre_auth_code() {
    return { code: (await platform.createPreAuthorizationCode()).pre_auth_code };
  },
  async query_auth() {
    const authorization = await platform.getAuthorization(code);
    account = authorization.getAppId();
    refreshToken = authorization.getRefreshToken();
    return { account };
  },
  async refresh() {
    refreshToken = (await platform.refreshAuthorizerToken(account, refreshToken))
      .authorizer_refresh_token;
    return {};
  },
  async link({ appid }) {
    await call('wxamplink', { appid, notify_users: 0, show_profile: 0 });
    return {};
  },
  async list() {
    const { items } = (await call('wxamplinkget', {})).wxopens;
    return { links: items.map(({ appid, status }) => ({ appid, status })) };
  },
  async unlink({ appid }) {
    await call('wxampunlink', { appid });
    return {};
  },
  async encrypt({ message }) {
    return { document: platform.getEncryptor().encrypt(message) };
  },
};

async function read(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts));
}

const server = http.createServer(async (request, response) => {
  const name = request.url.slice(1).split('?')[0];
  try {
    const answer =
      name === 'push'
        ? await push(request)
        : JSON.stringify(await commands[name](await read(request)));
    response.end(answer);
  } catch (error) {
    console.error(name, 'failed:', error);
    response.statusCode = 500;
    response.end(JSON.stringify({ error: String(error) }));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
