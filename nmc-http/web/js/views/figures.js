/** Figures: how many calls were missed, what came of them, what they should come to; they are read again while one looks. */

import { summary } from '../api/figures.js';
import { h, replace } from '../dom.js';
import { dates, hour, number, weekday } from '../format.js';
import { onChanges } from '../stream/live.js';
import { t } from '../words.js';
import { bars } from '../components/chart.js';
import { empty, header, shown, tabs } from '../components/parts.js';
import { card } from '../components/page.js';
import { reports } from './reports.js';
import { said, targets } from './targets.js';

const PERIODS = ['today', '7d', '30d'];
/** Key figures that belong together; those of no group come last. */
const GROUPS = {
  calls: ['answer_rate', 'missed_rate', 'voicemail_rate', 'abandoned_rate'],
  back: ['text_back_rate', 'reply_rate', 'conversion_rate', 'revenue_per_missed_call'],
  pace: ['first_response_minutes', 'first_response_open_minutes', 'resolution_hours', 'resolution_open_hours'],
};
/** The figures are computed a little after what they count: they are read again after a change, and once in a while. */
const [SOON, SOMETIMES] = [3_000, 10_000];
/** The targets by which a period is judged. */
const TARGETS = { today: 'daily', '7d': 'weekly', '30d': 'monthly' };

export function figures({ rest: [named] }) {
  const period = PERIODS.includes(named) ? named : '7d';
  const places = tabs(t('figures.period'), PERIODS.map((each) => [each, `#/figures/${each}`, t(`figures.${each}`)]), period);
  const head = header(t('figures.title'), { under: ' ' });
  const widgets = h('div');
  const aims = targets(TARGETS[period], () => again());
  const made = reports();

  async function show() {
    const told = await summary(period);
    const print = JSON.stringify({ ...told, until: null });
    if (widgets.print === print) return null;
    widgets.print = print;
    replace(head.querySelector('.under'), dates(told.from, told.until));
    aims.take(told.kpis);
    if (told.calls.kpis.every(({ value }) => !value) && told.tiles.length === 0) return empty('figures', t('figures.none'), t('figures.none.text'));
    return h('div', { class: 'content-body' }, calls(told), groups(told.tiles).map(([name, kpis]) =>
      h('section', {}, h('h2', { class: 'tiles-title' }, t(`figures.group.${name}`)), h('ul', { class: 'tiles' }, kpis.map(tile)))));
  }

  /** All calls and the missed ones, by day or by hour. */
  function calls({ calls: { kpis, missed }, points }) {
    const parts = Object.entries(missed).filter(([, count]) => count).map(([outcome, count]) => t(`figures.${outcome}`, { count: number(count) }));
    const numbers = kpis.map((kpi) => h('div', { class: `figures-count ${kpi.name}` }, h('p', { class: 'tile-title' }, kpi.label), h('p', { class: 'figure' }, said(kpi.value ?? 0, kpi.unit)),
      change(kpi), aim(kpi), kpi.name === 'missed_calls' && parts.length > 0 && h('p', { class: 'under' }, h('a', { href: '#/calls/missed' }, parts.join(', ')))));
    const named = points.map((point, at) => ({ ...point, name: name(point), label: label(point, at, points.length) }));
    return card(null, h('div', { class: 'figures-counts' }, numbers), bars(named, t('calls.title')));
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
    element: h('section', { class: 'pane' }, head, places, h('div', { class: 'scroll' }, h('div', { class: 'content wide' }, widgets, aims.element, made))),
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

const tile = (kpi) => h('li', { class: 'tile' }, h('p', { class: 'tile-title' }, kpi.label), h('p', { class: 'figure' }, said(kpi.value, kpi.unit)), change(kpi), aim(kpi));

/** How a figure has changed, with an arrow, and whether that is good, in a word and a colour. A count of days that go on has no verdict. */
function change({ value, before, unit, trend }) {
  if (before === null || value === null) return null;
  if (said(value, unit) === said(before, unit)) return h('p', { class: 'tile-foot' }, t('figures.same'));
  const words = t(value > before ? 'figures.more' : 'figures.less', { before: said(before, unit) });
  const kind = { improving: 'good', declining: 'bad' }[trend];
  return h('p', { class: `tile-foot ${kind ?? ''}` }, [words, kind && t(`figures.${kind}`)].filter(Boolean).join(' · '));
}

/** The target, and whether it is reached. */
function aim({ value, target, unit, more_is_better: isMore }) {
  if (target === null || value === null) return null;
  const isReached = isMore ? value >= target : value <= target;
  return h('p', { class: `tile-foot ${isReached ? 'good' : 'bad'}` }, t(isReached ? 'figures.reached' : 'figures.short', { target: said(target, unit) }));
}
