DROP TABLE public.account_mails;
