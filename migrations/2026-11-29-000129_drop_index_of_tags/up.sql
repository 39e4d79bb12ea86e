-- transaction: none
-- The one by time, conversation_tags_tag_created_at_conversation_id_idx, serves what it served.
DROP INDEX CONCURRENTLY public.conversation_tags_tag_conversation_id_idx;
