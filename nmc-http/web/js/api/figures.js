/**
 * The one place that knows how the server tells its figures: whatever shape `GET /v1/analytics/summary` has, the view gets
 * `{ widgets: [{ name, value, before, points }] }`, where `points` are `[{ at, value }]`, and numbers are numbers.
 */

import { get } from './client.js';

export async function summary(period) {
  const told = await get('/v1/analytics/summary', { period });
  const list = told.widgets ?? told.items ?? told;
  const widgets = Array.isArray(list) ? list : Object.entries(list).map(([name, value]) => (value !== null && typeof value === 'object' ? { name, ...value } : { name, value }));
  return { widgets: widgets.map(widget).filter((one) => one.value !== null || one.points.length > 0) };
}

function widget(told) {
  const points = told.points ?? told.series ?? told.data ?? [];
  return {
    name: String(told.name ?? told.widget ?? told.title ?? ''),
    value: numeric(told.value ?? told.current ?? told.total),
    before: numeric(told.before ?? told.previous ?? told.previous_value),
    points: Array.isArray(points) ? points.map((point) => ({ at: point.at ?? point.from ?? point.day ?? '', value: numeric(point.value ?? point.count) ?? 0 })) : [],
  };
}

function numeric(value) {
  const number = value === null || value === undefined || value === '' ? NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}
