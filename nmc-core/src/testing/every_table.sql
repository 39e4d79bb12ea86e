-- One row in every table that `Business::onboard` leaves empty, with every reference given. `:tenant` is the tenant's id.
-- Who is invited by a secret of 32 zero bytes.
INSERT INTO users (tenant_id, email, password_hash, role, verification_token, verification_expires_at)
    VALUES (:tenant, 'owner@' || :tenant || '.example', '$2b$04$', 'owner', encode(sha256(repeat('A', 43)::bytea), 'hex'), '2999-01-01');
UPDATE tenants SET owner_id = (SELECT id FROM users WHERE tenant_id = :tenant), registration_key = 'key of ' || :tenant WHERE id = :tenant;
INSERT INTO user_sessions (tenant_id, user_id, token_family_hash, refresh_token_hash, sibling_token_hashes, previous_token_hash,
                           expires_at, ip_address, is_active, ended_at, ended_reason)
    SELECT :tenant, id, 'family of ' || :tenant, 'hash of ' || :tenant, ARRAY['sibling of ' || :tenant], 'previous of ' || :tenant,
           now(), '192.0.2.7', false, now(), 'logout'
    FROM users WHERE tenant_id = :tenant;
INSERT INTO account_mails (tenant_id, user_id, kind, recipient, status, expires_at)
    SELECT :tenant, id, 'password_reset', email, 'sent', '2999-01-01' FROM users WHERE tenant_id = :tenant;
INSERT INTO user_profiles (tenant_id, user_id, email, first_name, last_name)
    SELECT :tenant, id, email, 'Ada', 'Owner' FROM users WHERE tenant_id = :tenant;
INSERT INTO user_preferences (tenant_id, user_id) SELECT :tenant, id FROM users WHERE tenant_id = :tenant;
INSERT INTO user_status (tenant_id, user_id) SELECT :tenant, id FROM users WHERE tenant_id = :tenant;
INSERT INTO api_keys (tenant_id, name, prefix, secret_hash, created_by)
    SELECT :tenant, 'a key', left(md5(:tenant::text), 16), sha256('secret'), id FROM users WHERE tenant_id = :tenant;

INSERT INTO conversations (tenant_id, customer_phone, customer_name, assigned_to, notes, tags)
    SELECT :tenant, '+14155550123', 'Cleo', id, 'a note of ' || :tenant, ARRAY['a tag of ' || :tenant] FROM users WHERE tenant_id = :tenant;
INSERT INTO calls (tenant_id, conversation_id, caller_phone, called_phone, call_direction, call_status, outcome, twilio_call_sid)
    SELECT :tenant, id, customer_phone, '+14155550100', 'inbound', 'no-answer', 'missed', 'CA' || md5(:tenant::text)
    FROM conversations WHERE tenant_id = :tenant;
UPDATE conversations SET first_call_id = calls.id, last_call_id = calls.id
    FROM calls WHERE calls.tenant_id = :tenant AND conversations.tenant_id = :tenant;
INSERT INTO call_participants (tenant_id, call_id, phone_number, participant_type)
    SELECT :tenant, id, caller_phone, 'caller' FROM calls WHERE tenant_id = :tenant;
INSERT INTO call_metadata (tenant_id, call_id, metadata_key, metadata_value)
    SELECT :tenant, id, 'key', 'value' FROM calls WHERE tenant_id = :tenant;
INSERT INTO conversation_events (tenant_id, conversation_id, call_id, event_type, created_by, client_key)
    SELECT :tenant, c.id, c.first_call_id, 'opened', c.assigned_to, 'key of ' || :tenant FROM conversations c WHERE c.tenant_id = :tenant;
INSERT INTO conversation_reads (tenant_id, user_id, conversation_id, read_at)
    SELECT :tenant, assigned_to, id, created_at FROM conversations WHERE tenant_id = :tenant;
INSERT INTO messages (tenant_id, conversation_id, call_id, message_sid, message_body, message_direction, from_number, to_number,
                      message_status, created_by, client_key)
    SELECT :tenant, c.id, c.first_call_id, 'SM' || md5(:tenant::text), 'words of ' || :tenant, 'outbound', '+14155550100',
           c.customer_phone, 'sent', c.assigned_to, 'key of ' || :tenant
    FROM conversations c WHERE c.tenant_id = :tenant;
-- A trigger writes a row for each word.
DELETE FROM message_terms WHERE tenant_id = :tenant AND term <> 'words';
INSERT INTO message_media (tenant_id, message_id, position, media_url, next_attempt_at)
    SELECT :tenant, id, 0, 'https://api.twilio.com/media/' || id, now() FROM messages WHERE tenant_id = :tenant;
INSERT INTO number_pacing (tenant_id, phone_number, free_at) VALUES (:tenant, '+14155550100', now());
INSERT INTO erased_sids (tenant_id, sid) VALUES (:tenant, 'SM-erased');
INSERT INTO catch_up_marks (tenant_id, provider, messages_until, calls_until) VALUES (:tenant, 'twilio', now(), now());
INSERT INTO consents (tenant_id, customer_phone, action, source, message_id, recorded_by)
    SELECT :tenant, m.to_number, 'opt_in', 'staff', m.id, m.created_by FROM messages m WHERE m.tenant_id = :tenant;

INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value) VALUES (:tenant, 'call', 'missed calls', 1);
INSERT INTO call_analytics (tenant_id, call_id, conversation_id, call_status, conversion_status, call_date)
    SELECT :tenant, id, conversation_id, 'missed', 'pending', created_at FROM calls WHERE tenant_id = :tenant;
INSERT INTO conversation_analytics (tenant_id, conversation_id, call_id, resolution_status, conversation_date)
    SELECT :tenant, id, first_call_id, 'in_progress', created_at FROM conversations WHERE tenant_id = :tenant;
INSERT INTO kpi_snapshots (tenant_id, kpi_name, kpi_value, period_type, snapshot_date) VALUES (:tenant, 'kpi', 1, 'daily', now());
INSERT INTO holidays (tenant_id, day, name) VALUES (:tenant, '2026-12-25', 'Christmas Day');
INSERT INTO kpi_targets (tenant_id, kpi_name, period_type, kpi_target) VALUES (:tenant, 'missed_rate', 'daily', 10);
INSERT INTO analytics_roll_ups (tenant_id, timezone, business_hours_start, business_hours_end, formula, rolled_up_at)
    VALUES (:tenant, 'UTC', '08:00', '18:00', 1, now());
INSERT INTO analytics_processing_jobs (tenant_id, job_type, parameters) VALUES (:tenant, 'aggregation', '{}');
INSERT INTO analytics_reports (tenant_id, report_type, period_start, period_end, sections)
    VALUES (:tenant, 'weekly', now(), now(), '[]');
INSERT INTO report_schedules (tenant_id, kind, user_ids, timezone, next_due_at)
    SELECT :tenant, 'daily', ARRAY[id], 'UTC', '2999-01-01' FROM users WHERE tenant_id = :tenant;
INSERT INTO report_mails (tenant_id, report_id, user_id, recipient, status, sent_at)
    SELECT :tenant, r.id, u.id, u.email, 'sent', now() FROM analytics_reports r JOIN users u ON u.tenant_id = r.tenant_id WHERE r.tenant_id = :tenant;

INSERT INTO alert_rules (tenant_id, name, metric, operator, threshold, severity)
    VALUES (:tenant, 'rule', 'missed calls', 'greater_than', 1, 'low');
INSERT INTO alert_rule_states (tenant_id, rule_id, holds, changes) SELECT :tenant, id, false, 0 FROM alert_rules WHERE tenant_id = :tenant;
INSERT INTO alerts (tenant_id, rule_id, rule_name, metric, metric_value, threshold, operator, severity, message,
                    acknowledged_by, resolved_by, snoozed_by)
    SELECT :tenant, r.id, r.name, r.metric, 2, r.threshold, r.operator, r.severity, 'too many', u.id, u.id, u.id
    FROM alert_rules r JOIN users u ON u.tenant_id = r.tenant_id WHERE r.tenant_id = :tenant;
INSERT INTO alert_escalations (tenant_id, alert_id, next_level, repeats_left, delay_minutes, due_at, contacts)
    SELECT :tenant, id, 1, 0, 30, now(), '[]' FROM alerts WHERE tenant_id = :tenant;
INSERT INTO alert_history (tenant_id, alert_id, event_type, new_status, user_id)
    SELECT :tenant, id, 'triggered', 'triggered', resolved_by FROM alerts WHERE tenant_id = :tenant;
INSERT INTO notifications (tenant_id, alert_id, channel, recipient)
    SELECT :tenant, id, 'email', 'ada@example.com' FROM alerts WHERE tenant_id = :tenant;
INSERT INTO escalation_contacts (tenant_id, rule_id, contact_type, contact_value)
    SELECT :tenant, id, 'email', 'ada@example.com' FROM alert_rules WHERE tenant_id = :tenant;
INSERT INTO alert_metrics_cache (tenant_id, metric_name, metric_value, measurement_time) VALUES (:tenant, 'missed calls', 2, now());

INSERT INTO typing_notices (tenant_id, conversation_id, user_id, process_id, is_typing)
    SELECT :tenant, c.id, u.id, gen_random_uuid(), true FROM conversations c JOIN users u ON u.tenant_id = c.tenant_id WHERE c.tenant_id = :tenant;

-- Whoever has a number has events already.
INSERT INTO tenant_streams (tenant_id, seq) VALUES (:tenant, 1) ON CONFLICT DO NOTHING;
INSERT INTO stream_events (tenant_id, seq, kind, subject_id, created_at)
    VALUES (:tenant, 1, 'number.changed', gen_random_uuid(), now()) ON CONFLICT DO NOTHING;
INSERT INTO websocket_events (tenant_id, user_id, socket_id, event_type, ip_address, user_agent)
    SELECT :tenant, id, gen_random_uuid(), 'connect', '192.0.2.1', 'a browser of ' || :tenant FROM users WHERE tenant_id = :tenant;
INSERT INTO connection_metrics (tenant_id, metric_name, metric_value) VALUES (:tenant, 'concurrent_connections', 1);

-- Triggers have written some for the rows above.
DELETE FROM analytics_marks WHERE tenant_id = :tenant;
INSERT INTO analytics_marks (tenant_id, marked_at, subject_id) SELECT :tenant, created_at, id FROM conversations WHERE tenant_id = :tenant;
