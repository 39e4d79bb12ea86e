SELECT public.nmc_enter_system();
UPDATE public.escalation_contacts SET secret_rotated_at = created_at WHERE secret_version > 1 AND secret_rotated_at IS NULL;
SET LOCAL ROLE NONE;
ALTER TABLE public.escalation_contacts
    DROP CONSTRAINT escalation_contacts_secret_rotated_at_check,
    ADD CONSTRAINT escalation_contacts_secret_rotated_at_check CHECK ((secret_version = 1) = (secret_rotated_at IS NULL));
COMMENT ON COLUMN public.escalation_contacts.secret_version IS
    'Of a webhook: which of its secrets signs, 1 is the first. All contacts of a tenant with one URL have the same; the highest counts.';
COMMENT ON COLUMN public.escalation_contacts.secret_rotated_at IS
    'When that secret took the place of the one before, which signs beside it for 24 hours; NULL: it is the first.';
ALTER TABLE public.conversation_events DROP COLUMN client_key;
