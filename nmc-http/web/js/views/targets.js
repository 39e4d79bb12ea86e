/** Targets of key figures. */

import { get, put, remove } from '../api/client.js';
import { mayManage } from '../api/session.js';
import { h } from '../dom.js';
import { money, number } from '../format.js';
import { t } from '../words.js';
import { button, shown } from '../components/parts.js';
import { ask, field } from '../components/form.js';
import { card, line } from '../components/page.js';

const PERIODS = ['daily', 'weekly', 'monthly'];

/** A figure with its unit; of what is less than a dollar, in cents. */
export function said(amount, unit) {
  if (unit === 'usd' && (amount === 0 || Math.abs(amount) >= 1)) return money(amount * 100, 'USD');
  return t(`figures.unit.${unit}`, { amount: number(Math.round(amount * (unit === 'usd' ? 1_000 : 10)) / 10) });
}

/** The card of targets, a new one at first of that `length`; `changed` hears of them. */
export function targets(length, changed) {
  const element = h('div');
  let kpis = [];

  async function show() {
    const { items } = await get('/v1/kpi-targets');
    if (items.length === 0 && !mayManage()) return h('span', { hidden: true });
    const rows = items.map((row) => {
      const kpi = kpis.find((each) => each.name === row.kpi);
      const words = t(`target.${row.period}`, { target: said(Number(row.target), kpi?.unit ?? 'calls') });
      return line(label(row.kpi), words, mayManage() && [button(t('target.change'), () => set(row)), button(t('target.remove'), () => drop(row))]);
    });
    return card(t('target.title'), rows.length > 0 ? h('ul', { class: 'list inset' }, rows) : h('p', { class: 'under' }, t('target.none')),
      mayManage() && h('div', { class: 'form-foot' }, button(t('target.add'), () => set({}), { name: 'plus' })));
  }

  /** Missed calls are told as a number, and as a share. */
  function label(name) {
    const kpi = kpis.find((each) => each.name === name);
    return kpi ? t(`target.in.${kpi.unit}`, { kpi: kpi.label }) : name;
  }

  function set(row) {
    const fields = [
      field('kpi', t('target.kpi'), { kind: 'choice', value: row.kpi, options: kpis.map(({ name }) => [name, label(name)]) }),
      field('period', t('target.period'), { kind: 'choice', value: row.period ?? length, options: PERIODS.map((each) => [each, t(`target.${each}.name`)]) }),
      field('target', t('target.value'), { inputmode: 'decimal', value: row.target ? String(Number(row.target)) : '', required: true }),
    ];
    ask(t(row.kpi ? 'target.change' : 'target.add'), row.kpi ? fields.slice(2) : fields, t('go.save'), async ({ kpi = row.kpi, period = row.period, target }) => {
      await put(`/v1/kpi-targets/${kpi}/${period}`, { target: target.replace(',', '.') });
      await load();
    }, { text: row.kpi ? t('target.of', { kpi: label(row.kpi), period: t(`target.${row.period}.name`) }) : null });
  }

  async function drop({ kpi, period }) {
    await remove(`/v1/kpi-targets/${kpi}/${period}`);
    await load();
  }

  async function load() {
    await shown(element, show);
    changed();
  }

  return {
    element,
    /** Takes the key figures that there are. */
    take(next) {
      const isFirst = kpis.length === 0;
      kpis = next;
      if (isFirst) shown(element, show);
    },
  };
}
