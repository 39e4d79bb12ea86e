SELECT public.nmc_enter_system();
DELETE FROM alert_history WHERE event_type = 'escalation_ended';
SET LOCAL ROLE NONE;
ALTER TABLE public.alert_history
    DROP CONSTRAINT alert_history_event_type_check,
    ADD CONSTRAINT alert_history_event_type_check CHECK (event_type IN (
        'triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed', 'unsnoozed', 'notification_sent', 'notification_failed',
        'flapping'));
COMMENT ON COLUMN public.alert_history.event_type IS
    'triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent, notification_failed or flapping.';
ALTER TABLE public.alert_rules DROP COLUMN escalation_repeats, DROP COLUMN only_when_open;
DROP TABLE public.alert_escalations;
DROP TRIGGER alert_rules_keep_rounds ON public.alert_rules;
DROP FUNCTION public.nmc_keep_alert_rounds();
DROP TABLE public.alert_rounds;
