/** Calls: those that nobody took first of all, with what came of them. */

import { get, put } from '../api/client.js';
import { mayWrite } from '../api/session.js';
import { h } from '../dom.js';
import { day, duration, isDialable, phone, place, time } from '../format.js';
import { t } from '../words.js';
import { callIcon } from '../components/entry.js';
import { icon } from '../components/icon.js';
import { empty, iconButton, link, merged } from '../components/parts.js';
import { ask, field } from '../components/form.js';
import { listView } from '../components/page.js';

/** The outcomes of each filter. What is missed in the figures is missed here: whatever nobody took. */
const FILTERS = { missed: ['missed', 'voicemail', 'abandoned'], voicemail: ['voicemail'], abandoned: ['abandoned'], all: [null] };
/** With a beginning, the API lists calls by when they began: an imported log is where it belongs. */
const ALL = '2000-01-01T00:00:00Z';
const OUTCOMES = ['answered', 'missed', 'voicemail', 'abandoned', 'blocked', 'failed'];

const began = (call) => call.started_at ?? call.created_at;

export function calls({ rest: [named] }) {
  const filter = named in FILTERS ? named : 'missed';
  const sources = FILTERS[filter].map((outcome) => (after) => get('/v1/calls', { outcome, started_from: ALL, after }));
  const view = listView('calls', FILTERS, filter, { on: 'call', read: merged(sources, began), at: began, build: row, none, label: t(`calls.${filter}`) });

  function row(call) {
    const outcome = call.outcome ?? 'none';
    const who = call.caller_name || phone(call.caller_phone);
    const facts = [t(`outcome.${outcome}`), call.duration_seconds ? duration(call.duration_seconds) : null, place(call.caller_city, call.caller_state)].filter(Boolean).join(' · ');
    const back = isDialable(call.caller_phone) && h('a', { class: 'button icon-only', href: `tel:${call.caller_phone}`, 'aria-label': t('calls.back', { who }), title: t('conversation.call') }, icon('calls'));
    const right = mayWrite() && iconButton('edit', t('calls.outcome'), () => change(call));
    const main = [h('span', { class: `call-icon call-${outcome}` }, icon(callIcon(outcome))),
      h('div', { class: 'line-main' }, h('div', { class: 'title-row' }, h('p', { class: 'line-title', dir: 'auto' }, who), h('time', { class: 'row-time' }, time(began(call)))),
        h('p', { class: 'line-foot' }, facts))];
    return h('li', {}, call.isNewDay && h('h2', { class: 'group' }, day(began(call))), h('div', { class: 'line' },
      call.conversation_id ? h('a', { class: 'line-link', href: `#/c/${call.conversation_id}` }, main) : h('div', { class: 'line-link' }, main),
      h('div', { class: 'actions' }, right, back)));
  }

  function change(call) {
    const choice = field('outcome', t('calls.outcome'), { kind: 'choice', value: call.outcome ?? 'answered', options: OUTCOMES.map((each) => [each, t(`outcome.${each}`)]) });
    ask(t('calls.outcome'), [choice], t('go.save'), async ({ outcome }) => {
      await put(`/v1/calls/${call.id}/outcome`, { outcome });
      await view.refresh();
    }, { text: t('calls.outcome.text') });
  }

  function none() {
    return empty('calls', t(`calls.none.${filter === 'all' ? 'all' : 'some'}`), t('calls.none.text'), link('#/numbers', t('calls.none.go')));
  }

  return view;
}
