/** Calls: those that nobody took first of all, with what came of them. */

import { ask, chosen, day, dotted, duration, empty, field, get, h, icon, iconButton, isDialable, link, listView, mayWrite, merged, phone, place, put, t, time } from '../ui.js';
import { callIcon } from '../components/entry.js';

/** The outcomes of each filter. What is missed in the figures is missed here: whatever nobody took. */
const FILTERS = { missed: ['missed', 'voicemail', 'abandoned'], voicemail: ['voicemail'], abandoned: ['abandoned'], all: [null] };
/** With a beginning, the API lists calls by when they began: an imported log is where it belongs. */
const ALL = '2000-01-01T00:00:00Z';
const OUTCOMES = ['answered', 'missed', 'voicemail', 'abandoned', 'blocked', 'failed'];

const began = (call) => call.started_at ?? call.created_at;

export function calls({ rest: [named] }) {
  const filter = chosen(FILTERS, named, 'missed');
  const sources = FILTERS[filter].map((outcome) => (after) => get('/v1/calls', { outcome, started_from: ALL, after }));
  const view = listView('calls', FILTERS, filter, { on: 'call', read: merged(sources, began), at: began, build: row, none, label: `calls.${filter}` });

  function row(call) {
    const outcome = call.outcome ?? 'none';
    const who = call.caller_name || phone(call.caller_phone);
    const facts = dotted(t(`outcome.${outcome}`), call.duration_seconds && duration(call.duration_seconds), place(call.caller_city, call.caller_state));
    const back = isDialable(call.caller_phone) && h('a.button.icon-only', { href: `tel:${call.caller_phone}`, 'aria-label': t('calls.back', { who }), title: t('conversation.call') }, icon('calls'));
    const right = mayWrite() && iconButton('edit', 'calls.outcome', () => change(call));
    const main = [h('span', { class: `call-icon call-${outcome}` }, icon(callIcon(outcome))),
      h('div.line-main', h('div.title-row', h('p.line-title', { dir: 'auto' }, who), h('time.row-time', time(began(call)))),
        h('p.line-foot', facts))];
    return h('li', call.isNewDay && h('h2.group', day(began(call))), h('div.line',
      call.conversation_id ? h('a.line-link', { href: `#/c/${call.conversation_id}` }, main) : h('div.line-link', main),
      h('div.actions', right, back)));
  }

  function change(call) {
    const choice = field('outcome', { kind: 'choice', value: call.outcome ?? 'answered', options: OUTCOMES.map((each) => [each, t(`outcome.${each}`)]) });
    const save = ({ outcome }) => put(`/v1/calls/${call.id}/outcome`, { outcome }).then(view.refresh);
    ask('calls.outcome', [choice], 'go.save', save, { text: t('calls.outcome.text') });
  }

  function none() {
    return empty('calls', `calls.none.${filter === 'all' ? 'all' : 'some'}`, link('#/numbers', 'calls.none.go'), t('calls.none.text'));
  }

  return view;
}
