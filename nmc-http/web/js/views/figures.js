/** Figures: how many calls were missed and what came of them, and reports to take along. */

import { get, post, send } from '../api/client.js';
import { summary } from '../api/figures.js';
import { h, replace } from '../dom.js';
import { day, number } from '../format.js';
import { t } from '../words.js';
import { bars } from '../components/chart.js';
import { button, empty, header, shown } from '../components/parts.js';
import { ask, field } from '../components/form.js';
import { card, line } from '../components/page.js';

const PERIODS = ['today', '7d', '30d'];
const KINDS = ['daily', 'weekly', 'monthly'];

export function figures({ rest: [named] }) {
  const period = PERIODS.includes(named) ? named : '7d';
  const tabs = h('nav', { class: 'tabs', 'aria-label': t('figures.period') },
    PERIODS.map((each) => h('a', { class: 'tab', href: `#/figures/${each}`, 'aria-current': each === period && 'page' }, t(`figures.${each}`))));
  const widgets = h('div', { class: 'content wide' });
  const reports = h('div', { class: 'content wide' });

  async function show() {
    const told = await absent(() => summary(period));
    if (!told) return empty('figures', t('figures.absent'), t('figures.absent.text'));
    if (told.widgets.length === 0) return empty('figures', t('figures.none'), t('figures.none.text'));
    return h('div', { class: 'widgets' }, told.widgets.map(widget));
  }

  function widget({ title, unit, value, before, points }) {
    const said = (amount) => t(`figures.unit.${unit}`, { amount: number(Math.round(amount * 100) / 100) });
    const change = before !== null && value !== before && t(value > before ? 'figures.more' : 'figures.less', { before: said(before) });
    return card(title, h('p', { class: 'figure' }, said(value)), change && h('p', { class: 'under' }, change), points.length > 1 && bars(points, title));
  }

  async function showReports() {
    const page = await absent(() => get('/v1/reports', { limit: 20 }));
    if (!page) return null;
    const make = button(t('reports.make'), order, { name: 'plus' });
    const rows = page.items.map((row) => line(t(`report.${row.type}`), `${day(row.from)} – ${day(new Date(Date.parse(row.until) - 1).toISOString())}`,
      ['pdf', 'csv', 'json'].map((kind) => button(kind.toUpperCase(), () => download(row.id, kind), { 'aria-label': t('reports.get', { kind: kind.toUpperCase() }) }))));
    return card(t('reports.title'), h('ul', { class: 'list inset' }, rows), rows.length === 0 && h('p', { class: 'under' }, t('reports.none')), h('div', { class: 'form-foot' }, make));
  }

  function order() {
    ask(t('reports.make'), [field('type', t('figures.period'), { kind: 'choice', value: 'weekly', options: KINDS.map((each) => [each, t(`report.${each}`)]) })], t('reports.make'), async (values) => {
      await post('/v1/reports', values);
      await shown(reports, showReports);
    });
  }

  async function download(id, kind) {
    const { data } = await send('GET', `/v1/reports/${id}.${kind}`, { as: 'blob' });
    const url = URL.createObjectURL(data);
    h('a', { href: url, download: `report-${id}.${kind}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  shown(widgets, show);
  shown(reports, async () => (await showReports()) ?? replace(reports));
  return { element: h('section', { class: 'pane' }, header(t('figures.title')), tabs, h('div', { class: 'scroll' }, widgets, reports)) };
}

/** What `work` answers, or null where this server does not have it. */
async function absent(work) {
  try {
    return await work();
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
