DROP TABLE public.holidays;
DROP FUNCTION public.nmc_rebuild_by_holiday();
