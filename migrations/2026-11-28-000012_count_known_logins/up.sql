-- Guesses from where an account has logged in before have a count of their own, so that strangers can't lock its owner out.

ALTER TABLE users
    ADD COLUMN known_failed_attempts INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN known_locked_until TIMESTAMPTZ,
    ADD CONSTRAINT users_known_failed_attempts_check CHECK (known_failed_attempts >= 0);
COMMENT ON COLUMN users.failed_login_attempts IS
    'Wrong passwords in a row since the last login, from where the account had not logged in before.';
COMMENT ON COLUMN users.locked_until IS
    'No login before this instant from where the account has not logged in before; NULL when not locked.';
COMMENT ON COLUMN users.known_failed_attempts IS
    'Wrong passwords in a row since the last login, from an address or a device that had logged in before, or in a live session.';
COMMENT ON COLUMN users.known_locked_until IS 'No login before this instant from a known address or device; NULL when not locked.';
COMMENT ON COLUMN users.email_verified IS
    'Whether the address is known to be the user''s: once an invitation to it was accepted, and from the start for who registers. '
    'Another address is not known.';
COMMENT ON COLUMN api_keys.created_by IS
    'The user it goes back to: it does no more than they may, and ends with their account. NULL: nobody, on an operator''s word.';
