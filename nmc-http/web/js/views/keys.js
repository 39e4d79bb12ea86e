/** API keys, with which other programs act for the business. */

import { all, post, remove } from '../api/client.js';
import { h } from '../dom.js';
import { moment } from '../format.js';
import { t } from '../words.js';
import { badge, button, empty } from '../components/parts.js';
import { ask, field, showSecret } from '../components/form.js';
import { card, line, page } from '../components/page.js';

/** What a key may do, as three choices; the API knows each permission by itself. */
const SCOPES = {
  read: ['conversations:read', 'messages:read', 'calls:read', 'customers:read', 'events:read'],
  write: ['conversations:read', 'conversations:write', 'messages:read', 'messages:write', 'calls:read', 'calls:write', 'customers:read', 'events:read'],
  measure: ['measurements:write'],
};

export function keys() {
  const make = button(t('keys.make'), begin, { kind: 'accent', name: 'plus' });
  const view = page(t('keys.title'), show, { back: '#/settings', actions: [make] });

  async function show() {
    const rows = await all('/v1/api-keys', { in_force: true });
    return rows.length ? card(null, h('ul', { class: 'list inset' }, rows.map(row))) : empty('key', t('keys.none'), t('keys.none.text'));
  }

  function row(key) {
    const used = key.last_used_at ? t('keys.used', { at: moment(key.last_used_at) }) : t('keys.unused');
    const until = key.expires_at && t('keys.until', { at: moment(key.expires_at) });
    return line(h('span', {}, key.name, ' ', badge(`nmc_${key.prefix}_…`)), [used, until, key.scopes.join(', ')].filter(Boolean).join(' · '),
      [button(t('keys.rotate'), () => rotate(key)), button(t('keys.revoke'), () => revoke(key), { kind: 'danger' })]);
  }

  function begin() {
    ask(t('keys.make'), [
      field('name', t('keys.name'), { hint: t('keys.name.hint') }),
      field('kind', t('keys.may'), { kind: 'choice', value: 'read', options: Object.keys(SCOPES).map((kind) => [kind, t(`keys.may.${kind}`)]) }),
    ], t('keys.make'), async ({ name, kind }) => told(await post('/v1/api-keys', { name, scopes: SCOPES[kind] })));
  }

  function rotate(key) {
    ask(t('keys.rotate'), [], t('keys.rotate'), async () => told(await post(`/v1/api-keys/${key.id}/rotation`, { overlap_seconds: 3_600 })), { text: t('keys.rotate.text') });
  }

  function revoke(key) {
    ask(t('keys.revoke'), [], t('keys.revoke'), async () => {
      await remove(`/v1/api-keys/${key.id}`);
      await view.load();
    }, { text: t('keys.revoke.text', { name: key.name }), kind: 'danger' });
  }

  async function told(made) {
    await view.load();
    showSecret(t('keys.made'), t('keys.made.text'), made.key);
  }

  return view;
}
