DROP FUNCTION public.nmc_record_call;
DROP FUNCTION public.nmc_enter_holder(text, text, text, text, timestamptz, timestamptz);
