/**
 * A long list that is read from its end: rows come from `older()` while somebody scrolls up. At most `WINDOW` rows are in the page at
 * a time, and the row that is being looked at stays where it is, whatever comes above or below.
 */

import { h, icon, keyed, replace, t } from '../ui.js';

const WINDOW = 200;
const STEP = 60;
const NEAR = 600;

/**
 * `build(row)` answers the element of a row, whose `id` tells it from others, and who knows when the one `before` it was; `older()`
 * reads more and answers whether there is more; `seen()` hears that the end has come into sight.
 */
export function thread(build, older, seen, label) {
  const list = h('ol.thread-rows', { 'aria-label': label });
  const news = h('span', t('thread.end'));
  const down = h('div.thread-down', { hidden: true }, h('button.button', { type: 'button', onclick: goToEnd }, icon('down'), news));
  const element = h('div.thread', { tabindex: '0', role: 'region', 'aria-label': label, onscroll: scrolled }, list, down);
  let rows = [];
  let end = 0;
  let size = STEP;
  let hasOlder = true;
  let isReading = false;
  let follows = true;

  /** Shows the rows in the window; `rows` are sorted, the oldest first. */
  function draw() {
    const begin = Math.max(0, end - size);
    const part = rows.slice(begin, end).map((row, at) => ({ ...row, before: rows[begin + at - 1]?.at ?? null }));
    keyed(list, part, (row) => row.id, build);
  }

  /** Draws, and puts the first row that is seen back to where it was. */
  function redraw() {
    const top = element.getBoundingClientRect().top;
    const first = [...list.children].find((child) => child.getBoundingClientRect().bottom > top);
    const offset = first?.getBoundingClientRect().top;
    const key = first?.dataset.key;
    draw();
    if (follows) return toEnd();
    const same = [...list.children].find((child) => child.dataset.key === key);
    if (same) element.scrollTop += same.getBoundingClientRect().top - offset;
    return undefined;
  }

  function toEnd() {
    element.scrollTop = element.scrollHeight;
  }

  function goToEnd() {
    [end, follows] = [rows.length, true];
    draw();
    toEnd();
    arrive();
  }

  function arrive() {
    down.hidden = true;
    replace(news, t('thread.end'));
    seen();
  }

  async function scrolled() {
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const before = follows;
    follows = below < 80 && end === rows.length;
    down.hidden = follows;
    if (follows && !before) arrive();
    if (below < NEAR && end < rows.length) {
      end = Math.min(rows.length, end + STEP);
      redraw();
    }
    if (element.scrollTop < NEAR) await up();
  }

  /** Goes on upwards: rows that are there, or those that `older` reads. */
  async function up() {
    if (isReading) return;
    isReading = true;
    try {
      if (end - size <= 0 && hasOlder) hasOlder = await older();
      if (end - size > 0) {
        if (size < WINDOW) size = Math.min(WINDOW, size + STEP);
        else end = Math.max(WINDOW, end - STEP);
        redraw();
      }
    } finally {
      isReading = false;
    }
  }

  // What is loaded late, such as a picture, makes a row higher; a keyboard on the screen makes the room for it lower.
  const heights = new ResizeObserver(() => follows && toEnd());
  heights.observe(list);
  heights.observe(element);

  return {
    element,
    /** Takes these rows for those that there are. Whoever looks at the end goes on looking at it. */
    set(next) {
      const last = rows[end - 1]?.id;
      const isAtEnd = end === rows.length;
      const isNew = rows.length > 0 && rows.at(-1)?.id !== next.at(-1)?.id;
      rows = next;
      const at = rows.findIndex((row) => row.id === last);
      end = isAtEnd || at < 0 ? rows.length : at + 1;
      redraw();
      if (isNew && !follows) replace(news, t('thread.new'));
    },
    toEnd: goToEnd,
    get isAtEnd() {
      return follows;
    },
  };
}
