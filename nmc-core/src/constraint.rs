//! What breaking each constraint of the schema means to a person. Total: a test lists the database's constraints and
//! unique indexes and fails on a name that is missing here.

use crate::Error;
use Breach::{Invalid, Missing, Taken};

/// The meaning of a broken constraint to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Another row already has this value.
    Taken,
    /// The value breaks a rule of its field.
    Invalid,
    /// The row it points at does not exist, or belongs to someone else, which looks the same. A key breaks from its other end
    /// too, where a row is to go that others still point at: that is a conflict.
    Missing,
}

/// One constraint of the schema, as a person should hear of it.
#[derive(Debug, Clone, Copy)]
pub struct Constraint {
    /// The constraint's name in the database.
    pub name: &'static str,
    /// The meaning of a breach of the constraint.
    pub breach: Breach,
    /// The field at fault.
    pub field: &'static str,
    /// The rule, in words that follow the field's name.
    pub rule: &'static str,
    /// The entity that a foreign key points at.
    pub refers_to: Option<&'static str>,
}

impl Constraint {
    /// The refusal of a value of the field.
    pub(crate) fn refusal(&self) -> Error {
        let Self { name, field, rule, refers_to, .. } = *self;
        Error::Invalid { field: field.into(), rule: rule.into(), row: None, refers_to, constraint: Some(name.into()) }
    }
}

/// The constraint or unique index of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Constraint> {
    let at = CONSTRAINTS.binary_search_by(|known| known.name.cmp(name)).ok()?;
    CONSTRAINTS.get(at)
}

/// Whether a table is one of the library's: each has a primary key, named after it.
pub(crate) fn is_on(table: &str) -> bool {
    find(&format!("{table}_pkey")).is_some()
}

/// The refusal of a rule that the database has under this name, said before it is asked: where a batch would hide the row.
pub(crate) fn refusal(name: &str) -> Error {
    find(name).map_or_else(|| Error::internal(format!("no constraint {name}")), Constraint::refusal)
}

const fn c(name: &'static str, breach: Breach, field: &'static str, rule: &'static str) -> Constraint {
    Constraint { name, breach, field, rule, refers_to: None }
}

/// A foreign key: its name, its field and what that points at.
macro_rules! key {
    ($name:literal, $field:literal, $refers_to:literal) => {
        Constraint { refers_to: Some($refers_to), ..c($name, Missing, $field, concat!("must be an existing ", $refers_to)) }
    };
}

/// Every constraint and unique index that a write can break, sorted by name.
#[rustfmt::skip] // a table: one line each
pub static CONSTRAINTS: &[Constraint] = &[
    key!("alert_escalations_alert_id_fkey", "alert_id", "alert"),
    c("alert_escalations_contacts_check", Invalid, "contacts", "must be an array"),
    c("alert_escalations_delay_minutes_check", Invalid, "delay_minutes", "must be at least 0"),
    c("alert_escalations_next_level_check", Invalid, "next_level", "must be at least 1"),
    c("alert_escalations_pkey", Taken, "alert_id", "is already passed on"),
    c("alert_escalations_repeats_left_check", Invalid, "repeats_left", "must be at least 0"),
    key!("alert_history_alert_id_fkey", "alert_id", "alert"),
    c("alert_history_details_check", Invalid, "details", "must be an object"),
    c("alert_history_event_type_check", Invalid, "event_type", "must be one of its known values"),
    c("alert_history_new_status_check", Invalid, "new_status", "must be one of its known values"),
    c("alert_history_old_status_check", Invalid, "old_status", "must be one of its known values"),
    c("alert_history_pkey", Taken, "id", "is already taken"),
    key!("alert_history_user_id_fkey", "user_id", "user"),
    c("alert_metrics_cache_metric_name_measurement_time_key", Taken, "measurement_time", "already has a value of this metric"),
    c("alert_metrics_cache_pkey", Taken, "id", "is already taken"),
    key!("alert_metrics_cache_tenant_id_fkey", "tenant_id", "tenant"),
    c("alert_rounds_pkey", Taken, "tenant_id", "already has its rounds"),
    key!("alert_rounds_tenant_id_fkey", "tenant_id", "tenant"),
    c("alert_rule_states_changes_check", Invalid, "changes", "must be at least 0"),
    c("alert_rule_states_last_measured_at_check", Invalid, "last_measured_at", "must be given with the value"),
    c("alert_rule_states_pkey", Taken, "rule_id", "already has a state"),
    key!("alert_rule_states_rule_id_fkey", "rule_id", "rule"),
    c("alert_rules_escalation_delay_minutes_check", Invalid, "escalation_delay_minutes", "must be at least 0"),
    c("alert_rules_escalation_repeats_check", Invalid, "escalation_repeats", "must be 0 to 100"),
    c("alert_rules_flap_changes_check", Invalid, "flap_changes", "must be 2 to 1000"),
    c("alert_rules_flap_seconds_check", Invalid, "flap_seconds", "must be 60 to 604800"),
    c("alert_rules_keep_firing_seconds_check", Invalid, "keep_firing_seconds", "must be 0 to 604800"),
    c("alert_rules_metric_name_key", Taken, "name", "is already taken by another rule on this metric"),
    c("alert_rules_no_data_policy_check", Invalid, "no_data_policy", "must be one of its known values"),
    c("alert_rules_no_data_seconds_check", Invalid, "no_data_seconds", "must be 60 to 604800"),
    c("alert_rules_notification_channels_check", Invalid, "notification_channels", "must each be one of the known channels"),
    c("alert_rules_operator_check", Invalid, "operator", "must be one of its known values"),
    c("alert_rules_pending_seconds_check", Invalid, "pending_seconds", "must be 0 to 604800"),
    c("alert_rules_pkey", Taken, "id", "is already taken"),
    c("alert_rules_recovery_threshold_check", Invalid, "recovery_threshold", "must not lie beyond the threshold, and needs one that is above or below"),
    c("alert_rules_severity_check", Invalid, "severity", "must be one of its known values"),
    key!("alert_rules_tenant_id_fkey", "tenant_id", "tenant"),
    key!("alerts_acknowledged_by_fkey", "acknowledged_by", "user"),
    c("alerts_escalation_level_check", Invalid, "escalation_level", "must be at least 0"),
    c("alerts_open_key", Taken, "rule_id", "already has an open alert"),
    c("alerts_operator_check", Invalid, "operator", "must be one of its known values"),
    c("alerts_pkey", Taken, "id", "is already taken"),
    key!("alerts_resolved_by_fkey", "resolved_by", "user"),
    key!("alerts_rule_id_fkey", "rule_id", "rule"),
    c("alerts_severity_check", Invalid, "severity", "must be one of its known values"),
    key!("alerts_snoozed_by_fkey", "snoozed_by", "user"),
    c("alerts_snoozed_until_check", Invalid, "snoozed_until", "must not be before snoozed_at"),
    c("alerts_status_check", Invalid, "status", "must be one of its known values"),
    c("alerts_status_snoozed_until_check", Invalid, "snoozed_until", "must be given while snoozed"),
    c("analytics_metrics_aggregation_level_check", Invalid, "aggregation_level", "must be one of its known values"),
    c("analytics_metrics_dimensions_check", Invalid, "dimensions", "must be an object"),
    c("analytics_metrics_metric_type_check", Invalid, "metric_type", "must be one of its known values"),
    c("analytics_metrics_period_end_check", Invalid, "period_end", "must not be before period_start"),
    c("analytics_metrics_pkey", Taken, "id", "is already taken"),
    key!("analytics_metrics_tenant_id_fkey", "tenant_id", "tenant"),
    c("analytics_metrics_type_name_timestamp_level_key", Taken, "timestamp", "already has a value of this metric at this level"),
    c("analytics_processing_jobs_attempts_check", Invalid, "attempts", "must be at least 0"),
    c("analytics_processing_jobs_job_type_check", Invalid, "job_type", "must be one of its known values"),
    c("analytics_processing_jobs_lease_expires_at_check", Invalid, "lease_expires_at", "must be given together with lease_owner"),
    c("analytics_processing_jobs_lease_owner_check", Invalid, "lease_owner", "may only be given while processing"),
    c("analytics_processing_jobs_max_attempts_check", Invalid, "max_attempts", "must be at least 1"),
    c("analytics_processing_jobs_parameters_check", Invalid, "parameters", "must be an object"),
    c("analytics_processing_jobs_pkey", Taken, "id", "is already taken"),
    c("analytics_processing_jobs_status_check", Invalid, "status", "must be one of its known values"),
    key!("analytics_processing_jobs_tenant_id_fkey", "tenant_id", "tenant"),
    c("analytics_reports_format_check", Invalid, "format", "must be one of its known values"),
    c("analytics_reports_period_end_check", Invalid, "period_end", "must not be before period_start"),
    c("analytics_reports_pkey", Taken, "id", "is already taken"),
    key!("analytics_reports_tenant_id_fkey", "tenant_id", "tenant"),
    key!("api_keys_created_by_fkey", "created_by", "user"),
    c("api_keys_pkey", Taken, "id", "is already taken"),
    c("api_keys_prefix_key", Taken, "prefix", "is already taken"),
    c("api_keys_scopes_check", Invalid, "scopes", "must not contain null"),
    c("api_keys_secret_hash_check", Invalid, "secret_hash", "must be 32 bytes long"),
    key!("api_keys_tenant_id_fkey", "tenant_id", "tenant"),
    c("business_settings_ai_takeover_delay_seconds_check", Invalid, "ai_takeover_delay_seconds", "must be between 60 and 1800"),
    c("business_settings_allowed_countries_check", Invalid, "allowed_countries", "must be at most 50, none of them null"),
    c("business_settings_auto_resolve_days_check", Invalid, "auto_resolve_days", "must be between 0 and 365"),
    c("business_settings_basic_job_estimate_max_check", Invalid, "basic_job_estimate_max", "must be between 25 and 10000"),
    c("business_settings_basic_job_estimate_min_check", Invalid, "basic_job_estimate_min", "must be between 25 and 10000"),
    c("business_settings_basic_job_estimate_order_check", Invalid, "basic_job_estimate_max", "must be above basic_job_estimate_min"),
    c("business_settings_call_screening_check", Invalid, "call_screening", "must be one of its known values"),
    c("business_settings_daily_person_limit_check", Invalid, "daily_person_limit", "must be between 0 and 100"),
    c("business_settings_daily_text_limit_check", Invalid, "daily_text_limit", "must be between 0 and 100000"),
    c("business_settings_greeting_cooldown_hours_check", Invalid, "greeting_cooldown_hours", "must be between 1 and 720"),
    c("business_settings_greeting_template_check", Invalid, "greeting_template", "must be 10 to 500 characters long"),
    c("business_settings_greeting_template_placeholder_check", Invalid, "greeting_template", "must contain {{business_name}}"),
    c("business_settings_pkey", Taken, "id", "is already taken"),
    key!("business_settings_tenant_id_fkey", "tenant_id", "tenant"),
    c("business_settings_tenant_id_key", Taken, "tenant_id", "already has its settings"),
    c("business_settings_texting_ends_at_check", Invalid, "texting_ends_at", "must be after texting_starts_at"),
    c("call_analytics_ai_takeover_count_check", Invalid, "ai_takeover_count", "must be at least 0"),
    c("call_analytics_call_duration_check", Invalid, "call_duration", "must be at least 0"),
    key!("call_analytics_call_id_fkey", "call_id", "call"),
    c("call_analytics_call_id_key", Taken, "call_id", "already has its analytics"),
    c("call_analytics_call_status_check", Invalid, "call_status", "must be one of its known values"),
    key!("call_analytics_conversation_id_fkey", "conversation_id", "conversation"),
    c("call_analytics_conversion_status_check", Invalid, "conversion_status", "must be one of its known values"),
    c("call_analytics_cost_per_call_check", Invalid, "cost_per_call", "must be at least 0"),
    c("call_analytics_customer_satisfaction_check", Invalid, "customer_satisfaction", "must be between 1 and 5"),
    c("call_analytics_metadata_check", Invalid, "metadata", "must be an object"),
    c("call_analytics_pkey", Taken, "id", "is already taken"),
    key!("call_analytics_tenant_id_fkey", "tenant_id", "tenant"),
    key!("call_metadata_call_id_fkey", "call_id", "call"),
    c("call_metadata_call_id_metadata_key_key", Taken, "metadata_key", "is already set on this call"),
    c("call_metadata_metadata_type_check", Invalid, "metadata_type", "must be one of its known values"),
    c("call_metadata_pkey", Taken, "id", "is already taken"),
    key!("call_participants_call_id_fkey", "call_id", "call"),
    c("call_participants_left_at_check", Invalid, "left_at", "must not be before joined_at"),
    c("call_participants_participant_type_check", Invalid, "participant_type", "must be one of its known values"),
    c("call_participants_pkey", Taken, "id", "is already taken"),
    c("calls_call_direction_check", Invalid, "call_direction", "must be one of its known values"),
    c("calls_call_status_check", Invalid, "call_status", "must be one of its known values"),
    c("calls_call_type_check", Invalid, "call_type", "must be one of its known values"),
    key!("calls_conversation_id_fkey", "conversation_id", "conversation"),
    c("calls_duration_seconds_check", Invalid, "duration_seconds", "must be at least 0"),
    c("calls_ended_at_check", Invalid, "ended_at", "must not be before started_at"),
    c("calls_forwarded_leg_status_check", Invalid, "forwarded_leg_status", "must be one of its known values"),
    c("calls_outcome_call_status_check", Invalid, "outcome", "may only be given once the call has ended"),
    c("calls_outcome_check", Invalid, "outcome", "must be one of its known values"),
    c("calls_pkey", Taken, "id", "is already taken"),
    c("calls_price_check", Invalid, "price", "must be at least 0"),
    c("calls_recording_duration_seconds_check", Invalid, "recording_duration_seconds", "must be at least 0"),
    key!("calls_tenant_id_fkey", "tenant_id", "tenant"),
    c("calls_twilio_call_sid_key", Taken, "twilio_call_sid", "is already recorded"),
    c("catch_up_marks_pkey", Taken, "id", "is already taken"),
    c("catch_up_marks_provider_key", Taken, "provider", "already has its mark"),
    key!("catch_up_marks_tenant_id_fkey", "tenant_id", "tenant"),
    c("connection_metrics_metric_name_check", Invalid, "metric_name", "must be one of its known values"),
    c("connection_metrics_metric_value_check", Invalid, "metric_value", "must be at least 0"),
    c("connection_metrics_pkey", Taken, "id", "is already taken"),
    key!("connection_metrics_tenant_id_fkey", "tenant_id", "tenant"),
    c("consents_action_check", Invalid, "action", "must be one of its known values"),
    c("consents_customer_phone_check", Invalid, "customer_phone", "must be a number in E.164 form, such as +14155550100"),
    key!("consents_message_id_fkey", "message_id", "message"),
    c("consents_pkey", Taken, "id", "is already taken"),
    key!("consents_recorded_by_fkey", "recorded_by", "user"),
    c("consents_source_check", Invalid, "source", "must be one of its known values"),
    key!("consents_tenant_id_fkey", "tenant_id", "tenant"),
    c("conversation_analytics_ai_message_count_check", Invalid, "ai_message_count", "must be at least 0"),
    key!("conversation_analytics_call_id_fkey", "call_id", "call"),
    c("conversation_analytics_conversation_duration_check", Invalid, "conversation_duration", "must be at least 0"),
    key!("conversation_analytics_conversation_id_fkey", "conversation_id", "conversation"),
    c("conversation_analytics_conversation_id_key", Taken, "conversation_id", "already has its analytics"),
    c("conversation_analytics_escalation_count_check", Invalid, "escalation_count", "must be at least 0"),
    c("conversation_analytics_human_message_count_check", Invalid, "human_message_count", "must be at least 0"),
    c("conversation_analytics_intent_detection_check", Invalid, "intent_detection", "must be an object"),
    c("conversation_analytics_message_count_check", Invalid, "message_count", "must be at least 0"),
    c("conversation_analytics_pkey", Taken, "id", "is already taken"),
    c("conversation_analytics_resolution_status_check", Invalid, "resolution_status", "must be one of its known values"),
    c("conversation_analytics_satisfaction_rating_check", Invalid, "satisfaction_rating", "must be between 1 and 5"),
    c("conversation_analytics_sentiment_score_check", Invalid, "sentiment_score", "must be between -1 and 1"),
    key!("conversation_analytics_tenant_id_fkey", "tenant_id", "tenant"),
    key!("conversation_events_call_id_fkey", "call_id", "call"),
    key!("conversation_events_conversation_id_fkey", "conversation_id", "conversation"),
    key!("conversation_events_created_by_fkey", "created_by", "user"),
    c("conversation_events_event_data_check", Invalid, "event_data", "must be an object"),
    c("conversation_events_event_type_check", Invalid, "event_type", "must be one of its known values"),
    c("conversation_events_pkey", Taken, "id", "is already taken"),
    key!("conversation_reads_conversation_id_fkey", "conversation_id", "conversation"),
    c("conversation_reads_pkey", Taken, "id", "is already taken"),
    c("conversation_reads_user_id_conversation_id_key", Taken, "conversation_id", "has a read mark of this user already"),
    key!("conversation_reads_user_id_fkey", "user_id", "user"),
    key!("conversation_tags_conversation_id_fkey", "conversation_id", "conversation"),
    c("conversation_tags_conversation_id_tag_key", Taken, "tag", "is there already"),
    c("conversation_tags_pkey", Taken, "id", "is already taken"),
    key!("conversation_terms_conversation_id_fkey", "conversation_id", "conversation"),
    c("conversation_terms_pkey", Taken, "term", "is there already"),
    key!("conversations_assigned_to_fkey", "assigned_to", "user"),
    c("conversations_channel_check", Invalid, "channel", "must be one of its known values"),
    c("conversations_closed_at_check", Invalid, "closed_at", "may only be given once resolved or closed"),
    c("conversations_customer_phone_check", Invalid, "customer_phone", "must not be empty"),
    key!("conversations_first_call_id_fkey", "first_call_id", "call"),
    key!("conversations_last_call_id_fkey", "last_call_id", "call"),
    c("conversations_open_key", Taken, "customer_phone", "already has an open conversation"),
    c("conversations_pkey", Taken, "id", "is already taken"),
    c("conversations_priority_check", Invalid, "priority", "must be one of its known values"),
    c("conversations_status_check", Invalid, "status", "must be one of its known values"),
    c("conversations_tags_check", Invalid, "tags", "must not contain null"),
    key!("conversations_tenant_id_fkey", "tenant_id", "tenant"),
    c("conversations_total_calls_check", Invalid, "total_calls", "must be at least 0"),
    c("conversations_total_duration_seconds_check", Invalid, "total_duration_seconds", "must be at least 0"),
    c("escalation_contacts_contact_type_check", Invalid, "contact_type", "must be one of its known values"),
    c("escalation_contacts_escalation_level_check", Invalid, "escalation_level", "must be at least 1"),
    c("escalation_contacts_pkey", Taken, "id", "is already taken"),
    key!("escalation_contacts_rule_id_fkey", "rule_id", "rule"),
    c("escalation_contacts_rule_level_type_value_key", Taken, "contact_value", "is already a contact at this level"),
    key!("escalation_contacts_tenant_id_fkey", "tenant_id", "tenant"),
    c("kpi_snapshots_kpi_name_period_type_snapshot_date_key", Taken, "snapshot_date", "already has a snapshot of this figure"),
    c("kpi_snapshots_period_type_check", Invalid, "period_type", "must be one of its known values"),
    c("kpi_snapshots_pkey", Taken, "id", "is already taken"),
    key!("kpi_snapshots_tenant_id_fkey", "tenant_id", "tenant"),
    c("kpi_snapshots_trend_direction_check", Invalid, "trend_direction", "must be one of its known values"),
    c("kpi_snapshots_variance_percentage_check", Invalid, "variance_percentage", "may only be given with a target other than 0"),
    c("message_media_attempts_check", Invalid, "attempts", "must be at least 0"),
    c("message_media_content_hash_check", Invalid, "content_hash", "must be given together with size_bytes once kept"),
    c("message_media_lease_expires_at_check", Invalid, "lease_expires_at", "must be given together with lease_owner"),
    c("message_media_lease_owner_check", Invalid, "lease_owner", "may only be given while waiting"),
    c("message_media_media_url_check", Invalid, "media_url", "must not be empty"),
    key!("message_media_message_id_fkey", "message_id", "message"),
    c("message_media_message_id_position_key", Taken, "position", "is already taken in this message"),
    c("message_media_next_attempt_at_check", Invalid, "next_attempt_at", "must be given while waiting"),
    c("message_media_pkey", Taken, "id", "is already taken"),
    c("message_media_position_check", Invalid, "position", "must be at least 0"),
    c("message_media_size_bytes_check", Invalid, "size_bytes", "must be at least 0"),
    c("message_media_status_check", Invalid, "status", "must be one of its known values"),
    key!("message_terms_message_id_fkey", "message_id", "message"),
    c("message_terms_pkey", Taken, "term", "is there already"),
    c("messages_ai_confidence_check", Invalid, "ai_confidence", "must be between 0 and 1"),
    c("messages_attempts_check", Invalid, "attempts", "must be at least 0"),
    key!("messages_call_id_fkey", "call_id", "call"),
    c("messages_call_id_greeting_key", Taken, "call_id", "already has its greeting"),
    c("messages_channel_check", Invalid, "channel", "must be one of its known values"),
    c("messages_client_key_key", Taken, "client_key", "was already used for another text"),
    key!("messages_conversation_id_fkey", "conversation_id", "conversation"),
    key!("messages_created_by_fkey", "created_by", "user"),
    c("messages_lease_expires_at_check", Invalid, "lease_expires_at", "must be given together with lease_owner"),
    c("messages_lease_owner_check", Invalid, "lease_owner", "may only be given while queued"),
    c("messages_message_body_check", Invalid, "message_body", "must be 1 to 1600 characters long"),
    c("messages_message_direction_check", Invalid, "message_direction", "must be one of its known values"),
    c("messages_message_kind_check", Invalid, "message_kind", "must be one of its known values"),
    c("messages_message_kind_message_direction_check", Invalid, "message_kind", "must be message when inbound"),
    c("messages_message_sid_key", Taken, "message_sid", "is already recorded"),
    c("messages_message_status_check", Invalid, "message_status", "must be one of its known values"),
    c("messages_message_status_message_direction_check", Invalid, "message_status", "must be receiving or received when inbound, and only then"),
    c("messages_next_attempt_at_check", Invalid, "next_attempt_at", "must be given while queued"),
    c("messages_pkey", Taken, "id", "is already taken"),
    c("messages_price_check", Invalid, "price", "must be at least 0"),
    key!("messages_tenant_id_fkey", "tenant_id", "tenant"),
    key!("notifications_alert_id_fkey", "alert_id", "alert"),
    c("notifications_attempts_check", Invalid, "attempts", "must be at least 0"),
    c("notifications_channel_check", Invalid, "channel", "must be one of its known values"),
    c("notifications_lease_expires_at_check", Invalid, "lease_expires_at", "must be given together with lease_owner"),
    c("notifications_lease_owner_check", Invalid, "lease_owner", "may only be given while pending or retrying"),
    c("notifications_max_attempts_check", Invalid, "max_attempts", "must be at least 1"),
    c("notifications_pkey", Taken, "id", "is already taken"),
    c("notifications_status_check", Invalid, "status", "must be one of its known values"),
    c("number_pacing_hold_reason_check", Invalid, "hold_reason", "must be given together with held_until"),
    c("number_pacing_phone_number_check", Invalid, "phone_number", "must be a number in E.164 form, such as +14155550100"),
    c("number_pacing_phone_number_key", Taken, "phone_number", "already has its pace"),
    c("number_pacing_pkey", Taken, "id", "is already taken"),
    key!("number_pacing_tenant_id_fkey", "tenant_id", "tenant"),
    c("phone_numbers_attempts_check", Invalid, "attempts", "must be at least 0"),
    c("phone_numbers_capabilities_check", Invalid, "capabilities", "must be an object"),
    c("phone_numbers_lease_expires_at_check", Invalid, "lease_expires_at", "must be given together with lease_owner"),
    c("phone_numbers_lease_owner_check", Invalid, "lease_owner", "may only be given while there is something to ask the provider"),
    c("phone_numbers_monthly_cost_cents_check", Invalid, "monthly_cost_cents", "must be at least 0"),
    c("phone_numbers_number_type_check", Invalid, "number_type", "must be one of its known values"),
    c("phone_numbers_phone_number_check", Invalid, "phone_number", "must be a number in E.164 form, such as +14155550100"),
    c("phone_numbers_phone_number_key", Taken, "phone_number", "is already in use"),
    c("phone_numbers_pkey", Taken, "id", "is already taken"),
    c("phone_numbers_release_requested_at_check", Invalid, "release_requested_at", "may not be given while active"),
    c("phone_numbers_released_at_check", Invalid, "released_at", "must not be before provisioned_at"),
    c("phone_numbers_setup_cost_cents_check", Invalid, "setup_cost_cents", "must be at least 0"),
    c("phone_numbers_status_check", Invalid, "status", "must be one of its known values"),
    c("phone_numbers_status_twilio_phone_sid_check", Invalid, "twilio_phone_sid", "must be given while active"),
    key!("phone_numbers_tenant_id_fkey", "tenant_id", "tenant"),
    c("phone_numbers_twilio_phone_sid_key", Taken, "twilio_phone_sid", "is already recorded"),
    c("phone_numbers_webhook_urls_check", Invalid, "webhook_urls", "must be an object"),
    c("stream_events_kind_check", Invalid, "kind", "must be one of its known values"),
    c("stream_events_pkey", Taken, "seq", "is already taken"),
    c("stream_events_seq_check", Invalid, "seq", "must be at least 1"),
    key!("stream_events_tenant_id_fkey", "tenant_id", "tenant"),
    c("tenant_streams_pkey", Taken, "tenant_id", "already has its stream"),
    c("tenant_streams_seq_check", Invalid, "seq", "must be at least 0"),
    key!("tenant_streams_tenant_id_fkey", "tenant_id", "tenant"),
    c("tenants_business_name_check", Invalid, "business_name", "must not be blank"),
    c("tenants_business_name_key", Taken, "business_name", "is already taken"),
    c("tenants_business_phone_key", Taken, "business_phone", "is already taken"),
    c("tenants_estimated_job_max_check", Invalid, "estimated_job_max", "must be above estimated_job_min"),
    c("tenants_estimated_job_min_check", Invalid, "estimated_job_min", "must be at least 0"),
    c("tenants_is_active_check", Invalid, "is_active", "must be false while inactive or suspended"),
    c("tenants_onboarding_step_check", Invalid, "onboarding_step", "must be between 1 and 5"),
    key!("tenants_owner_id_fkey", "owner_id", "user"),
    c("tenants_phone_number_limit_check", Invalid, "phone_number_limit", "must be at least 0"),
    c("tenants_pkey", Taken, "id", "is already taken"),
    c("tenants_registration_key_key", Taken, "Idempotency-Key", "was used for another registration"),
    c("tenants_service_radius_miles_check", Invalid, "service_radius_miles", "must be at least 0"),
    c("tenants_status_check", Invalid, "status", "must be one of its known values"),
    c("user_preferences_customer_response_timeout_check", Invalid, "customer_response_timeout", "must be at least 1"),
    c("user_preferences_dashboard_default_view_check", Invalid, "dashboard_default_view", "must be one of its known values"),
    c("user_preferences_dashboard_refresh_interval_check", Invalid, "dashboard_refresh_interval", "must be at least 1"),
    c("user_preferences_pkey", Taken, "id", "is already taken"),
    Constraint { rule: "must be a user with a profile", ..key!("user_preferences_user_id_fkey", "user_id", "profile") },
    c("user_preferences_user_id_key", Taken, "user_id", "already has preferences"),
    c("user_profiles_email_check", Invalid, "email", "must be in lower case"),
    c("user_profiles_email_key", Taken, "email", "is already taken"),
    c("user_profiles_pkey", Taken, "id", "is already taken"),
    c("user_profiles_role_check", Invalid, "role", "must be one of its known values"),
    c("user_profiles_tenant_id_user_id_key", Taken, "user_id", "already has a profile"),
    key!("user_profiles_user_id_fkey", "user_id", "user"),
    c("user_profiles_user_id_key", Taken, "user_id", "already has a profile"),
    c("user_sessions_ended_at_ended_reason_check", Invalid, "ended_reason", "must be given together with ended_at"),
    c("user_sessions_ended_reason_check", Invalid, "ended_reason", "must be one of its known values"),
    c("user_sessions_is_active_check", Invalid, "is_active", "must be false once ended"),
    c("user_sessions_pkey", Taken, "id", "is already taken"),
    c("user_sessions_refresh_token_hash_key", Taken, "refresh_token", "is already in use"),
    c("user_sessions_sibling_token_hashes_check", Invalid, "sibling_token_hashes", "must be at most 7, none of them null"),
    c("user_sessions_token_family_hash_key", Taken, "refresh_token", "is already in use"),
    key!("user_sessions_user_id_fkey", "user_id", "user"),
    c("user_status_current_status_check", Invalid, "current_status", "must be one of its known values"),
    c("user_status_pkey", Taken, "id", "is already taken"),
    Constraint { rule: "must be a user with a profile", ..key!("user_status_user_id_fkey", "user_id", "profile") },
    c("user_status_user_id_key", Taken, "user_id", "already has a status"),
    c("users_email_check", Invalid, "email", "must be in lower case"),
    c("users_email_key", Taken, "email", "is already taken"),
    c("users_failed_login_attempts_check", Invalid, "failed_login_attempts", "must be at least 0"),
    c("users_known_failed_attempts_check", Invalid, "known_failed_attempts", "must be at least 0"),
    c("users_pkey", Taken, "id", "is already taken"),
    c("users_role_check", Invalid, "role", "must be one of its known values"),
    key!("users_tenant_id_fkey", "tenant_id", "tenant"),
    c("users_tenant_id_id_key", Taken, "id", "is already taken"),
    c("users_verification_expires_at_check", Invalid, "verification_expires_at", "must be given together with verification_token"),
    c("websocket_events_event_data_check", Invalid, "event_data", "must be an object"),
    c("websocket_events_event_type_check", Invalid, "event_type", "must be one of its known values"),
    c("websocket_events_pkey", Taken, "id", "is already taken"),
    key!("websocket_events_tenant_id_fkey", "tenant_id", "tenant"),
    key!("websocket_events_user_id_fkey", "user_id", "user"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sorted_without_doubles() {
        assert!(CONSTRAINTS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn foreign_keys_tell_what_they_point_at() {
        for known in CONSTRAINTS {
            let is_key = known.name.ends_with("_fkey");
            assert_eq!((known.breach == Missing, known.refers_to.is_some()), (is_key, is_key), "{}", known.name);
        }
    }

    #[test]
    fn finds_each_and_nothing_else() {
        assert!(CONSTRAINTS.iter().all(|known| find(known.name).is_some_and(|found| found.name == known.name)));
        assert!(find("calls").is_none());
    }
}
