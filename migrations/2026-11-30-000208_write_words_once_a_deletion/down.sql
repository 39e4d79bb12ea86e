COMMENT ON FUNCTION public.nmc_keep_caller_terms() IS
    'AFTER INSERT, UPDATE or DELETE: writes the words of the names that the network showed to conversation_terms.';
DROP TRIGGER calls_keep_gone_terms ON public.calls;
CREATE TRIGGER calls_keep_old_terms AFTER DELETE ON public.calls
    FOR EACH ROW WHEN (OLD.caller_name IS NOT NULL AND OLD.conversation_id IS NOT NULL)
    EXECUTE FUNCTION public.nmc_keep_caller_terms();
DROP FUNCTION public.nmc_keep_terms_of_gone_calls();
