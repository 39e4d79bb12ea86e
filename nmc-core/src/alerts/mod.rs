//! Rules over metrics, the alerts they raise, and who hears of them.

mod address;
mod alert;
mod alert_transitions;
mod escalation;
mod escalation_contact;
mod escalation_contact_transitions;
mod evaluation;
mod history;
mod judgement;
mod link;
mod measurement;
mod measurement_bulk;
mod notification;
mod notification_digest;
mod notification_link;
mod notification_queue;
mod notification_transitions;
mod reach;
mod recipient;
mod retry_schedule;
mod rounds;
mod rule;
mod rule_bulk;
mod rule_state;
mod telling;
mod timeline;
mod trade_metric;
mod wording;

pub use address::Address;
pub use alert::{Alert, AlertFilter, Alerts, Raised};
pub use escalation_contact::{
    EscalationContact, EscalationContactFilter, EscalationContactPatch, EscalationContacts, NewEscalationContact,
};
pub use escalation_contact_transitions::SECRET_OVERLAP;
pub use evaluation::{Evaluation, evaluate, evaluate_all};
pub use history::{AlertEvent, AlertEventFilter, AlertHistory};
pub use judgement::{AlertMove, Judgement, Sample};
pub use link::{ALERT_LINK_LIFETIME, AlertLinkAction, AlertLinks};
pub(crate) use link::{AlertLink, TextLink};
pub use measurement::{Measurement, MeasurementFilter, Measurements};
pub use measurement_bulk::NewMeasurement;
pub(crate) use notification::Told;
pub use notification::{NewNotification, Notification, NotificationFilter, Notifications};
pub(crate) use notification_queue::Claimable;
pub use notification_queue::ClaimedNotification;
pub use notification_transitions::{WebhookResponse, WhyFailed};
pub use reach::Reach;
pub use retry_schedule::attempts_by;
pub(crate) use retry_schedule::wait_after;
pub use rule::{AlertRule, AlertRuleFilter, AlertRulePatch, AlertRules, NewAlertRule};
pub(crate) use telling::called_off;
pub use timeline::{TimelineEntry, timeline};
pub(crate) use trade_metric::MetricSource;
pub use trade_metric::{RESERVED_METRICS, TRADE_METRICS, TradeMetric};
pub use wording::{AlertTemplate, DigestWording, Wording};

/// The most rows that one statement of this domain writes or locks.
const AT_ONCE: i64 = 500;

/// A caller's limit, kept within what one statement may do.
fn bounded(limit: u16) -> i64 {
    AT_ONCE.min(limit.into())
}
