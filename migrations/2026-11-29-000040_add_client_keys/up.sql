-- The client's own id of a text that staff write: sent once, however often the request comes. Its index is 000041's.
ALTER TABLE public.messages ADD COLUMN client_key VARCHAR(100);
COMMENT ON COLUMN public.messages.client_key IS
    'The id that a client gave a text of staff, so that it is sent once; NULL for all others.';
