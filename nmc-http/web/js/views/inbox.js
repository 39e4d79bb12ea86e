/** The list of conversations: open, mine, unassigned, resolved; what is unread first; and the search. */

import { ask, avatar, badge, dialled, empty, field, get, go, h, header, iconButton, later, link, mayWrite, nameOf, onChanges, pagedList, phone, post, short, shown, t, tabs } from '../ui.js';

export const FILTERS = {
  open: { sort: 'updated_at' },
  mine: { sort: 'updated_at', assigned_to: 'me' },
  unassigned: { sort: 'updated_at', assigned_to: 'none' },
  resolved: { open: false },
};

/** The name of a conversation's customer, or else the number. */
export const customerName = (row) => knownName(row) || phone(row.customer_phone);
/** The name that people told, or else the one that the network showed. */
export const knownName = (row) => row.known_as;

export function inbox(filter) {
  const search = h('input', { type: 'search', class: 'search', placeholder: t('inbox.search'), 'aria-label': t('inbox.search'), oninput: later(250, find) });
  const places = tabs(t('inbox.filters'), Object.keys(FILTERS).map((name) => [name, `#/inbox/${name}`, t(`inbox.${name}`)]), filter);
  const found = h('div.listing', { hidden: true });
  const list = pagedList({ read: reading(FILTERS[filter]), build: row, none, label: t(`inbox.${filter}`) });
  const actions = mayWrite() ? [iconButton('plus', 'inbox.new', begin)] : [];
  const element = h('section.pane.inbox', header('inbox.title', { actions }),
    h('div.search-row', search), places, h('div.scroll', found, list.place));
  let selected = null;

  function row(conversation) {
    const name = customerName(conversation);
    const text = conversation.last_text;
    const unread = conversation.unread ?? 0;
    const says = text ? (text.direction === 'outbound' ? t('inbox.you', { text: text.body }) : text.body || t('inbox.picture')) : t('inbox.call');
    const who = nameOf(conversation.assigned_to);
    const isLost = text && ['failed', 'undelivered'].includes(text.status);
    return h('li', { class: `row ${unread ? 'unread' : ''}` },
      h('a', { href: `#/c/${conversation.id}`, class: 'row-link', 'aria-current': conversation.id === selected && 'true' },
        avatar(knownName(conversation)),
        h('div.row-main',
          h('div.row-top', h('span.row-name', { dir: 'auto' }, name), h('time.row-time', { datetime: conversation.updated_at }, short(conversation.updated_at))),
          h('div.row-bottom', h('span.row-text', { dir: 'auto' }, says),
            unread > 0 && h('span.count', String(unread), h('span.sr', t('inbox.unread')))),
          h('div.row-tags', isLost && badge(t('inbox.failed'), 'bad'), conversation.review_requested_at && badge(t('inbox.review'), 'warn'),
            ['urgent', 'high'].includes(conversation.priority) && badge(t(`priority.${conversation.priority}`), 'warn'),
            conversation.tags.slice(0, 3).map((tag) => badge(tag)), who && badge(who, 'quiet')))));
  }

  function none() {
    const action = filter === 'open' ? link('#/start', 'inbox.none.open.go') : link('#/inbox/open', 'inbox.none.go');
    return empty('inbox', `inbox.none.${filter}`, action);
  }

  async function find() {
    const q = search.value.trim();
    found.hidden = q.length < 3;
    list.place.hidden = !found.hidden;
    if (found.hidden) return;
    await shown(found, async () => {
      const nothing = empty('search', 'inbox.nothing');
      // The API refuses to look for what has no letter and no digit.
      if (!/[\p{L}\p{N}]/u.test(q)) return nothing;
      const [people, texts] = await Promise.all([get('/v1/conversations', { q, limit: 20 }), get('/v1/messages', { q, limit: 20 })]);
      if (search.value.trim() !== q) return null;
      if (people.items.length + texts.items.length === 0) return nothing;
      return [part('inbox.people', people.items, row), part('inbox.texts', texts.items, hit)];
    });
  }

  const part = (title, rows, build) => rows.length > 0 && [h('h2.group', t(title)), h('ul.list', rows.map(build))];

  function hit(text) {
    const who = text.direction === 'inbound' ? text.from : text.to;
    return h('li.row', h('a.row-link', { href: `#/c/${text.conversation_id}` },
      h('div.row-main', h('div.row-top', h('span.row-name', phone(who)), h('time.row-time', short(text.created_at))),
        h('div.row-bottom', h('span.row-text.two', { dir: 'auto' }, text.body)))));
  }

  function begin() {
    const number = field('customer_phone', { kind: 'tel', autocomplete: 'off' });
    ask('inbox.new', [number], 'inbox.new.go', async ({ customer_phone: said }) => {
      const { id } = await post('/v1/conversations', { customer_phone: dialled(said) });
      go(`/c/${id}`);
    });
  }

  const leave = onChanges(({ has }) => {
    if (has('conversation') || has('message') || has('call')) return list.refresh();
    return undefined;
  });
  list.load();

  return {
    element,
    close: leave,
    /** Marks the conversation that is open beside the list. */
    select(id) {
      selected = id;
      for (const each of element.querySelectorAll('.row-link')) {
        const isIt = each.getAttribute('href') === `#/c/${id}`;
        if (isIt) each.setAttribute('aria-current', 'true');
        else each.removeAttribute('aria-current');
      }
    },
  };
}

/** Reads pages: of what is open, all that is unread comes before the rest. */
function reading(query) {
  const url = '/v1/conversations';
  if (!query.sort) return (after) => get(url, { ...query, after });
  return async (cursor) => {
    const [unread, after] = cursor ?? [true, null];
    const page = await get(url, { ...query, unread, after });
    if (page.next) return { items: page.items, next: [unread, page.next] };
    if (!unread) return { items: page.items, next: null };
    const rest = await get(url, { ...query, unread: false });
    // What was read between the two requests is on both pages.
    const read = new Set(rest.items.map((row) => row.id));
    return { items: [...page.items.filter((row) => !read.has(row.id)), ...rest.items], next: rest.next && [false, rest.next] };
  };
}
