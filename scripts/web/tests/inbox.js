import assert from 'node:assert/strict';
import { look, visitor } from '../browser.js';

const [LEAK, BOILER] = ['+14155550111', '+14155550112'];

export default {
  async 'what is read while the list is read is there once'({ site, browser }) {
    const number = '+14155550771';
    await site.text(number, 'Read in between');
    const { id } = await site.conversation(number);
    const { page, context, logIn, open, close } = await visitor(browser, site);
    const owner = await site.client(site.ann.email);
    await context.route(/unread=false/, async (route) => {
      await owner('PUT', `/v1/conversations/${id}/read`);
      await route.continue();
    });
    await logIn(site.ann.email);
    await open('/inbox/open');
    const row = page.locator(`.inbox .row-link[href="#/c/${id}"]`);
    await row.first().waitFor();
    assert.equal(await row.count(), 1);
    await close();
  },

  async 'a missed call and a text show up live, the unread first'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    await site.call(LEAK);
    await site.name(LEAK, 'Lena Leak');
    const row = page.locator('.row', { hasText: 'Lena Leak' });
    await row.waitFor();
    await site.text(LEAK, 'The sink is leaking');
    await row.getByText('The sink is leaking').waitFor();
    await site.text(BOILER, 'Is the boiler ready?');
    await page.locator('.row', { hasText: 'Is the boiler ready?' }).waitFor();
    await page.waitForFunction(() => /^\(\d+\)/.test(document.title));
    await look(page, 'inbox');
    await row.locator('a').click();
    await page.getByRole('heading', { name: 'Lena Leak' }).waitFor();
    await page.locator('.row', { hasText: 'Lena Leak' }).and(page.locator(':not(.unread)')).waitFor();
    const unread = await page.locator('.inbox .row').evaluateAll((rows) => rows.map((each) => each.matches('.unread')));
    assert.ok(unread.lastIndexOf(true) >= 0 && unread.lastIndexOf(true) < unread.indexOf(false), `the unread first: ${unread}`);
    await close();
  },

  async 'customers and texts are found, and what is filtered stays'({ site, browser }) {
    await site.text(LEAK, 'The valve is behind the wardrobe');
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    await page.getByRole('searchbox').fill('wardro');
    await page.getByText('The valve is behind the wardrobe').first().waitFor();
    await page.getByRole('searchbox').fill('Lena');
    await page.getByRole('heading', { name: 'Customers' }).waitFor();
    for (const nothing of ['zzzzzz', '%_%', '"zzz" o’zzz']) {
      await page.getByRole('searchbox').fill('Lena');
      await page.getByRole('heading', { name: 'Customers' }).waitFor();
      await page.getByRole('searchbox').fill(nothing);
      await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    }
    await page.getByRole('link', { name: 'Mine' }).click();
    await page.getByRole('heading', { name: 'Nothing is yours right now' }).waitFor();
    await look(page, 'inbox-empty');
    await page.getByRole('link', { name: 'Unassigned' }).click();
    await page.locator('.row', { hasText: 'Lena Leak' }).waitFor();
    await close();
  },

  async 'a dialog goes with the view that it stands above'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/calls');
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
    await go('/inbox/open');
    await page.getByRole('button', { name: 'Write to somebody' }).click();
    await page.getByRole('dialog').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await close();
  },

  async 'another business’s customers are nowhere'({ site, browser }) {
    await site.text('+14155550177', 'A secret of the rival', site.rival.number);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    await page.locator('.row').first().waitFor();
    assert.equal(await page.getByText('A secret of the rival').count(), 0);
    await close();
  },

  async 'what comes is heard and shown to whoever wants that, and says who, never what'({ site, browser }) {
    await site.text(BOILER, 'Before');
    const operator = await site.client(site.bob.email);
    await operator('PATCH', '/v1/users/me/preferences', { dashboard_sounds_enabled: true, push_notifications_enabled: true });
    const { page, logIn, close } = await visitor(browser, site);
    await page.addInitScript(() => {
      Object.assign(window, { told: [], tones: 0 });
      Object.defineProperty(document, 'hidden', { get: () => window.isAway ?? false });
      window.Notification = class {
        static permission = 'granted';
        constructor(...said) {
          window.told.push(JSON.stringify(said));
        }
      };
      window.AudioContext = class {
        currentTime = 0;
        createOscillator() {
          window.tones += 1;
          throw new Error('no sound in a test');
        }
        createGain() {}
      };
    });
    await logIn(site.bob.email);
    await page.locator('.row', { hasText: 'Before' }).waitFor();
    await page.waitForFunction(() => /^\(\d+\)/.test(document.title));
    await site.text(BOILER, 'A secret of the boiler');
    await page.waitForFunction(() => window.tones > 0);
    assert.deepEqual(await page.evaluate(() => window.told), [], 'whoever looks sees it');
    await page.evaluate(() => (window.isAway = true));
    await site.text(BOILER, 'Another secret');
    await page.waitForFunction(() => window.told.length > 0);
    const told = await page.evaluate(() => window.told.join());
    assert.match(told, /has called or written/);
    assert.doesNotMatch(told, /secret/);
    await operator('PATCH', '/v1/users/me/preferences', { dashboard_sounds_enabled: false, push_notifications_enabled: false });
    await page.reload();
    await page.evaluate(() => (window.isAway = true));
    await page.waitForFunction(() => /^\(\d+\)/.test(document.title));
    const before = await page.title();
    await site.text(BOILER, 'Silence');
    await page.waitForFunction((title) => document.title !== title, before);
    assert.deepEqual(await page.evaluate(() => [window.tones, window.told.length]), [0, 0]);
    await close();
  },
};
