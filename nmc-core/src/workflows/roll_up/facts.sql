-- What counts, a row each, with what it counts as. $1 is the tenant; $2 and $3 are spans, from and until; $6, $7 and $8 are when the
-- business is open: from, until, and the seconds that it was open before. OFFSET 0 and LIMIT 1 have the rows of each span, and of each call,
-- found by their index, whatever is known of the tables: of a business that has just come, nothing is.
spans AS MATERIALIZED (
    SELECT span.since, span.before FROM unnest($2::timestamptz[], $3::timestamptz[]) AS span (since, before)
), all_calls AS (
    -- By the beginning: those that were recorded while they went on are found by when that was, the late ones have an index.
    SELECT c.* FROM spans CROSS JOIN LATERAL (
        SELECT live.id, coalesce(live.started_at, live.created_at) AS at, live.call_direction, live.call_status, live.outcome, live.conversation_id,
            live.called_phone, live.duration_seconds, live.price, live.price_unit
        FROM calls AS live
        WHERE live.tenant_id = $1 AND live.created_at >= spans.since - interval '2 hours' AND live.created_at < spans.before + interval '2 hours'
            AND (live.created_at - live.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours') IS NOT TRUE
        UNION ALL
        SELECT late.id, late.started_at, late.call_direction, late.call_status, late.outcome, late.conversation_id,
            late.called_phone, late.duration_seconds, late.price, late.price_unit
        FROM calls AS late
        WHERE late.tenant_id = $1 AND late.started_at >= spans.since AND late.started_at < spans.before
            AND late.created_at - late.started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'
        OFFSET 0
    ) AS c
    WHERE c.at >= spans.since AND c.at < spans.before
),
call_facts AS (
    SELECT c.id, c.at,
        CASE WHEN c.inbound THEN 1 ELSE 0 END AS inbound,
        CASE WHEN c.inbound AND c.outcome = 'answered' THEN 1 ELSE 0 END AS answered,
        CASE WHEN c.inbound AND c.outcome = 'missed' THEN 1 ELSE 0 END AS missed,
        CASE WHEN c.inbound AND c.outcome = 'voicemail' THEN 1 ELSE 0 END AS voicemail,
        CASE WHEN c.inbound AND c.outcome = 'abandoned' THEN 1 ELSE 0 END AS abandoned,
        CASE WHEN c.inbound AND c.outcome = 'blocked' THEN 1 ELSE 0 END AS blocked,
        CASE WHEN c.inbound AND c.outcome = 'failed' THEN 1 ELSE 0 END AS failed,
        CASE WHEN c.unanswered THEN 1 ELSE 0 END AS unanswered,
        CASE WHEN greeting.at IS NOT NULL THEN 1 ELSE 0 END AS texted_back,
        CASE WHEN greeting.at IS NOT NULL AND EXISTS (
            SELECT FROM messages AS reply
            WHERE reply.tenant_id = $1 AND reply.conversation_id = c.conversation_id AND reply.message_direction = 'inbound'
                AND reply.created_at > greeting.at AND reply.created_at <= greeting.at + interval '168 hours'
        ) THEN 1 ELSE 0 END AS replied,
        CASE WHEN c.unanswered AND told.conversion_status = 'converted' THEN 1 ELSE 0 END AS converted,
        CASE WHEN c.inbound AND c.outcome = 'answered' THEN coalesce(c.duration_seconds, 0) ELSE 0 END AS talk_seconds,
        CASE WHEN c.call_direction = 'outbound' AND c.call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')
            THEN 1 ELSE 0 END AS outbound,
        CASE WHEN c.price_unit = 'USD' THEN coalesce(c.price, 0) ELSE 0 END AS cost,
        CASE WHEN c.inbound THEN coalesce(told.revenue_impact, 0) ELSE 0 END AS revenue,
        CASE WHEN c.unanswered THEN coalesce(told.revenue_impact, 0) ELSE 0 END AS revenue_unanswered
    FROM (
        SELECT *, call_direction = 'inbound' AND outcome IS NOT NULL AS inbound,
            call_direction = 'inbound' AND outcome IN ('missed', 'voicemail', 'abandoned') AS unanswered
        FROM all_calls
    ) AS c
    LEFT JOIN LATERAL (
        SELECT a.conversion_status, a.revenue_impact FROM call_analytics AS a WHERE a.tenant_id = $1 AND a.call_id = c.id LIMIT 1
    ) AS told ON true
    LEFT JOIN LATERAL (
        SELECT min(m.created_at) AS at FROM messages AS m
        WHERE c.unanswered AND m.tenant_id = $1 AND m.call_id = c.id AND m.message_kind = 'greeting'
            AND m.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read')
    ) AS greeting ON true
), opened AS (
    SELECT c.id, c.created_at AS at, 1 AS opened,
        CASE WHEN response.at IS NOT NULL THEN 1 ELSE 0 END AS responded,
        coalesce(floor(extract(epoch FROM response.at - asked.at)), 0) AS response_seconds,
        coalesce(floor(until_response.seconds - until_asked.seconds), 0) AS response_open_seconds
    FROM spans
    CROSS JOIN LATERAL (
        SELECT o.id, o.created_at FROM conversations AS o
        WHERE o.tenant_id = $1 AND o.created_at >= spans.since AND o.created_at < spans.before OFFSET 0
    ) AS c
    LEFT JOIN LATERAL (
        SELECT m.created_at AS at FROM messages AS m
        WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_direction = 'inbound' ORDER BY m.created_at LIMIT 1
    ) AS asked ON true
    LEFT JOIN LATERAL (
        SELECT m.created_at AS at FROM messages AS m
        WHERE m.tenant_id = $1 AND m.conversation_id = c.id AND m.message_direction = 'outbound' AND m.message_kind = 'message'
            AND m.message_status IN ('accepted', 'sending', 'sent', 'delivered', 'partially_delivered', 'read') AND m.created_at > asked.at
        ORDER BY m.created_at LIMIT 1
    ) AS response ON true
    LEFT JOIN LATERAL (SELECT width_bucket(asked.at, $6::timestamptz[]) AS day WHERE response.at IS NOT NULL) AS asked_on ON true
    LEFT JOIN LATERAL (SELECT width_bucket(response.at, $6::timestamptz[]) AS day WHERE response.at IS NOT NULL) AS response_on ON true
    LEFT JOIN LATERAL (
        SELECT CASE asked_on.day WHEN 0 THEN 0 ELSE ($8::bigint[])[asked_on.day]
            + extract(epoch FROM least(asked.at, ($7::timestamptz[])[asked_on.day]) - ($6::timestamptz[])[asked_on.day]) END AS seconds
    ) AS until_asked ON true
    LEFT JOIN LATERAL (
        SELECT CASE response_on.day WHEN 0 THEN 0 ELSE ($8::bigint[])[response_on.day]
            + extract(epoch FROM least(response.at, ($7::timestamptz[])[response_on.day]) - ($6::timestamptz[])[response_on.day]) END AS seconds
    ) AS until_response ON true
), resolved AS (
    SELECT c.id, c.closed_at AS at, 1 AS resolved, floor(extract(epoch FROM c.closed_at - c.created_at)) AS resolution_seconds,
        floor(until_closed.seconds - until_opened.seconds) AS resolution_open_seconds
    FROM spans
    CROSS JOIN LATERAL (
        SELECT r.id, r.created_at, r.closed_at FROM conversations AS r
        WHERE r.tenant_id = $1 AND r.closed_at >= spans.since AND r.closed_at < spans.before OFFSET 0
    ) AS c
    CROSS JOIN LATERAL (
        SELECT width_bucket(c.created_at, $6::timestamptz[]) AS opened_on, width_bucket(c.closed_at, $6::timestamptz[]) AS closed_on
    ) AS days
    CROSS JOIN LATERAL (
        SELECT CASE days.opened_on WHEN 0 THEN 0 ELSE ($8::bigint[])[days.opened_on]
            + extract(epoch FROM least(c.created_at, ($7::timestamptz[])[days.opened_on]) - ($6::timestamptz[])[days.opened_on]) END AS seconds
    ) AS until_opened
    CROSS JOIN LATERAL (
        SELECT CASE days.closed_on WHEN 0 THEN 0 ELSE ($8::bigint[])[days.closed_on]
            + extract(epoch FROM least(c.closed_at, ($7::timestamptz[])[days.closed_on]) - ($6::timestamptz[])[days.closed_on]) END AS seconds
    ) AS until_closed
), text_facts AS (
    SELECT m.id, m.created_at AS at,
        CASE WHEN m.message_direction = 'inbound' THEN 1 ELSE 0 END AS received,
        CASE WHEN m.message_direction = 'outbound' AND m.message_status NOT IN ('queued', 'scheduled', 'canceled') THEN 1 ELSE 0 END AS sent,
        CASE WHEN m.message_status IN ('undelivered', 'failed') THEN 1 ELSE 0 END AS failed,
        CASE WHEN m.price_unit = 'USD' THEN coalesce(m.price, 0) ELSE 0 END AS cost
    FROM spans CROSS JOIN LATERAL (
        -- Greetings and others stand in two indexes.
        SELECT o.id, o.created_at, o.message_direction, o.message_status, o.price, o.price_unit FROM messages AS o
        WHERE o.tenant_id = $1 AND o.created_at >= spans.since AND o.created_at < spans.before AND o.message_kind <> 'greeting'
        UNION ALL
        SELECT g.id, g.created_at, g.message_direction, g.message_status, g.price, g.price_unit FROM messages AS g
        WHERE g.tenant_id = $1 AND g.created_at >= spans.since AND g.created_at < spans.before
            AND g.message_kind <> 'message' AND g.message_kind = 'greeting'
        OFFSET 0
    ) AS m
), opt_outs AS (
    SELECT c.id, c.created_at AS at, 1 AS opt_outs
    FROM spans CROSS JOIN LATERAL (
        SELECT o.id, o.created_at FROM consents AS o
        WHERE o.tenant_id = $1 AND o.action = 'opt_out' AND o.created_at >= spans.since AND o.created_at < spans.before OFFSET 0
    ) AS c
)
