CREATE INDEX CONCURRENTLY conversations_channel_idx ON public.conversations (tenant_id, channel) WHERE channel <> 'phone';
