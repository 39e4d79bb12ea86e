/** Alerts: what wants attention, taken over, put off or resolved. */

import { ask, badge, button, chosen, dotted, empty, field, get, getTagged, h, line, listing, listView, mayManage, mayWrite, moment, nameOf, post, say, short, shown, t, tell } from '../ui.js';

const FILTERS = { open: { open: true }, resolved: { open: false } };
const SNOOZES = [30, 60, 240, 1_440];

export function alerts({ rest: [named] }) {
  const filter = chosen(FILTERS, named, 'open');
  const read = (after) => get('/v1/alerts', { ...FILTERS[filter], after });
  const view = listView('alerts', FILTERS, filter, { on: 'alert', read, build: row, none, label: 'alerts.title' });

  function row(alert) {
    const kind = alert.is_test ? '' : { critical: 'bad', high: 'bad', medium: 'warn' }[alert.severity];
    // A test was over when it began: nobody resolved it.
    const said = !alert.is_test && { acknowledged: ['alerts.by', alert.acknowledged_by], snoozed: ['alerts.until', null], resolved: ['alerts.done', alert.resolved_by] }[alert.status];
    const state = said && t(said[0], { who: nameOf(said[1]) || t('app.title'), at: alert.snoozed_until ? moment(alert.snoozed_until) : '' });
    const note = alert.resolution_note ?? alert.snooze_note ?? alert.acknowledgment_note;
    return h('li.alert-row',
      h('p.title-row', badge(t(alert.is_test ? 'alerts.test' : `severity.${alert.severity}`), kind), h('button.line-title.as-text', { type: 'button', onclick: () => open(alert) }, alert.rule_name), h('time.row-time', short(alert.created_at))),
      h('p', saying(alert)), state && h('p.under', [state, note].filter(Boolean).join(' – ')),
      mayWrite() && alert.status !== 'resolved' && h('div.form-foot',
        alert.status !== 'acknowledged' && button('alerts.acknowledge', () => act(alert, 'acknowledge'), { kind: 'accent' }),
        alert.status === 'snoozed' ? button('alerts.wake', () => change(alert, 'wake')) : button('alerts.snooze', () => snooze(alert)),
        button('alerts.resolve', () => act(alert, 'resolve'))));
  }

  async function change(alert, verb, body) {
    const url = `/v1/alerts/${alert.id}`;
    const { tag } = await getTagged(url);
    await post(`${url}/${verb}`, body, { match: tag });
    await view.refresh();
  }

  const act = (alert, verb) =>
    ask(`alerts.${verb}`, [field('note', { kind: 'area' })], `alerts.${verb}`, ({ note }) => change(alert, verb, note ? { note } : {}), { text: alert.message });

  /** The message without the rule's name, which stands above it. */
  const saying = ({ message, rule_name: rule }) => (message.startsWith(`${rule}: `) ? message.slice(rule.length + 2) : message);

  function snooze(alert) {
    const options = SNOOZES.map((minutes) => [String(minutes), t(`alerts.snooze.${minutes}`)]);
    ask('alerts.snooze', [field('minutes', { kind: 'choice', value: '60', options })], 'alerts.snooze',
      ({ minutes }) => change(alert, 'snooze', { minutes: Number(minutes) }), { text: alert.message });
  }

  /** What happened to an alert, and who was told of it; the newest first. */
  const open = (alert) => {
    const place = h('div');
    tell(alert.rule_name, saying(alert), place);
    return shown(place, async () => {
      const [history, told] = await Promise.all(['history', 'notifications'].map((what) => get(`/v1/alerts/${alert.id}/${what}`, { limit: 50 })));
      const happened = history.items.filter((one) => !one.event_type.startsWith('notification_'));
      return [listing(happened.map((one) => line(t(`alerted.${one.event_type}`), dotted(moment(one.created_at), nameOf(one.user_id), one.details?.note)))),
        told.items.length > 0 && [h('h3', t('told.title')), listing(told.items.map(notice))]];
    });
  };

  const notice = ({ channel, recipient, status, error_message: why, delivered_at: at, created_at: queued }) =>
    line(dotted(t(`told.by.${channel}`), nameOf(recipient) || recipient), dotted(t(`told.${status}`), moment(at ?? queued), why));

  function none() {
    if (filter === 'resolved') return empty('alerts', 'alerts.none.resolved');
    const defaults = mayManage() && button('alerts.defaults', async () => {
      const { added } = await post('/v1/alert-rules/defaults');
      say(t('alerts.defaults.done', { count: added.length }));
      defaults.hidden = true;
    }, { hidden: true });
    // Offered to whoever has none of them: one who took some away wants to be without.
    if (defaults) get('/v1/alert-rules', { limit: 200 }).then(({ items }) => (defaults.hidden = items.some((rule) => rule.metric.startsWith('nmc.'))), () => {});
    return empty('alerts', 'alerts.none.open', defaults);
  }

  return view;
}
