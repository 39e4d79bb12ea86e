-- Buying and giving back numbers as work that survives its workers, and how many numbers a business may hold.

ALTER TABLE phone_numbers
    ADD COLUMN release_requested_at TIMESTAMPTZ,
    ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at TIMESTAMPTZ,
    ADD COLUMN lease_owner UUID,
    ADD COLUMN lease_expires_at TIMESTAMPTZ,
    ADD CONSTRAINT phone_numbers_release_requested_at_check CHECK (release_requested_at IS NULL OR status <> 'active'),
    ADD CONSTRAINT phone_numbers_attempts_check CHECK (attempts >= 0),
    ADD CONSTRAINT phone_numbers_lease_owner_check CHECK (lease_owner IS NULL OR next_attempt_at IS NOT NULL),
    ADD CONSTRAINT phone_numbers_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL));
COMMENT ON COLUMN phone_numbers.release_requested_at IS
    'When somebody asked to give it back, committed before the provider is asked; with a status that is not released yet it is '
    'being released. NULL: nobody did.';
COMMENT ON COLUMN phone_numbers.attempts IS 'Attempts at what the provider has been asked to do last, the current one included.';
COMMENT ON COLUMN phone_numbers.next_attempt_at IS
    'When the provider is to be asked next: to buy it, to take it back, or whether it still has it. NULL: there is nothing to ask.';
COMMENT ON COLUMN phone_numbers.lease_owner IS 'The claim of whoever is asking the provider now; NULL when nobody is.';
COMMENT ON COLUMN phone_numbers.lease_expires_at IS 'From then on somebody else may take over; NULL without a claim.';
COMMENT ON COLUMN phone_numbers.status_reason IS
    'Why the status is error, or why the last attempt to buy or to release it came to nothing, in plain words.';
CREATE INDEX phone_numbers_due_next_attempt_at_idx ON phone_numbers (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

ALTER TABLE tenants
    ADD COLUMN phone_number_limit INTEGER NOT NULL DEFAULT 10,
    ADD CONSTRAINT tenants_phone_number_limit_check CHECK (phone_number_limit >= 0);
COMMENT ON COLUMN tenants.phone_number_limit IS 'How many phone numbers it may hold at once; operators set it.';
