-- The mails that bring reports to people, as a queue.

CREATE TABLE public.report_mails (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    report_id UUID NOT NULL,
    user_id UUID NOT NULL,
    recipient VARCHAR(255) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'waiting',
    error_message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ,
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT report_mails_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT report_mails_report_id_user_id_key UNIQUE (tenant_id, report_id, user_id),
    CONSTRAINT report_mails_report_id_fkey
        FOREIGN KEY (tenant_id, report_id) REFERENCES public.analytics_reports (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT report_mails_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES public.users (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT report_mails_recipient_check CHECK (recipient <> ''),
    CONSTRAINT report_mails_status_check CHECK (status IN ('waiting', 'sent', 'failed')),
    CONSTRAINT report_mails_error_message_check CHECK (status <> 'failed' OR error_message IS NOT NULL),
    CONSTRAINT report_mails_attempts_check CHECK (attempts >= 0),
    CONSTRAINT report_mails_next_attempt_at_check CHECK ((status = 'waiting') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT report_mails_lease_owner_check CHECK (lease_owner IS NULL OR status = 'waiting'),
    CONSTRAINT report_mails_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT report_mails_sent_at_check CHECK (status <> 'sent' OR sent_at IS NOT NULL)
);
CREATE INDEX report_mails_created_at_idx ON public.report_mails (tenant_id, created_at DESC, id DESC);
CREATE INDEX report_mails_user_id_created_at_idx ON public.report_mails (tenant_id, user_id, created_at DESC, id DESC);
CREATE INDEX report_mails_waiting_next_attempt_at_idx ON public.report_mails (tenant_id, next_attempt_at) WHERE status = 'waiting';
CREATE TRIGGER report_mails_touch_updated_at BEFORE UPDATE ON public.report_mails
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('report_mails');
COMMENT ON TABLE public.report_mails IS
    'One mail that brings a report to a user. The waiting rows are the queue of a worker that sends them; they go with their report.';
COMMENT ON COLUMN public.report_mails.id IS 'Key; the library supplies a UUIDv7. The mail''s Message-ID is made of it.';
COMMENT ON COLUMN public.report_mails.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.report_mails.report_id IS 'The report that it brings.';
COMMENT ON COLUMN public.report_mails.user_id IS 'The user it goes to.';
COMMENT ON COLUMN public.report_mails.recipient IS 'The e-mail address of the user when it was queued.';
COMMENT ON COLUMN public.report_mails.status IS 'waiting (to be sent), sent or failed (given up).';
COMMENT ON COLUMN public.report_mails.error_message IS 'Why the last attempt failed, or why it is not sent, in plain words.';
COMMENT ON COLUMN public.report_mails.attempts IS 'Attempts to send it.';
COMMENT ON COLUMN public.report_mails.next_attempt_at IS 'Not sent before this instant; set while waiting.';
COMMENT ON COLUMN public.report_mails.lease_owner IS 'The claim of the worker that sends it now.';
COMMENT ON COLUMN public.report_mails.lease_expires_at IS
    'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN public.report_mails.sent_at IS 'When the mail server had taken it.';
COMMENT ON COLUMN public.report_mails.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.report_mails.updated_at IS 'Last change; moves by trigger.';
SELECT public.nmc_protect_table('public.report_mails');
