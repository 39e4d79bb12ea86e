-- transaction: none
-- Texts that failed or were called off, among all others. What every text goes through on its way, or ends as, is not in it, so that
-- none that arrives is written there.
CREATE INDEX CONCURRENTLY messages_message_status_created_at_idx ON public.messages (tenant_id, message_status, created_at, id)
    WHERE message_status NOT IN ('queued', 'accepted', 'sending', 'sent', 'delivered', 'received');
