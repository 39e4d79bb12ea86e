/** A real browser, and what holds of every page: nothing is asked of another host, nothing breaks, nothing breaks the policy. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { PASSWORD } from './site.js';

export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
/** A desk at 200 %. */
const ZOOMED = { width: 640, height: 400 };
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'];
/** What a view may be refused and shows as such: routes that not every server has, a version that moved on, a login that is over. */
const EXPECTED = /status of (400|401|404|409|412|429)|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|WebSocket|ERR_FAILED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_NETWORK_CHANGED/;

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/** A browser of somebody's own, whose pages are watched; `close` says what was wrong. */
export async function visitor(browser, site, { viewport = DESK, refused = /^$/, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  context.setDefaultTimeout(10_000);
  const wrong = [];
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  context.on('page', (page) => {
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (!['data:', 'blob:'].includes(url.protocol) && url.hostname !== '127.0.0.1') wrong.push(`asked ${url.href}`);
    });
    page.on('pageerror', (error) => wrong.push(`broke: ${error.stack}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text()) && !refused.test(message.text())) wrong.push(`said: ${message.text()}`);
    });
    page.on('dialog', (dialog) => {
      wrong.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
  });
  const page = await context.newPage();
  let who = null;
  const go = (path) => page.evaluate((to) => (location.hash = to), path);
  return {
    page,
    context,
    go,
    async open(path) {
      await page.goto(`${site.url}/app#${path}`);
    },
    /** Logs in as somebody, with the session that an earlier visitor of theirs has left, if there is one. */
    async logIn(email, path = '/inbox/open') {
      who = email;
      const kept = site.sessions.get(email);
      if (kept) await context.addCookies(kept);
      await page.goto(`${site.url}/app`);
      if (!kept) {
        await page.getByLabel('E-mail').fill(email);
        await page.getByLabel('Password').fill(PASSWORD);
        await page.getByRole('button', { name: 'Log in' }).click();
      }
      await page.getByRole('heading', { name: 'Inbox' }).waitFor();
      if (path !== '/inbox/open') await go(path);
    },
    async close() {
      if (who) site.sessions.set(who, await context.cookies(`${site.url}/v1/browser-sessions/refresh`));
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}

/** No violation of axe's rules, at either size and in either mode, and nothing wider than its place; and pictures, if a directory for them is given. */
export async function look(page, name) {
  for (const [size, viewport] of [['phone', PHONE], ['desk', DESK]]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const folder = process.env.PICTURES;
      if (folder) {
        mkdirSync(folder, { recursive: true });
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
      }
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | ')}`);
      assert.deepEqual(found, [], `${name}, ${size}, ${colorScheme}`);
    }
    await fits(page, `${name} at ${size} size`);
  }
  await page.setViewportSize(ZOOMED);
  await fits(page, `${name} at 200 %`);
  await page.setViewportSize(DESK);
}

/** Nothing scrolls sideways. */
async function fits(page, what) {
  const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.scroll, .thread, .details, .dialog, .door, .head')]
    .filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.tagName}.${one.className}`));
  assert.deepEqual(wide, [], what);
}
