DROP TABLE public.conversation_reads;
