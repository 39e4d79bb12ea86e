/** Who comes in: the people of the business, with their roles and invitations; API keys of other programs; oneself. */

import { all, ask, avatar, badge, button, card, confirm, dialled, dotted, empty, field, form, getTagged, h, line, listCard, loadPeople, logOut, mayManage, me, moment, page, patch, post, put, remove, say, showSecret, t } from '../ui.js';
import { askToNotify } from '../components/notify.js';

const ROLES = ['owner', 'admin', 'operator', 'user', 'viewer'];

export function people() {
  const view = page('people.title', show, { on: 'presence' });
  const role = (value) => field('role', { kind: 'choice', value, options: ROLES.slice(me.role === 'owner' ? 0 : 1).map((each) => [each, t(`role.${each}`)]) });

  async function show() {
    const [rows, status] = await Promise.all([all('/v1/users'), all('/v1/status')]);
    await loadPeople();
    const online = new Set(status.filter((one) => one.is_online).map((one) => one.user_id));
    return [mayManage() && h('div.form-foot', button('people.invite', invite, { kind: 'accent', name: 'plus' })),
      listCard(null, rows.map((row) => person(row, online.has(row.id))))];
  }

  function person(row, isOnline) {
    const name = [row.first_name, row.last_name].filter(Boolean).join(' ') || row.email;
    const state = !row.is_active ? badge(t('people.off'), 'bad') : isOnline ? badge(t('people.online'), 'good') : !row.last_login_at && badge(t('people.invited'), 'warn');
    return line([name, ' ', state], dotted(row.email, t(`role.${row.role}`)),
      mayManage() && row.id !== me.id && [button('go.change', () => change(row)), (!row.last_login_at || !row.is_active) && button('people.again', () => again(row))], avatar(name));
  }

  function invite() {
    const text = (name, kind) => field(name, { kind, autocomplete: 'off' });
    ask('people.invite', [[text('first_name'), text('last_name')], text('email', 'email'), role('user')], 'people.invite.go', async (values) => {
      const made = await post('/v1/users', values);
      await view.load();
      handOut(made);
    });
  }

  /** The link with the invitation, to pass on. */
  const handOut = ({ invitation, user }) => showSecret('people.link', `${location.origin}/app#/invite?token=${encodeURIComponent(invitation)}`, { email: user.email });

  /** Invites once more whoever has not come, and whoever may not log in any more: they may again once they have chosen a password. */
  async function again({ id }) {
    handOut(await post(`/v1/users/${id}/invitation`).finally(view.load));
  }

  async function change(row) {
    const url = `/v1/users/${row.id}`;
    const { tag: match } = await getTagged(url);
    ask(t('people.change', { email: row.email }), [role(row.role), field('is_active', { kind: 'check', value: row.is_active })], 'go.save',
      // That somebody is off is said only of whom it is news of: it makes an invitation void.
      view.after(({ is_active, ...rest }) => patch(url, is_active === row.is_active ? rest : { ...rest, is_active }, { match })));
  }

  return view;
}

/** What a key may do, as three choices; the API knows each permission by itself. */
const SCOPES = {
  read: ['conversations:read', 'messages:read', 'calls:read', 'customers:read', 'events:read'],
  write: ['conversations:read', 'conversations:write', 'messages:read', 'messages:write', 'calls:read', 'calls:write', 'customers:read', 'events:read'],
  measure: ['measurements:write'],
};

export function keys() {
  const make = (kind) => button('keys.make', begin, { kind, name: 'plus' });
  const view = page('keys.title', show, { actions: make('accent') });

  async function show() {
    const rows = await all('/v1/api-keys', { in_force: true });
    return rows.length ? listCard(null, rows.map(row)) : empty('key', 'keys.none', make('plain'));
  }

  function row({ id, name, prefix, last_used_at: used, expires_at: until, scopes }) {
    const said = dotted(used ? t('time.used', { at: moment(used) }) : t('keys.unused'), until && t('keys.until', { at: moment(until) }), scopes.join(', '));
    const rotate = async () => told(await post(`/v1/api-keys/${id}/rotation`, { overlap_seconds: 3_600 }));
    return line([name, ' ', badge(`nmc_${prefix}_…`)], said, [button('keys.rotate', () => confirm('keys.rotate', rotate, { kind: 'accent' })),
      button('keys.revoke', () => confirm('keys.revoke', view.after(() => remove(`/v1/api-keys/${id}`)), { name }), { kind: 'danger' })]);
  }

  function begin() {
    const kind = field('kind', { kind: 'choice', value: 'read', options: Object.keys(SCOPES).map((each) => [each, t(`keys.may.${each}`)]) });
    ask('keys.make', [field('name'), kind], 'keys.make', async (values) => told(await post('/v1/api-keys', { name: values.name, scopes: SCOPES[values.kind] })));
  }

  async function told({ key }) {
    await view.load();
    showSecret('keys.made', key);
  }

  return view;
}

export function myself() {
  const view = page('me.title', show);

  async function show() {
    const [profile, preferences, sessions] = await Promise.all([getTagged('/v1/users/me/profile'), getTagged('/v1/users/me/preferences'), all('/v1/sessions')]);
    return [card('me.name', name(profile)), card('me.told', told(preferences)), card('field.password', password()),
      listCard('me.sessions', sessions.slice(0, 20).map(session), null, h('div.form-foot', button('settings.out', logOut)))];
  }

  const saving = (fields, work, label = 'go.save') => form(fields, label, view.saving(work), { kind: 'plain' });

  const name = ({ data, tag }) => saving(['display_name', 'first_name', 'last_name', 'phone_number'].map((each) => field(each, { value: data[each] })),
    ({ display_name: display, phone_number: phone, ...values }) =>
      patch('/v1/users/me/profile', { ...values, display_name: display || null, phone_number: phone ? dialled(phone) : null }, { match: tag }));

  const told = ({ data, tag }) => saving(['dashboard_sounds_enabled', 'push_notifications_enabled', 'email_notifications_enabled', 'sms_notifications_enabled'].map((each) => field(each, { kind: 'check', value: data[each] })), async (values) => {
    if (values.push_notifications_enabled && !(await askToNotify())) say(t('me.push.refused'), 'bad');
    await patch('/v1/users/me/preferences', values, { match: tag });
  });

  const password = () => saving([h('input', { type: 'text', autocomplete: 'username', value: me.profile.email, hidden: true, 'aria-hidden': 'true' }),
    field('current_password', { kind: 'password', autocomplete: 'current-password' }),
    field('new_password', { kind: 'password', autocomplete: 'new-password' })], (values) => put('/v1/users/me/password', values), 'me.password.go');

  const session = (one) => line([device(one.user_agent), ' ', one.is_current && badge(t('me.here'), 'good')], t('time.used', { at: moment(one.last_used_at) }),
    !one.is_current && button('me.end', view.after(() => remove(`/v1/sessions/${one.id}`))));

  return view;
}

/** A browser and its system, as far as its own words tell. */
function device(agent) {
  const find = (names) => names.find((one) => agent?.includes(one));
  const browser = find(['Firefox', 'Edg', 'Chrome', 'Safari']);
  const system = find(['iPhone', 'iPad', 'Android', 'Windows', 'Mac OS', 'Linux']);
  return [browser === 'Edg' ? 'Edge' : browser, system].filter(Boolean).join(', ') || t('me.unknown');
}
