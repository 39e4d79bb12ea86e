//! Constraints that no public call can break, and SQL that does.

use super::World;
use serde::Deserialize;

/// A constraint or unique index, as the catalogue has it.
#[derive(Debug, Deserialize)]
struct Known {
    name: String,
    table: String,
    /// The column of its table that holds the tenant.
    tenant_key: String,
    kind: String,
    /// Its columns without the tenant's.
    columns: Vec<String>,
    definition: String,
}

const CATALOGUE: &str = "
    SELECT k.conname AS name, c.relname AS table, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS tenant_key,
           k.contype AS kind, pg_get_constraintdef(k.oid) AS definition,
           ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS n(num, at)
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.num
                 WHERE NOT (k.contype = 'f' AND cardinality(k.conkey) = 2
                            AND a.attname = CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END)
                 ORDER BY n.at) AS columns
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('c', 'f', 'p', 'u') AND c.relname NOT IN ('__diesel_schema_migrations', 'nmc_migrations')
    UNION ALL
    SELECT i.relname, c.relname, 'tenant_id', 'i', pg_get_indexdef(i.oid), ARRAY[]::name[]
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)";

/// Why no call can break it, and the columns of a new row, a copy of the one that is there, which do.
#[rustfmt::skip] // a table: one line each
const COPIES: &[(&str, &str, &str)] = &[
    ("account_mails_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("account_mails_error_message_check", "the library writes both", r#"{"status": "failed"}"#),
    ("account_mails_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("account_mails_lease_owner_check", "the library writes both", r#"{"lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("account_mails_next_attempt_at_check", "the library writes both", r#"{"next_attempt_at": "2999-01-01"}"#),
    ("account_mails_recipient_check", "an Email", r#"{"recipient": ""}"#),
    ("alert_escalations_contacts_check", "the library writes it", r#"{"contacts": {}}"#),
    ("alert_escalations_delay_minutes_check", "the rule's", r#"{"delay_minutes": -1}"#),
    ("alert_escalations_next_level_check", "the library counts it", r#"{"next_level": 0}"#),
    ("alert_escalations_repeats_left_check", "the library counts it", r#"{"repeats_left": -1}"#),
    ("alert_history_details_check", "the library writes it", r#"{"details": []}"#),
    ("alert_metrics_cache_metric_name_measurement_time_key", "it replaces", r#"{"id": "ID"}"#),
    ("alert_rule_states_changes_check", "the library counts it", r#"{"changes": -1}"#),
    ("alert_rule_states_last_measured_at_check", "the library writes both", r#"{"last_value": 1, "last_measured_at": null}"#),
    ("alert_rules_notification_channels_check", "an enum", r#"{"notification_channels": ["x"]}"#),
    ("alerts_escalation_level_check", "the library counts it", r#"{"escalation_level": -1}"#),
    ("alerts_open_key", "it returns the open one", r#"{"id": "ID"}"#),
    ("alerts_snoozed_until_check", "refused sooner", r#"{"snoozed_at": "2999-01-02", "snoozed_until": "2999-01-01"}"#),
    ("alerts_status_snoozed_until_check", "the library writes both", r#"{"status": "snoozed", "snoozed_until": null}"#),
    ("analytics_metrics_dimensions_check", "checked before", r#"{"dimensions": []}"#),
    ("analytics_processing_jobs_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("analytics_processing_jobs_bucket_check", "checked before", r#"{"bucket": ""}"#),
    ("analytics_processing_jobs_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("analytics_processing_jobs_lease_owner_check", "the library writes both", r#"{"lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("analytics_processing_jobs_progress_check", "the library bounds it", r#"{"progress": 101}"#),
    ("analytics_processing_jobs_max_attempts_check", "checked before", r#"{"max_attempts": 0}"#),
    ("analytics_processing_jobs_parameters_check", "checked before", r#"{"parameters": []}"#),
    ("api_keys_scopes_check", "a Vec without gaps", r#"{"scopes": [null]}"#),
    ("api_keys_secret_hash_check", "a TokenHash", r#"{"secret_hash": "\\x00"}"#),
    ("business_settings_ai_takeover_delay_seconds_check", "checked before", r#"{"ai_takeover_delay_seconds": 59}"#),
    ("business_settings_allowed_countries_check", "checked before", r#"{"allowed_countries": [null]}"#),
    ("business_settings_auto_resolve_days_check", "checked before", r#"{"auto_resolve_days": 366}"#),
    ("business_settings_basic_job_estimate_max_check", "checked before", r#"{"basic_job_estimate_max": 10001}"#),
    ("business_settings_basic_job_estimate_min_check", "checked before", r#"{"basic_job_estimate_min": 24}"#),
    ("business_settings_daily_person_limit_check", "checked before", r#"{"daily_person_limit": 101}"#),
    ("business_settings_daily_text_limit_check", "checked before", r#"{"daily_text_limit": 100001}"#),
    ("business_settings_greeting_cooldown_hours_check", "checked before", r#"{"greeting_cooldown_hours": 721}"#),
    ("business_settings_greeting_template_check", "checked before", r#"{"greeting_template": "{{business_name}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#),
    ("business_settings_greeting_template_placeholder_check", "checked before", r#"{"greeting_template": "Hello, hello!"}"#),
    ("business_settings_tenant_id_key", "onboarding alone adds one", r#"{"id": "ID"}"#),
    ("call_analytics_metadata_check", "checked before", r#"{"metadata": []}"#),
    ("call_participants_left_at_check", "whoever leaves comes after", r#"{"left_at": "1999-01-01"}"#),
    ("catch_up_marks_provider_key", "it moves the one that is there", r#"{"id": "ID"}"#),
    ("consents_customer_phone_check", "a PhoneNumber", r#"{"customer_phone": "x"}"#),
    ("conversation_analytics_intent_detection_check", "checked before", r#"{"intent_detection": []}"#),
    ("conversation_reads_user_id_conversation_id_key", "it moves the one that is there", r#"{"id": "ID"}"#),
    ("conversation_tags_conversation_id_tag_key", "a trigger writes them", r#"{"id": "ID"}"#),
    ("conversations_closed_at_check", "the library writes both", r#"{"closed_at": "2999-01-01"}"#),
    ("conversations_tags_check", "a Vec without gaps", r#"{"tags": [null]}"#),
    ("conversations_total_calls_check", "the library counts it", r#"{"total_calls": -1}"#),
    ("conversations_total_duration_seconds_check", "the call's own check comes first", r#"{"total_duration_seconds": -1}"#),
    ("erased_sids_sid_check", "no call or text is without a SID that has one", r#"{"sid": ""}"#),
    ("erased_sids_sid_key", "it leaves the first", r#"{"id": "ID"}"#),
    ("escalation_contacts_secret_rotated_at_check", "the library writes both", r#"{"secret_version": 1, "secret_rotated_at": "2999-01-01"}"#),
    ("escalation_contacts_secret_version_check", "the library counts it", r#"{"secret_version": 0}"#),
    ("holidays_day_key", "it moves the one that is there", r#"{"id": "ID"}"#),
    ("holidays_name_check", "checked before", r#"{"name": ""}"#),
    ("kpi_snapshots_variance_percentage_check", "the library reckons it", r#"{"variance_percentage": 1, "kpi_target": 0}"#),
    ("kpi_targets_kpi_name_period_type_key", "it moves the one that is there", r#"{"id": "ID"}"#),
    ("message_media_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("conversation_events_client_key_key", "looked for before", r#"{"id": "ID"}"#),
    ("message_media_content_hash_check", "the library writes all three", r#"{"status": "kept", "next_attempt_at": null}"#),
    ("message_media_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("message_media_lease_owner_check", "the library writes both",
     r#"{"status": "unavailable", "lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("message_media_media_url_check", "checked before", r#"{"media_url": ""}"#),
    ("message_media_message_id_position_key", "the library counts them", r#"{"id": "ID"}"#),
    ("message_media_next_attempt_at_check", "the library writes both", r#"{"next_attempt_at": null}"#),
    ("message_media_position_check", "the library counts them", r#"{"position": -1}"#),
    ("message_media_size_bytes_check", "the library measures it", r#"{"size_bytes": -1}"#),
    ("messages_ai_confidence_check", "nothing writes it", r#"{"ai_confidence": 1.01}"#),
    ("messages_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("messages_call_id_greeting_key", "it leaves the first", r#"{"id": "ID", "message_sid": null, "client_key": null}"#),
    ("messages_client_key_key", "looked for before", r#"{"id": "ID", "message_sid": null}"#),
    ("messages_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("messages_lease_owner_check", "the library writes both", r#"{"lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("messages_message_body_check", "checked before", r#"{"message_body": ""}"#),
    ("messages_message_kind_message_direction_check", "the library writes both",
     r#"{"message_kind": "greeting", "message_direction": "inbound", "message_status": "received"}"#),
    ("messages_price_check", "a price without its sign", r#"{"price": -1}"#),
    ("notifications_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("notifications_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("notifications_lease_owner_check", "the library writes both",
     r#"{"status": "failed", "lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("number_pacing_hold_reason_check", "the library writes both", r#"{"held_until": "2999-01-01"}"#),
    ("number_pacing_phone_number_check", "a PhoneNumber", r#"{"phone_number": "x"}"#),
    ("number_pacing_phone_number_key", "it replaces", r#"{"id": "ID"}"#),
    ("phone_numbers_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("phone_numbers_capabilities_check", "nothing writes it", r#"{"capabilities": []}"#),
    ("phone_numbers_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("phone_numbers_lease_owner_check", "the library writes all three",
     r#"{"lease_owner": "ID", "lease_expires_at": "2999-01-01", "next_attempt_at": null}"#),
    ("phone_numbers_monthly_cost_cents_check", "nothing writes it", r#"{"monthly_cost_cents": -1}"#),
    ("phone_numbers_phone_number_check", "a PhoneNumber", r#"{"phone_number": "x"}"#),
    ("phone_numbers_setup_cost_cents_check", "nothing writes it", r#"{"setup_cost_cents": -1}"#),
    ("phone_numbers_webhook_urls_check", "nothing writes it", r#"{"webhook_urls": []}"#),
    ("report_mails_attempts_check", "the library counts it", r#"{"attempts": -1}"#),
    ("report_mails_error_message_check", "the library writes both", r#"{"status": "failed", "sent_at": null}"#),
    ("report_mails_lease_expires_at_check", "the library writes both", r#"{"lease_expires_at": "2999-01-01"}"#),
    ("report_mails_lease_owner_check", "the library writes both", r#"{"lease_owner": "ID", "lease_expires_at": "2999-01-01"}"#),
    ("report_mails_next_attempt_at_check", "the library writes both", r#"{"next_attempt_at": "2999-01-01"}"#),
    ("report_mails_recipient_check", "an Email", r#"{"recipient": ""}"#),
    ("report_mails_report_id_user_id_key", "a report is queued once", r#"{"id": "ID"}"#),
    ("report_mails_sent_at_check", "the library writes both", r#"{"sent_at": null}"#),
    ("report_schedules_hour_check", "checked before", r#"{"hour": 24}"#),
    ("report_schedules_kind_key", "it moves the one that is there", r#"{"id": "ID"}"#),
    ("report_schedules_user_ids_check", "checked before", r#"{"user_ids": [null]}"#),
    ("stream_events_seq_check", "the database counts it", r#"{"seq": 0}"#),
    ("tenant_streams_seq_check", "the database counts it", r#"{"seq": -1}"#),
    ("tenants_business_name_check", "checked before", r#"{"business_name": " "}"#),
    ("tenants_is_active_check", "the library writes both", r#"{"status": "suspended"}"#),
    ("tenants_onboarding_step_check", "nothing writes it", r#"{"onboarding_step": 6}"#),
    ("user_preferences_user_id_fkey", "looked up before", r#"{"id": "ID", "user_id": "ID"}"#),
    ("user_profiles_email_check", "an Email", r#"{"email": "Joe@example.com"}"#),
    ("user_profiles_email_key", "it follows the user's", r#"{"id": "ID", "user_id": "ID"}"#),
    ("user_profiles_user_id_fkey", "looked up before", r#"{"id": "ID", "user_id": "ID", "email": "fresh@example.com"}"#),
    ("tenants_registration_key_key", "looked up before, and the name is taken", r#"{"id": "ID", "business_name": "fresh", "owner_id": null}"#),
    ("user_sessions_ended_at_ended_reason_check", "the library writes both", r#"{"ended_reason": null}"#),
    ("user_sessions_is_active_check", "the library writes both", r#"{"is_active": true}"#),
    ("user_sessions_user_id_fkey", "looked up before", r#"{"id": "ID", "user_id": "ID", "refresh_token_hash": "fresh", "token_family_hash": "fresh"}"#),
    ("user_sessions_sibling_token_hashes_check", "the library drops the first", r#"{"sibling_token_hashes": [null]}"#),
    ("user_status_user_id_fkey", "looked up before", r#"{"id": "ID", "user_id": "ID"}"#),
    ("user_status_user_id_key", "it keeps the one that is there", r#"{"id": "ID"}"#),
    ("users_email_check", "an Email", r#"{"email": "Joe@example.com"}"#),
    ("users_verification_expires_at_check", "the library writes both", r#"{"verification_expires_at": null, "verification_token": "x"}"#),
    ("users_failed_login_attempts_check", "nothing writes it", r#"{"failed_login_attempts": -1}"#),
    ("users_known_failed_attempts_check", "nothing writes it", r#"{"known_failed_attempts": -1}"#),
];

/// Keys to rows that the library has looked up, or locked, before it points at them.
const LOOKED_UP: &[&str] = &[
    "account_mails_user_id_fkey",
    "alert_escalations_alert_id_fkey",
    "alert_history_alert_id_fkey",
    "alert_rule_states_rule_id_fkey",
    "alerts_rule_id_fkey",
    "conversation_reads_conversation_id_fkey",
    "conversation_tags_conversation_id_fkey",
    "conversation_terms_conversation_id_fkey",
    "conversations_first_call_id_fkey",
    "conversations_last_call_id_fkey",
    "message_media_message_id_fkey",
    "message_terms_message_id_fkey",
    "messages_call_id_fkey",
    "messages_conversation_id_fkey",
    "report_mails_report_id_fkey",
    "report_mails_user_id_fkey",
    "tenants_owner_id_fkey",
    "typing_notices_conversation_id_fkey",
    "typing_notices_user_id_fkey",
];

/// Unique keys behind a narrower one, which speaks first; there for foreign keys to point at.
const BEHIND: &[(&str, &str)] =
    &[("user_profiles_tenant_id_user_id_key", "user_profiles_user_id_key"), ("users_tenant_id_id_key", "users_pkey")];

/// Ledgers, which nobody may change.
const APPEND_ONLY: &[&str] =
    &["alert_history", "connection_metrics", "consents", "conversation_events", "stream_events", "websocket_events"];

/// What a second row of a table needs to be another one than the first, where keys span all tenants.
fn fresh(table: &str) -> &'static str {
    match table {
        "api_keys" => r#"{"id": "ID", "prefix": "fresh", "tenant_id": "ID"}"#,
        "phone_numbers" => r#"{"id": "ID", "phone_number": "+14155559999", "twilio_phone_sid": "fresh", "tenant_id": "ID"}"#,
        "user_preferences" | "user_status" => r#"{"id": "ID", "user_id": "ID", "tenant_id": "ID"}"#,
        "user_profiles" => r#"{"id": "ID", "user_id": "ID", "email": "fresh@example.com", "tenant_id": "ID"}"#,
        "user_sessions" => r#"{"id": "ID", "refresh_token_hash": "fresh", "token_family_hash": "fresh", "tenant_id": "ID"}"#,
        "users" => r#"{"id": "ID", "email": "fresh@example.com", "tenant_id": "ID"}"#,
        _ => r#"{"id": "ID", "tenant_id": "ID"}"#,
    }
}

const SEES_ALL: &str = "SELECT nmc_enter_system();";
const AT_ONCE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

impl Known {
    /// A second row: the first, with these changes. `ID` stands for an id that nobody has.
    fn copied(&self, world: &World, changes: &str) -> String {
        let Self { table, tenant_key, .. } = self;
        let (tenant, changes) = (world.business.tenant.id(), changes.replace("ID", &uuid::Uuid::now_v7().to_string()));
        // No tenant may add another.
        let role = if table == "tenants" { SEES_ALL } else { "" };
        format!(
            "{role} INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT new.*
             FROM {table} t, jsonb_populate_record(t, '{changes}') AS new WHERE t.{tenant_key} = '{tenant}'; {AT_ONCE}"
        )
    }

    /// The SQL that breaks it, if it is one that no call can break.
    fn breach(&self, world: &World) -> Option<String> {
        let Self { name, table, tenant_key, kind, columns, definition } = self;
        if let Some((.., changes)) = COPIES.iter().find(|(known, ..)| known == name) {
            let first =
                if name == "messages_call_id_greeting_key" { "UPDATE messages SET message_kind = 'greeting';" } else { "" };
            return Some(format!("{first} {}", self.copied(world, changes)));
        }
        if LOOKED_UP.contains(&name.as_str()) {
            let column = columns.first()?;
            if APPEND_ONLY.contains(&table.as_str()) {
                return Some(self.copied(world, &format!(r#"{{"id": "ID", "{column}": "ID"}}"#)));
            }
            let tenant = world.business.tenant.id();
            return Some(format!("UPDATE {table} SET {column} = gen_random_uuid() WHERE {tenant_key} = '{tenant}'; {AT_ONCE}"));
        }
        if let Some((_, before)) = BEHIND.iter().find(|(behind, _)| behind == name) {
            // As the owner of the tables, for this transaction alone.
            let copy = if table == "users" {
                r#"{"email": "fresh@example.com"}"#
            } else {
                r#"{"id": "ID", "email": "fresh@example.com"}"#
            };
            return Some(format!(
                "RESET ROLE; ALTER TABLE {table} DROP CONSTRAINT {before} CASCADE; {SEES_ALL} {}",
                self.copied(world, copy)
            ));
        }
        match kind.as_str() {
            // The library makes every id.
            "p" => Some(self.copied(world, "{}")),
            // Every tenant is one that the library has found.
            "f" if columns.len() == 1 && columns[0] == "tenant_id" => {
                Some(format!("{SEES_ALL} {}", self.copied(world, fresh(table))))
            }
            // Every list of values is an enum.
            "c" if columns.len() == 1 && definition.contains("= ANY") => {
                Some(self.copied(world, &format!(r#"{{"{}": "x"}}"#, columns[0])))
            }
            _ => None,
        }
    }
}

/// Every name in these lists.
pub(super) fn listed() -> impl Iterator<Item = &'static str> {
    let copies = COPIES.iter().map(|(name, ..)| *name);
    copies.chain(LOOKED_UP.iter().copied()).chain(BEHIND.iter().flat_map(|(name, before)| [*name, *before]))
}

/// Every constraint that no public call can break, and SQL that breaks it in a transaction of our business.
pub(super) fn breaches(world: &World) -> Vec<(String, String)> {
    let known: Vec<Known> = world.db.query(CATALOGUE);
    known.into_iter().filter_map(|known| known.breach(world).map(|statements| (known.name, statements))).collect()
}

/// Every key that keeps a row from being deleted while another points at it, and SQL that tries.
pub(super) fn deletions(world: &World) -> Vec<(String, String)> {
    let tenant = world.business.tenant.id();
    let names = "SELECT conname AS name, confrelid::regclass::text AS parent FROM pg_constraint
                 WHERE contype = 'f' AND confdeltype = 'a' AND connamespace = 'public'::regnamespace";
    #[derive(Deserialize)]
    struct Key {
        name: String,
        parent: String,
    }
    let keys: Vec<Key> = world.db.query(names);
    keys.into_iter()
        .map(|Key { name, parent }| {
            let delete = format!("SET CONSTRAINTS {name} IMMEDIATE; DELETE FROM {parent} WHERE tenant_id = '{tenant}'");
            (name, delete)
        })
        .collect()
}
