-- transaction: none
-- Conversations by when they were resolved: what figures count them by.
CREATE INDEX CONCURRENTLY conversations_closed_at_idx ON public.conversations (tenant_id, closed_at) WHERE closed_at IS NOT NULL;
