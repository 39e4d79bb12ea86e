-- transaction: none
-- What has more matches than can be sorted is found by walking through the newest texts. A greeting, which every missed call writes,
-- is not in it.
CREATE INDEX CONCURRENTLY messages_created_at_idx ON public.messages (tenant_id, created_at DESC, id DESC) WHERE message_kind <> 'greeting';
