CREATE INDEX CONCURRENTLY message_terms_message_id_idx ON public.message_terms (tenant_id, message_id);
