-- transaction: none
-- Mails by when they were sent: what a business's mails of the last hour are counted by.
CREATE INDEX CONCURRENTLY notifications_mailed_delivered_at_idx ON public.notifications (tenant_id, delivered_at)
    WHERE channel = 'email' AND status = 'delivered';
