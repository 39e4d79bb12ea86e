ALTER TABLE public.erased_sids DROP COLUMN texted_at;
