/** The inbox and a conversation: beside each other on a desk, one after the other on a phone. */

import { chosen, empty, h, replace } from '../ui.js';
import { conversation } from './conversation.js';
import { FILTERS, inbox } from './inbox.js';

/** An address is somebody else's word: what is no id is asked for nowhere. */
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function split(to) {
  const left = h('div.split-list');
  const right = h('div.split-detail');
  const element = h('div.split', left, right);
  let list = null;
  let filter = null;
  let open = null;

  function showList(name) {
    if (filter === name) return;
    list?.close();
    [filter, list] = [name, inbox(name)];
    replace(left, list.element);
  }

  function showDetail(id) {
    open?.page.close();
    open = id ? { id, page: conversation(id) } : null;
    element.classList.toggle('has-detail', Boolean(id));
    replace(right, open ? open.page.element : empty('inbox', 'inbox.choose'));
    list.select(id);
  }

  function update({ name, rest }) {
    if (name !== 'inbox' && name !== 'c') return false;
    const isFirst = filter === null;
    showList(name === 'inbox' ? chosen(FILTERS, rest[0], 'open') : (filter ?? 'open'));
    showDetail(name === 'c' && ID.test(rest[0]) ? rest[0] : null);
    if (!isFirst) element.querySelector(name === 'c' ? '.split-detail h1' : '.split-list h1')?.focus();
    return true;
  }

  update(to);
  return {
    element,
    update,
    close() {
      open?.page.close();
      list?.close();
    },
  };
}
