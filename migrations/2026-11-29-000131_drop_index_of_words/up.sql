-- transaction: none
-- The one with the words, message_terms_message_id_term_idx, serves what it served.
DROP INDEX CONCURRENTLY public.message_terms_message_id_idx;
