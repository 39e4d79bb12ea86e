//! The worker that delivers notifications: what goes out, what does not any more, and what is left by whoever dies on the way.

mod crashes;
mod deaths;
mod digests;
mod links;
mod recipients;
mod running;
mod texts;

use crate::support::{Scene, dec};
use chrono::TimeDelta;
use nmc_core::access::TokenKeys;
use nmc_core::alerts::{
    Address, Alert, AlertEventFilter, AlertTemplate, EscalationContactFilter, NewAlertRule, NewEscalationContact,
    NewNotification, Notification, NotificationFilter, attempts_by,
};
use nmc_core::delivery::{
    Mail, MailError, MailReceipt, MailSender, OutboundWebhook, SecretVersions, WebhookAnswer, WebhookError, WebhookSecrets,
    WebhookSender,
};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::testing::{Business, FakeSms, FakeSmtp, SmtpFault, SmtpStep, noon, unique_phone};
use nmc_core::workflows::{Notifier, NotifierConfig, NotifierPass, Senders};
use nmc_core::{
    AlertEventType, AlertOperator, AlertSeverity, Clock as _, ContactType, NotificationChannel, NotificationStatus, PageRequest,
    PhoneNumber, Secret, Store,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use AlertTemplate::{Escalated, Resolved, Test, Triggered};
use NotificationChannel::{Dashboard, Email, Sms, Webhook};
use NotificationStatus::{Delivered, Failed, Retrying};

const HOOK: &str = "https://hooks.example.com/x";

/// A webhook as the fake was asked to send it: id, instant, URL, body, signature.
type SentWebhook = (String, i64, String, String, String);

/// A receiver of webhooks in memory, which answers as it is told and dies where it is told.
#[derive(Default)]
struct FakeWebhooks {
    taken: Mutex<Vec<SentWebhook>>,
    answers: Mutex<VecDeque<Result<u16, WebhookError>>>,
    dies: Mutex<VecDeque<Death>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    Before,
    After,
}

impl WebhookSender for FakeWebhooks {
    fn send(&self, webhook: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError> {
        let OutboundWebhook { id, at, url, body, secrets } = *webhook;
        let death = self.dies.lock().unwrap().pop_front();
        assert!(death != Some(Death::Before), "killed before the receiver was reached");
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(200));
        if answer.is_ok() {
            let signature = secrets.sign(id, at, body);
            self.taken.lock().unwrap().push((id.to_string(), at.timestamp(), url.to_owned(), body.to_owned(), signature));
        }
        assert!(death != Some(Death::After), "killed after the receiver took it");
        answer.map(|status| WebhookAnswer { status, body: "ok".to_owned() })
    }
}

/// A mailer that dies where it is told.
struct DyingMailer {
    inner: SmtpMailer,
    dies: Mutex<VecDeque<Death>>,
}

impl MailSender for DyingMailer {
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError> {
        let death = self.dies.lock().unwrap().pop_front();
        assert!(death != Some(Death::Before), "killed before the server was reached");
        let sent = self.inner.send(mail);
        assert!(death != Some(Death::After), "killed after the server took it");
        sent
    }
}

fn mailer(smtp: &FakeSmtp) -> SmtpMailer {
    let config = SmtpConfig::parse(&Secret::new(smtp.url()), "alerts@nmc.example.com").unwrap();
    SmtpMailer::new(config).unwrap()
}

/// What somebody does to the alert or the business, and the word for it.
type Deed = (&'static str, fn(&Notifying));

/// A business with an alert, and all that notifications leave through.
struct Notifying {
    scene: Scene,
    smtp: FakeSmtp,
    sms: Arc<FakeSms>,
    webhooks: Arc<FakeWebhooks>,
    keys: TokenKeys,
    alert: Alert,
    phone: PhoneNumber,
}

fn raise(store: &Store, business: &Business, name: &str) -> Alert {
    let rule = NewAlertRule::new(name, "missed_calls", AlertOperator::GreaterThan, dec!(10), AlertSeverity::High);
    store
        .tenant(&business.tenant, |tx| {
            let rule = tx.alert_rules().create(&rule)?;
            tx.alerts().raise(rule.id, dec!(12.5), None)
        })
        .unwrap()
        .alert
}

impl Notifying {
    fn new() -> Self {
        let scene = Scene::new();
        let alert = raise(&scene.db.store, &scene.business, "Too many missed calls");
        Self {
            scene,
            smtp: FakeSmtp::start(),
            sms: Arc::default(),
            webhooks: Arc::default(),
            keys: TokenKeys::ephemeral(noon()).unwrap(),
            alert,
            phone: unique_phone(),
        }
    }

    fn senders(&self) -> Senders {
        Senders {
            mail: Some(Arc::new(mailer(&self.smtp))),
            texts: Some(self.sms.clone()),
            webhooks: Some((self.webhooks.clone(), self.keys.clone())),
            links: None,
        }
    }

    fn notifier(&self) -> Notifier {
        self.over(self.senders())
    }

    fn over(&self, senders: Senders) -> Notifier {
        Notifier::new(self.scene.db.store.clone(), senders, NotifierConfig::default())
    }

    fn pass(&self) -> NotifierPass {
        self.scene.tick();
        self.notifier().pass().unwrap()
    }

    fn recipient(&self, channel: NotificationChannel) -> String {
        match channel {
            Email => "joe@example.com".to_owned(),
            Sms => self.phone.to_string(),
            Webhook => HOOK.to_owned(),
            Dashboard => self.scene.staff.to_string(),
        }
    }

    fn queue(&self, channel: NotificationChannel, template: AlertTemplate) -> Notification {
        self.queue_to(channel, template, &self.recipient(channel))
    }

    fn queue_to(&self, channel: NotificationChannel, template: AlertTemplate, recipient: &str) -> Notification {
        self.scene.tick();
        let new = NewNotification {
            alert_id: self.alert.id,
            channel,
            recipient: Address::new(recipient),
            template_used: Some(template.label().to_owned()),
            message_content: None,
            max_attempts: attempts_by(channel),
        };
        self.scene.tx(|tx| tx.notifications().create(&new)).unwrap()
    }

    fn reload(&self, row: &Notification) -> Notification {
        self.scene.tx(|tx| tx.notifications().get(row.id)).unwrap()
    }

    /// Status and words of a notification.
    fn fate(&self, row: &Notification) -> (NotificationStatus, String) {
        let row = self.reload(row);
        (row.status, row.error_message.unwrap_or_default())
    }

    fn acknowledge(&self) {
        self.scene.tick();
        self.scene.tx_as(self.scene.staff, |tx| tx.alerts().acknowledge(self.alert.id, None)).unwrap();
    }

    fn resolve(&self) {
        self.scene.tick();
        self.scene.tx(|tx| tx.alerts().auto_resolve(self.alert.id)).unwrap();
    }

    /// How often the history says this.
    fn said(&self, event: AlertEventType) -> usize {
        let filter = AlertEventFilter { event_type: Some(event), ..AlertEventFilter::default() };
        self.scene.tx(|tx| tx.alert_history().list(self.alert.id, &filter, PageRequest::first())).unwrap().items.len()
    }

    /// Everything that has left, by any channel.
    fn sent(&self) -> usize {
        self.smtp.taken().len() + self.sms.taken().len() + self.webhooks.taken.lock().unwrap().len()
    }
}

#[test]
fn each_channel_brings_the_alert_to_its_recipient() {
    let notifying = Notifying::new();
    let rows = [Email, Sms, Webhook, Dashboard].map(|channel| notifying.queue(channel, Triggered));
    assert_eq!(notifying.pass(), NotifierPass { delivered: 4, ..NotifierPass::default() });
    for row in &rows {
        let row = notifying.reload(row);
        assert_eq!((row.status, row.attempts, row.error_message), (Delivered, 1, None), "{:?}", row.channel);
    }
    let [mail] = notifying.smtp.taken().try_into().unwrap();
    assert_eq!(mail.to, ["joe@example.com"]);
    assert_eq!(mail.header("Message-ID"), Some(format!("<{}@nmc.example.com>", rows[0].id)));
    assert_eq!(mail.header("References"), Some(format!("<{}@nmc.example.com>", notifying.alert.id)));
    assert_eq!(mail.header("Subject").as_deref(), Some("Alert (high): Too many missed calls"));
    assert!(mail.text.contains("Business: Joe's Plumbing"), "{}", mail.text);
    let [text] = notifying.sms.taken().try_into().unwrap();
    let business = &notifying.scene.business;
    assert_eq!((text.text.0, text.text.1), (business.number.to_string(), notifying.phone.to_string()));
    assert!(text.text.2.starts_with("Joe's Plumbing: ALERT Too many missed calls. missed calls 12.5, limit above 10, "));
    let (id, at, url, body, signature) = notifying.webhooks.taken.lock().unwrap()[0].clone();
    assert_eq!((id, at, url.as_str()), (rows[2].id.to_string(), notifying.scene.clock.now().timestamp(), HOOK));
    let secrets = WebhookSecrets::derive(&notifying.keys, business.tenant.id(), HOOK, SecretVersions::FIRST);
    assert_eq!(signature, secrets.sign(rows[2].id.uuid(), notifying.scene.clock.now(), &body));
    assert!(body.contains(r#""type":"alert.triggered""#), "{body}");
    let hook = notifying.reload(&rows[2]);
    assert_eq!((hook.webhook_response_code, hook.webhook_response_body.as_deref()), (Some(200), Some("ok")));
    assert_eq!(notifying.said(AlertEventType::NotificationSent), 4);
    assert!(notifying.scene.tx(|tx| tx.alerts().get(notifying.alert.id)).unwrap().notification_sent);
    assert_eq!(notifying.pass(), NotifierPass::default(), "once");
}

#[test]
fn nobody_is_paged_about_an_alert_that_somebody_has_taken() {
    let taken: [Deed; 3] = [
        ("acknowledged", Notifying::acknowledge),
        ("snoozed", |notifying| {
            let until = notifying.scene.tick() + TimeDelta::hours(1);
            notifying.scene.tx_as(notifying.scene.staff, |tx| tx.alerts().snooze(notifying.alert.id, until, None)).unwrap();
        }),
        ("resolved", Notifying::resolve),
    ];
    for (word, take) in taken {
        let notifying = Notifying::new();
        let before = [notifying.queue(Email, Triggered), notifying.queue(Email, Escalated)];
        let test = notifying.queue(Email, Test);
        take(&notifying);
        // What waited is called off at once; what somebody queues nevertheless is not sent.
        for row in &before {
            assert_eq!(notifying.fate(row), (Failed, format!("{word} before it was sent")));
        }
        let channels = [Email, Sms, Webhook, Dashboard];
        let rows: Vec<_> =
            channels.iter().flat_map(|channel| [Triggered, Escalated].map(|t| notifying.queue(*channel, t))).collect();
        assert_eq!(notifying.pass(), NotifierPass { delivered: 1, failed: 8, put_back: 0 });
        for row in &rows {
            assert_eq!(notifying.fate(row), (Failed, format!("the alert was {word} before it was sent")));
        }
        assert_eq!((notifying.reload(&test).status, notifying.sent()), (Delivered, 1), "a test is sent whatever the alert does");
    }
}

#[test]
fn retry_is_called_off_when_somebody_takes_the_alert_meanwhile() {
    let notifying = Notifying::new();
    notifying.smtp.fail_with([SmtpFault::Answer(SmtpStep::Data, "451 later".to_owned())]);
    let row = notifying.queue(Email, Triggered);
    assert_eq!(notifying.pass().put_back, 1);
    notifying.acknowledge();
    notifying.scene.clock.advance(TimeDelta::minutes(2));
    assert_eq!(notifying.pass(), NotifierPass::default());
    assert_eq!((notifying.reload(&row).status, notifying.sent()), (Failed, 0));
}

#[test]
fn acknowledged_mail_whose_answer_got_lost_may_have_arrived() {
    let notifying = Notifying::new();
    notifying.smtp.fail_with([SmtpFault::DropAfterTaking]);
    let row = notifying.queue(Email, Triggered);
    assert_eq!(notifying.pass().put_back, 1);
    notifying.acknowledge();
    let why = "acknowledged before it was tried again; an earlier attempt may have arrived";
    assert_eq!((notifying.fate(&row), notifying.sent()), ((Failed, why.to_owned()), 1));
    let told = notifying.scene.tx(|tx| tx.alert_history().list(notifying.alert.id, &Default::default(), PageRequest::first()));
    assert!(told.unwrap().items.iter().any(|event| event.details.as_ref().is_some_and(|details| details["why"] == why)));
}

#[test]
fn resolution_goes_only_where_the_alert_went() {
    let notifying = Notifying::new();
    notifying.queue(Email, Triggered);
    notifying.queue_to(Email, Escalated, "boss@example.com");
    assert_eq!(notifying.pass().delivered, 2);
    let early = notifying.queue(Email, Resolved);
    assert_eq!(notifying.pass().failed, 1);
    assert_eq!(notifying.fate(&early).1, "the alert is open again");
    let late = notifying.queue(Webhook, Triggered);
    // This queues it for both who have it.
    notifying.resolve();
    let untold = [
        notifying.queue_to(Email, Resolved, "other@example.com"),
        notifying.queue(Sms, Resolved),
        notifying.queue(Webhook, Resolved),
    ];
    assert_eq!(notifying.pass(), NotifierPass { delivered: 2, failed: 3, put_back: 0 });
    for row in &untold {
        let why = "the recipient was not told of the alert, and need not know that it is over";
        assert_eq!(notifying.fate(row), (Failed, why.to_owned()));
    }
    assert_eq!(notifying.fate(&late).1, "resolved before it was sent");
    assert_eq!(notifying.sent(), 4);
}

#[test]
fn resolution_waits_for_the_alert_that_is_on_its_way() {
    let notifying = Notifying::new();
    notifying.queue(Email, Triggered);
    notifying.scene.tick();
    let claimed = notifying.scene.tx(|tx| tx.notifications().claim(1, TimeDelta::minutes(2))).unwrap();
    notifying.resolve();
    let filter = NotificationFilter { open: Some(true), ..NotificationFilter::default() };
    let mut waiting = notifying.scene.tx(|tx| tx.notifications().list(&filter, PageRequest::first())).unwrap().items;
    let over = waiting.remove(waiting.iter().position(|row| row.template_used.as_deref() == Some(Resolved.label())).unwrap());
    assert_eq!(notifying.pass().put_back, 1);
    let row = notifying.reload(&over);
    assert_eq!((row.status, row.attempts), (Retrying, 0), "waiting is no attempt");
    notifying.scene.tx(|tx| tx.notifications().deliver(&claimed[0], None)).unwrap();
    notifying.scene.clock.advance(TimeDelta::seconds(10));
    assert_eq!(notifying.pass().delivered, 1);
    assert_eq!((notifying.reload(&over).status, notifying.smtp.taken().len()), (Delivered, 1));
}

#[test]
fn notification_older_than_a_week_pages_nobody() {
    let notifying = Notifying::new();
    let rows = [Email, Sms, Webhook, Dashboard].map(|channel| notifying.queue(channel, Triggered));
    notifying.scene.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    assert_eq!(notifying.pass().failed, 4);
    for row in &rows {
        assert_eq!(notifying.fate(row), (Failed, "it could not be sent within 7 days".to_owned()));
    }
    assert_eq!(notifying.sent(), 0);
}

#[test]
fn mail_is_tried_by_its_schedule_until_its_attempts_are_used_up() {
    let notifying = Notifying::new();
    let row = notifying.queue(Email, Triggered);
    let later = SmtpFault::Answer(SmtpStep::Recipient, "451 4.7.1 greylisted".to_owned());
    notifying.smtp.fail_with(std::iter::repeat_n(later, 7));
    for (attempt, minutes) in [(1, 1), (2, 5), (3, 15), (4, 60), (5, 120), (6, 240)] {
        assert_eq!(notifying.pass().put_back, 1, "attempt {attempt}");
        let after = notifying.reload(&row);
        assert_eq!((after.status, after.attempts), (Retrying, attempt));
        let wait = after.next_attempt_at - notifying.scene.clock.now();
        let least = TimeDelta::minutes(minutes);
        assert!(wait >= least && wait <= least + least / 8, "attempt {attempt}: {wait}");
        assert_eq!(notifying.pass(), NotifierPass::default(), "not before its time");
        notifying.scene.clock.advance(wait);
    }
    assert_eq!(notifying.pass().failed, 1);
    assert!(notifying.fate(&row).1.ends_with("451 4.7.1"));
    assert_eq!((notifying.said(AlertEventType::NotificationFailed), notifying.sent()), (1, 0));
}

#[test]
fn refusal_for_good_ends_a_mail_at_once() {
    let notifying = Notifying::new();
    notifying.smtp.fail_with([SmtpFault::Answer(SmtpStep::Recipient, "550 5.1.1 no such user".to_owned())]);
    let row = notifying.queue(Email, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    assert_eq!(notifying.fate(&row), (Failed, "the mail server refuses it: 550 5.1.1 no such user".to_owned()));
}

#[test]
fn channel_that_is_not_set_up_says_what_is_missing() {
    let notifying = Notifying::new();
    let rows = [Email, Sms, Webhook, Dashboard].map(|channel| notifying.queue(channel, Triggered));
    notifying.scene.tick();
    let pass = notifying.over(Senders::default()).pass().unwrap();
    assert_eq!(pass, NotifierPass { delivered: 1, failed: 3, put_back: 0 });
    let [mail, text, webhook, _] = rows.map(|row| notifying.fate(&row).1);
    assert_eq!(mail, "no mail server is set up: whoever runs NeverMissCall has to name one (smtp_url, smtp_from)");
    assert_eq!(text, "no sender of texts is set up");
    assert_eq!(
        webhook,
        "webhooks are not set up: whoever runs NeverMissCall has to name the keys of which their secrets are made (token_keys)"
    );
}

#[test]
fn webhook_keeps_its_id_and_waits_as_the_receiver_asks() {
    let notifying = Notifying::new();
    let row = notifying.queue(Webhook, Triggered);
    let answer = Some(WebhookAnswer { status: 429, body: "slow down".to_owned() });
    let reason = "the receiver asks to slow down (429)".to_owned();
    let slow = WebhookError::NotNow { retry_after: Some(Duration::from_secs(90)), answer, reason };
    notifying.webhooks.answers.lock().unwrap().extend([Err(slow), Ok(204)]);
    assert_eq!(notifying.pass().put_back, 1);
    let after = notifying.reload(&row);
    assert!(after.next_attempt_at >= notifying.scene.clock.now() + TimeDelta::seconds(90), "longer than its schedule's five");
    assert_eq!((after.webhook_response_code, after.webhook_response_body.as_deref()), (Some(429), Some("slow down")));
    notifying.scene.clock.advance(TimeDelta::seconds(120));
    assert_eq!(notifying.pass().delivered, 1);
    let taken = notifying.webhooks.taken.lock().unwrap();
    assert_eq!((taken.len(), taken[0].0.as_str()), (1, row.id.to_string().as_str()));
}

#[test]
fn receiver_that_is_gone_is_not_used_again() {
    let notifying = Notifying::new();
    let contact = |value: &str| NewEscalationContact {
        rule_id: None,
        escalation_level: 1,
        contact_type: ContactType::Webhook,
        contact_value: Address::new(value),
        is_active: true,
    };
    notifying.scene.tx(|tx| tx.escalation_contacts().create(&contact(HOOK))).unwrap();
    notifying.scene.tx(|tx| tx.escalation_contacts().create(&contact("https://other.example.com"))).unwrap();
    let gone = WebhookError::Gone { answer: WebhookAnswer { status: 410, body: String::new() } };
    notifying.webhooks.answers.lock().unwrap().push_back(Err(gone));
    let row = notifying.queue(Webhook, Triggered);
    assert_eq!(notifying.pass().failed, 1);
    assert!(notifying.fate(&row).1.contains("410") && notifying.reload(&row).webhook_response_code == Some(410));
    let active = EscalationContactFilter { is_active: Some(true), ..EscalationContactFilter::default() };
    let left = notifying.scene.tx(|tx| tx.escalation_contacts().list(&active, PageRequest::first())).unwrap().items;
    assert_eq!(left.iter().map(|contact| contact.contact_value.as_str()).collect::<Vec<_>>(), ["https://other.example.com"]);
}

#[test]
fn owners_are_told_once_that_a_webhook_is_out_of_use() {
    let notifying = Notifying::new();
    let contact = NewEscalationContact {
        rule_id: None,
        escalation_level: 1,
        contact_type: ContactType::Webhook,
        contact_value: Address::new(HOOK),
        is_active: true,
    };
    let contact = notifying.scene.tx(|tx| tx.escalation_contacts().create(&contact)).unwrap();
    notifying.scene.db.execute("UPDATE users SET role = 'owner', password_hash = '$2b$'");
    let gone = || Err(WebhookError::Gone { answer: WebhookAnswer { status: 410, body: String::new() } });
    notifying.webhooks.answers.lock().unwrap().extend([gone(), gone()]);
    notifying.queue(Webhook, Triggered);
    notifying.queue(Webhook, Escalated);
    // Somebody takes the alert meanwhile, which is no reason to leave the owner in the dark.
    notifying.pass();
    notifying.acknowledge();
    notifying.pass();
    let mails: Vec<_> = notifying.smtp.taken().into_iter().filter(|mail| mail.text.contains("is out of use")).collect();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].header("Subject").as_deref(), Some("A webhook is out of use: Joe's Plumbing"));
    let text = mails[0].text.replace("=\n", "");
    let why = "The webhook to hooks. example. com is out of use: its receiver says that it is gone (410).";
    assert!(text.contains(why) && !text.contains("com/x"), "{text}");
    let row = notifying.scene.tx(|tx| tx.escalation_contacts().get(contact.id)).unwrap();
    assert!(!row.is_active && row.retired_at.is_some());
    let on = nmc_core::alerts::EscalationContactPatch { is_active: Some(true), ..Default::default() };
    assert_eq!(notifying.scene.tx(|tx| tx.escalation_contacts().update(contact.id, &on)).unwrap().retired_at, None);
}

#[test]
fn webhook_at_which_nothing_arrives_for_days_is_put_out_of_use() {
    let notifying = Notifying::new();
    let contact = |url: &str| NewEscalationContact {
        rule_id: None,
        escalation_level: 1,
        contact_type: ContactType::Webhook,
        contact_value: Address::new(url),
        is_active: true,
    };
    notifying.scene.tx(|tx| tx.escalation_contacts().create(&contact(HOOK))).unwrap();
    let in_use = || {
        let active = EscalationContactFilter { is_active: Some(true), ..EscalationContactFilter::default() };
        notifying.scene.tx(|tx| tx.escalation_contacts().count(&active)).unwrap()
    };
    let fails = || {
        let row = notifying.queue(Webhook, Triggered);
        while notifying.reload(&row).status != Failed {
            let down = WebhookError::NotNow { retry_after: None, answer: None, reason: "it is down".to_owned() };
            notifying.webhooks.answers.lock().unwrap().push_back(Err(down));
            notifying.pass();
            let wait = notifying.reload(&row).next_attempt_at - notifying.scene.clock.now();
            notifying.scene.clock.advance(wait.max(TimeDelta::seconds(1)));
        }
    };
    fails();
    assert_eq!(in_use(), 1, "three days are not enough");
    notifying.queue(Webhook, Triggered);
    assert_eq!(notifying.pass().delivered, 1);
    fails();
    assert_eq!(in_use(), 1, "it has worked in between");
    fails();
    assert_eq!(in_use(), 0);
    assert!(notifying.said(AlertEventType::NotificationFailed) > 3, "and the history says so");
}
