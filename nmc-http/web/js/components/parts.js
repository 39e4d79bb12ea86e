/** The parts that all views are made of: headings, buttons, badges, empty states, pages of a list, and the frame of a view that is one column. */

import { send } from '../api/client.js';
import { load as loadSession } from '../api/session.js';
import { h, keyed, replace } from '../dom.js';
import { dayKey, initials } from '../format.js';
import { onChanges } from '../stream/live.js';
import { t } from '../words.js';
import { icon } from './icon.js';

/** The words for a refusal. */
export function reason(error) {
  if (error.code === 'offline') return t('error.offline');
  if (error.status === 404) return t('error.none.text');
  if (error.status === 412) return t('error.stale');
  if (error.status === 429) return t('error.often');
  if (error.status >= 500) return t('error.server');
  return error.message;
}

/** A button that is off while its work is under way, and shows its refusal. Labels and titles, here and elsewhere, are keys of words. */
export function button(label, work, { kind = 'plain', name = null, ...props } = {}) {
  const element = h('button', { type: 'button', class: `button ${kind}`, ...props, onclick: press }, name && icon(name), label && h('span', t(label)));
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

/** Saves a file of the API under the name that it has there. */
export async function download(url) {
  const { data, name } = await send('GET', url, { as: 'blob' });
  const place = URL.createObjectURL(data);
  h('a', { href: place, download: name ?? '' }).click();
  setTimeout(() => URL.revokeObjectURL(place), 10_000);
}

/** A button that is only an icon, with its name for screen readers and as a tooltip. */
export const iconButton = (name, label, work, props = {}) =>
  button(null, work, { kind: 'icon-only', name, 'aria-label': t(label), title: t(label), ...props });

/** The head of a view: where back leads on a phone, the heading, what can be done. */
export function header(title, { back = null, under = null, actions = [] } = {}) {
  return h('header.head',
    back && h('a.back', { href: back, 'aria-label': t('go.back') }, icon('back')),
    h('div.titles', h('h1', { tabindex: '-1' }, t(title)), under && h('p.under', under)),
    h('div.actions', actions));
}

/** What stands where there is nothing yet, with the next thing to do. */
export const empty = (name, title, action = null, text = t(`${title}.text`)) =>
  h('div.empty', h('div.empty-icon', icon(name)), h('h2', t(title)), h('p', text), action);

export const link = (href, label, kind = 'plain') => h('a', { class: `button ${kind}`, href }, h('span', t(label)));
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
  toast ??= h('div.toasts', { role: 'status', 'aria-live': 'polite' });
  // All around an open dialog lies below its shade, and is read to nobody.
  (document.querySelector('dialog[open]') ?? document.body).append(toast);
  const line = h('p', { class: `toast ${kind}` }, text);
  replace(toast, line);
  setTimeout(() => line.remove(), 6_000);
}

/** The filters of a view as links: `places` are `[name, address, words]`. */
export const tabs = (label, places, current) =>
  h('nav.tabs', { 'aria-label': t(label) },
    places.map(([name, href, words]) => h('a.tab', { href, 'aria-current': name === current && 'page' }, t(words))));

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
    const again = button('go.again', () => shown(place, work));
    const isMissing = error.status === 404;
    replace(place, isMissing ? empty('file', 'error.none') : empty('warn', 'error.title', again, reason(error)));
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
  const list = h('ul.list', { 'aria-label': t(label) });
  const foot = h('div.list-foot');
  const place = h('div.listing');
  let rows = [];
  let next = null;
  function dated() {
    const sorted = rows.toSorted((one, other) => Date.parse(at(other)) - Date.parse(at(one)));
    return sorted.map((row, place) => ({ ...row, isNewDay: place === 0 || dayKey(at(row)) !== dayKey(at(sorted[place - 1])) }));
  }
  function show() {
    keyed(list, at ? dated() : rows, key, build);
    replace(foot, next && button('go.more', more));
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

/** A view whose content `work()` answers, once more when a row of the kind `on` has changed; `close` ends that. What `after` makes reads it again, too, and what `saving` makes says so. */
export function page(title, work, { on = null, back = '#/settings', actions = [] } = {}) {
  const content = h('div.content');
  const element = h('section.pane', header(title, { back, actions }), h('div.scroll', content));
  const load = () => shown(content, work);
  load();
  const after = (work) => async (...args) => {
    await work(...args);
    await load();
  };
  const saving = (work) => after(async (values) => {
    await work(values);
    await loadSession();
    say(t('go.saved'));
  });
  return { element, close: onChanges(({ has }) => on && has(on) && load()), load, after, saving };
}

/** A view of one list, with its filters as tabs. `name` is that of the address and of the words; rows are of the kind `on`. */
export function listView(name, filters, filter, { on, ...list }) {
  const rows = pagedList(list);
  const places = tabs(`${name}.filters`, Object.keys(filters).map((each) => [each, `#/${name}/${each}`, `${name}.${each}`]), filter);
  rows.load();
  return {
    element: h('section.pane', header(`${name}.title`), places, h('div.scroll', rows.place)),
    close: onChanges(({ has }) => has(on) && rows.refresh()),
    refresh: rows.refresh,
  };
}

/** A box with a heading. */
export const card = (title, ...content) => h('section.card', title && h('h2', t(title)), content);

/** A list of things in a box, and what stands there where there is none. */
export const listing = (rows, none) => (rows.length > 0 ? h('ul.list.inset', rows) : none && h('p.under', t(none)));

/** A box with a list of things. */
export const listCard = (title, rows, none, ...content) => card(title, listing(rows, none), content);

/** A row of a list of things: a title, what is said of it, what can be done. */
export const line = (title, foot, actions = [], before = null) =>
  h('li.line', before, h('div.line-main', h('p.line-title', { dir: 'auto' }, title), foot && h('p.line-foot', { dir: 'auto' }, foot)),
    h('div.actions', actions));
