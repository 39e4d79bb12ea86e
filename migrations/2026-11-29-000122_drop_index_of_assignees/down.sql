CREATE INDEX CONCURRENTLY conversations_assigned_to_idx ON public.conversations (tenant_id, assigned_to) WHERE assigned_to IS NOT NULL;
