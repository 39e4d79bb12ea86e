DROP TABLE public.report_mails;
