//! Mails and a webhook to servers of other makes, which scripts/test-mail.sh starts, and which look at what they got.

use nmc_core::access::{Authenticator, Hasher, LoginPolicy, Origin, TokenKeys};
use nmc_core::alerts::{Address, NewAlertRule, NewNotification};
use nmc_core::analytics::NewReportSchedule;
use nmc_core::delivery::{
    Mail, MailError, MailLinks, MailReceipt, MailSender as _, OutboundWebhook, SecretVersions, WebhookSecrets, WebhookSender as _,
};
use nmc_core::people::{InvitationMail, NewPerson, invite, mail_invitation, mail_verification};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::testing::{Business, TestDb};
use nmc_core::uuid::Uuid;
use nmc_core::webhook::{WebhookClient, WebhookPolicy};
use nmc_core::workflows::{
    AccountMailer, AccountMailerConfig, Followed, JobWorker, JobWorkerConfig, Notifier, NotifierConfig, ReportMailer,
    ReportMailerConfig, Senders, roll_up_all,
};
use nmc_core::{
    AlertOperator, AlertSeverity, Clock as _, Email, NotificationChannel, ReportInterval, Secret, SystemClock, TenantId, UserRole,
};
use std::sync::Arc;
use std::time::Duration;

fn setting(name: &str) -> String {
    std::env::var(name).expect("scripts/test-mail.sh runs this")
}

fn send(url: &str, to: &str) -> Result<MailReceipt, MailError> {
    send_within(Duration::from_secs(20), url, to)
}

/// Sends by a server that may take this long.
fn send_within(patience: Duration, url: &str, to: &str) -> Result<MailReceipt, MailError> {
    let config = SmtpConfig::parse(&Secret::new(url), "NeverMissCall <alerts@nmc.example.com>").unwrap();
    let to: Email = to.parse().unwrap();
    SmtpMailer::new(config.with_patience(patience)).unwrap().send(&Mail {
        id: Uuid::from_u128(7),
        thread: Some(Uuid::from_u128(9)),
        to: &to,
        subject: "Alert (high): Zu viele Anrufe in München",
        text: "Grüße, 12.5 > 10\n.\nend\n",
        html: "<p>Grüße, 12.5 &gt; 10</p>\n",
        attachment: None,
    })
}

#[test]
fn mails_arrive_over_tls_alone() {
    let (starttls, wrapped) = (setting("NMC_TEST_SMTP_PORT"), setting("NMC_TEST_SMTPS_PORT"));
    let login = "joe:s%2Fe%20cret%40@";
    let servers = [format!("smtp://{login}localhost:{starttls}?tls=required"), format!("smtps://{login}localhost:{wrapped}")];
    for url in &servers {
        send(url, "joe@example.com").unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(send(url, "never@example.com"), Err(MailError::Refused { code: Some(550), .. })));
        assert!(matches!(send(url, "later@example.com"), Err(MailError::NotNow { .. })));
        // The server has the mail, and its answer gets lost: whoever sends can't know.
        for (to, patience) in [("dropped@example.com", 20), ("stalled@example.com", 3)] {
            let lost = send_within(Duration::from_secs(patience), url, to);
            assert!(matches!(lost, Err(MailError::InDoubt { .. })), "{to}: {lost:?}");
        }
        // The certificate is for another name.
        let elsewhere = send(&url.replace("localhost", "127.0.0.1"), "joe@example.com");
        assert!(matches!(elsewhere, Err(MailError::NotNow { .. })), "{elsewhere:?}");
        let stranger = send(&url.replace("cret", "crets"), "joe@example.com");
        assert!(matches!(&stranger, Err(MailError::NotNow { reason }) if reason.contains("let us in: 535")), "{stranger:?}");
    }
    // The server takes nothing before TLS.
    let open = send(&format!("smtp://localhost:{starttls}?tls=none"), "joe@example.com");
    assert!(open.is_err(), "{open:?}");
}

#[test]
fn webhook_arrives_over_https_and_is_signed() {
    let port: u16 = setting("NMC_TEST_HOOKS_PORT").parse().unwrap();
    let now = SystemClock.now();
    let url = format!("https://localhost:{port}/hook");
    let secrets = WebhookSecrets::derive(
        &TokenKeys::ephemeral(now).unwrap(),
        TenantId::new(Uuid::from_u128(1)),
        &url,
        SecretVersions::FIRST,
    );
    std::fs::write(setting("NMC_TEST_SECRET_FILE"), secrets.newest().unwrap().expose()).unwrap();
    let allow = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec();
    let client = WebhookClient::new(WebhookPolicy { allow, ports: vec![port] });
    let body = r#"{"type":"alert.triggered","data":{"rule_name":"Zu viele Anrufe"}}"#;
    let send = |url: &str| client.send(&OutboundWebhook { id: Uuid::from_u128(7), at: now, url, body, secrets: &secrets });
    assert_eq!(send(&url).unwrap().status, 204);
    assert!(send(&url.replace("localhost", "127.0.0.1")).is_err(), "the certificate is for another name");
}

/// The text that follows this in the mail with this subject, as the server read it.
fn linked(subject: &str, to: &str) -> Secret {
    let mail = std::fs::read_to_string(std::path::Path::new(&setting("NMC_TEST_MAILBOX")).join(subject)).expect(subject);
    Secret::new(mail.split(to).nth(1).expect("a link").split_whitespace().next().expect("a token"))
}

#[test]
fn links_of_mails_work_as_a_real_server_gets_them() {
    const PASSWORD: &str = "correct horse battery";
    let page = |page: &str| format!("https://nmc.example.com/app#/{page}?token=");
    let links = MailLinks {
        invitation: page("invite"),
        password_reset: page("reset"),
        verification: page("verify"),
        alert: "https://nmc.example.com/v1/alert-links/".to_owned(),
        alert_in_text: "https://nmc.example.com/a/".to_owned(),
        alerts: "https://nmc.example.com/app#/alerts".to_owned(),
    };
    let url = format!("smtps://joe:s%2Fe%20cret%40@localhost:{}", setting("NMC_TEST_SMTPS_PORT"));
    let config = SmtpConfig::parse(&Secret::new(url), "NeverMissCall <alerts@nmc.example.com>").unwrap();
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, "Joe's Plumbing");
    let keys = TokenKeys::ephemeral(db.store.now()).unwrap();
    let mail = Arc::new(SmtpMailer::new(config).unwrap());
    let senders = Senders { mail: Some(mail), links: Some((links.clone(), keys.clone())), ..Senders::default() };
    let mailer = AccountMailer::new(db.store.clone(), senders.clone(), AccountMailerConfig::default());
    let authenticator = Authenticator::new(db.store.clone(), Hasher::new(4, 2, 8).unwrap(), keys, LoginPolicy::default());
    let ann = NewPerson {
        email: "ann@example.com".parse().unwrap(),
        first_name: "Ånn".to_owned(),
        last_name: "Other".to_owned(),
        phone_number: None,
        timezone: None,
        role: UserRole::Admin,
    };

    let work = |tx: &mut nmc_core::TenantTx<'_>| {
        let (user, _) = invite(tx, &ann)?;
        mail_invitation(tx, &user)
    };
    assert_eq!(db.store.as_operator(&joe.tenant, work).unwrap(), InvitationMail::Queued);
    assert_eq!(mailer.pass().unwrap().sent, 1);
    let token = linked("You are invited to Joe's Plumbing", &links.invitation);
    let id = authenticator.accept_invitation(&token, &Secret::new(PASSWORD)).unwrap().id;

    authenticator.ask_for_reset(&ann.email).unwrap();
    assert_eq!(mailer.pass().unwrap().sent, 1);
    let token = linked("Reset your password for Joe's Plumbing", &links.password_reset);
    authenticator.reset_password(&token, &Secret::new("another horse battery")).unwrap();
    authenticator.login(&ann.email, &Secret::new("another horse battery"), &Origin::default()).unwrap();

    db.execute("UPDATE users SET email_verified = false");
    db.store.tenant_on_behalf_of(&joe.tenant, id, mail_verification).unwrap();
    assert_eq!(mailer.pass().unwrap().sent, 1);
    let token = linked("Verify your e-mail address for Joe's Plumbing", &links.verification);
    assert!(authenticator.verify_email(&token).unwrap().email_verified);

    let rule = NewAlertRule::new("Too many jobs", "jobs", AlertOperator::GreaterThan, 7.into(), AlertSeverity::Low);
    let raise = |tx: &mut nmc_core::TenantTx<'_>| {
        let rule = tx.alert_rules().create(&rule)?.id;
        let alert_id = tx.alerts().raise(rule, 8.into(), None)?.alert.id;
        tx.notifications().create(&NewNotification {
            alert_id,
            channel: NotificationChannel::Email,
            recipient: Address::new("ann@example.com"),
            template_used: Some("triggered".to_owned()),
            message_content: None,
            max_attempts: 3,
        })
    };
    db.store.tenant(&joe.tenant, raise).unwrap();
    assert_eq!(Notifier::new(db.store.clone(), senders, NotifierConfig::default()).pass().unwrap().delivered, 1);
    let token = linked("Alert (low): Too many jobs", &links.alert);
    assert!(matches!(authenticator.follow_alert_link(&token, None).unwrap(), Followed::Done(_)));
}

#[test]
fn report_is_mailed_with_its_pdf_to_a_real_server() {
    let url = format!("smtps://joe:s%2Fe%20cret%40@localhost:{}", setting("NMC_TEST_SMTPS_PORT"));
    let config = SmtpConfig::parse(&Secret::new(url), "NeverMissCall <reports@nmc.example.com>").unwrap();
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, "Müller & Söhne");
    let bea = joe.user(&db.store);
    db.execute(&format!("UPDATE users SET role = 'owner', email = 'bea@example.com' WHERE id = '{bea}'"));
    roll_up_all(&db.store).unwrap();
    let daily = |tx: &mut nmc_core::TenantTx<'_>| {
        tx.report_schedules().upsert_by_kind(ReportInterval::Daily, &NewReportSchedule::default())
    };
    db.store.tenant(&joe.tenant, daily).unwrap();
    db.execute("UPDATE report_schedules SET next_due_at = now() - interval '1 minute'");
    assert_eq!(JobWorker::new(db.store.clone(), JobWorkerConfig::default()).pass().unwrap().worked, 1);
    let mailer = ReportMailer::new(
        db.store.clone(),
        Some(Arc::new(SmtpMailer::new(config).unwrap())),
        None,
        ReportMailerConfig::default(),
    );
    assert_eq!(mailer.pass().unwrap().sent, 1);
}
