-- Which reports of a business are made by themselves, and what jobs tell of themselves: what they are the only open one of, and how
-- far they are.

CREATE TABLE public.report_schedules (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    kind VARCHAR(10) NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    hour SMALLINT NOT NULL DEFAULT 7,
    user_ids UUID[] NOT NULL DEFAULT '{}',
    timezone VARCHAR(50) NOT NULL,
    next_due_at TIMESTAMPTZ NOT NULL,
    last_period_start DATE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT report_schedules_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT report_schedules_kind_key UNIQUE (tenant_id, kind),
    CONSTRAINT report_schedules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants (id) ON DELETE CASCADE,
    CONSTRAINT report_schedules_kind_check CHECK (kind IN ('daily', 'weekly', 'monthly')),
    CONSTRAINT report_schedules_hour_check CHECK (hour BETWEEN 0 AND 23),
    CONSTRAINT report_schedules_user_ids_check CHECK (cardinality(user_ids) <= 50 AND array_position(user_ids, NULL) IS NULL)
);
COMMENT ON TABLE public.report_schedules IS 'A report that is made and mailed by itself; a business without a row gets none.';
COMMENT ON COLUMN public.report_schedules.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN public.report_schedules.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN public.report_schedules.kind IS
    'daily (of the day before), weekly (on Monday, of the week before) or monthly (on the 1st, of the month before).';
COMMENT ON COLUMN public.report_schedules.is_active IS 'Whether the report is made; if not, the rest is kept for later.';
COMMENT ON COLUMN public.report_schedules.hour IS 'The hour of the business''s clock at which it is made, 0 to 23.';
COMMENT ON COLUMN public.report_schedules.user_ids IS
    'The users it is mailed to; empty: to owners and administrators. One that is gone gets none.';
COMMENT ON COLUMN public.report_schedules.timezone IS 'The zone by which next_due_at was reckoned.';
COMMENT ON COLUMN public.report_schedules.next_due_at IS 'The instant from which on the next report is made.';
COMMENT ON COLUMN public.report_schedules.last_period_start IS
    'The first day of the last period that was reported on: no period is reported on twice; NULL: none yet.';
COMMENT ON COLUMN public.report_schedules.created_at IS 'When the row was written.';
COMMENT ON COLUMN public.report_schedules.updated_at IS 'Last change; moves by trigger.';
CREATE TRIGGER report_schedules_touch_updated_at BEFORE UPDATE ON public.report_schedules
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('report_schedules');
SELECT public.nmc_protect_table('public.report_schedules');

ALTER TABLE public.analytics_processing_jobs
    ADD COLUMN bucket VARCHAR(100),
    ADD COLUMN progress SMALLINT NOT NULL DEFAULT 0,
    ADD CONSTRAINT analytics_processing_jobs_bucket_check CHECK (bucket <> ''),
    ADD CONSTRAINT analytics_processing_jobs_progress_check CHECK (progress BETWEEN 0 AND 100);
COMMENT ON COLUMN public.analytics_processing_jobs.bucket IS
    'What the job computes, such as a period: no other job of its type that is open has the same; NULL: any number may.';
COMMENT ON COLUMN public.analytics_processing_jobs.progress IS 'How far it is, in percent.';
CREATE UNIQUE INDEX analytics_processing_jobs_bucket_open_key ON public.analytics_processing_jobs (tenant_id, job_type, bucket)
    WHERE status IN ('pending', 'processing') AND bucket IS NOT NULL;
