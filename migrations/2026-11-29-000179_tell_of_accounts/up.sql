-- Mails about accounts that tell of something, and have no link: that the address was changed, that the business was approved.

ALTER TABLE public.account_mails
    DROP CONSTRAINT account_mails_kind_check,
    ADD CONSTRAINT account_mails_kind_check
        CHECK (kind IN ('invitation', 'password_reset', 'verification', 'address_changed', 'approved'));
COMMENT ON COLUMN public.account_mails.kind IS
    'invitation, password_reset, verification (of the e-mail address), address_changed (to the address before) or approved (the business, to its owner).';
COMMENT ON COLUMN public.account_mails.recipient IS
    'The e-mail address of the account when it was queued; of address_changed the one before.';
