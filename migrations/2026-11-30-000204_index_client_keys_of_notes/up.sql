-- transaction: none
-- Only notes have one.
CREATE UNIQUE INDEX CONCURRENTLY conversation_events_client_key_key ON public.conversation_events (tenant_id, client_key)
    WHERE client_key IS NOT NULL;
