-- transaction: none
-- One value fills nearly all rows; the others are what is asked for. 000028_lighten_hot_path puts it in the place of conversations_channel_idx.
CREATE INDEX CONCURRENTLY conversations_channel_partial_idx ON public.conversations (tenant_id, channel)
    WHERE channel <> 'phone';
