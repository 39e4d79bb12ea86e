DROP TRIGGER tenants_keep_marks ON public.tenants;
DROP TRIGGER call_analytics_keep_gone_marks ON public.call_analytics;
DROP TRIGGER call_analytics_keep_marks ON public.call_analytics;
DROP TRIGGER call_analytics_keep_new_marks ON public.call_analytics;
DROP TRIGGER consents_keep_gone_marks ON public.consents;
DROP TRIGGER consents_keep_new_marks ON public.consents;
DROP TRIGGER messages_keep_gone_marks ON public.messages;
DROP TRIGGER messages_keep_marks ON public.messages;
DROP TRIGGER messages_keep_new_marks ON public.messages;
DROP TRIGGER conversations_keep_gone_marks ON public.conversations;
DROP TRIGGER conversations_keep_marks ON public.conversations;
DROP TRIGGER conversations_keep_new_marks ON public.conversations;
DROP TRIGGER calls_keep_gone_marks ON public.calls;
DROP TRIGGER calls_keep_marks ON public.calls;
DROP TRIGGER calls_keep_new_marks ON public.calls;
DROP FUNCTION public.nmc_mark_business(), public.nmc_mark_call_analytics(), public.nmc_mark_gone_consents(), public.nmc_mark_new_consents(),
    public.nmc_mark_gone_messages(), public.nmc_mark_message(), public.nmc_mark_new_messages(), public.nmc_mark_gone_conversations(),
    public.nmc_mark_conversation(), public.nmc_mark_new_conversations(), public.nmc_mark_gone_calls(), public.nmc_mark_call(),
    public.nmc_mark_new_calls(), public.nmc_mark(uuid, timestamptz, timestamptz, uuid);
ALTER TABLE public.kpi_snapshots DROP COLUMN computed_at, DROP COLUMN formula, DROP COLUMN timezone, DROP COLUMN period_start;
DROP TABLE public.kpi_targets, public.analytics_roll_ups, public.analytics_marks;
