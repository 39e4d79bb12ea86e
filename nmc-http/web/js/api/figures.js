/**
 * Figures as the view shows them: `GET /v1/analytics/summary` as `{ at, widgets: [{ title, unit, value, before, points }] }`, where
 * `points` are `[{ at, value }]` by day, and numbers are numbers. What has no value is left out.
 */

import { get } from './client.js';

/** Key figures that are sums of days, and the sums. */
const BY_DAY = { calls: 'nmc.calls_inbound', missed_calls: 'nmc.calls_unanswered' };

export async function summary(period) {
  const told = await get('/v1/analytics/summary', { period });
  const widgets = told.kpis.filter((kpi) => kpi.value !== null).map((kpi) => ({
    title: kpi.label,
    unit: kpi.unit,
    value: Number(kpi.value),
    before: kpi.before === null ? null : Number(kpi.before),
    points: kpi.name in BY_DAY ? told.days.map((day) => ({ at: day.from, value: Number(day.figures[BY_DAY[kpi.name]] ?? 0) })) : [],
  }));
  return { at: told.rolled_up_at, widgets };
}
