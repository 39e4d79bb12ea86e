DROP INDEX CONCURRENTLY public.calls_started_at_idx;
