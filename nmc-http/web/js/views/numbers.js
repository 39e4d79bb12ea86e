/** The business's phone numbers: those it has, and more of them. */

import { all, get, post } from '../api/client.js';
import { mayManage } from '../api/session.js';
import { h } from '../dom.js';
import { money, phone } from '../format.js';
import { t } from '../words.js';
import { badge, button, empty, say, shown } from '../components/parts.js';
import { ask, field, form } from '../components/form.js';
import { card, line, page } from '../components/page.js';

export function numbers() {
  const view = page(t('numbers.title'), show, { back: '#/settings', on: 'number' });

  async function show() {
    const rows = (await all('/v1/numbers')).filter((row) => row.status !== 'released');
    return h('div', { class: 'content-body' },
      rows.length > 0 ? card(null, h('ul', { class: 'list inset' }, rows.map(row))) : empty('numbers', t('numbers.none'), t('numbers.none.text')),
      mayManage() && finder());
  }

  function row(number) {
    const kind = { active: 'good', error: 'bad', provisioning: 'warn' }[number.status] ?? '';
    const place = [number.locality, number.region].filter(Boolean).join(', ');
    const foot = [place, number.monthly_cost_cents ? t('numbers.cost', { cost: money(number.monthly_cost_cents, number.currency) }) : null, number.status_reason];
    return line(h('span', {}, phone(number.phone_number), ' ', badge(number.releasing ? t('numbers.releasing') : t(`number.${number.status}`), kind)),
      foot.filter(Boolean).join(' · '), mayManage() && !number.releasing && number.status === 'active' && button(t('numbers.release'), () => release(number), { kind: 'danger' }));
  }

  function release(number) {
    ask(t('numbers.release'), [], t('numbers.release.go'), async () => {
      await post(`/v1/numbers/${number.id}/release`);
      await view.load();
    }, { text: t('numbers.release.text', { number: phone(number.phone_number) }), kind: 'danger' });
  }

  function finder() {
    const found = h('div', {});
    const area = field('area_code', t('numbers.area'), { inputmode: 'numeric', maxlength: '3' });
    return card(t('numbers.more'), form([area], t('numbers.search'), async ({ area_code }) => {
      await shown(found, async () => {
        const { items } = await get('/v1/available-numbers', { area_code, limit: 10 });
        return items.length ? h('ul', { class: 'list inset' }, items.map(offer)) : h('p', { class: 'under' }, t('numbers.nothing'));
      });
    }, { kind: 'plain' }), found);
  }

  const offer = (one) => line(phone(one.phone_number), [one.locality, one.region].filter(Boolean).join(', '),
    button(t('numbers.buy'), () => buy(one), { kind: 'accent', 'aria-label': t('numbers.buy.one', { number: phone(one.phone_number) }) }));

  function buy({ phone_number, country, type }) {
    ask(t('numbers.buy.one', { number: phone(phone_number) }), [], t('numbers.buy'), async () => {
      await post('/v1/numbers', { phone_number, country, type });
      say(t('numbers.bought', { number: phone(phone_number) }));
      await view.load();
    }, { text: t('numbers.buy.text') });
  }

  return view;
}
