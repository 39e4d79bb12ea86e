-- When the last happened that lies $4 rows before $3, in the span from $2. $1 is the tenant.
SELECT greatest(
    (SELECT created_at FROM calls WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3 ORDER BY created_at DESC OFFSET $4 LIMIT 1),
    (SELECT started_at FROM calls
     WHERE tenant_id = $1 AND started_at >= $2 AND started_at < $3 AND created_at - started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours'
     ORDER BY started_at DESC OFFSET $4 LIMIT 1),
    (SELECT created_at FROM messages
     WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3 AND message_kind <> 'greeting' ORDER BY created_at DESC OFFSET $4 LIMIT 1),
    (SELECT created_at FROM conversations
     WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3 ORDER BY created_at DESC OFFSET $4 LIMIT 1),
    (SELECT closed_at FROM conversations
     WHERE tenant_id = $1 AND closed_at >= $2 AND closed_at < $3 ORDER BY closed_at DESC OFFSET $4 LIMIT 1)
) AS at
