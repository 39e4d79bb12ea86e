CREATE INDEX CONCURRENTLY calls_call_status_idx ON public.calls (tenant_id, call_status) WHERE call_status NOT IN ('completed', 'no-answer');
