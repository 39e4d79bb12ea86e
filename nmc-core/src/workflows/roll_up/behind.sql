-- The rows behind the figures named $10, the first $11 after $12 and $13 in the order of their instants: what each counts as. Of the number, or
-- the person, $14 alone, unless that is null.
, behind AS (
    SELECT 'call' AS kind, id, at, figure.name, figure.value FROM call_facts CROSS JOIN LATERAL (VALUES
        ('nmc.calls_inbound', inbound::numeric), ('nmc.calls_answered', answered), ('nmc.calls_missed', missed),
        ('nmc.calls_voicemail', voicemail), ('nmc.calls_abandoned', abandoned), ('nmc.calls_blocked', blocked), ('nmc.calls_failed', failed),
        ('nmc.calls_unanswered', unanswered), ('nmc.calls_texted_back', texted_back), ('nmc.calls_replied', replied),
        ('nmc.calls_converted', converted), ('nmc.calls_talk_seconds', talk_seconds), ('nmc.calls_outbound', outbound),
        ('nmc.calls_cost', cost), ('nmc.revenue', revenue), ('nmc.revenue_unanswered', revenue_unanswered)
    ) AS figure (name, value)
    UNION ALL
    SELECT 'conversation', id, at, figure.name, figure.value FROM opened CROSS JOIN LATERAL (VALUES
        ('nmc.conversations_opened', opened::numeric), ('nmc.conversations_responded', responded),
        ('nmc.first_response_seconds', response_seconds), ('nmc.first_response_open_seconds', response_open_seconds)
    ) AS figure (name, value)
    UNION ALL
    SELECT 'conversation', id, at, figure.name, figure.value FROM resolved CROSS JOIN LATERAL (VALUES
        ('nmc.conversations_resolved', resolved::numeric), ('nmc.resolution_seconds', resolution_seconds),
        ('nmc.resolution_open_seconds', resolution_open_seconds)
    ) AS figure (name, value)
    UNION ALL
    SELECT 'message', id, at, figure.name, figure.value FROM text_facts CROSS JOIN LATERAL (VALUES
        ('nmc.texts_received', received::numeric), ('nmc.texts_sent', sent), ('nmc.texts_failed', failed), ('nmc.texts_cost', cost)
    ) AS figure (name, value)
    UNION ALL
    SELECT 'consent', id, at, 'nmc.opt_outs', opt_outs FROM opt_outs
)
SELECT kind, id, at, jsonb_object_agg(name, value::text) AS counts
FROM behind
WHERE value <> 0 AND name = ANY ($10) AND (at, id) > ($12, $13) AND CASE
    WHEN $14::text IS NULL THEN true
    WHEN kind = 'call' THEN EXISTS (SELECT FROM calls AS c WHERE c.tenant_id = $1 AND c.id = behind.id AND c.called_phone = $14)
    ELSE EXISTS (SELECT FROM conversations AS c WHERE c.tenant_id = $1 AND c.id = behind.id AND c.assigned_to::text = $14)
END
GROUP BY kind, id, at
ORDER BY at, id LIMIT $11
