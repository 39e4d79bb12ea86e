-- transaction: none
-- The one by time, calls_called_phone_created_at_idx, serves what it served.
DROP INDEX CONCURRENTLY public.calls_called_phone_idx;
