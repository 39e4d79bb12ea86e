/** Ready replies: a button that opens a menu of them, above the composer. They are the person's own, and of this browser. */

import { ask, field, h, iconButton, me, t } from '../ui.js';

const place = () => `nmc.canned.${me.id}`;
const read = () => JSON.parse(localStorage.getItem(place()) ?? 'null') ?? t('canned.first').split('\n');
const write = (lines) => localStorage.setItem(place(), JSON.stringify(lines));

/** The button; `use(line)` hears which was chosen. */
export function canned(use) {
  const element = iconButton('reply', 'canned.title', toggle, { 'aria-expanded': 'false' });
  let menu = null;

  function close() {
    // Removing what has the focus tells of a lost focus, which closes, too.
    const open = menu;
    menu = null;
    element.setAttribute('aria-expanded', 'false');
    open?.remove();
  }

  function toggle() {
    if (menu) return close();
    const item = (text, kind, work) => h('button', { type: 'button', class: `menu-item ${kind}`, onclick: () => (close(), work()) }, text);
    menu = h('div.menu', { role: 'group', 'aria-label': t('canned.title'), onkeydown: pressed, onfocusout: left },
      read().map((line) => item(line, '', () => use(line))), item(t('canned.change'), 'quiet', change));
    element.setAttribute('aria-expanded', 'true');
    element.closest('.composer').append(menu);
    menu.firstElementChild.focus();
    return undefined;
  }

  const pressed = ({ key }) => key === 'Escape' && (close(), element.focus());
  const left = ({ relatedTarget: to }) => to === element || menu?.contains(to) || close();

  return element;
}

function change() {
  const lines = field('lines', { kind: 'area', value: read().join('\n'), rows: '8' });
  ask('canned.title', [lines], 'go.save', (values) => write(values.lines.split('\n').map((line) => line.trim()).filter(Boolean)));
}
