-- Sums up what is stored at the level $2 for the spans from $4 until $5, in place of what is stored for them at the level $3. $6 is now.
WITH spans AS MATERIALIZED (
    SELECT span.since, span.before FROM unnest($4::timestamptz[], $5::timestamptz[]) AS span (since, before)
), figures AS MATERIALIZED (
    SELECT spans.since, spans.before, m.metric_type, m.metric_name, m.dimensions, sum(m.metric_value) AS value
    FROM spans
    JOIN analytics_metrics AS m ON m.tenant_id = $1 AND m.aggregation_level = $2 AND m.timestamp >= spans.since AND m.timestamp < spans.before
    WHERE m.metric_name LIKE 'nmc.%'
    GROUP BY spans.since, spans.before, m.metric_type, m.metric_name, m.dimensions
    HAVING sum(m.metric_value) <> 0
), gone AS (
    DELETE FROM analytics_metrics AS m
    WHERE m.tenant_id = $1 AND m.aggregation_level = $3 AND m.timestamp = ANY ($4) AND m.metric_name LIKE 'nmc.%'
        -- Days have their figures by dimension from elsewhere.
        AND ($3 <> 'daily' OR m.metric_name NOT LIKE '%/%')
        AND NOT EXISTS (SELECT FROM figures AS f WHERE f.since = m.timestamp AND f.metric_name = m.metric_name)
)
INSERT INTO analytics_metrics AS m (tenant_id, metric_type, metric_name, metric_value, dimensions, aggregation_level, timestamp, period_start,
                                    period_end, created_at, updated_at)
SELECT $1, f.metric_type, f.metric_name, f.value, f.dimensions, $3, f.since, f.since, f.before, $6, $6
FROM figures AS f
ON CONFLICT (tenant_id, metric_type, metric_name, timestamp, aggregation_level) DO UPDATE
SET metric_value = excluded.metric_value, dimensions = excluded.dimensions, updated_at = excluded.updated_at,
    period_start = excluded.period_start, period_end = excluded.period_end
WHERE m.metric_value <> excluded.metric_value OR m.period_end <> excluded.period_end OR m.dimensions <> excluded.dimensions
