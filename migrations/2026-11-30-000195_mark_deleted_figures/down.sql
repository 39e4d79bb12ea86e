DROP TRIGGER conversation_analytics_keep_gone_marks ON public.conversation_analytics;
DROP TRIGGER call_analytics_keep_gone_marks ON public.call_analytics;
CREATE TRIGGER call_analytics_keep_gone_marks AFTER DELETE ON public.call_analytics
    FOR EACH ROW WHEN (OLD.conversion_status IS NOT NULL OR OLD.revenue_impact IS NOT NULL)
    EXECUTE FUNCTION public.nmc_mark_call_analytics();
DROP FUNCTION public.nmc_mark_gone_conversation_analytics();
DROP FUNCTION public.nmc_mark_gone_call_analytics();
