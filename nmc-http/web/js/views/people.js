/** The people of the business: who is there, their roles, invitations. */

import { all, getTagged, patch, post } from '../api/client.js';
import { loadPeople, mayManage, me } from '../api/session.js';
import { h } from '../dom.js';
import { t } from '../words.js';
import { avatar, badge, button } from '../components/parts.js';
import { ask, field, showSecret } from '../components/form.js';
import { card, line, page } from '../components/page.js';

const ROLES = ['owner', 'admin', 'operator', 'user', 'viewer'];

export function people() {
  const view = page(t('people.title'), show, { back: '#/settings', on: 'presence' });
  const granted = () => ROLES.slice(me.role === 'owner' ? 0 : 1).map((role) => [role, t(`role.${role}`)]);

  async function show() {
    const [rows, status] = await Promise.all([all('/v1/users'), all('/v1/status')]);
    await loadPeople();
    const online = new Set(status.filter((one) => one.is_online).map((one) => one.user_id));
    return h('div', { class: 'content-body' }, mayManage() && h('div', { class: 'form-foot' }, button(t('people.invite'), invite, { kind: 'accent', name: 'plus' })),
      card(null, h('ul', { class: 'list inset' }, rows.map((row) => person(row, online.has(row.id))))));
  }

  function person(row, isOnline) {
    const name = [row.first_name, row.last_name].filter(Boolean).join(' ') || row.email;
    const state = !row.is_active ? badge(t('people.off'), 'bad') : isOnline ? badge(t('people.online'), 'good') : !row.last_login_at && badge(t('people.invited'), 'warn');
    return line(h('span', {}, name, ' ', state), `${row.email} · ${t(`role.${row.role}`)}`,
      mayManage() && row.id !== me.id && [button(t('people.change'), () => change(row)), !row.last_login_at && row.is_active && button(t('people.again'), () => again(row))], avatar(name));
  }

  function invite() {
    ask(t('people.invite'), [
      [field('first_name', t('people.first'), { autocomplete: 'off' }), field('last_name', t('people.last'), { autocomplete: 'off' })],
      field('email', t('door.email'), { kind: 'email', autocomplete: 'off' }),
      field('role', t('people.role'), { kind: 'choice', value: 'user', options: granted() }),
    ], t('people.invite.go'), async (values) => {
      const made = await post('/v1/users', values);
      await view.load();
      handOut(made);
    });
  }

  /** The link with the invitation, to pass on. */
  const handOut = ({ invitation, user }) =>
    showSecret(t('people.link'), t('people.link.text', { email: user.email }), `${location.origin}/app#/invite?token=${encodeURIComponent(invitation)}`);

  const again = async (row) => handOut(await post(`/v1/users/${row.id}/invitation`));

  async function change(row) {
    const { tag } = await getTagged(`/v1/users/${row.id}`);
    ask(t('people.change.title', { email: row.email }), [
      field('role', t('people.role'), { kind: 'choice', value: row.role, options: granted() }),
      field('is_active', t('people.active'), { kind: 'check', value: row.is_active, hint: t('people.active.hint') }),
    ], t('go.save'), async (values) => {
      await patch(`/v1/users/${row.id}`, values, { match: tag });
      await view.load();
    });
  }

  return view;
}
