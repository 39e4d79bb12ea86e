/**
 * Times, numbers and phone numbers as people read them. Times are in the business's zone, wherever the browser is.
 */

import { now } from './api/client.js';
import { me } from './api/session.js';
import { t } from './words.js';

const LANGUAGE = 'en-US';
const formats = new Map();

function dateFormat(options, language = LANGUAGE) {
  const timeZone = me.tenant?.timezone;
  const key = JSON.stringify([timeZone, options, language]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, { timeZone, ...options }));
  return formats.get(key);
}

/** The time of day. */
export const time = (at) => dateFormat({ hour: 'numeric', minute: '2-digit' }).format(new Date(at));
/** The day and the time. */
export const moment = (at) => dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
/** The day as the API has it: `2026-11-29`. */
export const dayKey = (at) => dateFormat({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'en-CA').format(new Date(at));
/** The day that it is in the business's zone. */
export const today = () => dayKey(now());
/** The day so many days later. */
export const shifted = (key, days) => new Date(Date.parse(`${key}T12:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
/** The short name of a weekday. */
export const weekday = (at) => dateFormat({ weekday: 'short' }).format(new Date(at));
/** The month of a day, with its year. */
export const monthName = (key) => dateFormat({ timeZone: 'UTC', month: 'long', year: 'numeric' }).format(new Date(`${key}T12:00Z`));
/** A day with its weekday and its year. */
export const fullDay = (key) => dateFormat({ timeZone: 'UTC', weekday: 'short', month: 'short', day: 'numeric', year: 'numeric' }).format(new Date(`${key}T12:00Z`));
/** An hour of the day, of 0 to 23. */
export const hour = (value) => dateFormat({ timeZone: 'UTC', hour: 'numeric' }).format(new Date(value * 3_600_000));

/** The days from one to another, each an instant or a day as the API has it. */
export function dates(first, last) {
  const isKey = /^\d{4}-\d\d-\d\d$/.test(first);
  const [from, until] = [first, last].map((at) => new Date(isKey ? `${at}T12:00Z` : at));
  return dateFormat({ month: 'short', day: 'numeric', ...(isKey && { timeZone: 'UTC' }) }).formatRange(from, until);
}

const isRecent = (at) => now() - new Date(at) < 6 * 86_400_000;

/** The day in words: today, yesterday, a weekday, a date. */
export function day(at) {
  if (dayKey(at) === today()) return t('time.today');
  if (dayKey(at) === shifted(today(), -1)) return t('time.yesterday');
  return dateFormat(isRecent(at) ? { weekday: 'long' } : { dateStyle: 'medium' }).format(new Date(at));
}

/** When something was, as short as a list wants it. */
export function short(at) {
  if (dayKey(at) === today()) return time(at);
  return dateFormat(isRecent(at) ? { weekday: 'short' } : { month: 'short', day: 'numeric' }).format(new Date(at));
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
  // The space does not break.
  if (area) return `(${area})\u00a0${exchange}-${line}`;
  return /^[+\d]/.test(number ?? '') ? number : t('customer.unknown');
}

/** A place, without the capitals in which networks write it; its spaces don't break, so that it stands on one line. */
export const place = (city, state) =>
  [city?.replace(/(?<=\p{Lu})\p{Lu}+/gu, (rest) => rest.toLowerCase()), state].filter(Boolean).join(', ').replaceAll(' ', '\u00a0');

/** Whether somebody can be called or texted there. */
export const isDialable = (number) => /^\+[1-9]\d{6,14}$/.test(number ?? '');

/** A number as people write it at home, in the form that the API takes. */
export function dialled(said) {
  const digits = said.replace(/[^\d+]/g, '');
  if (isDialable(digits)) return digits;
  return digits.length === 10 ? `+1${digits}` : `+${digits.replace(/\D/g, '')}`;
}

export const number = (value) => new Intl.NumberFormat(LANGUAGE).format(value);
export const money = (cents, currency) => new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency }).format(cents / 100);

/** The letters that stand for somebody without a picture. */
export function initials(name) {
  const letters = (name ?? '').split(/\s+/).filter((word) => /^\p{L}/u.test(word)).map((word) => [...word][0]);
  return [...letters.slice(0, 1), ...letters.slice(1).slice(-1)].join('').toUpperCase();
}

/** All zones, with the one that there is, as options to choose from. */
export const zones = (own) => [...new Set([own, ...Intl.supportedValuesOf('timeZone')])].map((zone) => [zone, zone.replaceAll('_', ' ')]);

/** What is said of a thing, in one line; what is not known is left out. */
export const dotted = (...parts) => parts.flat().filter(Boolean).join(' · ');
