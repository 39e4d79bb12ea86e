-- The secret that signs a webhook may be replaced by itself, and an alert that was none tells that it was a test.

ALTER TABLE public.escalation_contacts
    ADD COLUMN secret_version INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN secret_rotated_at TIMESTAMPTZ,
    ADD CONSTRAINT escalation_contacts_secret_version_check CHECK (secret_version >= 1),
    ADD CONSTRAINT escalation_contacts_secret_rotated_at_check CHECK ((secret_version = 1) = (secret_rotated_at IS NULL));
COMMENT ON COLUMN public.escalation_contacts.secret_version IS
    'Of a webhook: which of its secrets signs, 1 is the first. All contacts of a tenant with one URL have the same; the highest counts.';
COMMENT ON COLUMN public.escalation_contacts.secret_rotated_at IS
    'When that secret took the place of the one before, which signs beside it for 24 hours; NULL: it is the first.';

ALTER TABLE public.alerts ADD COLUMN is_test BOOLEAN NOT NULL DEFAULT false;
COMMENT ON COLUMN public.alerts.is_test IS 'Whether it was raised to try out who is told: nothing was measured, and its value says nothing.';

SELECT public.nmc_enter_system();
UPDATE public.alerts a SET is_test = true FROM public.alert_history h
    WHERE h.tenant_id = a.tenant_id AND h.alert_id = a.id AND h.details @> '{"test": true}';
SET LOCAL ROLE NONE;
