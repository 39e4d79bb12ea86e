-- The mails about accounts, as a queue: invitations, links to reset a password and to verify an address.

CREATE TABLE public.account_mails (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind VARCHAR(20) NOT NULL,
    recipient VARCHAR(255) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'waiting',
    error_message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT account_mails_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT account_mails_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES public.users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT account_mails_kind_check CHECK (kind IN ('invitation', 'password_reset', 'verification')),
    CONSTRAINT account_mails_recipient_check CHECK (recipient <> ''),
    CONSTRAINT account_mails_status_check CHECK (status IN ('waiting', 'sent', 'failed')),
    CONSTRAINT account_mails_error_message_check CHECK (status <> 'failed' OR error_message IS NOT NULL),
    CONSTRAINT account_mails_attempts_check CHECK (attempts >= 0),
    CONSTRAINT account_mails_next_attempt_at_check CHECK ((status = 'waiting') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT account_mails_lease_owner_check CHECK (lease_owner IS NULL OR status = 'waiting'),
    CONSTRAINT account_mails_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
CREATE INDEX account_mails_created_at_idx ON public.account_mails (tenant_id, created_at DESC, id DESC);
CREATE INDEX account_mails_user_id_created_at_idx ON public.account_mails (tenant_id, user_id, created_at DESC, id DESC);
CREATE INDEX account_mails_waiting_next_attempt_at_idx ON public.account_mails (tenant_id, next_attempt_at)
    WHERE status = 'waiting';
CREATE TRIGGER account_mails_touch_updated_at BEFORE UPDATE ON public.account_mails
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('account_mails');
COMMENT ON TABLE public.account_mails IS
    'One mail about an account. The waiting rows are the queue of a worker that sends them. The link that a mail holds stands nowhere: it is made of the row and the platform''s keys.';
COMMENT ON COLUMN public.account_mails.id IS 'Key; the library supplies a UUIDv7. The mail''s Message-ID is made of it.';
COMMENT ON COLUMN public.account_mails.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.account_mails.user_id IS 'Whose account it is about.';
COMMENT ON COLUMN public.account_mails.kind IS 'invitation, password_reset or verification (of the e-mail address).';
COMMENT ON COLUMN public.account_mails.recipient IS 'The e-mail address of the account when it was queued.';
COMMENT ON COLUMN public.account_mails.status IS 'waiting (to be sent), sent or failed (given up).';
COMMENT ON COLUMN public.account_mails.error_message IS 'Why the last attempt failed, or why it is not sent, in plain words.';
COMMENT ON COLUMN public.account_mails.attempts IS 'Attempts to send it.';
COMMENT ON COLUMN public.account_mails.next_attempt_at IS 'Not sent before this instant; set while waiting.';
COMMENT ON COLUMN public.account_mails.lease_owner IS 'The claim of the worker that sends it now.';
COMMENT ON COLUMN public.account_mails.lease_expires_at IS
    'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN public.account_mails.expires_at IS 'From this instant on its link is refused, and it is not sent.';
COMMENT ON COLUMN public.account_mails.used_at IS 'When its link was used; NULL: not yet, or it is an invitation''s.';
COMMENT ON COLUMN public.account_mails.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.account_mails.updated_at IS 'Last change; moves by trigger.';
SELECT public.nmc_protect_table('public.account_mails');
