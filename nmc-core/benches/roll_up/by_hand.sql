-- What somebody would write who wants the same figures of a year once, but those of open hours and the key figures. Facts as ours are kept, a row
-- for each call and conversation. $t is the tenant.
INSERT INTO call_analytics (tenant_id, call_id, conversation_id, phone_number, call_type, call_status, call_duration, cost_per_call, call_date)
SELECT tenant_id, id, conversation_id, caller_phone, call_type, outcome, duration_seconds, price, coalesce(started_at, created_at)
FROM calls WHERE tenant_id = $t;
INSERT INTO conversation_analytics (tenant_id, conversation_id, call_id, message_count, ai_message_count, human_message_count,
    resolution_status, conversation_date, conversation_duration)
SELECT c.tenant_id, c.id, c.first_call_id, count(*), count(*) FILTER (WHERE m.ai_generated), count(*) FILTER (WHERE m.message_kind = 'message'),
    'resolved', c.created_at, extract(epoch FROM c.closed_at - c.created_at)
FROM conversations AS c JOIN messages AS m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
WHERE c.tenant_id = $t GROUP BY c.tenant_id, c.id, c.first_call_id, c.created_at, c.closed_at;
WITH of_calls AS (
    SELECT date_trunc('hour', coalesce(c.started_at, c.created_at), 'America/New_York') AS hour,
        count(*) FILTER (WHERE inbound) AS inbound, count(*) FILTER (WHERE inbound AND c.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE inbound AND c.outcome = 'missed') AS missed, count(*) FILTER (WHERE inbound AND c.outcome = 'voicemail') AS voicemail,
        count(*) FILTER (WHERE inbound AND c.outcome = 'abandoned') AS abandoned, count(*) FILTER (WHERE inbound AND c.outcome = 'blocked') AS blocked,
        count(*) FILTER (WHERE inbound AND c.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE inbound AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS unanswered,
        count(greeting.id) AS texted_back, count(reply.id) AS replied,
        count(*) FILTER (WHERE inbound AND told.conversion_status = 'converted' AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS converted,
        sum(c.duration_seconds) FILTER (WHERE inbound AND c.outcome = 'answered') AS talk_seconds,
        count(*) FILTER (WHERE NOT inbound AND c.call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')) AS outbound,
        sum(c.price) FILTER (WHERE c.price_unit = 'USD') AS cost, sum(told.revenue_impact) FILTER (WHERE inbound) AS revenue,
        sum(told.revenue_impact) FILTER (WHERE inbound AND c.outcome IN ('missed', 'voicemail', 'abandoned')) AS revenue_unanswered
    FROM (SELECT *, call_direction = 'inbound' AS inbound FROM calls WHERE tenant_id = $t) AS c
    LEFT JOIN call_analytics AS told ON told.tenant_id = $t AND told.call_id = c.id
    LEFT JOIN messages AS greeting ON greeting.tenant_id = $t AND greeting.call_id = c.id AND greeting.message_kind = 'greeting'
        AND greeting.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read')
    LEFT JOIN LATERAL (
        SELECT r.id FROM messages AS r WHERE r.tenant_id = $t AND r.conversation_id = c.conversation_id AND r.message_direction = 'inbound'
            AND r.created_at > greeting.created_at AND r.created_at <= greeting.created_at + interval '168 hours' LIMIT 1
    ) AS reply ON true
    GROUP BY 1
), of_opened AS (
    SELECT date_trunc('hour', c.created_at, 'America/New_York') AS hour, count(*) AS opened, count(response.at) AS responded,
        sum(floor(extract(epoch FROM response.at - asked.at))) AS response_seconds
    FROM conversations AS c
    LEFT JOIN LATERAL (
        SELECT m.created_at AS at FROM messages AS m
        WHERE m.tenant_id = $t AND m.conversation_id = c.id AND m.message_direction = 'inbound' ORDER BY m.created_at LIMIT 1
    ) AS asked ON true
    LEFT JOIN LATERAL (
        SELECT m.created_at AS at FROM messages AS m
        WHERE m.tenant_id = $t AND m.conversation_id = c.id AND m.message_direction = 'outbound' AND m.message_kind = 'message'
            AND m.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read') AND m.created_at > asked.at
        ORDER BY m.created_at LIMIT 1
    ) AS response ON true
    WHERE c.tenant_id = $t GROUP BY 1
), of_resolved AS (
    SELECT date_trunc('hour', closed_at, 'America/New_York') AS hour, count(*) AS resolved,
        sum(floor(extract(epoch FROM closed_at - created_at))) AS resolution_seconds
    FROM conversations WHERE tenant_id = $t AND closed_at < now() GROUP BY 1
), of_texts AS (
    SELECT date_trunc('hour', created_at, 'America/New_York') AS hour, count(*) FILTER (WHERE message_direction = 'inbound') AS received,
        count(*) FILTER (WHERE message_direction = 'outbound' AND message_status NOT IN ('queued', 'scheduled', 'canceled')) AS sent,
        count(*) FILTER (WHERE message_status IN ('undelivered', 'failed')) AS failed, sum(price) FILTER (WHERE price_unit = 'USD') AS cost
    FROM messages WHERE tenant_id = $t GROUP BY 1
), of_opt_outs AS (
    SELECT date_trunc('hour', created_at, 'America/New_York') AS hour, count(*) AS opt_outs
    FROM consents WHERE tenant_id = $t AND action = 'opt_out' GROUP BY 1
), of_numbers AS (
    SELECT date_trunc('hour', coalesce(started_at, created_at), 'America/New_York') AS hour, called_phone, count(*) AS inbound,
        count(*) FILTER (WHERE outcome = 'answered') AS answered, count(*) FILTER (WHERE outcome IN ('missed', 'voicemail', 'abandoned')) AS unanswered
    FROM calls WHERE tenant_id = $t AND call_direction = 'inbound' AND outcome IS NOT NULL GROUP BY 1, 2
), of_people AS (
    SELECT date_trunc('hour', created_at, 'America/New_York') AS hour, assigned_to, 'opened' AS name, count(*) AS value
    FROM conversations WHERE tenant_id = $t AND assigned_to IS NOT NULL GROUP BY 1, 2
    UNION ALL
    SELECT date_trunc('hour', closed_at, 'America/New_York'), assigned_to, 'resolved', count(*)
    FROM conversations WHERE tenant_id = $t AND assigned_to IS NOT NULL AND closed_at < now() GROUP BY 1, 2
), figures AS (
    SELECT hour, 'call' AS type, figure.name, figure.value, '{}'::jsonb AS dimensions FROM of_calls CROSS JOIN LATERAL (VALUES ('inbound', inbound::numeric),
        ('answered', answered), ('missed', missed), ('voicemail', voicemail), ('abandoned', abandoned), ('blocked', blocked), ('failed', failed),
        ('unanswered', unanswered), ('texted_back', texted_back), ('replied', replied), ('converted', converted), ('seconds', talk_seconds),
        ('outbound', outbound), ('cost', cost), ('revenue', revenue), ('revenue_unanswered', revenue_unanswered)) AS figure (name, value)
    UNION ALL
    SELECT hour, 'conversation', figure.name, figure.value, '{}' FROM of_opened CROSS JOIN LATERAL (VALUES
        ('opened', opened::numeric), ('responded', responded), ('response_seconds', response_seconds)) AS figure (name, value)
    UNION ALL
    SELECT hour, 'conversation', figure.name, figure.value, '{}' FROM of_resolved CROSS JOIN LATERAL (VALUES
        ('resolved', resolved::numeric), ('resolution_seconds', resolution_seconds)) AS figure (name, value)
    UNION ALL
    SELECT hour, 'conversation', figure.name, figure.value, '{}' FROM of_texts CROSS JOIN LATERAL (VALUES
        ('received', received::numeric), ('sent', sent), ('failed', failed), ('cost_of_texts', cost)) AS figure (name, value)
    UNION ALL
    SELECT hour, 'conversation', 'opt_outs', opt_outs, '{}' FROM of_opt_outs
    UNION ALL
    SELECT hour, 'call', figure.name || '/' || called_phone, figure.value, jsonb_build_object('number', called_phone)
    FROM of_numbers CROSS JOIN LATERAL (VALUES ('inbound', inbound), ('answered', answered), ('unanswered', unanswered)) AS figure (name, value)
    UNION ALL
    SELECT hour, 'conversation', name || '/' || assigned_to, value, jsonb_build_object('assignee', assigned_to) FROM of_people
)
INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value, dimensions, aggregation_level, timestamp, period_start)
SELECT $t, type, 'hand.' || type || '.' || name, sum(value), dimensions, level, at, at
FROM figures CROSS JOIN (VALUES ('hourly', 'hour'), ('daily', 'day'), ('weekly', 'week'), ('monthly', 'month')) AS levels (level, unit)
CROSS JOIN LATERAL date_trunc(unit, hour, 'America/New_York') AS at
WHERE value <> 0 GROUP BY type, name, dimensions, level, at;
