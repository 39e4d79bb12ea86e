/**
 * One stream of the business's events, read by `fetch`: `EventSource` can't send the access token, and a token has no place in an
 * address. Parses server-sent events as they come.
 */

import { accessToken, Refused } from '../api/client.js';

/** A stream says something every 15 seconds; one that is silent for longer is dead. */
const SILENCE = 40_000;

/** Reads the stream from a cursor on until it ends, and tells `hear` each event as `{ id, kind, data }`; comments as kind `beat`. */
export async function readStream(cursor, hear, signal) {
  const dead = new AbortController();
  const give = () => dead.abort();
  signal.addEventListener('abort', give, { once: true });
  let timer = setTimeout(give, SILENCE);
  try {
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${accessToken()}` };
    if (cursor) headers['Last-Event-ID'] = cursor;
    const answer = await fetch('/v1/events', { headers, signal: dead.signal, cache: 'no-store' });
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(give, SILENCE);
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) hear(parse(block));
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', give);
    dead.abort();
  }
}

function parse(block) {
  const event = { id: null, kind: 'beat', data: null };
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === 'id') event.id = value;
    if (name === 'event') event.kind = value;
    if (name === 'data') event.data = JSON.parse(value);
  }
  return event;
}
