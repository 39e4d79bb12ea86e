/**
 * What has changed, live. One tab of a browser holds the stream (Web Locks) and tells the others (BroadcastChannel): a browser has
 * six connections to a server. Each tab knows the last cursor, and goes on from it when it takes over: nothing is left out after
 * sleep, a lost network or a restart of the server.
 *
 * Views hear batches: what came within 200 milliseconds, as ids by kind of row, or `all` when everything is to be read again. One that
 * can't read it then, as the network is away, is told again.
 */

import { renew } from '../api/session.js';
import { readStream } from './events.js';

const BATCH = 200;
/** A tab that holds the stream and says nothing for so long is frozen: another one takes over. */
const FROZEN = 50_000;
const LONGEST_PAUSE = 5_000;

const listeners = new Set();
const states = new Set();
let channel = null;
let cursor = null;
let attempt = null;
let heardAt = 0;
let closing = null;
let state = 'connecting';
/** Lists were read before the stream was there: they may miss something. */
let isLate = false;

/** Hears batches until the returned function is called. A batch has `all`, and `has(kind, id)`. */
export function onChanges(listener) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    behind.delete(listener);
  };
}

/** Hears `connecting`, `live`, `away`, and `busy` when the server has no stream to spare; begins with what is so now. */
export function onState(listener) {
  states.add(listener);
  listener(state);
  return () => states.delete(listener);
}

/** Begins. Resolves when the stream is there, or after a moment without it: lists that are read then miss nothing. */
export function start(user) {
  stop();
  closing = new AbortController();
  channel = new BroadcastChannel(`nmc-events-${user}`);
  channel.onmessage = ({ data }) => (data.kind === 'hello' ? greet() : heard(data));
  channel.postMessage({ kind: 'hello' });
  heardAt = Date.now();
  lead(closing.signal);
  const timers = [setInterval(watchLeader, 10_000), setInterval(catchUp, 2_000)];
  closing.signal.addEventListener('abort', () => timers.forEach(clearInterval));
  for (const kind of ['online', 'pageshow', 'focus']) addEventListener(kind, awake, { signal: closing.signal });
  document.addEventListener('visibilitychange', awake, { signal: closing.signal });
  addEventListener('offline', () => tell('away'), { signal: closing.signal });
  return new Promise((resolve) => {
    const give = setTimeout(() => {
      isLate = true;
      resolve();
    }, 800);
    const leave = onState((now) => {
      if (now !== 'live') return;
      clearTimeout(give);
      queueMicrotask(() => leave());
      resolve();
    });
  });
}

export function stop() {
  closing?.abort();
  channel?.close();
  [channel, cursor, closing, state, isLate] = [null, null, null, 'connecting', false];
}

/** Holds the stream as soon as no other tab does; without Web Locks, each tab holds its own. */
function lead(signal, steal = false) {
  const term = new AbortController();
  signal.addEventListener('abort', () => term.abort(), { once: true });
  if (!navigator.locks) {
    run(term.signal);
    return;
  }
  const options = steal ? { steal } : { signal };
  navigator.locks.request(`nmc-stream-${channel.name}`, options, () => run(term.signal)).catch(() => {
    // Another tab took it over: this one waits for its turn.
    term.abort();
    if (!signal.aborted) lead(signal);
  });
}

let leads = false;

async function run(signal) {
  leads = true;
  for (let pause = 250; !signal.aborted; ) {
    attempt = new AbortController();
    let isBusy = false;
    const cancel = () => attempt.abort();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const reason = await follow(attempt.signal, () => (pause = 250));
      if (reason === 'expired' || reason === 'revoked') await renew();
    } catch (error) {
      if (error.status === 401) await renew().catch(() => {});
      isBusy = error.status === 429;
    }
    signal.removeEventListener('abort', cancel);
    if (signal.aborted) break;
    share({ kind: 'state', state: isBusy ? 'busy' : 'away' });
    if (!isWanted) {
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, pause * (0.75 + Math.random() / 2));
      });
    }
    [isWanted, pause] = [false, Math.min(pause * 2, LONGEST_PAUSE)];
  }
  leads = false;
}

let wake = () => {};
/** Somebody waits for the stream: an attempt that was given up for that is followed by the next at once. */
let isWanted = false;

/** Reads one stream to its end; the reason that the server gave for it. */
async function follow(signal, came) {
  let reason = null;
  await readStream(
    cursor,
    (event) => {
      came();
      if (event.kind === 'end') reason = event.data.reason;
      else share({ kind: event.kind, cursor: event.id, id: event.data?.id ?? null });
    },
    signal,
  );
  return reason;
}

function share(message) {
  channel?.postMessage(message);
  heard(message);
}

/** Answers a new tab, if this one holds the stream. */
function greet() {
  if (leads && state === 'live') channel.postMessage({ kind: 'ready', cursor });
}

function heard({ kind, cursor: at, id, state: said }) {
  heardAt = Date.now();
  if (kind === 'state') return tell(said);
  if (kind === 'beat') return undefined;
  cursor = at ?? cursor;
  if (kind !== 'ready') return mark(kind === 'reset' ? '*' : kind.split('.')[0], id);
  tell('live');
  if (isLate) mark('*', null);
  isLate = false;
  return undefined;
}

function tell(next) {
  if (state === next) return;
  state = next;
  for (const listener of states) listener(next);
  catchUp();
}

/** Has every tab read a row again that this one has changed, where the server tells nobody: what is read is one's own. */
export function touched(kind, id) {
  share({ kind: `${kind}.touched`, cursor, id });
}

let batch = null;

function mark(kind, id) {
  if (!batch) {
    batch = new Map();
    setTimeout(flush, BATCH);
  }
  const ids = batch.get(kind) ?? new Set();
  batch.set(kind, ids.add(id));
}

function flush() {
  const [changed, all] = [batch, batch.has('*')];
  batch = null;
  // Where so many have changed at once that they are not named, the id is null.
  const has = (kind, id) => all || (changed.has(kind) && (id === undefined || changed.get(kind).has(id) || changed.get(kind).has(null)));
  for (const listener of listeners) hearing(listener, { all, has });
}

/** Listeners that could not read what has changed: they are told to read all, once the server can be asked. */
const behind = new Set();

async function hearing(listener, news) {
  try {
    // Whoever has missed something is told all, also when what came since does not concern them.
    const told = behind.delete(listener) ? { all: true, has: () => true } : news;
    await listener(told);
  } catch (error) {
    // A refusal would be one again.
    if (listeners.has(listener) && (error.status === 0 || error.status === 429 || error.status >= 500)) behind.add(listener);
  }
}

function catchUp() {
  if (state === 'live') for (const listener of [...behind]) hearing(listener, null);
}

/** The page is looked at again, or the network is back: what sleeps is not waited for. */
function awake() {
  if (document.hidden) return;
  if (leads && (state !== 'live' || Date.now() - heardAt > 20_000)) {
    isWanted = true;
    attempt?.abort();
    wake();
  }
  watchLeader();
}

function watchLeader() {
  if (!leads && closing && !document.hidden && Date.now() - heardAt > FROZEN) {
    heardAt = Date.now();
    lead(closing.signal, true);
  }
}
