//! A rule, a value that breaks it, and the alert's way to its end: `cargo run -p nmc-core --example raise_an_alert`

mod support;

use nmc_core::alerts::{AlertEventFilter, NewAlertRule, evaluate_all};
use nmc_core::people::NewUser;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{AlertOperator, AlertSeverity, NotificationChannel, PageRequest, UserRole, When};
use std::error::Error;
use uuid::Uuid;

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let run = Uuid::new_v4();
    let business = NewTenant { business_name: format!("Joe's Plumbing {run}"), ..NewTenant::default() };
    let (tenant, _) = onboard(&store, &business)?;
    let ada = NewUser {
        email: format!("ada+{run}@example.com").parse()?,
        password_hash: "$2b$12$made-by-your-login-service".to_owned(),
        first_name: Some("Ada".to_owned()),
        last_name: None,
        role: UserRole::Operator,
        email_verified: true,
    };
    let ada = store.tenant(&tenant, |tx| tx.users().create(&ada))?.id;

    let rule = NewAlertRule {
        notification_channels: vec![NotificationChannel::Dashboard],
        ..NewAlertRule::new(
            "Too many missed calls",
            "missed calls per hour",
            AlertOperator::GreaterThan,
            5.into(),
            AlertSeverity::High,
        )
    };
    let rule = store.tenant(&tenant, |tx| tx.alert_rules().create(&rule))?;
    println!("rule: {} {} {}", rule.metric, rule.operator, rule.threshold.normalize());

    // A value arrives, and all rules are held against the latest ones.
    let evaluated = store.tenant(&tenant, |tx| {
        tx.measurements().record(&rule.metric, 7.into(), When::Now)?;
        evaluate_all(tx)
    })?;
    println!("{} rule compared, {} alert raised", evaluated.compared, evaluated.raised.len());
    // While it is open, the rule raises no second one.
    let again = store.tenant(&tenant, evaluate_all)?;
    println!("again: {} raised", again.raised.len());

    for alert in evaluated.raised {
        let resolved = store.tenant_on_behalf_of(&tenant, ada, |tx| {
            tx.alerts().acknowledge(alert, Some("On it."))?;
            tx.alerts().resolve(alert, Some("Called them all back."))
        })?;
        println!("{}: {}", resolved.status, resolved.message);

        let history =
            store.tenant(&tenant, |tx| tx.alert_history().list(alert, &AlertEventFilter::default(), PageRequest::first()))?;
        for event in history.items.iter().rev() {
            println!("{} by {}", event.event_type, if event.user_id.is_some() { "Ada" } else { "the platform" });
        }
    }
    Ok(())
}
