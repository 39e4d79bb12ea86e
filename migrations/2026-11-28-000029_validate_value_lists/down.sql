-- Not validated, as the migration before leaves them.
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
