//! Mails and a webhook to servers of other makes, which scripts/test-mail.sh starts, and which look at what they got.

use nmc_core::access::TokenKeys;
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender as _, OutboundWebhook, WebhookSecrets, WebhookSender as _};
use nmc_core::smtp::{SmtpConfig, SmtpMailer};
use nmc_core::uuid::Uuid;
use nmc_core::webhook::{WebhookClient, WebhookPolicy};
use nmc_core::{Clock as _, Email, Secret, SystemClock, TenantId};

fn setting(name: &str) -> String {
    std::env::var(name).expect("scripts/test-mail.sh runs this")
}

fn send(url: &str, to: &str) -> Result<MailReceipt, MailError> {
    let config = SmtpConfig::parse(&Secret::new(url), "NeverMissCall <alerts@nmc.example.com>").unwrap();
    let to: Email = to.parse().unwrap();
    SmtpMailer::new(config).unwrap().send(&Mail {
        id: Uuid::from_u128(7),
        thread: Some(Uuid::from_u128(9)),
        to: &to,
        subject: "Alert (high): Zu viele Anrufe in München",
        text: "Grüße, 12.5 > 10\n.\nend\n",
        html: "<p>Grüße, 12.5 &gt; 10</p>\n",
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
    let secrets = WebhookSecrets::derive(&TokenKeys::ephemeral(now).unwrap(), TenantId::new(Uuid::from_u128(1)), &url);
    std::fs::write(setting("NMC_TEST_SECRET_FILE"), secrets.newest().unwrap().expose()).unwrap();
    let allow = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec();
    let client = WebhookClient::new(WebhookPolicy { allow, ports: vec![port] });
    let body = r#"{"type":"alert.triggered","data":{"rule_name":"Zu viele Anrufe"}}"#;
    let send = |url: &str| client.send(&OutboundWebhook { id: Uuid::from_u128(7), at: now, url, body, secrets: &secrets });
    assert_eq!(send(&url).unwrap().status, 204);
    assert!(send(&url.replace("localhost", "127.0.0.1")).is_err(), "the certificate is for another name");
}
