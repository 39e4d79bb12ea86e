/**
 * Figures as the view shows them, from `GET /v1/analytics/summary`: numbers are numbers, what has no value is left out, and all is
 * counted as docs/ANALYTICS.md says.
 */

import { get } from './client.js';

const LISTED = new Set(['calls', 'missed_calls']);

/**
 * `{ from, until, calls, tiles, points }`: `calls` says what came of them, `tiles` are key figures, and `points` are the calls of
 * each day, or of each hour of today, as `{ at, hour, all, missed }`.
 */
export async function summary(period) {
  const told = await get('/v1/analytics/summary', { period });
  const count = (name, figures = told.figures) => Number(figures[`nmc.calls_${name}`] ?? 0);
  const kpis = told.kpis.map((kpi) => ({ ...kpi, value: amount(kpi.value), before: amount(kpi.before), target: amount(kpi.target) }));
  const days = told.days.map((day) => ({ at: day.from, all: count('inbound', day.figures), missed: count('unanswered', day.figures) }));
  return {
    from: told.from,
    until: told.until,
    calls: {
      kpis: kpis.filter((kpi) => LISTED.has(kpi.name)),
      missed: { missed: count('missed'), voicemail: count('voicemail'), abandoned: count('abandoned') },
    },
    tiles: kpis.filter((kpi) => !LISTED.has(kpi.name) && kpi.value !== null),
    kpis,
    points: period === 'today' ? hours(told.week) : days,
  };
}

const amount = (value) => (value === null || value === undefined ? null : Number(value));

/** The hours of a day: all weekdays but its own are empty. */
function hours(week) {
  const sum = (part, hour) => week.reduce((all, day) => all + day[part][hour], 0);
  return Array.from({ length: 24 }, (_, hour) => ({ hour, all: sum('inbound', hour), missed: sum('unanswered', hour) }));
}
