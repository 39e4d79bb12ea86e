/** The views before the inbox: log in, accept an invitation, reset a password, verify an e-mail. */

import { asked, button, dialled, field, form, h, has, keepAsked, link, logIn, post, randomId, reason, Refused, replace, t, zones } from '../ui.js';

const card = (title, text, ...content) =>
  h('section.door-card', h('p.wordmark', t('app.title')), h('h1', { tabindex: '-1' }, t(title)), text && h('p', t(text)), content);

const email = () => field('email', { kind: 'email', autocomplete: 'username', required: true });
const newPassword = () => field('password', { kind: 'password', autocomplete: 'new-password', required: true, label: 'field.new_password' });
const toLogin = () => ({ aside: h('a', { href: '#/login' }, t('door.back')) });

export function login({ enter, hasEnded }) {
  const fields = [email(), field('password', { kind: 'password', autocomplete: 'current-password', required: true })];
  const send = async (values) => {
    try {
      await logIn(values.email, values.password);
    } catch (error) {
      throw error.status === 401 ? new Refused(0, { code: 'login', detail: t('door.wrong') }) : error;
    }
    await enter();
  };
  return card('door.login', hasEnded && 'door.ended', form(fields, 'door.login', send, { aside: h('a', { href: '#/forgot' }, t('door.forgot')) }),
    h('p.door-foot', t('register.ask'), ' ', h('a', { href: '#/register' }, t('register.title'))));
}

/** Registers a business with its owner, who is let in. A server that takes no registrations says so. */
export function register({ enter }) {
  const key = randomId();
  const text = (name, autocomplete, props) => field(name, { autocomplete, required: true, ...props });
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  const fields = [text('name', 'organization', { label: 'field.business_name' }), text('phone', 'tel', { kind: 'tel', required: false }),
    field('timezone', { kind: 'choice', value: zone, options: zones(zone) }),
    [text('first_name', 'given-name'), text('last_name', 'family-name')], email(), newPassword()];
  return card('register.title', 'register.text', form(fields, 'register.go', async ({ name, phone, timezone, ...owner }) => {
    const business = { name, timezone, ...(phone && { phone: dialled(phone) }) };
    await post('/v1/registrations', { business, owner }, { headers: { 'Idempotency-Key': key } });
    await logIn(owner.email, owner.password);
    await enter();
  }, toLogin()));
}

export function forgot() {
  const place = h('div.door-place');
  replace(place, card('door.forgot.title', 'door.forgot.text', form([email()], 'door.forgot.go', async (values) => {
    await post('/v1/password-resets', values);
    keepAsked(values.email);
    replace(place, card('door.sent', 'door.sent.text', link('#/login', 'door.back')));
  }, toLogin())));
  return place;
}

/** Whoever accepts an invitation is let in with the password that they have just chosen. */
export const invite = ({ token, enter }) => choose('invite', token, '/v1/invitations/acceptance', (password) => ({ invitation: token, password }), async ({ email }, password) => {
  await logIn(email, password);
  await enter();
});

/** Who has asked for the link in this browser is let in, too; it does not say whose it is. */
export const reset = ({ token, enter }) => choose('reset', token, '/v1/password-resets/accept', (password) => ({ token, password }), async (_, password) => {
  const email = asked();
  if (!email || !(await logIn(email, password).then(() => true, () => false))) return false;
  return enter();
});

/** Has somebody choose a password with the token of a link, unless it is no longer good for that. */
function choose(name, token, url, body, then) {
  const place = h('div.door-place');
  const dead = () => replace(place, card('door.dead', `door.dead.${name}`, h('div.form-foot', link('#/forgot', 'door.dead.go', 'accent'), link('#/login', 'door.back'))));
  const send = async (values) => {
    try {
      const answer = await post(url, body(values.password));
      if ((await then(answer, values.password)) === false) replace(place, card('door.chosen', 'door.chosen.text', link('#/login', 'door.login', 'accent')));
    } catch (error) {
      if (!isOfLink(error)) throw error;
      dead();
    }
  };
  replace(place, card(`door.${name}`, has(`door.${name}.text`) && `door.${name}.text`, form([newPassword()], 'door.choose', send)));
  // No password can be empty: what is refused, then, is either that, or the link.
  if (token) post(url, body('')).catch((error) => isOfLink(error) && dead());
  else dead();
  return place;
}

const isOfLink = ({ errors }) => errors?.some(({ pointer }) => pointer === '#/token' || pointer === '#/invitation');

export function verify({ token }) {
  const words = h('p', { role: 'status' }, t('door.verify.text'));
  const go = button('door.verify.go', async () => {
    try {
      await post('/v1/email-verifications/accept', { token });
      replace(words, t('door.verified'));
    } catch (error) {
      replace(words, reason(error));
    }
    go.remove();
  }, { kind: 'accent' });
  return card('door.verify', !token && 'door.link', token && [words, go], link('#/login', 'door.back'));
}
