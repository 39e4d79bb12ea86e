-- The figures of each conversation that was opened in the spans from $2 until $3, in place of those that are stored. What people told stays. $4 is now.
WITH figures AS (
    SELECT c.id, c.first_call_id, texts.all, texts.ai, texts.human, floor(extract(epoch FROM c.closed_at - c.created_at)) AS seconds,
        CASE WHEN c.status IN ('resolved', 'closed') THEN 'resolved' ELSE 'in_progress' END AS status, c.created_at
    FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
    CROSS JOIN LATERAL (
        SELECT o.id, o.first_call_id, o.closed_at, o.created_at, o.status FROM conversations AS o
        WHERE o.tenant_id = $1 AND o.created_at >= span.since AND o.created_at < span.before OFFSET 0
    ) AS c
    CROSS JOIN LATERAL (
        SELECT count(*) AS all, count(*) FILTER (WHERE m.ai_generated) AS ai,
            count(*) FILTER (WHERE m.message_direction = 'outbound' AND m.message_kind = 'message' AND NOT m.ai_generated) AS human
        FROM messages AS m
        WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_status NOT IN ('queued', 'scheduled', 'canceled')
    ) AS texts
)
INSERT INTO conversation_analytics AS a (tenant_id, conversation_id, call_id, message_count, ai_message_count, human_message_count,
                                         conversation_duration, resolution_status, conversation_date, processed_at, created_at, updated_at)
SELECT $1, f.id, f.first_call_id, f.all, f.ai, f.human, f.seconds, f.status, f.created_at, $4, $4, $4
FROM figures AS f
-- What is as it was is not touched.
LEFT JOIN LATERAL (SELECT s.* FROM conversation_analytics AS s WHERE s.tenant_id = $1 AND s.conversation_id = f.id LIMIT 1) AS stored ON true
WHERE (stored.call_id, stored.message_count, stored.ai_message_count, stored.human_message_count, stored.conversation_duration,
        stored.conversation_date, stored.resolution_status)
    IS DISTINCT FROM (f.first_call_id, f.all, f.ai, f.human, f.seconds, f.created_at,
        CASE WHEN stored.resolution_status IN ('escalated', 'abandoned') THEN stored.resolution_status ELSE f.status END)
-- Sorted, so that all is looked up before the first row is written: the indexes of an empty table seem alike, and by the wrong one each
-- look-up would pass over all that was written before.
ORDER BY f.id
ON CONFLICT (tenant_id, conversation_id) DO UPDATE
SET call_id = excluded.call_id, message_count = excluded.message_count, ai_message_count = excluded.ai_message_count,
    human_message_count = excluded.human_message_count, conversation_duration = excluded.conversation_duration,
    -- That it was passed on or given up, people told.
    resolution_status = CASE WHEN a.resolution_status IN ('escalated', 'abandoned') THEN a.resolution_status ELSE excluded.resolution_status END,
    conversation_date = excluded.conversation_date, processed_at = excluded.processed_at, updated_at = excluded.updated_at
