-- A list shows a customer whom nobody has named under the name that the network showed: who reads it there searches for it.

CREATE FUNCTION public.nmc_write_conversation_terms(tenant uuid, conversation uuid) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- Of two who write the words of one at once, the second sees all that the first has written. One that is gone has its words no more.
    PERFORM FROM conversations AS c WHERE c.tenant_id = tenant AND c.id = conversation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM conversation_terms AS t WHERE t.tenant_id = tenant AND t.conversation_id = conversation;
    INSERT INTO conversation_terms (tenant_id, term, created_at, conversation_id)
    SELECT DISTINCT c.tenant_id, word, c.created_at, c.id
    FROM conversations AS c CROSS JOIN LATERAL (
        SELECT c.customer_name UNION
        SELECT l.caller_name FROM calls AS l
        WHERE l.tenant_id = c.tenant_id AND l.conversation_id = c.id AND l.caller_name IS NOT NULL
    ) AS n (name) CROSS JOIN LATERAL unnest(public.nmc_words(n.name)) AS word
    WHERE c.tenant_id = tenant AND c.id = conversation
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION public.nmc_write_conversation_terms(uuid, uuid) IS
    'Writes the words of a conversation''s names to conversation_terms: of the one that people told, and of those that the network showed.';
REVOKE ALL ON FUNCTION public.nmc_write_conversation_terms(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_write_conversation_terms(uuid, uuid) TO nmc_tenant, nmc_system;

CREATE OR REPLACE FUNCTION public.nmc_keep_conversation_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM public.nmc_write_conversation_terms(NEW.tenant_id, NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.nmc_keep_caller_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A name less is seen in no other way than by reading all of them.
    IF TG_OP <> 'INSERT' AND OLD.conversation_id IS NOT NULL AND OLD.caller_name IS NOT NULL THEN
        PERFORM public.nmc_write_conversation_terms(OLD.tenant_id, OLD.conversation_id);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.conversation_id IS NOT NULL AND NEW.caller_name IS NOT NULL THEN
        PERFORM FROM conversations AS c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.conversation_id FOR NO KEY UPDATE;
        INSERT INTO conversation_terms (tenant_id, term, created_at, conversation_id)
        SELECT DISTINCT c.tenant_id, word, c.created_at, c.id
        FROM conversations AS c, unnest(public.nmc_words(NEW.caller_name)) AS word
        WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.conversation_id
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_caller_terms() IS
    'AFTER INSERT, UPDATE or DELETE: writes the words of the names that the network showed to conversation_terms.';
REVOKE ALL ON FUNCTION public.nmc_keep_caller_terms() FROM PUBLIC;
-- Most calls show no name, and pay nothing. A call may be written before its conversation: the words follow at the end of the transaction.
CREATE CONSTRAINT TRIGGER calls_keep_new_terms AFTER INSERT ON public.calls DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.caller_name IS NOT NULL AND NEW.conversation_id IS NOT NULL)
    EXECUTE FUNCTION public.nmc_keep_caller_terms();
CREATE CONSTRAINT TRIGGER calls_keep_terms AFTER UPDATE OF caller_name, conversation_id ON public.calls DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.caller_name IS DISTINCT FROM NEW.caller_name
        OR NEW.caller_name IS NOT NULL AND OLD.conversation_id IS DISTINCT FROM NEW.conversation_id)
    EXECUTE FUNCTION public.nmc_keep_caller_terms();
CREATE TRIGGER calls_keep_old_terms AFTER DELETE ON public.calls
    FOR EACH ROW WHEN (OLD.caller_name IS NOT NULL AND OLD.conversation_id IS NOT NULL)
    EXECUTE FUNCTION public.nmc_keep_caller_terms();

COMMENT ON TABLE public.conversation_terms IS
    'The words of the customer''s name of each conversation, and of the names that the network showed in its calls, a row each. Triggers of both keep it.';
