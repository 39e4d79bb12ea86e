-- transaction: none
-- Opt-outs by when they were recorded: what figures count them by.
CREATE INDEX CONCURRENTLY consents_opt_out_created_at_idx ON public.consents (tenant_id, created_at) WHERE action = 'opt_out';
