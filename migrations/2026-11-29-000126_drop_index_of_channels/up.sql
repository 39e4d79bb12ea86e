-- transaction: none
-- The one by time, conversations_channel_created_at_idx, serves what it served.
DROP INDEX CONCURRENTLY public.conversations_channel_idx;
