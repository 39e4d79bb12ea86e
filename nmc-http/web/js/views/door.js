/** The views before the inbox: log in, accept an invitation, reset a password, verify an e-mail. */

import { post, Refused } from '../api/client.js';
import { logIn } from '../api/session.js';
import { h, replace } from '../dom.js';
import { t } from '../words.js';
import { field, form } from '../components/form.js';
import { button, link, reason } from '../components/parts.js';

const card = (title, text, ...content) =>
  h('section', { class: 'door-card' }, h('p', { class: 'wordmark' }, t('title')), h('h1', { tabindex: '-1' }, title), text && h('p', {}, text), content);

const password = (name, label, complete) =>
  field(name, label, { kind: 'password', autocomplete: complete, required: true, hint: complete === 'new-password' ? t('door.password.hint') : null });

export function login({ enter }) {
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
  return card(t('door.login'), null, form(fields, t('door.login.go'), send, { aside: h('a', { href: '#/forgot' }, t('door.forgot')) }));
}

export function forgot() {
  const email = field('email', t('door.email'), { kind: 'email', autocomplete: 'username', required: true });
  const element = card(t('door.forgot.title'), t('door.forgot.text'), form([email], t('door.forgot.go'), async (values) => {
    await asked(() => post('/v1/password-resets', values));
    replace(element, card(t('door.sent'), t('door.sent.text'), link('#/login', t('door.back'))));
  }, { aside: h('a', { href: '#/login' }, t('door.back')) }));
  return element;
}

export const invite = ({ token }) => choose(t('door.invite'), t('door.invite.text'), token, (chosen) =>
  post('/v1/invitations/acceptance', { invitation: token, password: chosen }));

export const reset = ({ token }) => choose(t('door.reset'), null, token, (chosen) =>
  post('/v1/password-resets/accept', { token, password: chosen }));

function choose(title, text, token, work) {
  if (!token) return card(title, t('door.link'), link('#/login', t('door.back')));
  const element = card(title, text, form([password('password', t('door.password.new'), 'new-password')], t('door.choose'), async (values) => {
    await work(values.password);
    replace(element, card(t('door.chosen'), t('door.chosen.text'), link('#/login', t('door.login.go'), 'accent')));
  }));
  return element;
}

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

/** What a server of before does not have yet is said as such, and not as a defect. */
async function asked(work) {
  try {
    return await work();
  } catch (error) {
    throw error.status === 404 ? new Refused(0, { code: 'absent', detail: t('door.absent') }) : error;
  }
}
