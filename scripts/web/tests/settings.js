import assert from 'node:assert/strict';
import { look, visitor } from '../browser.js';

export default {
  async 'hours are changed, and a refusal stands beside its field'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/settings');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await look(page, 'settings');
    await page.getByRole('link', { name: /Business and hours/ }).click();
    await page.getByLabel('Opens at').fill('07:30');
    await page.getByLabel('Your own phone').fill('12');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('[name=business_phone][aria-invalid=true]').waitFor();
    await look(page, 'business');
    await page.getByLabel('Your own phone').fill('(312) 555-0142');
    await page.getByLabel('Address').fill('1 Main Street');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const owner = await site.client(site.ann.email);
    const tenant = await owner('GET', '/v1/tenant');
    assert.deepEqual([tenant.business_hours_start, tenant.business_phone, tenant.business_address], ['07:30:00', '+13125550142', '1 Main Street']);
    await close();
  },

  async 'the greeting is previewed, saved and approved of'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/greeting');
    await page.getByLabel('Words').fill('Sorry we missed you! {{business_name}} answers soon.');
    await page.getByText('Sorry we missed you! Ann’s Plumbing answers soon.').waitFor();
    await look(page, 'greeting');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('button', { name: 'Approve of the greeting' }).click();
    await page.getByText('The greeting is approved.').waitFor();
    await close();
  },

  async 'somebody is invited with a link, and gets another role'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/people');
    await page.locator('.line').first().waitFor();
    await look(page, 'people');
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    await page.getByLabel('First name').fill('Kim');
    await page.getByLabel('Last name').fill('Lee');
    await page.getByLabel('E-mail').fill('kim@example.com');
    await look(page, 'people-invite');
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    const link = await page.getByRole('textbox', { name: 'Pass this link on' }).inputValue();
    assert.ok(link.startsWith(`${site.url}/app#/invite?token=`), link);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('.line', { hasText: 'kim@example.com' }).getByRole('button', { name: 'Change' }).click();
    await page.getByLabel('Role').selectOption('viewer');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('kim@example.com · Viewer').waitFor();
    await close();
  },

  async 'an API key is shown once, and revoked'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/keys');
    await page.getByRole('heading', { name: 'No API keys' }).waitFor();
    await page.locator('.empty').getByRole('button', { name: 'Make a key' }).click();
    await page.getByLabel('Name').fill('the calendar');
    await page.getByRole('dialog').getByRole('button', { name: 'Make a key' }).click();
    assert.match(await page.getByRole('textbox', { name: 'Your new key' }).inputValue(), /^nmc_/);
    // As in a page over plain HTTP, which has no clipboard.
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('dialog').getByText('Copied.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('body > .toasts').getByText('Copied.').waitFor();
    await page.getByText('the calendar').waitFor();
    await look(page, 'keys');
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('heading', { name: 'No API keys' }).waitFor();
    await close();
  },

  async 'numbers are shown, and one’s own settings are changed'({ site, browser }) {
    const { page, logIn, go, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/numbers');
    await page.getByText('(312) 555-0100').waitFor();
    const middle = (at) => page.locator(at).first().evaluate((element) => [element.getBoundingClientRect()].map((box) => (box.top + box.bottom) / 2)[0]);
    assert.ok(Math.abs((await middle('.badge')) - (await middle('.line-title'))) < 2, 'a badge stands in its line');
    await look(page, 'numbers');
    let bought = 0;
    const number = { phone_number: '+13125550177', country: 'US', type: 'local', locality: 'Chicago', region: 'IL' };
    await page.route('**/v1/available-numbers?*', (route) => route.fulfill({ json: { items: [number] } }));
    await page.route('**/v1/numbers', (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      bought += 1;
      return route.fulfill({ status: 201, json: number });
    });
    await page.getByLabel('Area code').fill('312');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('button', { name: 'Get (312) 555-0177' }).click();
    await page.getByRole('dialog').getByText('It costs rent each month').waitFor();
    assert.equal(bought, 0, 'nothing is bought without a question');
    await page.getByRole('dialog').getByRole('button', { name: 'Get it' }).click();
    await page.getByText('(312) 555-0177 is yours.').waitFor();
    assert.equal(bought, 1);
    await go('/me');
    await page.getByLabel('What colleagues see').fill('Ann from the van');
    await page.getByRole('button', { name: 'Save' }).first().click();
    await page.getByText('Saved.').waitFor();
    await look(page, 'me');
    await close();
    const owner = await site.client(site.ann.email);
    await owner('PATCH', '/v1/users/me/profile', { display_name: null });
  },

  async 'a holiday is added, and taken away'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/business');
    await page.getByText('On a holiday you are closed all day').waitFor();
    await page.getByRole('button', { name: 'Add a holiday' }).click();
    await page.getByLabel('Day', { exact: true }).fill('2031-12-25');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('[name=name][aria-invalid=true]').waitFor();
    await look(page, 'holiday-add');
    await page.getByLabel('What for').fill('Christmas');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const row = page.locator('.line', { hasText: 'Christmas' });
    await row.getByText('Thu, Dec 25, 2031').waitFor();
    await look(page, 'holidays');
    const owner = await site.client(site.ann.email);
    assert.deepEqual((await owner('GET', '/v1/holidays')).items.map(({ date, name }) => [date, name]), [['2031-12-25', 'Christmas']]);
    const viewer = await visitor(browser, site);
    await viewer.logIn(site.vic.email, '/business');
    await viewer.page.getByText('Thu, Dec 25, 2031').waitFor();
    assert.equal(await viewer.page.getByRole('button', { name: /holiday|Remove/ }).count(), 0);
    await viewer.close();
    await page.getByRole('button', { name: 'Remove Christmas' }).click();
    await page.getByRole('dialog').getByText('Thu, Dec 25, 2031 becomes a day like others').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
    await close();
  },

  async 'how alerts are told is chosen, with the phone for texts'({ site, browser }) {
    const { page, logIn, close } = await visitor(browser, site);
    const operator = await site.client(site.bob.email);
    const told = async () => {
      const { email_notifications_enabled: email, sms_notifications_enabled: sms } = await operator('GET', '/v1/users/me/preferences');
      return { email, sms };
    };
    const before = await told();
    await logIn(site.bob.email, '/me');
    await page.getByLabel('Your phone').fill('(312) 555-0143');
    await page.getByRole('button', { name: 'Save' }).first().click();
    await page.getByText('Saved.').waitFor();
    await page.getByText('Saved.').waitFor({ state: 'detached' });
    await page.getByLabel('E-mails of alerts and reports').setChecked(!before.email);
    await page.getByLabel('Texts of alerts', { exact: true }).setChecked(!before.sms);
    await look(page, 'me-alerts');
    await page.getByRole('button', { name: 'Save' }).nth(1).click();
    await page.getByText('Saved.').waitFor();
    assert.deepEqual(await told(), { email: !before.email, sms: !before.sms });
    assert.equal((await operator('GET', '/v1/users/me/profile')).phone_number, '+13125550143');
    await close();
  },

  async 'a rule of alerts is switched off, and gets another threshold'({ site, browser }) {
    const owner = await site.client(site.ann.email);
    const rule = await owner('POST', '/v1/alert-rules', { name: 'long waits', metric: 'minutes of waiting', operator: 'greater_than', threshold: '5', recovery_threshold: '4', severity: 'high' });
    const known = await owner('POST', '/v1/alert-rules', { name: 'many leave', metric: 'nmc.opt_outs_1d', operator: 'greater_than', threshold: '5', severity: 'low' });
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/rules');
    const row = page.locator('.line', { hasText: 'long waits' });
    await row.getByText('minutes of waiting above 5').waitFor();
    await page.locator('.line', { hasText: 'many leave' }).getByText('above 5').waitFor();
    assert.equal(await page.getByText('nmc.').count(), 0, 'what is measured is told in words');
    await look(page, 'rules');
    await row.getByRole('button', { name: 'Change long waits' }).click();
    await page.getByLabel('On', { exact: true }).uncheck();
    await page.getByLabel('Threshold').fill('many');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('[name=threshold][aria-invalid=true]').waitFor();
    await look(page, 'rules-change');
    await page.getByLabel('Threshold').fill('2,5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('[name=recovery_threshold][aria-invalid=true]').waitFor();
    await page.getByLabel('Over again at').fill('2');
    await page.getByRole('button', { name: 'Save' }).click();
    await row.getByText('minutes of waiting above 2.5').waitFor();
    await row.getByText('Off', { exact: true }).waitFor();
    const { is_enabled: isEnabled, threshold, recovery_threshold: recovery } = await owner('GET', `/v1/alert-rules/${rule.id}`);
    assert.deepEqual([isEnabled, Number(threshold), Number(recovery)], [false, 2.5, 2]);
    for (const { id } of [rule, known]) await owner('DELETE', `/v1/alert-rules/${id}`);
    await close();
  },

  async 'somebody who was removed is invited again'({ site, browser }) {
    const { email } = await site.person('lou', 'user');
    const owner = await site.client(site.ann.email);
    const { items } = await owner('GET', '/v1/users');
    await owner('PATCH', `/v1/users/${items.find((one) => one.email === email).id}`, { is_active: false });
    const { page, logIn, close } = await visitor(browser, site);
    await logIn(site.ann.email, '/people');
    const row = page.locator('.line', { hasText: email });
    await row.getByText('Deactivated').waitFor();
    await row.getByRole('button', { name: 'Invite again' }).click();
    const link = await page.getByRole('textbox', { name: 'Pass this link on' }).inputValue();
    await page.getByRole('button', { name: 'Close' }).click();
    await row.getByText('Deactivated').waitFor();
    // Once they have chosen a password, and not before.
    const invitation = decodeURIComponent(link.match(/invite\?token=(.+)/)[1]);
    await owner('POST', '/v1/invitations/acceptance', { invitation, password: 'another horse battery' });
    await page.reload();
    await row.waitFor();
    await row.getByText('Deactivated').waitFor({ state: 'detached' });
    await close();
  },

  async 'an admin who was removed is let in again by no other admin'({ site, browser }) {
    const [one, other] = [await site.person('adam', 'admin'), await site.person('abel', 'admin')];
    const owner = await site.client(site.ann.email);
    const find = async () => (await owner('GET', '/v1/users')).items.find(({ email }) => email === other.email);
    await owner('PATCH', `/v1/users/${(await find()).id}`, { is_active: false });
    const { page, logIn, close } = await visitor(browser, site, { refused: /status of 403/ });
    await logIn(one.email, '/people');
    const row = page.locator('.line', { hasText: other.email });
    await row.getByRole('button', { name: 'Invite again' }).click();
    await page.locator('.toast.bad').waitFor();
    await row.getByText('Deactivated').waitFor();
    assert.equal((await find()).is_active, false);
    await close();
  },
};
