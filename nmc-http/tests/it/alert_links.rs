//! The pages behind the links of mails and texts about alerts.

use crate::api::Person;
use crate::site::{Answer, Site};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::UserRole;
use nmc_core::alerts::{Address, NewAlertRule, NewNotification};
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender};
use nmc_core::testing::unique_phone;
use nmc_core::twilio::TwilioSms;
use nmc_core::workflows::{Notifier, NotifierConfig, Senders};
use nmc_core::{AlertId, AlertOperator, AlertSeverity, Clock, NotificationChannel, SystemClock};
use nmc_http::Limit;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// Words of mails that went out.
#[derive(Default)]
struct Letters(Mutex<Vec<String>>);

impl MailSender for Letters {
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError> {
        self.0.lock().unwrap().push(mail.text.to_owned());
        Ok(MailReceipt { said: String::new() })
    }
}

/// A clock that is some days ahead.
#[derive(Debug, Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::days(self.0.load(Ordering::SeqCst))
    }
}

/// An alert of Joe's about which somebody gets a mail, and the paths of its links: to acknowledge, to snooze, to resolve.
fn mailed(site: &Site, to: &Person) -> (AlertId, [String; 3]) {
    // Only an address that was proved to be its user's gets links.
    site.db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
    let rule = NewAlertRule::new("Too <many> jobs", "jobs", AlertOperator::GreaterThan, 7.into(), AlertSeverity::Low);
    let made = site.db.store.tenant(&site.joe.tenant, |tx| {
        let rule = tx.alert_rules().create(&rule)?.id;
        let alert = tx.alerts().raise(rule, 8.into(), None)?.alert.id;
        tx.notifications().create(&NewNotification {
            alert_id: alert,
            channel: NotificationChannel::Email,
            recipient: Address::new(to.email.as_str()),
            template_used: Some("triggered".to_owned()),
            message_content: None,
            max_attempts: 3,
        })?;
        Ok(alert)
    });
    let letters = Arc::new(Letters::default());
    let links = Some((nmc_http::mail_links(&site.public_url), site.authenticator.keys().clone()));
    let senders = Senders { mail: Some(letters.clone()), links, ..Senders::default() };
    Notifier::new(site.db.store.clone(), senders, NotifierConfig::default()).pass().unwrap();
    let letters = letters.0.lock().unwrap();
    let letter = letters.iter().find(|text| text.contains("/v1/alert-links/")).expect("a mail with links");
    let links = letter.split(&site.public_url).skip(1).map(|rest| rest.split_whitespace().next().unwrap().to_owned());
    (made.unwrap(), links.collect::<Vec<_>>().try_into().unwrap())
}

/// An alert of Joe's that a text tells somebody of, and the path of its link.
fn texted(site: &Site, to: &Person) -> (AlertId, String) {
    let phone = unique_phone();
    site.db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
    site.db.execute(&format!("UPDATE user_profiles SET phone_number = '{phone}' WHERE user_id = '{}'", to.id));
    let rule = NewAlertRule {
        notification_channels: vec![NotificationChannel::Sms],
        ..NewAlertRule::new("Too <many> jobs", "jobs", AlertOperator::GreaterThan, 7.into(), AlertSeverity::Low)
    };
    let raised = site.db.store.tenant(&site.joe.tenant, |tx| {
        let rule = tx.alert_rules().create(&rule)?.id;
        tx.alerts().raise(rule, 8.into(), None)
    });
    let links = Some((nmc_http::mail_links(&site.public_url), site.authenticator.keys().clone()));
    let texts = Arc::new(TwilioSms::new(&site.twilio.account()));
    let senders = Senders { texts: Some(texts), links, ..Senders::default() };
    assert_eq!(Notifier::new(site.db.store.clone(), senders, NotifierConfig::default()).pass().unwrap().delivered, 1);
    let text = site.twilio.texts().pop().unwrap();
    assert_eq!(text.to, phone.as_str());
    let (_, link) = text.body.split_once(&site.public_url).unwrap();
    (raised.unwrap().alert.id, link.split(' ').next().unwrap().to_owned())
}

/// The page after one of its buttons was pressed.
#[track_caller]
fn press(site: &Site, link: &str, action: &str, status: u16) -> Answer {
    let form = format!("do={action}");
    let page = site.call("POST", link).header("Origin", "null").bytes("application/x-www-form-urlencoded", form).sent();
    assert_eq!(page.status, status, "{action}: {}", page.body);
    page
}

/// Who did this to an alert, as its history has it.
fn who(site: &Site, by: &Person, alert: AlertId, event: &str) -> Value {
    let history = site.call("GET", format!("/v1/alerts/{alert}/history")).by(&by.access).expect(200);
    let event = history.document()["items"].as_array().unwrap().iter().find(|entry| entry["event_type"] == event).cloned();
    event.unwrap()["user_id"].clone()
}

/// The page that a link shows, or its button. Refusals are pages, too, and no problem documents: people read them.
#[track_caller]
fn ask(site: &Site, method: &'static str, link: &str, status: u16) -> Answer {
    // A form of a page without referrers comes from nowhere.
    let page = site.call(method, link).header("Origin", "null").sent();
    assert_eq!(page.status, status, "{method}: {}", page.body);
    page
}

fn status(site: &Site, by: &Person, alert: AlertId) -> Value {
    site.call("GET", format!("/v1/alerts/{alert}")).by(&by.access).expect(200).document()["status"].clone()
}

/// That it is a page that loads nothing, is kept nowhere and tells nobody where it was read.
fn is_a_page(answer: &Answer, title: &str) {
    assert!(answer.body.contains(&format!("<h1>{title}</h1>")), "{}", answer.body);
    let (_, rest) = answer.body.split_once("<style>").unwrap();
    let style = STANDARD.encode(Sha256::digest(rest.split_once("</style>").unwrap().0));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    for (name, value) in [
        ("Content-Security-Policy", policy.as_str()),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("X-Frame-Options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(!answer.body.contains("src=") && !answer.body.contains("href=") && !answer.body.contains("<script"));
}

#[test]
fn link_shows_a_page_whose_button_does_it_once() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let (alert, [acknowledge, snooze, resolve]) = mailed(&site, &admin);
    for _ in 0..2 {
        let page = ask(&site, "GET", &acknowledge, 200);
        is_a_page(&page, "Acknowledge?");
        let button = "<form method=\"post\"><button name=\"do\" value=\"acknowledge\">Acknowledge</button></form>";
        assert!(page.body.contains(button), "{}", page.body);
        assert!(page.body.contains("Too &lt;many&gt; jobs"), "{}", page.body);
        assert_eq!(ask(&site, "HEAD", &acknowledge, 200).body, "");
    }
    assert_eq!(status(&site, &admin, alert), "triggered", "looking does nothing");
    is_a_page(&ask(&site, "GET", &snooze, 200), "Snooze for an hour?");
    is_a_page(&ask(&site, "GET", &resolve, 200), "Resolve?");
    let done = ask(&site, "POST", &acknowledge, 200);
    is_a_page(&done, "The alert is acknowledged");
    assert_eq!(status(&site, &admin, alert), "acknowledged");
    for method in ["GET", "POST"] {
        let page = ask(&site, method, &resolve, 410);
        is_a_page(&page, "This message has been answered");
        assert!(page.body.contains("<p>You acknowledged the alert on "), "{}", page.body);
    }
    assert_eq!(who(&site, &admin, alert, "acknowledged"), json!(admin.id));
    let told = site.call("GET", format!("/v1/alerts/{alert}/notifications")).by(&admin.access).expect(200);
    assert!(told.document()["items"][0]["answered_at"].is_string());
}

#[test]
fn link_that_does_nothing_says_so_plainly() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let (alert, [acknowledge, _, resolve]) = mailed(&site, &admin);
    let missing = ask(&site, "POST", "/v1/alert-links/rubbish", 404);
    is_a_page(&missing, "This link leads nowhere");
    let mut forged = acknowledge.clone();
    forged.replace_range(30..31, if &forged[30..31] == "A" { "B" } else { "A" });
    assert_eq!(ask(&site, "POST", &forged, 404).body, missing.body, "of forged ones nothing is told");
    site.call("POST", format!("/v1/alerts/{alert}/acknowledge")).by(&admin.access).json(&json!({})).expect(200);
    is_a_page(&ask(&site, "GET", &acknowledge, 409), "The alert is acknowledged already");
    site.call("POST", format!("/v1/alerts/{alert}/resolve")).by(&admin.access).json(&json!({})).expect(200);
    is_a_page(&ask(&site, "POST", &resolve, 409), "The alert is over");
    site.db.execute(&format!("UPDATE users SET role = 'viewer' WHERE id = '{}'", admin.id));
    is_a_page(&ask(&site, "POST", &resolve, 403), "You may not see to this alert");
    for broken in ["/v1/alert-links/", "/v1/alert-links/one/two"] {
        for method in ["GET", "HEAD", "POST"] {
            let page = ask(&site, method, broken, 404);
            assert_eq!(page.body, if method == "HEAD" { "" } else { &missing.body }, "{method}");
        }
        assert_eq!(site.call("DELETE", broken).expect(405).header("Allow"), Some("GET, HEAD, POST"));
    }
    assert_eq!(site.call("DELETE", &resolve).expect(405).header("Allow"), Some("GET, HEAD, POST"));
}

#[test]
fn link_of_a_text_acts_once_in_the_name_of_its_reader() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let (alert, link) = texted(&site, &admin);
    assert!(link.starts_with("/a/") && link.len() == 25, "a short one");
    for _ in 0..2 {
        let page = ask(&site, "GET", &link, 200);
        is_a_page(&page, "See to this alert?");
        assert_eq!(page.body.matches("<button").count(), 3, "{}", page.body);
        assert!(page.body.contains("Too &lt;many&gt; jobs"), "{}", page.body);
        is_a_page(&ask(&site, "POST", &link, 200), "See to this alert?");
        is_a_page(&press(&site, &link, "rubbish", 200), "See to this alert?");
    }
    assert_eq!(status(&site, &admin, alert), "triggered", "nothing was chosen");
    is_a_page(&press(&site, &link, "acknowledge", 200), "The alert is acknowledged");
    assert_eq!(
        (status(&site, &admin, alert), who(&site, &admin, alert, "acknowledged")),
        (json!("acknowledged"), json!(admin.id))
    );
    is_a_page(&press(&site, &link, "resolve", 410), "This message has been answered");
    is_a_page(&ask(&site, "GET", &link, 410), "This message has been answered");
    for broken in ["/a/", "/a/one/two", &link[..24]] {
        is_a_page(&ask(&site, "GET", broken, 404), "This link leads nowhere");
    }
    // What holds a token ends the whole run: the checker of the log knows them.
    assert!(crate::log::lines_with("/a/{token}").iter().any(|line| line.contains("POST")));
}

#[test]
fn link_of_an_alert_that_sleeps_offers_to_wake_it() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let (alert, link) = texted(&site, &admin);
    let until = SystemClock.now() + TimeDelta::hours(5);
    site.call("POST", format!("/v1/alerts/{alert}/snooze")).by(&admin.access).json(&json!({"until": until})).expect(200);
    let page = ask(&site, "GET", &link, 200);
    assert!(page.body.contains("<button name=\"do\" value=\"wake\">Wake</button>"), "{}", page.body);
    is_a_page(&press(&site, &link, "wake", 200), "The alert is open again");
    assert_eq!((status(&site, &admin, alert), who(&site, &admin, alert, "unsnoozed")), (json!("triggered"), json!(admin.id)));
}

#[test]
fn link_that_is_too_old_says_so_on_a_page() {
    let ahead = Arc::new(Ahead::default());
    let site = Site::with(|store, _| store.clock = ahead.clone());
    let admin = site.person(&site.joe, UserRole::Admin);
    let (_, [acknowledge, ..]) = mailed(&site, &admin);
    ask(&site, "GET", &acknowledge, 200);
    ahead.0.store(8, Ordering::SeqCst);
    is_a_page(&ask(&site, "GET", &acknowledge, 410), "This link is too old");
}

#[test]
fn link_opened_too_often_says_when_on_a_page() {
    let site = Site::with(|_, config| config.limits.token_per_address = Limit { burst: 1, per_minute: 1 });
    ask(&site, "GET", "/v1/alert-links/rubbish", 404);
    for method in ["GET", "POST"] {
        let refused = ask(&site, method, "/v1/alert-links/rubbish", 429);
        is_a_page(&refused, "Too many tries");
        let wait = refused.header("Retry-After").unwrap().to_owned();
        assert!(refused.body.contains(&format!("in {wait} seconds")), "{}", refused.body);
    }
}

#[test]
fn path_of_a_link_is_logged_as_its_pattern() {
    let site = Site::new();
    let admin = site.person(&site.joe, UserRole::Admin);
    let (_, [acknowledge, ..]) = mailed(&site, &admin);
    ask(&site, "GET", &acknowledge, 200);
    ask(&site, "POST", &acknowledge, 200);
    // What holds a token ends the whole run: the checker of the log knows them.
    let lines = crate::log::lines_with("/v1/alert-links/{token}");
    assert!(lines.iter().any(|line| line.contains("POST")), "{lines:?}");
}
