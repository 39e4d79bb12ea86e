-- transaction: none
-- The one by time, conversations_priority_created_at_idx, serves what it served.
DROP INDEX CONCURRENTLY public.conversations_priority_idx;
