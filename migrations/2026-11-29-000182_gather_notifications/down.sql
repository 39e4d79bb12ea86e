ALTER TABLE public.notifications DROP COLUMN digest_id;
