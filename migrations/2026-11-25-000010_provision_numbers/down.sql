ALTER TABLE tenants DROP COLUMN phone_number_limit;

DROP INDEX phone_numbers_due_next_attempt_at_idx;
COMMENT ON COLUMN phone_numbers.status_reason IS 'Why the status is error, in plain words.';
ALTER TABLE phone_numbers
    DROP COLUMN lease_expires_at,
    DROP COLUMN lease_owner,
    DROP COLUMN next_attempt_at,
    DROP COLUMN attempts,
    DROP COLUMN release_requested_at;
