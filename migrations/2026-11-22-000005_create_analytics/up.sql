-- Figures drawn from calls and conversations, and the jobs and reports that draw them.

CREATE TABLE analytics_metrics (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    metric_type VARCHAR(100) NOT NULL,
    metric_name VARCHAR(100) NOT NULL,
    metric_value DECIMAL(15,4) NOT NULL,
    dimensions JSONB NOT NULL DEFAULT '{}',
    aggregation_level VARCHAR(20) NOT NULL DEFAULT 'raw',
    timestamp TIMESTAMPTZ NOT NULL DEFAULT now(),
    period_start TIMESTAMPTZ,
    period_end TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT analytics_metrics_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT analytics_metrics_type_name_timestamp_level_key
        UNIQUE (tenant_id, metric_type, metric_name, timestamp, aggregation_level),
    CONSTRAINT analytics_metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT analytics_metrics_metric_type_check CHECK (metric_type IN ('call', 'conversation', 'revenue', 'performance')),
    CONSTRAINT analytics_metrics_aggregation_level_check
        CHECK (aggregation_level IN ('raw', 'hourly', 'daily', 'weekly', 'monthly')),
    CONSTRAINT analytics_metrics_dimensions_check CHECK (jsonb_typeof(dimensions) = 'object'),
    CONSTRAINT analytics_metrics_period_end_check CHECK (period_end >= period_start)
);
COMMENT ON TABLE analytics_metrics IS
    'One measured value at one instant. One row per type, name, instant and level: dimensions describe the value and do not '
    'tell rows apart.';
COMMENT ON COLUMN analytics_metrics.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN analytics_metrics.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN analytics_metrics.metric_type IS 'call, conversation, revenue or performance.';
COMMENT ON COLUMN analytics_metrics.metric_name IS 'Which value it is, within its type.';
COMMENT ON COLUMN analytics_metrics.metric_value IS 'The value; its unit goes with metric_name.';
COMMENT ON COLUMN analytics_metrics.dimensions IS 'Object: dimension ⇒ value.';
COMMENT ON COLUMN analytics_metrics.aggregation_level IS 'raw, or the period it sums up: hourly, daily, weekly or monthly.';
COMMENT ON COLUMN analytics_metrics.timestamp IS 'The instant the value belongs to.';
COMMENT ON COLUMN analytics_metrics.period_start IS 'Start of the period summed up; NULL for raw values.';
COMMENT ON COLUMN analytics_metrics.period_end IS 'End of the period summed up; NULL for raw values.';
COMMENT ON COLUMN analytics_metrics.created_at IS 'When the row was written.';
COMMENT ON COLUMN analytics_metrics.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX analytics_metrics_timestamp_idx ON analytics_metrics (tenant_id, timestamp DESC);
CREATE INDEX analytics_metrics_aggregation_level_timestamp_idx ON analytics_metrics (tenant_id, aggregation_level, timestamp);
CREATE INDEX analytics_metrics_dimensions_idx ON analytics_metrics USING GIN (dimensions);
CREATE TRIGGER analytics_metrics_touch_updated_at BEFORE UPDATE ON analytics_metrics
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('analytics_metrics');
SELECT public.nmc_protect_table('analytics_metrics');

CREATE TABLE call_analytics (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    call_id UUID,
    conversation_id UUID,
    phone_number VARCHAR(20),
    call_type VARCHAR(50),
    call_status VARCHAR(50),
    call_duration INTEGER,
    ai_takeover_count INTEGER NOT NULL DEFAULT 0,
    customer_satisfaction DECIMAL(3,2),
    conversion_status VARCHAR(50),
    revenue_impact DECIMAL(10,2),
    cost_per_call DECIMAL(10,2),
    tags TEXT,
    metadata JSONB NOT NULL DEFAULT '{}',
    call_date TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT call_analytics_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT call_analytics_call_id_key UNIQUE (tenant_id, call_id),
    CONSTRAINT call_analytics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT call_analytics_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT call_analytics_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT call_analytics_call_status_check
        CHECK (call_status IN ('answered', 'missed', 'completed', 'failed', 'voicemail', 'abandoned', 'blocked')),
    CONSTRAINT call_analytics_call_duration_check CHECK (call_duration >= 0),
    CONSTRAINT call_analytics_ai_takeover_count_check CHECK (ai_takeover_count >= 0),
    CONSTRAINT call_analytics_customer_satisfaction_check CHECK (customer_satisfaction BETWEEN 1 AND 5),
    CONSTRAINT call_analytics_conversion_status_check CHECK (conversion_status IN ('converted', 'qualified', 'lost', 'pending')),
    CONSTRAINT call_analytics_cost_per_call_check CHECK (cost_per_call >= 0),
    CONSTRAINT call_analytics_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE call_analytics IS 'A call as the reports see it; one row per call, recomputed in place.';
COMMENT ON COLUMN call_analytics.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN call_analytics.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN call_analytics.call_id IS 'The call; NULL for figures brought in from elsewhere.';
COMMENT ON COLUMN call_analytics.conversation_id IS 'The call''s conversation.';
COMMENT ON COLUMN call_analytics.phone_number IS 'The customer''s number, when it has one.';
COMMENT ON COLUMN call_analytics.call_type IS 'The call''s call_type when it was computed.';
COMMENT ON COLUMN call_analytics.call_status IS 'The call''s outcome, or completed for a call that has none.';
COMMENT ON COLUMN call_analytics.call_duration IS 'Length in seconds.';
COMMENT ON COLUMN call_analytics.ai_takeover_count IS 'How often the AI took over.';
COMMENT ON COLUMN call_analytics.customer_satisfaction IS 'Rating, 1 to 5.';
COMMENT ON COLUMN call_analytics.conversion_status IS 'converted, qualified, lost or pending.';
COMMENT ON COLUMN call_analytics.revenue_impact IS 'Revenue ascribed to the call, in US dollars; a refund is negative.';
COMMENT ON COLUMN call_analytics.cost_per_call IS 'What the call cost, in US dollars.';
COMMENT ON COLUMN call_analytics.tags IS 'Labels, as one text.';
COMMENT ON COLUMN call_analytics.metadata IS 'Object: anything else the computation found.';
COMMENT ON COLUMN call_analytics.call_date IS 'When the call began.';
COMMENT ON COLUMN call_analytics.processed_at IS 'When the row was last computed.';
COMMENT ON COLUMN call_analytics.created_at IS 'When the row was written.';
COMMENT ON COLUMN call_analytics.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX call_analytics_conversation_id_idx ON call_analytics (tenant_id, conversation_id);
CREATE INDEX call_analytics_call_date_idx ON call_analytics (tenant_id, call_date DESC);
CREATE INDEX call_analytics_call_status_idx ON call_analytics (tenant_id, call_status);
CREATE INDEX call_analytics_conversion_status_idx ON call_analytics (tenant_id, conversion_status);
CREATE TRIGGER call_analytics_touch_updated_at BEFORE UPDATE ON call_analytics
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('call_analytics');
SELECT public.nmc_protect_table('call_analytics');

CREATE TABLE conversation_analytics (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    call_id UUID,
    message_count INTEGER NOT NULL DEFAULT 0,
    ai_message_count INTEGER NOT NULL DEFAULT 0,
    human_message_count INTEGER NOT NULL DEFAULT 0,
    conversation_duration INTEGER,
    sentiment_score DECIMAL(3,2),
    intent_detection JSONB NOT NULL DEFAULT '{}',
    resolution_status VARCHAR(50),
    escalation_count INTEGER NOT NULL DEFAULT 0,
    satisfaction_rating DECIMAL(3,2),
    conversation_date TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT conversation_analytics_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversation_analytics_conversation_id_key UNIQUE (tenant_id, conversation_id),
    CONSTRAINT conversation_analytics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT conversation_analytics_conversation_id_fkey
        FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT conversation_analytics_call_id_fkey
        FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT conversation_analytics_message_count_check CHECK (message_count >= 0),
    CONSTRAINT conversation_analytics_ai_message_count_check CHECK (ai_message_count >= 0),
    CONSTRAINT conversation_analytics_human_message_count_check CHECK (human_message_count >= 0),
    CONSTRAINT conversation_analytics_conversation_duration_check CHECK (conversation_duration >= 0),
    CONSTRAINT conversation_analytics_sentiment_score_check CHECK (sentiment_score BETWEEN -1 AND 1),
    CONSTRAINT conversation_analytics_intent_detection_check CHECK (jsonb_typeof(intent_detection) = 'object'),
    CONSTRAINT conversation_analytics_resolution_status_check
        CHECK (resolution_status IN ('resolved', 'escalated', 'abandoned', 'in_progress')),
    CONSTRAINT conversation_analytics_escalation_count_check CHECK (escalation_count >= 0),
    CONSTRAINT conversation_analytics_satisfaction_rating_check CHECK (satisfaction_rating BETWEEN 1 AND 5)
);
COMMENT ON TABLE conversation_analytics IS 'A conversation as the reports see it; one row per conversation, recomputed in place.';
COMMENT ON COLUMN conversation_analytics.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN conversation_analytics.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN conversation_analytics.conversation_id IS 'The conversation; one row each.';
COMMENT ON COLUMN conversation_analytics.call_id IS 'The call that opened the conversation, if one did.';
COMMENT ON COLUMN conversation_analytics.message_count IS 'All messages, in both directions.';
COMMENT ON COLUMN conversation_analytics.ai_message_count IS 'Messages the AI wrote.';
COMMENT ON COLUMN conversation_analytics.human_message_count IS 'Messages a person wrote.';
COMMENT ON COLUMN conversation_analytics.conversation_duration IS 'From beginning to end, in seconds.';
COMMENT ON COLUMN conversation_analytics.sentiment_score IS 'The customer''s mood, −1 (bad) to 1 (good).';
COMMENT ON COLUMN conversation_analytics.intent_detection IS 'Object: intent ⇒ how sure, 0 to 1.';
COMMENT ON COLUMN conversation_analytics.resolution_status IS 'resolved, escalated, abandoned or in_progress.';
COMMENT ON COLUMN conversation_analytics.escalation_count IS 'How often it was passed on to a person.';
COMMENT ON COLUMN conversation_analytics.satisfaction_rating IS 'Rating, 1 to 5.';
COMMENT ON COLUMN conversation_analytics.conversation_date IS 'When the conversation began.';
COMMENT ON COLUMN conversation_analytics.processed_at IS 'When the row was last computed.';
COMMENT ON COLUMN conversation_analytics.created_at IS 'When the row was written.';
COMMENT ON COLUMN conversation_analytics.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX conversation_analytics_call_id_idx ON conversation_analytics (tenant_id, call_id);
CREATE INDEX conversation_analytics_conversation_date_idx ON conversation_analytics (tenant_id, conversation_date DESC);
CREATE INDEX conversation_analytics_resolution_status_idx ON conversation_analytics (tenant_id, resolution_status);
CREATE TRIGGER conversation_analytics_touch_updated_at BEFORE UPDATE ON conversation_analytics
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('conversation_analytics');
SELECT public.nmc_protect_table('conversation_analytics');

CREATE TABLE kpi_snapshots (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    kpi_name VARCHAR(100) NOT NULL,
    kpi_value DECIMAL(15,4) NOT NULL,
    kpi_target DECIMAL(15,4),
    variance_percentage DECIMAL(20,2),
    trend_direction VARCHAR(20),
    period_type VARCHAR(20) NOT NULL,
    snapshot_date TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT kpi_snapshots_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT kpi_snapshots_kpi_name_period_type_snapshot_date_key UNIQUE (tenant_id, kpi_name, period_type, snapshot_date),
    CONSTRAINT kpi_snapshots_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT kpi_snapshots_variance_percentage_check
        CHECK (variance_percentage IS NULL OR coalesce(kpi_target, 0) <> 0),
    CONSTRAINT kpi_snapshots_trend_direction_check
        CHECK (trend_direction IN ('up', 'down', 'stable', 'improving', 'declining')),
    CONSTRAINT kpi_snapshots_period_type_check CHECK (period_type IN ('hourly', 'daily', 'weekly', 'monthly'))
);
COMMENT ON TABLE kpi_snapshots IS 'A key figure beside its target, at the end of one period.';
COMMENT ON COLUMN kpi_snapshots.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN kpi_snapshots.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN kpi_snapshots.kpi_name IS 'Which figure it is.';
COMMENT ON COLUMN kpi_snapshots.kpi_value IS 'The value; its unit goes with kpi_name.';
COMMENT ON COLUMN kpi_snapshots.kpi_target IS 'What it should have been, in the same unit; NULL: no target.';
COMMENT ON COLUMN kpi_snapshots.variance_percentage IS
    'How far the value lies above (+) or below (−) the target, in percent of it; NULL without a target or with a target of 0.';
COMMENT ON COLUMN kpi_snapshots.trend_direction IS 'up, down, stable, improving or declining, against the snapshot before.';
COMMENT ON COLUMN kpi_snapshots.period_type IS 'hourly, daily, weekly or monthly.';
COMMENT ON COLUMN kpi_snapshots.snapshot_date IS 'The instant the snapshot stands for.';
COMMENT ON COLUMN kpi_snapshots.created_at IS 'When the row was written.';

CREATE INDEX kpi_snapshots_period_type_snapshot_date_idx ON kpi_snapshots (tenant_id, period_type, snapshot_date DESC);
CREATE INDEX kpi_snapshots_kpi_name_snapshot_date_idx ON kpi_snapshots (tenant_id, kpi_name, snapshot_date DESC);
SELECT public.nmc_protect_table('kpi_snapshots');

CREATE TABLE analytics_processing_jobs (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    job_type VARCHAR(50) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    parameters JSONB NOT NULL,
    result JSONB,
    error_message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    completed_at TIMESTAMPTZ,
    CONSTRAINT analytics_processing_jobs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT analytics_processing_jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT analytics_processing_jobs_job_type_check
        CHECK (job_type IN ('aggregation', 'kpi_calculation', 'trend_analysis', 'report_generation')),
    CONSTRAINT analytics_processing_jobs_status_check CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT analytics_processing_jobs_parameters_check CHECK (jsonb_typeof(parameters) = 'object'),
    CONSTRAINT analytics_processing_jobs_attempts_check CHECK (attempts >= 0),
    CONSTRAINT analytics_processing_jobs_max_attempts_check CHECK (max_attempts > 0),
    CONSTRAINT analytics_processing_jobs_lease_owner_check CHECK (lease_owner IS NULL OR status = 'processing'),
    CONSTRAINT analytics_processing_jobs_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
COMMENT ON TABLE analytics_processing_jobs IS 'Queue of computations that are too long for a request.';
COMMENT ON COLUMN analytics_processing_jobs.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN analytics_processing_jobs.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN analytics_processing_jobs.job_type IS 'aggregation, kpi_calculation, trend_analysis or report_generation.';
COMMENT ON COLUMN analytics_processing_jobs.status IS 'pending, processing, completed or failed (for good).';
COMMENT ON COLUMN analytics_processing_jobs.parameters IS 'Object: what the job type asks for, such as the period.';
COMMENT ON COLUMN analytics_processing_jobs.result IS 'What came out; its shape goes with the job type.';
COMMENT ON COLUMN analytics_processing_jobs.error_message IS 'What went wrong the last time.';
COMMENT ON COLUMN analytics_processing_jobs.attempts IS 'Times a worker has started it.';
COMMENT ON COLUMN analytics_processing_jobs.max_attempts IS 'After so many it is failed.';
COMMENT ON COLUMN analytics_processing_jobs.next_attempt_at IS 'Not started before this instant.';
COMMENT ON COLUMN analytics_processing_jobs.lease_owner IS 'The worker on it right now; only while processing.';
COMMENT ON COLUMN analytics_processing_jobs.lease_expires_at IS
    'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN analytics_processing_jobs.created_at IS 'When the row was written.';
COMMENT ON COLUMN analytics_processing_jobs.updated_at IS 'Last change; moves by trigger.';
COMMENT ON COLUMN analytics_processing_jobs.completed_at IS 'When it was completed.';

CREATE INDEX analytics_processing_jobs_status_created_at_idx ON analytics_processing_jobs (tenant_id, status, created_at);
CREATE INDEX analytics_processing_jobs_job_type_idx ON analytics_processing_jobs (tenant_id, job_type);
CREATE INDEX analytics_processing_jobs_open_created_at_idx ON analytics_processing_jobs (tenant_id, created_at)
    WHERE status IN ('pending', 'processing');
CREATE INDEX analytics_processing_jobs_due_next_attempt_at_idx ON analytics_processing_jobs (tenant_id, next_attempt_at)
    WHERE status IN ('pending', 'processing');
CREATE TRIGGER analytics_processing_jobs_touch_updated_at BEFORE UPDATE ON analytics_processing_jobs
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('analytics_processing_jobs');
SELECT public.nmc_protect_table('analytics_processing_jobs');

CREATE TABLE analytics_reports (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    report_type VARCHAR(100) NOT NULL,
    period_start TIMESTAMPTZ NOT NULL,
    period_end TIMESTAMPTZ NOT NULL,
    sections JSONB NOT NULL,
    format VARCHAR(20) NOT NULL DEFAULT 'json',
    generated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT analytics_reports_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT analytics_reports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT analytics_reports_period_end_check CHECK (period_end >= period_start),
    CONSTRAINT analytics_reports_format_check CHECK (format IN ('json', 'csv', 'pdf'))
);
COMMENT ON TABLE analytics_reports IS 'A finished report, kept until it expires.';
COMMENT ON COLUMN analytics_reports.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN analytics_reports.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN analytics_reports.report_type IS 'Which report it is, an open list.';
COMMENT ON COLUMN analytics_reports.period_start IS 'Start of the period reported on.';
COMMENT ON COLUMN analytics_reports.period_end IS 'End of the period reported on.';
COMMENT ON COLUMN analytics_reports.sections IS 'The content, section by section.';
COMMENT ON COLUMN analytics_reports.format IS 'json, csv or pdf: what it was asked for as.';
COMMENT ON COLUMN analytics_reports.generated_at IS 'When the content was computed.';
COMMENT ON COLUMN analytics_reports.expires_at IS 'May be deleted from this instant on; NULL: kept.';
COMMENT ON COLUMN analytics_reports.created_at IS 'When the row was written.';

CREATE INDEX analytics_reports_report_type_generated_at_idx ON analytics_reports (tenant_id, report_type, generated_at DESC);
SELECT public.nmc_protect_table('analytics_reports');
