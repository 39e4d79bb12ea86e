/**
 * Where a reply or a note is written. It counts what the text costs, keeps the draft of each conversation over a reload, and is shut,
 * with the reason, where nobody may be texted. A text or note that got no answer keeps its key: sent again,
 * it is there once.
 */

import { h, icon, later, me, post, randomId, replace, t } from '../ui.js';
import { canned } from './canned.js';

const LONGEST = 1_600;

/** `send(body, key)` sends a text and answers whether it went; `note(text, key)` adds a note; `typed(now)` hears of typing. */
export function composer(conversation, { send, note, typed }) {
  const draftAt = `nmc.draft.${me.id}.${conversation}`;
  const draft = JSON.parse(sessionStorage.getItem(draftAt) ?? '{"body":"","key":null,"isNote":false}');
  const area = h('textarea.composer-text', { rows: '1', 'aria-label': t('composer.label'), placeholder: t('composer.label'),
    maxlength: LONGEST, value: draft.body, oninput: changed, onkeydown: pressed, onblur: () => typed(false) });
  const count = h('p.composer-count', { 'aria-live': 'off' });
  const shut = h('p.composer-shut', { role: 'status' });
  const submit = h('button.button.accent.icon-only', { type: 'button', onclick: go }, icon('send'));
  const kinds = ['reply', 'note'].map((kind) =>
    h('button.tab', { type: 'button', onclick: () => choose(kind === 'note') }, t(`composer.${kind}`)));
  const menu = canned(use);
  const bar = h('div.composer-bar', h('div.tabs.small', { role: 'group', 'aria-label': t('composer.kind') }, kinds), count);
  const element = h('section.composer', { 'aria-label': t('composer.label') }, bar, shut,
    h('div.composer-row', menu, area, submit));
  let refusal = null;
  let isSending = false;

  const preview = later(250, async () => {
    const body = area.value.trim();
    if (!body || draft.isNote) return replace(count);
    const told = await post(`/v1/conversations/${conversation}/messages/preview`, { body }).catch(() => null);
    if (told && area.value.trim() === body) {
      replace(count, t('composer.size', { characters: told.characters, segments: told.segments }));
      count.classList.toggle('warn', told.segments > 3);
    }
    return undefined;
  });

  function changed() {
    if (draft.body !== area.value) draft.key = null;
    draft.body = area.value;
    keep();
    fit();
    typed(!draft.isNote && area.value !== '');
    preview();
  }

  function keep() {
    if (draft.body) sessionStorage.setItem(draftAt, JSON.stringify(draft));
    else sessionStorage.removeItem(draftAt);
  }

  function fit() {
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, 180)}px`;
    submit.disabled = isSending || !area.value.trim();
  }

  function choose(isNote) {
    draft.isNote = isNote;
    keep();
    draw();
    area.focus();
  }

  /** Enter sends where there are keys; on a phone it begins a line. */
  function pressed(event) {
    const isSend = event.key === 'Enter' && !event.isComposing && !event.shiftKey;
    if (isSend && (event.metaKey || event.ctrlKey || !matchMedia('(pointer: coarse)').matches)) {
      event.preventDefault();
      go();
    }
  }

  async function go() {
    const body = area.value.trim();
    if (!body || isSending || (refusal && !draft.isNote)) return;
    isSending = true;
    draft.key ??= randomId();
    keep();
    show('');
    try {
      const went = draft.isNote ? await note(body, draft.key) : await send(body, draft.key);
      if (went) draft.key = null;
      // What was written meanwhile stands below what did not go.
      else show([body, area.value].filter(Boolean).join('\n'));
      draft.body = area.value;
      keep();
    } finally {
      isSending = false;
      fit();
    }
  }

  function show(text) {
    area.value = text;
    typed(false);
    fit();
    preview();
  }

  function draw() {
    kinds.forEach((tab, at) => tab.setAttribute('aria-pressed', String(draft.isNote === (at === 1))));
    element.classList.toggle('is-note', draft.isNote);
    const label = t(draft.isNote ? 'composer.note.label' : 'composer.label');
    area.setAttribute('aria-label', label);
    area.placeholder = label;
    submit.setAttribute('aria-label', t(draft.isNote ? 'composer.note.add' : 'composer.send'));
    const isShut = Boolean(refusal) && !draft.isNote;
    area.hidden = submit.hidden = menu.hidden = isShut;
    menu.hidden ||= draft.isNote;
    replace(shut, isShut && refusal);
    fit();
    preview();
  }

  function use(line) {
    area.value = area.value.trim() ? `${area.value.trim()} ${line}` : line;
    changed();
    area.focus();
  }

  draw();
  return {
    element,
    area,
    /** Shuts the reply, for this reason; null opens it. Notes stay open to whoever may write. */
    shut(why, mayNote = true) {
      refusal = why;
      element.classList.toggle('closed', !mayNote);
      bar.hidden = !mayNote;
      if (!mayNote) draft.isNote = false;
      draw();
    },
    fit,
  };
}
