ALTER TABLE conversations
    DROP CONSTRAINT conversations_status_check,
    DROP CONSTRAINT conversations_priority_check,
    DROP CONSTRAINT conversations_channel_check,
    DROP CONSTRAINT conversations_closed_at_check,
    ADD CONSTRAINT conversations_status_check CHECK (status IN ('active', 'waiting', 'resolved', 'closed')),
    ADD CONSTRAINT conversations_priority_check CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    ADD CONSTRAINT conversations_channel_check CHECK (channel IN ('phone', 'sms', 'email', 'web')),
    ADD CONSTRAINT conversations_closed_at_check CHECK (closed_at IS NULL OR status IN ('resolved', 'closed'));

ALTER TABLE calls
    DROP CONSTRAINT calls_call_direction_check,
    DROP CONSTRAINT calls_call_status_check,
    DROP CONSTRAINT calls_call_type_check,
    DROP CONSTRAINT calls_outcome_check,
    DROP CONSTRAINT calls_outcome_call_status_check,
    DROP CONSTRAINT calls_forwarded_leg_status_check,
    ADD CONSTRAINT calls_call_direction_check CHECK (call_direction IN ('inbound', 'outbound')),
    ADD CONSTRAINT calls_call_status_check
        CHECK (call_status IN ('initiated', 'ringing', 'in-progress', 'completed', 'busy', 'no-answer', 'failed', 'canceled')),
    ADD CONSTRAINT calls_call_type_check CHECK (call_type IN ('voice', 'conference', 'forwarded')),
    ADD CONSTRAINT calls_outcome_check
        CHECK (outcome IN ('answered', 'missed', 'voicemail', 'abandoned', 'blocked', 'failed')),
    ADD CONSTRAINT calls_outcome_call_status_check
        CHECK (outcome IS NULL OR call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')),
    ADD CONSTRAINT calls_forwarded_leg_status_check
        CHECK (forwarded_leg_status IN ('completed', 'answered', 'busy', 'no-answer', 'failed', 'canceled'));

ALTER TABLE messages
    DROP CONSTRAINT messages_message_direction_check,
    DROP CONSTRAINT messages_message_kind_check,
    DROP CONSTRAINT messages_message_status_check,
    DROP CONSTRAINT messages_message_status_message_direction_check,
    DROP CONSTRAINT messages_channel_check,
    ADD CONSTRAINT messages_message_direction_check CHECK (message_direction IN ('inbound', 'outbound')),
    ADD CONSTRAINT messages_message_kind_check CHECK (message_kind IN ('greeting', 'keyword_reply', 'message')),
    ADD CONSTRAINT messages_message_status_check CHECK (message_status IN (
            'queued', 'scheduled', 'accepted', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'canceled',
            'receiving', 'received', 'read', 'partially_delivered')),
    ADD CONSTRAINT messages_message_status_message_direction_check
        CHECK ((message_status IN ('receiving', 'received')) = (message_direction = 'inbound')),
    ADD CONSTRAINT messages_channel_check CHECK (channel IN ('sms', 'rcs', 'whatsapp'));

ALTER TABLE conversation_events
    DROP CONSTRAINT conversation_events_event_type_check,
    ADD CONSTRAINT conversation_events_event_type_check CHECK (event_type IN (
            'call_started', 'call_ended', 'note_added', 'status_changed', 'priority_changed', 'assigned', 'unassigned',
            'tag_added', 'tag_removed', 'customer_info_updated', 'opened', 'message_received', 'message_queued',
            'message_failed', 'outcome_changed', 'opted_out', 'opted_in', 'not_texted', 'review_requested',
            'review_settled', 'forwarding_failed'));

ALTER INDEX conversations_priority_idx RENAME TO conversations_priority_partial_idx;
ALTER INDEX conversations_channel_idx RENAME TO conversations_channel_partial_idx;
ALTER INDEX conversations_assigned_to_idx RENAME TO conversations_assigned_to_partial_idx;
ALTER INDEX calls_call_status_idx RENAME TO calls_call_status_partial_idx;
ALTER INDEX calls_call_direction_call_status_idx
    RENAME TO calls_call_direction_call_status_partial_idx;
ALTER INDEX conversation_events_event_type_idx
    RENAME TO conversation_events_event_type_partial_idx;
ALTER INDEX conversation_events_created_by_idx
    RENAME TO conversation_events_created_by_partial_idx;
ALTER INDEX messages_created_by_idx RENAME TO messages_created_by_partial_idx;
CREATE INDEX conversations_priority_idx ON conversations (tenant_id, priority);
CREATE INDEX conversations_channel_idx ON conversations (tenant_id, channel);
CREATE INDEX conversations_assigned_to_idx ON conversations (tenant_id, assigned_to);
CREATE INDEX calls_call_status_idx ON calls (tenant_id, call_status);
CREATE INDEX calls_call_direction_call_status_idx ON calls (tenant_id, call_direction, call_status);
CREATE INDEX conversation_events_event_type_idx ON conversation_events (tenant_id, event_type);
CREATE INDEX conversation_events_created_by_idx ON conversation_events (tenant_id, created_by);
CREATE INDEX messages_created_by_idx ON messages (tenant_id, created_by);
CREATE INDEX conversations_status_idx ON conversations (tenant_id, status);

CREATE INDEX conversations_tags_idx ON conversations USING GIN (tags);
CREATE INDEX conversation_events_event_data_idx ON conversation_events USING GIN (event_data);

ALTER TABLE alert_history ADD CONSTRAINT alert_history_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE alerts ADD CONSTRAINT alerts_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE call_metadata ADD CONSTRAINT call_metadata_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE call_participants ADD CONSTRAINT call_participants_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE conversation_events ADD CONSTRAINT conversation_events_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE message_media ADD CONSTRAINT message_media_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE notifications ADD CONSTRAINT notifications_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE user_preferences ADD CONSTRAINT user_preferences_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE user_profiles ADD CONSTRAINT user_profiles_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE user_sessions ADD CONSTRAINT user_sessions_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE user_status ADD CONSTRAINT user_status_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
