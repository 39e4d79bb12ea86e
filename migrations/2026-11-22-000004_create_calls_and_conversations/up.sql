-- Calls, the conversations they open, the messages in them, and who agreed to be texted.

CREATE TABLE conversations (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    customer_phone VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'active',
    subject TEXT,
    priority VARCHAR(10) NOT NULL DEFAULT 'normal',
    channel VARCHAR(10) NOT NULL DEFAULT 'phone',
    assigned_to UUID,
    first_call_id UUID,
    last_call_id UUID,
    total_calls INTEGER NOT NULL DEFAULT 0,
    total_duration_seconds INTEGER NOT NULL DEFAULT 0,
    customer_name VARCHAR(255),
    customer_email VARCHAR(255),
    customer_address TEXT,
    notes TEXT,
    tags TEXT[] NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    closed_at TIMESTAMPTZ,
    CONSTRAINT conversations_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT conversations_assigned_to_fkey
        FOREIGN KEY (tenant_id, assigned_to) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT conversations_customer_phone_check CHECK (customer_phone <> ''),
    CONSTRAINT conversations_status_check CHECK (status IN ('active', 'waiting', 'resolved', 'closed')),
    CONSTRAINT conversations_priority_check CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    CONSTRAINT conversations_channel_check CHECK (channel IN ('phone', 'sms', 'email', 'web')),
    CONSTRAINT conversations_total_calls_check CHECK (total_calls >= 0),
    CONSTRAINT conversations_total_duration_seconds_check CHECK (total_duration_seconds >= 0),
    CONSTRAINT conversations_tags_check CHECK (array_position(tags, NULL) IS NULL),
    CONSTRAINT conversations_closed_at_check CHECK (closed_at IS NULL OR status IN ('resolved', 'closed'))
);
COMMENT ON TABLE conversations IS
    'All calls and messages with one customer about one matter. A customer has at most one open (active or waiting) '
    'conversation with a tenant.';
COMMENT ON COLUMN conversations.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN conversations.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN conversations.customer_phone IS 'E.164 as a rule; a short code when one of those wrote.';
COMMENT ON COLUMN conversations.status IS 'active, waiting (both open), resolved or closed.';
COMMENT ON COLUMN conversations.subject IS 'What it is about.';
COMMENT ON COLUMN conversations.priority IS 'low, normal, high or urgent.';
COMMENT ON COLUMN conversations.channel IS 'How it began: phone, sms, email or web.';
COMMENT ON COLUMN conversations.assigned_to IS 'The user who looks after it; NULL: nobody yet.';
COMMENT ON COLUMN conversations.first_call_id IS 'The call that opened it; NULL when a message did.';
COMMENT ON COLUMN conversations.last_call_id IS 'The latest call in it.';
COMMENT ON COLUMN conversations.total_calls IS 'Number of calls in it.';
COMMENT ON COLUMN conversations.total_duration_seconds IS 'Length of all its calls together, in seconds.';
COMMENT ON COLUMN conversations.customer_name IS 'The customer''s name, once known.';
COMMENT ON COLUMN conversations.customer_email IS 'The customer''s e-mail address, once known.';
COMMENT ON COLUMN conversations.customer_address IS 'The customer''s postal address, once known.';
COMMENT ON COLUMN conversations.notes IS 'The staff''s own notes; not shown to the customer.';
COMMENT ON COLUMN conversations.tags IS 'Free labels; no element is NULL.';
COMMENT ON COLUMN conversations.created_at IS 'When the row was written.';
COMMENT ON COLUMN conversations.updated_at IS 'Last change; moves by trigger.';
COMMENT ON COLUMN conversations.closed_at IS 'When it stopped being open; NULL while it is.';

CREATE UNIQUE INDEX conversations_open_key ON conversations (tenant_id, customer_phone) WHERE status IN ('active', 'waiting');
CREATE INDEX conversations_status_idx ON conversations (tenant_id, status);
CREATE INDEX conversations_customer_phone_status_idx ON conversations (tenant_id, customer_phone, status);
CREATE INDEX conversations_assigned_to_idx ON conversations (tenant_id, assigned_to);
CREATE INDEX conversations_first_call_id_idx ON conversations (tenant_id, first_call_id);
CREATE INDEX conversations_last_call_id_idx ON conversations (tenant_id, last_call_id);
CREATE INDEX conversations_priority_idx ON conversations (tenant_id, priority);
CREATE INDEX conversations_channel_idx ON conversations (tenant_id, channel);
CREATE INDEX conversations_tags_idx ON conversations USING GIN (tags);
CREATE INDEX conversations_created_at_idx ON conversations (tenant_id, created_at DESC);
CREATE INDEX conversations_open_updated_at_idx ON conversations (tenant_id, updated_at DESC) WHERE status IN ('active', 'waiting');
CREATE TRIGGER conversations_touch_updated_at BEFORE UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('conversations');
SELECT public.nmc_protect_table('conversations');

CREATE TABLE calls (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    conversation_id UUID,
    caller_phone VARCHAR(255) NOT NULL,
    called_phone VARCHAR(20) NOT NULL,
    call_direction VARCHAR(10) NOT NULL,
    call_status VARCHAR(20) NOT NULL DEFAULT 'initiated',
    call_type VARCHAR(20) NOT NULL DEFAULT 'voice',
    outcome VARCHAR(20),
    forwarded_leg_status VARCHAR(20),
    duration_seconds INTEGER,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    recording_url TEXT,
    recording_duration_seconds INTEGER,
    twilio_call_sid VARCHAR(100),
    caller_name VARCHAR(255),
    caller_city VARCHAR(100),
    caller_state VARCHAR(50),
    caller_country VARCHAR(3) DEFAULT 'US',
    disconnect_reason VARCHAR(100),
    price DECIMAL(10,4),
    price_unit VARCHAR(10) NOT NULL DEFAULT 'USD',
    answered_by VARCHAR(100),
    forwarded_from VARCHAR(20),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT calls_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT calls_twilio_call_sid_key UNIQUE (tenant_id, twilio_call_sid),
    CONSTRAINT calls_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT calls_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT calls_call_direction_check CHECK (call_direction IN ('inbound', 'outbound')),
    CONSTRAINT calls_call_status_check
        CHECK (call_status IN ('initiated', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'failed', 'canceled')),
    CONSTRAINT calls_call_type_check CHECK (call_type IN ('voice', 'conference', 'forwarded')),
    CONSTRAINT calls_outcome_check CHECK (outcome IN ('answered', 'missed', 'voicemail', 'abandoned', 'blocked', 'failed')),
    CONSTRAINT calls_outcome_call_status_check
        CHECK (outcome IS NULL OR call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')),
    CONSTRAINT calls_forwarded_leg_status_check
        CHECK (forwarded_leg_status IN ('completed', 'answered', 'busy', 'no-answer', 'failed', 'canceled')),
    CONSTRAINT calls_duration_seconds_check CHECK (duration_seconds >= 0),
    CONSTRAINT calls_recording_duration_seconds_check CHECK (recording_duration_seconds >= 0),
    CONSTRAINT calls_ended_at_check CHECK (ended_at >= started_at),
    CONSTRAINT calls_price_check CHECK (price >= 0)
);
COMMENT ON TABLE calls IS
    'One phone call, in or out. Webhooks arrive late, twice and out of order; twilio_call_sid tells them apart.';
COMMENT ON COLUMN calls.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN calls.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN calls.conversation_id IS
    'The conversation it belongs to; NULL when nobody could be told, as with an anonymous caller.';
COMMENT ON COLUMN calls.caller_phone IS
    'Who called, as the provider says: E.164, anonymous, a SIP or client address, or a short code.';
COMMENT ON COLUMN calls.called_phone IS 'The number called.';
COMMENT ON COLUMN calls.call_direction IS 'inbound or outbound.';
COMMENT ON COLUMN calls.call_status IS
    'initiated, ringing, in-progress, then one that stays: completed, busy, no-answer, failed or canceled. Never moves back.';
COMMENT ON COLUMN calls.call_type IS 'voice, conference or forwarded.';
COMMENT ON COLUMN calls.outcome IS
    'What came of it: answered, missed, voicemail, abandoned, blocked or failed. NULL until it ends; carrier voicemail also '
    'reports completed, so call_status does not say.';
COMMENT ON COLUMN calls.forwarded_leg_status IS
    'How the leg to the owner''s own phone ended: completed, answered, busy, no-answer, failed or canceled. NULL: no leg '
    'reported.';
COMMENT ON COLUMN calls.duration_seconds IS 'Length in seconds, once it ended.';
COMMENT ON COLUMN calls.started_at IS 'When it began to ring.';
COMMENT ON COLUMN calls.ended_at IS 'When it ended; not before started_at.';
COMMENT ON COLUMN calls.recording_url IS 'Where the provider keeps the recording.';
COMMENT ON COLUMN calls.recording_duration_seconds IS 'Length of the recording in seconds.';
COMMENT ON COLUMN calls.twilio_call_sid IS 'The provider''s id of the call.';
COMMENT ON COLUMN calls.caller_name IS 'Name from caller-id look-up.';
COMMENT ON COLUMN calls.caller_city IS 'City of the caller''s number.';
COMMENT ON COLUMN calls.caller_state IS 'State or province of the caller''s number.';
COMMENT ON COLUMN calls.caller_country IS 'ISO 3166 code; NULL when unknown, as with an anonymous caller.';
COMMENT ON COLUMN calls.disconnect_reason IS 'Why it ended, when the provider says.';
COMMENT ON COLUMN calls.price IS
    'What the provider charged, in price_unit. The provider reports a negative number; here it is positive.';
COMMENT ON COLUMN calls.price_unit IS 'ISO 4217 code.';
COMMENT ON COLUMN calls.answered_by IS 'What the provider thinks answered: human, machine_start, fax, unknown, ….';
COMMENT ON COLUMN calls.forwarded_from IS 'The number that forwarded the call here, when the carrier says.';
COMMENT ON COLUMN calls.created_at IS 'When the row was written.';
COMMENT ON COLUMN calls.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX calls_call_status_idx ON calls (tenant_id, call_status);
CREATE INDEX calls_created_at_idx ON calls (tenant_id, created_at DESC);
CREATE INDEX calls_conversation_id_idx ON calls (tenant_id, conversation_id);
CREATE INDEX calls_caller_phone_idx ON calls (tenant_id, caller_phone);
CREATE INDEX calls_called_phone_idx ON calls (tenant_id, called_phone);
CREATE INDEX calls_call_direction_call_status_idx ON calls (tenant_id, call_direction, call_status);
CREATE INDEX calls_active_created_at_idx ON calls (tenant_id, created_at DESC)
    WHERE call_status IN ('initiated', 'ringing', 'in-progress');
CREATE TRIGGER calls_touch_updated_at BEFORE UPDATE ON calls
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('calls');
SELECT public.nmc_protect_table('calls');

-- Conversations and calls point at each other. Deferred, so that both can be written, or deleted, in one transaction.
ALTER TABLE conversations
    ADD CONSTRAINT conversations_first_call_id_fkey
        FOREIGN KEY (tenant_id, first_call_id) REFERENCES calls (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT conversations_last_call_id_fkey
        FOREIGN KEY (tenant_id, last_call_id) REFERENCES calls (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE call_participants (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    call_id UUID NOT NULL,
    phone_number VARCHAR(255) NOT NULL,
    participant_type VARCHAR(20) NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    left_at TIMESTAMPTZ,
    muted BOOLEAN NOT NULL DEFAULT false,
    on_hold BOOLEAN NOT NULL DEFAULT false,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT call_participants_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT call_participants_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT call_participants_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT call_participants_participant_type_check
        CHECK (participant_type IN ('caller', 'callee', 'agent', 'ai-assistant')),
    CONSTRAINT call_participants_left_at_check CHECK (left_at >= joined_at)
);
COMMENT ON TABLE call_participants IS 'One party''s presence in a call; a party that leaves and comes back has two rows.';
COMMENT ON COLUMN call_participants.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN call_participants.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN call_participants.call_id IS 'The call.';
COMMENT ON COLUMN call_participants.phone_number IS 'Number or address of the party, as in calls.caller_phone.';
COMMENT ON COLUMN call_participants.participant_type IS 'caller, callee, agent or ai-assistant.';
COMMENT ON COLUMN call_participants.joined_at IS 'When the party came in.';
COMMENT ON COLUMN call_participants.left_at IS 'NULL while still in the call.';
COMMENT ON COLUMN call_participants.muted IS 'Whether the party cannot be heard.';
COMMENT ON COLUMN call_participants.on_hold IS 'Whether the party is parked.';
COMMENT ON COLUMN call_participants.created_at IS 'When the row was written.';
COMMENT ON COLUMN call_participants.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX call_participants_call_id_joined_at_idx ON call_participants (tenant_id, call_id, joined_at);
CREATE INDEX call_participants_phone_number_idx ON call_participants (tenant_id, phone_number);
CREATE INDEX call_participants_participant_type_idx ON call_participants (tenant_id, participant_type);
CREATE TRIGGER call_participants_touch_updated_at BEFORE UPDATE ON call_participants
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('call_participants');
SELECT public.nmc_protect_table('call_participants');

CREATE TABLE call_metadata (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    call_id UUID NOT NULL,
    metadata_key VARCHAR(100) NOT NULL,
    metadata_value TEXT NOT NULL,
    metadata_type VARCHAR(20) NOT NULL DEFAULT 'string',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT call_metadata_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT call_metadata_call_id_metadata_key_key UNIQUE (tenant_id, call_id, metadata_key),
    CONSTRAINT call_metadata_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT call_metadata_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT call_metadata_metadata_type_check CHECK (metadata_type IN ('string', 'number', 'boolean', 'json'))
);
COMMENT ON TABLE call_metadata IS 'Facts about a call that have no column: one value per key.';
COMMENT ON COLUMN call_metadata.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN call_metadata.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN call_metadata.call_id IS 'The call.';
COMMENT ON COLUMN call_metadata.metadata_key IS 'Name of the fact; once per call.';
COMMENT ON COLUMN call_metadata.metadata_value IS 'The value as text, to be read as metadata_type says.';
COMMENT ON COLUMN call_metadata.metadata_type IS 'string, number, boolean or json.';
COMMENT ON COLUMN call_metadata.created_at IS 'When the row was written.';
COMMENT ON COLUMN call_metadata.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX call_metadata_metadata_key_idx ON call_metadata (tenant_id, metadata_key);
CREATE TRIGGER call_metadata_touch_updated_at BEFORE UPDATE ON call_metadata
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('call_metadata');
SELECT public.nmc_protect_table('call_metadata');

CREATE TABLE conversation_events (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    call_id UUID,
    event_type VARCHAR(50) NOT NULL,
    event_data JSONB NOT NULL DEFAULT '{}',
    created_by UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT conversation_events_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversation_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT conversation_events_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT conversation_events_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE SET NULL (call_id),
    CONSTRAINT conversation_events_created_by_fkey
        FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT conversation_events_event_type_check CHECK (event_type IN (
        'call_started', 'call_ended', 'note_added', 'status_changed', 'priority_changed', 'assigned', 'unassigned',
        'tag_added', 'tag_removed', 'customer_info_updated',
        'opened', 'message_received', 'message_queued', 'message_failed', 'outcome_changed', 'opted_out', 'opted_in')),
    CONSTRAINT conversation_events_event_data_check CHECK (jsonb_typeof(event_data) = 'object')
);
COMMENT ON TABLE conversation_events IS 'What happened in a conversation, and who did it. Append-only.';
COMMENT ON COLUMN conversation_events.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN conversation_events.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN conversation_events.conversation_id IS 'The conversation.';
COMMENT ON COLUMN conversation_events.call_id IS 'The call it is about, if any and still on record.';
COMMENT ON COLUMN conversation_events.event_type IS 'What happened; decides the shape of event_data.';
COMMENT ON COLUMN conversation_events.event_data IS 'Object: the details, such as the status before and after.';
COMMENT ON COLUMN conversation_events.created_by IS 'The user who did it; NULL: the system, or the customer.';
COMMENT ON COLUMN conversation_events.created_at IS 'When the row was written.';

CREATE INDEX conversation_events_conversation_id_created_at_idx
    ON conversation_events (tenant_id, conversation_id, created_at DESC);
CREATE INDEX conversation_events_event_type_idx ON conversation_events (tenant_id, event_type);
CREATE INDEX conversation_events_call_id_idx ON conversation_events (tenant_id, call_id);
CREATE INDEX conversation_events_created_by_idx ON conversation_events (tenant_id, created_by);
CREATE INDEX conversation_events_event_data_idx ON conversation_events USING GIN (event_data);
SELECT public.nmc_protect_table('conversation_events', append_only => true);

CREATE TABLE messages (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    call_id UUID,
    message_sid VARCHAR(100),
    message_body TEXT NOT NULL,
    message_direction VARCHAR(20) NOT NULL,
    message_kind VARCHAR(20) NOT NULL DEFAULT 'message',
    from_number VARCHAR(20) NOT NULL,
    to_number VARCHAR(20) NOT NULL,
    message_status VARCHAR(50) NOT NULL,
    delivery_status VARCHAR(50),
    error_code INTEGER,
    error_message TEXT,
    ai_processed BOOLEAN NOT NULL DEFAULT false,
    ai_generated BOOLEAN NOT NULL DEFAULT false,
    ai_confidence DECIMAL(3,2),
    intent_classification VARCHAR(100),
    created_by UUID,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT messages_message_sid_key UNIQUE (tenant_id, message_sid),
    CONSTRAINT messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT messages_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT messages_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE SET NULL (call_id),
    CONSTRAINT messages_created_by_fkey
        FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT messages_message_body_check CHECK (message_direction <> 'outbound' OR char_length(message_body) BETWEEN 1 AND 1600),
    CONSTRAINT messages_message_direction_check CHECK (message_direction IN ('inbound', 'outbound')),
    CONSTRAINT messages_message_kind_check CHECK (message_kind IN ('greeting', 'keyword_reply', 'message')),
    CONSTRAINT messages_message_kind_message_direction_check CHECK (message_kind = 'message' OR message_direction = 'outbound'),
    CONSTRAINT messages_message_status_check CHECK (message_status IN (
        'queued', 'scheduled', 'accepted', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'canceled',
        'receiving', 'received', 'read', 'partially_delivered')),
    CONSTRAINT messages_message_status_message_direction_check
        CHECK ((message_status IN ('receiving', 'received')) = (message_direction = 'inbound')),
    CONSTRAINT messages_ai_confidence_check CHECK (ai_confidence BETWEEN 0 AND 1),
    CONSTRAINT messages_attempts_check CHECK (attempts >= 0),
    CONSTRAINT messages_next_attempt_at_check
        CHECK (message_status <> 'queued' OR message_direction <> 'outbound' OR next_attempt_at IS NOT NULL),
    CONSTRAINT messages_lease_owner_check CHECK (lease_owner IS NULL OR message_status = 'queued'),
    CONSTRAINT messages_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
COMMENT ON TABLE messages IS 'One text message of a conversation. The queued outbound rows are the outbox a worker sends from.';
COMMENT ON COLUMN messages.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN messages.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN messages.conversation_id IS 'The conversation.';
COMMENT ON COLUMN messages.call_id IS 'The call it answers, if any and still on record.';
COMMENT ON COLUMN messages.message_sid IS 'The provider''s id; NULL until the provider has accepted it.';
COMMENT ON COLUMN messages.message_body IS 'The text; outbound 1 to 1600 characters.';
COMMENT ON COLUMN messages.message_direction IS 'inbound or outbound.';
COMMENT ON COLUMN messages.message_kind IS
    'greeting (after a missed call; one living greeting per conversation), keyword_reply (to STOP, HELP and the like) or '
    'message.';
COMMENT ON COLUMN messages.from_number IS 'Sender: E.164, or a short code.';
COMMENT ON COLUMN messages.to_number IS 'Receiver: E.164, or a short code.';
COMMENT ON COLUMN messages.message_status IS
    'The provider''s list. Outbound: queued (here, not handed over yet), scheduled, accepted, sending, sent, delivered, '
    'undelivered, failed, canceled, read, partially_delivered. Inbound: receiving, received.';
COMMENT ON COLUMN messages.delivery_status IS 'The provider''s last word on delivery, verbatim.';
COMMENT ON COLUMN messages.error_code IS 'The provider''s error number.';
COMMENT ON COLUMN messages.error_message IS 'The provider''s error text.';
COMMENT ON COLUMN messages.ai_processed IS 'Whether the AI has read it.';
COMMENT ON COLUMN messages.ai_generated IS 'Whether the AI wrote it.';
COMMENT ON COLUMN messages.ai_confidence IS 'How sure the AI was, 0 to 1.';
COMMENT ON COLUMN messages.intent_classification IS 'What the AI thinks the customer wants.';
COMMENT ON COLUMN messages.created_by IS 'The user who wrote it; NULL: the customer, the system or the AI.';
COMMENT ON COLUMN messages.attempts IS 'Times a worker has tried to hand it over.';
COMMENT ON COLUMN messages.next_attempt_at IS 'Not tried before this instant; set while queued.';
COMMENT ON COLUMN messages.lease_owner IS 'The worker sending it right now; only while queued.';
COMMENT ON COLUMN messages.lease_expires_at IS 'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN messages.sent_at IS 'When the provider accepted it; NULL while queued.';
COMMENT ON COLUMN messages.delivered_at IS 'When the provider reported it delivered.';
COMMENT ON COLUMN messages.created_at IS 'When the row was written.';
COMMENT ON COLUMN messages.updated_at IS 'Last change; moves by trigger.';

CREATE UNIQUE INDEX messages_greeting_key ON messages (tenant_id, conversation_id)
    WHERE message_kind = 'greeting' AND message_status NOT IN ('failed', 'undelivered', 'canceled');
CREATE INDEX messages_conversation_id_created_at_idx ON messages (tenant_id, conversation_id, created_at);
CREATE INDEX messages_call_id_idx ON messages (tenant_id, call_id);
CREATE INDEX messages_created_by_idx ON messages (tenant_id, created_by);
CREATE INDEX messages_outbound_to_number_created_at_idx ON messages (tenant_id, to_number, created_at DESC)
    WHERE message_direction = 'outbound';
CREATE INDEX messages_due_next_attempt_at_idx ON messages (tenant_id, next_attempt_at)
    WHERE message_status = 'queued' AND message_direction = 'outbound';
CREATE TRIGGER messages_touch_updated_at BEFORE UPDATE ON messages
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('messages');
SELECT public.nmc_protect_table('messages');

CREATE TABLE consents (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    customer_phone VARCHAR(20) NOT NULL,
    action VARCHAR(10) NOT NULL,
    source VARCHAR(20) NOT NULL,
    keyword VARCHAR(20),
    message_id UUID,
    recorded_by UUID,
    note TEXT,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT consents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT consents_message_id_fkey
        FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE SET NULL (message_id),
    CONSTRAINT consents_recorded_by_fkey
        FOREIGN KEY (tenant_id, recorded_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT consents_customer_phone_check CHECK (customer_phone ~ '^\+[1-9][0-9]{6,14}$'),
    CONSTRAINT consents_action_check CHECK (action IN ('opt_out', 'opt_in')),
    CONSTRAINT consents_source_check CHECK (source IN ('keyword', 'staff', 'provider'))
);
COMMENT ON TABLE consents IS
    'Ledger of who may be texted. Append-only: the last entry for a person holds, on every number of the tenant; no entry '
    'means yes.';
COMMENT ON COLUMN consents.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN consents.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN consents.customer_phone IS 'E.164, with the plus sign.';
COMMENT ON COLUMN consents.action IS 'opt_out or opt_in.';
COMMENT ON COLUMN consents.source IS
    'How we know: keyword (the customer wrote it), staff (recorded by hand) or provider (it refused to deliver).';
COMMENT ON COLUMN consents.keyword IS 'The word the customer wrote, such as STOP.';
COMMENT ON COLUMN consents.message_id IS 'The message that said so, if any and still on record.';
COMMENT ON COLUMN consents.recorded_by IS 'The user who recorded it by hand.';
COMMENT ON COLUMN consents.note IS 'The staff''s own words on why.';
COMMENT ON COLUMN consents.sequence IS 'Order of the ledger: the clocks of several machines would not agree on one.';
COMMENT ON COLUMN consents.created_at IS 'When the row was written.';

CREATE INDEX consents_customer_phone_sequence_idx ON consents (tenant_id, customer_phone, sequence DESC);
CREATE INDEX consents_message_id_idx ON consents (tenant_id, message_id);
CREATE INDEX consents_recorded_by_idx ON consents (tenant_id, recorded_by);
SELECT public.nmc_protect_table('consents', append_only => true);
