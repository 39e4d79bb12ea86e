use super::*;
use crate::tenants::TextSize;
use crate::{AlertId, AlertRuleId, AlertSeverity, AlertStatus, TenantId};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn alert() -> Alert {
    Alert {
        id: AlertId::new(Uuid::from_u128(1)),
        tenant_id: TenantId::new(Uuid::from_u128(2)),
        rule_id: AlertRuleId::new(Uuid::from_u128(3)),
        rule_name: "Too many missed calls".to_owned(),
        metric: "missed_calls".to_owned(),
        metric_value: "12.50".parse().unwrap(),
        threshold: "10.0000".parse().unwrap(),
        operator: AlertOperator::GreaterThan,
        severity: AlertSeverity::High,
        status: AlertStatus::Triggered,
        message: "Too many missed calls: missed_calls is 12.5, above 10".to_owned(),
        notification_sent: false,
        acknowledged_at: None,
        acknowledged_by: None,
        acknowledgment_note: None,
        escalated_at: Some(instant("2026-11-16T12:30:00Z")),
        escalation_level: 2,
        resolved_at: Some(instant("2026-11-16T13:00:00Z")),
        resolved_by: None,
        resolution_note: None,
        auto_resolved: false,
        snoozed_at: None,
        snoozed_by: None,
        snoozed_until: None,
        snooze_note: None,
        created_at: instant("2026-11-16T12:00:00Z"),
        updated_at: instant("2026-11-16T12:00:00Z"),
        is_test: false,
    }
}

fn wording(alert: &Alert, template: AlertTemplate) -> Wording<'_> {
    let zone = "America/New_York".parse().unwrap();
    Wording { template, alert, business: "Joe's Plumbing", zone, message: None, links: None }
}

/// So many alerts, the first with the id of [`alert`].
fn many(many: u128) -> Vec<Alert> {
    (1..=many).map(|id| Alert { id: AlertId::new(Uuid::from_u128(id)), ..alert() }).collect()
}

#[test]
fn subjects_say_what_has_happened_to_which_rule() {
    let alert = alert();
    assert_eq!(
        AlertTemplate::ALL.map(|template| wording(&alert, template).subject()),
        [
            "Alert (high): Too many missed calls",
            "Alert (high), level 2: Too many missed calls",
            "Resolved: Too many missed calls",
            "Test of an alert: Too many missed calls",
            "A webhook is out of use: Joe's Plumbing",
        ]
    );
}

#[test]
fn plain_text_has_figures_and_the_clock_of_the_business() {
    let alert = alert();
    let expected = "\
Too many missed calls: missed_calls is 12.5, above 10

Business: Joe's Plumbing
Rule: Too many missed calls
Value: missed_calls: 12.5
Limit: above 10
Severity: high
Since: Monday 16 November 2026, 07:00
Time zone: America/New_York

You get this as one who looks after Joe's Plumbing, or whom it has named a contact for its alerts.
";
    assert_eq!(wording(&alert, AlertTemplate::Triggered).text(), expected);
    let text = |template| wording(&alert, template).text();
    assert!(text(AlertTemplate::Escalated).starts_with("Nobody has reacted to this alert yet. Too many"));
    assert!(text(AlertTemplate::Escalated).contains("\nPassed on: Monday 16 November 2026, 07:30\n"));
    assert!(text(AlertTemplate::Resolved).starts_with("This alert is over."));
    assert!(text(AlertTemplate::Resolved).contains("\nOver since: Monday 16 November 2026, 08:00\n"));
    assert!(text(AlertTemplate::Resolved).contains("\nValue when it began: missed_calls: 12.5\n"), "not what it is now");
    let test = text(AlertTemplate::Test);
    assert!(test.starts_with("This is a test: nothing has happened") && !test.contains("Value"), "{test}");
}

#[test]
fn metric_of_ours_is_told_in_plain_words() {
    let alert = Alert { metric: "nmc.longest_wait_minutes".to_owned(), ..alert() };
    let wording = wording(&alert, AlertTemplate::Triggered);
    let told = "minutes that the longest waiting customer has waited for an answer: 12.5";
    assert!(wording.text().contains(&format!("\nValue: {told}\n")), "{}", wording.text());
    assert!(wording.html().contains(told) && !wording.html().contains("nmc."), "{}", wording.html());
    assert!(wording.sms().contains(". longest wait minutes 12.5, limit"), "{}", wording.sms());
}

#[test]
fn html_escapes_what_people_typed() {
    let mut alert = alert();
    alert.rule_name = "<script>alert('x')</script> & \"co\"".to_owned();
    let bad = Wording { message: Some("<img src=x>\nnext"), business: "<b>Joe</b>", ..wording(&alert, AlertTemplate::Triggered) };
    let html = bad.html();
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot;"), "{html}");
    assert!(html.contains("<p>&lt;img src=x&gt;<br>\nnext</p>") && html.contains("&lt;b&gt;Joe&lt;/b&gt;"), "{html}");
    for tag in ["<script", "<img", "<b>"] {
        assert!(!html.contains(tag), "{tag} in {html}");
    }
}

#[test]
fn text_for_a_phone_says_what_when_and_how_to_end_it() {
    let mut alert = alert();
    let sms = |alert: &Alert, template| wording(alert, template).sms();
    assert_eq!(
        sms(&alert, AlertTemplate::Triggered),
        "Joe's Plumbing: ALERT Too many missed calls. missed calls 12.5, limit above 10, 07:00. STOP ends these texts."
    );
    assert!(sms(&alert, AlertTemplate::Resolved).starts_with("Joe's Plumbing: Over Too many missed calls."));
    assert_eq!(
        sms(&alert, AlertTemplate::Test),
        "Joe's Plumbing: This is a test of the alert Too many missed calls, 07:00. STOP ends these texts."
    );
    alert.rule_name = "Žluťoučký kůň “€5” [a|b]~\u{fe68}日本 語".to_owned();
    assert!(sms(&alert, AlertTemplate::Triggered).contains("ALERT Zlutoucky kun \"EUR5\" (a/b)-/? ?. missed"));
}

#[test]
fn text_with_a_link_has_room_for_it_or_is_as_before() {
    let alert = alert();
    let with = |host: &str| {
        wording(&alert, AlertTemplate::Triggered).sms_with(&Secret::new(format!("https://{host}/a/{}", "x".repeat(22))))
    };
    assert_eq!(
        with("nmc.example.com"),
        "Joe's Plumbing: ALERT Too many missed calls. missed calls 12.5, limit above 10, 07:00. \
         See to it: https://nmc.example.com/a/xxxxxxxxxxxxxxxxxxxxxx STOP ends these texts."
    );
    let without = wording(&alert, AlertTemplate::Triggered).sms();
    assert_eq!(with(&"long".repeat(40)), without);
    for host in ["b\u{fc}cher.example.com/\u{65e5}", "nmc.example.com/~joe"] {
        assert_eq!(with(host) == without, host.contains(['\u{65e5}', '~']), "{host}");
    }
}

#[test]
fn document_for_a_machine_has_ids_and_figures_and_no_words() {
    let alert = Alert { message: "call Jane at +14155550123".to_owned(), ..alert() };
    let id = NotificationId::new(Uuid::from_u128(9));
    let body = wording(&alert, AlertTemplate::Escalated).document(id, instant("2026-11-16T12:31:00Z"));
    let expected = json!({
        "type": "alert.escalated",
        "timestamp": "2026-11-16T12:31:00.000Z",
        "data": {
            "notification_id": id, "alert_id": alert.id, "rule_id": alert.rule_id, "rule_name": "Too many missed calls",
            "metric": "missed_calls", "value": "12.5", "operator": "greater_than", "threshold": "10", "severity": "high",
            "status": "triggered", "level": 2, "triggered_at": "2026-11-16T12:00:00.000Z",
            "resolved_at": "2026-11-16T13:00:00.000Z",
        },
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), expected);
}

#[test]
fn digest_names_the_worst_first_and_counts_the_rest() {
    let mut alerts = many(23);
    for (number, alert) in alerts.iter_mut().enumerate() {
        alert.rule_name = format!("Rule {number}");
    }
    alerts[21].severity = AlertSeverity::Critical;
    alerts[22].severity = AlertSeverity::Low;
    let of = |many: usize, template| {
        let items = alerts.iter().rev().take(many).map(|alert| wording(alert, template)).collect();
        DigestWording::of("Joe's Plumbing", items, Some("https://nmc.example.com/app#/alerts"))
    };
    let expected = "\
Much has happened at once: this is news of 3 alerts of Joe's Plumbing.

- Alert (critical): Rule 21
  Too many missed calls: missed_calls is 12.5, above 10. Since: Monday 16 November 2026, 07:00
- Alert (high): Rule 20
  Too many missed calls: missed_calls is 12.5, above 10. Since: Monday 16 November 2026, 07:00
- Alert (low): Rule 22
  Too many missed calls: missed_calls is 12.5, above 10. Since: Monday 16 November 2026, 07:00

See to them: https://nmc.example.com/app#/alerts

Times are those of America/New_York.
You get this as one who looks after Joe's Plumbing, or whom it has named a contact for its alerts.
";
    assert_eq!(of(3, AlertTemplate::Triggered).text(), expected);
    let over = of(23, AlertTemplate::Resolved);
    assert_eq!(of(3, AlertTemplate::Triggered).subject(), "News of 3 alerts, the worst critical: Joe's Plumbing");
    assert_eq!(over.subject(), "News of 23 alerts, all over: Joe's Plumbing");
    assert!(over.html().contains("<a href=\"https://nmc.example.com/app#/alerts\">See to them</a>"), "{}", over.html());
    assert!(over.text().contains("- Resolved: Rule 21\n") && over.text().contains("Over since: Monday 16 November 2026, 08:00"));
    assert!(over.text().contains("\nand 3 more.\n") && over.html().contains("</ul>\n<p>and 3 more.</p>"));
    assert_eq!(
        over.sms(),
        "Joe's Plumbing: news of 23 alerts: Rule 21 (over), Rule 20 (over), Rule 19 (over), Rule 18 (over), Rule 17 (over) and 18 more. \
         STOP ends these texts."
    );
}

#[test]
fn digest_names_what_is_over_after_what_is_not() {
    let over = Alert { rule_name: "Over".to_owned(), severity: AlertSeverity::Critical, ..alert() };
    let id = AlertId::new(Uuid::from_u128(9));
    let open = Alert { id, rule_name: "Open".to_owned(), severity: AlertSeverity::Low, ..alert() };
    let items = vec![wording(&over, AlertTemplate::Resolved), wording(&open, AlertTemplate::Triggered)];
    let digest = DigestWording::of("Joe's Plumbing", items, None);
    assert_eq!(digest.subject(), "News of 2 alerts, the worst low: Joe's Plumbing");
    let text = digest.text();
    assert!(text.find("Alert (low): Open") < text.find("Resolved: Over") && !text.contains("See to them"), "{text}");
}

#[test]
fn digest_names_an_alert_once_with_the_worst_word() {
    let alerts = many(20);
    let twice = |alert| [AlertTemplate::Triggered, AlertTemplate::Escalated].map(|template| wording(alert, template));
    let digest = DigestWording::of("Joe's Plumbing", alerts.iter().flat_map(twice).collect(), None);
    assert_eq!(digest.subject(), "News of 20 alerts, the worst high: Joe's Plumbing");
    let text = digest.text();
    assert_eq!(text.matches("- Alert (high), level 2: Too many missed calls\n").count(), 20, "{text}");
    assert!(!text.contains("Alert (high): ") && !text.contains(" more."), "{text}");
    let alone = DigestWording::of("Joe's Plumbing", twice(&alerts[0]).to_vec(), None);
    assert_eq!(alone.subject(), "News of 1 alert, the worst high: Joe's Plumbing");
    assert!(alone.sms().starts_with("Joe's Plumbing: news of 1 alert: Too many missed calls (passed on). "), "{}", alone.sms());
}

#[test]
fn mail_names_the_zone_once_and_no_id() {
    let alerts = many(3);
    let alert = &alerts[0];
    // One about a webhook tells no time, and is in no digest.
    for template in AlertTemplate::ALL.into_iter().filter(|template| *template != AlertTemplate::WebhookRetired) {
        let all = alerts.iter().map(|alert| wording(alert, template)).collect();
        let wording = wording(alert, template);
        for mail in [wording.text(), wording.html(), DigestWording::of("Joe's Plumbing", all, None).text()] {
            assert_eq!(mail.matches("America/New_York").count(), 1, "{mail}");
            assert!(!mail.contains(&alert.id.to_string()), "{mail}");
        }
    }
}

#[test]
fn html_of_a_digest_escapes_what_people_typed() {
    let alert = Alert { rule_name: "<script>x</script>".to_owned(), ..alert() };
    let bad = Wording { message: Some("<img src=x>\nhttps://evil.example.com"), ..wording(&alert, AlertTemplate::Triggered) };
    let html = DigestWording::of("<b>Joe</b>", vec![bad, bad], None).html();
    assert!(
        html.contains("<li><b>Alert (high): &lt;script&gt;x&lt;/script&gt;</b><br>&lt;img src=x&gt; https: //evil"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>Joe"), "{html}");
}

proptest! {
    #[test]
    fn names_of_any_kind_make_one_line_and_one_segment(
        rule in "\\PC{1,255}|[\\s\\S]{1,255}", business in "[\\s\\S]{1,255}", metric in "[\\s\\S]{1,100}", value in any::<i64>(),
        host in "[a-z]{1,60}",
    ) {
        let alert = Alert { rule_name: rule, metric, metric_value: Decimal::new(value % 1_000_000_000_000, 4), ..alert() };
        let alerts: Vec<Alert> = many(200).into_iter().map(|one| Alert { id: one.id, ..alert.clone() }).collect();
        for template in AlertTemplate::ALL {
            let wording = Wording { business: &business, ..wording(&alert, template) };
            let sms = wording.sms();
            let size = TextSize::of(&sms);
            prop_assert_eq!((size.encoding, size.segments), (SmsEncoding::Gsm7, 1), "{}", &sms);
            prop_assert!(sms.ends_with("STOP ends these texts."), "{}", &sms);
            let link = format!("https://{host}.example.com/a/0123456789_-abcdefghiA");
            let sms = wording.sms_with(&Secret::new(link.clone()));
            let size = TextSize::of(&sms);
            prop_assert!(size.encoding == SmsEncoding::Gsm7 && size.segments <= 2, "{}", &sms);
            let has_link = sms.ends_with(&format!(". See to it: {link} STOP ends these texts."));
            prop_assert!(has_link || template == AlertTemplate::Test, "{}", &sms);
            prop_assert!(!wording.subject().contains(char::is_control));
            let all = alerts.iter().map(|alert| Wording { alert, ..wording }).collect();
            let digest = DigestWording::of(&business, all, None);
            let sms = digest.sms();
            let size = TextSize::of(&sms);
            prop_assert_eq!((size.encoding, size.segments), (SmsEncoding::Gsm7, 1), "{}", &sms);
            prop_assert!(sms.ends_with(" more. STOP ends these texts.") && !digest.subject().contains(char::is_control), "{}", &sms);
        }
    }
}
