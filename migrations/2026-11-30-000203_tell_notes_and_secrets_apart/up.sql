-- The client's own id of a note: added once, however often the request comes. Its index is 000204's.
ALTER TABLE public.conversation_events ADD COLUMN client_key VARCHAR(100);
COMMENT ON COLUMN public.conversation_events.client_key IS
    'The id that a client gave a note, so that it is added once; NULL for all others.';

-- A URL that was removed and is added again begins with another secret than before: its first one has a number of its own.
ALTER TABLE public.escalation_contacts
    DROP CONSTRAINT escalation_contacts_secret_rotated_at_check,
    ADD CONSTRAINT escalation_contacts_secret_rotated_at_check CHECK (secret_version > 1 OR secret_rotated_at IS NULL);
COMMENT ON COLUMN public.escalation_contacts.secret_version IS
    'Of a webhook: which of its secrets signs. All contacts of a tenant with one URL have the same; the highest counts. A URL that is new, or was removed before, begins with the seconds since 2026; 1 was the first of all before that.';
COMMENT ON COLUMN public.escalation_contacts.secret_rotated_at IS
    'When that secret took the place of the one before, which signs beside it for 24 hours; NULL: there was none before.';
