-- transaction: none
-- The one by time, conversations_assigned_to_created_at_idx, serves what it served.
DROP INDEX CONCURRENTLY public.conversations_assigned_to_idx;
