-- Sums up what is stored of the level $2 in the spans from $4 until $5, for the level $3. $1 is the tenant, $6 is now.
kept AS (SELECT $3::text AS level, $6::timestamptz AS now)
, spans AS MATERIALIZED (
    SELECT span.since, span.before FROM unnest($4::timestamptz[], $5::timestamptz[]) AS span (since, before)
), sums AS (
    SELECT spans.since, spans.before, m.metric_type AS type, m.metric_name AS name, sum(m.metric_value) AS value, m.dimensions
    FROM spans CROSS JOIN LATERAL (
        SELECT s.metric_type, s.metric_name, s.metric_value, s.dimensions FROM analytics_metrics AS s
        WHERE s.tenant_id = $1 AND s.aggregation_level = $2 AND s.timestamp >= spans.since AND s.timestamp < spans.before
            AND s.metric_name LIKE 'nmc.%'
        OFFSET 0
    ) AS m
    GROUP BY spans.since, spans.before, m.metric_type, m.metric_name, m.dimensions
    HAVING sum(m.metric_value) <> 0
)
