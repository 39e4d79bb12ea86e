/** Reports to take along: of yesterday, the last week, the last month, or days of choice. */

import { get, post, remove, send } from '../api/client.js';
import { mayManage, me } from '../api/session.js';
import { h } from '../dom.js';
import { dates, dayKey, moment, monthName, shifted } from '../format.js';
import { t } from '../words.js';
import { button, iconButton, shown } from '../components/parts.js';
import { ask, field } from '../components/form.js';
import { card, line } from '../components/page.js';

const KINDS = ['pdf', 'csv', 'json'];
const mayRead = () => mayManage() || me.role === 'operator';

/** The periods that are over, as `[type, first day, last day]`. A week begins on Monday. */
function periods() {
  const today = dayKey(Date.now());
  const monday = shifted(today, -((new Date(`${today}T12:00Z`).getUTCDay() + 6) % 7));
  const lastOfMonth = shifted(`${today.slice(0, 8)}01`, -1);
  return [
    ['daily', shifted(today, -1), shifted(today, -1)],
    ['weekly', shifted(monday, -7), shifted(monday, -1)],
    ['monthly', `${lastOfMonth.slice(0, 8)}01`, lastOfMonth],
  ];
}

export function reports() {
  const element = h('div');
  const load = () => shown(element, show);

  async function show() {
    if (!mayRead()) return h('span', { hidden: true });
    const { items } = await get('/v1/reports', { limit: 20 });
    const rows = items.map((row) => line(days(row), t('reports.made', { type: t(`report.${row.type}`), at: moment(row.generated_at) }),
      [KINDS.map((kind) => button(kind.toUpperCase(), () => download(row.id, kind), { 'aria-label': t('reports.get', { kind: kind.toUpperCase() }) })),
        mayManage() && iconButton('close', t('target.remove'), () => drop(row))]));
    const make = periods().map(([type, first, last]) => button(named(type, first, last), () => order({ type, first_day: first })));
    return card(t('reports.title'), mayManage() && [h('p', { class: 'under' }, t('reports.make')), h('div', { class: 'form-foot choices' }, make, button(t('reports.other'), choose))],
      rows.length > 0 ? h('ul', { class: 'list inset' }, rows) : h('p', { class: 'under' }, t('reports.none')));
  }

  const days = (row) => dates(row.from, Date.parse(row.until) - 1);

  function drop(row) {
    ask(t('reports.remove'), [], t('target.remove'), async () => {
      await remove(`/v1/reports/${row.id}`);
      await load();
    }, { text: days(row), kind: 'danger' });
  }

  const named = (type, first, last) => t(`reports.${type}`, { days: type === 'monthly' ? monthName(first) : dates(first, last) });

  async function order(wanted) {
    await post('/v1/reports', wanted);
    await load();
  }

  function choose() {
    const yesterday = shifted(dayKey(Date.now()), -1);
    const day = (name, value) => field(name, t(`reports.${name}`), { kind: 'date', value, max: dayKey(Date.now()), required: true });
    ask(t('reports.other'), [[day('first_day', shifted(yesterday, -13)), day('last_day', yesterday)]], t('reports.go'),
      (days) => order({ type: 'custom', ...days }), { text: t('reports.other.text') });
  }

  async function download(id, kind) {
    const { data, name } = await send('GET', `/v1/reports/${id}.${kind}`, { as: 'blob' });
    const url = URL.createObjectURL(data);
    h('a', { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  load();
  return element;
}
