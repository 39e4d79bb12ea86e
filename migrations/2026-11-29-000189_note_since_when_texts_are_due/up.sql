-- Each try moves next_attempt_at: since when a text should have gone out was lost with the first one.

ALTER TABLE public.messages ADD COLUMN due_since TIMESTAMPTZ;
COMMENT ON COLUMN public.messages.due_since IS
    'When it was first due, of one that a worker has tried since; NULL: next_attempt_at says it. A text that is made to wait for the morning, or for staff, begins anew.';
