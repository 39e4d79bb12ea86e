-- transaction: none
-- The missed ones among a business's calls are what its people ask for; without it a page of a rare outcome reads all calls there are.
CREATE INDEX CONCURRENTLY calls_outcome_created_at_idx ON public.calls (tenant_id, outcome, created_at DESC) WHERE outcome IS NOT NULL;
