-- transaction: none
-- A key from NULL leads nowhere. 000028_lighten_hot_path puts it in the place of messages_created_by_idx.
CREATE INDEX CONCURRENTLY messages_created_by_partial_idx ON public.messages (tenant_id, created_by)
    WHERE created_by IS NOT NULL;
