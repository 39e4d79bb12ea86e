SELECT public.nmc_enter_system();
DELETE FROM public.account_mails WHERE kind IN ('address_changed', 'approved');
SET LOCAL ROLE NONE;
ALTER TABLE public.account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check CHECK (kind IN ('invitation', 'password_reset', 'verification'));
COMMENT ON COLUMN public.account_mails.kind IS 'invitation, password_reset or verification (of the e-mail address).';
COMMENT ON COLUMN public.account_mails.recipient IS 'The e-mail address of the account when it was queued.';
