-- transaction: none
-- A page of a rarer channel is read in the order of time, and not sorted out of all that have it.
CREATE INDEX CONCURRENTLY conversations_channel_created_at_idx ON public.conversations
    (tenant_id, channel, created_at, id) WHERE channel <> 'phone';
