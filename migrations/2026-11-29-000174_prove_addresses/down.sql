ALTER TABLE public.users
    DROP COLUMN email_verified_at,
    DROP COLUMN email_changed_at,
    ALTER COLUMN email_verified SET DEFAULT true;
COMMENT ON COLUMN public.users.email_verified IS
    'Whether the address is known to be the user''s: once an invitation to it was accepted, and from the start for who registers. '
    'Another address is not known.';
