/** Settings: where each is, and those of the business: its facts and hours, the greeting. */

import { getTagged, patch, post, put } from '../api/client.js';
import { load, logOut, mayManage, me } from '../api/session.js';
import { h, later, replace } from '../dom.js';
import { dialled } from '../format.js';
import { t } from '../words.js';
import { icon } from '../components/icon.js';
import { button, header, say } from '../components/parts.js';
import { field, form } from '../components/form.js';
import { card, page } from '../components/page.js';

const PLACES = [['business', 'hours'], ['greeting', 'reply'], ['numbers', 'numbers'], ['people', 'person'], ['keys', 'key'], ['start', 'check'], ['me', 'settings']];

export function settings() {
  const places = PLACES.filter(([name]) => mayManage() || !['keys', 'people'].includes(name));
  const list = h('ul', { class: 'list' }, places.map(([name, symbol]) => h('li', {}, h('a', { class: 'line', href: `#/${name}` }, h('span', { class: 'call-icon' }, icon(symbol)),
    h('div', { class: 'line-main' }, h('p', { class: 'line-title' }, t(`${name}.title`)), h('p', { class: 'line-foot' }, t(`${name}.about`))), icon('next')))));
  const out = h('div', { class: 'list-foot' }, button(t('settings.out'), logOut));
  return { element: h('section', { class: 'pane' }, header(t('settings.title'), { under: me.tenant.business_name }), h('div', { class: 'scroll' }, list, out)) };
}

/** Changes a document with the version it was read at, and reads what others changed meanwhile. */
const saving = (url, tag, view) => async (values) => {
  await patch(url, values, { match: tag });
  await load();
  say(t('go.saved'));
  await view().load();
};

export function business() {
  const view = page(t('business.title'), async () => {
    const { data, tag } = await getTagged('/v1/tenant');
    const off = !mayManage();
    const time = (name) => field(name, t(`business.${name}`), { kind: 'time', value: data[name].slice(0, 5), disabled: off });
    const zones = Intl.supportedValuesOf('timeZone');
    const fields = [
      field('business_name', t('business.name'), { value: data.business_name, disabled: off }),
      field('business_type', t('business.type'), { value: data.business_type, disabled: off }),
      field('business_phone', t('business.phone'), { kind: 'tel', value: data.business_phone, hint: t('business.phone.hint'), disabled: off }),
      field('business_address', t('business.address'), { kind: 'area', value: data.business_address ?? '', disabled: off }),
      [time('business_hours_start'), time('business_hours_end')],
      field('timezone', t('business.timezone'), { kind: 'choice', value: data.timezone, disabled: off,
        options: [...new Set([data.timezone, ...zones])].map((zone) => [zone, zone.replaceAll('_', ' ')]) }),
    ];
    const save = saving('/v1/tenant', tag, () => view);
    return form(fields, t('go.save'), (values) => save({
      ...values,
      business_type: values.business_type || null,
      business_address: values.business_address || null,
      business_phone: values.business_phone ? dialled(values.business_phone) : null,
      business_hours_start: `${values.business_hours_start}:00`,
      business_hours_end: `${values.business_hours_end}:00`,
    }), { hidden: off });
  }, { back: '#/settings' });
  return view;
}

export function greeting() {
  const view = page(t('greeting.title'), async () => {
    const { data, tag } = await getTagged('/v1/settings');
    const off = !mayManage();
    const words = field('greeting_template', t('greeting.words'), { kind: 'area', rows: '4', value: data.greeting_template, maxlength: '500', hint: t('greeting.hint'), disabled: off });
    const seen = h('div', { class: 'preview', 'aria-live': 'polite' });
    const preview = later(300, async () => {
      try {
        const told = await post('/v1/settings/greeting/preview', { greeting_template: words.value });
        const size = t('composer.size', { characters: told.characters, segments: told.segments });
        replace(seen, h('div', { class: 'bubble ours' }, h('p', { class: 'bubble-body' }, told.text)), h('p', { class: 'under' }, size));
        words.refuse(null);
      } catch (error) {
        words.refuse(error.errors?.[0]?.detail ?? error.message);
      }
    });
    words.input.addEventListener('input', preview);
    preview();
    const at = (name) => field(name, t(`greeting.${name}`), { kind: 'time', value: data[name].slice(0, 5), disabled: off });
    const fields = [words, seen, field('greeting_at_any_hour', t('greeting.any'), { kind: 'check', value: data.greeting_at_any_hour, disabled: off }),
      [at('texting_starts_at'), at('texting_ends_at')],
      field('greeting_cooldown_hours', t('greeting.cooldown'), { kind: 'number', value: data.greeting_cooldown_hours, min: '1', max: '720', disabled: off })];
    const save = saving('/v1/settings', tag, () => view);
    const approve = !off && !data.greeting_reviewed_at && button(t('greeting.approve'), async () => {
      await put('/v1/settings/greeting/review', undefined, { match: tag });
      say(t('greeting.approved'));
      await view.load();
    }, { kind: 'accent' });
    return h('div', { class: 'content-body' },
      approve && card(t('greeting.review'), h('p', {}, t('greeting.review.text')), h('div', { class: 'form-foot' }, approve)),
      form(fields, t('go.save'), ({ texting_starts_at, texting_ends_at, greeting_cooldown_hours, ...values }) => save({
        ...values,
        texting_starts_at: `${texting_starts_at}:00`,
        texting_ends_at: `${texting_ends_at}:00`,
        greeting_cooldown_hours: Number(greeting_cooldown_hours),
      }), { kind: approve ? 'plain' : 'accent', hidden: off }));
  }, { back: '#/settings' });
  return view;
}
