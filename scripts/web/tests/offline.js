import assert from 'node:assert/strict';
import { visitor } from '../browser.js';
import { PASSWORD } from '../site.js';

const [PHONE, OTHER] = ['+14155550161', '+14155550162'];

export default {
  async 'after a minute without a network all is there, and the draft is kept'({ site, browser }) {
    await site.text(PHONE, 'Before the tunnel');
    const { id } = await site.conversation(PHONE);
    const { page, context, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, `/c/${id}`);
    const write = page.getByRole('textbox', { name: 'Write a text' });
    await write.fill('Written in the tunnel');
    await page.locator('.row-link').first().waitFor();
    await context.setOffline(true);
    await page.getByText('No connection.').first().waitFor();
    await site.text(PHONE, 'While you were away');
    // What comes by itself does not concern the conversation, which has to be read nevertheless.
    await page.waitForTimeout(500);
    await site.text(OTHER, 'Somebody else, too');
    await write.press('Enter');
    await page.locator('.notice').getByText('There is no connection. Nothing is lost').waitFor();
    assert.equal(await write.inputValue(), 'Written in the tunnel');
    await page.waitForTimeout(60_000);
    await context.setOffline(false);
    const since = Date.now();
    await page.locator('.bubble', { hasText: 'While you were away' }).waitFor();
    await page.locator('.row', { hasText: 'Somebody else, too' }).waitFor();
    assert.ok(Date.now() - since <= 2_000, `${Date.now() - since} ms`);
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', '/v1/conversations?sort=updated_at');
    const shown = await page.locator('.inbox .row-link').evaluateAll((links) => links.map((link) => link.getAttribute('href').slice(4)));
    assert.deepEqual(shown.slice().sort(), items.map((one) => one.id).sort(), 'the same list as the API');
    assert.equal(await write.inputValue(), 'Written in the tunnel');
    await write.press('Enter');
    await page.locator('.bubble.ours', { hasText: 'Written in the tunnel' }).waitFor();
    await close();
  },

  async 'a stream that the server has no room for is tried again'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await page.route('**/v1/events', (route) => route.fulfill({ status: 429, contentType: 'application/problem+json', body: '{"code":"too_many_streams"}' }));
    await logIn(site.ann.email);
    await page.getByText('Too many windows are open').waitFor();
    await page.unroute('**/v1/events');
    await page.getByText('Too many windows are open').waitFor({ state: 'detached' });
    await site.text(OTHER, 'Heard after all');
    await page.locator('.row', { hasText: 'Heard after all' }).waitFor();
    await close();
  },

  async 'a server that starts anew is found again, without a gap'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    const bind = new URL(site.url).host;
    await site.down();
    await page.getByText('No connection.').first().waitFor();
    await site.up(bind);
    await site.text(PHONE, 'After the restart');
    await page.locator('.row', { hasText: 'After the restart' }).waitFor();
    await close();
  },

  async 'a text whose answer is lost goes out once'({ site, browser }) {
    await site.text(PHONE, 'Is anybody there?');
    const { id } = await site.conversation(PHONE);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, `/c/${id}`);
    const write = page.getByRole('textbox', { name: 'Write a text' });
    await write.fill('Said once');
    await page.route('**/messages', async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await write.press('Enter');
    await page.locator('.notice').getByText('There is no connection. Nothing is lost').waitFor();
    assert.equal(await write.inputValue(), 'Said once');
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === 'Said once');
    await write.press('Enter');
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === '');
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', `/v1/conversations/${id}/messages?direction=outbound&kind=message`);
    assert.equal(items.filter((one) => one.body === 'Said once').length, 1);
    await close();
  },

  async 'a session that could not be renewed for want of a network is renewed later'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    await page.route('**/v1/calls?**', (route) => route.fulfill({ status: 401, json: {} }), { times: 1 });
    await page.route('**/refresh', (route) => route.abort(), { times: 1 });
    await go('/calls/all');
    await page.getByText('There is no connection. Nothing is lost').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('That did not work').waitFor({ state: 'detached' });
    await page.locator('.listing .list, .listing .empty').first().waitFor();
    await close();
  },

  async 'a draft outlives the session that ends while it is written'({ site, browser }) {
    await site.text(PHONE, 'Are you there?');
    const { id } = await site.conversation(PHONE);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.bob.email, `/c/${id}`);
    const write = page.getByRole('textbox', { name: 'Write a text' });
    await write.fill('Half of an answer');
    await page.route('**/v1/**', (route) => route.fulfill({ status: 401, json: {} }));
    // Something else may hear of it first, and the field be gone by then.
    await page.keyboard.press('Enter');
    await page.getByText('Your session is over').waitFor();
    await page.unroute('**/v1/**');
    await page.getByLabel('E-mail').fill(site.bob.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === 'Half of an answer');
    await close();
  },

  async 'a stream that ends with its token goes on with the next'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    const renewed = page.waitForResponse((answer) => answer.url().endsWith('/v1/events')).then(() => page.waitForResponse('**/refresh'));
    await page.route('**/v1/events', (route) => route.fulfill({ status: 401, json: {} }), { times: 1 });
    await logIn(site.ann.email);
    assert.equal((await renewed).status(), 200);
    await site.text(OTHER, 'Heard with another token');
    await page.locator('.row', { hasText: 'Heard with another token' }).waitFor();
    await close();
  },

  async 'what is written while a text fails is kept with it'({ site, browser }) {
    await site.text(PHONE, 'And who comes?');
    const { id } = await site.conversation(PHONE);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, `/c/${id}`);
    const write = page.getByRole('textbox', { name: 'Write a text' });
    let fail = null;
    const isWritten = new Promise((resolve) => (fail = resolve));
    await page.route('**/messages', (route) => isWritten.then(() => route.abort()), { times: 1 });
    await write.fill('The first half');
    await write.press('Enter');
    await page.locator('.bubble.pending').waitFor();
    await write.fill('The second half');
    fail();
    await page.locator('.notice').getByText('There is no connection').waitFor();
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === 'The first half\nThe second half');
    await close();
  },
};
