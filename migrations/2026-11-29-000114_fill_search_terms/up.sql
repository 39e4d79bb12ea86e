-- transaction: none
-- The words of what was there before, 1,000 rows to a transaction: nobody waits long for it, and what is interrupted begins again.
-- What is written meanwhile has its words from the triggers.
DO $$
DECLARE
    tenant uuid := '00000000-0000-0000-0000-000000000000';
    last uuid := '00000000-0000-0000-0000-000000000000';
    many bigint;
BEGIN
    LOOP
        PERFORM public.nmc_enter_system();
        WITH texts AS MATERIALIZED (
            SELECT m.tenant_id, m.id, m.created_at, m.message_kind, m.message_body FROM public.messages AS m
            WHERE (m.tenant_id, m.id) > (tenant, last) ORDER BY m.tenant_id, m.id LIMIT 1000 FOR KEY SHARE
        ), filled AS (
            INSERT INTO public.message_terms (tenant_id, term, created_at, message_id)
            SELECT DISTINCT t.tenant_id, word, t.created_at, t.id FROM texts AS t, unnest(public.nmc_words(t.message_body)) AS word
            WHERE t.message_kind <> 'greeting'
            ON CONFLICT DO NOTHING
        )
        SELECT count(*), (array_agg(t.tenant_id ORDER BY t.tenant_id DESC, t.id DESC))[1], (array_agg(t.id ORDER BY t.tenant_id DESC, t.id DESC))[1]
        INTO many, tenant, last FROM texts AS t;
        COMMIT;
        EXIT WHEN many = 0;
    END LOOP;
    tenant := '00000000-0000-0000-0000-000000000000';
    last := tenant;
    LOOP
        PERFORM public.nmc_enter_system();
        WITH named AS MATERIALIZED (
            SELECT c.tenant_id, c.id, c.created_at, c.customer_name FROM public.conversations AS c
            WHERE (c.tenant_id, c.id) > (tenant, last) ORDER BY c.tenant_id, c.id LIMIT 1000 FOR SHARE
        ), filled AS (
            INSERT INTO public.conversation_terms (tenant_id, term, created_at, conversation_id)
            SELECT DISTINCT n.tenant_id, word, n.created_at, n.id FROM named AS n, unnest(public.nmc_words(n.customer_name)) AS word
            ON CONFLICT DO NOTHING
        )
        SELECT count(*), (array_agg(n.tenant_id ORDER BY n.tenant_id DESC, n.id DESC))[1], (array_agg(n.id ORDER BY n.tenant_id DESC, n.id DESC))[1]
        INTO many, tenant, last FROM named AS n;
        COMMIT;
        EXIT WHEN many = 0;
    END LOOP;
END
$$;
