-- Figures are written again as more comes: with room on its page a row that no index tells apart from the one of before is written beside it, and no
-- index is touched. It holds for pages that are new, or are written anew.

ALTER TABLE public.call_analytics SET (fillfactor = 70);
ALTER TABLE public.conversation_analytics SET (fillfactor = 70);
ALTER TABLE public.analytics_metrics SET (fillfactor = 70);
ALTER TABLE public.kpi_snapshots SET (fillfactor = 70);
