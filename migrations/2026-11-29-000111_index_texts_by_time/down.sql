DROP INDEX CONCURRENTLY public.messages_created_at_idx;
