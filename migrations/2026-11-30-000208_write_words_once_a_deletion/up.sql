-- Calls are deleted many at a time: the words of a conversation are written once for all of its calls that go, and not once for each.

CREATE FUNCTION public.nmc_keep_terms_of_gone_calls() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- In an order, for two who delete at once.
    PERFORM public.nmc_write_conversation_terms(g.tenant_id, g.conversation_id)
    FROM (
        SELECT DISTINCT o.tenant_id, o.conversation_id FROM gone AS o
        WHERE o.caller_name IS NOT NULL AND o.conversation_id IS NOT NULL
        ORDER BY o.tenant_id, o.conversation_id
    ) AS g;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_terms_of_gone_calls() IS
    'AFTER DELETE, once a statement: writes the words of conversations anew of which calls with a name have gone.';
REVOKE ALL ON FUNCTION public.nmc_keep_terms_of_gone_calls() FROM PUBLIC;
DROP TRIGGER calls_keep_old_terms ON public.calls;
CREATE TRIGGER calls_keep_gone_terms AFTER DELETE ON public.calls REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_keep_terms_of_gone_calls();
COMMENT ON FUNCTION public.nmc_keep_caller_terms() IS
    'AFTER INSERT or UPDATE: writes the words of the names that the network showed to conversation_terms.';
