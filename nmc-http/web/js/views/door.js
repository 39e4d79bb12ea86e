/** The views before the inbox: log in, accept an invitation, reset a password, verify an e-mail. */

import { post, Refused } from '../api/client.js';
import { logIn } from '../api/session.js';
import { h, randomId, replace } from '../dom.js';
import { dialled } from '../format.js';
import { has, t } from '../words.js';
import { field, form } from '../components/form.js';
import { button, link, reason } from '../components/parts.js';

const card = (title, text, ...content) =>
  h('section', { class: 'door-card' }, h('p', { class: 'wordmark' }, t('title')), h('h1', { tabindex: '-1' }, title), text && h('p', {}, text), content);

const password = (name, label, complete) =>
  field(name, label, { kind: 'password', autocomplete: complete, required: true, hint: complete === 'new-password' ? t('door.password.hint') : null });

export function login({ enter, hasEnded }) {
  const email = field('email', t('door.email'), { kind: 'email', autocomplete: 'username', required: true });
  const fields = [email, password('password', t('door.password'), 'current-password')];
  const send = async (values) => {
    try {
      await logIn(values.email, values.password);
    } catch (error) {
      throw error.status === 401 ? new Refused(0, { code: 'login', detail: t('door.wrong') }) : error;
    }
    await enter();
  };
  return card(t('door.login'), hasEnded && t('door.ended'), form(fields, t('door.login.go'), send, { aside: h('a', { href: '#/forgot' }, t('door.forgot')) }),
    h('p', { class: 'door-foot' }, t('register.ask'), ' ', h('a', { href: '#/register' }, t('register.title'))));
}

/** Registers a business with its owner, who is let in. A server that takes no registrations says so. */
export function register({ enter }) {
  const key = randomId();
  const text = (name, complete, props) => field(name, t(`register.${name}`), { autocomplete: complete, required: true, ...props });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const fields = [text('name', 'organization'), text('phone', 'tel', { kind: 'tel', hint: t('register.phone.hint'), required: false }),
    [text('first_name', 'given-name'), text('last_name', 'family-name')],
    text('email', 'username', { kind: 'email' }), password('password', t('door.password'), 'new-password')];
  return card(t('register.title'), t('register.text'), form(fields, t('register.go'), async ({ name, phone, ...owner }) => {
    const business = { name, timezone: zone, ...(phone && { phone: dialled(phone) }) };
    await post('/v1/registrations', { business, owner }, { headers: { 'Idempotency-Key': key } });
    await logIn(owner.email, owner.password);
    await enter();
  }, { aside: h('a', { href: '#/login' }, t('door.back')) }));
}

export function forgot() {
  const email = field('email', t('door.email'), { kind: 'email', autocomplete: 'username', required: true });
  const place = h('div', { class: 'door-place' });
  replace(place, card(t('door.forgot.title'), t('door.forgot.text'), form([email], t('door.forgot.go'), async (values) => {
    await post('/v1/password-resets', values);
    replace(place, card(t('door.sent'), t('door.sent.text'), link('#/login', t('door.back'))));
  }, { aside: h('a', { href: '#/login' }, t('door.back')) })));
  return place;
}

/** Whoever accepts an invitation is let in with the password that they have just chosen. */
export const invite = ({ token, enter }) => choose('invite', token, '/v1/invitations/acceptance', (password) => ({ invitation: token, password }), async ({ email }, password) => {
  await logIn(email, password);
  await enter();
});

export const reset = ({ token }) => choose('reset', token, '/v1/password-resets/accept', (password) => ({ token, password }), null);

/** Has somebody choose a password with the token of a link, unless it is no longer good for that. */
function choose(name, token, url, body, then) {
  const place = h('div', { class: 'door-place' });
  const dead = () => replace(place, card(t('door.dead'), t(`door.dead.${name}`), h('div', { class: 'form-foot' }, link('#/forgot', t('door.dead.go'), 'accent'), link('#/login', t('door.back')))));
  const fields = [password('password', t('door.password.new'), 'new-password')];
  const send = async (values) => {
    try {
      const answer = await post(url, body(values.password));
      if (then) await then(answer, values.password);
      else replace(place, card(t('door.chosen'), t('door.chosen.text'), link('#/login', t('door.login.go'), 'accent')));
    } catch (error) {
      if (!isOfLink(error)) throw error;
      dead();
    }
  };
  replace(place, card(t(`door.${name}`), has(`door.${name}.text`) && t(`door.${name}.text`), form(fields, t('door.choose'), send)));
  // No password can be empty: what is refused, then, is either that, or the link.
  if (token) post(url, body('')).catch((error) => isOfLink(error) && dead());
  else dead();
  return place;
}

const isOfLink = ({ errors }) => errors?.some(({ pointer }) => pointer === '#/token' || pointer === '#/invitation');

export function verify({ token }) {
  const words = h('p', { role: 'status' }, t('door.verify.text'));
  const go = button(t('door.verify.go'), async () => {
    try {
      await post('/v1/email-verifications/accept', { token });
      replace(words, t('door.verified'));
    } catch (error) {
      replace(words, reason(error));
    }
    go.remove();
  }, { kind: 'accent' });
  return card(t('door.verify'), token ? null : t('door.link'), token && [words, go], link('#/login', t('door.back')));
}
