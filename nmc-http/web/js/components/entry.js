/** The rows of a conversation's thread: a text, a call, a note, what somebody did. */

import { button, day, dayKey, dotted, download, duration, h, has, icon, moment, nameOf, picture, place, t, tell, time } from '../ui.js';

/** The element of a row; a new day has its name above it. */
export function entry(row) {
  const isNewDay = !row.before || dayKey(row.before) !== dayKey(row.at);
  const body = { text, call, event, pending }[row.kind](row);
  return h('li', { class: `entry ${row.kind}` }, isNewDay && h('h2.day', day(row.at)), body);
}

function text(row) {
  const isOurs = row.direction === 'outbound';
  const isLost = ['failed', 'undelivered', 'canceled'].includes(row.status);
  const status = isOurs ? t(`status.${row.status}`) : null;
  const media = row.media.map((file) => attachment(row.id, file));
  return h('div', { class: `bubble ${isOurs ? 'ours' : 'theirs'} ${isLost ? 'lost' : ''} ${row.of}` },
    row.of !== 'message' && h('p.bubble-kind', t(`kind.${row.of}`)),
    media,
    row.body && h('p.bubble-body', { dir: 'auto' }, linked(row.body)),
    h('p.bubble-foot', h('span.sr', `${isOurs ? t('entry.ours') : t('entry.theirs')} `),
      dotted(time(row.at), status)),
    row.waits_for && h('p.bubble-why', icon('warn'), t('status.waits', { at: moment(row.waits_until), why: row.waits_for })),
    isLost && h('p.bubble-why', icon('warn'), why(row)));
}

/** Why a text failed, in words. */
export function why(row) {
  const key = `failure.${row.error_code}`;
  return has(key) ? t(key) : (row.error_message ?? t('failure.other'));
}

/** A text with its web addresses as links: only those that are parsed as one, and only of the web. */
function linked(body) {
  return body.split(/(https?:\/\/[^\s<>"']+)/).map((part, at) => {
    if (at % 2 === 0 || !URL.canParse(part)) return part;
    const url = new URL(part);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return part;
    return h('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, part);
  });
}

function attachment(message, file) {
  if (file.status !== 'kept') return h('p.media-note', icon('file'), file.status === 'waiting' ? t('media.waiting') : t('media.gone'));
  const url = `/v1/messages/${message}/media/${file.position}`;
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(file.content_type ?? '');
  if (!isPicture) return button('media.save', () => download(url), { name: 'file' });
  const image = h('img', { alt: t('media.alt'), class: 'media' });
  const place = h('button.media-frame', { type: 'button', 'aria-label': t('media.open'), onclick: () => large(image.src) }, image);
  picture(url).then((data) => (image.src = data), () => place.replaceWith(h('p.media-note', icon('file'), t('media.gone'))));
  return place;
}

function large(src) {
  if (src) tell(t('media.alt'), null, h('img.media-large', { src, alt: t('media.alt') }));
}

/** A text that is on its way to the server. */
function pending(row) {
  return h('div.bubble.ours.pending', h('p.bubble-body', { dir: 'auto' }, row.body), h('p.bubble-foot', t('status.pending')));
}

function call(row) {
  const outcome = row.outcome ?? (row.ended_at ? 'none' : 'going');
  const parts = [time(row.at), row.duration_seconds ? duration(row.duration_seconds) : null, place(row.caller_city, row.caller_state)];
  return h('div', { class: `event-card call-${outcome}` }, icon(callIcon(outcome)),
    h('div', h('p.event-title', t(`outcome.${outcome}`)), h('p.event-foot', parts.filter(Boolean).join(' · '))));
}

export const callIcon = (outcome) => ({ missed: 'missed', abandoned: 'missed', voicemail: 'voicemail' })[outcome] ?? 'calls';

function event(row) {
  const who = nameOf(row.created_by);
  const data = row.event_data ?? {};
  if (row.event_type === 'note_added') {
    return h('div.note-card', h('p.bubble-kind', icon('note'), who ? t('entry.note.by', { who }) : t('composer.note')),
      h('p.bubble-body', { dir: 'auto' }, String(data.note ?? '')), h('p.bubble-foot', time(row.at)));
  }
  const words = {
    who: who || t('app.title'),
    to: nameOf(data.new) || t('entry.somebody'),
    tag: difference(data.new, data.old),
    status: has(`state.${data.new}`) ? t(`state.${data.new}`) : '',
    priority: has(`priority.${data.new}`) ? t(`priority.${data.new}`) : '',
  };
  const key = `event.${row.event_type}`;
  return h('p.event-line', has(key) ? t(key, words) : row.event_type.replaceAll('_', ' '), h('span.event-time', ` · ${time(row.at)}`));
}

/** The tag that one of two lists has, and the other has not. */
function difference(one, other) {
  const [some, others] = [[one ?? []].flat(), [other ?? []].flat()];
  return [...some.filter((tag) => !others.includes(tag)), ...others.filter((tag) => !some.includes(tag))].join(', ');
}
