import assert from 'node:assert/strict';
import { visitor } from '../browser.js';
import { PASSWORD } from '../site.js';

export default {
  async 'two agents see each other, and the slower one’s answer waits'({ site, browser }) {
    const phone = '+14155550131';
    await site.text(phone, 'Who comes?');
    const { id } = await site.conversation(phone);
    const [ann, bob] = await Promise.all([visitor(browser, site), visitor(browser, site)]);
    await Promise.all([ann.logIn(site.ann.email, `/c/${id}`), bob.logIn(site.bob.email, `/c/${id}`)]);
    await ann.page.getByText('bob Doe is reading this, too').waitFor({ timeout: 15_000 });
    await bob.page.getByText('Ann Doe is reading this, too').waitFor({ timeout: 15_000 });
    const write = ({ page }) => page.getByRole('textbox', { name: 'Write a text' });
    await write(bob).pressSequentially('I could');
    await ann.page.getByText('bob Doe is typing').waitFor();
    await write(ann).fill('Ann comes at nine');
    // Bob's page is not told in time: what the version of his reply is for.
    await bob.page.route('**/v1/conversations/*/messages?**', (route) => route.abort());
    await write(bob).fill('Bob comes at ten');
    await bob.page.waitForTimeout(600);
    await bob.page.route('**/v1/conversations/*', (route) => (route.request().method() === 'GET' ? route.abort() : route.continue()));
    await write(ann).press('Enter');
    await ann.page.locator('.bubble.ours', { hasText: 'Ann comes at nine' }).getByText(/Sent$/).waitFor();
    await bob.page.unroute('**/v1/conversations/*/messages?**');
    const sent = bob.page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.url().endsWith('/messages'));
    await write(bob).press('Enter');
    assert.equal((await sent).status(), 412);
    await bob.page.unroute('**/v1/conversations/*');
    await bob.page.getByText('Your text is still here').waitFor();
    assert.equal(await write(bob).inputValue(), 'Bob comes at ten', 'the draft stays');
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', `/v1/conversations/${id}/messages?direction=outbound&kind=message`);
    assert.deepEqual(items.map((one) => one.body), ['Ann comes at nine']);
    await ann.close();
    await bob.close();
  },

  async 'tabs of one browser share one stream, and another takes over'({ site, browser }) {
    const { page, context, logIn, close } = await visitor(browser, site);
    const streams = [];
    context.on('request', (request) => request.url().endsWith('/v1/events') && streams.push(request.frame().page()));
    await logIn(site.ann.email);
    const second = await context.newPage();
    await second.goto(`${site.url}/app#/inbox/open`);
    await second.getByRole('heading', { name: 'Inbox' }).waitFor();
    await site.text('+14155550132', 'Told to both tabs');
    for (const each of [page, second]) await each.locator('.row', { hasText: 'Told to both tabs' }).waitFor();
    assert.deepEqual(streams, [page]);
    await page.close();
    await site.text('+14155550132', 'Told to the one that is left');
    await second.locator('.row', { hasText: 'Told to the one that is left' }).waitFor();
    assert.deepEqual(streams, [page, second]);
    await close();
  },

  async 'a tab in which another has logged in does nothing in their name'({ site, browser }) {
    const phone = '+14155550133';
    await site.text(phone, 'Whose answer is it?');
    const { id } = await site.conversation(phone);
    const { page, context, logIn, close } = await visitor(browser, site);
    await logIn(site.bob.email, `/c/${id}`);
    const write = page.getByRole('textbox', { name: 'Write a text' });
    await write.fill('An answer of Bob’s');
    const second = await context.newPage();
    await second.goto(`${site.url}/app#/login`);
    const logInAs = async (email) => {
      await second.getByLabel('E-mail').fill(email);
      await second.getByLabel('Password').fill(PASSWORD);
      await second.getByRole('button', { name: 'Log in' }).click();
      await second.getByRole('heading', { name: 'Inbox' }).waitFor();
    };
    await logInAs(site.ann.email);
    // The access token of the first tab runs out.
    await page.route('**/messages', (route) => route.fulfill({ status: 401, json: {} }), { times: 1 });
    await write.press('Enter');
    await page.locator('.nav-self', { hasText: 'Ann Doe' }).waitFor();
    await write.waitFor();
    assert.equal(await write.inputValue(), '', 'a draft is its writer’s own');
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', `/v1/conversations/${id}/messages?direction=outbound&kind=message`);
    assert.deepEqual(items, []);
    await second.goto(`${site.url}/app#/login`);
    await logInAs(site.bob.email);
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === 'An answer of Bob’s');
    await close();
  },
};
