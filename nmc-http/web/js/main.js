/** The page: goes on with the browser's session or asks for a login, and shows the view that the address names. */

import { begin, button, chosen, empty, go, h, load, me, reason, replace, resume, route, start, stop, takeToken, whenOver } from './ui.js';
import { shell } from './components/shell.js';
import { alerts } from './views/alerts.js';
import { calls } from './views/calls.js';
import { customer } from './views/customer.js';
import { figures } from './views/figures.js';
import { forgot, invite, login, register, reset, verify } from './views/door.js';
import { keys, myself, people } from './views/people.js';
import { business, greeting, numbers, onboarding, rules, settings } from './views/settings.js';
import { split } from './views/split.js';

/** Views for whoever is logged in, by the name in the address. */
const VIEWS = { inbox: split, c: split, customer, calls, alerts, figures, settings, business, greeting, numbers, rules, people, keys, me: myself, start: onboarding };
/** Views that need no session. */
const OPEN = { login, forgot, invite, register, reset, verify };

const isOpen = () => Object.hasOwn(OPEN, route().name);

const app = document.getElementById('app');
let frame = null;
let shown = null;
let wanted = null;
let hasEnded = false;

async function show() {
  const { name: said, rest } = route();
  // A dialog is of the view that it stands above.
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  if (isOpen()) {
    leave();
    replace(app, h('main.door', OPEN[said]({ token: takeToken(), enter, hasEnded })));
    hasEnded = false;
    app.querySelector('input')?.focus();
    return;
  }
  if (said === 'demo') return enterDemo();
  if (!frame) return enter();
  const name = chosen(VIEWS, said, 'inbox');
  const view = VIEWS[name];
  if (shown?.view === view && shown.page.update?.({ name, rest })) return frame.mark(name);
  shown?.page.close?.();
  shown = { view, page: view({ name, rest }) };
  frame.put(shown.page.element, name);
}

/** Lets in whoever has a session, and asks all others to log in. What they wanted to see is shown afterwards. */
async function enter() {
  wanted ??= isOpen() ? null : location.hash;
  try {
    if (!me.id && !(await resume())) return go('/login');
    await Promise.all([start(me.id), load()]);
  } catch (error) {
    return replace(app, h('main.door', empty('warn', 'error.title', button('go.again', enter, { kind: 'accent' }), reason(error))));
  }
  frame = shell();
  replace(app, frame.element);
  const to = wanted;
  wanted = null;
  if (to && to !== location.hash) location.hash = to;
  else if (isOpen()) go('/inbox/open');
  else show();
  return undefined;
}

/** The link of `nmc up --demo`. Only a server on this computer is believed: elsewhere, a link could log somebody in as another. */
async function enterDemo() {
  const token = takeToken();
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  if (!me.id && !(await resume().catch(() => false)) && isHere && token) await resume(token).catch(() => {});
  hasEnded = !me.id;
  history.replaceState(null, '', '#/inbox/open');
  return show();
}

function leave() {
  shown?.page.close?.();
  frame?.close();
  [frame, shown] = [null, null];
}

whenOver((byOneself) => {
  stop();
  hasEnded = !byOneself;
  me.id = null;
  leave();
  if (!isOpen()) wanted = location.hash;
  go('/login');
});

begin(show);
