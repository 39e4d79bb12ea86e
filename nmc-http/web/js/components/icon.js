/** The page's icons: strokes of one width on a grid of 24. They say nothing to screen readers; what stands beside them does. */

import { svg } from '../dom.js';

const PATHS = {
  inbox: 'M3 13l3-8h12l3 8v6H3zM3 13h5l1.5 3h5l1.5-3h5',
  calls: 'M5 4h4l1.5 4.5-2.5 2a12 12 0 0 0 5.5 5.5l2-2.5L20 15v4a1.5 1.5 0 0 1-1.5 1.5A15 15 0 0 1 3.5 5.5 1.5 1.5 0 0 1 5 4z',
  missed: 'M4 15.5a12 12 0 0 1 16 0l-2 3-4-1.5v-2.5a9 9 0 0 0-4 0V17l-4 1.5zM7 4l5 5 5-5M7 8V4h4',
  voicemail: 'M6.5 15.5a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7zM17.5 15.5a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7zM6.5 15.5h11',
  alerts: 'M12 3a6 6 0 0 1 6 6v4l2 4H4l2-4V9a6 6 0 0 1 6-6zM10 20h4',
  figures: 'M4 20V10M10 20V4M16 20v-8M21 20H3',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  back: 'M15 5l-7 7 7 7',
  down: 'M5 9l7 7 7-7',
  next: 'M9 5l7 7-7 7',
  send: 'M4 12l16-8-5 16-3-6.5zM12 13.5L20 4',
  search: 'M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.5 15.5L21 21',
  check: 'M5 12.5l4.5 4.5L19 7',
  edit: 'M4 20v-4L16 4l4 4L8 20z',
  plus: 'M12 5v14M5 12h14',
  note: 'M5 4h14v11l-5 5H5zM14 20v-5h5',
  person: 'M12 12a4 4 0 1 1 0-8 4 4 0 0 1 0 8zM4.5 20a7.5 7.5 0 0 1 15 0',
  reply: 'M4 5h16v12H9l-5 4z',
  tag: 'M4 4h8l8 8-8 8-8-8zM8 8h.01',
  warn: 'M12 4l9 16H3zM12 10v4.5M12 17.5h.01',
  close: 'M6 6l12 12M18 6L6 18',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  key: 'M8 16a4 4 0 1 1 3.5-6H20v4h-2.5v2h-3v-2h-3A4 4 0 0 1 8 16z',
  hours: 'M12 20.5a8.5 8.5 0 1 1 0-17 8.5 8.5 0 0 1 0 17zM12 7.5V12l3 2',
  numbers: 'M9 4L7 20M17 4l-2 16M4 9h16M4 15h16',
};

export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: PATHS[name] }));
}
