-- Of each call that has ended, and of each conversation, a row of figures is kept: one that is deleted is computed again, told or untold.

CREATE FUNCTION public.nmc_mark_gone_call_analytics() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A call that goes along marks itself, and a business takes its marks along.
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', coalesce(c.started_at, c.created_at), 'epoch')
    FROM gone JOIN calls AS c ON c.tenant_id = gone.tenant_id AND c.id = gone.call_id
    WHERE EXISTS (SELECT FROM tenants AS t WHERE t.id = c.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_call_analytics() IS 'AFTER DELETE: marks when the calls began.';

CREATE FUNCTION public.nmc_mark_gone_conversation_analytics() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', c.created_at, 'epoch')
    FROM gone JOIN conversations AS c ON c.tenant_id = gone.tenant_id AND c.id = gone.conversation_id
    WHERE EXISTS (SELECT FROM tenants AS t WHERE t.id = c.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_conversation_analytics() IS 'AFTER DELETE: marks when the conversations were opened.';

REVOKE ALL ON FUNCTION public.nmc_mark_gone_call_analytics(), public.nmc_mark_gone_conversation_analytics() FROM PUBLIC;

DROP TRIGGER call_analytics_keep_gone_marks ON public.call_analytics;
CREATE TRIGGER call_analytics_keep_gone_marks AFTER DELETE ON public.call_analytics REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_call_analytics();
CREATE TRIGGER conversation_analytics_keep_gone_marks AFTER DELETE ON public.conversation_analytics REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_conversation_analytics();
