import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { look, PHONE, visitor } from '../browser.js';

const [RANG_OUT, HUNG_UP] = ['+14155550181', '+14155550182'];

export default {
  async 'calls are counted while one looks, as the list of calls counts them'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/figures/today');
    const missed = page.locator('.missed_calls');
    await site.call(RANG_OUT);
    // Figures are computed half a minute apart, and the page asks each ten seconds.
    await missed.getByText('rang out').waitFor({ timeout: 45_000 });
    const count = async () => Number(await missed.locator('.figure').textContent());
    const before = await count();
    await site.call(HUNG_UP, { CallStatus: 'canceled' });
    await site.call(RANG_OUT);
    await page.waitForFunction((then) => Number(document.querySelector('.missed_calls .figure').textContent) > then, before, { timeout: 45_000 });
    await look(page, 'figures');
    const now = await count();
    await go('/calls/missed');
    await page.waitForFunction((many) => document.querySelectorAll('.list .line').length === many, now);
    await close();
  },

  async 'a target is set, shown beside its figure, and taken away'({ site, browser }) {
    await site.call(RANG_OUT);
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/figures/7d');
    await page.locator('.tile').first().waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Set a target' }).click();
    const names = await page.getByLabel('Figure', { exact: true }).locator('option').allTextContents();
    assert.ok(names.includes('Missed calls (how many)') && names.includes('Calls missed (% of all)'), String(names));
    await page.getByLabel('Figure', { exact: true }).selectOption('answer_rate');
    await page.getByLabel('What it should come to').fill('a lot');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('[name=target][aria-invalid=true]').waitFor();
    await page.getByLabel('What it should come to').fill('99.5');
    await page.locator('[name=target][aria-invalid=true]').waitFor({ state: 'detached' });
    await look(page, 'figures-target');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.tile', { hasText: 'Calls answered' }).getByText('✗ target 99.5 % not reached').waitFor();
    const line = page.locator('.line', { hasText: '99.5 % a week' });
    await line.getByRole('button', { name: 'Change' }).click();
    await page.getByLabel('What it should come to').fill('0');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.tile', { hasText: 'Calls answered' }).getByText('✓ target 0 % reached').waitFor();
    await page.locator('.line', { hasText: '0 % a week' }).getByRole('button', { name: 'Remove' }).click();
    await page.getByText('None yet. The figure says').waitFor();
    await close();
  },

  async 'numbers of one row of tiles stand at one height'({ site, browser }) {
    const owner = await site.client(site.ann.email);
    await site.call(RANG_OUT);
    await owner('PUT', '/v1/kpi-targets/missed_rate/weekly', { target: '20' });
    const { page, logIn, close } = await visitor(browser, site, { viewport: PHONE });
    await logIn(site.ann.email, '/figures/7d');
    await page.locator('.tile', { hasText: 'target 20 %' }).waitFor({ timeout: 30_000 });
    const rows = await page.locator('.tile').evaluateAll((tiles) => Object.values(Object.groupBy(tiles, (tile) => tile.getBoundingClientRect().top))
      .map((row) => row.map((tile) => tile.querySelector('.figure').getBoundingClientRect().top)));
    assert.ok(rows.some((row) => row.length > 1), 'tiles are beside each other');
    const room = await page.locator('.figures-counts').boundingBox();
    const bars = await page.locator('.chart rect').evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect()).map(({ left, right }) => [left, right]));
    assert.ok(bars.length > 7 && bars.every(([left, right]) => left >= room.x && right <= room.x + room.width + 1), `${bars} in ${room.x} to ${room.x + room.width}`);
    for (const row of rows) assert.equal(new Set(row).size, 1, String(row));
    await owner('DELETE', '/v1/kpi-targets/missed_rate/weekly');
    await close();
  },

  async 'a report of days of choice is made, and downloaded'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/figures');
    await page.getByRole('button', { name: /^Yesterday, [A-Z][a-z]{2} [0-9]+$/ }).click();
    const rows = page.locator('.line', { has: page.getByRole('button', { name: 'Download as PDF' }) });
    await rows.filter({ hasText: 'Day' }).waitFor();
    await page.getByRole('button', { name: 'Other days …' }).click();
    await page.getByLabel('First day').fill('2026-11-02');
    await page.getByLabel('Last day').fill('2026-11-01');
    await page.getByRole('button', { name: 'Make the report' }).click();
    await page.locator('.dialog .bad, .dialog .problem:not(:empty)').first().waitFor();
    await page.getByLabel('Last day').fill('2026-11-08');
    await page.getByRole('button', { name: 'Make the report' }).click();
    const row = rows.filter({ hasText: 'Nov 2 – 8' });
    await row.waitFor();
    await look(page, 'figures-reports');
    const [file] = await Promise.all([page.waitForEvent('download'), row.getByRole('button', { name: 'Download as PDF' }).click()]);
    assert.equal(readFileSync(await file.path()).subarray(0, 5).toString(), '%PDF-');
    assert.match(file.suggestedFilename(), /^report-.*plumbing-custom-2026-11-02.*\.pdf$/);
    await row.getByText(/^Days of choice, made [A-Z][a-z]{2} [0-9]+, 20[0-9]{2}, [0-9:]+ [AP]M$/).waitFor();
    await row.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByText('Nov 2 – 8: Days of choice, made').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
    await close();
    const viewer = await visitor(browser, site);
    await viewer.logIn(site.vic.email, '/figures');
    await viewer.page.locator('.tile, .empty').first().waitFor();
    assert.equal(await viewer.page.getByRole('button', { name: /target|Yesterday|Other days/ }).count(), 0);
    await viewer.close();
  },

  async 'where there is nothing yet, the next thing to do is'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.rival.email);
    const leads = { '/inbox/resolved': ['See all that is open', 'Inbox'], '/calls': ['See your numbers', 'Phone numbers'], '/figures': ['Is everything set up?', 'Getting started'] };
    for (const [path, [label, heading]] of Object.entries(leads)) {
      await go(path);
      await page.getByRole('link', { name: label }).click();
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    }
    await close();
  },
};
