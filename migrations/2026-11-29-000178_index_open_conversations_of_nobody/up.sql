-- transaction: none
-- Open conversations that nobody looks after: few of thousands where staff take over what comes in.
CREATE INDEX CONCURRENTLY conversations_unassigned_created_at_idx ON public.conversations (tenant_id, created_at, id) WHERE assigned_to IS NULL AND status IN ('active', 'waiting');
