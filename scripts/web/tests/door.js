import assert from 'node:assert/strict';
import { look, visitor } from '../browser.js';
import { PASSWORD, Site } from '../site.js';

export default {
  async 'a login leads to what was wanted, and lasts over a reload'({ site, browser }) {
    const { page, open, close } = await visitor(browser, site);
    await open('/settings');
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await look(page, 'login');
    await page.getByLabel('E-mail').fill(site.ann.email);
    await page.getByLabel('Password').fill('not this one, sorry');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('don’t go together').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.doesNotMatch(kept, /nmcr_|eyJ/, 'no token is where a script can read it');
    await page.route('**/v1/**', (route) => route.fulfill({ status: 401, json: {} }));
    // The page may have asked for something before this, and be at the login already.
    await page.evaluate(() => document.querySelector('[data-name=calls]')?.click());
    await page.getByText('Your session is over').waitFor();
    await page.unroute('**/v1/**');
    await open('/inbox');
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.equal(await page.getByText('Your session is over').count(), 0, 'whoever logs out knows');
    await page.reload();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await close();
  },

  async 'an invitation is accepted, and its link leaves the address'({ site, browser }) {
    const owner = await site.client(site.ann.email);
    const { invitation } = await owner('POST', '/v1/users', { email: 'new@example.com', first_name: 'Nell', last_name: 'New', role: 'user' });
    const { page, open, close } = await visitor(browser, site);
    await open(`/invite?token=${invitation}`);
    await page.getByRole('heading', { name: 'Welcome' }).waitFor();
    assert.doesNotMatch(page.url(), /token/);
    await look(page, 'invite');
    await page.getByLabel('New password').fill('short');
    await page.getByRole('button', { name: 'Choose this password' }).click();
    await page.getByText('must be at least 10 characters').waitFor();
    await page.getByLabel('New password').fill('a kettle on the roof');
    await page.getByRole('button', { name: 'Choose this password' }).click();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    await page.reload();
    await page.getByText('Nell New').waitFor();
    await close();
    const late = await visitor(browser, site);
    await late.open(`/invite?token=${invitation}`);
    await late.page.getByRole('heading', { name: 'This link is no longer good' }).waitFor();
    assert.equal(await late.page.getByLabel('New password').count(), 0, 'said before anything is typed');
    await look(late.page, 'link-dead');
    await late.page.getByRole('link', { name: 'Send a new link' }).click();
    await late.page.getByRole('heading', { name: 'Reset the password' }).waitFor();
    await late.close();
  },

  async 'a business is registered, and its owner is in'({ site, browser }) {
    const { page, open, go, close } = await visitor(browser, site);
    await open('/login');
    await page.getByRole('link', { name: 'Register your business' }).click();
    await page.getByLabel('Name of the business').fill('Ann’s Plumbing');
    await page.getByLabel('First name').fill('Rita');
    await page.getByLabel('Last name').fill('Register');
    await page.getByLabel('E-mail').fill('rita@example.com');
    await page.getByLabel('New password').fill(PASSWORD);
    const here = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    assert.equal(await page.getByLabel('Time zone').inputValue(), here);
    await page.getByLabel('Time zone').selectOption('America/Denver');
    await look(page, 'register');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.locator('[name=name][aria-invalid=true]').waitFor();
    await page.getByLabel('Name of the business').fill('Rita’s Roofs');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    await page.getByText('Rita’s Roofs').waitFor();
    await go('/business');
    await page.getByLabel('Time zone').waitFor();
    assert.equal(await page.getByLabel('Time zone').inputValue(), 'America/Denver');
    await close();
  },

  async 'a link of the demo that was used says so'({ site, browser }) {
    const { page, open, close } = await visitor(browser, site);
    await open('/demo?token=rubbish');
    await page.getByText('its link was opened twice').waitFor();
    assert.doesNotMatch(page.url(), /rubbish/);
    await close();
  },

  async 'who asked for a new password is in with it'({ site, browser }) {
    const { page, open, go, close } = await visitor(browser, site);
    await open('/forgot');
    await page.getByLabel('E-mail').fill(site.ann.email);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByText('Look into your mail').waitFor();
    // The server of the tests sends no mails: the link's answers are made here, and the password stays what it is.
    await page.route('**/v1/password-resets/accept', (route) =>
      route.request().postDataJSON().password ? route.fulfill({ status: 204 }) : route.fulfill({ status: 400, json: { errors: [{ pointer: '#/password', detail: 'no' }] } }));
    const choose = async () => {
      await open('/reset?token=good');
      await page.getByLabel('New password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Choose this password' }).click();
    };
    await choose();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('nmc.reset')), null);
    await choose();
    await page.getByRole('heading', { name: 'That’s it' }).waitFor();
    // Of a link that is too old nothing is used, or kept.
    await page.evaluate((email) => localStorage.setItem('nmc.reset', `${Date.now() - 1_000} ${email}`), site.ann.email);
    await choose();
    await page.getByRole('heading', { name: 'That’s it' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('nmc.reset')), null);
    // Nor of somebody who logs in, or out.
    const keep = () => page.evaluate((email) => localStorage.setItem('nmc.reset', `${Date.now() + 60_000} ${email}`), site.ann.email);
    await keep();
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByLabel('E-mail').fill(site.ann.email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('nmc.reset')), null);
    await keep();
    await go('/settings');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('nmc.reset')), null);
    await close();
  },

  async 'a forgotten password is asked for'({ site, browser }) {
    const { page, open, close } = await visitor(browser, site);
    await open('/forgot');
    await page.getByLabel('E-mail').fill(site.ann.email);
    await look(page, 'forgot');
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByText('Look into your mail').waitFor();
    await page.getByText('nmc user invite-again').waitFor();
    assert.equal(await page.locator('.door-card').count(), 1);
    await look(page, 'forgot-sent');
    await open('/reset?token=rubbish');
    await page.getByRole('heading', { name: 'This link is no longer good' }).waitFor();
    assert.doesNotMatch(page.url(), /rubbish/);
    await open('/verify');
    await page.getByRole('heading', { name: 'Verify your e-mail' }).waitFor();
    await close();
  },

  async 'the link of the demo opens an inbox that moves'({ site, browser }) {
    const demo = await Site.demo(site.nmc);
    try {
      const { page, close } = await visitor(browser, demo);
      await page.goto(demo.link);
      await page.getByRole('heading', { name: 'Inbox' }).waitFor();
      assert.doesNotMatch(page.url(), /token/);
      await page.locator('.row').first().waitFor();
      const texts = () => page.locator('.inbox .row').allTextContents();
      const before = String(await texts());
      await site.until(async () => String(await texts()) !== before, 60_000);
      await close();
    } finally {
      await demo.stop();
    }
  },
};
