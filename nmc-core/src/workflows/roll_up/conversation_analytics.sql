-- The figures of each conversation that was opened in the spans from $2 until $3, in place of those that are stored. What people told stays. $4 is now.
INSERT INTO conversation_analytics AS a (tenant_id, conversation_id, call_id, message_count, ai_message_count, human_message_count,
                                         conversation_duration, resolution_status, conversation_date, processed_at, created_at, updated_at)
SELECT $1, c.id, c.first_call_id, texts.all, texts.ai, texts.human, floor(extract(epoch FROM c.closed_at - c.created_at)),
    CASE WHEN c.status IN ('resolved', 'closed') THEN 'resolved' ELSE 'in_progress' END, c.created_at, $4, $4, $4
FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
JOIN conversations AS c ON c.tenant_id = $1 AND c.created_at >= span.since AND c.created_at < span.before
CROSS JOIN LATERAL (
    SELECT count(*) AS all, count(*) FILTER (WHERE m.ai_generated) AS ai,
        count(*) FILTER (WHERE m.message_kind = 'message' AND NOT m.ai_generated) AS human
    FROM messages AS m
    WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_status NOT IN ('queued', 'scheduled', 'canceled')
) AS texts
ON CONFLICT (tenant_id, conversation_id) DO UPDATE
SET call_id = excluded.call_id, message_count = excluded.message_count, ai_message_count = excluded.ai_message_count,
    human_message_count = excluded.human_message_count, conversation_duration = excluded.conversation_duration,
    -- That it was passed on or given up, people told.
    resolution_status = CASE WHEN a.resolution_status IN ('escalated', 'abandoned') THEN a.resolution_status ELSE excluded.resolution_status END,
    conversation_date = excluded.conversation_date, processed_at = excluded.processed_at, updated_at = excluded.updated_at
WHERE (a.call_id, a.message_count, a.ai_message_count, a.human_message_count, a.conversation_duration, a.conversation_date, a.resolution_status)
    IS DISTINCT FROM (excluded.call_id, excluded.message_count, excluded.ai_message_count, excluded.human_message_count,
        excluded.conversation_duration, excluded.conversation_date,
        CASE WHEN a.resolution_status IN ('escalated', 'abandoned') THEN a.resolution_status ELSE excluded.resolution_status END)
