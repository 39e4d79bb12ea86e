-- transaction: none
-- The words of the names that the network showed before, of 1,000 calls to a transaction. What is interrupted begins again; what is written
-- meanwhile has its words from the triggers.
DO $$
DECLARE
    tenant uuid := '00000000-0000-0000-0000-000000000000';
    last uuid := '00000000-0000-0000-0000-000000000000';
    many bigint;
BEGIN
    LOOP
        PERFORM public.nmc_enter_system();
        WITH shown AS MATERIALIZED (
            SELECT l.tenant_id, l.id, l.conversation_id, l.caller_name FROM public.calls AS l
            WHERE (l.tenant_id, l.id) > (tenant, last) AND l.caller_name IS NOT NULL AND l.conversation_id IS NOT NULL
            ORDER BY l.tenant_id, l.id LIMIT 1000 FOR SHARE
        ), filled AS (
            INSERT INTO public.conversation_terms (tenant_id, term, created_at, conversation_id)
            SELECT DISTINCT c.tenant_id, word, c.created_at, c.id
            FROM shown AS s JOIN public.conversations AS c ON (c.tenant_id, c.id) = (s.tenant_id, s.conversation_id),
                unnest(public.nmc_words(s.caller_name)) AS word
            ON CONFLICT DO NOTHING
        )
        SELECT count(*), (array_agg(s.tenant_id ORDER BY s.tenant_id DESC, s.id DESC))[1], (array_agg(s.id ORDER BY s.tenant_id DESC, s.id DESC))[1]
        INTO many, tenant, last FROM shown AS s;
        COMMIT;
        EXIT WHEN many = 0;
    END LOOP;
END
$$;
