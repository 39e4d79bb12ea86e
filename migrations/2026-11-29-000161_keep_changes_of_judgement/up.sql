-- A rule judges the last value once more when it judges otherwise, and not when its name or its channels are others.
ALTER TABLE public.alert_rules ADD COLUMN judgement_changed_at TIMESTAMPTZ;
COMMENT ON COLUMN public.alert_rules.judgement_changed_at IS
    'Last change of what is judged: metric, operator, threshold or a term. NULL: none since it was created.';
