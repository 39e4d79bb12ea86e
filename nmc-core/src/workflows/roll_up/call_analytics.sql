-- The figures of each call that began in the spans from $2 until $3, in place of those that are stored. What people told stays. $4 is now.
WITH spans AS MATERIALIZED (
    SELECT span.since, span.before FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
), ended AS (
    SELECT c.* FROM spans CROSS JOIN LATERAL (
        -- By the beginning, as facts.sql has it.
        SELECT live.* FROM calls AS live
        WHERE live.tenant_id = $1 AND live.created_at >= spans.since - interval '2 hours' AND live.created_at < spans.before + interval '2 hours'
            AND (live.created_at - live.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours') IS NOT TRUE
            AND coalesce(live.started_at, live.created_at) >= spans.since AND coalesce(live.started_at, live.created_at) < spans.before
        UNION ALL
        SELECT late.* FROM calls AS late
        WHERE late.tenant_id = $1 AND late.started_at >= spans.since AND late.started_at < spans.before
            AND late.created_at - late.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'
        OFFSET 0
    ) AS c
    WHERE c.outcome IS NOT NULL OR c.call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')
), figures AS (
    SELECT c.id, c.conversation_id, customer.phone, c.call_type, coalesce(c.outcome, 'completed') AS status, c.duration_seconds,
        CASE WHEN c.price_unit = 'USD' THEN round(c.price, 2) END AS cost, coalesce(c.started_at, c.created_at) AS at
    FROM ended AS c
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.phone ~ '^\+[1-9][0-9]{6,14}$' AND p.phone <> '+266696687' THEN p.phone END AS phone
        FROM (SELECT CASE c.call_direction WHEN 'inbound' THEN c.caller_phone ELSE c.called_phone END AS phone) AS p
    ) AS customer
)
INSERT INTO call_analytics (tenant_id, call_id, conversation_id, phone_number, call_type, call_status, call_duration, cost_per_call, call_date,
                                 processed_at, created_at, updated_at)
SELECT $1, f.id, f.conversation_id, f.phone, f.call_type, f.status, f.duration_seconds, f.cost, f.at, $4, $4, $4
FROM figures AS f
-- What is as it was is not touched.
LEFT JOIN LATERAL (SELECT s.* FROM call_analytics AS s WHERE s.tenant_id = $1 AND s.call_id = f.id LIMIT 1) AS stored ON true
WHERE (stored.conversation_id, stored.phone_number, stored.call_type, stored.call_status, stored.call_duration, stored.cost_per_call, stored.call_date)
    IS DISTINCT FROM (f.conversation_id, f.phone, f.call_type, f.status, f.duration_seconds, f.cost, f.at)
-- Sorted, so that all is looked up before the first row is written: the indexes of an empty table seem alike, and by the wrong one each
-- look-up would pass over all that was written before.
ORDER BY f.id
ON CONFLICT (tenant_id, call_id) DO UPDATE
SET conversation_id = excluded.conversation_id, phone_number = excluded.phone_number, call_type = excluded.call_type,
    call_status = excluded.call_status, call_duration = excluded.call_duration, cost_per_call = excluded.cost_per_call,
    call_date = excluded.call_date, processed_at = excluded.processed_at, updated_at = excluded.updated_at
