/** Figures: how many calls were missed, what came of them, what they should come to; they are read again while one looks. And reports to take along. */

import { ask, button, card, chosen, confirm, dates, dotted, download, empty, field, get, h, header, hour, iconButton, line, link, listCard, listing, mayManage, me, moment, money, monthName, number, onChanges, post, put, remove, replace, shifted, shown, t, tabs, today, weekday } from '../ui.js';
import { summary } from '../api/figures.js';
import { bars } from '../components/chart.js';

/** Key figures that belong together; those of no group come last. */
const GROUPS = {
  calls: ['answer_rate', 'missed_rate', 'voicemail_rate', 'abandoned_rate'],
  back: ['text_back_rate', 'reply_rate', 'conversion_rate', 'revenue_per_missed_call'],
  pace: ['first_response_minutes', 'first_response_open_minutes', 'resolution_hours', 'resolution_open_hours'],
};
/** The figures are computed a little after what they count: they are read again after a change, and once in a while. */
const [SOON, SOMETIMES] = [3_000, 10_000];
/** The periods, each with the targets by which it is judged. */
const PERIODS = { today: 'daily', '7d': 'weekly', '30d': 'monthly' };

export function figures({ rest: [named] }) {
  const period = chosen(PERIODS, named, '7d');
  const places = tabs('figures.period', Object.keys(PERIODS).map((each) => [each, `#/figures/${each}`, `figures.${each}`]), period);
  const head = header('figures.title', { under: ' ' });
  const widgets = h('div');
  const aims = targets(PERIODS[period], () => again());
  const made = reports();

  async function show() {
    const told = await summary(period);
    const print = JSON.stringify({ ...told, until: null });
    if (widgets.print === print) return null;
    widgets.print = print;
    replace(head.querySelector('.under'), dates(told.from, told.until));
    aims.take(told.kpis);
    if (told.calls.kpis.every(({ value }) => !value) && told.tiles.length === 0) return empty('figures', 'figures.none', link('#/start', 'inbox.none.open.go'));
    return h('div.content-body', calls(told), groups(told.tiles).map(([name, kpis]) =>
      h('section', h('h2.tiles-title', t(`figures.group.${name}`)), h('ul.tiles', kpis.map(tile)))));
  }

  /** All calls and the missed ones, by day or by hour. */
  function calls({ calls: { kpis, missed }, points }) {
    const parts = Object.entries(missed).filter(([, count]) => count).map(([outcome, count]) => t(`figures.${outcome}`, { count: number(count) }));
    const numbers = kpis.map((kpi) => h('div', { class: `figures-count ${kpi.name}` }, h('p.tile-title', kpi.label), h('p.figure', said(kpi.value ?? 0, kpi.unit)),
      change(kpi), aim(kpi), kpi.name === 'missed_calls' && parts.length > 0 && h('p.under', h('a', { href: '#/calls/missed' }, parts.join(', ')))));
    const named = points.map((point, at) => ({ ...point, name: name(point), label: label(point, at, points.length) }));
    return card(null, h('div.figures-counts', numbers), bars(named, t('calls.title')));
  }

  const name = (point) => (point.at ? dates(point.at, point.at) : hour(point.hour));
  /** A label for each day of a week, each fifth of a month, and each sixth hour. */
  function label(point, at, count) {
    if (count <= 7) return weekday(point.at);
    if (!point.at) return point.hour % 6 === 0 ? hour(point.hour) : '';
    return (count - 1 - at) % 5 === 0 ? dates(point.at, point.at) : '';
  }

  const again = () => shown(widgets, show, { isQuiet: true });
  const timers = [setInterval(() => document.hidden || again(), SOMETIMES)];
  let soon = null;
  const leave = onChanges(({ all, has }) => {
    if (!all && !['call', 'message', 'conversation', 'consent'].some((kind) => has(kind))) return;
    soon ??= setTimeout(() => {
      soon = null;
      again();
    }, SOON);
  });
  shown(widgets, show);
  return {
    element: h('section.pane', head, places, h('div.scroll', h('div.content.wide', widgets, aims.element, made))),
    close() {
      timers.forEach(clearInterval);
      clearTimeout(soon);
      leave();
    },
  };
}

function groups(tiles) {
  const known = new Set(Object.values(GROUPS).flat());
  const found = Object.entries(GROUPS).map(([name, kpis]) => [name, tiles.filter((tile) => kpis.includes(tile.name))]);
  return [...found, ['other', tiles.filter((tile) => !known.has(tile.name))]].filter(([, kpis]) => kpis.length > 0);
}

const tile = (kpi) => h('li.tile', h('p.tile-title', kpi.label), h('p.figure', said(kpi.value, kpi.unit)), change(kpi), aim(kpi));

/** How a figure has changed, with an arrow, and whether that is good, in a word and a colour. A count of days that go on has no verdict. */
function change({ value, before, unit, trend }) {
  if (before === null || value === null) return null;
  if (said(value, unit) === said(before, unit)) return h('p.tile-foot', t('figures.same'));
  const words = t(value > before ? 'figures.more' : 'figures.less', { before: said(before, unit) });
  const kind = { improving: 'good', declining: 'bad' }[trend];
  return h('p', { class: `tile-foot ${kind ?? ''}` }, dotted(words, kind && t(`figures.${kind}`)));
}

/** The target, and whether it is reached. */
function aim({ value, target, unit, more_is_better: isMore }) {
  if (target === null || value === null) return null;
  const isReached = isMore ? value >= target : value <= target;
  return h('p', { class: `tile-foot ${isReached ? 'good' : 'bad'}` }, t(isReached ? 'figures.reached' : 'figures.short', { target: said(target, unit) }));
}

/** A figure with its unit; of what is less than a dollar, in cents. */
function said(amount, unit) {
  if (unit === 'usd' && (amount === 0 || Math.abs(amount) >= 1)) return money(amount * 100, 'USD');
  return t(`figures.unit.${unit}`, { amount: number(Math.round(amount * (unit === 'usd' ? 1_000 : 10)) / 10) });
}

/** The card of targets, a new one at first of that `length`; `changed` hears of them. */
function targets(length, changed) {
  const element = h('div');
  let kpis = [];

  async function show() {
    const { items } = await get('/v1/kpi-targets');
    if (items.length === 0 && !mayManage()) return h('span', { hidden: true });
    const rows = items.map((row) => {
      const kpi = kpis.find((each) => each.name === row.kpi);
      const words = t(`target.${row.period}`, { target: said(Number(row.target), kpi?.unit ?? 'calls') });
      return line(label(row.kpi), words, mayManage() && [button('go.change', () => set(row)), button('go.remove', () => drop(row))]);
    });
    return listCard('target.title', rows, 'target.none',
      mayManage() && h('div.form-foot', button('target.add', () => set({}), { name: 'plus' })));
  }

  /** Missed calls are told as a number, and as a share. */
  function label(name) {
    const kpi = kpis.find((each) => each.name === name);
    return kpi ? t(`target.in.${kpi.unit}`, { kpi: kpi.label }) : name;
  }

  function set(row) {
    const fields = [
      field('kpi', { kind: 'choice', value: row.kpi, options: kpis.map(({ name }) => [name, label(name)]) }),
      field('period', { kind: 'choice', value: row.period ?? length, options: Object.values(PERIODS).map((each) => [each, t(`target.${each}.name`)]) }),
      field('target', { inputmode: 'decimal', value: row.target ? String(Number(row.target)) : '', required: true }),
    ];
    ask(row.kpi ? 'go.change' : 'target.add', row.kpi ? fields.slice(2) : fields, 'go.save', ({ kpi = row.kpi, period = row.period, target }) =>
      put(`/v1/kpi-targets/${kpi}/${period}`, { target: target.replace(',', '.') }).then(load), { text: row.kpi ? t('target.of', { kpi: label(row.kpi), period: t(`target.${row.period}.name`) }) : null });
  }

  const drop = ({ kpi, period }) => remove(`/v1/kpi-targets/${kpi}/${period}`).then(load);

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

const KINDS = ['pdf', 'csv', 'json'];
const mayRead = () => mayManage() || me.role === 'operator';

/** The periods that are over, as `[type, first day, last day]`. A week begins on Monday. */
function periods() {
  const monday = shifted(today(), -((new Date(`${today()}T12:00Z`).getUTCDay() + 6) % 7));
  const lastOfMonth = shifted(`${today().slice(0, 8)}01`, -1);
  return [
    ['daily', shifted(today(), -1), shifted(today(), -1)],
    ['weekly', shifted(monday, -7), shifted(monday, -1)],
    ['monthly', `${lastOfMonth.slice(0, 8)}01`, lastOfMonth],
  ];
}

function reports() {
  const element = h('div');
  const load = () => shown(element, show);

  async function show() {
    if (!mayRead()) return h('span', { hidden: true });
    const { items } = await get('/v1/reports', { limit: 20 });
    const make = periods().map(([type, first, last]) => button(named(type, first, last), () => order({ type, first_day: first })));
    return card('reports.title', mayManage() && [h('p.under', t('reports.make')), h('div.form-foot.choices', make, button('reports.other', choose))],
      listing(items.map(row), 'reports.none'));
  }

  function row({ id, type, from, until, generated_at: at }) {
    const [days, made] = [dates(from, Date.parse(until) - 1), t('reports.made', { type: t(`report.${type}`), at: moment(at) })];
    const drop = () => remove(`/v1/reports/${id}`).then(load);
    return line(days, made, [KINDS.map((kind) => button(kind.toUpperCase(), () => download(`/v1/reports/${id}.${kind}`), { 'aria-label': t('reports.get', { kind: kind.toUpperCase() }) })),
      mayManage() && iconButton('close', 'go.remove', () => confirm('reports.remove', drop, { days, made }))]);
  }

  const named = (type, first, last) => t(`reports.${type}`, { days: type === 'monthly' ? monthName(first) : dates(first, last) });

  const order = (wanted) => post('/v1/reports', wanted).then(load);

  function choose() {
    const yesterday = shifted(today(), -1);
    const day = (name, value) => field(name, { kind: 'date', value, max: today(), required: true });
    ask('reports.other', [[day('first_day', shifted(yesterday, -13)), day('last_day', yesterday)]], 'reports.go',
      (days) => order({ type: 'custom', ...days }), { text: t('reports.other.text') });
  }

  load();
  return element;
}
