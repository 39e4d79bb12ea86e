DROP TABLE public.alert_rule_states;
SELECT public.nmc_enter_system();
DELETE FROM alert_history WHERE event_type = 'flapping';
SET LOCAL ROLE NONE;
ALTER TABLE public.alert_history
    DROP CONSTRAINT alert_history_event_type_check,
    ADD CONSTRAINT alert_history_event_type_check CHECK (event_type IN (
        'triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed', 'unsnoozed', 'notification_sent', 'notification_failed'));
COMMENT ON COLUMN public.alert_history.event_type IS
    'triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent or notification_failed.';
ALTER TABLE public.alert_rules
    DROP COLUMN pending_seconds,
    DROP COLUMN recovery_threshold,
    DROP COLUMN keep_firing_seconds,
    DROP COLUMN no_data_policy,
    DROP COLUMN no_data_seconds,
    DROP COLUMN flap_changes,
    DROP COLUMN flap_seconds;
