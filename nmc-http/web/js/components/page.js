/** The frame of a view that is one column: a head, and content that scrolls. */

import { h } from '../dom.js';
import { onChanges } from '../stream/live.js';
import { t } from '../words.js';
import { header, pagedList, shown, tabs } from './parts.js';

/** A view whose content `work()` answers, once more when a row of the kind `on` has changed; `close` ends that. */
export function page(title, work, { on = null, ...head } = {}) {
  const content = h('div', { class: 'content' });
  const element = h('section', { class: 'pane' }, header(title, head), h('div', { class: 'scroll' }, content));
  const load = () => shown(content, work);
  load();
  return { element, close: onChanges(({ has }) => on && has(on) && load()), load };
}

/** A view of one list, with its filters as tabs. `name` is that of the address and of the words; rows are of the kind `on`. */
export function listView(name, filters, filter, { on, ...list }) {
  const rows = pagedList(list);
  const places = tabs(t(`${name}.filters`), Object.keys(filters).map((each) => [each, `#/${name}/${each}`, t(`${name}.${each}`)]), filter);
  rows.load();
  return {
    element: h('section', { class: 'pane' }, header(t(`${name}.title`)), places, h('div', { class: 'scroll' }, rows.place)),
    close: onChanges(({ has }) => has(on) && rows.refresh()),
    refresh: rows.refresh,
  };
}

/** A box with a heading. */
export const card = (title, ...content) => h('section', { class: 'card' }, title && h('h2', {}, title), content);

/** A row of a list of things: a title, what is said of it, what can be done. */
export const line = (title, foot, actions = [], before = null) =>
  h('li', { class: 'line' }, before, h('div', { class: 'line-main' }, h('p', { class: 'line-title', dir: 'auto' }, title), foot && h('p', { class: 'line-foot', dir: 'auto' }, foot)),
    h('div', { class: 'actions' }, actions));
