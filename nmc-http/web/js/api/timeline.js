/**
 * A conversation as one thread: texts, calls and what people did, read from three lists that each come newest first in pages. Shown
 * is what lies after the oldest row that all of them have been read to, so that nothing is put in later between what is seen.
 */

import { get } from './client.js';

const PAGE = 50;
/** Events that say what a text or a call of the thread says itself. */
const TOLD_ELSEWHERE = new Set(['call_started', 'call_ended', 'message_received', 'message_queued', 'message_failed', 'customer_info_updated']);

export function timeline(conversation) {
  const base = `/v1/conversations/${conversation}`;
  const sources = [
    source('text', `${base}/messages`),
    source('call', '/v1/calls', { conversation }),
    source('event', `${base}/events`),
  ];

  /** All rows that can be shown, the oldest first. */
  function rows() {
    const horizon = sources.map((each) => each.horizon()).reduce((most, each) => (each > most ? each : most), '');
    const known = sources.flatMap((each) => [...each.rows.values()]).filter((row) => row.at >= horizon);
    const told = known.filter((row) => row.kind !== 'event' || !TOLD_ELSEWHERE.has(row.event_type));
    return told.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : one.id < other.id ? -1 : 1));
  }

  return {
    rows,
    /** Reads the newest of each list. */
    latest: () => Promise.all(sources.map((each) => each.latest())),
    /** Reads one text again, if it is one of these. */
    async again(id) {
      if (sources[0].rows.has(id)) sources[0].take(await get(`/v1/messages/${id}`));
    },
    texts: () => [...sources[0].rows.keys()],
    /** Reads further back; whether there is more. */
    async older() {
      const open = sources.filter((each) => each.hasMore());
      const horizon = open.map((each) => each.horizon()).sort().at(-1);
      await Promise.all(open.filter((each) => each.horizon() === horizon).map((each) => each.older()));
      return sources.some((each) => each.hasMore());
    },
  };
}

function source(kind, url, query = {}) {
  const rows = new Map();
  let next = null;
  let isRead = false;
  const take = (row) => rows.set(row.id, { ...row, kind, of: row.kind, at: row.created_at });
  const read = (after) => get(url, { ...query, limit: PAGE, after });
  const oldest = () => [...rows.values()].reduce((least, row) => (row.at < least ? row.at : least), '~');
  return {
    rows,
    take,
    hasMore: () => next !== null,
    horizon: () => (next === null ? '' : oldest()),
    async latest() {
      const page = await read(null);
      // More has come than a page holds since it was read: what lies between is read on the way back.
      const isJoined = page.next === null || page.items.some((row) => rows.has(row.id));
      if (isRead && !isJoined) rows.clear();
      if (!isRead || !isJoined) next = page.next;
      isRead = true;
      page.items.forEach(take);
    },
    async older() {
      const page = await read(next);
      page.items.forEach(take);
      next = page.next;
    },
  };
}
