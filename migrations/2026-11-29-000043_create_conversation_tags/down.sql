DROP TRIGGER conversations_keep_tags ON public.conversations;
DROP TRIGGER conversations_keep_new_tags ON public.conversations;
DROP FUNCTION public.nmc_keep_conversation_tags();
DROP TABLE public.conversation_tags;
