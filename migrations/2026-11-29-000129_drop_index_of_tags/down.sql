CREATE INDEX CONCURRENTLY conversation_tags_tag_conversation_id_idx ON public.conversation_tags (tenant_id, tag, conversation_id);
