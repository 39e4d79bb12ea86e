//! What the repositories take, at its plainest.

use super::World;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::{NewApiKey, NewSession, TokenHash};
use nmc_core::alerts::{Address, NewAlertRule, NewEscalationContact, NewNotification};
use nmc_core::analytics::{NewCallAnalytics, NewKpiSnapshot, NewMetric, NewReport};
use nmc_core::calls::NewCall;
use nmc_core::conversations::{NewConsent, NewConversation, NewConversationEvent, NewMessage};
use nmc_core::events::NewWebsocketEvent;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::people::{NewProfile, NewUser};
use nmc_core::testing::{noon, unique_phone, unique_sid};
use nmc_core::workflows::NewReply;
use nmc_core::{
    AlertOperator, AlertSeverity, CallDirection, CallerIdentity, Clock as _, ConsentAction, ConsentSource, ContactType,
    ConversationChannel, ConversationEventType, ConversationId, KpiPeriod, MetricType, NotificationChannel, NumberType,
    ReportFormat, Secret, SystemClock, UserId, UserRole, WebsocketEventType,
};
use serde_json::json;

pub(super) fn earlier() -> DateTime<Utc> {
    noon() - TimeDelta::days(1)
}

/// Later than the rows of the fixture, which the database itself made.
pub(super) fn later() -> DateTime<Utc> {
    SystemClock.now() + TimeDelta::hours(1)
}

pub(super) fn somebody() -> CallerIdentity {
    CallerIdentity::Phone(unique_phone())
}

pub(super) fn new_call() -> NewCall {
    NewCall::begun(CallDirection::Inbound, somebody(), somebody(), unique_sid("CA"))
}

pub(super) fn call_figures() -> NewCallAnalytics {
    NewCallAnalytics {
        call_id: None,
        conversation_id: None,
        phone_number: None,
        call_type: None,
        call_status: None,
        call_duration: None,
        ai_takeover_count: 0,
        customer_satisfaction: None,
        conversion_status: None,
        revenue_impact: None,
        cost_per_call: None,
        tags: None,
        metadata: json!({}),
        call_date: noon(),
    }
}

pub(super) fn conversation_with(customer_phone: CallerIdentity) -> NewConversation {
    NewConversation { customer_phone, channel: ConversationChannel::Phone, subject: None, customer_name: None }
}

/// The same, judged in this way.
pub(super) fn judged(judgement: nmc_core::alerts::Judgement) -> NewAlertRule {
    NewAlertRule { judgement, ..rule() }
}

pub(super) fn rule() -> NewAlertRule {
    NewAlertRule {
        name: "another rule".to_owned(),
        description: None,
        metric: "missed calls".to_owned(),
        operator: AlertOperator::GreaterThan,
        threshold: 1.into(),
        severity: AlertSeverity::Low,
        is_enabled: true,
        notification_channels: vec![NotificationChannel::Email],
        escalation_enabled: false,
        escalation_delay_minutes: 5,
        escalation_repeats: 0,
        judgement: nmc_core::alerts::Judgement::default(),
    }
}

pub(super) fn contact(w: &World) -> NewEscalationContact {
    let (rule_id, contact_value) = (Some(w.own.rule), Address::new("grace@example.com"));
    NewEscalationContact { rule_id, escalation_level: 1, contact_type: ContactType::Email, contact_value, is_active: false }
}

pub(super) fn notification(w: &World) -> NewNotification {
    NewNotification {
        alert_id: w.own.alert,
        channel: NotificationChannel::Email,
        recipient: Address::new("grace@example.com"),
        template_used: None,
        message_content: None,
        max_attempts: 3,
    }
}

pub(super) fn snapshot() -> NewKpiSnapshot {
    let kpi_name = "another".to_owned();
    let (kpi_target, trend_direction, snapshot_date) = (None, None, noon());
    NewKpiSnapshot { kpi_name, kpi_value: 1.into(), kpi_target, trend_direction, period_type: KpiPeriod::Daily, snapshot_date }
}

pub(super) fn point() -> NewMetric {
    NewMetric::raw(MetricType::Call, "another", 1.into(), noon())
}

pub(super) fn key(prefix: &str, goes_back_to: Option<UserId>) -> NewApiKey {
    let (name, secret_hash) = ("a key".to_owned(), TokenHash::new([0; 32]));
    NewApiKey { name, prefix: prefix.to_owned(), secret_hash, scopes: Vec::new(), goes_back_to, expires_at: None }
}

pub(super) fn profile(user_id: UserId) -> NewProfile {
    let (first_name, last_name) = ("Ada".to_owned(), "Owner".to_owned());
    NewProfile { user_id, first_name, last_name, display_name: None, phone_number: None, timezone: None }
}

pub(super) fn login(user_id: UserId, token: &str) -> NewSession {
    NewSession {
        user_id,
        token_family_hash: TokenHash::of(&Secret::new(format!("family of {}", unique_sid("session")))),
        refresh_token_hash: TokenHash::of(&Secret::new(token)),
        expires_at: noon() + TimeDelta::hours(1),
        ip_address: None,
        user_agent: None,
        device_fingerprint: None,
    }
}

pub(super) fn consent() -> NewConsent {
    let (customer_phone, keyword, note) = (unique_phone(), None, None);
    let (action, source) = (ConsentAction::OptOut, ConsentSource::Staff);
    NewConsent { customer_phone, action, source, keyword, message_id: None, note }
}

pub(super) fn words(w: &World) -> NewMessage {
    w.business.words(w.own.conversation, "hello")
}

pub(super) fn reply(w: &World) -> NewReply {
    let (client_key, body) = ("fresh".to_owned(), "hello".to_owned());
    NewReply { conversation: w.own.conversation, client_key, body, from_number: None, seen: None }
}

pub(super) fn number(sid: Option<String>) -> NewPhoneNumber {
    let (locality, region) = (None, None);
    NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: sid,
        locality,
        region,
        number_type: NumberType::Local,
        price: None,
    }
}

pub(super) fn note(conversation: ConversationId) -> NewConversationEvent {
    NewConversationEvent::new(conversation, ConversationEventType::NoteAdded)
}

pub(super) fn report() -> NewReport {
    let (report_type, sections, format, expires_at) = ("weekly".to_owned(), json!([]), ReportFormat::Json, None);
    NewReport { report_type, period_start: noon(), period_end: noon(), sections, format, expires_at }
}

pub(super) fn user(email: &str) -> NewUser {
    let (email, password_hash) = (email.parse().unwrap(), "$2b$".to_owned());
    NewUser { email, password_hash, first_name: None, last_name: None, role: UserRole::User, email_verified: true }
}

pub(super) fn connect(user: UserId) -> NewWebsocketEvent {
    NewWebsocketEvent {
        user_id: Some(user),
        socket_id: uuid::Uuid::now_v7(),
        event_type: WebsocketEventType::Connect,
        event_data: json!({}),
        ip_address: None,
        user_agent: None,
    }
}
