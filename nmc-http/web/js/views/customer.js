/** All that is known about a customer, and whether they may be texted. */

import { get, post } from '../api/client.js';
import { mayWrite, nameOf } from '../api/session.js';
import { h } from '../dom.js';
import { duration, moment, number, phone } from '../format.js';
import { t } from '../words.js';
import { callIcon } from '../components/entry.js';
import { icon } from '../components/icon.js';
import { badge, button } from '../components/parts.js';
import { ask, field } from '../components/form.js';
import { card, line, page } from '../components/page.js';

export function customer({ rest: [number_] }) {
  const view = page(phone(number_), show, { back: '#/inbox/open' });

  async function show() {
    const row = await get(`/v1/customers/${encodeURIComponent(number_)}`);
    const name = row.customer_name || phone(row.customer_phone);
    view.element.querySelector('h1').textContent = name;
    const call = h('a', { class: 'button accent', href: `tel:${row.customer_phone}` }, icon('calls'), h('span', {}, t('conversation.call')));
    const decide = mayWrite() && button(t(row.is_opted_out ? 'customer.in' : 'customer.out'), () => consent(row), { kind: row.is_opted_out ? 'plain' : 'danger' });
    return h('div', { class: 'content-body' },
      card(null, h('p', {}, phone(row.customer_phone), ' ', row.is_opted_out ? badge(t('customer.opted.out'), 'bad') : badge(t('customer.opted.in'), 'good')),
        h('p', { class: 'under' }, t('customer.counts', { calls: number(row.call_count - row.calls_without_conversation), conversations: number(row.conversation_count) }),
          row.calls_without_conversation > 0 && t('customer.imported', { calls: number(row.calls_without_conversation) })),
        h('div', { class: 'form-foot' }, call, decide)),
      list(t('customer.conversations'), row.conversations, (each) => h('li', {}, h('a', { class: 'line', href: `#/c/${each.id}` },
        h('div', { class: 'line-main' }, h('p', { class: 'line-title', dir: 'auto' }, each.last_text?.body || t('inbox.call')),
          h('p', { class: 'line-foot' }, [moment(each.updated_at), t(`state.${each.status}`)].join(' · '))), icon('next')))),
      list(t('customer.calls'), row.calls, (each) => line(t(`outcome.${each.outcome ?? 'none'}`),
        [moment(each.started_at ?? each.created_at), each.duration_seconds ? duration(each.duration_seconds) : null].filter(Boolean).join(' · '), [], icon(callIcon(each.outcome)))),
      list(t('customer.consents'), row.consents, (each) => line(t(`consent.${each.action}`),
        [moment(each.created_at), t(`consent.by.${each.source}`, { who: nameOf(each.recorded_by), keyword: each.keyword ?? '' }), each.note].filter(Boolean).join(' · '))));
  }

  const list = (title, rows, build) => rows.length > 0 && card(title, h('ul', { class: 'list inset' }, rows.map(build)));

  function consent(row) {
    const action = row.is_opted_out ? 'opt_in' : 'opt_out';
    ask(t(`customer.${action}`), [field('note', t('customer.note'), { kind: 'area' })], t(`customer.${action}.go`), async ({ note }) => {
      await post('/v1/consents', { customer_phone: row.customer_phone, action, ...(note && { note }) });
      await view.load();
    }, { text: t(`customer.${action}.text`), kind: action === 'opt_out' ? 'danger' : 'accent' });
  }

  return view;
}
