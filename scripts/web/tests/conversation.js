import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';
import { look, PHONE, visitor } from '../browser.js';

async function open(site, browser, phone, { email = site.ann.email, ...options } = {}) {
  const { id } = await site.conversation(phone);
  const visit = await visitor(browser, site, options);
  await visit.logIn(email, `/c/${id}`);
  await visit.page.locator('.composer').waitFor();
  await visit.page.locator('.entry').first().waitFor();
  return { ...visit, id };
}

/** A grey PNG, as wide as it is high. */
function square(side) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.from([0, 0, 0, side, 0, 0, 0, side, 8, 0, 0, 0, 0]);
  const pixels = deflateSync(Buffer.alloc(side * (side + 1)));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

const write = (page) => page.getByRole('textbox', { name: 'Write a text' });

export default {
  async 'a reply is counted, sent once, and the draft survives a reload'({ site, browser }) {
    const phone = '+14155550121';
    await site.call(phone);
    await site.text(phone, 'Could you come today?');
    const { page, close } = await open(site, browser, phone);
    await page.getByText('Missed call').waitFor();
    await page.getByText('Could you come today?').last().waitFor();
    await write(page).fill('We come at nine');
    await page.getByText('15 characters · 1 text').waitFor();
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.composer-text')?.value === 'We come at nine');
    await look(page, 'conversation');
    await write(page).press('Enter');
    await page.locator('.bubble.ours', { hasText: 'We come at nine' }).getByText(/Sent$/).waitFor();
    assert.equal(await write(page).inputValue(), '');
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', `/v1/conversations/${(await site.conversation(phone)).id}/messages?direction=outbound&kind=message`);
    assert.deepEqual(items.map((one) => one.body), ['We come at nine']);
    await close();
  },

  async 'on a phone: a ready reply, a note, tags, assigned, resolved, reopened'({ site, browser }) {
    const phone = '+14155550122';
    await site.text(phone, 'Hello from a phone');
    const { page, close } = await open(site, browser, phone, { viewport: PHONE });
    await page.getByRole('button', { name: 'Ready replies' }).click();
    await page.getByRole('button', { name: 'What is the address?' }).click();
    assert.equal(await write(page).inputValue(), 'What is the address?');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('.bubble.ours', { hasText: 'What is the address?' }).waitFor();
    await page.getByRole('button', { name: 'Note' }).click();
    await page.getByRole('textbox', { name: 'A note for your team' }).fill('Has a dog');
    await page.getByRole('button', { name: 'Add the note' }).click();
    await page.locator('.note-card', { hasText: 'Has a dog' }).waitFor();
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByLabel('Looked after by').selectOption({ label: 'bob Doe' });
    await page.getByText('assigned this to bob Doe').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Text', exact: true }).click();
    await write(page).fill('We come at ten');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Your text goes out. bob Doe looks after this conversation.').waitFor();
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'Add a tag' }).click();
    await page.getByLabel('Tag', { exact: true }).fill('dog');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('.tags', { hasText: 'dog' }).waitFor();
    await look(page, 'conversation-details');
    await page.getByRole('button', { name: 'Edit' }).click();
    const asked = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByLabel('About').fill('Has a dog');
    await page.getByRole('button', { name: 'Save' }).click();
    assert.deepEqual((await asked).postDataJSON(), { notes: 'Has a dog' }, 'what was not touched may be another’s by now');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.setViewportSize(PHONE);
    await page.getByRole('button', { name: 'Details' }).click();
    assert.equal(await page.locator('a[href="tel:+14155550122"]').count(), 1);
    await page.getByRole('button', { name: 'Resolve' }).click();
    await page.getByRole('button', { name: 'Reopen' }).click();
    await page.getByRole('button', { name: 'Resolve' }).waitFor();
    await close();
  },

  async 'the reply is shut after STOP, and for a viewer'({ site, browser }) {
    const phone = '+14155550123';
    await site.text(phone, 'Hello');
    const { page, close } = await open(site, browser, phone);
    await write(page).waitFor();
    await site.text(phone, 'STOP');
    await page.getByText('This customer has opted out').waitFor();
    assert.equal(await write(page).isVisible(), false);
    await look(page, 'conversation-stop');
    await close();
    const viewer = await open(site, browser, '+14155550122', { email: site.vic.email });
    await viewer.page.getByText('You may read here').waitFor();
    assert.equal(await viewer.page.getByRole('button', { name: 'Resolve' }).count(), 0);
    await viewer.close();
  },

  async 'the reply is shut while the business is suspended'({ site, browser }) {
    const phone = '+14155550126';
    await site.text(phone, 'Are you still there?');
    const { id } = await site.conversation(phone);
    const visit = await visitor(browser, site);
    await visit.page.route('**/v1/tenant', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), status: 'suspended' } });
    });
    await visit.logIn(site.ann.email, `/c/${id}`);
    await visit.page.getByText('This business is suspended: nothing is texted until it is active.').waitFor();
    assert.equal(await write(visit.page).isVisible(), false);
    await look(visit.page, 'conversation-suspended');
    await visit.page.getByRole('button', { name: 'Note' }).click();
    await visit.page.getByRole('textbox', { name: 'A note for your team' }).waitFor();
    await visit.close();
  },

  async 'whoever has no name has the one of the network'({ site, browser }) {
    const phone = '+14155550127';
    await site.call(phone, { CallerName: 'NORA NETWORK' });
    const { page, close } = await open(site, browser, phone);
    await page.getByRole('heading', { name: 'NORA NETWORK' }).waitFor();
    await page.locator('.row', { hasText: 'NORA NETWORK' }).waitFor();
    await page.locator('.conversation-head', { hasText: '(415) 555-0127' }).waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
    const isCut = await page.locator('.conversation h1').evaluate((title) => title.scrollWidth > title.clientWidth);
    assert.equal(isCut, false);
    await site.name(phone, 'Nora Norton');
    await page.getByRole('heading', { name: 'Nora Norton' }).waitFor();
    await close();
  },

  async 'the end stays in sight when a picture comes late'({ site, browser }) {
    const phone = '+14155550128';
    for (let count = 0; count < 20; count += 1) await site.text(phone, `Text ${count}`);
    const { id } = await site.conversation(phone);
    const { page, logIn, close } = await visitor(browser, site);
    await page.route('**/v1/conversations/*/messages?**', async (route) => {
      const answer = await route.fetch();
      const { items, ...rest } = await answer.json();
      const media = [{ position: 0, status: 'kept', content_type: 'image/png' }];
      await route.fulfill({ response: answer, json: { ...rest, items: items.map((one, at) => (at === 0 ? { ...one, media } : one)) } });
    });
    let show = null;
    const isShown = new Promise((resolve) => (show = resolve));
    await page.route('**/media/0', async (route) => {
      await isShown;
      await route.fulfill({ contentType: 'image/png', body: square(240) });
    });
    await logIn(site.ann.email, `/c/${id}`);
    await page.locator('.media').waitFor();
    const height = () => page.locator('.media').evaluate((image) => image.getBoundingClientRect().height);
    const before = await height();
    show();
    await page.waitForFunction((least) => document.querySelector('.media').getBoundingClientRect().height > least, before);
    await page.waitForTimeout(100);
    const below = await page.locator('.thread').evaluate((thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight);
    assert.ok(below <= 1, `${below} below`);
    await close();
  },

  async 'why a text failed is said in words'({ site, browser }) {
    const phone = '+14155550124';
    await site.text(phone, 'Will you answer?');
    const { page, id, close } = await open(site, browser, phone);
    await write(page).fill('Yes, we will');
    await write(page).press('Enter');
    await page.locator('.bubble.ours', { hasText: 'Yes, we will' }).getByText(/Sent$/).waitFor();
    await site.sql(`UPDATE messages SET message_status = 'undelivered', error_code = 30003 WHERE conversation_id = '${id}' AND message_direction = 'outbound'`);
    await page.reload();
    await page.getByText('switched off or out of reach').waitFor();
    await close();
  },

  async 'what became of a missed call is told, with what it brought in'({ site, browser }) {
    const phone = '+14155550126';
    await site.call(phone);
    const owner = await site.client(site.ann.email);
    const { id } = await site.conversation(phone);
    // Calls are counted half a minute apart.
    const counted = await site.until(async () => (await owner('GET', `/v1/call-analytics?conversation=${id}`)).items[0], 60_000);
    const { page, close } = await open(site, browser, phone);
    await page.getByText('Not known yet').waitFor();
    await page.getByRole('button', { name: 'Tell what became of it' }).click();
    await page.getByLabel('What became of it', { exact: true }).selectOption('converted');
    await page.getByLabel('Revenue').fill('a lot');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.locator('[name=revenue_impact][aria-invalid=true]').waitFor();
    await look(page, 'became');
    await page.getByLabel('Revenue').fill('420.50');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('It became a job · $420.50').waitFor();
    const { conversion_status: status, revenue_impact: revenue } = await owner('GET', `/v1/call-analytics/${counted.id}`);
    assert.deepEqual([status, Number(revenue)], ['converted', 420.5]);
    await look(page, 'conversation-became');
    await close();
    const viewer = await open(site, browser, phone, { email: site.vic.email });
    await viewer.page.getByText('It became a job').waitFor();
    assert.equal(await viewer.page.getByRole('button', { name: 'Tell what became of it' }).count(), 0);
    await viewer.close();
  },

  async 'what comes is announced, and what is older is not'({ site, browser }) {
    const phone = '+14155550125';
    await site.text(phone, 'An old text');
    const { page, close } = await open(site, browser, phone);
    const log = page.getByRole('log');
    assert.equal(await log.textContent(), '');
    await site.text(phone, 'A new text');
    await log.getByText('A new text').waitFor({ state: 'attached' });
    assert.doesNotMatch(await log.textContent(), /An old text/);
    await close();
  },

  async 'who reads further up stays there, and is told of what comes'({ site, browser }) {
    const phone = '+14155550129';
    for (let count = 0; count < 20; count += 1) await site.text(phone, `Text ${count}`);
    const { page, close } = await open(site, browser, phone, { viewport: { width: 1280, height: 500 } });
    const thread = page.locator('.thread');
    const first = () => thread.evaluate((element) => [...element.querySelectorAll('.entry')]
      .map((each) => [each.dataset.key, Math.round(each.getBoundingClientRect().top)]).find(([, top]) => top > element.getBoundingClientRect().top));
    await page.locator('.bubble', { hasText: 'Text 19' }).waitFor();
    const down = page.locator('.thread-down button');
    assert.equal(await down.isVisible(), false);
    await thread.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await page.getByRole('button', { name: 'To the end' }).waitFor();
    const before = await first();
    await site.text(phone, 'The newest of all');
    await page.getByText('New below').waitFor();
    assert.deepEqual(await first(), before);
    const row = page.locator('.row', { hasText: 'The newest of all' });
    await row.and(page.locator('.unread')).waitFor();
    await look(page, 'conversation-above');
    await page.getByRole('button', { name: 'New below' }).click();
    await down.waitFor({ state: 'hidden' });
    await row.and(page.locator(':not(.unread)')).waitFor();
    await close();
  },

  async 'a file is saved under the name that the server gives it'({ site, browser }) {
    const phone = '+14155550120';
    await site.text(phone, 'Here is the plan');
    const { id } = await site.conversation(phone);
    const { page, logIn, close } = await visitor(browser, site);
    await page.route('**/v1/conversations/*/messages?**', async (route) => {
      const answer = await route.fetch();
      const { items, ...rest } = await answer.json();
      const media = [{ position: 0, status: 'kept', content_type: 'application/pdf' }];
      await route.fulfill({ response: answer, json: { ...rest, items: items.map((one) => ({ ...one, media })) } });
    });
    await page.route('**/media/0', (route) => route.fulfill({ contentType: 'application/pdf', headers: { 'Content-Disposition': 'attachment; filename="plan-1.pdf"' }, body: '%PDF-' }));
    await logIn(site.ann.email, `/c/${id}`);
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the file' }).last().click()]);
    assert.equal(file.suggestedFilename(), 'plan-1.pdf');
    await close();
  },
};
