-- transaction: none
-- A key from NULL leads nowhere. 000028_lighten_hot_path puts it in the place of conversation_events_created_by_idx.
CREATE INDEX CONCURRENTLY conversation_events_created_by_partial_idx ON public.conversation_events (tenant_id, created_by)
    WHERE created_by IS NOT NULL;
