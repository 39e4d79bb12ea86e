ALTER TABLE public.notifications DROP COLUMN link_hash;
