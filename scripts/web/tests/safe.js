import assert from 'node:assert/strict';
import { look, PHONE, visitor } from '../browser.js';

/** Texts that would run in a page that takes text for markup. */
const CORPUS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=alert(1)>',
  '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<a href="javascript:alert(1)">click</a>',
  'javascript:alert(1)',
  'https://example.com/"onmouseover="alert(1)',
  "https://example.com/' onclick='alert(1)",
  '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '<template><img src=x onerror=alert(1)></template>',
  '{{constructor.constructor("alert(1)")()}} ${alert(1)}',
  '</textarea><script>alert(1)</script>',
  '&lt;img src=x onerror=alert(1)&gt;',
  '<style>@import "//evil.example.com/x.css";</style>',
  '\u202Etxt.exe <b>bold</b>',
];

export default {
  async 'texts, names, tags and notes never run'({ site, browser }) {
    const phone = '+14155550151';
    await site.call(phone, { CallerName: '<img src=x onerror=alert(1)>', FromCity: '<script>alert(1)</script>' });
    for (const text of CORPUS) await site.text(phone, text);
    const { id } = await site.conversation(phone);
    await site.name(phone, '<img src=x onerror=alert(1)>');
    const owner = await site.client(site.ann.email);
    await owner('PUT', `/v1/conversations/${id}/tags/${encodeURIComponent('<img src=x onerror=alert(1)>')}`);
    for (const note of CORPUS) await owner('POST', `/v1/conversations/${id}/notes`, { note });
    const { page, logIn, go, close } = await visitor(browser, site);
    await page.addInitScript(() => (window.alert = () => (window.ran = true)));
    await logIn(site.ann.email, `/c/${id}`);
    await page.locator('.note-card').last().waitFor();
    for (const text of CORPUS.slice(-4)) await page.getByText(text, { exact: true }).first().waitFor({ state: 'attached' });
    await page.locator('.thread').evaluate((thread) => (thread.scrollTop = 0));
    await page.waitForTimeout(300);
    await look(page, 'conversation-hostile');
    const links = await page.locator('.thread a').evaluateAll((all) => all.map((one) => new URL(one.href).protocol));
    assert.ok(links.length > 0 && links.every((protocol) => protocol === 'https:'), `${links}`);
    for (const path of [`/customer/${phone}`, '/calls/missed', '/inbox/open']) {
      await go(path);
      await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
    }
    await page.getByRole('searchbox').fill('bold');
    await page.getByRole('heading', { name: 'Texts' }).waitFor();
    assert.equal(await page.evaluate(() => window.ran ?? false), false);
    assert.equal(await page.locator('main img, main iframe, main script, main style').count(), 0);
    await close();
  },

  async 'the policy lets no markup, no inline script and no other host through'({ site, browser }) {
    const { page, logIn, context } = await visitor(browser, site);
    await logIn(site.ann.email);
    const tried = await page.evaluate(async () => {
      const does = async (work) => {
        try {
          await work();
          return 'done';
        } catch (error) {
          return error.name;
        }
      };
      return [
        await does(() => (document.createElement('div').innerHTML = '<b>x</b>')),
        await does(() => {
          const button = document.body.appendChild(document.createElement('button'));
          button.setAttribute('onclick', 'window.ran = true');
          button.click();
          if (!window.ran) throw new EvalError('it did not run');
        }),
        await does(() => fetch('http://127.0.0.1:1/')),
      ];
    });
    assert.deepEqual(tried, ['TypeError', 'TypeError', 'TypeError']);
    await context.close();
  },

  async 'an address of nobody’s making shows a view all the same'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.vic.email);
    const addresses = { Inbox: ['/constructor', '/__proto__', '/nowhere', '/inbox/constructor', '/c/constructor', '/%'],
      Calls: ['/calls/constructor', '/calls/__proto__'], Alerts: ['/alerts/toString'], Figures: ['/figures/constructor'] };
    for (const [heading, paths] of Object.entries(addresses)) {
      for (const path of paths) {
        await go('/settings');
        await page.getByRole('heading', { name: 'Settings' }).waitFor();
        await go(path);
        await page.getByRole('heading', { name: heading, exact: true }).waitFor();
        await page.locator('.tab[aria-current]').waitFor();
        await page.locator('.nav-link[aria-current]', { hasText: heading }).waitFor();
      }
    }
    await close();
  },

  async 'words of eighty letters leave the rest its place'({ site, browser }) {
    const [phone, long] = ['+14155550152', 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'];
    await site.call(phone, { CallerName: long, FromCity: 'L'.repeat(40) });
    await site.text(phone, `${long} https://example.com/${'a'.repeat(300)} مرحبا ${'😀'.repeat(40)}`);
    const { id } = await site.conversation(phone);
    await site.name(phone, long);
    const owner = await site.client(site.ann.email);
    await owner('PUT', `/v1/conversations/${id}/tags/${'T'.repeat(50)}`);
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email, `/c/${id}`);
    await page.locator('.bubble', { hasText: long }).waitFor();
    await look(page, 'long-conversation');
    await go('/calls');
    const line = page.locator('.line', { hasText: long });
    await line.waitFor();
    await look(page, 'long-calls');
    await page.setViewportSize(PHONE);
    assert.ok((await line.boundingBox()).height < 150, 'three lines of a name, and no more');
    await go(`/customer/${phone}`);
    await page.getByText('May be texted').waitFor();
    await look(page, 'long-customer');
    await page.setViewportSize(PHONE);
    assert.ok((await page.locator('a.line').first().boundingBox()).height < 150, 'nor of a text');
    await close();
  },
};
