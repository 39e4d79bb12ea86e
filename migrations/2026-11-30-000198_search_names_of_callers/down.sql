COMMENT ON TABLE public.conversation_terms IS
    'The words of the customer''s name of each conversation, a row each. Triggers of conversations keep it.';
DROP TRIGGER calls_keep_old_terms ON public.calls;
DROP TRIGGER calls_keep_terms ON public.calls;
DROP TRIGGER calls_keep_new_terms ON public.calls;
DROP FUNCTION public.nmc_keep_caller_terms();
CREATE OR REPLACE FUNCTION public.nmc_keep_conversation_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM conversation_terms AS t WHERE t.tenant_id = NEW.tenant_id AND t.conversation_id = NEW.id;
    END IF;
    INSERT INTO conversation_terms (tenant_id, term, created_at, conversation_id)
    SELECT DISTINCT NEW.tenant_id, word, NEW.created_at, NEW.id FROM unnest(public.nmc_words(NEW.customer_name)) AS word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
DROP FUNCTION public.nmc_write_conversation_terms(uuid, uuid);
