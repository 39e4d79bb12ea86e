ALTER TABLE public.escalation_contacts DROP COLUMN retired_at;
