ALTER TABLE business_settings DROP COLUMN greeting_reviewed_at;

CREATE INDEX user_sessions_previous_token_hash_idx ON user_sessions (previous_token_hash) WHERE previous_token_hash IS NOT NULL;
COMMENT ON COLUMN user_sessions.previous_token_hash IS
    'Hash of the token before the last rotation: whoever shows that one again holds a stolen copy.';
ALTER TABLE user_sessions DROP COLUMN sibling_token_hashes, DROP COLUMN token_family_hash;

-- An open invitation would outlive its end. (A plain UPDATE would see no row: see rule 9 of the migrations.)
ALTER TABLE users
    DROP COLUMN verification_expires_at,
    ALTER COLUMN verification_token TYPE VARCHAR(255) USING NULL::varchar;
COMMENT ON COLUMN users.verification_token IS
    'Reserved for address verification, not used by the first build; would hold a hash, never the token.';
COMMENT ON COLUMN users.email_verified IS 'True from the start: the first build verifies no addresses.';

ALTER TABLE tenants DROP COLUMN registration_key;
