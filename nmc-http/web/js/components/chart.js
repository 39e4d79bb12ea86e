/** Calls as bars of an SVG, those that were missed as the lower part of each, with an axis, and as words for whoever does not see it. */

import { number, svg, t } from '../ui.js';

/** As many bars as have their number above them. */
const NAMED = 24;
/** From the top to the number of the highest bar, its foot, and the labels below, in pixels. */
const [TOP, FOOT, LABELS] = [24, 164, 180];

/** `points` are `{ label, name, all, missed }`: the label stands below the bar, and is empty where there is no room for one. */
export function bars(points, title) {
  const most = Math.max(2, ...points.map((point) => point.all));
  const said = points.filter(({ all }) => all).map(({ name, all, missed }) => `${name}: ${t('figures.bar', { all: number(all), missed: number(missed) })}`);
  const height = (count) => ((FOOT - TOP) * count) / most;
  const write = (text, x, y, kind) => svg('text', { x, y, class: kind }, text);
  const line = (count) => svg('line', { x1: '0', x2: '100%', y1: FOOT - height(count), y2: FOOT - height(count) });
  const [width, broad] = [100 / points.length, points.length > 7 ? 64 : 36];

  const column = ({ label, name, all, missed }, at) => {
    const bar = (count, kind) => svg('rect', { class: kind, x: `${50 - broad / 2}%`, width: `${broad}%`, y: FOOT - height(count), height: height(count), rx: 3 });
    return svg('svg', { x: `${at * width}%`, width: `${width}%`, height: LABELS },
      svg('title', {}, `${name}: ${t('figures.bar', { all, missed })}`), svg('rect', { class: 'bar-room', width: '100%', height: FOOT }),
      bar(all, 'bar'), bar(missed, 'bar-missed'), write(points.length <= NAMED && all ? number(all) : '', '50%', FOOT - height(all) - 5, 'bar-number'),
      write(label, '50%', LABELS, 'bar-label'));
  };

  return svg('svg', { class: 'chart', role: 'img', 'aria-label': `${title}. ${said.join('; ') || t('figures.bar.none')}` },
    [most, 0].map((count) => write(number(count), -8, FOOT - height(count) + 4, 'chart-axis')), [most, most / 2, 0].map(line), points.map(column));
}
