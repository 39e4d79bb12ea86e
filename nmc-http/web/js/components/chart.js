/** Calls as bars, those that were missed as the lower part of each, with an axis, and as words for whoever does not see it. */

import { h, number, t } from '../ui.js';

/** As many bars as have their number above them. */
const NAMED = 24;

/** `points` are `{ label, name, all, missed }`: the label stands below the bar, and is empty where there is no room for one. */
export function bars(points, title) {
  const top = Math.max(2, ...points.map((point) => point.all));
  const said = points.filter(({ all }) => all).map(({ name, all, missed }) => `${name}: ${t('figures.bar', { all: number(all), missed: number(missed) })}`);
  const share = (part, value, kind) => {
    const element = h('div', { class: kind });
    element.style.height = `${(100 * value) / part}%`;
    return element;
  };
  const column = ({ label, name, all, missed }) => {
    const bar = share(top, all, 'bar');
    bar.append(share(all || 1, missed, 'bar-missed'));
    if (points.length <= NAMED && all) bar.append(h('span.bar-number', number(all)));
    return h('div.bar-column', { title: `${name}: ${t('figures.bar', { all, missed })}` }, h('div.bar-room', bar), h('span.bar-label', label));
  };
  return h('div.chart', { role: 'img', 'aria-label': `${title}. ${said.join('; ') || t('figures.bar.none')}` },
    h('div.chart-axis', h('span', number(top)), h('span', '0')),
    h('div.chart-bars', points.map(column)));
}
