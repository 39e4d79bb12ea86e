CREATE INDEX CONCURRENTLY conversations_customer_phone_status_idx ON public.conversations (tenant_id, customer_phone, status);
