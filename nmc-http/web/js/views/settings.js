/** Settings: where each is, and those of the business: its facts and hours, the greeting, its phone numbers, the steps until all is set up. */

import { all, ask, badge, button, card, confirm, dialled, dotted, empty, field, form, fullDay, get, getTagged, h, header, icon, iconButton, later, line, link, listCard, listing, logOut, mayManage, me, money, number, page, patch, phone, post, put, remove, replace, say, shown, t, today, zones } from '../ui.js';

const PLACES = [['business', 'hours'], ['greeting', 'reply'], ['numbers', 'numbers'], ['rules', 'alerts'], ['people', 'person'], ['keys', 'key'], ['start', 'check'], ['me', 'settings']];

export function settings() {
  const places = PLACES.filter(([name]) => mayManage() || !['keys', 'people'].includes(name));
  const list = h('ul.list', places.map(([name, symbol]) => h('li', h('a.line', { href: `#/${name}` }, h('span.call-icon', icon(symbol)),
    h('div.line-main', h('p.line-title', t(`${name}.title`)), h('p.line-foot', t(`${name}.about`))), icon('next')))));
  return { element: h('section.pane', header('settings.title', { under: me.tenant.business_name }), h('div.scroll', list, h('div.list-foot', button('settings.out', logOut)))) };
}

/**
 * A form of a document of the business, for those who may change it. `fields(one)` answers what stands in it, each made by `one(name)`;
 * `sent(values)` what the API takes in another shape. It is saved with the version that it was read at.
 */
function saving(url, { data, tag }, view, fields, sent, props) {
  const off = !mayManage();
  const one = (name, more) => {
    const value = data[name] ?? '';
    const kind = isTime(value) ? 'time' : { boolean: 'check', number: 'number' }[typeof value];
    return field(name, { kind, value: isTime(value) ? value.slice(0, 5) : value, disabled: off, ...more });
  };
  const send = (values) => {
    const times = Object.entries(values).filter(([, value]) => isTime(value)).map(([name, value]) => [name, `${value}:00`]);
    return patch(url, { ...values, ...Object.fromEntries(times), ...sent(values) }, { match: tag });
  };
  return form(fields(one), 'go.save', view.saving(send), { hidden: off, ...props });
}

const isTime = (value) => /^\d\d:\d\d(:\d\d)?$/.test(value);

export function business() {
  const view = page('business.title', async () => {
    const read = await getTagged('/v1/tenant');
    const facts = saving('/v1/tenant', read, view, (one) => [one('business_name'), one('business_type'), one('business_phone', { kind: 'tel' }), one('business_address', { kind: 'area' }),
      [one('business_hours_start'), one('business_hours_end')], one('timezone', { kind: 'choice', options: zones(read.data.timezone) })],
    ({ business_type, business_address, business_phone }) => ({
      business_type: business_type || null,
      business_address: business_address || null,
      business_phone: business_phone ? dialled(business_phone) : null,
    }));
    return [facts, holidays()];
  });
  return view;
}

/** The days on which the business is closed whatever its hours say, those to come first. */
function holidays() {
  const element = h('div');
  const load = () => shown(element, async () => {
    const { items } = await get('/v1/holidays');
    const rows = [...items.filter(({ date }) => date >= today()), ...items.filter(({ date }) => date < today())];
    return listCard('holidays.title', rows.map(row), 'holidays.none', mayManage() && h('div.form-foot', button('holidays.add', add, { name: 'plus' })));
  });

  function row({ date, name }) {
    const [url, day] = [`/v1/holidays/${date}`, fullDay(date)];
    return line(name, day, mayManage() && iconButton('close', t('holidays.drop', { name }), () => confirm('holidays.remove', () => remove(url).then(load), { name, day })));
  }

  const add = () => ask('holidays.add', [[field('date', { kind: 'date', value: today() }), field('name', { label: 'field.holiday' })]], 'go.add',
    ({ date, name }) => put(`/v1/holidays/${date}`, { name }).then(load));

  load();
  return element;
}

/** The rules that raise alerts: each is on or off, and has its threshold. */
export function rules() {
  const words = new Map();
  const view = page('rules.title', async () => {
    const [rows, { metrics }] = await Promise.all([all('/v1/alert-rules'), get('/v1/alert-metrics')]);
    // What their 0 means is for whoever writes a rule.
    metrics.forEach(({ name, description }) => words.set(name, description.split(';')[0]));
    return rows.length > 0 ? listCard(null, rows.map(row)) : empty('alerts', 'rules.none', link('#/alerts', 'rules.none.go'));
  });

  function row({ id, name, description, metric, operator, threshold, severity, is_enabled: isOn }) {
    const when = t(`rules.${operator}`, { metric: words.get(metric) ?? metric, threshold: number(threshold) });
    return line([name, ' ', isOn ? badge(t(`severity.${severity}`)) : badge(t('rules.off'), 'warn')], dotted(when, description),
      mayManage() && button('go.change', () => change(`/v1/alert-rules/${id}`), { 'aria-label': t('rules.change', { name }) }));
  }

  async function change(url) {
    const { data, tag: match } = await getTagged(url);
    const decimal = (name, label) => field(name, { inputmode: 'decimal', value: data[name] === null ? '' : String(Number(data[name])), label });
    const fields = [field('is_enabled', { kind: 'check', value: data.is_enabled }), decimal('threshold'), data.recovery_threshold !== null && decimal('recovery_threshold', 'rules.recovery')];
    ask(t('rules.change', data), fields.filter(Boolean), 'go.save', view.after(({ is_enabled, ...said }) =>
      patch(url, { is_enabled, ...Object.fromEntries(Object.entries(said).map(([name, text]) => [name, text.replace(',', '.') || null])) }, { match })));
  }

  return view;
}

export function greeting() {
  const view = page('greeting.title', async () => {
    const read = await getTagged('/v1/settings');
    const approve = mayManage() && !read.data.greeting_reviewed_at && button('greeting.approve', view.after(async () => {
      await put('/v1/settings/greeting/review', undefined, { match: read.tag });
      say(t('greeting.approved'));
    }), { kind: 'accent' });
    return [approve && card('greeting.review', h('p', t('greeting.review.text')), h('div.form-foot', approve)),
      saving('/v1/settings', read, view, (one) => {
        const words = one('greeting_template', { kind: 'area', rows: '4', maxlength: '500' });
        return [words, preview(words), one('greeting_at_any_hour'), [one('texting_starts_at'), one('texting_ends_at')], one('greeting_cooldown_hours', { min: '1', max: '720' })];
      }, ({ greeting_cooldown_hours: hours }) => ({ greeting_cooldown_hours: Number(hours) }), { kind: approve ? 'plain' : 'accent' })];
  });
  return view;
}

/** The greeting as a customer gets it, anew while somebody writes it. */
function preview(words) {
  const seen = h('div.preview', { 'aria-live': 'polite' });
  const show = later(300, async () => {
    try {
      const told = await post('/v1/settings/greeting/preview', { greeting_template: words.value });
      replace(seen, h('div.bubble.ours', h('p.bubble-body', told.text)), h('p.under', t('composer.size', told)));
      words.refuse(null);
    } catch (error) {
      words.refuse(error.errors?.[0]?.detail ?? error.message);
    }
  });
  words.input.addEventListener('input', show);
  show();
  return seen;
}

/** Where each step of onboarding is done. */
const STEPS = [null, '#/business', '#/people', '#/business', '#/numbers', '#/greeting'];

/** Onboarding as five steps: what is done, and where the rest is done. */
export function onboarding() {
  const view = page('start.title', async () => {
    const told = await get('/v1/tenant/onboarding');
    const steps = told.steps.map((step) => item(step, told.completed || step.step < told.step, step.step === told.step && !told.completed));
    return [h('p.under', t(!me.tenant.approved_at ? 'start.waits' : told.completed ? 'start.done' : 'start.text')), h('ol.steps', steps)];
  });

  function item({ step, missing }, isDone, isNow) {
    const open = missing.length > 0;
    const words = open ? dotted(missing.map(({ field: name }) => t(`missing.${name}`))) : t(isDone ? 'start.ok' : 'start.ready');
    const isThere = isDone || (!open && !isNow);
    return h('li', { class: `step ${isThere ? 'done' : isNow ? 'now' : ''}` },
      h('span.step-mark', { 'aria-hidden': 'true' }, isThere ? icon('check') : String(step)),
      h('div.line-main', h('h2', t(`start.${step}`)), h('p.line-foot', words)),
      h('div.actions', !isDone && open && mayManage() && link(STEPS[step], 'start.go', isNow ? 'accent' : 'plain'),
        isNow && !open && mayManage() && button('start.complete', view.after(() => put(`/v1/tenant/onboarding/steps/${step}/completion`)), { kind: 'accent' })));
  }

  return view;
}

export function numbers() {
  const view = page('numbers.title', show, { on: 'number' });

  async function show() {
    const rows = (await all('/v1/numbers')).filter((row) => row.status !== 'released');
    return [rows.length > 0 ? listCard(null, rows.map(row)) : empty('numbers', 'numbers.none'), mayManage() && finder()];
  }

  function row(number) {
    const kind = { active: 'good', error: 'bad', provisioning: 'warn' }[number.status] ?? '';
    const cost = number.monthly_cost_cents && t('numbers.cost', { cost: money(number.monthly_cost_cents, number.currency) });
    return line([phone(number.phone_number), ' ', badge(t(number.releasing ? 'numbers.releasing' : `number.${number.status}`), kind)],
      dotted(place(number), cost, number.status_reason, number.held_until && t('numbers.held', { at: moment(number.held_until), why: number.hold_reason })), mayManage() && !number.releasing && number.status === 'active' && button('numbers.release', () => release(number), { kind: 'danger' }));
  }

  const place = ({ locality, region }) => [locality, region].filter(Boolean).join(', ');

  const release = ({ id, phone_number }) => confirm('numbers.release', view.after(() => post(`/v1/numbers/${id}/release`)), { number: phone(phone_number) });

  function finder() {
    const found = h('div');
    const area = field('area_code', { inputmode: 'numeric', maxlength: '3' });
    return card('numbers.more', form([area], 'numbers.search', ({ area_code }) => shown(found, async () => {
      const { items } = await get('/v1/available-numbers', { area_code, limit: 10 });
      return listing(items.map(offer), 'numbers.nothing');
    }), { kind: 'plain' }), found);
  }

  const offer = (one) => line(phone(one.phone_number), place(one),
    button('numbers.buy.go', () => buy(one), { kind: 'accent', 'aria-label': t('numbers.buy', { number: phone(one.phone_number) }) }));

  function buy({ phone_number, country, type }) {
    const number = phone(phone_number);
    confirm('numbers.buy', view.after(async () => {
      await post('/v1/numbers', { phone_number, country, type });
      say(t('numbers.bought', { number }));
    }), { number, kind: 'accent' });
  }

  return view;
}
