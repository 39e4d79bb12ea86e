/** One's own settings: name, sounds and notifications, password, where one is logged in. */

import { all, getTagged, patch, put, remove } from '../api/client.js';
import { load, logOut, me } from '../api/session.js';
import { h } from '../dom.js';
import { moment } from '../format.js';
import { t } from '../words.js';
import { askToNotify } from '../components/notify.js';
import { badge, button, say } from '../components/parts.js';
import { field, form } from '../components/form.js';
import { card, line, page } from '../components/page.js';

export function myself() {
  const view = page(t('me.title'), show, { back: '#/settings' });

  async function show() {
    const [profile, preferences, sessions] = await Promise.all([getTagged('/v1/users/me/profile'), getTagged('/v1/users/me/preferences'), all('/v1/sessions')]);
    return h('div', { class: 'content-body' }, card(t('me.name'), name(profile)), card(t('me.told'), told(preferences)), card(t('me.password'), password()),
      card(t('me.sessions'), h('ul', { class: 'list inset' }, sessions.slice(0, 20).map(session)), h('div', { class: 'form-foot' }, button(t('settings.out'), logOut))));
  }

  const name = ({ data, tag }) =>
    form([field('display_name', t('me.display'), { value: data.display_name ?? '', hint: t('me.display.hint') }), field('first_name', t('people.first'), { value: data.first_name }),
      field('last_name', t('people.last'), { value: data.last_name })], t('go.save'), async (values) => {
      await patch('/v1/users/me/profile', { ...values, display_name: values.display_name || null }, { match: tag });
      await saved();
    }, { kind: 'plain' });

  const told = ({ data, tag }) =>
    form([field('dashboard_sounds_enabled', t('me.sounds'), { kind: 'check', value: data.dashboard_sounds_enabled }),
      field('push_notifications_enabled', t('me.push'), { kind: 'check', value: data.push_notifications_enabled, hint: t('me.push.hint') })], t('go.save'), async (values) => {
      if (values.push_notifications_enabled && !(await askToNotify())) say(t('me.push.refused'), 'bad');
      await patch('/v1/users/me/preferences', values, { match: tag });
      await saved();
    }, { kind: 'plain' });

  const password = () =>
    form([h('input', { type: 'text', autocomplete: 'username', value: me.profile.email, hidden: true, 'aria-hidden': 'true' }),
      field('current_password', t('me.password.now'), { kind: 'password', autocomplete: 'current-password' }),
      field('new_password', t('door.password.new'), { kind: 'password', autocomplete: 'new-password', hint: t('door.password.hint') })], t('me.password.go'), async (values) => {
      await put('/v1/users/me/password', values);
      await saved();
    }, { kind: 'plain' });

  const session = (one) => line(h('span', {}, device(one.user_agent), ' ', one.is_current && badge(t('me.here'), 'good')), t('me.used', { at: moment(one.last_used_at) }),
    !one.is_current && button(t('me.end'), async () => {
      await remove(`/v1/sessions/${one.id}`);
      await view.load();
    }));

  async function saved() {
    await load();
    say(t('go.saved'));
    await view.load();
  }

  return view;
}

/** A browser and its system, as far as its own words tell. */
function device(agent) {
  const find = (names) => names.find((one) => agent?.includes(one));
  const browser = find(['Firefox', 'Edg', 'Chrome', 'Safari']);
  const system = find(['iPhone', 'iPad', 'Android', 'Windows', 'Mac OS', 'Linux']);
  return [browser === 'Edg' ? 'Edge' : browser, system].filter(Boolean).join(', ') || t('me.unknown');
}
