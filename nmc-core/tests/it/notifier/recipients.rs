//! Who is still told when their turn has come, and how much leaves at the most.

use super::AlertTemplate::{Escalated, Triggered};
use super::NotificationChannel::{Dashboard, Email, Webhook};
use super::NotificationStatus::{Delivered, Failed, Pending};
use super::{HOOK, Notifying};
use chrono::TimeDelta;
use nmc_core::alerts::{Address, AlertEventFilter, EscalationContactPatch, NewEscalationContact, Notification};
use nmc_core::delivery::{OutboundWebhook, WebhookAnswer, WebhookError, WebhookSender};
use nmc_core::people::{NewProfile, NewUser, PreferencesPatch, UserPatch};
use nmc_core::testing::{SmtpFault, SmtpStep};
use nmc_core::workflows::{Notifier, NotifierConfig, Senders};
use nmc_core::{AlertEventType, ContactType, EscalationContactId, PageRequest, Store, Tenant, UserId, UserRole};
use serde_json::json;
use std::sync::Arc;

impl Notifying {
    fn member(&self, email: &str, role: UserRole) -> UserId {
        let new = NewUser {
            email: email.parse().unwrap(),
            password_hash: "$2b$".to_owned(),
            first_name: None,
            last_name: None,
            role,
            email_verified: true,
        };
        self.scene.tx(|tx| tx.users().create(&new)).unwrap().id
    }

    fn change(&self, user: UserId, patch: &UserPatch) {
        self.scene.tick();
        self.scene.tx(|tx| tx.users().update(user, patch)).unwrap();
    }

    fn contact(&self, contact_type: ContactType, value: &str) -> EscalationContactId {
        let new = NewEscalationContact {
            rule_id: None,
            escalation_level: 1,
            contact_type,
            contact_value: Address::new(value),
            is_active: true,
        };
        self.scene.tx(|tx| tx.escalation_contacts().create(&new)).unwrap().id
    }

    /// What the history says of notifications that failed, oldest first.
    fn failures(&self) -> Vec<serde_json::Value> {
        let filter = AlertEventFilter { event_type: Some(AlertEventType::NotificationFailed), ..AlertEventFilter::default() };
        let events = self.scene.tx(|tx| tx.alert_history().list(self.alert.id, &filter, PageRequest::first())).unwrap().items;
        events.into_iter().rev().map(|event| event.details.unwrap()).collect()
    }

    fn why(row: &Notification, why: &str) -> serde_json::Value {
        json!({"notification": row.id, "channel": row.channel, "why": why})
    }
}

const DEACTIVATED: &str = "the recipient was deactivated before it was sent";

#[test]
fn whoever_left_meanwhile_gets_nothing_that_was_waiting() {
    let notifying = Notifying::new();
    let gone = notifying.member("gone@example.com", UserRole::Admin);
    notifying.member("stays@example.com", UserRole::Admin);
    notifying.smtp.fail_with([SmtpFault::Answer(SmtpStep::Data, "451 later".to_owned())]);
    let retried = notifying.queue_to(Email, Triggered, "gone@example.com");
    assert_eq!(notifying.pass().put_back, 1);
    let waiting =
        [notifying.queue_to(Email, Escalated, "gone@example.com"), notifying.queue_to(Dashboard, Triggered, &gone.to_string())];
    let other = notifying.queue_to(Email, Triggered, "stays@example.com");
    notifying.change(gone, &UserPatch { is_active: Some(false), ..UserPatch::default() });
    notifying.scene.clock.advance(TimeDelta::minutes(2));
    assert_eq!((notifying.pass().failed, notifying.sent()), (3, 1));
    for row in [&retried, &waiting[0], &waiting[1]] {
        assert_eq!(notifying.fate(row), (Failed, DEACTIVATED.to_owned()));
        assert!(notifying.failures().contains(&Notifying::why(row, DEACTIVATED)), "the history says so");
    }
    assert_eq!(notifying.reload(&other).status, Delivered);
}

#[test]
fn whoever_lost_their_role_is_told_as_a_contact_alone() {
    let notifying = Notifying::new();
    let viewer = notifying.member("viewer@example.com", UserRole::Admin);
    let quiet = notifying.member("quiet@example.com", UserRole::Admin);
    let rows = [(Triggered, "viewer@example.com"), (Escalated, "viewer@example.com"), (Triggered, "quiet@example.com")]
        .map(|(template, to)| notifying.queue_to(Email, template, to));
    notifying.change(viewer, &UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() });
    let no_mail = PreferencesPatch { email_notifications_enabled: Some(false), ..PreferencesPatch::default() };
    let profile = NewProfile {
        user_id: quiet,
        first_name: "Ann".to_owned(),
        last_name: "Lee".to_owned(),
        display_name: None,
        phone_number: None,
        timezone: None,
    };
    notifying.scene.tx(|tx| tx.profiles().create(&profile)).unwrap();
    notifying.scene.tx(|tx| tx.preferences().create(quiet)).unwrap();
    notifying.scene.tick();
    notifying.scene.tx(|tx| tx.preferences().update(quiet, &no_mail)).unwrap();
    assert_eq!(notifying.pass().failed, 2);
    let [first, passed_on, unwanted] = rows.map(|row| notifying.fate(&row));
    assert_eq!(first, (Failed, "the recipient was no owner or administrator any more before it was sent".to_owned()));
    assert_eq!(passed_on.0, Delivered);
    assert_eq!(unwanted.1, "the recipient no longer wanted to be told this way before it was sent");
}

/// An address that is a contact by itself is told whatever became of the account that has it.
#[test]
fn contact_by_address_is_told_whatever_the_account_is() {
    let notifying = Notifying::new();
    let gone = notifying.member("gone@example.com", UserRole::Admin);
    notifying.contact(ContactType::Email, "gone@example.com");
    notifying.change(gone, &UserPatch { is_active: Some(false), ..UserPatch::default() });
    let rows = [Triggered, Escalated].map(|template| notifying.queue_to(Email, template, "gone@example.com"));
    notifying.pass();
    assert_eq!(rows.map(|row| notifying.reload(&row).status), [Failed, Delivered]);
}

#[test]
fn receiver_that_is_gone_gets_nothing_that_was_waiting() {
    let notifying = Notifying::new();
    let contact = notifying.contact(ContactType::Webhook, HOOK);
    let rows = [Triggered, Escalated].map(|template| notifying.queue(Webhook, template));
    let gone = WebhookError::Gone { answer: WebhookAnswer { status: 410, body: String::new() } };
    notifying.webhooks.answers.lock().unwrap().push_back(Err(gone));
    assert_eq!((notifying.pass().failed, notifying.sent()), (2, 0));
    let why = "the webhook is out of use: its contacts were switched off before it was sent";
    assert_eq!(notifying.fate(&rows[1]), (Failed, why.to_owned()));
    let on = EscalationContactPatch { is_active: Some(true), ..EscalationContactPatch::default() };
    notifying.scene.tx(|tx| tx.escalation_contacts().update(contact, &on)).unwrap();
    let row = notifying.queue(Webhook, Escalated);
    notifying.pass();
    assert_eq!(notifying.reload(&row).status, Delivered);
}

#[test]
fn mails_beyond_the_hours_number_are_given_up_and_said_once() {
    let notifying = Notifying::new();
    let config = NotifierConfig { mails_per_hour: 2, ..NotifierConfig::default() };
    let pass = || {
        notifying.scene.tick();
        Notifier::new(notifying.scene.db.store.clone(), notifying.senders(), config).pass().unwrap()
    };
    let rows: Vec<_> = (0..40).map(|n| notifying.queue_to(Email, Triggered, &format!("a{n}@example.com"))).collect();
    let hook = notifying.queue(Webhook, Triggered);
    pass();
    let why = "the business has sent 2 mails about alerts within an hour";
    assert_eq!((notifying.smtp.taken().len(), notifying.reload(&hook).status), (2, Delivered));
    assert!(rows[2..].iter().all(|row| notifying.fate(row) == (Failed, why.to_owned())));
    let said = notifying.failures();
    assert_eq!(said.len(), 2, "one was at hand, and the others: {said:?}");
    assert!(said.contains(&json!({"notifications": 37, "channel": "email", "why": why})), "{said:?}");
    // An hour later it may send again.
    notifying.scene.clock.advance(TimeDelta::hours(1));
    let late = notifying.queue_to(Email, Triggered, "late@example.com");
    assert_eq!(notifying.reload(&late).status, Pending);
    pass();
    assert_eq!(notifying.reload(&late).status, Delivered);
}

#[test]
fn refusal_by_the_mail_server_is_quoted_in_the_row_alone() {
    let notifying = Notifying::new();
    let words = "550 5.1.1 +14155550123 see https://mail.example.com/x".to_owned();
    notifying.smtp.fail_with([SmtpFault::Answer(SmtpStep::Recipient, words)]);
    let row = notifying.queue(Email, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    assert!(notifying.fate(&row).1.ends_with("550 5.1.1 +14155550123 see https://mail.example.com/x"));
    assert_eq!(notifying.failures(), [Notifying::why(&row, "the mail server refuses it: 550 5.1.1")]);
}

#[test]
fn business_that_nobody_approved_mails_its_own_people_alone() {
    let notifying = Notifying::new();
    notifying.member("proved@example.com", UserRole::Admin);
    let unproved = notifying.member("unproved@example.com", UserRole::Admin);
    notifying
        .scene
        .db
        .execute(&format!("UPDATE users SET email_verified = false, email_verified_at = NULL WHERE id = '{unproved}'"));
    notifying.contact(ContactType::Email, "stranger@example.com");
    notifying.scene.db.execute("UPDATE tenants SET approved_at = NULL");
    let told = notifying.queue_to(Email, Triggered, "proved@example.com");
    let why = "before whoever runs NeverMissCall has approved the business, it mails only its own people, at addresses they have proved";
    let strangers = ["unproved@example.com", "stranger@example.com"].map(|address| notifying.queue_to(Email, Triggered, address));
    assert_eq!((notifying.pass().failed, notifying.sent()), (2, 1));
    assert_eq!(notifying.reload(&told).status, Delivered);
    strangers.iter().for_each(|row| assert_eq!(notifying.fate(row), (Failed, why.to_owned())));
}

#[test]
fn business_that_nobody_approved_sends_no_webhooks() {
    let notifying = Notifying::new();
    notifying.scene.business.disapprove(&notifying.scene.db, true);
    let rows = [Triggered, super::Test].map(|template| notifying.queue(Webhook, template));
    assert_eq!(notifying.pass().failed, 2);
    let why = "the business may not send webhooks before whoever runs NeverMissCall has approved it";
    for row in &rows {
        assert_eq!((notifying.fate(row), notifying.reload(row).attempts), ((Failed, why.to_owned()), 0));
    }
    assert_eq!(notifying.sent(), 0);
    notifying.scene.business.disapprove(&notifying.scene.db, false);
    notifying.queue(Webhook, Triggered);
    assert_eq!((notifying.pass().delivered, notifying.sent()), (1, 1));
}

#[test]
fn what_was_never_tried_puts_no_webhook_out_of_use() {
    let notifying = Notifying::new();
    let contact = notifying.contact(ContactType::Webhook, HOOK);
    notifying.scene.business.disapprove(&notifying.scene.db, true);
    notifying.queue(Webhook, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    notifying.scene.business.disapprove(&notifying.scene.db, false);
    notifying.scene.clock.advance(TimeDelta::days(6));
    let refused = WebhookError::Refused { reason: "it leads nowhere".to_owned() };
    notifying.webhooks.answers.lock().unwrap().push_back(Err(refused));
    notifying.queue(Webhook, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    assert!(notifying.scene.tx(|tx| tx.escalation_contacts().get(contact)).unwrap().is_active);
}

fn gone() -> WebhookError {
    WebhookError::Gone { answer: WebhookAnswer { status: 410, body: String::new() } }
}

/// A receiver that is gone, and whose contact is switched off by another attempt before it says so.
struct GoneTwice(Store, Tenant, EscalationContactId);

impl WebhookSender for GoneTwice {
    fn send(&self, _: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError> {
        let off = EscalationContactPatch { is_active: Some(false), ..EscalationContactPatch::default() };
        self.0.tenant(&self.1, |tx| tx.escalation_contacts().update(self.2, &off)).unwrap();
        Err(gone())
    }
}

#[test]
fn webhook_that_is_out_of_use_already_is_not_told_of_again() {
    let notifying = Notifying::new();
    notifying.scene.db.execute("UPDATE users SET role = 'owner', password_hash = '$2b$'");
    let contact = notifying.contact(ContactType::Webhook, HOOK);
    let receiver = GoneTwice(notifying.scene.db.store.clone(), notifying.scene.business.tenant, contact);
    let receiver: Arc<dyn WebhookSender> = Arc::new(receiver);
    let webhooks = Some((receiver, notifying.keys.clone()));
    notifying.queue(Webhook, Triggered);
    let pass = notifying.over(Senders { webhooks, ..notifying.senders() }).pass().unwrap();
    assert_eq!((pass.failed, pass.delivered), (1, 0));
    assert_eq!((notifying.pass().delivered, notifying.sent()), (0, 0), "nobody is mailed");
    assert_eq!(notifying.failures().len(), 1, "but for the notification itself");
}

#[test]
fn retired_contact_that_leads_elsewhere_is_not_retired() {
    let notifying = Notifying::new();
    let contact = notifying.contact(ContactType::Webhook, HOOK);
    notifying.webhooks.answers.lock().unwrap().push_back(Err(gone()));
    notifying.queue(Webhook, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    let update = |patch: &EscalationContactPatch| {
        notifying.scene.tick();
        notifying.scene.tx(|tx| tx.escalation_contacts().update(contact, patch)).unwrap()
    };
    let same =
        EscalationContactPatch { escalation_level: Some(2), contact_value: Some(Address::new(HOOK)), ..Default::default() };
    assert!(update(&same).retired_at.is_some());
    let other = EscalationContactPatch { contact_value: Some(Address::new("https://other.example.com/x")), ..Default::default() };
    let other = update(&other);
    assert!(other.retired_at.is_none() && !other.is_active);
}
