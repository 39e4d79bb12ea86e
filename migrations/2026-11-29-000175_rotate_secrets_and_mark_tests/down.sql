ALTER TABLE public.alerts DROP COLUMN is_test;
ALTER TABLE public.escalation_contacts DROP COLUMN secret_version, DROP COLUMN secret_rotated_at;
