-- The figures by number and by person, of the rows of the spans.
, by_number AS (
    SELECT spans.since, spans.before, c.called_phone, count(*) AS inbound, count(*) FILTER (WHERE c.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE c.outcome IN ('missed', 'voicemail', 'abandoned')) AS unanswered
    FROM spans CROSS JOIN LATERAL (
        SELECT live.called_phone, live.outcome FROM calls AS live
        WHERE live.tenant_id = $1 AND live.created_at >= spans.since - interval '2 hours' AND live.created_at < spans.before + interval '2 hours'
            AND (live.created_at - live.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours') IS NOT TRUE
            AND coalesce(live.started_at, live.created_at) >= spans.since AND coalesce(live.started_at, live.created_at) < spans.before
            AND live.call_direction = 'inbound' AND live.outcome IS NOT NULL
        UNION ALL
        SELECT late.called_phone, late.outcome FROM calls AS late
        WHERE late.tenant_id = $1 AND late.started_at >= spans.since AND late.started_at < spans.before
            AND late.created_at - late.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'
            AND late.call_direction = 'inbound' AND late.outcome IS NOT NULL
        OFFSET 0
    ) AS c
    -- What was called otherwise, a SIP address, can be longer than a name.
    WHERE c.called_phone ~ '^\+[1-9][0-9]{6,14}$'
    GROUP BY spans.since, spans.before, c.called_phone
), opened AS (
    SELECT spans.since, spans.before, c.assigned_to, count(*) AS opened
    FROM spans CROSS JOIN LATERAL (
        SELECT o.assigned_to FROM conversations AS o
        WHERE o.tenant_id = $1 AND o.created_at >= spans.since AND o.created_at < spans.before AND o.assigned_to IS NOT NULL OFFSET 0
    ) AS c
    GROUP BY spans.since, spans.before, c.assigned_to
), resolved AS (
    SELECT spans.since, spans.before, c.assigned_to, count(*) AS resolved
    FROM spans CROSS JOIN LATERAL (
        SELECT r.assigned_to FROM conversations AS r
        WHERE r.tenant_id = $1 AND r.closed_at >= spans.since AND r.closed_at < spans.before AND r.assigned_to IS NOT NULL OFFSET 0
    ) AS c
    GROUP BY spans.since, spans.before, c.assigned_to
), by_dimension AS (
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
)
