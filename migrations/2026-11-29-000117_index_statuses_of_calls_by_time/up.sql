-- transaction: none
-- A page of a rarer status is read in the order of time, and not sorted out of all that have it.
CREATE INDEX CONCURRENTLY calls_call_status_created_at_idx ON public.calls
    (tenant_id, call_status, created_at, id) WHERE call_status NOT IN ('completed', 'no-answer');
