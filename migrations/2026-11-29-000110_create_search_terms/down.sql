DROP TRIGGER conversations_keep_terms ON public.conversations;
DROP TRIGGER conversations_keep_new_terms ON public.conversations;
DROP TRIGGER messages_keep_terms ON public.messages;
DROP TRIGGER messages_keep_new_terms ON public.messages;
DROP FUNCTION public.nmc_keep_conversation_terms();
DROP FUNCTION public.nmc_keep_message_terms();
DROP TABLE public.conversation_terms, public.message_terms;
DROP FUNCTION public.nmc_words(text);
