-- transaction: none
-- A page of what somebody looks after is read in the order of time, and not sorted out of all they ever did.
CREATE INDEX CONCURRENTLY conversations_assigned_to_created_at_idx ON public.conversations
    (tenant_id, assigned_to, created_at, id) WHERE assigned_to IS NOT NULL;
