-- What registration, invitations, refresh tokens and the review of the greeting have to remember.

ALTER TABLE tenants
    ADD COLUMN registration_key VARCHAR(64),
    ADD CONSTRAINT tenants_registration_key_key UNIQUE (registration_key);
COMMENT ON COLUMN tenants.registration_key IS
    'Hash of the key the registration came with: the same key again finds this tenant. NULL when it came without one.';

ALTER TABLE users
    ADD COLUMN verification_expires_at TIMESTAMPTZ,
    ADD CONSTRAINT users_verification_expires_at_check CHECK (verification_token IS NULL OR verification_expires_at IS NOT NULL);
COMMENT ON COLUMN users.verification_token IS
    'Hash of an open invitation, with which the user chooses a password; NULL when there is none.';
COMMENT ON COLUMN users.verification_expires_at IS 'The invitation is refused from this instant on; NULL without one.';
COMMENT ON COLUMN users.email_verified IS
    'Whether the address is known to be the user''s: an invited one is once the invitation was accepted, all others from the start.';

-- A session that began before tokens had a family gets one that nobody holds: its user logs in again.
ALTER TABLE user_sessions
    ADD COLUMN token_family_hash VARCHAR(64) NOT NULL DEFAULT gen_random_uuid()::text,
    ADD COLUMN sibling_token_hashes TEXT[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT user_sessions_token_family_hash_key UNIQUE (token_family_hash),
    ADD CONSTRAINT user_sessions_sibling_token_hashes_check
        CHECK (cardinality(sibling_token_hashes) <= 7 AND array_position(sibling_token_hashes, NULL) IS NULL);
ALTER TABLE user_sessions ALTER COLUMN token_family_hash DROP DEFAULT;
COMMENT ON COLUMN user_sessions.token_family_hash IS
    'Hash of the part that all refresh tokens of the session share: it finds the session, and proves that a token was once its.';
COMMENT ON COLUMN user_sessions.sibling_token_hashes IS
    'Hashes of other tokens handed out for the same previous one, as unused as refresh_token_hash: answers that may be lost. At most 7.';
COMMENT ON COLUMN user_sessions.previous_token_hash IS
    'Hash of the token that was exchanged last. While none of its successors is used, it may be exchanged again.';
-- Sessions are found by the family now.
DROP INDEX user_sessions_previous_token_hash_idx;

ALTER TABLE business_settings ADD COLUMN greeting_reviewed_at TIMESTAMPTZ;
COMMENT ON COLUMN business_settings.greeting_reviewed_at IS
    'When somebody last approved of greeting_template as it is; NULL once the template has changed.';
