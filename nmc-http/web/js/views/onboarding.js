/** Onboarding as five steps: what is done, and where the rest is done. */

import { get, put } from '../api/client.js';
import { mayManage, me } from '../api/session.js';
import { h } from '../dom.js';
import { t } from '../words.js';
import { icon } from '../components/icon.js';
import { button, link } from '../components/parts.js';
import { page } from '../components/page.js';

/** Where each step is done. */
const PLACES = [null, '#/business', '#/people', '#/business', '#/numbers', '#/greeting'];

export function onboarding() {
  const view = page(t('start.title'), async () => {
    const told = await get('/v1/tenant/onboarding');
    const done = (step) => told.completed || step.step < told.step;
    const steps = told.steps.map((step) => item(step, done(step), step.step === told.step && !told.completed));
    return h('div', { class: 'content-body' }, h('p', { class: 'under' }, t(!me.tenant.approved_at ? 'start.waits' : told.completed ? 'start.done' : 'start.text')), h('ol', { class: 'steps' }, steps));
  }, { back: '#/settings' });

  function item({ step, missing }, isDone, isNow) {
    const open = missing.length > 0;
    const words = open ? missing.map(({ field }) => t(`missing.${field}`)).join(' · ') : t(isDone ? 'start.ok' : 'start.ready');
    const isThere = isDone || (!open && !isNow);
    return h('li', { class: `step ${isThere ? 'done' : isNow ? 'now' : ''}` },
      h('span', { class: 'step-mark', 'aria-hidden': 'true' }, isThere ? icon('check') : String(step)),
      h('div', { class: 'line-main' }, h('h2', {}, t(`start.${step}`)), h('p', { class: 'line-foot' }, words)),
      h('div', { class: 'actions' },
        !isDone && open && mayManage() && link(PLACES[step], t('start.go'), isNow ? 'accent' : 'plain'),
        isNow && !open && mayManage() && button(t('start.complete'), async () => {
          await put(`/v1/tenant/onboarding/steps/${step}/completion`);
          await view.load();
        }, { kind: 'accent' })));
  }
  return view;
}
