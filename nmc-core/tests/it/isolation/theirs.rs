//! One row of each kind, as somebody may know it.

use nmc_core::testing::{TestDb, query, unique_phone, unique_sid};
use nmc_core::{
    AlertId, AlertRuleId, ApiKeyId, CallAnalyticsId, CallId, CallParticipantId, ConversationAnalyticsId, ConversationId, Email,
    EscalationContactId, JobId, KpiSnapshotId, MessageId, MetricId, NotificationId, PhoneNumber, PhoneNumberId, ReportId,
    SessionId, TenantId, UserId,
};

/// The secret of the invitation that each user of `every_table.sql` has.
pub(super) const INVITATION: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What the hostile tenant knows of somebody else's rows, and uses. Not every row can be asked for by its id.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) alert: AlertId,
    pub(super) api_key: ApiKeyId,
    pub(super) api_key_prefix: String,
    pub(super) call: CallId,
    pub(super) call_analytics: CallAnalyticsId,
    pub(super) call_sid: String,
    pub(super) client_key: String,
    pub(super) contact: EscalationContactId,
    pub(super) conversation: ConversationId,
    pub(super) conversation_analytics: ConversationAnalyticsId,
    pub(super) customer: PhoneNumber,
    pub(super) email: Email,
    pub(super) job: JobId,
    pub(super) kpi: KpiSnapshotId,
    pub(super) message: MessageId,
    pub(super) message_sid: String,
    pub(super) metric: MetricId,
    pub(super) notification: NotificationId,
    pub(super) number: PhoneNumberId,
    pub(super) participant: CallParticipantId,
    pub(super) phone: PhoneNumber,
    pub(super) report: ReportId,
    pub(super) rule: AlertRuleId,
    pub(super) session: SessionId,
    pub(super) user: UserId,
}

impl Theirs {
    /// A tenant's real rows.
    pub(super) fn of(db: &TestDb, tenant: TenantId) -> Self {
        let mut conn = db.superuser();
        let mut the = |column: &str, table: &str| {
            let sql = format!("SELECT {column}::text FROM {table} WHERE tenant_id = '{tenant}' ORDER BY 1 LIMIT 1");
            query::<String>(&mut conn, &sql).remove(0)
        };
        Self {
            alert: the("id", "alerts").parse().unwrap(),
            api_key: the("id", "api_keys").parse().unwrap(),
            api_key_prefix: the("prefix", "api_keys"),
            call: the("id", "calls").parse().unwrap(),
            call_analytics: the("id", "call_analytics").parse().unwrap(),
            call_sid: the("twilio_call_sid", "calls"),
            client_key: the("client_key", "messages"),
            contact: the("id", "escalation_contacts").parse().unwrap(),
            conversation: the("id", "conversations").parse().unwrap(),
            conversation_analytics: the("id", "conversation_analytics").parse().unwrap(),
            customer: the("customer_phone", "conversations").parse().unwrap(),
            email: the("email", "users").parse().unwrap(),
            job: the("id", "analytics_processing_jobs").parse().unwrap(),
            kpi: the("id", "kpi_snapshots").parse().unwrap(),
            message: the("id", "messages").parse().unwrap(),
            message_sid: the("message_sid", "messages"),
            metric: the("id", "analytics_metrics").parse().unwrap(),
            notification: the("id", "notifications").parse().unwrap(),
            number: the("id", "phone_numbers").parse().unwrap(),
            participant: the("id", "call_participants").parse().unwrap(),
            phone: the("phone_number", "phone_numbers").parse().unwrap(),
            report: the("id", "analytics_reports").parse().unwrap(),
            rule: the("id", "alert_rules").parse().unwrap(),
            session: the("id", "user_sessions").parse().unwrap(),
            user: the("id", "users").parse().unwrap(),
        }
    }

    /// Rows that nobody has.
    pub(super) fn made_up() -> Self {
        let id = uuid::Uuid::now_v7;
        Self {
            alert: AlertId::new(id()),
            api_key: ApiKeyId::new(id()),
            api_key_prefix: "nobodys".to_owned(),
            call: CallId::new(id()),
            call_analytics: CallAnalyticsId::new(id()),
            call_sid: unique_sid("CA"),
            client_key: "nobodys".to_owned(),
            contact: EscalationContactId::new(id()),
            conversation: ConversationId::new(id()),
            conversation_analytics: ConversationAnalyticsId::new(id()),
            customer: unique_phone(),
            email: format!("{}@nobody.example", id()).parse().unwrap(),
            job: JobId::new(id()),
            kpi: KpiSnapshotId::new(id()),
            message: MessageId::new(id()),
            message_sid: unique_sid("SM"),
            metric: MetricId::new(id()),
            notification: NotificationId::new(id()),
            number: PhoneNumberId::new(id()),
            participant: CallParticipantId::new(id()),
            phone: unique_phone(),
            report: ReportId::new(id()),
            rule: AlertRuleId::new(id()),
            session: SessionId::new(id()),
            user: UserId::new(id()),
        }
    }
}
