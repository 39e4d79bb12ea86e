import assert from 'node:assert/strict';
import { visitor } from '../browser.js';

const PHONE = '+14155550141';
const LONG = 10_000;

export default {
  async 'ten thousand texts open at once, and are read to the first'({ site, browser }) {
    await site.text(PHONE, 'The last of them');
    const { id } = await site.conversation(PHONE);
    await site.sql(`
      INSERT INTO messages (id, tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, created_at)
      SELECT gen_random_uuid(), c.tenant_id, c.id, 'text number ' || n, 'inbound', c.customer_phone, '${site.ann.number}', 'received', now() - interval '1 day' - (${LONG} - n) * interval '1 minute'
      FROM conversations c, generate_series(1, ${LONG}) n WHERE c.id = '${id}';
      INSERT INTO conversation_events (id, tenant_id, conversation_id, event_type, created_at)
      SELECT gen_random_uuid(), c.tenant_id, c.id, 'message_received', now() - interval '1 day' - (${LONG} - n) * interval '1 minute'
      FROM conversations c, generate_series(1, ${LONG}) n WHERE c.id = '${id}'; ANALYZE messages; ANALYZE conversation_events`);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email);
    const times = [];
    for (let round = 0; round < 3; round += 1) {
      await page.evaluate(() => (location.hash = '/inbox/open'));
      await page.getByRole('heading', { name: 'Choose a conversation' }).waitFor();
      times.push(await page.evaluate((to) => new Promise((resolve) => {
        const since = performance.now();
        const look = () => (document.querySelector('.thread')?.textContent.includes('The last of them') ? resolve(performance.now() - since) : requestAnimationFrame(look));
        location.hash = `/c/${to}`;
        look();
      }), id));
    }
    times.sort((one, other) => one - other);
    assert.ok(times[1] <= 300, `opened in ${times.map(Math.round).join(', ')} ms`);
    let seen = null;
    for (let step = 0; step < 40; step += 1) {
      const before = await page.evaluate(() => document.querySelector('.thread .entry').dataset.key);
      await page.locator('.thread').evaluate((thread) => (thread.scrollTop = 0));
      await page.waitForFunction((key) => document.querySelector('.thread .entry').dataset.key !== key, before);
      const now = await page.evaluate(() => [document.querySelectorAll('*').length, document.querySelectorAll('.thread .entry').length]);
      assert.ok(now[0] <= 2_000 && now[1] <= 200, `${now}`);
      seen = await page.locator('.thread .entry').first().textContent();
    }
    assert.match(seen, /text number \d+/);
    const numbers = (await page.locator('.thread .bubble-body').allTextContents()).map((text) => Number(text.split(' ').at(-1)));
    numbers.forEach((number, at) => assert.ok(at === 0 || number === numbers[at - 1] + 1, `${numbers[at - 1]} before ${number}`));
    await close();
  },
};
