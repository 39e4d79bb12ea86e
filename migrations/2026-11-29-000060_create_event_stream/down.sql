DROP FUNCTION public.nmc_append_events(uuid, text[], uuid[], timestamptz);
DROP TABLE public.stream_events, public.tenant_streams;
