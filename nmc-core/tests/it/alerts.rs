//! Rules, alerts and notifications against a real database.

mod contacts;
mod evaluation;
mod hints;
mod lifecycle;
mod notifications;
mod passing_on;
mod raising;
mod rules;
mod telling;
mod timelines;

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::alerts::{Alert, AlertEvent, AlertEventFilter, AlertRule, Judgement, NewAlertRule};
use nmc_core::people::NewUser;
use nmc_core::testing::{Business, ManualClock, TestDb, noon};
use nmc_core::{
    AlertEventType, AlertId, AlertOperator, AlertRuleId, AlertSeverity, Clock as _, Error, NotificationChannel, PageRequest,
    Result, TenantTx, UserId, UserRole,
};
use rust_decimal::Decimal;
use std::sync::{Arc, Barrier};

/// One business with two users, and a clock that stands still.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
    ada: UserId,
    bob: UserId,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        let user = |email: &str| {
            let new = NewUser {
                email: email.parse().unwrap(),
                password_hash: "$2b$".to_owned(),
                first_name: None,
                last_name: None,
                role: UserRole::User,
                email_verified: true,
            };
            db.store.tenant(&business.tenant, |tx| tx.users().create(&new)).unwrap().id
        };
        let (ada, bob) = (user("ada@example.com"), user("bob@example.com"));
        Self { db, clock, business, ada, bob }
    }

    fn run<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }

    /// In a transaction on behalf of a user.
    fn run_as<T>(&self, user: UserId, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant_on_behalf_of(&self.business.tenant, user, work)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn after(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::minutes(minutes));
        self.now()
    }

    fn rule(&self, new: &NewAlertRule) -> AlertRule {
        self.run(|tx| tx.alert_rules().create(new)).unwrap()
    }

    /// An alert of this rule, raised a moment after the rule's last change.
    fn raise(&self, rule: AlertRuleId) -> Alert {
        self.clock.advance(TimeDelta::milliseconds(1));
        self.run(|tx| tx.alerts().raise(rule, dec("12.5"), None)).unwrap().alert
    }

    /// An alert of a rule of its own.
    fn alert(&self, name: &str) -> Alert {
        self.raise(self.rule(&rule(name)).id)
    }

    fn reload(&self, alert: &Alert) -> Alert {
        self.run(|tx| tx.alerts().get(alert.id)).unwrap()
    }

    /// What happened to an alert, oldest first.
    fn history(&self, alert: AlertId) -> Vec<AlertEvent> {
        let mut events =
            self.run(|tx| tx.alert_history().list(alert, &AlertEventFilter::default(), PageRequest::first())).unwrap().items;
        events.reverse();
        events
    }

    fn event_types(&self, alert: AlertId) -> Vec<AlertEventType> {
        self.history(alert).iter().map(|event| event.event_type).collect()
    }

    /// Insists that this is refused, and changes nothing.
    fn refuses<T: std::fmt::Debug>(&self, words: &str, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Error {
        let before = self.db.rows_of(self.business.tenant.id());
        let error = self.run(work).unwrap_err();
        assert_eq!(error.to_string(), words);
        assert_eq!(self.db.rows_of(self.business.tenant.id()), before, "{words}");
        error
    }

    /// What `late` answers that began at noon, in one transaction, and had to wait for one that began a minute later: `first`
    /// is done before `late` gets to it. That is what a wait for a lock comes to.
    fn overtaken<F, T>(
        &self,
        first: impl Fn(&mut TenantTx<'_>) -> Result<F>,
        late: impl Fn(&mut TenantTx<'_>) -> Result<T>,
    ) -> (DateTime<Utc>, Result<T>) {
        let answer = self.run(|tx| {
            self.after(1);
            self.run(&first)?;
            late(tx)
        });
        (self.now(), answer)
    }

    /// Two transactions at the same time.
    /// The rows of the business, but for its stream of events, which only grows, and its round, which stays.
    fn rows(&self) -> std::collections::BTreeMap<String, Vec<String>> {
        let mut rows = self.db.rows_of(self.business.tenant.id());
        rows.retain(|table, _| !["alert_rounds", "stream_events", "tenant_streams"].contains(&table.as_str()));
        rows
    }

    fn both<T: Send>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T> + Sync) -> [Result<T>; 2] {
        let together = Barrier::new(2);
        let one = || {
            together.wait();
            self.run(&work)
        };
        std::thread::scope(|threads| [threads.spawn(one), threads.spawn(one)].map(|thread| thread.join().unwrap()))
    }
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A rule with every field given.
fn rule(name: &str) -> NewAlertRule {
    NewAlertRule {
        name: name.to_owned(),
        description: Some("calls us about the phones".to_owned()),
        metric: "missed calls".to_owned(),
        operator: AlertOperator::GreaterThan,
        threshold: dec("10"),
        severity: AlertSeverity::High,
        is_enabled: true,
        notification_channels: vec![NotificationChannel::Email, NotificationChannel::Sms],
        escalation_enabled: true,
        escalation_delay_minutes: 30,
        escalation_repeats: 0,
        judgement: Judgement::default(),
    }
}

/// Whether it blames this field, whatever kind of error it is.
fn blames(error: &Error, wanted: &str) -> bool {
    match error {
        Error::Conflict { field, .. } => *field == wanted,
        Error::Invalid { field, .. } => field == wanted,
        _ => false,
    }
}
