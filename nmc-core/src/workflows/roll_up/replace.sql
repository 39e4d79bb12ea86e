-- Puts the figures in place of those that are stored of the spans at the kept level. What is as it was is not touched.
, stored AS (
    SELECT m.* FROM spans CROSS JOIN LATERAL (
        SELECT s.id, s.timestamp, s.metric_name, s.metric_value, s.period_end, s.dimensions FROM analytics_metrics AS s
        WHERE s.tenant_id = $1 AND s.aggregation_level = (SELECT level FROM kept) AND s.timestamp >= spans.since AND s.timestamp < spans.before
            AND s.metric_name LIKE 'nmc.%'
        OFFSET 0
    ) AS m
), changed AS MATERIALIZED (
    SELECT stored.id, f.since, f.before, f.type, f.name, f.value, f.dimensions
    FROM stored FULL JOIN figures AS f ON f.since = stored.timestamp AND f.name = stored.metric_name
    WHERE (stored.metric_value, stored.period_end, stored.dimensions) IS DISTINCT FROM (round(f.value, 4), f.before, f.dimensions)
), gone AS (
    DELETE FROM analytics_metrics AS m
    WHERE m.tenant_id = $1 AND m.id = ANY (ARRAY(SELECT changed.id FROM changed WHERE changed.name IS NULL))
)
INSERT INTO analytics_metrics AS m (tenant_id, metric_type, metric_name, metric_value, dimensions, aggregation_level, timestamp, period_start,
                                    period_end, created_at, updated_at)
SELECT $1, f.type, f.name, f.value, f.dimensions, kept.level, f.since, f.since, f.before, kept.now, kept.now
FROM changed AS f CROSS JOIN kept WHERE f.name IS NOT NULL
ON CONFLICT (tenant_id, metric_type, metric_name, timestamp, aggregation_level) DO UPDATE
SET metric_value = excluded.metric_value, dimensions = excluded.dimensions, updated_at = excluded.updated_at,
    period_start = excluded.period_start, period_end = excluded.period_end
