ALTER TABLE tenants DROP COLUMN approved_at;
