-- Rules over metrics, the alerts they raise, and who hears of them.

CREATE TABLE alert_rules (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    metric VARCHAR(100) NOT NULL,
    operator VARCHAR(20) NOT NULL,
    threshold DECIMAL(15,4) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    is_enabled BOOLEAN NOT NULL DEFAULT true,
    notification_channels TEXT[] NOT NULL DEFAULT '{}',
    escalation_enabled BOOLEAN NOT NULL DEFAULT false,
    escalation_delay_minutes INTEGER NOT NULL DEFAULT 30,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_rules_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_rules_metric_name_key UNIQUE (tenant_id, metric, name),
    CONSTRAINT alert_rules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT alert_rules_operator_check CHECK (operator IN ('greater_than', 'less_than', 'equals', 'not_equals')),
    CONSTRAINT alert_rules_severity_check CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT alert_rules_notification_channels_check
        CHECK (notification_channels <@ ARRAY['email', 'sms', 'webhook', 'dashboard']), -- which also refuses NULL elements
    CONSTRAINT alert_rules_escalation_delay_minutes_check CHECK (escalation_delay_minutes >= 0)
);
COMMENT ON TABLE alert_rules IS 'When to raise an alert: a metric, a comparison and a threshold.';
COMMENT ON COLUMN alert_rules.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN alert_rules.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN alert_rules.name IS 'What the rule is called; unique per metric.';
COMMENT ON COLUMN alert_rules.description IS 'What it is for.';
COMMENT ON COLUMN alert_rules.metric IS 'Name of the metric watched.';
COMMENT ON COLUMN alert_rules.operator IS
    'How the metric compares with the threshold: greater_than, less_than, equals or not_equals.';
COMMENT ON COLUMN alert_rules.threshold IS 'In the metric''s unit, and as exact as the metric.';
COMMENT ON COLUMN alert_rules.severity IS 'low, medium, high or critical.';
COMMENT ON COLUMN alert_rules.is_enabled IS 'Whether it is evaluated.';
COMMENT ON COLUMN alert_rules.notification_channels IS 'Any of email, sms, webhook and dashboard; empty: nobody is notified.';
COMMENT ON COLUMN alert_rules.escalation_enabled IS 'Whether an alert nobody acknowledges is passed on.';
COMMENT ON COLUMN alert_rules.escalation_delay_minutes IS 'Minutes it waits before each escalation.';
COMMENT ON COLUMN alert_rules.created_at IS 'When the row was written.';
COMMENT ON COLUMN alert_rules.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX alert_rules_is_enabled_idx ON alert_rules (tenant_id, is_enabled);
CREATE TRIGGER alert_rules_touch_updated_at BEFORE UPDATE ON alert_rules
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('alert_rules');
SELECT public.nmc_protect_table('alert_rules');

CREATE TABLE alerts (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    rule_id UUID NOT NULL,
    rule_name VARCHAR(255) NOT NULL,
    metric VARCHAR(100) NOT NULL,
    metric_value DECIMAL(15,4) NOT NULL,
    threshold DECIMAL(15,4) NOT NULL,
    operator VARCHAR(20) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'triggered',
    message TEXT NOT NULL,
    notification_sent BOOLEAN NOT NULL DEFAULT false,
    acknowledged_at TIMESTAMPTZ,
    acknowledged_by UUID,
    acknowledgment_note TEXT,
    escalated_at TIMESTAMPTZ,
    escalation_level INTEGER NOT NULL DEFAULT 0,
    resolved_at TIMESTAMPTZ,
    resolved_by UUID,
    resolution_note TEXT,
    auto_resolved BOOLEAN NOT NULL DEFAULT false,
    snoozed_at TIMESTAMPTZ,
    snoozed_by UUID,
    snoozed_until TIMESTAMPTZ,
    snooze_note TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alerts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alerts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT alerts_rule_id_fkey FOREIGN KEY (tenant_id, rule_id) REFERENCES alert_rules (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alerts_acknowledged_by_fkey
        FOREIGN KEY (tenant_id, acknowledged_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT alerts_resolved_by_fkey
        FOREIGN KEY (tenant_id, resolved_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT alerts_snoozed_by_fkey
        FOREIGN KEY (tenant_id, snoozed_by) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT alerts_operator_check CHECK (operator IN ('greater_than', 'less_than', 'equals', 'not_equals')),
    CONSTRAINT alerts_severity_check CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT alerts_status_check CHECK (status IN ('triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed')),
    CONSTRAINT alerts_escalation_level_check CHECK (escalation_level >= 0),
    CONSTRAINT alerts_snoozed_until_check CHECK (snoozed_until >= snoozed_at),
    CONSTRAINT alerts_status_snoozed_until_check CHECK (status <> 'snoozed' OR snoozed_until IS NOT NULL)
);
COMMENT ON TABLE alerts IS 'One time a rule''s condition held, until it is resolved. A rule has at most one open alert.';
COMMENT ON COLUMN alerts.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN alerts.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN alerts.rule_id IS 'The rule that raised it.';
COMMENT ON COLUMN alerts.rule_name IS 'The rule''s name at that time, as are metric, threshold, operator and severity.';
COMMENT ON COLUMN alerts.metric IS 'The rule''s metric at that time.';
COMMENT ON COLUMN alerts.metric_value IS 'The value that met the condition.';
COMMENT ON COLUMN alerts.threshold IS 'The rule''s threshold at that time.';
COMMENT ON COLUMN alerts.operator IS 'The rule''s operator at that time.';
COMMENT ON COLUMN alerts.severity IS 'The rule''s severity at that time.';
COMMENT ON COLUMN alerts.status IS 'triggered, acknowledged, escalated, snoozed (all open) or resolved.';
COMMENT ON COLUMN alerts.message IS 'What a person is told.';
COMMENT ON COLUMN alerts.notification_sent IS 'Whether at least one notification was delivered.';
COMMENT ON COLUMN alerts.acknowledged_at IS 'When somebody took note of it.';
COMMENT ON COLUMN alerts.acknowledged_by IS 'The user who took note of it.';
COMMENT ON COLUMN alerts.acknowledgment_note IS 'What they said to it.';
COMMENT ON COLUMN alerts.escalated_at IS 'Time of the last escalation.';
COMMENT ON COLUMN alerts.escalation_level IS 'How often it was passed on; 0: not yet.';
COMMENT ON COLUMN alerts.resolved_at IS 'When it was resolved.';
COMMENT ON COLUMN alerts.resolved_by IS 'The user who resolved it; NULL when auto_resolved.';
COMMENT ON COLUMN alerts.resolution_note IS 'What was done about it.';
COMMENT ON COLUMN alerts.auto_resolved IS 'Whether it resolved itself, the condition no longer holding.';
COMMENT ON COLUMN alerts.snoozed_at IS 'When it was put off.';
COMMENT ON COLUMN alerts.snoozed_by IS 'The user who put it off.';
COMMENT ON COLUMN alerts.snoozed_until IS 'When it wakes; set while snoozed.';
COMMENT ON COLUMN alerts.snooze_note IS 'Why it was put off.';
COMMENT ON COLUMN alerts.created_at IS 'When the row was written.';
COMMENT ON COLUMN alerts.updated_at IS 'Last change; moves by trigger.';

CREATE UNIQUE INDEX alerts_open_key ON alerts (tenant_id, rule_id) WHERE status <> 'resolved';
CREATE INDEX alerts_status_idx ON alerts (tenant_id, status);
CREATE INDEX alerts_rule_id_status_idx ON alerts (tenant_id, rule_id, status);
CREATE INDEX alerts_acknowledged_by_idx ON alerts (tenant_id, acknowledged_by);
CREATE INDEX alerts_resolved_by_idx ON alerts (tenant_id, resolved_by);
CREATE INDEX alerts_snoozed_by_idx ON alerts (tenant_id, snoozed_by);
CREATE INDEX alerts_created_at_idx ON alerts (tenant_id, created_at DESC);
CREATE INDEX alerts_active_created_at_idx ON alerts (tenant_id, created_at DESC)
    WHERE status IN ('triggered', 'acknowledged', 'escalated');
CREATE TRIGGER alerts_touch_updated_at BEFORE UPDATE ON alerts
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('alerts');
SELECT public.nmc_protect_table('alerts');

CREATE TABLE alert_history (
    id UUID DEFAULT gen_random_uuid(),
    alert_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    event_type VARCHAR(50) NOT NULL,
    old_status VARCHAR(20),
    new_status VARCHAR(20),
    user_id UUID,
    details JSONB,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_history_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_history_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT alert_history_alert_id_fkey FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alert_history_user_id_fkey
        FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT alert_history_event_type_check CHECK (event_type IN (
        'triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed', 'unsnoozed', 'notification_sent', 'notification_failed')),
    CONSTRAINT alert_history_old_status_check
        CHECK (old_status IN ('triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed')),
    CONSTRAINT alert_history_new_status_check
        CHECK (new_status IN ('triggered', 'acknowledged', 'escalated', 'resolved', 'snoozed')),
    CONSTRAINT alert_history_details_check CHECK (jsonb_typeof(details) = 'object')
);
COMMENT ON TABLE alert_history IS 'What happened to an alert, and who did it. Append-only.';
COMMENT ON COLUMN alert_history.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN alert_history.alert_id IS 'The alert.';
COMMENT ON COLUMN alert_history.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN alert_history.event_type IS
    'triggered, acknowledged, escalated, resolved, snoozed, unsnoozed, notification_sent or notification_failed.';
COMMENT ON COLUMN alert_history.old_status IS 'The alert''s status before; NULL when it did not change, or did not exist.';
COMMENT ON COLUMN alert_history.new_status IS 'The alert''s status after; NULL when it did not change.';
COMMENT ON COLUMN alert_history.user_id IS 'The user who did it; NULL: the system.';
COMMENT ON COLUMN alert_history.details IS 'Object: whatever else the event has to say.';
COMMENT ON COLUMN alert_history.created_at IS 'When the row was written.';

CREATE INDEX alert_history_alert_id_event_type_idx ON alert_history (tenant_id, alert_id, event_type);
CREATE INDEX alert_history_user_id_idx ON alert_history (tenant_id, user_id);
SELECT public.nmc_protect_table('alert_history', append_only => true);

CREATE TABLE notifications (
    id UUID DEFAULT gen_random_uuid(),
    alert_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    channel VARCHAR(20) NOT NULL,
    recipient VARCHAR(255) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 3,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    lease_owner UUID,
    lease_expires_at TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ,
    failed_at TIMESTAMPTZ,
    error_message TEXT,
    webhook_response_code INTEGER,
    webhook_response_body TEXT,
    template_used VARCHAR(100),
    message_content TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT notifications_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT notifications_alert_id_fkey FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT notifications_channel_check CHECK (channel IN ('email', 'sms', 'webhook', 'dashboard')),
    CONSTRAINT notifications_status_check CHECK (status IN ('pending', 'delivered', 'failed', 'retrying')),
    CONSTRAINT notifications_attempts_check CHECK (attempts >= 0),
    CONSTRAINT notifications_max_attempts_check CHECK (max_attempts > 0),
    CONSTRAINT notifications_lease_owner_check CHECK (lease_owner IS NULL OR status IN ('pending', 'retrying')),
    CONSTRAINT notifications_lease_expires_at_check CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
COMMENT ON TABLE notifications IS 'One alert to be told to one recipient: a queue, and the record of what was delivered.';
COMMENT ON COLUMN notifications.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN notifications.alert_id IS 'The alert.';
COMMENT ON COLUMN notifications.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN notifications.channel IS 'email, sms, webhook or dashboard.';
COMMENT ON COLUMN notifications.recipient IS 'E-mail address, phone number, webhook URL or user id, as the channel has it.';
COMMENT ON COLUMN notifications.status IS 'pending, retrying (both still to be delivered), delivered or failed (for good).';
COMMENT ON COLUMN notifications.attempts IS 'Times a worker has tried to deliver it.';
COMMENT ON COLUMN notifications.max_attempts IS 'After so many it is failed.';
COMMENT ON COLUMN notifications.next_attempt_at IS 'Not tried before this instant.';
COMMENT ON COLUMN notifications.lease_owner IS 'The worker delivering it right now; only while pending or retrying.';
COMMENT ON COLUMN notifications.lease_expires_at IS 'From this instant on another worker may take it over; set with lease_owner.';
COMMENT ON COLUMN notifications.delivered_at IS 'When it was delivered.';
COMMENT ON COLUMN notifications.failed_at IS 'When it was given up.';
COMMENT ON COLUMN notifications.error_message IS 'What went wrong the last time.';
COMMENT ON COLUMN notifications.webhook_response_code IS 'HTTP status the webhook answered with.';
COMMENT ON COLUMN notifications.webhook_response_body IS 'What the webhook answered, cut short by the library.';
COMMENT ON COLUMN notifications.template_used IS 'Name of the template message_content was made from.';
COMMENT ON COLUMN notifications.message_content IS 'The text delivered.';
COMMENT ON COLUMN notifications.created_at IS 'When the row was written.';
COMMENT ON COLUMN notifications.updated_at IS 'Last change; moves by trigger.';

CREATE INDEX notifications_alert_id_channel_idx ON notifications (tenant_id, alert_id, channel);
CREATE INDEX notifications_status_attempts_idx ON notifications (tenant_id, status, attempts);
CREATE INDEX notifications_open_created_at_idx ON notifications (tenant_id, created_at) WHERE status IN ('pending', 'retrying');
CREATE INDEX notifications_due_next_attempt_at_idx ON notifications (tenant_id, next_attempt_at)
    WHERE status IN ('pending', 'retrying');
CREATE TRIGGER notifications_touch_updated_at BEFORE UPDATE ON notifications
    FOR EACH ROW EXECUTE FUNCTION public.nmc_touch_updated_at('notifications');
SELECT public.nmc_protect_table('notifications');

CREATE TABLE escalation_contacts (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    rule_id UUID,
    escalation_level INTEGER NOT NULL DEFAULT 1,
    contact_type VARCHAR(20) NOT NULL,
    contact_value VARCHAR(255) NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT escalation_contacts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT escalation_contacts_rule_level_type_value_key
        UNIQUE NULLS NOT DISTINCT (tenant_id, rule_id, escalation_level, contact_type, contact_value),
    CONSTRAINT escalation_contacts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT escalation_contacts_rule_id_fkey
        FOREIGN KEY (tenant_id, rule_id) REFERENCES alert_rules (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT escalation_contacts_escalation_level_check CHECK (escalation_level >= 1),
    CONSTRAINT escalation_contacts_contact_type_check CHECK (contact_type IN ('user', 'email', 'phone', 'webhook'))
);
COMMENT ON TABLE escalation_contacts IS 'Who hears of an alert once it has been passed on often enough.';
COMMENT ON COLUMN escalation_contacts.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN escalation_contacts.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN escalation_contacts.rule_id IS 'The rule it is for; NULL: all rules of the tenant.';
COMMENT ON COLUMN escalation_contacts.escalation_level IS 'Hears from this escalation on; 1 is the first.';
COMMENT ON COLUMN escalation_contacts.contact_type IS 'user, email, phone or webhook.';
COMMENT ON COLUMN escalation_contacts.contact_value IS 'User id, e-mail address, phone number or URL, as contact_type says.';
COMMENT ON COLUMN escalation_contacts.is_active IS 'Whether it is used.';
COMMENT ON COLUMN escalation_contacts.created_at IS 'When the row was written.';
SELECT public.nmc_protect_table('escalation_contacts');

CREATE TABLE alert_metrics_cache (
    id UUID DEFAULT gen_random_uuid(),
    tenant_id UUID NOT NULL,
    metric_name VARCHAR(100) NOT NULL,
    metric_value DECIMAL(15,4) NOT NULL,
    measurement_time TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT alert_metrics_cache_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT alert_metrics_cache_metric_name_measurement_time_key UNIQUE (tenant_id, metric_name, measurement_time),
    CONSTRAINT alert_metrics_cache_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE alert_metrics_cache IS 'Recent values of the metrics that rules watch; old rows may go.';
COMMENT ON COLUMN alert_metrics_cache.id IS 'Key; the library supplies a UUIDv7.';
COMMENT ON COLUMN alert_metrics_cache.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN alert_metrics_cache.metric_name IS 'Name of the metric, as rules give it.';
COMMENT ON COLUMN alert_metrics_cache.metric_value IS 'In the metric''s unit, as exact as analytics_metrics.';
COMMENT ON COLUMN alert_metrics_cache.measurement_time IS 'The instant the value was measured.';
COMMENT ON COLUMN alert_metrics_cache.created_at IS 'When the row was written.';
SELECT public.nmc_protect_table('alert_metrics_cache');
