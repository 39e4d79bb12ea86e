ALTER TABLE public.kpi_snapshots RESET (fillfactor);
ALTER TABLE public.analytics_metrics RESET (fillfactor);
ALTER TABLE public.conversation_analytics RESET (fillfactor);
ALTER TABLE public.call_analytics RESET (fillfactor);
