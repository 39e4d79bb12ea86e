-- transaction: none
-- Four values fill nearly all rows; the others are what is asked for. 000028_lighten_hot_path puts it in the place of conversation_events_event_type_idx.
CREATE INDEX CONCURRENTLY conversation_events_event_type_partial_idx ON public.conversation_events (tenant_id, event_type)
    WHERE event_type NOT IN ('call_started', 'call_ended', 'message_queued', 'message_received');
