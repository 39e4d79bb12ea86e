/** What stands beside a conversation: who looks after it, how urgent it is, tags, what is known of the customer. */

import { patch, post, put, remove } from '../api/client.js';
import { mayWrite, me } from '../api/session.js';
import { h } from '../dom.js';
import { isDialable, moment, number, phone } from '../format.js';
import { t } from '../words.js';
import { button, badge, link } from '../components/parts.js';
import { ask, field } from '../components/form.js';

const PRIORITIES = ['low', 'normal', 'high', 'urgent'];

export function details(row, { change, reload }) {
  const url = `/v1/conversations/${row.id}`;
  const isOpen = row.status === 'active' || row.status === 'waiting';
  const writes = mayWrite() && isOpen;

  const people = [...me.people.values()].filter((person) => person.is_active && person.role !== 'viewer');
  const assigned = select(t('details.assigned'), row.assigned_to ?? '', [['', t('details.nobody')], ...people.map((person) => [person.user_id, person.display_name || `${person.first_name} ${person.last_name}`])],
    (to) => (to ? change('assign', { assigned_to: to }) : change('unassign')));
  const priority = select(t('details.priority'), row.priority, PRIORITIES.map((each) => [each, t(`priority.${each}`)]),
    (to) => patch(url, { priority: to }).then(reload));

  function select(label, value, options, work) {
    const made = field('choice', label, { kind: 'choice', value, options, disabled: !writes });
    made.input.addEventListener('change', async () => {
      try {
        await work(made.input.value);
      } catch (error) {
        made.refuse(error.message);
      }
    });
    return made.element;
  }

  function addTag() {
    ask(t('details.tag.add'), [field('tag', t('details.tag'), { maxlength: '50' })], t('go.add'), async ({ tag }) => {
      await put(`${url}/tags/${encodeURIComponent(tag)}`);
      await reload();
    });
  }

  const tags = h('ul', { class: 'tags' }, row.tags.map((tag) => h('li', {}, badge(tag), writes && button(null, async () => {
    await remove(`${url}/tags/${encodeURIComponent(tag)}`);
    await reload();
  }, { kind: 'icon-only tiny', name: 'close', 'aria-label': t('details.tag.remove', { tag }) }))));

  function edit() {
    const fields = [
      field('customer_name', t('details.name'), { value: row.customer_name ?? '', maxlength: '200' }),
      field('customer_email', t('details.email'), { kind: 'email', value: row.customer_email ?? '' }),
      field('customer_address', t('details.address'), { kind: 'area', value: row.customer_address ?? '' }),
      field('notes', t('details.notes'), { kind: 'area', value: row.notes ?? '' }),
    ];
    ask(t('details.edit'), fields, t('go.save'), async (values) => {
      await patch(url, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value || null])));
      await reload();
    });
  }

  const facts = [
    [t('details.phone'), phone(row.customer_phone)],
    [t('details.email'), row.customer_email],
    [t('details.address'), row.customer_address],
    [t('details.notes'), row.notes],
    [t('details.since'), moment(row.created_at)],
    [t('details.counts'), t('details.counts.text', { calls: number(row.total_calls), texts: number(row.total_messages) })],
  ].filter(([, value]) => value);

  return h('div', { class: 'details-body' },
    row.review_requested_at && writes && review(url, reload),
    assigned, priority,
    h('div', { class: 'details-part' }, h('h2', {}, t('details.tags')), tags, writes && button(t('details.tag.add'), addTag, { kind: 'quiet', name: 'plus' })),
    h('div', { class: 'details-part' }, h('h2', {}, t('details.customer')),
      h('dl', { class: 'facts' }, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', { dir: 'auto' }, value)))),
      h('div', { class: 'form-foot' }, mayWrite() && button(t('details.edit'), edit), isDialable(row.customer_phone) && link(`#/customer/${row.customer_phone}`, t('details.all')))));
}

/** A text that may be an opt-out: somebody decides. */
function review(url, reload) {
  const decide = (decision) => async () => {
    await post(`${url}/review`, { decision });
    await reload();
  };
  return h('div', { class: 'review' }, h('p', {}, t('review.text')),
    h('div', { class: 'form-foot' }, button(t('review.stop'), decide('opt_out'), { kind: 'danger' }), button(t('review.go'), decide('none'))));
}
