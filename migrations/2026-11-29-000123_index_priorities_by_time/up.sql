-- transaction: none
-- A page of a rarer priority is read in the order of time, and not sorted out of all that have it.
CREATE INDEX CONCURRENTLY conversations_priority_created_at_idx ON public.conversations
    (tenant_id, priority, created_at, id) WHERE priority <> 'normal';
