/**
 * What is around every view: the navigation (a bar below on a phone, a rail beside on a desk), how many texts wait, what is wrong with
 * the connection; and it tells of what comes, by a sound and a notification, to whoever wants that.
 */

import { avatar, button, get, h, has, icon, isActive, later, me, nameOf, onChanges, onState, replace, t } from '../ui.js';
import { customerName } from '../views/inbox.js';
import { chime, notify } from './notify.js';

const PLACES = [
  ['inbox', '#/inbox/open', ['c', 'customer']],
  ['calls', '#/calls', []],
  ['alerts', '#/alerts', []],
  ['figures', '#/figures', []],
  ['settings', '#/settings', ['business', 'greeting', 'numbers', 'rules', 'people', 'keys', 'me', 'start']],
];

export function shell() {
  const counts = Object.fromEntries(PLACES.map(([name]) => [name, h('span.nav-count', { hidden: true })]));
  const links = PLACES.map(([name, href]) => h('a.nav-link', { href, 'data-name': name },
    h('span.nav-icon', icon(name), counts[name]), h('span.nav-label', t(`${name}.title`))));
  const self = h('a.nav-self', { href: '#/me' }, avatar(nameOf(me.id)), h('span.sr', t('me.title')), h('span.nav-label', nameOf(me.id)));
  const nav = h('nav.nav', { 'aria-label': t('nav.label') }, h('p.brand', { title: me.tenant.business_name }, me.tenant.business_name), links, self);
  const banner = h('div.banner', { role: 'status' });
  const main = h('main.main', { id: 'main' });
  const skip = h('a.skip', { href: '#main', onclick: (event) => (event.preventDefault(), focusHeading()) }, t('go.skip'));
  const element = h('div.shell', skip, nav, h('div.stage', banner, main));
  const before = {};
  let [unread, where] = [0, ''];

  const count = later(50, async () => {
    const [waiting, open] = await Promise.all([
      get('/v1/conversations', { sort: 'updated_at', unread: true, limit: 100 }).catch(() => null),
      get('/v1/alerts', { active: true, limit: 100 }).catch(() => null),
    ]);
    if (waiting) {
      unread = waiting.items.reduce((all, row) => all + row.unread, 0);
      say('inbox', unread, t('nav.unread', { count: unread }));
      entitle();
    }
    if (open) say('alerts', open.items.length, t('nav.open', { count: open.items.length }));
    tell([...fresh('inbox', waiting, (row) => row.unread).map((row) => [t('notify.title', { who: customerName(row) }), `/c/${row.id}`]),
      ...fresh('alerts', open, () => 1).map(() => [t('notify.alert'), '/alerts'])]);
  });

  function entitle() {
    document.title = `${unread ? `(${unread}) ` : ''}${where} – ${t('app.title')}`;
  }

  function say(name, number, words) {
    counts[name].hidden = number === 0;
    replace(counts[name], h('span', { 'aria-hidden': 'true' }, number > 99 ? '99+' : String(number)), h('span.sr', words));
  }

  /** The rows with more than before, such as conversations with more that is unread; none as long as nothing is known of before. */
  function fresh(name, page, size) {
    if (!page) return [];
    const was = before[name];
    before[name] = new Map(page.items.map((row) => [row.id, size(row)]));
    return was ? page.items.filter((row) => size(row) > (was.get(row.id) ?? 0)) : [];
  }

  /** Tells of what has come, each as its words and where it is. */
  function tell(news) {
    if (news.length > 0 && me.preferences?.dashboard_sounds_enabled) chime();
    if (me.preferences?.push_notifications_enabled && document.hidden) news.slice(0, 3).forEach((each) => notify(...each));
  }

  const leaves = [
    onChanges(({ has }) => {
      if (has('conversation') || has('message') || has('call') || has('alert')) count();
    }),
    onState(async (state) => {
      replace(banner, ['away', 'busy'].includes(state) ? h('p.away', t(`banner.${state}`)) : !isActive() && h('p.away', t('banner.suspended')));
      if (state !== 'live') return;
      count();
      await lookForNewPage();
    }),
  ];
  count();

  /** After an update of the server, the page that is open is an old one. It says so; a reload keeps the drafts. */
  async function lookForNewPage() {
    const answer = await fetch('/app', { method: 'HEAD', cache: 'no-store' }).catch(() => null);
    const now = answer?.headers.get('ETag')?.replaceAll('"', '');
    if (!now || import.meta.url.includes(now) || banner.querySelector('.new')) return;
    banner.append(h('p.new', t('banner.new'), button('banner.reload', () => location.reload())));
  }

  function focusHeading() {
    main.querySelector('h1')?.focus();
  }

  return {
    element,
    put(view, name) {
      replace(main, view);
      this.mark(name);
      focusHeading();
    },
    mark(name) {
      const [place] = PLACES.find(([own, , others]) => name === own || others.includes(name));
      for (const link of links) {
        if (link.dataset.name === place) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
      }
      where = t(has(`${name}.title`) ? `${name}.title` : `${place}.title`);
      entitle();
    },
    close: () => leaves.forEach((each) => each()),
  };
}
