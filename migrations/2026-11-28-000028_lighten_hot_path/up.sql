-- What every call writes becomes cheaper: keys that follow from others, indexes that no query is served by, and CHECKs that take
-- long to read.

-- Whose key points at a row of the same tenant and goes with it needs no key of its own to the tenant.
ALTER TABLE alert_history DROP CONSTRAINT alert_history_tenant_id_fkey;
ALTER TABLE alerts DROP CONSTRAINT alerts_tenant_id_fkey;
ALTER TABLE call_metadata DROP CONSTRAINT call_metadata_tenant_id_fkey;
ALTER TABLE call_participants DROP CONSTRAINT call_participants_tenant_id_fkey;
ALTER TABLE conversation_events DROP CONSTRAINT conversation_events_tenant_id_fkey;
ALTER TABLE message_media DROP CONSTRAINT message_media_tenant_id_fkey;
ALTER TABLE notifications DROP CONSTRAINT notifications_tenant_id_fkey;
ALTER TABLE user_preferences DROP CONSTRAINT user_preferences_tenant_id_fkey;
ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_tenant_id_fkey;
ALTER TABLE user_sessions DROP CONSTRAINT user_sessions_tenant_id_fkey;
ALTER TABLE user_status DROP CONSTRAINT user_status_tenant_id_fkey;

-- Row-level security closes these to a tenant's queries (docs/SCHEMA.md), and a missed call would write them four times.
DROP INDEX conversations_tags_idx, conversation_events_event_data_idx;

-- Open conversations have conversations_open_updated_at_idx; the others are nearly all there are, and conversations_created_at_idx leads
-- through them.
DROP INDEX conversations_status_idx;

-- These hold from now on what is asked for, and no longer what fills nearly all rows.
DROP INDEX conversations_priority_idx,
    conversations_channel_idx,
    conversations_assigned_to_idx,
    calls_call_status_idx,
    calls_call_direction_call_status_idx,
    conversation_events_event_type_idx,
    conversation_events_created_by_idx,
    messages_created_by_idx;
ALTER INDEX conversations_priority_partial_idx RENAME TO conversations_priority_idx;
ALTER INDEX conversations_channel_partial_idx RENAME TO conversations_channel_idx;
ALTER INDEX conversations_assigned_to_partial_idx RENAME TO conversations_assigned_to_idx;
ALTER INDEX calls_call_status_partial_idx RENAME TO calls_call_status_idx;
ALTER INDEX calls_call_direction_call_status_partial_idx
    RENAME TO calls_call_direction_call_status_idx;
ALTER INDEX conversation_events_event_type_partial_idx
    RENAME TO conversation_events_event_type_idx;
ALTER INDEX conversation_events_created_by_partial_idx
    RENAME TO conversation_events_created_by_idx;
ALTER INDEX messages_created_by_partial_idx RENAME TO messages_created_by_idx;

-- The same value lists, each as one constant: the server reads the CHECKs of a table anew for every statement that writes it, and
-- a list of constants is long to read. The rows that are there have been held to the same lists; the next migration has that said again
-- without keeping anybody waiting.
ALTER TABLE conversations
    DROP CONSTRAINT conversations_status_check,
    DROP CONSTRAINT conversations_priority_check,
    DROP CONSTRAINT conversations_channel_check,
    DROP CONSTRAINT conversations_closed_at_check,
    ADD CONSTRAINT conversations_status_check CHECK (status = ANY ('{active,waiting,resolved,closed}'::text[])) NOT VALID,
    ADD CONSTRAINT conversations_priority_check CHECK (priority = ANY ('{low,normal,high,urgent}'::text[])) NOT VALID,
    ADD CONSTRAINT conversations_channel_check CHECK (channel = ANY ('{phone,sms,email,web}'::text[])) NOT VALID,
    ADD CONSTRAINT conversations_closed_at_check CHECK (closed_at IS NULL OR status = ANY ('{resolved,closed}'::text[])) NOT VALID;

ALTER TABLE calls
    DROP CONSTRAINT calls_call_direction_check,
    DROP CONSTRAINT calls_call_status_check,
    DROP CONSTRAINT calls_call_type_check,
    DROP CONSTRAINT calls_outcome_check,
    DROP CONSTRAINT calls_outcome_call_status_check,
    DROP CONSTRAINT calls_forwarded_leg_status_check,
    ADD CONSTRAINT calls_call_direction_check CHECK (call_direction = ANY ('{inbound,outbound}'::text[])) NOT VALID,
    ADD CONSTRAINT calls_call_status_check
        CHECK (call_status = ANY ('{initiated,ringing,in-progress,completed,busy,no-answer,failed,canceled}'::text[])) NOT VALID,
    ADD CONSTRAINT calls_call_type_check CHECK (call_type = ANY ('{voice,conference,forwarded}'::text[])) NOT VALID,
    ADD CONSTRAINT calls_outcome_check CHECK (outcome = ANY ('{answered,missed,voicemail,abandoned,blocked,failed}'::text[])) NOT VALID,
    ADD CONSTRAINT calls_outcome_call_status_check
        CHECK (outcome IS NULL OR call_status = ANY ('{completed,busy,no-answer,failed,canceled}'::text[])) NOT VALID,
    ADD CONSTRAINT calls_forwarded_leg_status_check
        CHECK (forwarded_leg_status = ANY ('{completed,answered,busy,no-answer,failed,canceled}'::text[])) NOT VALID;

ALTER TABLE messages
    DROP CONSTRAINT messages_message_direction_check,
    DROP CONSTRAINT messages_message_kind_check,
    DROP CONSTRAINT messages_message_status_check,
    DROP CONSTRAINT messages_message_status_message_direction_check,
    DROP CONSTRAINT messages_channel_check,
    ADD CONSTRAINT messages_message_direction_check CHECK (message_direction = ANY ('{inbound,outbound}'::text[])) NOT VALID,
    ADD CONSTRAINT messages_message_kind_check CHECK (message_kind = ANY ('{greeting,keyword_reply,message}'::text[])) NOT VALID,
    ADD CONSTRAINT messages_message_status_check CHECK (message_status = ANY (
        '{queued,scheduled,accepted,sending,sent,delivered,undelivered,failed,canceled,receiving,received,read,'
        'partially_delivered}'::text[])) NOT VALID,
    ADD CONSTRAINT messages_message_status_message_direction_check
        CHECK ((message_status = ANY ('{receiving,received}'::text[])) = (message_direction = 'inbound')) NOT VALID,
    ADD CONSTRAINT messages_channel_check CHECK (channel = ANY ('{sms,rcs,whatsapp}'::text[])) NOT VALID;

ALTER TABLE conversation_events
    DROP CONSTRAINT conversation_events_event_type_check,
    ADD CONSTRAINT conversation_events_event_type_check CHECK (event_type = ANY (
        '{call_started,call_ended,note_added,status_changed,priority_changed,assigned,unassigned,tag_added,tag_removed,'
        'customer_info_updated,opened,message_received,message_queued,message_failed,outcome_changed,opted_out,opted_in,'
        'not_texted,review_requested,review_settled,forwarding_failed}'::text[])) NOT VALID;
