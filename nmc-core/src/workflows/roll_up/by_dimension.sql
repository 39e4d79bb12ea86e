-- The figures by number and by person of the days from $2 until $3, in place of those that are stored. $4 is now.
WITH spans AS MATERIALIZED (
    SELECT span.since, span.before FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
), by_number AS (
    SELECT c.since, c.before, c.called_phone, count(*) AS inbound, count(*) FILTER (WHERE c.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE c.outcome IN ('missed', 'voicemail', 'abandoned')) AS unanswered
    FROM (
        SELECT spans.since, spans.before, live.called_phone, live.outcome
        FROM spans JOIN calls AS live ON live.tenant_id = $1 AND live.created_at >= spans.since - interval '2 hours'
            AND live.created_at < spans.before + interval '2 hours'
        WHERE (live.created_at - live.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours') IS NOT TRUE
            AND coalesce(live.started_at, live.created_at) >= spans.since AND coalesce(live.started_at, live.created_at) < spans.before
            AND live.call_direction = 'inbound' AND live.outcome IS NOT NULL
        UNION ALL
        SELECT spans.since, spans.before, late.called_phone, late.outcome
        FROM spans JOIN calls AS late ON late.tenant_id = $1 AND late.started_at >= spans.since AND late.started_at < spans.before
        WHERE late.created_at - late.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'
            AND late.call_direction = 'inbound' AND late.outcome IS NOT NULL
    ) AS c
    -- What was called otherwise, a SIP address, can be longer than a name.
    WHERE c.called_phone ~ '^\+[1-9][0-9]{6,14}$'
    GROUP BY c.since, c.before, c.called_phone
), opened AS (
    SELECT spans.since, spans.before, c.assigned_to, count(*) AS opened
    FROM spans JOIN conversations AS c ON c.tenant_id = $1 AND c.created_at >= spans.since AND c.created_at < spans.before
    WHERE c.assigned_to IS NOT NULL GROUP BY spans.since, spans.before, c.assigned_to
), resolved AS (
    SELECT spans.since, spans.before, c.assigned_to, count(*) AS resolved
    FROM spans JOIN conversations AS c ON c.tenant_id = $1 AND c.closed_at >= spans.since AND c.closed_at < spans.before
    WHERE c.assigned_to IS NOT NULL GROUP BY spans.since, spans.before, c.assigned_to
), figures AS MATERIALIZED (
    SELECT since, before, 'call' AS type, figure.name || '/' || called_phone AS name, figure.value,
        jsonb_build_object('number', called_phone) AS dimensions
    FROM by_number CROSS JOIN LATERAL (VALUES
        ('nmc.calls_inbound', inbound), ('nmc.calls_answered', answered), ('nmc.calls_unanswered', unanswered)
    ) AS figure (name, value) WHERE figure.value <> 0
    UNION ALL
    SELECT since, before, 'conversation', 'nmc.conversations_opened/' || assigned_to, opened, jsonb_build_object('assignee', assigned_to) FROM opened
    UNION ALL
    SELECT since, before, 'conversation', 'nmc.conversations_resolved/' || assigned_to, resolved, jsonb_build_object('assignee', assigned_to)
    FROM resolved
), gone AS (
    DELETE FROM analytics_metrics AS m
    WHERE m.tenant_id = $1 AND m.aggregation_level = 'daily' AND m.timestamp = ANY ($2) AND m.metric_name LIKE 'nmc.%/%'
        AND NOT EXISTS (SELECT FROM figures AS f WHERE f.since = m.timestamp AND f.name = m.metric_name)
)
INSERT INTO analytics_metrics AS m (tenant_id, metric_type, metric_name, metric_value, dimensions, aggregation_level, timestamp, period_start,
                                    period_end, created_at, updated_at)
SELECT $1, f.type, f.name, f.value, f.dimensions, 'daily', f.since, f.since, f.before, $4, $4
FROM figures AS f
ON CONFLICT (tenant_id, metric_type, metric_name, timestamp, aggregation_level) DO UPDATE
SET metric_value = excluded.metric_value, updated_at = excluded.updated_at, period_start = excluded.period_start, period_end = excluded.period_end
WHERE m.metric_value <> excluded.metric_value OR m.period_end <> excluded.period_end
