ALTER TABLE public.notifications DROP COLUMN answered_at;
