-- Puts them in place of the hours that are stored. $5 are the ends of the hours, $9 is now.
, gone AS (
    DELETE FROM analytics_metrics AS m
    WHERE m.tenant_id = $1 AND m.aggregation_level = 'hourly' AND m.timestamp = ANY ($4) AND m.metric_name LIKE 'nmc.%'
        AND NOT EXISTS (SELECT FROM figures AS f WHERE ($4::timestamptz[])[f.place] = m.timestamp AND f.name = m.metric_name)
)
INSERT INTO analytics_metrics AS m (tenant_id, metric_type, metric_name, metric_value, aggregation_level, timestamp, period_start, period_end,
                                    created_at, updated_at)
SELECT $1, f.type, f.name, f.value, 'hourly', ($4::timestamptz[])[f.place], ($4::timestamptz[])[f.place], ($5::timestamptz[])[f.place], $9, $9
FROM figures AS f
ON CONFLICT (tenant_id, metric_type, metric_name, timestamp, aggregation_level) DO UPDATE
SET metric_value = excluded.metric_value, updated_at = excluded.updated_at, period_start = excluded.period_start, period_end = excluded.period_end
WHERE m.metric_value <> excluded.metric_value OR m.period_end <> excluded.period_end
