-- transaction: none
-- Calls that were recorded long after they began, as those of an imported log: the others are found by when they were recorded.
CREATE INDEX CONCURRENTLY calls_started_at_idx ON public.calls
    (tenant_id, started_at, id) WHERE created_at - started_at NOT BETWEEN interval '-2 hours' AND interval '2 hours';
