/** The frame of a view that is one column: a head, and content that scrolls. */

import { h } from '../dom.js';
import { header, shown } from './parts.js';

/** A view whose content `work()` answers; `close` ends what it began. */
export function page(title, work, { close = () => {}, ...head } = {}) {
  const content = h('div', { class: 'content' });
  const element = h('section', { class: 'pane' }, header(title, head), h('div', { class: 'scroll' }, content));
  const load = () => shown(content, work);
  load();
  return { element, close, load };
}

/** A box with a heading. */
export const card = (title, ...content) => h('section', { class: 'card' }, title && h('h2', {}, title), content);

/** A row of a list of things: a title, what is said of it, what can be done. */
export const line = (title, foot, actions = [], before = null) =>
  h('li', { class: 'line' }, before, h('div', { class: 'line-main' }, h('p', { class: 'line-title', dir: 'auto' }, title), foot && h('p', { class: 'line-foot', dir: 'auto' }, foot)),
    h('div', { class: 'actions' }, actions));
