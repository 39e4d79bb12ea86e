-- transaction: none
-- The texts that failed, by when they did: their own rows say when they were written.
CREATE INDEX CONCURRENTLY conversation_events_message_failed_created_at_idx ON public.conversation_events (tenant_id, created_at)
    WHERE event_type = 'message_failed';
