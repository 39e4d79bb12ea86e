DROP INDEX phone_numbers_phone_number_idx;
DROP TABLE catch_up_marks, number_pacing, message_media;

DROP INDEX messages_automatic_created_at_idx, messages_inbound_from_number_created_at_idx, messages_call_id_greeting_key;
-- The rule of before: one living greeting per conversation. The later ones of today's conversations are history: they stay as texts.
SELECT public.nmc_enter_system();
UPDATE messages AS m SET message_kind = 'message'
    WHERE m.message_kind = 'greeting' AND m.message_status NOT IN ('failed', 'undelivered', 'canceled') AND EXISTS (
        SELECT FROM messages AS earlier
        WHERE earlier.tenant_id = m.tenant_id AND earlier.conversation_id = m.conversation_id
          AND earlier.message_kind = 'greeting' AND earlier.message_status NOT IN ('failed', 'undelivered', 'canceled')
          AND (earlier.created_at, earlier.id) < (m.created_at, m.id));
DELETE FROM conversation_events
    WHERE event_type IN ('not_texted', 'review_requested', 'review_settled', 'forwarding_failed');
UPDATE messages SET from_number = left(from_number, 20), to_number = left(to_number, 20)
    WHERE char_length(from_number) > 20 OR char_length(to_number) > 20;
UPDATE conversations SET customer_phone = left(customer_phone, 20) WHERE char_length(customer_phone) > 20;
SET LOCAL ROLE NONE;
-- The pending checks of deferred keys, which would refuse what follows.
SET CONSTRAINTS ALL IMMEDIATE;
CREATE UNIQUE INDEX messages_greeting_key ON messages (tenant_id, conversation_id)
    WHERE message_kind = 'greeting' AND message_status NOT IN ('failed', 'undelivered', 'canceled');
COMMENT ON COLUMN messages.lease_owner IS 'The worker sending it right now; only while queued.';
COMMENT ON COLUMN messages.lease_expires_at IS 'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN messages.message_kind IS
    'greeting (after a missed call; one living greeting per conversation), keyword_reply (to STOP, HELP and the like) or '
    'message.';
ALTER TABLE messages
    DROP COLUMN price_unit,
    DROP COLUMN price,
    DROP COLUMN channel,
    ALTER COLUMN to_number TYPE VARCHAR(20),
    ALTER COLUMN from_number TYPE VARCHAR(20);

ALTER TABLE conversation_events DROP CONSTRAINT conversation_events_event_type_check;
ALTER TABLE conversation_events ADD CONSTRAINT conversation_events_event_type_check CHECK (event_type IN (
    'call_started', 'call_ended', 'note_added', 'status_changed', 'priority_changed', 'assigned', 'unassigned',
    'tag_added', 'tag_removed', 'customer_info_updated',
    'opened', 'message_received', 'message_queued', 'message_failed', 'outcome_changed', 'opted_out', 'opted_in'));

DROP INDEX conversations_review_customer_phone_idx;
COMMENT ON COLUMN conversations.customer_phone IS 'E.164 as a rule; a short code when one of those wrote.';
DROP INDEX conversations_open_key;
ALTER TABLE conversations
    DROP COLUMN review_requested_at,
    ALTER COLUMN customer_phone TYPE VARCHAR(20);
CREATE UNIQUE INDEX conversations_open_key ON conversations (tenant_id, customer_phone) WHERE status IN ('active', 'waiting');

ALTER TABLE calls
    DROP COLUMN stir_verstat,
    DROP COLUMN error_code,
    DROP COLUMN forwarded_leg_bridged;

ALTER TABLE business_settings
    DROP CONSTRAINT business_settings_texting_ends_at_check,
    DROP COLUMN greeting_at_any_hour,
    DROP COLUMN texting_ends_at,
    DROP COLUMN texting_starts_at,
    DROP COLUMN daily_person_limit,
    DROP COLUMN daily_text_limit,
    DROP COLUMN allowed_countries,
    DROP COLUMN auto_resolve_days,
    DROP COLUMN call_screening;
