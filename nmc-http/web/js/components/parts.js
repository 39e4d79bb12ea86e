/** The small parts that all views are made of: headings, buttons, badges, empty states, pages of a list. */

import { h, keyed, replace } from '../dom.js';
import { dayKey, initials } from '../format.js';
import { t } from '../words.js';
import { icon } from './icon.js';

/** The words for a refusal. */
export function reason(error) {
  if (error.code === 'offline') return t('error.offline');
  if (error.status === 404) return t('error.missing');
  if (error.status === 412) return t('error.stale');
  if (error.status === 429) return t('error.often');
  if (error.status >= 500) return t('error.server');
  return error.message;
}

/** A button that is off while its work is under way, and shows its refusal. */
export function button(label, work, { kind = 'plain', name = null, ...props } = {}) {
  const element = h('button', { type: 'button', class: `button ${kind}`, ...props, onclick: press }, name && icon(name), label && h('span', {}, label));
  async function press(event) {
    if (element.getAttribute('aria-disabled') === 'true') return;
    element.setAttribute('aria-disabled', 'true');
    try {
      await work(event);
    } catch (error) {
      say(reason(error), 'bad');
    } finally {
      element.removeAttribute('aria-disabled');
    }
  }
  return element;
}

/** A button that is only an icon, with its name for screen readers and as a tooltip. */
export const iconButton = (name, label, work, props = {}) =>
  button(null, work, { kind: 'icon-only', name, 'aria-label': label, title: label, ...props });

/** The head of a view: where back leads on a phone, the heading, what can be done. */
export function header(title, { back = null, under = null, actions = [] } = {}) {
  return h('header', { class: 'head' },
    back && h('a', { class: 'back', href: back, 'aria-label': t('go.back') }, icon('back')),
    h('div', { class: 'titles' }, h('h1', { tabindex: '-1' }, title), under && h('p', { class: 'under' }, under)),
    h('div', { class: 'actions' }, actions));
}

/** What stands where there is nothing yet, with the next thing to do. */
export const empty = (name, title, text, action = null) =>
  h('div', { class: 'empty' }, h('div', { class: 'empty-icon' }, icon(name)), h('h2', {}, title), h('p', {}, text), action);

export const link = (href, label, kind = 'plain') => h('a', { class: `button ${kind}`, href }, h('span', {}, label));
export const badge = (label, kind = '') => h('span', { class: `badge ${kind}` }, label);

/** A circle with somebody's initials; its colour is of their name, so that it stays theirs. */
export function avatar(name) {
  const hue = [...(name ?? '')].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 6, 0);
  const letters = initials(name);
  return h('span', { class: `avatar hue-${hue}`, 'aria-hidden': 'true' }, letters || icon('person'));
}

let toast = null;

/** Says something at the edge of the page, for a while. */
export function say(text, kind = '') {
  toast ??= document.body.appendChild(h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' }));
  const line = h('p', { class: `toast ${kind}` }, text);
  replace(toast, line);
  setTimeout(() => line.remove(), 6_000);
}

/** The filters of a view as links: `places` are `[name, address, words]`. */
export const tabs = (label, places, current) =>
  h('nav', { class: 'tabs', 'aria-label': label },
    places.map(([name, href, words]) => h('a', { class: 'tab', href, 'aria-current': name === current && 'page' }, words)));

/**
 * Shows what a view waits for: `work` answers what is to be shown, or null to leave what is there; a refusal is shown with a way to
 * try again, unless it `isQuiet` and what is there is of before.
 */
export async function shown(place, work, { isQuiet = false } = {}) {
  place.setAttribute('aria-busy', String(!isQuiet));
  try {
    const content = await work();
    if (content) replace(place, content);
  } catch (error) {
    if (isQuiet) return;
    const again = button(t('go.again'), () => shown(place, work));
    const isMissing = error.status === 404;
    replace(place, isMissing ? empty('file', t('missing.title'), t('error.missing')) : empty('warn', t('error.title'), reason(error), again));
  } finally {
    place.removeAttribute('aria-busy');
  }
}

/**
 * A list that is read page by page. `read(after)` answers a page, `build(row)` an element for the row. `refresh` reads again what is
 * shown, and leaves in place what has not changed. With `at`, rows are in the order of that instant, the newest first, and have
 * `isNewDay` where another day begins.
 */
export function pagedList({ read, build, key = (row) => row.id, at = null, none, label }) {
  const list = h('ul', { class: 'list', 'aria-label': label });
  const foot = h('div', { class: 'list-foot' });
  const place = h('div', { class: 'listing' });
  let rows = [];
  let next = null;
  function dated() {
    const sorted = rows.toSorted((one, other) => Date.parse(at(other)) - Date.parse(at(one)));
    return sorted.map((row, place) => ({ ...row, isNewDay: place === 0 || dayKey(at(row)) !== dayKey(at(sorted[place - 1])) }));
  }
  function show() {
    keyed(list, at ? dated() : rows, key, build);
    replace(foot, next && button(t('go.more'), more));
    const isShown = place.contains(list);
    if (rows.length === 0) replace(place, none());
    else if (!isShown) replace(place, list, foot);
  }
  async function more() {
    const page = await read(next);
    const known = new Set(rows.map(key));
    rows = [...rows, ...page.items.filter((row) => !known.has(key(row)))];
    next = page.next;
    show();
  }
  async function refresh() {
    const page = await read(null);
    const fresh = new Set(page.items.map(key));
    const isWhole = rows.length <= page.items.length || !page.next;
    rows = isWhole ? page.items : [...page.items, ...rows.slice(page.items.length).filter((row) => !fresh.has(key(row)))];
    if (isWhole) next = page.next;
    show();
  }
  return {
    place,
    refresh,
    load: () => shown(place, async () => {
      rows = [];
      await refresh();
    }),
  };
}

/** Several lists as one, read page by page: rows come in the order of `at`, the newest first, as far as all of the lists were read. */
export function merged(sources, at) {
  return async (cursor) => {
    const parts = cursor ?? sources.map((read) => ({ read, rows: [], next: null, isOver: false }));
    const fill = async (part) => {
      if (part.rows.length > 0 || part.isOver) return;
      const page = await part.read(part.next);
      Object.assign(part, { rows: page.items, next: page.next, isOver: !page.next });
    };
    await Promise.all(parts.map(fill));
    const items = [];
    while (parts.every((part) => part.rows.length > 0 || part.isOver)) {
      const open = parts.filter((part) => part.rows.length > 0);
      if (open.length === 0) break;
      items.push(open.reduce((newest, part) => (Date.parse(at(part.rows[0])) > Date.parse(at(newest.rows[0])) ? part : newest)).rows.shift());
    }
    return { items, next: parts.some((part) => part.rows.length > 0 || !part.isOver) ? parts : null };
  };
}
