-- transaction: none
-- A key from NULL leads nowhere. 000028_lighten_hot_path puts it in the place of conversations_assigned_to_idx.
CREATE INDEX CONCURRENTLY conversations_assigned_to_partial_idx ON public.conversations (tenant_id, assigned_to)
    WHERE assigned_to IS NOT NULL;
