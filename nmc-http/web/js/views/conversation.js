/** One conversation: its thread, the reply, who looks after it, and what is known of the customer. */

import { button, dotted, get, getTagged, go, h, header, icon, isActive, isDialable, mayWrite, me, nameOf, now, onChanges, phone, post, put, reason, Refused, replace, say, shown, t, touched } from '../ui.js';
import { timeline } from '../api/timeline.js';
import { enterRoom } from '../stream/presence.js';
import { composer } from '../components/composer.js';
import { entry } from '../components/entry.js';
import { thread } from '../components/thread.js';
import { details } from './customer.js';
import { customerName, knownName } from './inbox.js';

export function conversation(id) {
  const url = `/v1/conversations/${id}`;
  const entries = timeline(id);
  const rows = thread(entry, older, markRead, t('conversation.thread'));
  const [log, others] = [announcer(), company()];
  const [under, actions] = [h('span'), h('div.actions')];
  const bar = header('conversation.title', { back: '#/inbox/open', under, actions });
  const head = h('div.conversation-head', bar);
  const notice = h('div.notice', { role: 'status' });
  const write = composer(id, { send, note, typed: (now) => room.type(now) });
  const side = h('aside.details', { 'aria-label': t('details.title') });
  const place = h('div.conversation-main', head, notice, rows.element, log.element, others.element, write.element);
  const element = h('section.pane.conversation', place, side);
  const room = enterRoom(id, others.show, mayWrite());
  let row = null;
  let tag = null;
  let pending = [];
  let isClosed = false;

  async function read() {
    const [answer] = await Promise.all([getTagged(url), entries.latest()]);
    take(answer);
  }

  function take(answer) {
    ({ data: row, tag } = answer);
    drawHead();
    draw();
    markRead();
  }

  const warn = (text) => replace(notice, h('p', icon('warn'), text));

  const draw = () => rows.set([...entries.rows(), ...pending]);

  async function older() {
    const more = await entries.older();
    draw();
    return more;
  }

  /** Marks what is seen as read, but nothing that came meanwhile. */
  function markRead() {
    if (document.hidden || !row?.unread || !rows.isAtEnd || isClosed) return;
    row.unread = 0;
    put(`${url}/read`, undefined, { match: tag }).then(() => touched('conversation', id), () => {});
  }

  function drawHead() {
    bar.querySelector('h1').textContent = customerName(row);
    replace(under, dotted(t(`state.${row.status}`), knownName(row) && phone(row.customer_phone), nameOf(row.assigned_to)));
    rebuild(actions, [row.status, row.customer_phone], whatCanBeDone);
    const { last_text: _, unread: __, updated_at: ___, ...facts } = row;
    rebuild(side, facts, () => details(row, { change, reload: read }));
  }

  /** Builds a part anew if what it shows has changed. Who was in it stays in the same place. */
  function rebuild(part, shows, build) {
    const print = JSON.stringify(shows);
    if (part.print === print) return;
    const places = () => [...part.querySelectorAll('a, button, input, select')];
    const at = places().indexOf(document.activeElement);
    part.print = print;
    replace(part, build());
    if (at >= 0) places()[at]?.focus();
  }

  function whatCanBeDone() {
    const isOpen = row.status === 'active' || row.status === 'waiting';
    const tel = isDialable(row.customer_phone) && h('a.button.accent', { href: `tel:${row.customer_phone}`, title: t('conversation.call') }, icon('calls'), h('span', t('conversation.call')));
    const finish = mayWrite() && (isOpen ? button('conversation.resolve', () => change('resolve'), { name: 'check', title: t('conversation.resolve') }) : button('conversation.reopen', reopen, { name: 'inbox', title: t('conversation.reopen') }));
    const more = h('button.button.icon-only.only-narrow', { type: 'button', 'aria-label': t('details.title'),
      'aria-expanded': String(element.matches('.with-details')), onclick: toggle }, icon('person'));
    return [tel, finish, more];
  }

  function toggle({ currentTarget: by }) {
    by.setAttribute('aria-expanded', String(element.classList.toggle('with-details')));
  }

  const shutIfNeeded = async () => write.shut(await whyShut(row, url), mayWrite());

  async function send(body, key) {
    const bubble = { id: key, kind: 'pending', body, at: new Date(now()).toISOString() };
    pending = [...pending, bubble];
    draw();
    rows.toEnd();
    replace(notice);
    try {
      const answer = await post(`${url}/messages`, { client_key: key, body }, { match: tag });
      if (answer.in_next_conversation) go(`/c/${answer.message.conversation_id}`);
      else await read();
      const other = answer.warnings.find((each) => each.why === 'assigned_to_other');
      if (other) say(t('conversation.theirs', { who: nameOf(other.user_id) || t('entry.somebody') }));
      return true;
    } catch (error) {
      if (error.code === 'stale' || error.status === 412) await movedOn();
      else warn(reason(error));
      return false;
    } finally {
      pending = pending.filter((each) => each !== bubble);
      if (row) draw();
    }
  }

  /** Somebody was faster: the draft stays, and what came is shown before it is sent again. */
  async function movedOn() {
    await read().catch(() => {});
    const last = entries.rows().findLast((each) => each.kind === 'text');
    const ours = last?.direction === 'outbound';
    warn(t(ours ? 'conversation.answered' : 'conversation.moved'));
  }

  async function note(text, key) {
    try {
      await post(`${url}/notes`, { client_key: key, note: text });
      await read();
      rows.toEnd();
      return true;
    } catch (error) {
      warn(reason(error));
      return false;
    }
  }

  async function change(verb, body) {
    try {
      await post(`${url}/${verb}`, body, { match: tag });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 412) throw error;
      say(t('error.stale'), 'bad');
    }
    await read();
  }

  const reopen = async () => go(`/c/${(await post(`${url}/reopen`)).id}`);

  const leave = onChanges(async ({ all, has }) => {
    const stale = all ? [] : entries.texts().filter((text) => has('message', text)).slice(-20);
    await Promise.all(stale.map((text) => entries.again(text)));
    if (has('conversation', id)) {
      const known = new Set(entries.texts());
      await read();
      const isNew = (each) => each.kind === 'text' && each.direction === 'inbound' && !known.has(each.id);
      log.tell(entries.rows().filter(isNew), customerName(row));
    } else if (stale.length) draw();
    // A text that failed for good, too, may be why the next one can't go out.
    if (has('consent') || stale.length) await shutIfNeeded();
  });

  document.addEventListener('visibilitychange', markRead);

  async function load() {
    try {
      await read();
      write.fit();
      rows.toEnd();
      await shutIfNeeded();
    } catch (error) {
      if (error.status === 404) await shown(element, () => Promise.reject(error));
      else await shown(head, () => Promise.reject(error));
    }
  }
  load();

  return {
    element,
    close() {
      isClosed = true;
      leave();
      room.leave();
      document.removeEventListener('visibilitychange', markRead);
    },
  };
}

/** Why nobody can be texted there, as far as the page knows, or else the API; null where they can. */
async function whyShut({ customer_phone: phone }, url) {
  if (!mayWrite()) return t('composer.viewer');
  if (!isActive()) return t('composer.suspended');
  if (!isDialable(phone)) return t('composer.unknown');
  const customer = await get(`/v1/customers/${phone}`).catch(() => null);
  if (customer?.is_opted_out) return t('composer.stop');
  const told = await post(`${url}/messages/preview`, { body: '?' }).catch(() => null);
  return told?.refusal ?? null;
}

/** What screen readers are told of texts that come. Pages that are read later are not announced. */
function announcer() {
  const element = h('div.sr', { role: 'log', 'aria-live': 'polite', 'aria-label': t('conversation.thread') });
  const told = new Set();
  return {
    element,
    /** Tells of each text once: two changes at a time may both have read one. */
    tell(texts, who) {
      for (const { id, body } of texts.filter((each) => !told.has(each.id)).slice(-5)) {
        told.add(id);
        element.append(h('p', t('conversation.says', { who, text: body || t('inbox.picture') })));
      }
      while (element.children.length > 20) element.firstElementChild.remove();
    },
  };
}

/** Who else is there, and who types. */
function company() {
  const element = h('p.others', { 'aria-live': 'polite' });
  return {
    element,
    show(list) {
      const named = (typing) => list.filter((each) => each.typing === typing && each.user !== me.id).map((each) => nameOf(each.user) || t('entry.somebody'));
      const [types, reads] = [named(true), named(false)];
      const words = types.length ? t('others.types', { who: types.join(', ') }) : reads.length ? t('others.reads', { who: reads.join(', ') }) : '';
      if (element.textContent === words) return;
      replace(element, words);
      element.classList.toggle('types', types.length > 0);
    },
  };
}
