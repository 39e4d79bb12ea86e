//! Constraints that a caller can break, or is kept from breaking, each with a call that breaks it alone.

use super::sample::{
    call_figures, connect, consent, contact, conversation_with, earlier, judged, key, later, login, new_call, note, notification,
    number, point, profile, reply, report, rule, snapshot, somebody, user, words,
};
use super::{Ids, World, by_hand};
use Says::{Sooner, TheTable};
use chrono::TimeDelta;
use nmc_core::access::{NewSession, TokenHash};
use nmc_core::alerts::{AlertRulePatch, Judgement, NewEscalationContact, NewNotification};
use nmc_core::analytics::{
    CallAnalyticsPatch, ConversationAnalyticsPatch, NewCallAnalytics, NewConversationAnalytics, NewJob, NewMetric, NewReport,
};
use nmc_core::calls::{CallPatch, MetadataValue, NewCall, NewCallParticipant};
use nmc_core::conversations::{NewConsent, NewMessage};
use nmc_core::events::{NewConnectionMetric, NewWebsocketEvent};
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::people::PreferencesPatch;
use nmc_core::store::Reason;
use nmc_core::telephony::DeliveryReport;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::{NewTenant, TenantPatch};
use nmc_core::testing::{SmsForm, noon, on_behalf_of, unique_phone, unique_sid};
use nmc_core::workflows::{NewReply, record_delivery};
use nmc_core::{
    CallOutcome, CallerIdentity, ConnectionMetricName, Country, JobType, MessageStatus, NumberStatus, ParticipantType, Patch,
    Result, TenantTx,
};
use serde_json::json;

/// Who refuses.
pub(super) enum Says {
    /// The constraint, in the words of `constraint.rs`.
    TheTable,
    /// The library, before the constraint can: this field, by this rule. `generic.rs` breaks the constraint itself.
    Sooner(&'static str, &'static str),
}

/// A call that breaks a constraint, and no other. The second argument has rows that are not ours.
type Break = fn(&World, &Ids) -> Result<()>;

/// Figures of a conversation that has none yet.
fn fresh_figures(tx: &mut TenantTx<'_>) -> Result<NewConversationAnalytics> {
    let conversation = tx.conversations().create(&conversation_with(somebody()))?;
    Ok(NewConversationAnalytics::begun(conversation.id, noon()))
}

fn settings(w: &World, patch: &BusinessSettingsPatch) -> Result<()> {
    w.tx(|tx| tx.business_settings().update(patch))
}

/// One more than may be allowed.
fn many_countries() -> Vec<Country> {
    let codes = ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| format!("{a}{b}")));
    codes.map(|code| code.parse().unwrap()).filter(Country::has_numbers).take(51).collect()
}

fn tenant(w: &World, patch: &TenantPatch) -> Result<()> {
    w.tx(|tx| tx.tenants().update(patch))
}

fn preferences(w: &World, patch: &PreferencesPatch) -> Result<()> {
    w.tx(|tx| tx.preferences().update(w.own.user, patch))
}

fn figures_of_call(w: &World, new: &NewCallAnalytics) -> Result<()> {
    w.tx(|tx| tx.call_analytics().create(new))
}

/// Figures of a new conversation, with a change.
fn figures(w: &World, change: fn(&mut NewConversationAnalytics)) -> Result<()> {
    w.tx(|tx| {
        let mut new = fresh_figures(tx)?;
        change(&mut new);
        tx.conversation_analytics().create(&new)
    })
}

/// A delivery callback about a text whose SID nobody has noted yet.
fn reported(w: &World, change: impl FnOnce(&mut DeliveryReport)) -> Result<()> {
    let customer = unique_phone();
    let queued = w.business.queue(&w.db.store, &customer, "hello")?;
    let form = SmsForm::delivery(&w.business.number, &customer, &unique_sid("SM"), "sent");
    let mut callback = form.parse_delivery(Some(queued.id));
    change(&mut callback.report);
    record_delivery(&w.db.store, &callback).map(drop)
}

#[rustfmt::skip] // a table
pub(super) const REACHED: &[(&str, Says, Break)] = &[
    ("alert_history_user_id_fkey", TheTable, |w, strange| w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.alerts().escalate(w.own.alert)))),
    ("alerts_acknowledged_by_fkey", TheTable, |w, strange| w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.alerts().acknowledge(w.own.alert, None)))),
    ("alerts_resolved_by_fkey", TheTable, |w, strange| w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.alerts().resolve(w.own.alert, None)))),
    ("alerts_snoozed_by_fkey", TheTable, |w, strange| w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.alerts().snooze(w.own.alert, later(), None)))),
    // After a change by a clock that was ahead: the moment of this one follows it.
    ("alerts_snoozed_until_check", Sooner("snoozed_until", "must be in the future"), |w, _| w.tx(|tx| {
        by_hand(tx, "UPDATE alerts SET updated_at = '2998-01-01'")?;
        on_behalf_of(tx, w.own.user, |tx| tx.alerts().snooze(w.own.alert, noon() + TimeDelta::hours(1), None))
    })),
    ("alert_rules_escalation_delay_minutes_check", TheTable, |w, _| {
        w.tx(|tx| tx.alert_rules().update(w.own.rule, &AlertRulePatch { escalation_delay_minutes: Some(-1), ..AlertRulePatch::default() }))
    }),
    ("alert_rules_escalation_repeats_check", TheTable, |w, _| {
        w.tx(|tx| tx.alert_rules().update(w.own.rule, &AlertRulePatch { escalation_repeats: Some(101), ..AlertRulePatch::default() }))
    }),
    ("alert_rules_flap_changes_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { flap_changes: Some(1), ..Judgement::default() })))),
    ("alert_rules_flap_seconds_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { flap_seconds: 59, ..Judgement::default() })))),
    ("alert_rules_keep_firing_seconds_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { keep_firing_seconds: -1, ..Judgement::default() })))),
    ("alert_rules_metric_name_key", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&rule()).and_then(|_| tx.alert_rules().create(&rule())))),
    ("alert_rules_no_data_seconds_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { no_data_seconds: 0, ..Judgement::default() })))),
    ("alert_rules_pending_seconds_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { pending_seconds: 604_801, ..Judgement::default() })))),
    ("alert_rules_recovery_threshold_check", TheTable, |w, _| w.tx(|tx| tx.alert_rules().create(&judged(Judgement { recovery_threshold: Some(99_999.into()), ..Judgement::default() })))),
    ("escalation_contacts_escalation_level_check", TheTable, |w, _| {
        w.tx(|tx| tx.escalation_contacts().create(&NewEscalationContact { escalation_level: 0, ..contact(w) }))
    }),
    ("escalation_contacts_rule_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.escalation_contacts().create(&NewEscalationContact { rule_id: Some(strange.rule), ..contact(w) }))
    }),
    ("escalation_contacts_rule_level_type_value_key", TheTable, |w, _| {
        w.tx(|tx| tx.escalation_contacts().create(&contact(w)).and_then(|_| tx.escalation_contacts().create(&contact(w))))
    }),
    ("notifications_alert_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.notifications().create(&NewNotification { alert_id: strange.alert, ..notification(w) }))
    }),
    ("notifications_max_attempts_check", TheTable, |w, _| {
        w.tx(|tx| tx.notifications().create(&NewNotification { max_attempts: 0, ..notification(w) }))
    }),

    ("analytics_metrics_dimensions_check", Sooner("dimensions", "must be an object"), |w, _| w.tx(|tx| tx.metrics().create(&NewMetric { dimensions: json!([]), ..point() }))),
    ("analytics_metrics_period_end_check", TheTable, |w, _| {
        w.tx(|tx| tx.metrics().create(&NewMetric { period_start: Some(noon()), period_end: Some(earlier()), ..point() }))
    }),
    ("analytics_metrics_type_name_timestamp_level_key", TheTable, |w, _| {
        w.tx(|tx| tx.metrics().create(&point()).and_then(|_| tx.metrics().create(&point())))
    }),
    ("analytics_processing_jobs_bucket_open_key", TheTable, |w, _| {
        let new = NewJob { bucket: Some("a day".to_owned()), ..NewJob::now(JobType::Aggregation, json!({})) };
        w.tx(|tx| {
            let called_off = tx.jobs().create(&new)?.id;
            tx.jobs().cancel(called_off, "no more")?;
            tx.jobs().create(&new)?;
            tx.jobs().retry(called_off)
        })
    }),
    ("analytics_processing_jobs_max_attempts_check", Sooner("max_attempts", "must be between 1 and 100"), |w, _| {
        w.tx(|tx| tx.jobs().create(&NewJob { max_attempts: Some(0), ..NewJob::now(JobType::Aggregation, json!({})) }))
    }),
    ("analytics_processing_jobs_parameters_check", Sooner("parameters", "must be an object"), |w, _| w.tx(|tx| tx.jobs().create(&NewJob::now(JobType::Aggregation, json!([]))))),
    ("analytics_reports_period_end_check", TheTable, |w, _| w.tx(|tx| tx.reports().create(&NewReport { period_end: earlier(), ..report() }))),
    ("holidays_day_check", TheTable, |w, _| w.tx(|tx| tx.holidays().upsert_by_day("2200-01-01".parse().unwrap(), "Far"))),
    ("kpi_snapshots_kpi_name_period_type_snapshot_date_key", TheTable, |w, _| {
        w.tx(|tx| tx.kpi_snapshots().create(&snapshot()).and_then(|_| tx.kpi_snapshots().create(&snapshot())))
    }),
    ("call_analytics_ai_takeover_count_check", TheTable, |w, _| figures_of_call(w, &NewCallAnalytics { ai_takeover_count: -1, ..call_figures() })),
    ("call_analytics_call_duration_check", TheTable, |w, _| figures_of_call(w, &NewCallAnalytics { call_duration: Some(-1), ..call_figures() })),
    ("call_analytics_call_id_fkey", TheTable, |w, strange| figures_of_call(w, &NewCallAnalytics { call_id: Some(strange.call), ..call_figures() })),
    ("call_analytics_call_id_key", TheTable, |w, _| figures_of_call(w, &NewCallAnalytics { call_id: Some(w.own.call), ..call_figures() })),
    ("call_analytics_conversation_id_fkey", TheTable, |w, strange| {
        figures_of_call(w, &NewCallAnalytics { conversation_id: Some(strange.conversation), ..call_figures() })
    }),
    ("call_analytics_cost_per_call_check", TheTable, |w, _| {
        figures_of_call(w, &NewCallAnalytics { cost_per_call: Some((-1).into()), ..call_figures() })
    }),
    ("call_analytics_customer_satisfaction_check", TheTable, |w, _| {
        let patch = CallAnalyticsPatch { customer_satisfaction: Patch::Set(6.into()), ..CallAnalyticsPatch::default() };
        w.tx(|tx| tx.call_analytics().update(w.own.call_analytics, &patch))
    }),
    ("call_analytics_metadata_check", Sooner("metadata", "must be an object"), |w, _| figures_of_call(w, &NewCallAnalytics { metadata: json!([]), ..call_figures() })),
    ("conversation_analytics_ai_message_count_check", TheTable, |w, _| figures(w, |new| new.ai_message_count = -1)),
    ("conversation_analytics_call_id_fkey", TheTable, |w, strange| w.tx(|tx| {
        let new = NewConversationAnalytics { call_id: Some(strange.call), ..fresh_figures(tx)? };
        tx.conversation_analytics().create(&new)
    })),
    ("conversation_analytics_conversation_duration_check", TheTable, |w, _| figures(w, |new| new.conversation_duration = Some(-1))),
    ("conversation_analytics_conversation_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.conversation_analytics().create(&NewConversationAnalytics::begun(strange.conversation, noon())))
    }),
    ("conversation_analytics_conversation_id_key", TheTable, |w, _| {
        w.tx(|tx| tx.conversation_analytics().create(&NewConversationAnalytics::begun(w.own.conversation, noon())))
    }),
    ("conversation_analytics_escalation_count_check", TheTable, |w, _| figures(w, |new| new.escalation_count = -1)),
    ("conversation_analytics_human_message_count_check", TheTable, |w, _| figures(w, |new| new.human_message_count = -1)),
    ("conversation_analytics_intent_detection_check", Sooner("intent_detection", "must be an object"), |w, _| figures(w, |new| new.intent_detection = json!("none"))),
    ("conversation_analytics_message_count_check", TheTable, |w, _| figures(w, |new| new.message_count = -1)),
    ("conversation_analytics_satisfaction_rating_check", TheTable, |w, _| figures(w, |new| new.satisfaction_rating = Some(0.into()))),
    ("conversation_analytics_sentiment_score_check", TheTable, |w, _| {
        let patch = ConversationAnalyticsPatch { sentiment_score: Patch::Set(2.into()), ..ConversationAnalyticsPatch::default() };
        w.tx(|tx| tx.conversation_analytics().update(w.own.conversation_analytics, &patch))
    }),

    ("calls_conversation_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.calls().create(&NewCall { conversation_id: Some(strange.conversation), ..new_call() }))
    }),
    ("calls_duration_seconds_check", TheTable, |w, _| w.tx(|tx| tx.calls().create(&NewCall { duration_seconds: Some(-1), ..new_call() }))),
    ("calls_ended_at_check", TheTable, |w, _| {
        w.tx(|tx| tx.calls().create(&NewCall { started_at: Some(noon()), ended_at: Some(earlier()), ..new_call() }))
    }),
    ("calls_outcome_call_status_check", TheTable, |w, _| w.tx(|tx| {
        let call = tx.calls().create(&new_call())?;
        tx.calls().set_outcome(call.id, CallOutcome::Missed)
    })),
    ("calls_price_check", TheTable, |w, _| {
        w.tx(|tx| tx.calls().update(w.own.call, &CallPatch { price: Patch::Set((-1).into()), ..CallPatch::default() }))
    }),
    ("calls_recording_duration_seconds_check", TheTable, |w, _| {
        w.tx(|tx| tx.calls().update(w.own.call, &CallPatch { recording_duration_seconds: Patch::Set(-1), ..CallPatch::default() }))
    }),
    ("calls_twilio_call_sid_key", TheTable, |w, _| w.tx(|tx| {
        let twilio_call_sid = tx.calls().get(w.own.call)?.twilio_call_sid;
        tx.calls().create(&NewCall { twilio_call_sid, ..new_call() })
    })),
    ("call_metadata_call_id_fkey", TheTable, |w, strange| w.tx(|tx| tx.call_metadata().put(strange.call, "k", &MetadataValue::Boolean(true)))),
    ("call_metadata_call_id_metadata_key_key", TheTable, |w, _| {
        w.tx(|tx| tx.call_metadata().create(w.own.call, "key", &MetadataValue::Boolean(true)))
    }),
    ("call_participants_call_id_fkey", TheTable, |w, strange| {
        let new = NewCallParticipant { call_id: strange.call, phone_number: somebody(), participant_type: ParticipantType::Agent };
        w.tx(|tx| tx.call_participants().create(&new))
    }),

    ("consents_message_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.consents().record(&NewConsent { message_id: Some(strange.message), ..consent() }))
    }),
    ("consents_recorded_by_fkey", TheTable, |w, strange| {
        w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.consents().record(&consent())))
    }),
    ("conversation_events_call_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.conversation_events().append(&[note(w.own.conversation).of_call(strange.call)]))
    }),
    ("conversation_events_conversation_id_fkey", TheTable, |w, strange| w.tx(|tx| tx.conversation_events().append(&[note(strange.conversation)]))),
    ("conversation_events_created_by_fkey", TheTable, |w, strange| {
        w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.conversations().add_note(w.own.conversation, "a note")))
    }),
    ("conversation_events_event_data_check", TheTable, |w, _| {
        w.tx(|tx| tx.conversation_events().append(&[note(w.own.conversation).with(json!([]))]))
    }),
    ("conversations_assigned_to_fkey", TheTable, |w, strange| {
        w.tx(|tx| tx.conversations().assign(w.own.conversation, Some(strange.user)))
    }),
    ("conversations_customer_phone_check", TheTable, |w, _| {
        w.tx(|tx| tx.conversations().create(&conversation_with(CallerIdentity::Name(String::new()))))
    }),
    ("conversations_open_key", TheTable, |w, _| w.tx(|tx| {
        let customer = tx.conversations().get(w.own.conversation)?.customer_phone;
        tx.conversations().create(&conversation_with(customer))
    })),
    ("messages_created_by_fkey", TheTable, |w, strange| {
        w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.messages().queue(&words(w))))
    }),
    ("conversation_reads_user_id_fkey", TheTable, |w, strange| {
        w.tx(|tx| on_behalf_of(tx, strange.user, |tx| tx.conversation_reads().mark(w.own.conversation)))
    }),
    ("conversation_events_client_key_key", Sooner("client_key", "was already used for another note"), |w, _| {
        let add = |note: &str| w.tx(|tx| tx.conversations().add_note_once(w.own.conversation, "fresh", note));
        add("a note").and_then(|_| add("another note"))
    }),
    ("messages_client_key_key", Sooner("client_key", "was already used for another text"), |w, _| {
        let client_key = w.business.message(&w.db.store, w.own.message).client_key.unwrap();
        let again = NewReply { client_key, ..reply(w) };
        w.tx(|tx| tx.reply(&again))
    }),
    ("messages_message_body_check", Sooner("body", "must be at most 1600 characters"), |w, _| {
        w.tx(|tx| tx.messages().queue(&NewMessage { body: "x".repeat(1_601), ..words(w) }))
    }),
    ("messages_message_sid_key", TheTable, |w, _| {
        let known = w.business.message(&w.db.store, w.own.message).message_sid.unwrap();
        reported(w, |report| report.message_sid = known)
    }),
    ("messages_message_status_message_direction_check", TheTable, |w, _| reported(w, |report| report.status = MessageStatus::Received)),
    ("messages_next_attempt_at_check", TheTable, |w, _| reported(w, |report| report.status = MessageStatus::Queued)),

    ("api_keys_created_by_fkey", TheTable, |w, strange| w.tx(|tx| tx.api_keys().create(&key("fresh", Some(strange.user))))),
    ("api_keys_prefix_key", TheTable, |w, _| {
        let theirs = w.column(&w.other, "api_keys", "prefix");
        w.tx(|tx| tx.api_keys().create(&key(&theirs, None)))
    }),
    ("tenants_business_name_check", Sooner("business_name", "must not be empty"), |w, _| {
        tenant(w, &TenantPatch { business_name: Some(" ".to_owned()), ..TenantPatch::default() })
    }),
    ("tenants_business_name_key", TheTable, |w, _| {
        tenant(w, &TenantPatch { business_name: Some(w.other.row.business_name.clone()), ..TenantPatch::default() })
    }),
    ("tenants_business_phone_key", TheTable, |w, _| w.db.store.system(Reason::Operations, |tx| {
        let business_phone = Some(w.business.number.clone());
        let new = |name: &str| NewTenant { business_name: name.to_owned(), business_phone: business_phone.clone(), ..NewTenant::default() };
        tx.create_tenant(&new("One")).and_then(|_| tx.create_tenant(&new("Another"))).map(drop)
    })),
    ("tenants_estimated_job_max_check", TheTable, |w, _| {
        tenant(w, &TenantPatch { estimated_job_min: Some(2.into()), estimated_job_max: Some(2.into()), ..TenantPatch::default() })
    }),
    ("tenants_estimated_job_min_check", TheTable, |w, _| tenant(w, &TenantPatch { estimated_job_min: Some((-1).into()), ..TenantPatch::default() })),
    ("tenants_service_radius_miles_check", TheTable, |w, _| tenant(w, &TenantPatch { service_radius_miles: Some(-1), ..TenantPatch::default() })),
    ("user_preferences_customer_response_timeout_check", TheTable, |w, _| {
        preferences(w, &PreferencesPatch { customer_response_timeout: Some(0), ..PreferencesPatch::default() })
    }),
    ("user_preferences_dashboard_refresh_interval_check", TheTable, |w, _| {
        preferences(w, &PreferencesPatch { dashboard_refresh_interval: Some(0), ..PreferencesPatch::default() })
    }),
    ("user_preferences_user_id_fkey", Sooner("user_id", "must be a user with a profile"), |w, strange| w.tx(|tx| tx.preferences().create(strange.user))),
    ("user_preferences_user_id_key", TheTable, |w, _| w.tx(|tx| tx.preferences().create(w.own.user))),
    ("user_profiles_user_id_fkey", Sooner("user_id", "must be an existing user"), |w, strange| w.tx(|tx| tx.profiles().create(&profile(strange.user)))),
    ("user_profiles_user_id_key", TheTable, |w, _| w.tx(|tx| tx.profiles().create(&profile(w.own.user)))),
    ("user_sessions_refresh_token_hash_key", TheTable, |w, _| {
        let token = unique_sid("token");
        w.db.store.tenant(&w.other.tenant, |tx| tx.sessions().create(&login(w.theirs.user, &token)))?;
        w.tx(|tx| tx.sessions().create(&login(w.own.user, &token)))
    }),
    ("user_sessions_token_family_hash_key", TheTable, |w, _| {
        let theirs = login(w.theirs.user, &unique_sid("token"));
        w.db.store.tenant(&w.other.tenant, |tx| tx.sessions().create(&theirs))?;
        let (user_id, refresh_token_hash) = (w.own.user, TokenHash::new([9; 32]));
        w.tx(|tx| tx.sessions().create(&NewSession { user_id, refresh_token_hash, ..theirs.clone() }))
    }),
    ("user_sessions_user_id_fkey", Sooner("user_id", "must be an existing user"), |w, strange| w.tx(|tx| tx.sessions().create(&login(strange.user, "fresh")))),
    ("user_status_user_id_fkey", Sooner("user_id", "must be a user with a profile"), |w, strange| w.tx(|tx| tx.presences().heartbeat(strange.user))),
    ("connection_metrics_metric_value_check", TheTable, |w, _| {
        let new = NewConnectionMetric { metric_name: ConnectionMetricName::EventsSent, metric_value: -1 };
        w.tx(|tx| tx.connection_metrics().append(&[new]))
    }),
    ("websocket_events_event_data_check", TheTable, |w, _| {
        w.tx(|tx| tx.websocket_events().append(&[NewWebsocketEvent { event_data: json!([]), ..connect(w.own.user) }]))
    }),
    ("websocket_events_user_id_fkey", TheTable, |w, strange| w.tx(|tx| tx.websocket_events().append(&[connect(strange.user)]))),
    ("users_email_key", TheTable, |w, _| {
        let theirs = w.column(&w.other, "users", "email");
        w.tx(|tx| tx.users().create(&user(&theirs)))
    }),

    ("business_settings_ai_takeover_delay_seconds_check", Sooner("ai_takeover_delay_seconds", "must be between 60 and 1800"), |w, _| {
        settings(w, &BusinessSettingsPatch { ai_takeover_delay_seconds: Some(59), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_allowed_countries_check", Sooner("allowed_countries", "must be at most 50, none of them null"), |w, _| {
        settings(w, &BusinessSettingsPatch { allowed_countries: Some(many_countries()), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_auto_resolve_days_check", Sooner("auto_resolve_days", "must be between 0 and 365"), |w, _| {
        settings(w, &BusinessSettingsPatch { auto_resolve_days: Some(366), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_basic_job_estimate_max_check", Sooner("basic_job_estimate_max", "must be between 25 and 10000"), |w, _| {
        settings(w, &BusinessSettingsPatch { basic_job_estimate_max: Some(10_001), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_basic_job_estimate_min_check", Sooner("basic_job_estimate_min", "must be between 25 and 10000"), |w, _| {
        settings(w, &BusinessSettingsPatch { basic_job_estimate_min: Some(24), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_basic_job_estimate_order_check", TheTable, |w, _| {
        settings(w, &BusinessSettingsPatch { basic_job_estimate_min: Some(10_000), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_daily_person_limit_check", Sooner("daily_person_limit", "must be between 0 and 100"), |w, _| {
        settings(w, &BusinessSettingsPatch { daily_person_limit: Some(101), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_daily_text_limit_check", Sooner("daily_text_limit", "must be between 0 and 100000"), |w, _| {
        settings(w, &BusinessSettingsPatch { daily_text_limit: Some(100_001), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_greeting_cooldown_hours_check", Sooner("greeting_cooldown_hours", "must be between 1 and 720"), |w, _| {
        settings(w, &BusinessSettingsPatch { greeting_cooldown_hours: Some(721), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_greeting_template_check", Sooner("greeting_template", "must be 10 to 500 characters long"), |w, _| {
        settings(w, &BusinessSettingsPatch { greeting_template: Some("Hello!".to_owned()), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_greeting_template_placeholder_check", Sooner("greeting_template", "must contain {{business_name}}"), |w, _| {
        settings(w, &BusinessSettingsPatch { greeting_template: Some("Hello, hello!".to_owned()), ..BusinessSettingsPatch::default() })
    }),
    ("business_settings_texting_ends_at_check", TheTable, |w, _| {
        settings(w, &BusinessSettingsPatch { texting_starts_at: chrono::NaiveTime::from_hms_opt(21, 0, 0), ..BusinessSettingsPatch::default() })
    }),
    ("phone_numbers_phone_number_key", TheTable, |w, _| {
        w.tx(|tx| tx.phone_numbers().create(&NewPhoneNumber { phone_number: w.other.number.clone(), ..number(None) }))
    }),
    ("phone_numbers_release_requested_at_check", TheTable, |w, _| w.tx(|tx| {
        by_hand(tx, "UPDATE phone_numbers SET status = 'inactive', release_requested_at = now()")?;
        tx.phone_numbers().set_status(w.own.number, NumberStatus::Active)
    })),
    ("tenants_phone_number_limit_check", TheTable, |w, _| w.db.store.system(Reason::Operations, |tx| {
        tx.set_phone_number_limit(w.business.tenant.id(), -1).map(drop)
    })),
    // By a clock that was ahead.
    ("phone_numbers_released_at_check", TheTable, |w, _| w.tx(|tx| {
        by_hand(tx, "UPDATE phone_numbers SET provisioned_at = '2999-01-01'")?;
        tx.phone_numbers().set_status(w.own.number, NumberStatus::Released)
    })),
    ("phone_numbers_status_twilio_phone_sid_check", TheTable, |w, _| w.tx(|tx| {
        let intent = tx.phone_numbers().create(&number(None))?;
        tx.phone_numbers().set_status(intent.id, NumberStatus::Active)
    })),
    ("phone_numbers_twilio_phone_sid_key", TheTable, |w, _| {
        let theirs = w.column(&w.other, "phone_numbers", "twilio_phone_sid");
        w.tx(|tx| tx.phone_numbers().create(&number(Some(theirs.clone()))))
    }),
];
