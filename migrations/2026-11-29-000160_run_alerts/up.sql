-- When a business's rules are evaluated next, and which of its alerts wait to be passed on: what workers go by.
CREATE TABLE public.alert_rounds (
    tenant_id UUID NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_rounds_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT alert_rounds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.alert_rounds IS 'When the rules of a business are evaluated next. A trigger of alert_rules writes the first one.';
COMMENT ON COLUMN public.alert_rounds.tenant_id IS 'The tenant it belongs to; one row each, from its first rule on.';
COMMENT ON COLUMN public.alert_rounds.due_at IS 'Not evaluated before this instant.';
COMMENT ON COLUMN public.alert_rounds.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.alert_rounds.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER alert_rounds_touch_updated_at BEFORE UPDATE ON public.alert_rounds
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('alert_rounds');
SELECT public.nmc_protect_table('public.alert_rounds');

-- Not SECURITY DEFINER: whoever writes a rule may write its business's round.
CREATE FUNCTION public.nmc_keep_alert_rounds() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO alert_rounds AS round (tenant_id, due_at) VALUES (NEW.tenant_id, NEW.updated_at)
    ON CONFLICT (tenant_id) DO UPDATE SET due_at = excluded.due_at WHERE round.due_at > excluded.due_at;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.nmc_keep_alert_rounds() IS
    'AFTER INSERT or UPDATE of an enabled rule: the rules of its business are evaluated from then on.';
REVOKE ALL ON FUNCTION public.nmc_keep_alert_rounds() FROM PUBLIC;
CREATE TRIGGER alert_rules_keep_rounds AFTER INSERT OR UPDATE ON public.alert_rules
    FOR EACH ROW WHEN (NEW.is_enabled) EXECUTE FUNCTION public.nmc_keep_alert_rounds();

-- Rules that are there. The trigger has locked their table against other writers until the end of this transaction.
SELECT public.nmc_enter_system();
INSERT INTO public.alert_rounds (tenant_id, due_at) SELECT DISTINCT tenant_id, '2026-11-29 00:00:00+00'::timestamptz FROM public.alert_rules;
SET LOCAL ROLE NONE;

CREATE TABLE public.alert_escalations (
    tenant_id UUID NOT NULL,
    alert_id UUID NOT NULL,
    next_level INTEGER NOT NULL,
    repeats_left INTEGER NOT NULL,
    delay_minutes INTEGER NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    contacts JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_escalations_pkey PRIMARY KEY (tenant_id, alert_id),
    CONSTRAINT alert_escalations_alert_id_fkey
        FOREIGN KEY (tenant_id, alert_id) REFERENCES public.alerts (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alert_escalations_next_level_check CHECK (next_level >= 1),
    CONSTRAINT alert_escalations_repeats_left_check CHECK (repeats_left >= 0),
    CONSTRAINT alert_escalations_delay_minutes_check CHECK (delay_minutes >= 0),
    CONSTRAINT alert_escalations_contacts_check CHECK (jsonb_typeof(contacts) = 'array')
);
COMMENT ON TABLE public.alert_escalations IS
    'An alert that is passed on unless somebody sees to it: when, and to whom. The row goes once that is over.';
COMMENT ON COLUMN public.alert_escalations.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.alert_escalations.alert_id IS 'The alert.';
COMMENT ON COLUMN public.alert_escalations.next_level IS 'The level it is passed on to next; 1 is the first.';
COMMENT ON COLUMN public.alert_escalations.repeats_left IS 'How often it is passed on to the highest level once more.';
COMMENT ON COLUMN public.alert_escalations.delay_minutes IS 'The minutes from one level to the next, as the rule had them.';
COMMENT ON COLUMN public.alert_escalations.due_at IS 'When it is passed on next.';
COMMENT ON COLUMN public.alert_escalations.contacts IS
    'Array of {level, type, value}: the contacts as they were when the alert was raised.';
COMMENT ON COLUMN public.alert_escalations.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.alert_escalations.updated_at IS 'Last change; moves by trigger.';
CREATE INDEX alert_escalations_due_at_idx ON public.alert_escalations (tenant_id, due_at);
CREATE TRIGGER alert_escalations_touch_updated_at BEFORE UPDATE ON public.alert_escalations
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('alert_escalations');
SELECT public.nmc_protect_table('public.alert_escalations');

ALTER TABLE public.alert_rules
    ADD COLUMN escalation_repeats INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN only_when_open BOOLEAN NOT NULL DEFAULT false,
    ADD CONSTRAINT alert_rules_escalation_repeats_check CHECK (escalation_repeats BETWEEN 0 AND 100);
COMMENT ON COLUMN public.alert_rules.only_when_open IS
    'Whether alerts are raised in business hours only; one that is open may end at any time.';
COMMENT ON COLUMN public.alert_rules.escalation_repeats IS
    'How often an alert that has come to the highest level is passed on to it once more.';

ALTER TABLE public.alert_history
    DROP CONSTRAINT alert_history_event_type_check,
    ADD CONSTRAINT alert_history_event_type_check CHECK (event_type IN (
        'triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed', 'unsnoozed', 'notification_sent', 'notification_failed',
        'flapping', 'escalation_ended'));
COMMENT ON COLUMN public.alert_history.event_type IS
    'triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent, notification_failed, flapping or escalation_ended.';
