CREATE INDEX CONCURRENTLY conversations_priority_idx ON public.conversations (tenant_id, priority) WHERE priority <> 'normal';
