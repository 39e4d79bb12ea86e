-- transaction: none
-- Opt-ins by when they were recorded: with consents_opt_out_created_at_idx, all decisions in the order of their list.
CREATE INDEX CONCURRENTLY consents_opt_in_created_at_idx ON public.consents (tenant_id, created_at) WHERE action = 'opt_in';
