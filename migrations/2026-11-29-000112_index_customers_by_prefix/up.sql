-- transaction: none
-- The first digits of a number, whatever the database's collation. It serves whoever asks for a whole number as well.
CREATE INDEX CONCURRENTLY conversations_customer_phone_idx ON public.conversations (tenant_id, customer_phone varchar_pattern_ops);
