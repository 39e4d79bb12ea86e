ALTER TABLE public.messages DROP COLUMN client_key;
