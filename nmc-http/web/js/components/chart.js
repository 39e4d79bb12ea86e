/** A chart of bars as an SVG, with the numbers in its description for whoever does not see it. */

import { svg } from '../dom.js';
import { day, number } from '../format.js';

const [WIDTH, HEIGHT] = [320, 80];

export function bars(points, label) {
  const most = Math.max(1, ...points.map((point) => point.value));
  const step = WIDTH / points.length;
  const said = points.map((point) => `${point.at ? day(point.at) : ''}: ${number(point.value)}`).join(', ');
  return svg('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${label}. ${said}`, preserveAspectRatio: 'none' },
    points.map(({ value }, at) => {
      const height = Math.max(2, (value / most) * (HEIGHT - 4));
      return svg('rect', { x: at * step + step * 0.15, y: HEIGHT - height, width: step * 0.7, height, rx: Math.min(3, step * 0.2) });
    }));
}
