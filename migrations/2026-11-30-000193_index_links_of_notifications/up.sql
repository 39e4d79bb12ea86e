-- transaction: none
-- Texts about alerts by the tokens of their links: whoever opens one has said nothing else.
CREATE INDEX CONCURRENTLY notifications_link_hash_idx ON public.notifications (link_hash) WHERE link_hash IS NOT NULL;
