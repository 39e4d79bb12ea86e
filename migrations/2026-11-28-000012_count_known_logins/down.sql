ALTER TABLE users
    DROP COLUMN known_failed_attempts,
    DROP COLUMN known_locked_until;
COMMENT ON COLUMN users.failed_login_attempts IS 'Wrong passwords in a row since the last login.';
COMMENT ON COLUMN users.locked_until IS 'No login before this instant; NULL when not locked.';
COMMENT ON COLUMN users.email_verified IS
    'Whether the address is known to be the user''s: an invited one is once the invitation was accepted, all others from the start.';
COMMENT ON COLUMN api_keys.created_by IS 'The user who made it; NULL when the system did.';
