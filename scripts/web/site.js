/** A server on a fresh data directory with two businesses, and Twilio's side of its webhooks. */

import { spawn, execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TOKEN = 'a token of the tests';
export const PASSWORD = 'correct horse battery staple';
export const NUMBER = '+13125550100';
const RIVALS = '+13125550199';

export class Site {
  /** Clients of the API and kept sessions of browsers, by e-mail: logins are limited. */
  clients = new Map();
  sessions = new Map();

  /** Starts `nmc up` and takes the businesses in. */
  static async start(nmc) {
    const site = new Site();
    site.nmc = nmc;
    site.home = mkdtempSync(join(tmpdir(), 'nmc-web-'));
    // As root, PostgreSQL runs as a user of its own, who has to get there.
    chmodSync(site.home, 0o755);
    site.data = join(site.home, 'data');
    await site.up('127.0.0.1:0');
    site.ann = await site.business('Ann’s Plumbing', 'ann@example.com', NUMBER);
    site.rival = await site.business('Rival Rooter', 'rival@example.com', RIVALS);
    for (const [who, role] of [['bob', 'operator'], ['vic', 'viewer']]) site[who] = await site.person(who, role);
    // Rules are judged every minute: what the tests of alerts want is raised while others run.
    const owner = await site.client(site.ann.email);
    await owner('POST', '/v1/alert-rules', { name: 'many open jobs', metric: 'open jobs', operator: 'greater_than', threshold: '5', severity: 'high', notification_channels: ['dashboard'] });
    await owner('POST', '/v1/measurements', { rows: [{ metric: 'open jobs', value: '7' }] });
    return site;
  }

  /** Starts `nmc up --demo`, with the link that it prints. */
  static async demo(nmc) {
    const site = new Site();
    Object.assign(site, { nmc, home: mkdtempSync(join(tmpdir(), 'nmc-web-')) });
    chmodSync(site.home, 0o755);
    site.data = join(site.home, 'data');
    await site.up('127.0.0.1:0', '--demo');
    try {
      site.link = await site.until(() => /http:\S+\/app#\/demo\?token=\S+/.exec(site.said)?.[0], 60_000);
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  /** Starts the server, the first time at any port, and again at the same one. */
  async up(bind, ...options) {
    const environment = { PATH: process.env.PATH, HOME: this.home, NMC_DATA_DIR: this.data, TWILIO_AUTH_TOKEN: TOKEN, NMC_SMS: 'console' };
    if (process.env.NMC_PG_BIN) environment.NMC_PG_BIN = process.env.NMC_PG_BIN;
    this.environment = environment;
    this.process = spawn(this.nmc, ['up', '--bind', bind, '--hash-cost', '10', ...options], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    this.url = await new Promise((resolve, reject) => {
      this.said = '';
      const timer = setTimeout(() => reject(new Error(`the server did not start: ${this.said}`)), 60_000);
      this.process.on('exit', () => reject(new Error(`the server ended: ${this.said}`)));
      this.process.stderr.on('data', (bytes) => {
        this.said = (this.said + bytes).slice(-20_000);
        const [, url] = /listening on (http:\S+)\s/.exec(this.said) ?? [];
        if (url) {
          clearTimeout(timer);
          resolve(url);
        }
      });
    });
  }

  async down() {
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  async stop() {
    await this.down();
    rmSync(this.home, { recursive: true, force: true });
  }

  async cli(...args) {
    const { stdout } = await run(this.nmc, args, { env: this.environment });
    return JSON.parse(stdout);
  }

  async business(name, email, number) {
    const file = join(this.home, 'password');
    writeFileSync(file, `${PASSWORD}\n`);
    const made = await this.cli('tenant', 'onboard', '--name', name, '--owner-email', email, '--owner-first-name', 'Ann', '--owner-last-name', 'Doe',
      '--owner-password-file', file, '--timezone', 'America/Chicago', '--format', 'json');
    await this.cli('number', 'add', '--tenant', made.id, '--sid', `PN${randomBytes(16).toString('hex')}`, number, '--format', 'json');
    return { id: made.id, email, number };
  }

  async person(name, role) {
    const email = `${name}@example.com`;
    const owner = await this.client(this.ann.email);
    const { invitation } = await owner('POST', '/v1/users', { email, first_name: name, last_name: 'Doe', role });
    await owner('POST', '/v1/invitations/acceptance', { invitation, password: PASSWORD });
    return { email };
  }

  /** A client of the API, as whoever has this e-mail. */
  async client(email) {
    const known = this.clients.get(email);
    if (known) return known;
    let token = null;
    const send = async (method, path, body) => {
      const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
      const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    };
    token = (await send('POST', '/v1/sessions', { email, password: PASSWORD, device: 'the tests of the page' })).access_token;
    this.clients.set(email, send);
    return send;
  }

  async webhook(path, form) {
    const text = Object.keys(form).sort().reduce((all, name) => all + name + form[name], this.url + path);
    const signature = createHmac('sha1', TOKEN).update(text).digest('base64');
    const answer = await fetch(this.url + path, { method: 'POST', headers: { 'X-Twilio-Signature': signature }, body: new URLSearchParams(form) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  /** A customer's text. */
  text(from, body, to = NUMBER) {
    return this.webhook('/webhooks/twilio/sms', { MessageSid: `SM${randomBytes(16).toString('hex')}`, From: from, To: to, Body: body, NumMedia: '0' });
  }

  /** A call that nobody took. */
  call(from, facts = {}, to = NUMBER) {
    return this.webhook('/webhooks/twilio/voice/status', { CallSid: `CA${randomBytes(16).toString('hex')}`, From: from, To: to, Direction: 'inbound',
      CallStatus: 'no-answer', CallDuration: '0', ...facts });
  }

  /** What `work` answers as soon as that is something, asked again and again for so many milliseconds. */
  async until(work, patience) {
    for (const end = Date.now() + patience; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 500))) {
      const found = await work();
      if (found) return found;
    }
    throw new Error(`nothing came in ${patience} ms`);
  }

  /** The open conversation of a customer. */
  async conversation(from) {
    const owner = await this.client(this.ann.email);
    const { items } = await owner('GET', `/v1/conversations?customer_phone=${encodeURIComponent(from)}`);
    return items[0];
  }

  /** Names a customer, as the API does. */
  async name(from, customer_name) {
    const owner = await this.client(this.ann.email);
    await owner('PATCH', `/v1/conversations/${(await this.conversation(from)).id}`, { customer_name });
  }

  async sql(text) {
    const bin = process.env.NMC_PG_BIN ? join(process.env.NMC_PG_BIN, 'psql') : 'psql';
    const url = `postgres://nmc@/nevermisscall?host=${join(this.data, 'run')}`;
    await run(bin, ['-q', '-v', 'ON_ERROR_STOP=1', '-c', `BEGIN; SELECT nmc_enter_system(); ${text}; COMMIT`, url]);
  }
}
