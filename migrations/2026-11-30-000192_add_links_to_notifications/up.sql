-- A text about an alert has room for a token that names nothing: its notification is found by the token's hash.

ALTER TABLE public.notifications ADD COLUMN link_hash VARCHAR(64);
COMMENT ON COLUMN public.notifications.link_hash IS
    'SHA-256 of the token of the link in its text, in hexadecimal digits; NULL: its text holds none, or it is no text.';
