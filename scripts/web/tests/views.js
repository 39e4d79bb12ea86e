import assert from 'node:assert/strict';
import { look, PHONE as SMALL, visitor } from '../browser.js';

const PHONE = '+14155550171';

export default {
  async 'missed calls lead to the conversation, and an outcome is put right'({ site, browser }) {
    await site.call(PHONE, { CallerName: 'Cal Caller', FromCity: 'SAN FRANCISCO', FromState: 'CA' });
    await site.name(PHONE, 'Cal Caller');
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/calls');
    const line = page.locator('.line', { hasText: 'Cal Caller' });
    await line.waitFor();
    await look(page, 'calls');
    const left = (at) => page.locator(at).first().evaluate((element) => element.getBoundingClientRect().left);
    assert.equal(await left('.tab[aria-current]'), await left('h1'), 'what is chosen stands below the heading');
    await page.setViewportSize(SMALL);
    const foot = line.getByText('Missed call · San Francisco, CA');
    assert.ok((await foot.boundingBox()).height < 25, 'the place is on one line');
    const sign = await line.getByRole('button', { name: 'What came of the call' }).locator('path').getAttribute('d');
    assert.equal(await page.getByRole('link', { name: 'Call Cal Caller back' }).getAttribute('href'), `tel:${PHONE}`);
    await line.getByRole('button', { name: 'What came of the call' }).click();
    await page.getByRole('combobox', { name: 'What came of the call' }).selectOption('answered');
    await page.getByRole('button', { name: 'Save' }).click();
    await line.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'All', exact: true }).click();
    await line.locator('.line-link').click();
    await page.getByRole('heading', { name: 'Cal Caller' }).waitFor();
    assert.notEqual(await page.getByRole('button', { name: 'Resolve' }).locator('path').getAttribute('d'), sign);
    await page.getByRole('button', { name: 'Resolve' }).click();
    const under = page.locator('.conversation-head .under', { hasText: 'Resolved · (415) 555-0171' });
    await under.waitFor();
    assert.equal(await under.evaluate((words) => words.scrollWidth > words.clientWidth), false, 'nothing is cut');
    await close();
  },

  async 'a customer is shown, and opted out by hand'({ site, browser }) {
    await site.text(PHONE, 'Call me, please');
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, `/customer/${PHONE}`);
    await page.getByRole('heading', { name: 'Cal Caller' }).waitFor();
    await look(page, 'customer');
    await page.getByRole('button', { name: 'Stop texting them' }).click();
    await page.getByRole('button', { name: 'Stop texting', exact: true }).click();
    await page.getByText('Opted out', { exact: true }).first().waitFor();
    await close();
  },

  async 'an alert is put off, taken over and resolved'({ site, browser }) {
    const rival = await visitor(browser, site);
    await rival.logIn(site.rival.email, '/alerts');
    await rival.page.getByRole('heading', { name: 'Nothing wants attention' }).waitFor();
    await look(rival.page, 'alerts-empty');
    const usual = rival.page.getByRole('button', { name: 'Add the usual alerts' });
    await usual.click();
    await usual.waitFor({ state: 'hidden' });
    await rival.page.reload();
    await rival.page.getByRole('heading', { name: 'Nothing wants attention' }).waitFor();
    await rival.page.waitForTimeout(500);
    assert.equal(await usual.isVisible(), false);
    await rival.go('/calls/abandoned');
    await rival.page.getByText('Calls to your number show up here').waitFor();
    await rival.close();
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/alerts');
    const row = page.locator('.alert-row').first();
    await row.waitFor({ timeout: 75_000 });
    await look(page, 'alerts');
    await row.getByRole('button', { name: 'many open jobs' }).click();
    await page.getByRole('dialog').getByText('Raised').waitFor();
    await page.getByRole('dialog').getByText('This page').waitFor();
    await look(page, 'alerts-history');
    await page.getByRole('button', { name: 'Close' }).click();
    const press = async (name) => {
      await row.getByRole('button', { name }).click();
      await page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
    };
    await press('Later');
    await row.getByText('Put off until').waitFor();
    await press('I take care');
    await row.getByText('Ann Doe takes care').waitFor();
    await press('Resolve');
    await row.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Resolved' }).click();
    await row.getByText('Resolved by Ann Doe').waitFor();
    const owner = await site.client(site.ann.email);
    const rule = await owner('POST', '/v1/alert-rules', { name: 'tried out', metric: 'tried out', operator: 'greater_than', threshold: '5', severity: 'high', notification_channels: ['email'] });
    await owner('POST', `/v1/alert-rules/${rule.id}/test`);
    const test = page.locator('.alert-row', { hasText: 'tried out' });
    await test.getByText('Test', { exact: true }).waitFor();
    assert.equal(await test.locator('.bad').or(test.getByText('Resolved by')).count(), 0);
    // What somebody typed is no key of words.
    for (const name of ['constructor', 'go.back']) {
      const odd = await owner('POST', '/v1/alert-rules', { name, metric: name, operator: 'greater_than', threshold: '5', severity: 'high', notification_channels: ['email'] });
      await owner('POST', `/v1/alert-rules/${odd.id}/test`);
      await page.getByRole('button', { name, exact: true }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await owner('DELETE', `/v1/alert-rules/${odd.id}`);
    }
    await close();
  },

  async 'onboarding says what is missing, and where that is done'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.rival.email, '/start');
    await page.locator('.step').nth(4).waitFor();
    await look(page, 'onboarding');
    const there = page.locator('.step', { hasText: 'All there' });
    assert.ok((await there.count()) > 0);
    assert.equal(await there.count(), await page.locator('.step.done').count(), 'what is there has a tick');
    assert.match(await page.locator('.step .line-foot').first().textContent(), /^[A-Z]/);
    await page.locator('.step').first().getByRole('link', { name: 'Do it now' }).click();
    await page.getByRole('heading', { name: 'Business and hours' }).waitFor();
    await page.route('**/v1/tenant', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), approved_at: null } });
    });
    await page.goto(page.url().replace(/#.*/, '#/start'));
    await page.reload();
    await page.getByText('until then nothing is texted').waitFor();
    await close();
  },

  async 'all of it works by keyboard, and focus follows'({ site, browser }) {
    await site.text(PHONE, 'Reach me by keyboard');
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    await page.locator('.row-link').first().waitFor();
    const skip = page.getByRole('link', { name: 'Skip to the content' });
    await skip.focus();
    assert.ok((await skip.boundingBox()).width > 50, 'what skips the navigation is seen as soon as it has the focus');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
    for (let step = 0; step < 30 && !(await page.evaluate(() => document.activeElement.matches('.row-link'))); step += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.conversation h1').waitFor();
    assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest('.split-detail'))), true);
    const seen = await page.evaluate(() => {
      document.querySelector('.nav-link').focus();
      return getComputedStyle(document.activeElement).outlineStyle;
    });
    assert.equal(seen, 'solid');
    const moves = async (reducedMotion) => {
      await page.emulateMedia({ reducedMotion });
      return page.locator('.row-link').first().evaluate((row) => getComputedStyle(row).transitionDuration);
    };
    assert.deepEqual([await moves('no-preference'), await moves('reduce')], ['0.12s', '0s']);
    await page.getByRole('button', { name: 'Write to somebody' }).press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.title), 'Write to somebody', 'focus goes back to where it was');
    await close();
  },

  async 'times are the business’s, whatever clock and zone the browser has'({ site, browser }) {
    await site.text(PHONE, 'What time is it?');
    const { id } = await site.conversation(PHONE);
    const owner = await site.client(site.ann.email);
    const { items: [{ created_at: at }] } = await owner('GET', `/v1/conversations/${id}/messages?limit=1`);
    const time = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Chicago', hour: 'numeric', minute: '2-digit' }).format(new Date(at));
    const { page, logIn, close } = await visitor(browser, site, { timezoneId: 'Asia/Tokyo' });
    await page.addInitScript(() => {
      const real = Date.now;
      Date.now = () => real() + 30 * 3_600_000;
    });
    await logIn(site.ann.email, `/c/${id}`);
    await page.locator('.bubble', { hasText: 'What time is it?' }).getByText(time).waitFor();
    assert.equal(await page.locator('.thread .day').last().textContent(), 'Today');
    await page.locator('.row', { hasText: 'What time is it?' }).locator('.row-time', { hasText: time }).waitFor();
    await close();
  },

  async 'every address is there after a reload, and on the way back'({ site, browser }) {
    const { id } = await site.conversation(PHONE);
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    const headings = { '/inbox/mine': 'Inbox', [`/c/${id}`]: 'Cal Caller', [`/customer/${PHONE}`]: 'Cal Caller', '/calls/all': 'Calls', '/alerts/resolved': 'Alerts',
      '/figures/30d': 'Figures', '/people': 'People', '/me': 'Your settings' };
    const isThere = async (path) => {
      await page.getByRole('heading', { name: headings[path], level: 1, exact: true }).waitFor();
      assert.ok(page.url().endsWith(`#${path}`), page.url());
      if (path === '/people') assert.match(await page.title(), /People – NeverMissCall$/);
    };
    for (const path of Object.keys(headings)) {
      await go(path);
      await page.reload();
      await isThere(path);
    }
    for (const path of Object.keys(headings).toReversed().slice(1)) {
      await page.goBack();
      await isThere(path);
    }
    await close();
  },
};
