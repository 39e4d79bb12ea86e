-- What telephony has to know beyond the first build: settings of answering and texting, what providers say of calls and texts,
-- the media of a text, how fast a number may send, and how far the provider's own lists have been read.

ALTER TABLE business_settings
    ADD COLUMN call_screening VARCHAR(20) NOT NULL DEFAULT 'key_press',
    ADD COLUMN auto_resolve_days INTEGER NOT NULL DEFAULT 14,
    ADD COLUMN allowed_countries TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN daily_text_limit INTEGER NOT NULL DEFAULT 500,
    ADD COLUMN daily_person_limit INTEGER NOT NULL DEFAULT 5,
    ADD COLUMN texting_starts_at TIME NOT NULL DEFAULT '08:00',
    ADD COLUMN texting_ends_at TIME NOT NULL DEFAULT '21:00',
    ADD COLUMN greeting_at_any_hour BOOLEAN NOT NULL DEFAULT true,
    ADD CONSTRAINT business_settings_call_screening_check
        CHECK (call_screening IN ('key_press', 'machine_detection', 'none')),
    ADD CONSTRAINT business_settings_auto_resolve_days_check CHECK (auto_resolve_days BETWEEN 0 AND 365),
    ADD CONSTRAINT business_settings_allowed_countries_check
        CHECK (cardinality(allowed_countries) <= 50 AND array_position(allowed_countries, NULL) IS NULL),
    ADD CONSTRAINT business_settings_daily_text_limit_check CHECK (daily_text_limit BETWEEN 0 AND 100000),
    ADD CONSTRAINT business_settings_daily_person_limit_check CHECK (daily_person_limit BETWEEN 0 AND 100),
    ADD CONSTRAINT business_settings_texting_ends_at_check CHECK (texting_starts_at < texting_ends_at);
COMMENT ON COLUMN business_settings.call_screening IS
    'How a forwarded call proves that a person took it, and not a voicemail: key_press (the leg is asked to press a key before it '
    'is connected), machine_detection (the provider listens) or none.';
COMMENT ON COLUMN business_settings.auto_resolve_days IS
    'Days without any event after which an open conversation is resolved, 0 to 365; 0: never.';
COMMENT ON COLUMN business_settings.allowed_countries IS
    'ISO 3166 codes of the countries that automatic texts may go to; empty: the country of the number that was called.';
COMMENT ON COLUMN business_settings.daily_text_limit IS 'Automatic texts sent in 24 hours at most, 0 to 100000.';
COMMENT ON COLUMN business_settings.daily_person_limit IS 'Automatic texts to one person in 24 hours at most, 0 to 100.';
COMMENT ON COLUMN business_settings.texting_starts_at IS
    'Local time in the person''s zone from which automatic texts may go out that do not answer a call just missed.';
COMMENT ON COLUMN business_settings.texting_ends_at IS 'Local time in the person''s zone from which those texts wait; after the start.';
COMMENT ON COLUMN business_settings.greeting_at_any_hour IS
    'Whether the answer to a call that was missed just now may go out at any hour; false: those hours hold for it, too.';

ALTER TABLE calls
    ADD COLUMN forwarded_leg_bridged BOOLEAN,
    ADD COLUMN error_code INTEGER,
    ADD COLUMN stir_verstat VARCHAR(50);
COMMENT ON COLUMN calls.forwarded_leg_bridged IS
    'Whether the caller was connected with the forwarded leg; false is no answer, whatever the leg''s status. NULL: not told.';
COMMENT ON COLUMN calls.error_code IS
    'The provider''s error of the forwarded leg, such as 13224: the number it was forwarded to is invalid. NULL: none.';
COMMENT ON COLUMN calls.stir_verstat IS
    'The carriers'' verdict on the caller ID (STIR/SHAKEN), such as TN-Validation-Passed-A. One that failed is possible spam.';

-- An index whose column changes its type would be spelled anew by the server.
DROP INDEX conversations_open_key;
ALTER TABLE conversations
    ALTER COLUMN customer_phone TYPE VARCHAR(255),
    ADD COLUMN review_requested_at TIMESTAMPTZ;
CREATE UNIQUE INDEX conversations_open_key ON conversations (tenant_id, customer_phone) WHERE status IN ('active', 'waiting');
COMMENT ON COLUMN conversations.customer_phone IS
    'The person: E.164 in the one spelling that stands for all of theirs (+52, not +521), a short code, or the name of a sender.';
COMMENT ON COLUMN conversations.review_requested_at IS
    'When a text came that may be an opt-out; until staff have decided, the person gets no automatic text. NULL: nothing to decide.';
CREATE INDEX conversations_review_customer_phone_idx ON conversations (tenant_id, customer_phone)
    WHERE review_requested_at IS NOT NULL;

ALTER TABLE conversation_events DROP CONSTRAINT conversation_events_event_type_check;
ALTER TABLE conversation_events ADD CONSTRAINT conversation_events_event_type_check CHECK (event_type IN (
    'call_started', 'call_ended', 'note_added', 'status_changed', 'priority_changed', 'assigned', 'unassigned',
    'tag_added', 'tag_removed', 'customer_info_updated',
    'opened', 'message_received', 'message_queued', 'message_failed', 'outcome_changed', 'opted_out', 'opted_in',
    'not_texted', 'review_requested', 'review_settled', 'forwarding_failed'));

ALTER TABLE messages
    ALTER COLUMN from_number TYPE VARCHAR(255),
    ALTER COLUMN to_number TYPE VARCHAR(255),
    ADD COLUMN channel VARCHAR(10) NOT NULL DEFAULT 'sms',
    ADD COLUMN price DECIMAL(10,4),
    ADD COLUMN price_unit VARCHAR(10) NOT NULL DEFAULT 'USD',
    ADD CONSTRAINT messages_channel_check CHECK (channel IN ('sms', 'rcs', 'whatsapp')),
    ADD CONSTRAINT messages_price_check CHECK (price >= 0);
COMMENT ON COLUMN messages.channel IS 'How it travelled: sms (pictures included), rcs or whatsapp.';
COMMENT ON COLUMN messages.price IS 'What the provider charged, in price_unit; NULL while that is not known.';
COMMENT ON COLUMN messages.price_unit IS 'ISO 4217 code.';
COMMENT ON COLUMN messages.message_kind IS
    'greeting (after a missed call; one living greeting per call), keyword_reply (to HELP) or message.';
COMMENT ON COLUMN messages.lease_owner IS
    'The claim of the worker that sends it, or that has sent it without hearing what came of it; only while queued.';
COMMENT ON COLUMN messages.lease_expires_at IS
    'Until this instant it may be on its way to the provider; from then on it is in doubt, and looked up at next_attempt_at.';
DROP INDEX messages_greeting_key;
CREATE UNIQUE INDEX messages_call_id_greeting_key ON messages (tenant_id, call_id)
    WHERE message_kind = 'greeting' AND message_status NOT IN ('failed', 'undelivered', 'canceled');
CREATE INDEX messages_inbound_from_number_created_at_idx ON messages (tenant_id, from_number, created_at DESC)
    WHERE message_direction = 'inbound';
CREATE INDEX messages_automatic_created_at_idx ON messages (tenant_id, created_at) WHERE message_kind <> 'message';

CREATE TABLE message_media (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    media_url TEXT NOT NULL,
    content_type VARCHAR(100),
    size_bytes INTEGER,
    content_hash VARCHAR(64),
    status VARCHAR(20) NOT NULL DEFAULT 'waiting',
    error_message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT message_media_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT message_media_message_id_position_key UNIQUE (tenant_id, message_id, position),
    CONSTRAINT message_media_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT message_media_message_id_fkey
        FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT message_media_position_check CHECK (position >= 0),
    CONSTRAINT message_media_media_url_check CHECK (media_url <> ''),
    CONSTRAINT message_media_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT message_media_status_check CHECK (status IN ('waiting', 'kept', 'unavailable')),
    CONSTRAINT message_media_content_hash_check CHECK (status <> 'kept' OR content_hash IS NOT NULL AND size_bytes IS NOT NULL),
    CONSTRAINT message_media_attempts_check CHECK (attempts >= 0),
    CONSTRAINT message_media_next_attempt_at_check CHECK (status <> 'waiting' OR next_attempt_at IS NOT NULL),
    CONSTRAINT message_media_lease_owner_check CHECK (lease_owner IS NULL OR status = 'waiting'),
    CONSTRAINT message_media_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
COMMENT ON TABLE message_media IS
    'One picture, sound or document of a text. The waiting rows are the queue of a worker that fetches the bytes from the provider.';
COMMENT ON COLUMN message_media.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN message_media.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN message_media.message_id IS 'The text it came with.';
COMMENT ON COLUMN message_media.position IS 'Its place among the media of the text, from 0.';
COMMENT ON COLUMN message_media.media_url IS 'Where the provider keeps it; only the provider''s account may fetch it.';
COMMENT ON COLUMN message_media.content_type IS
    'Media type: as the provider says; once kept, as its first bytes say. NULL when nobody knows.';
COMMENT ON COLUMN message_media.size_bytes IS 'Its size; NULL until it is kept.';
COMMENT ON COLUMN message_media.content_hash IS 'SHA-256 of its bytes in hexadecimal, which names its file; NULL until it is kept.';
COMMENT ON COLUMN message_media.status IS
    'waiting (to be fetched), kept (its bytes are in the uploads) or unavailable (gone, too large, or of a kind that is not kept).';
COMMENT ON COLUMN message_media.error_message IS 'Why the last attempt to fetch it failed, in plain words.';
COMMENT ON COLUMN message_media.attempts IS 'Attempts to fetch it.';
COMMENT ON COLUMN message_media.next_attempt_at IS 'Not fetched before this instant; set while waiting.';
COMMENT ON COLUMN message_media.lease_owner IS 'The claim of the worker that fetches it now.';
COMMENT ON COLUMN message_media.lease_expires_at IS 'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN message_media.created_at IS 'When the row was written.';
COMMENT ON COLUMN message_media.updated_at IS 'Last change; moves by trigger.';
CREATE INDEX message_media_waiting_next_attempt_at_idx ON message_media (tenant_id, next_attempt_at) WHERE status = 'waiting';
CREATE TRIGGER message_media_touch_updated_at BEFORE UPDATE ON message_media
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('message_media');
SELECT public.nmc_protect_table('message_media');

CREATE TABLE number_pacing (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    phone_number VARCHAR(20) NOT NULL,
    free_at TIMESTAMPTZ NOT NULL,
    held_until TIMESTAMPTZ,
    hold_reason TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT number_pacing_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT number_pacing_phone_number_key UNIQUE (tenant_id, phone_number),
    CONSTRAINT number_pacing_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT number_pacing_phone_number_check CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    CONSTRAINT number_pacing_hold_reason_check CHECK ((held_until IS NULL) = (hold_reason IS NULL))
);
COMMENT ON TABLE number_pacing IS
    'When a number of a tenant may send its next text: providers take about one text a second from it, and refuse those of one that '
    'is not registered. A number that has never sent has no row.';
COMMENT ON COLUMN number_pacing.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN number_pacing.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN number_pacing.phone_number IS 'The sending number, E.164 with the plus sign.';
COMMENT ON COLUMN number_pacing.free_at IS 'From this instant on it may send again.';
COMMENT ON COLUMN number_pacing.held_until IS 'Its texts wait until this instant, for the reason in hold_reason. NULL: they do not.';
COMMENT ON COLUMN number_pacing.hold_reason IS 'Why its texts wait, in plain words.';
COMMENT ON COLUMN number_pacing.created_at IS 'When the row was written.';
COMMENT ON COLUMN number_pacing.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER number_pacing_touch_updated_at BEFORE UPDATE ON number_pacing
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('number_pacing');
SELECT public.nmc_protect_table('number_pacing');

CREATE TABLE catch_up_marks (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    provider VARCHAR(20) NOT NULL,
    messages_until TIMESTAMPTZ NOT NULL,
    calls_until TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT catch_up_marks_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT catch_up_marks_provider_key UNIQUE (tenant_id, provider),
    CONSTRAINT catch_up_marks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE catch_up_marks IS
    'How far the provider''s own lists of texts and calls have been read for a tenant: what came before is recorded here, even if '
    'no webhook told of it. One row for each provider, from the first reading on.';
COMMENT ON COLUMN catch_up_marks.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN catch_up_marks.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN catch_up_marks.provider IS 'Whose lists, such as twilio.';
COMMENT ON COLUMN catch_up_marks.messages_until IS 'Texts that the provider got before this instant have been read.';
COMMENT ON COLUMN catch_up_marks.calls_until IS 'Calls that the provider got before this instant have been read.';
COMMENT ON COLUMN catch_up_marks.created_at IS 'When the row was written.';
COMMENT ON COLUMN catch_up_marks.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER catch_up_marks_touch_updated_at BEFORE UPDATE ON catch_up_marks
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('catch_up_marks');
SELECT public.nmc_protect_table('catch_up_marks');

-- Whose number it was at some time: rows that are released count, too.
CREATE INDEX phone_numbers_phone_number_idx ON phone_numbers (phone_number);

-- One person, one spelling. Where both have an open conversation already, the older spelling's goes on until it is resolved.
SELECT public.nmc_enter_system();
UPDATE conversations AS c
    SET customer_phone = regexp_replace(c.customer_phone, '^\+(52)1|^\+(54)9', '+\1\2')
    WHERE c.customer_phone ~ '^\+(521|549)[0-9]{10}$' AND NOT EXISTS (
        SELECT FROM conversations AS other
        WHERE other.tenant_id = c.tenant_id AND other.status IN ('active', 'waiting') AND c.status IN ('active', 'waiting')
          AND other.customer_phone = regexp_replace(c.customer_phone, '^\+(52)1|^\+(54)9', '+\1\2'));
SET LOCAL ROLE NONE;
