-- transaction: none
-- Whether a text has a word that begins so is told by the index alone, of thousands of texts for a page.
CREATE INDEX CONCURRENTLY message_terms_message_id_term_idx ON public.message_terms (tenant_id, message_id, term);
