-- transaction: none
-- The words, as nmc_words writes them now, of those texts and names that it wrote otherwise: 10,000 rows are read for a transaction, and few of
-- them locked. What is interrupted begins again; what is written meanwhile has its words from the triggers.
DO $$
DECLARE
    folded text := '[ßẞ\u00ad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]';
    tenant uuid := '00000000-0000-0000-0000-000000000000';
    last uuid := '00000000-0000-0000-0000-000000000000';
    next_tenant uuid;
    next_id uuid;
    many bigint;
BEGIN
    LOOP
        PERFORM public.nmc_enter_system();
        SELECT count(*), (array_agg(r.tenant_id ORDER BY r.tenant_id DESC, r.id DESC))[1], (array_agg(r.id ORDER BY r.tenant_id DESC, r.id DESC))[1]
        INTO many, next_tenant, next_id FROM (
            SELECT m.tenant_id, m.id FROM public.messages AS m WHERE (m.tenant_id, m.id) > (tenant, last)
            ORDER BY m.tenant_id, m.id LIMIT 10000) AS r;
        WITH texts AS MATERIALIZED (
            SELECT m.tenant_id, m.id, m.created_at, public.nmc_words(m.message_body) AS words FROM public.messages AS m
            WHERE (m.tenant_id, m.id) > (tenant, last) AND (m.tenant_id, m.id) <= (next_tenant, next_id)
                AND m.message_body ~ folded AND m.message_kind <> 'greeting' FOR SHARE
        ), gone AS (
            DELETE FROM public.message_terms AS t USING texts AS r
            WHERE t.tenant_id = r.tenant_id AND t.message_id = r.id AND t.term <> ALL (r.words)
        )
        INSERT INTO public.message_terms (tenant_id, term, created_at, message_id)
        SELECT DISTINCT r.tenant_id, word, r.created_at, r.id FROM texts AS r, unnest(r.words) AS word
        ON CONFLICT DO NOTHING;
        COMMIT;
        EXIT WHEN many = 0;
        tenant := next_tenant;
        last := next_id;
    END LOOP;
    tenant := '00000000-0000-0000-0000-000000000000';
    last := tenant;
    LOOP
        PERFORM public.nmc_enter_system();
        SELECT count(*), (array_agg(r.tenant_id ORDER BY r.tenant_id DESC, r.id DESC))[1], (array_agg(r.id ORDER BY r.tenant_id DESC, r.id DESC))[1]
        INTO many, next_tenant, next_id FROM (
            SELECT c.tenant_id, c.id FROM public.conversations AS c WHERE (c.tenant_id, c.id) > (tenant, last)
            ORDER BY c.tenant_id, c.id LIMIT 10000) AS r;
        WITH named AS MATERIALIZED (
            SELECT c.tenant_id, c.id, c.created_at, public.nmc_words(c.customer_name) AS words FROM public.conversations AS c
            WHERE (c.tenant_id, c.id) > (tenant, last) AND (c.tenant_id, c.id) <= (next_tenant, next_id)
                AND c.customer_name ~ folded FOR SHARE
        ), gone AS (
            DELETE FROM public.conversation_terms AS t USING named AS r
            WHERE t.tenant_id = r.tenant_id AND t.conversation_id = r.id AND t.term <> ALL (r.words)
        )
        INSERT INTO public.conversation_terms (tenant_id, term, created_at, conversation_id)
        SELECT DISTINCT r.tenant_id, word, r.created_at, r.id FROM named AS r, unnest(r.words) AS word
        ON CONFLICT DO NOTHING;
        COMMIT;
        EXIT WHEN many = 0;
        tenant := next_tenant;
        last := next_id;
    END LOOP;
END
$$;
