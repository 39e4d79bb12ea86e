-- A call of ours may go to a SIP or client address, as long as any that calls us.
ALTER TABLE calls ALTER COLUMN called_phone TYPE VARCHAR(255);
