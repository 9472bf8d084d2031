'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const { createInterface } = require('node:readline');

const { Client } = require('./lib/client.js');

const NOT_FOUND =
  'wxlink-sandbox is not installed: put it into the PATH, or set WXLINK_SANDBOX to its path';

/** `sandbox.d.ts` documents the class. */
class Sandbox {
  static token = 'SANDBOX-TOKEN';
  static account = 'wx0a00000000000001';
  static appid = 'wx0b00000000000001';

  #process;
  #admin;

  constructor(child, about) {
    this.token = Sandbox.token;
    this.account = Sandbox.account;
    this.appid = Sandbox.appid;
    this.url = about.http;
    this.httpsUrl = about.https;
    this.caFile = about.ca_file;
    this.#admin = about.admin;
    this.#process = child;
  }

  static async start(...programArguments) {
    const program = process.env.WXLINK_SANDBOX || 'wxlink-sandbox';
    const child = spawn(program, programArguments, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    // It prints one line of JSON when it is ready.
    const line = await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      child.once('error', (error) => {
        reject(error.code === 'ENOENT' ? new Error(NOT_FOUND, { cause: error }) : error);
      });
      child.once('exit', (code) => {
        reject(new Error(`wxlink-sandbox exited with ${code} before it was ready`));
      });
    });
    lines.close();
    // It ends with this process, and does not keep it from ending.
    child.unref();
    child.stdout.unref();
    return new Sandbox(child, JSON.parse(line));
  }

  client(options = {}) {
    return new Client({ baseUrl: this.url, settleMs: 0, ...options });
  }

  admin(method, path, body) {
    return new Promise((resolve, reject) => {
      const content = body === undefined ? '' : JSON.stringify(body);
      const headers = { 'content-type': 'application/json' };
      const options = { method, headers, agent: false };
      const request = http.request(new URL(path, this.#admin), options, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const result = JSON.parse(Buffer.concat(chunks).toString() || 'null');
          if (response.statusCode >= 400) {
            reject(new Error(`${method} ${path}: ${result.error}`));
          } else {
            resolve(result);
          }
        });
      });
      request.on('error', reject);
      request.end(content);
    });
  }

  async reset() {
    await this.admin('POST', 'reset');
  }

  async approve(appid, { by, decision = 'agree', account = this.account }) {
    await this.admin('POST', 'approvals', { account, appid, by, decision });
  }

  async fault(fault, rule = {}) {
    await this.admin('POST', 'faults', { fault, ...rule });
  }

  counts() {
    return this.admin('GET', 'journal/counts');
  }

  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.ref();
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    this.#process.stdout.destroy();
  }
}

if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Sandbox.prototype, Symbol.asyncDispose, {
    value: Sandbox.prototype.stop,
  });
}

module.exports = { Sandbox };
