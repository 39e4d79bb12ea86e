-- Calls, and twice as many texts, of a year, in the businesses of scale.businesses: one has a tenth, the others share the rest. Two calls and
-- four texts make a conversation; whose they are is as good as random, so that the rows of a business lie among all others', as they do when they
-- come in by and by. {calls}, {begun} and {step} are replaced. Two parts in the middle are done at the same time.

CREATE FUNCTION scale.whose(j bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE WHEN (j * 2654435761 % 4294967296 >> 8) % 10 = 0 THEN 0 ELSE (1 + (j * 2654435761 % 4294967296 >> 8) % 999)::int END $$;
CREATE FUNCTION scale.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT lpad(to_hex(n), 32, '0')::uuid $$;
CREATE FUNCTION scale.customer(j bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '+1212' || 2000000 + j % 7999999 $$;
CREATE FUNCTION scale.at(j bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz '{begun}' + j * interval '{step} microseconds' $$;
-- The first words are in most sentences, the last in few.
CREATE TABLE scale.sentences AS
    SELECT n, string_agg(translate(substr(md5((1 + floor(5000 * power(random(), 3)))::int::text), 1, 6), '0123456789', 'ghijklmnop'), ' ') AS body
    FROM generate_series(0, 10006) AS n, generate_series(1, 6 + n % 5) GROUP BY n;
ALTER TABLE scale.sentences ADD words text[];
UPDATE scale.sentences SET words = ARRAY(SELECT DISTINCT unnest(public.nmc_words(body)));
ANALYZE scale.businesses, scale.sentences;

-- beside
INSERT INTO messages (id, tenant_id, conversation_id, call_id, message_sid, message_body, message_direction, message_kind, from_number, to_number,
        message_status, sent_at, created_at, updated_at)
    SELECT scale.id(m), b.id, scale.id(j), CASE WHEN is_greeting THEN scale.id(i) END, 'SMf' || lpad(m::text, 31, '0'),
        CASE WHEN is_greeting THEN 'Hello! We have missed your call, and will call you back.' ELSE s.body END,
        CASE WHEN is_ours THEN 'outbound' ELSE 'inbound' END, CASE WHEN is_greeting THEN 'greeting' ELSE 'message' END,
        CASE WHEN is_ours THEN b.number ELSE scale.customer(j) END, CASE WHEN is_ours THEN scale.customer(j) ELSE b.number END,
        CASE WHEN NOT is_ours THEN 'received' WHEN m % 211 = 0 THEN 'failed' ELSE 'delivered' END, at, at, at
    FROM generate_series(1::bigint, {calls} * 2) AS m
    CROSS JOIN LATERAL (SELECT (m + 1) / 2 AS i, (m + 3) / 4 AS j, m % 2 = 1 AS is_ours) AS k
    CROSS JOIN LATERAL (SELECT is_ours AND i % 4 <> 3 AND i % 500 <> 0 AS is_greeting,
        scale.at(j) + (m - 4 * j + 4) * interval '20 minutes' AS at) AS t
    JOIN scale.businesses AS b ON b.n = scale.whose(j) JOIN scale.sentences AS s ON s.n = m % 10007;

-- beside
INSERT INTO conversations (id, tenant_id, customer_phone, channel, status, priority, assigned_to, review_requested_at, customer_name, tags,
        first_call_id, last_call_id, total_calls, created_at, updated_at)
    SELECT scale.id(j), b.id, scale.customer(j), CASE WHEN j % 1009 = 0 THEN 'email' WHEN j % 11 = 0 THEN 'sms' ELSE 'phone' END,
        CASE WHEN j > {calls} / 2 * 351 / 365 AND j % 3 > 0 THEN CASE WHEN j % 6 = 1 THEN 'waiting' ELSE 'active' END
            WHEN j % 2 = 0 THEN 'resolved' ELSE 'closed' END,
        CASE WHEN j % 20 = 0 THEN 'urgent' ELSE 'normal' END, CASE WHEN j % 2 = 0 THEN b.staff END,
        CASE WHEN j % 5003 = 7 THEN now() END, CASE WHEN b.n = 0 AND j % 2 = 0 THEN split_part(s.body, ' ', 1) || ' ' || split_part(s.body, ' ', 2) END,
        CASE WHEN j % 10007 = 3 THEN '{rare}'::text[] WHEN j % 10 = 1 THEN '{often}' ELSE '{}' END,
        scale.id(2 * j - 1), scale.id(2 * j), 2, scale.at(j), scale.at(j) + interval '2 hours'
    FROM generate_series(1::bigint, {calls} / 2) AS j
    JOIN scale.businesses AS b ON b.n = scale.whose(j) JOIN scale.sentences AS s ON s.n = j % 10007;
INSERT INTO conversation_tags (tenant_id, conversation_id, tag, created_at)
    SELECT tenant_id, id, tag, created_at FROM conversations, unnest(tags) AS tag;
-- One customer in 40 has opted out, of these one in 50 in again.
INSERT INTO consents (tenant_id, customer_phone, action, source, created_at)
    SELECT c.tenant_id, c.customer_phone, action, 'keyword', c.created_at FROM conversations AS c,
        unnest(CASE WHEN right(c.customer_phone, 4)::int % 2000 = 7 THEN ARRAY['opt_out', 'opt_in'] ELSE ARRAY['opt_out'] END) AS action
    WHERE right(c.customer_phone, 4)::int % 40 = 7;
-- A log, and what staff have read, of the open conversations.
INSERT INTO conversation_events (tenant_id, conversation_id, event_type, created_at)
    SELECT tenant_id, id, 'message_received', updated_at FROM conversations WHERE status IN ('active', 'waiting');
INSERT INTO conversation_reads (tenant_id, user_id, conversation_id, read_at)
    SELECT c.tenant_id, b.staff, c.id, c.updated_at FROM conversations AS c JOIN scale.businesses AS b ON b.id = c.tenant_id WHERE c.status = 'waiting';
INSERT INTO calls (id, tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, twilio_call_sid,
        duration_seconds, started_at, ended_at, created_at, updated_at)
    SELECT scale.id(i), b.id, scale.id(j), CASE WHEN is_ours THEN b.number ELSE scale.customer(j) END,
        CASE WHEN is_ours THEN scale.customer(j) ELSE b.number END, CASE WHEN is_ours THEN 'outbound' ELSE 'inbound' END,
        CASE WHEN i > {calls} - 40 THEN 'ringing' WHEN i % 4 = 3 THEN 'completed' WHEN i % 25 = 1 THEN 'busy' ELSE 'no-answer' END,
        CASE WHEN i > {calls} - 40 THEN NULL WHEN i % 100 = 3 THEN 'voicemail' WHEN i % 4 = 3 THEN 'answered' ELSE 'missed' END,
        'CAf' || lpad(i::text, 31, '0'), CASE WHEN i % 4 = 3 THEN 90 ELSE 0 END, at, at + interval '90 seconds', at, at
    FROM generate_series(1::bigint, {calls}) AS i
    CROSS JOIN LATERAL (SELECT (i + 1) / 2 AS j, i % 500 = 0 AS is_ours) AS k
    CROSS JOIN LATERAL (SELECT scale.at(j) + (i - 2 * j + 1) * interval '40 minutes' AS at) AS t
    JOIN scale.businesses AS b ON b.n = scale.whose(j);

-- after
-- Of the business that is measured alone, in the order of their key: those of others would not be read, and take more room than all the rest.
INSERT INTO message_terms (tenant_id, term, created_at, message_id)
    SELECT m.tenant_id, word, m.created_at, m.id FROM messages AS m JOIN scale.sentences AS s ON s.body = m.message_body, unnest(s.words) AS word
    WHERE m.tenant_id = (SELECT id FROM scale.businesses WHERE n = 0) AND m.message_kind <> 'greeting' ORDER BY 1, 2, 3, 4;
INSERT INTO conversation_terms (tenant_id, term, created_at, conversation_id)
    SELECT DISTINCT c.tenant_id, word, c.created_at, c.id FROM conversations AS c, unnest(string_to_array(c.customer_name, ' ')) AS word
    WHERE c.customer_name IS NOT NULL ORDER BY 1, 2, 3, 4;
