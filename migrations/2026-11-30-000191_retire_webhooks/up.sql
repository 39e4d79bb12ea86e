-- A webhook that is put out of use by itself says so, and since when.

ALTER TABLE public.escalation_contacts ADD COLUMN retired_at TIMESTAMPTZ;
COMMENT ON COLUMN public.escalation_contacts.retired_at IS
    'Of a webhook: when it was put out of use because nothing arrived there any more, or its receiver said that it is gone; NULL: it was not, or is in use again.';
