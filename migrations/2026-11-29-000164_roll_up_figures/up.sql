-- What has to be computed again, and where each business's figures have come to. docs/ANALYTICS.md says what is computed.
CREATE TABLE public.analytics_marks (
    tenant_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid(),
    marked_at TIMESTAMPTZ NOT NULL,
    subject_id UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT analytics_marks_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT analytics_marks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.analytics_marks IS
    'A quarter of an hour whose figures are to be computed again. Triggers write a new one for each change, as two changes must not wait for each other; the job deletes those that it has read before it read the rows.';
COMMENT ON COLUMN public.analytics_marks.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.analytics_marks.id IS 'Key.';
COMMENT ON COLUMN public.analytics_marks.marked_at IS 'The beginning of the quarter of an hour, which no hour of any zone cuts.';
COMMENT ON COLUMN public.analytics_marks.subject_id IS
    'A conversation: its own instant is to be computed again, and those of its calls. It may be gone.';
COMMENT ON COLUMN public.analytics_marks.created_at IS 'When the row was written.';
SELECT public.nmc_protect_table('public.analytics_marks');

CREATE TABLE public.analytics_roll_ups (
    tenant_id UUID NOT NULL,
    timezone VARCHAR(50) NOT NULL,
    business_hours_start TIME NOT NULL,
    business_hours_end TIME NOT NULL,
    formula INTEGER NOT NULL,
    rolled_up_at TIMESTAMPTZ NOT NULL,
    rebuild_before TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT analytics_roll_ups_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT analytics_roll_ups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.analytics_roll_ups IS 'Where the figures of a business have come to, and what they were computed by.';
COMMENT ON COLUMN public.analytics_roll_ups.tenant_id IS 'The tenant it belongs to; one row each, from the first computation on.';
COMMENT ON COLUMN public.analytics_roll_ups.timezone IS 'The zone that the figures were computed in.';
COMMENT ON COLUMN public.analytics_roll_ups.business_hours_start IS 'The opening time that they were computed with.';
COMMENT ON COLUMN public.analytics_roll_ups.business_hours_end IS 'The closing time that they were computed with.';
COMMENT ON COLUMN public.analytics_roll_ups.formula IS 'The version of the formulas.';
COMMENT ON COLUMN public.analytics_roll_ups.rolled_up_at IS 'The instant of the last computation: what was committed before it and marked is in the figures.';
COMMENT ON COLUMN public.analytics_roll_ups.rebuild_before IS
    'All that lies before this instant is still to be computed anew, the latest first; NULL: nothing.';
COMMENT ON COLUMN public.analytics_roll_ups.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.analytics_roll_ups.updated_at IS 'Last change; moves by trigger.';
CREATE INDEX analytics_roll_ups_rebuild_tenant_id_idx ON public.analytics_roll_ups (tenant_id) WHERE rebuild_before IS NOT NULL;
CREATE TRIGGER analytics_roll_ups_touch_updated_at BEFORE UPDATE ON public.analytics_roll_ups
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('analytics_roll_ups');
SELECT public.nmc_protect_table('public.analytics_roll_ups');

CREATE TABLE public.kpi_targets (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    kpi_name VARCHAR(100) NOT NULL,
    period_type VARCHAR(20) NOT NULL,
    kpi_target DECIMAL(15,4) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT kpi_targets_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT kpi_targets_kpi_name_period_type_key UNIQUE (tenant_id, kpi_name, period_type),
    CONSTRAINT kpi_targets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT kpi_targets_period_type_check CHECK (period_type IN ('hourly', 'daily', 'weekly', 'monthly'))
);
COMMENT ON TABLE public.kpi_targets IS 'What a key figure should come to; snapshots that are computed from then on are compared with it.';
COMMENT ON COLUMN public.kpi_targets.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.kpi_targets.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.kpi_targets.kpi_name IS 'Which figure it is.';
COMMENT ON COLUMN public.kpi_targets.period_type IS 'The period of the snapshots: daily, weekly or monthly; hourly is kept for later.';
COMMENT ON COLUMN public.kpi_targets.kpi_target IS 'The target, in the unit of the figure.';
COMMENT ON COLUMN public.kpi_targets.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.kpi_targets.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER kpi_targets_touch_updated_at BEFORE UPDATE ON public.kpi_targets
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('kpi_targets');
SELECT public.nmc_protect_table('public.kpi_targets');

ALTER TABLE public.kpi_snapshots
    ADD COLUMN period_start TIMESTAMPTZ,
    ADD COLUMN timezone VARCHAR(50),
    ADD COLUMN formula INTEGER,
    ADD COLUMN computed_at TIMESTAMPTZ;
COMMENT ON COLUMN public.kpi_snapshots.period_start IS 'Start of the period; NULL for a snapshot that was brought in from elsewhere, as are the next three.';
COMMENT ON COLUMN public.kpi_snapshots.timezone IS 'The zone whose day, week or month it is.';
COMMENT ON COLUMN public.kpi_snapshots.formula IS 'The version of the formulas.';
COMMENT ON COLUMN public.kpi_snapshots.computed_at IS 'When it was computed: later changes are not in it.';

-- Not SECURITY DEFINER: whoever writes the rows may write the marks of its tenant.
CREATE FUNCTION public.nmc_mark(tenant uuid, first timestamptz, second timestamptz, subject uuid) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at, subject_id)
    SELECT DISTINCT tenant, date_bin('15 minutes', at, 'epoch'), subject FROM unnest(ARRAY[first, second]) AS marked (at) WHERE at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark(uuid, timestamptz, timestamptz, uuid) IS 'Marks the instants that are given as to be computed again.';

CREATE FUNCTION public.nmc_mark_new_calls() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A call that rings counts nowhere yet.
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT tenant_id, date_bin('15 minutes', coalesce(started_at, created_at), 'epoch') FROM written
    WHERE outcome IS NOT NULL OR call_direction <> 'inbound' OR price IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_new_calls() IS 'AFTER INSERT: marks when the calls began.';

CREATE FUNCTION public.nmc_mark_call() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM nmc_mark(NEW.tenant_id, coalesce(OLD.started_at, OLD.created_at), coalesce(NEW.started_at, NEW.created_at), NULL);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_call() IS 'AFTER UPDATE: marks when the call began, as it was and as it is.';

CREATE FUNCTION public.nmc_mark_gone_calls() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A business that goes takes its marks along.
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', coalesce(c.started_at, c.created_at), 'epoch')
    FROM gone AS c WHERE EXISTS (SELECT FROM tenants AS t WHERE t.id = c.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_calls() IS 'AFTER DELETE: marks when the calls began.';

CREATE FUNCTION public.nmc_mark_new_conversations() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', at, 'epoch')
    FROM written AS c CROSS JOIN LATERAL unnest(ARRAY[c.created_at, c.closed_at]) AS at WHERE at IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_new_conversations() IS 'AFTER INSERT: marks when the conversations were opened, and resolved.';

CREATE FUNCTION public.nmc_mark_conversation() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM nmc_mark(NEW.tenant_id, OLD.created_at, NEW.created_at, NULL);
    IF OLD.closed_at IS NOT NULL OR NEW.closed_at IS NOT NULL THEN
        PERFORM nmc_mark(NEW.tenant_id, OLD.closed_at, NEW.closed_at, NULL);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_conversation() IS
    'AFTER UPDATE: marks when the conversation was opened, and resolved, as it was and as it is.';

CREATE FUNCTION public.nmc_mark_gone_conversations() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', at, 'epoch')
    FROM gone AS c CROSS JOIN LATERAL unnest(ARRAY[c.created_at, c.closed_at]) AS at
    WHERE at IS NOT NULL AND EXISTS (SELECT FROM tenants AS t WHERE t.id = c.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_conversations() IS 'AFTER DELETE: marks when the conversations were opened, and resolved.';

CREATE FUNCTION public.nmc_mark_new_messages() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- A text that waits to be sent counts nowhere yet.
    INSERT INTO analytics_marks (tenant_id, marked_at, subject_id)
    SELECT DISTINCT tenant_id, date_bin('15 minutes', created_at, 'epoch'), conversation_id FROM written
    WHERE message_status NOT IN ('queued', 'scheduled', 'canceled') OR price IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_new_messages() IS 'AFTER INSERT: marks when the texts were recorded, and their conversations.';

CREATE FUNCTION public.nmc_mark_message() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM nmc_mark(NEW.tenant_id, OLD.created_at, NEW.created_at, NEW.conversation_id);
    IF OLD.conversation_id <> NEW.conversation_id THEN
        PERFORM nmc_mark(NEW.tenant_id, OLD.created_at, NULL, OLD.conversation_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_message() IS 'AFTER UPDATE: marks when the text was recorded, and its conversation, as they were and as they are.';

CREATE FUNCTION public.nmc_mark_gone_messages() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at, subject_id)
    SELECT DISTINCT m.tenant_id, date_bin('15 minutes', m.created_at, 'epoch'), m.conversation_id
    FROM gone AS m WHERE EXISTS (SELECT FROM tenants AS t WHERE t.id = m.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_messages() IS 'AFTER DELETE: marks when the texts were recorded, and their conversations.';

CREATE FUNCTION public.nmc_mark_new_consents() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT tenant_id, date_bin('15 minutes', created_at, 'epoch') FROM written WHERE action = 'opt_out';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_new_consents() IS 'AFTER INSERT: marks when the opt-outs were recorded.';

CREATE FUNCTION public.nmc_mark_gone_consents() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_marks (tenant_id, marked_at)
    SELECT DISTINCT c.tenant_id, date_bin('15 minutes', c.created_at, 'epoch')
    FROM gone AS c WHERE c.action = 'opt_out' AND EXISTS (SELECT FROM tenants AS t WHERE t.id = c.tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_gone_consents() IS 'AFTER DELETE: marks when the opt-outs were recorded.';

CREATE FUNCTION public.nmc_mark_call_analytics() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM nmc_mark(c.tenant_id, coalesce(c.started_at, c.created_at), NULL, NULL)
    FROM calls AS c WHERE c.tenant_id = coalesce(NEW.tenant_id, OLD.tenant_id) AND c.id = coalesce(NEW.call_id, OLD.call_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_call_analytics() IS 'AFTER a change of what people told of a call: marks when it began.';

CREATE FUNCTION public.nmc_mark_business() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM nmc_mark(NEW.id, NEW.updated_at, NULL, NULL);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_mark_business() IS
    'AFTER UPDATE of zone or hours: the mark has the job look at the business, whose figures it computes anew then.';

REVOKE ALL ON FUNCTION public.nmc_mark(uuid, timestamptz, timestamptz, uuid), public.nmc_mark_new_calls(), public.nmc_mark_call(),
    public.nmc_mark_gone_calls(), public.nmc_mark_new_conversations(), public.nmc_mark_conversation(), public.nmc_mark_gone_conversations(),
    public.nmc_mark_new_messages(), public.nmc_mark_message(), public.nmc_mark_gone_messages(), public.nmc_mark_new_consents(),
    public.nmc_mark_gone_consents(), public.nmc_mark_call_analytics(), public.nmc_mark_business() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.nmc_mark(uuid, timestamptz, timestamptz, uuid) TO nmc_tenant, nmc_system;

CREATE TRIGGER calls_keep_new_marks AFTER INSERT ON public.calls REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_new_calls();
CREATE TRIGGER calls_keep_marks AFTER UPDATE ON public.calls
    FOR EACH ROW WHEN (OLD.outcome IS DISTINCT FROM NEW.outcome OR OLD.call_direction IS DISTINCT FROM NEW.call_direction
        OR OLD.call_status IS DISTINCT FROM NEW.call_status OR OLD.call_type IS DISTINCT FROM NEW.call_type
        OR OLD.conversation_id IS DISTINCT FROM NEW.conversation_id OR OLD.caller_phone IS DISTINCT FROM NEW.caller_phone
        OR OLD.called_phone IS DISTINCT FROM NEW.called_phone OR OLD.duration_seconds IS DISTINCT FROM NEW.duration_seconds
        OR OLD.started_at IS DISTINCT FROM NEW.started_at OR OLD.created_at IS DISTINCT FROM NEW.created_at
        OR OLD.price IS DISTINCT FROM NEW.price OR OLD.price_unit IS DISTINCT FROM NEW.price_unit)
    EXECUTE FUNCTION public.nmc_mark_call();
CREATE TRIGGER calls_keep_gone_marks AFTER DELETE ON public.calls REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_calls();

CREATE TRIGGER conversations_keep_new_marks AFTER INSERT ON public.conversations REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_new_conversations();
CREATE TRIGGER conversations_keep_marks AFTER UPDATE ON public.conversations
    FOR EACH ROW WHEN (OLD.assigned_to IS DISTINCT FROM NEW.assigned_to OR OLD.closed_at IS DISTINCT FROM NEW.closed_at
        OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.status IS DISTINCT FROM NEW.status
        OR OLD.first_call_id IS DISTINCT FROM NEW.first_call_id)
    EXECUTE FUNCTION public.nmc_mark_conversation();
CREATE TRIGGER conversations_keep_gone_marks AFTER DELETE ON public.conversations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_conversations();

CREATE TRIGGER messages_keep_new_marks AFTER INSERT ON public.messages REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_new_messages();
CREATE TRIGGER messages_keep_marks AFTER UPDATE ON public.messages
    FOR EACH ROW WHEN (
        OLD.message_status IN ('queued', 'scheduled', 'canceled') IS DISTINCT FROM NEW.message_status IN ('queued', 'scheduled', 'canceled')
        OR OLD.message_status IN ('failed', 'undelivered') IS DISTINCT FROM NEW.message_status IN ('failed', 'undelivered')
        OR OLD.price IS DISTINCT FROM NEW.price OR OLD.price_unit IS DISTINCT FROM NEW.price_unit
        OR OLD.created_at IS DISTINCT FROM NEW.created_at OR OLD.conversation_id IS DISTINCT FROM NEW.conversation_id
        OR OLD.call_id IS DISTINCT FROM NEW.call_id OR OLD.message_kind IS DISTINCT FROM NEW.message_kind
        OR OLD.message_direction IS DISTINCT FROM NEW.message_direction OR OLD.ai_generated IS DISTINCT FROM NEW.ai_generated)
    EXECUTE FUNCTION public.nmc_mark_message();
CREATE TRIGGER messages_keep_gone_marks AFTER DELETE ON public.messages REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_messages();

CREATE TRIGGER consents_keep_new_marks AFTER INSERT ON public.consents REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_new_consents();
CREATE TRIGGER consents_keep_gone_marks AFTER DELETE ON public.consents REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION public.nmc_mark_gone_consents();

CREATE TRIGGER call_analytics_keep_new_marks AFTER INSERT ON public.call_analytics
    FOR EACH ROW WHEN (NEW.conversion_status IS NOT NULL OR NEW.revenue_impact IS NOT NULL)
    EXECUTE FUNCTION public.nmc_mark_call_analytics();
CREATE TRIGGER call_analytics_keep_marks AFTER UPDATE ON public.call_analytics
    FOR EACH ROW WHEN (OLD.conversion_status IS DISTINCT FROM NEW.conversion_status OR OLD.revenue_impact IS DISTINCT FROM NEW.revenue_impact)
    EXECUTE FUNCTION public.nmc_mark_call_analytics();
CREATE TRIGGER call_analytics_keep_gone_marks AFTER DELETE ON public.call_analytics
    FOR EACH ROW WHEN (OLD.conversion_status IS NOT NULL OR OLD.revenue_impact IS NOT NULL)
    EXECUTE FUNCTION public.nmc_mark_call_analytics();

CREATE TRIGGER tenants_keep_marks AFTER UPDATE OF timezone, business_hours_start, business_hours_end ON public.tenants
    FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone OR OLD.business_hours_start IS DISTINCT FROM NEW.business_hours_start
        OR OLD.business_hours_end IS DISTINCT FROM NEW.business_hours_end)
    EXECUTE FUNCTION public.nmc_mark_business();

-- Businesses that are there already: the job looks at each of them, and computes all that lies behind.
SELECT public.nmc_enter_system();
INSERT INTO public.analytics_marks (tenant_id, marked_at) SELECT id, date_bin('15 minutes', updated_at, 'epoch') FROM public.tenants;
SET LOCAL ROLE NONE;
