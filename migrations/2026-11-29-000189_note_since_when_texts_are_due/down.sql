ALTER TABLE public.messages DROP COLUMN due_since;
