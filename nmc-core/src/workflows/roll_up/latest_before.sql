-- When the last of what is counted happened before $2, or somewhat later. A call that was recorded while it went on began within two hours of that.
SELECT greatest(
    (SELECT least(recorded.last + interval '2 hours', $2 - interval '1 microsecond')
     FROM (SELECT max(created_at) AS last FROM calls WHERE tenant_id = $1 AND created_at < $2 + interval '2 hours') AS recorded
     WHERE recorded.last IS NOT NULL),
    (SELECT max(started_at) FROM calls
     WHERE tenant_id = $1 AND started_at < $2 AND created_at - started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'),
    (SELECT max(created_at) FROM conversations WHERE tenant_id = $1 AND created_at < $2),
    (SELECT max(closed_at) FROM conversations WHERE tenant_id = $1 AND closed_at < $2),
    (SELECT max(created_at) FROM messages WHERE tenant_id = $1 AND created_at < $2 AND message_kind <> 'greeting'),
    (SELECT max(created_at) FROM messages WHERE tenant_id = $1 AND created_at < $2 AND message_kind <> 'message' AND message_kind = 'greeting'),
    (SELECT max(created_at) FROM consents WHERE tenant_id = $1 AND created_at < $2 AND action = 'opt_out')
) AS at
