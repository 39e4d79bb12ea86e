/**
 * Times, numbers and phone numbers as people read them. Times are in the business's zone, wherever the browser is.
 */

import { me } from './api/session.js';
import { t } from './words.js';

const LANGUAGE = 'en-US';
const formats = new Map();

function dateFormat(options) {
  const timeZone = me.tenant?.timezone;
  const key = JSON.stringify([timeZone, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(LANGUAGE, { timeZone, ...options }));
  return formats.get(key);
}

/** The time of day. */
export const time = (at) => dateFormat({ hour: 'numeric', minute: '2-digit' }).format(new Date(at));
/** The day and the time. */
export const moment = (at) => dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
/** The day as a key, to tell one day from another. */
export const dayKey = (at) => dateFormat({ year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(at));

/** The day in words: today, yesterday, a weekday, a date. */
export function day(at) {
  const now = Date.now();
  if (dayKey(at) === dayKey(now)) return t('time.today');
  if (dayKey(at) === dayKey(now - 86_400_000)) return t('time.yesterday');
  const isRecent = now - new Date(at) < 6 * 86_400_000;
  return dateFormat(isRecent ? { weekday: 'long' } : { dateStyle: 'medium' }).format(new Date(at));
}

/** When something was, as short as a list wants it. */
export function short(at) {
  if (dayKey(at) === dayKey(Date.now())) return time(at);
  const isRecent = Date.now() - new Date(at) < 6 * 86_400_000;
  return dateFormat(isRecent ? { weekday: 'short' } : { month: 'short', day: 'numeric' }).format(new Date(at));
}

/** A length of time: `1:05`, or in minutes and hours. */
export function duration(seconds) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  if (minutes >= 60) return t('time.hours', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return `${minutes}:${String(rest).padStart(2, '0')}`;
}

/** A phone number as it is dialled at home; what is none, such as a caller without one, in words. */
export function phone(number) {
  const [, area, exchange, line] = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number ?? '') ?? [];
  if (area) return `(${area}) ${exchange}-${line}`;
  return /^[+\d]/.test(number ?? '') ? number : t('customer.unknown');
}

/** Whether somebody can be called or texted there. */
export const isDialable = (number) => /^\+[1-9]\d{6,14}$/.test(number ?? '');

export const number = (value) => new Intl.NumberFormat(LANGUAGE).format(value);
export const money = (cents, currency) => new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency }).format(cents / 100);

/** The letters that stand for somebody without a picture. */
export function initials(name) {
  const letters = (name ?? '').split(/\s+/).filter((word) => /^\p{L}/u.test(word)).map((word) => [...word][0]);
  return [...letters.slice(0, 1), ...letters.slice(1).slice(-1)].join('').toUpperCase();
}
