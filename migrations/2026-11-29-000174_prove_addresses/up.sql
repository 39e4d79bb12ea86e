-- An address is its user's once a token that was mailed to it came back, and not before. Until now registering and a shown invitation
-- counted, too: such accounts keep email_verified, which programs from before this migration read, and lack email_verified_at.

ALTER TABLE public.users
    ADD COLUMN email_verified_at TIMESTAMPTZ,
    ADD COLUMN email_changed_at TIMESTAMPTZ,
    ALTER COLUMN email_verified SET DEFAULT false;
COMMENT ON COLUMN public.users.email_verified IS
    'Whether the address is known to be the user''s: a token that was mailed to it came back, or an operator said so. It counts with '
    'email_verified_at alone: accounts older than that have it from registering, too.';
COMMENT ON COLUMN public.users.email_verified_at IS 'When the address was shown to be the user''s; NULL: it was not.';
COMMENT ON COLUMN public.users.email_changed_at IS
    'When another address took the place of the one before, and was not verified since; NULL: it is the one that the account began '
    'with, or verified. While it is set no link that resets the password goes there.';

SELECT public.nmc_enter_system();
UPDATE public.users u SET email_verified_at = proven.at
    FROM (SELECT tenant_id, user_id, recipient, max(used_at) AS at FROM public.account_mails
          WHERE used_at IS NOT NULL AND kind IN ('password_reset', 'verification') GROUP BY tenant_id, user_id, recipient) proven
    WHERE proven.tenant_id = u.tenant_id AND proven.user_id = u.id AND proven.recipient = u.email AND u.email_verified;
-- '!' is no password yet: the address is the one that the account was made with, or the invitation to it is void.
UPDATE public.users SET email_changed_at = updated_at WHERE NOT email_verified AND password_hash <> '!';
SET LOCAL ROLE NONE;
