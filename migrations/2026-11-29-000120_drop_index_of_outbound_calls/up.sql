-- transaction: none
-- The one by time, calls_call_direction_created_at_idx, serves what it served.
DROP INDEX CONCURRENTLY public.calls_call_direction_call_status_idx;
