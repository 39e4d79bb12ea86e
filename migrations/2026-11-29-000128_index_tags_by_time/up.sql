-- transaction: none
-- The order of a page, after the tag. It also serves whoever asks which tags a business has.
CREATE INDEX CONCURRENTLY conversation_tags_tag_created_at_conversation_id_idx ON public.conversation_tags (tenant_id, tag, created_at, conversation_id);
