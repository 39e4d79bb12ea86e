-- transaction: none
-- Only texts of staff have one.
CREATE UNIQUE INDEX CONCURRENTLY messages_client_key_key ON public.messages (tenant_id, client_key)
    WHERE client_key IS NOT NULL;
