ALTER TABLE public.alert_rules DROP COLUMN judgement_changed_at;
