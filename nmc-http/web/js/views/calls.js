/** Calls: those that nobody took first of all, with what came of them. */

import { get, put } from '../api/client.js';
import { mayWrite } from '../api/session.js';
import { h } from '../dom.js';
import { duration, isDialable, phone, short } from '../format.js';
import { onChanges } from '../stream/live.js';
import { t } from '../words.js';
import { callIcon } from '../components/entry.js';
import { icon } from '../components/icon.js';
import { empty, header, iconButton, link, pagedList } from '../components/parts.js';
import { ask, field } from '../components/form.js';

const FILTERS = { missed: { outcome: 'missed' }, voicemail: { outcome: 'voicemail' }, abandoned: { outcome: 'abandoned' }, all: {} };
const OUTCOMES = ['answered', 'missed', 'voicemail', 'abandoned', 'blocked', 'failed'];

export function calls({ rest: [named] }) {
  const filter = named in FILTERS ? named : 'missed';
  const tabs = h('nav', { class: 'tabs', 'aria-label': t('calls.filters') },
    Object.keys(FILTERS).map((name) => h('a', { class: 'tab', href: `#/calls/${name}`, 'aria-current': name === filter && 'page' }, t(`calls.${name}`))));
  const list = pagedList({ read: (after) => get('/v1/calls', { ...FILTERS[filter], after }), build: row, none, label: t(`calls.${filter}`) });

  function row(call) {
    const outcome = call.outcome ?? 'none';
    const who = call.caller_name || phone(call.caller_phone);
    const place = [call.caller_city, call.caller_state].filter(Boolean).join(', ');
    const facts = [t(`outcome.${outcome}`), call.duration_seconds ? duration(call.duration_seconds) : null, place].filter(Boolean).join(' · ');
    const back = isDialable(call.caller_phone) && h('a', { class: 'button icon-only', href: `tel:${call.caller_phone}`, 'aria-label': t('calls.back', { who }), title: t('conversation.call') }, icon('calls'));
    const right = mayWrite() && iconButton('check', t('calls.outcome'), () => change(call));
    const main = [h('span', { class: `call-icon call-${outcome}` }, icon(callIcon(outcome))),
      h('div', { class: 'line-main' }, h('p', { class: 'line-title', dir: 'auto' }, who), h('p', { class: 'line-foot' }, facts)),
      h('time', { class: 'row-time' }, short(call.started_at ?? call.created_at))];
    return h('li', { class: 'line' },
      call.conversation_id ? h('a', { class: 'line-link', href: `#/c/${call.conversation_id}` }, main) : h('div', { class: 'line-link' }, main),
      h('div', { class: 'actions' }, right, back));
  }

  function change(call) {
    const choice = field('outcome', t('calls.outcome'), { kind: 'choice', value: call.outcome ?? 'answered', options: OUTCOMES.map((each) => [each, t(`outcome.${each}`)]) });
    ask(t('calls.outcome'), [choice], t('go.save'), async ({ outcome }) => {
      await put(`/v1/calls/${call.id}/outcome`, { outcome });
      await list.refresh();
    }, { text: t('calls.outcome.text') });
  }

  function none() {
    return empty('calls', t(`calls.none.${filter === 'all' ? 'all' : 'some'}`), t('calls.none.text'), link('#/numbers', t('calls.none.go')));
  }

  const close = onChanges(({ has }) => has('call') && list.refresh());
  list.load();
  return { element: h('section', { class: 'pane' }, header(t('calls.title')), tabs, h('div', { class: 'scroll' }, list.place)), close };
}
