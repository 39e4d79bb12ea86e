ALTER TABLE calls ALTER COLUMN called_phone TYPE VARCHAR(20) USING left(called_phone, 20);
