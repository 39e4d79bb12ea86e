-- How long a rule's condition must hold, when it counts as over, and what silence means: each has a default under which a rule is judged
-- by its metric's last value alone, as before.
ALTER TABLE public.alert_rules
    ADD COLUMN pending_seconds INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN recovery_threshold NUMERIC(15, 4),
    ADD COLUMN keep_firing_seconds INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN no_data_policy VARCHAR(10) NOT NULL DEFAULT 'keep',
    ADD COLUMN no_data_seconds INTEGER NOT NULL DEFAULT 900,
    ADD COLUMN flap_changes INTEGER,
    ADD COLUMN flap_seconds INTEGER NOT NULL DEFAULT 3600,
    ADD CONSTRAINT alert_rules_pending_seconds_check CHECK (pending_seconds BETWEEN 0 AND 604800),
    ADD CONSTRAINT alert_rules_recovery_threshold_check CHECK (
        CASE operator
            WHEN 'greater_than' THEN recovery_threshold <= threshold
            WHEN 'less_than' THEN recovery_threshold >= threshold
            ELSE recovery_threshold IS NULL
        END),
    ADD CONSTRAINT alert_rules_keep_firing_seconds_check CHECK (keep_firing_seconds BETWEEN 0 AND 604800),
    ADD CONSTRAINT alert_rules_no_data_policy_check CHECK (no_data_policy IN ('keep', 'alert', 'ok')),
    ADD CONSTRAINT alert_rules_no_data_seconds_check CHECK (no_data_seconds BETWEEN 60 AND 604800),
    ADD CONSTRAINT alert_rules_flap_changes_check CHECK (flap_changes BETWEEN 2 AND 1000),
    ADD CONSTRAINT alert_rules_flap_seconds_check CHECK (flap_seconds BETWEEN 60 AND 604800);
COMMENT ON COLUMN public.alert_rules.pending_seconds IS
    'For how long the condition must hold, from one measurement to another, before an alert is raised; 0: one value suffices.';
COMMENT ON COLUMN public.alert_rules.recovery_threshold IS
    'What an open alert''s metric must come back to; between the two thresholds it stays open. NULL: the condition must no longer hold.';
COMMENT ON COLUMN public.alert_rules.keep_firing_seconds IS
    'For how long the condition must not hold, from one measurement to another, before an open alert is over; 0: one value suffices.';
COMMENT ON COLUMN public.alert_rules.no_data_policy IS
    'What becomes of a rule whose metric is silent: keep (nothing), alert (one is raised) or ok (an open one is over).';
COMMENT ON COLUMN public.alert_rules.no_data_seconds IS 'After how many seconds without a value the metric counts as silent.';
COMMENT ON COLUMN public.alert_rules.flap_changes IS
    'After how many changes of the condition in a row, none of which lasted flap_seconds, an open alert stays open until one does. NULL: never.';
COMMENT ON COLUMN public.alert_rules.flap_seconds IS 'How many seconds without a change are calm.';

ALTER TABLE public.alert_history
    DROP CONSTRAINT alert_history_event_type_check,
    ADD CONSTRAINT alert_history_event_type_check CHECK (event_type IN (
        'triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed', 'unsnoozed', 'notification_sent', 'notification_failed',
        'flapping'));
COMMENT ON COLUMN public.alert_history.event_type IS
    'triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent, notification_failed or flapping.';

CREATE TABLE public.alert_rule_states (
    tenant_id UUID NOT NULL,
    rule_id UUID NOT NULL,
    holds BOOLEAN NOT NULL,
    holds_since TIMESTAMPTZ,
    changes INTEGER NOT NULL,
    last_value NUMERIC(15, 4),
    last_measured_at TIMESTAMPTZ,
    no_data_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_rule_states_pkey PRIMARY KEY (tenant_id, rule_id),
    CONSTRAINT alert_rule_states_rule_id_fkey
        FOREIGN KEY (tenant_id, rule_id) REFERENCES public.alert_rules (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alert_rule_states_changes_check CHECK (changes >= 0),
    CONSTRAINT alert_rule_states_last_measured_at_check CHECK ((last_value IS NULL) = (last_measured_at IS NULL))
);
COMMENT ON TABLE public.alert_rule_states IS 'What an evaluation remembers of a rule until the next one.';
COMMENT ON COLUMN public.alert_rule_states.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.alert_rule_states.rule_id IS 'The rule.';
COMMENT ON COLUMN public.alert_rule_states.holds IS 'Whether its condition held at the last measurement.';
COMMENT ON COLUMN public.alert_rule_states.holds_since IS
    'The first measurement since which that is so without a gap; NULL: nothing has been measured.';
COMMENT ON COLUMN public.alert_rule_states.changes IS 'How often that has changed in a row, never calm in between.';
COMMENT ON COLUMN public.alert_rule_states.last_value IS 'The last value that was judged.';
COMMENT ON COLUMN public.alert_rule_states.last_measured_at IS 'When it was measured: what was measured before it is not judged any more.';
COMMENT ON COLUMN public.alert_rule_states.no_data_since IS 'Since when the metric has counted as silent; NULL: it does not.';
COMMENT ON COLUMN public.alert_rule_states.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.alert_rule_states.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER alert_rule_states_touch_updated_at BEFORE UPDATE ON public.alert_rule_states
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('alert_rule_states');
SELECT public.nmc_protect_table('public.alert_rule_states');
