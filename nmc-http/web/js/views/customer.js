/** What is known of a customer: in a view of its own, and beside a conversation with who looks after it, how urgent it is, and tags. */

import { ask, badge, button, card, confirm, dayKey, dotted, duration, field, fullDay, get, getTagged, h, icon, isDialable, line, link, listCard, mayManage, mayWrite, me, moment, money, nameOf, number, page, patch, phone, post, put, remove, replace, t } from '../ui.js';
import { callIcon } from '../components/entry.js';

export function customer({ rest: [number_] }) {
  const view = page(phone(number_), show, { back: '#/inbox/open' });

  async function show() {
    const row = await get(`/v1/customers/${encodeURIComponent(number_)}`);
    view.element.querySelector('h1').textContent = row.customer_name || phone(row.customer_phone);
    const call = h('a.button.accent', { href: `tel:${row.customer_phone}` }, icon('calls'), h('span', t('conversation.call')));
    const decide = mayWrite() && button(row.is_opted_out ? 'customer.in' : 'customer.out', () => consent(row), { kind: row.is_opted_out ? 'plain' : 'danger' });
    return [
      card(null, h('p', phone(row.customer_phone), ' ', row.is_opted_out ? badge(t('consent.opt_out'), 'bad') : badge(t('customer.opted.in'), 'good')),
        h('p.under', t('customer.counts', { calls: number(row.call_count - row.calls_without_conversation), conversations: number(row.conversation_count) }),
          row.calls_without_conversation > 0 && t('customer.imported', { calls: number(row.calls_without_conversation) })),
        h('div.form-foot', call, decide)),
      list('customer.conversations', row.conversations, (each) => h('li', h('a.line', { href: `#/c/${each.id}` },
        h('div.line-main', h('p.line-title', { dir: 'auto' }, each.last_text?.body || t('inbox.call')),
          h('p.line-foot', dotted(moment(each.updated_at), t(`state.${each.status}`)))), icon('next')))),
      list('calls.title', row.calls, (each) => line(t(`outcome.${each.outcome ?? 'none'}`),
        dotted(moment(each.started_at ?? each.created_at), each.duration_seconds && duration(each.duration_seconds)), [], icon(callIcon(each.outcome)))),
      list('customer.consents', row.consents, (each) => line(t(`consent.${each.action}`),
        dotted(moment(each.created_at), t(`consent.by.${each.source}`, { who: nameOf(each.recorded_by) || t('consent.host'), keyword: each.keyword ?? '' }), each.note)))];
  }

  const list = (title, rows, build) => rows.length > 0 && listCard(title, rows.map(build));

  function consent({ customer_phone, is_opted_out: isOut }) {
    const action = isOut ? 'opt_in' : 'opt_out';
    confirm(`customer.${action}`, view.after(({ note }) => post('/v1/consents', { customer_phone, action, ...(note && { note }) })),
      { fields: [field('note', { kind: 'area', label: 'field.why' })], kind: isOut ? 'accent' : 'danger' });
  }

  return view;
}

const PRIORITIES = ['low', 'normal', 'high', 'urgent'];
const CONVERSIONS = ['pending', 'qualified', 'converted', 'lost'];

export function details(row, { change, reload }) {
  const url = `/v1/conversations/${row.id}`;
  const isOpen = row.status === 'active' || row.status === 'waiting';
  const writes = mayWrite() && isOpen;

  const people = [...me.people.values()].filter((person) => person.is_active && person.role !== 'viewer');
  const assigned = select('assigned_to', row.assigned_to ?? '', [['', t('details.nobody')], ...people.map((person) => [person.user_id, person.display_name || `${person.first_name} ${person.last_name}`])],
    (to) => (to ? change('assign', { assigned_to: to }) : change('unassign')));
  const priority = select('priority', row.priority, PRIORITIES.map((each) => [each, t(`priority.${each}`)]),
    (to) => patch(url, { priority: to }).then(reload));

  function select(name, value, options, work) {
    const made = field(name, { kind: 'choice', value, options, disabled: !writes });
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
    ask('details.tag.add', [field('tag', { maxlength: '50' })], 'go.add', ({ tag }) => put(`${url}/tags/${encodeURIComponent(tag)}`).then(reload));
  }

  const tags = h('ul.tags', row.tags.map((tag) => h('li', badge(tag), writes && button(null, () => remove(`${url}/tags/${encodeURIComponent(tag)}`).then(reload), { kind: 'icon-only tiny', name: 'close', 'aria-label': t('details.tag.remove', { tag }) }))));

  function edit() {
    const fields = [
      field('customer_name', { value: row.customer_name, maxlength: '200' }),
      field('customer_email', { kind: 'email', value: row.customer_email }),
      ...['customer_address', 'notes'].map((name) => field(name, { kind: 'area', value: row[name] })),
    ];
    const before = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    // What a colleague has changed meanwhile, and is not touched here, stays theirs.
    ask('details.edit', fields, 'go.save', async (values) => {
      const changed = Object.entries(values).filter(([name, value]) => value !== before[name]).map(([name, value]) => [name, value || null]);
      if (changed.length > 0) await patch(url, Object.fromEntries(changed));
      await reload();
    });
  }

  const facts = [
    ['details.phone', phone(row.customer_phone)],
    ['field.email', row.customer_email],
    ['field.business_address', row.customer_address],
    ['field.notes', row.notes],
    ['details.since', fullDay(dayKey(row.created_at))],
    ['details.counts', t('details.counts.text', { calls: number(row.total_calls), texts: number(row.total_messages) })],
  ].filter(([, value]) => value);

  return h('div.details-body',
    row.review_requested_at && writes && review(url, reload),
    assigned, priority,
    h('div.details-part', h('h2', t('details.tags')), tags, writes && button('details.tag.add', addTag, { kind: 'quiet', name: 'plus' })),
    h('div.details-part', h('h2', t('details.customer')),
      h('dl.facts', facts.map(([name, value]) => h('div', h('dt', t(name)), h('dd', { dir: 'auto' }, value)))),
      h('div.form-foot', mayWrite() && button('details.edit', edit), isDialable(row.customer_phone) && link(`#/customer/${row.customer_phone}`, 'details.all'))),
    // What comes a moment later stands last, so that nothing moves.
    became(row));
}

/** What became of it, as the figures count it: it is told of the call that the conversation is about, once that is counted. */
function became(row) {
  const part = h('div.details-part');
  const load = () => get('/v1/call-analytics', { conversation: row.id, limit: 1 }).then(({ items: [call] }) => call && draw(call));
  const draw = ({ id, conversion_status: status, revenue_impact: revenue }) => replace(part, h('h2', t('became.title')),
    h('p', dotted(t(`became.${status ?? 'pending'}`), revenue && money(revenue * 100, 'USD'))),
    mayManage() && button('became.tell', () => change(`/v1/call-analytics/${id}`), { kind: 'quiet', name: 'edit' }));

  async function change(url) {
    const { data, tag: match } = await getTagged(url);
    const status = field('conversion_status', { kind: 'choice', value: data.conversion_status ?? 'pending', options: CONVERSIONS.map((each) => [each, t(`became.${each}`)]) });
    ask('became.tell', [status, field('revenue_impact', { inputmode: 'decimal', value: data.revenue_impact && String(Number(data.revenue_impact)) })], 'go.save',
      (values) => patch(url, { ...values, revenue_impact: values.revenue_impact.replace(',', '.') || null }, { match }).then(load));
  }

  load().catch(() => {});
  return part;
}

/** A text that may be an opt-out: somebody decides. */
function review(url, reload) {
  const decide = (decision) => () => post(`${url}/review`, { decision }).then(reload);
  return h('div.review', h('p', t('review.text')),
    h('div.form-foot', button('review.stop', decide('opt_out'), { kind: 'danger' }), button('review.go', decide('none'))));
}
