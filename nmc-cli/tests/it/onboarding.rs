//! After a business is taken in: its five steps, its greeting, and its status.

use crate::nmc::Nmc;
use crate::onboard::authenticator;
use crate::terminal::Terminal;
use chrono::DateTime;
use nmc_core::access::Origin;
use nmc_core::conversations::MessageFilter;
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::testing::{Business, FakeTwilio, TestDb, VoiceForm, unique_phone, unique_sid, wait_until};
use nmc_core::workflows::record_voice_status;
use nmc_core::{MessageStatus, Secret};
use rustix::process::Signal;
use serde_json::{Value, json};

const JOE: &str = "Joe's Plumbing";

fn onboarding(nmc: &Nmc, more: &[&str]) -> Value {
    nmc.run(&[&["tenant", "onboarding", JOE, "--format", "json"], more].concat()).json()
}

#[test]
fn the_five_steps_are_left_in_their_order_when_all_is_there() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let business =
        ["tenant", "onboard", "--name", JOE, "--phone", "+13125550199", "--address", "1 Main St", "--trade", "plumbing"];
    nmc.run(&business).ok();
    let state = onboarding(&nmc, &[]);
    assert_eq!((&state["step"], &state["completed"]), (&json!(1), &json!(false)));
    assert_eq!(state["steps"][0], json!({"step": 1, "what": "business details", "is_left": false, "missing": []}));
    assert_eq!(state["steps"][1]["missing"], json!([{"field": "owner", "rule": "is required: invite one"}]));
    let table = nmc.run(&["tenant", "onboarding", JOE]).ok().out;
    assert!(table.contains("owner is required: invite one") && table.contains("number active"), "{table}");

    nmc.run(&["tenant", "onboarding", JOE, "--complete", "2"]).refused(2, "step can only follow the steps before it");
    for step in ["0", "6", "x"] {
        nmc.run(&["tenant", "onboarding", JOE, "--complete", step]).refused(2, "--complete");
    }
    assert_eq!(onboarding(&nmc, &["--complete", "1"])["step"], 2);
    nmc.run(&["tenant", "onboarding", JOE, "--complete", "2"]).refused(2, "owner is required: invite one");
    let who = ["--email", "joe@example.com", "--first-name", "Joe", "--last-name", "Plumber", "--role", "owner"];
    let invited = nmc.run(&[&["user", "invite", "--tenant", JOE, "--format", "json"], &who[..]].concat()).json();
    nmc.run(&["tenant", "onboarding", JOE, "--complete", "2"]).refused(2, "owner must have accepted the invitation");
    let invitation = Secret::new(invited["invitation"].as_str().expect("it"));
    authenticator(&db).accept_invitation(&invitation, &Secret::new("under a sink all day")).expect("a password");
    for step in ["2", "3"] {
        onboarding(&nmc, &["--complete", step]);
    }
    nmc.run(&["tenant", "onboarding", JOE, "--complete", "4"]).refused(2, "phone_number is required");
    nmc.run(&["number", "add", "--tenant", JOE, "+13125550100", "--sid", "PN00000000000000000000000000000001"]).ok();
    onboarding(&nmc, &["--complete", "4"]);
    nmc.run(&["tenant", "onboarding", JOE, "--complete", "5"]).refused(2, "greeting_template must be reviewed");

    let listed = |state: &str| {
        let page = nmc.run(&["tenant", "list", "--onboarding", state, "--trade", "plumbing", "--format", "json"]).json();
        page["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((listed("open"), listed("completed")), (1, 0));
    nmc.run(&["tenant", "review-greeting", JOE, "--yes"]).ok();
    let said = nmc.run(&["tenant", "onboarding", JOE, "--complete", "5"]).ok();
    assert!(said.err.contains("onboarding is complete"), "{said:?}");
    assert_eq!((listed("open"), listed("completed")), (0, 1));
    assert_eq!(nmc.run(&["tenant", "list", "--trade", "heating", "--format", "json"]).json()["items"], json!([]));
    nmc.run(&["tenant", "list", "--onboarding", "maybe"]).refused(2, "--onboarding");
    nmc.run(&["tenant", "onboarding", "Nobody"]).refused(2, "tenant not found");
}

#[test]
fn a_business_is_shown_with_its_owner_steps_and_hours() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let joe = Business::onboard(&db.store, JOE);
    let shown = nmc.run(&["tenant", "show", JOE, "--format", "json"]).json();
    assert_eq!((&shown["owner"], &shown["onboarding"]["step"]), (&Value::Null, &json!(1)));
    let table = nmc.run(&["tenant", "show", JOE]).ok().out;
    assert!(table.contains("owner  –") && table.contains("business details") && table.contains("next_open"), "{table}");

    // Around the clock, and never while anybody looks.
    db.execute(&format!("UPDATE tenants SET business_hours_end = business_hours_start WHERE id = '{}'", joe.tenant.id()));
    let hours = &nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["hours"];
    assert_eq!((&hours["is_open"], &hours["next_close"]), (&json!(true), &Value::Null));
    db.execute(
        "UPDATE tenants SET timezone = 'UTC', business_hours_start = (now() AT TIME ZONE 'UTC')::time + interval '2 hours', \
                business_hours_end = (now() AT TIME ZONE 'UTC')::time + interval '3 hours'",
    );
    let hours = &nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["hours"];
    assert_eq!(hours["is_open"], false);
    let at = |name: &str| hours[name].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).expect("an instant");
    assert_eq!((at("next_close") - at("next_open")).num_minutes(), 60, "{hours}");
}

#[test]
fn a_greeting_is_approved_of_by_whoever_has_seen_it() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let joe = Business::onboard(&db.store, JOE);
    let reviewed = || db.query::<bool>("SELECT greeting_reviewed_at IS NOT NULL FROM business_settings") == [true];
    let greeting = "Hello! Thanks for calling Joe's Plumbing. How can we help you today? Reply STOP to opt out.";
    let said = nmc.run(&["tenant", "review-greeting", JOE]).refused(2, "say --yes");
    assert!(said.err.contains(greeting) && !reviewed(), "{said:?}");
    let review = &["tenant", "review-greeting", JOE, "--format", "json"];
    let mut terminal = Terminal::start(&nmc, review);
    terminal.answer(&[(greeting, ""), ("Go on? [y/N]", "")]);
    terminal.end();
    assert!(!reviewed());

    // Changed by somebody else while the question stood: what was seen is not what would be sent.
    let mut terminal = Terminal::start(&nmc, review);
    terminal.wait_for("Go on? [y/N]");
    let other = BusinessSettingsPatch { greeting_template: Some("{{business_name}}? Later.".to_owned()), ..Default::default() };
    db.store.tenant(&joe.tenant, |tx| tx.business_settings().update(&other)).expect("a change");
    terminal.press("y\n");
    terminal.end().refused(2, "the greeting has changed meanwhile");
    assert!(!reviewed());

    // One that reads differently outside the hours is shown both ways.
    let other = BusinessSettingsPatch {
        greeting_template: Some("{{business_name}} opens {{next_opening}}.".to_owned()),
        ..Default::default()
    };
    db.store.tenant(&joe.tenant, |tx| tx.business_settings().update(&other)).expect("a change");
    let said = nmc.run(&["tenant", "review-greeting", JOE]).refused(2, "say --yes");
    assert!(
        said.err.contains("opens now.") && said.err.contains("day at 7 AM.") && said.err.contains("\nwhile it is "),
        "{said:?}"
    );

    let other = BusinessSettingsPatch { greeting_template: Some("{{business_name}}? Later.".to_owned()), ..Default::default() };
    db.store.tenant(&joe.tenant, |tx| tx.business_settings().update(&other)).expect("a change");
    let approved = nmc.run(&["tenant", "review-greeting", JOE, "--yes", "--format", "json"]).json();
    assert_eq!((&approved["encoding"], &approved["segments"]), (&json!("GSM-7"), &json!(1)));
    assert!(approved["text"].as_str().is_some_and(|text| text.starts_with("Joe's Plumbing? Later.")) && reviewed());
    assert!(approved["greeting_reviewed_at"].is_string(), "{approved}");
}

#[test]
fn suspended_business_is_logged_out_and_still_records_calls() {
    let (db, twilio) = (TestDb::new(), FakeTwilio::start());
    let account = twilio.account();
    let nmc = Nmc::on(db.url());
    let worker = nmc
        .clone()
        .with("NMC_SMS", "twilio")
        .with("NMC_TWILIO_API_URL", twilio.url())
        .with("TWILIO_ACCOUNT_SID", account.account_sid)
        .with("TWILIO_AUTH_TOKEN", account.auth_token.expose())
        .with("NMC_PUBLIC_URL", "https://nmc.example.com");
    let (joe, rival) = (Business::onboard(&db.store, JOE), Business::onboard(&db.store, "Rival Rooter"));
    let who = ["--email", "joe@example.com", "--first-name", "Joe", "--last-name", "Plumber", "--role", "owner"];
    let invited = nmc.run(&[&["user", "invite", "--tenant", JOE, "--format", "json"], &who[..]].concat()).json();
    let (authenticator, password) = (authenticator(&db), Secret::new("under a sink all day"));
    authenticator.accept_invitation(&Secret::new(invited["invitation"].as_str().expect("it")), &password).expect("a password");
    let email = "joe@example.com".parse().expect("an address");
    let tokens = authenticator.login(&email, &password, &Origin::default()).expect("a login");
    let customer = unique_phone();
    joe.queue(&db.store, &customer, "We'll come at nine").expect("a queued text");

    let said = nmc.run(&["tenant", "suspend", JOE]).refused(2, "say --yes");
    for follows in ["logged out", "texts to its callers wait", "still recorded"] {
        assert!(said.err.contains(follows), "{said:?}");
    }
    let mut terminal = Terminal::start(&nmc, &["tenant", "suspend", JOE]);
    terminal.answer(&[("Go on? [y/N]", "n")]);
    terminal.end().refused(2, "nothing was done");
    assert_eq!(nmc.run(&["tenant", "suspend", JOE, "--yes", "--format", "json"]).json()["status"], "suspended");
    assert!(authenticator.refresh(&tokens.refresh_token).is_err(), "the session has ended");
    nmc.run(&["tenant", "suspend", JOE, "--yes"]).refused(2, "tenant is suspended already");

    // Queued later and sent: the worker has passed over what was due before.
    rival.queue(&db.store, &customer, "We're cheaper").expect("a queued text");
    let running = worker.start(&["worker"]);
    let statuses = |business: &Business| -> Vec<MessageStatus> {
        business.messages(&db.store, &MessageFilter::default()).iter().map(|text| text.message_status).collect()
    };
    wait_until("the rival's text is sent", || statuses(&rival) == [MessageStatus::Accepted]);
    assert_eq!(statuses(&joe), [MessageStatus::Queued]);
    let call = VoiceForm::missed(unique_phone().as_str(), &joe.number, &unique_sid("CA"));
    record_voice_status(&db.store, &call.parse()).expect("a call");
    let calls = nmc.run(&["call", "list", "--tenant", JOE, "--format", "json"]).json();
    assert_eq!(calls["items"].as_array().map(Vec::len), Some(1), "{calls}");

    assert_eq!(nmc.run(&["tenant", "reactivate", JOE, "--format", "json"]).json()["status"], "active");
    wait_until("the text that waited is sent", || statuses(&joe).contains(&MessageStatus::Accepted));
    running.signal(Signal::TERM);
    running.end().ok();
    authenticator.login(&email, &password, &Origin::default()).expect("a login again");

    nmc.run(&["tenant", "deactivate", JOE]).refused(2, "This deactivates Joe's Plumbing");
    assert_eq!(nmc.run(&["tenant", "deactivate", JOE, "--yes", "--format", "json"]).json()["status"], "inactive");
    nmc.run(&["tenant", "suspend", JOE, "--yes"]).refused(2, "can't go from inactive to suspended");
    nmc.run(&["tenant", "reactivate", JOE]).ok();
    for command in [&["suspend", "--yes"][..], &["reactivate"], &["deactivate", "--yes"]] {
        nmc.run(&[&["tenant"], command, &["Nobody"]].concat()).refused(2, "tenant not found");
    }
}

#[test]
fn a_business_changes_what_is_named_and_nothing_else() {
    let db = TestDb::new();
    let nmc = Nmc::on(db.url());
    let before = nmc.run(&["tenant", "onboard", "--name", JOE, "--trade", "plumbing", "--format", "json"]).json();
    let change = |more: &[&str]| nmc.run(&[&["tenant", "change", JOE, "--format", "json"], more].concat());
    let after = change(&["--address", "1 Main St", "--opens", "22:00", "--closes", "06:30", "--job-min", "99.50"]).json();
    assert_eq!((&after["business_address"], &after["estimated_job_min"]), (&json!("1 Main St"), &json!("99.50")));
    for (name, value) in before.as_object().expect("a row") {
        assert!(["business_address", "estimated_job_min"].contains(&name.as_str()) || after[name] == *value, "{name}");
    }
    let hours = &nmc.run(&["tenant", "show", JOE, "--format", "json"]).json()["hours"];
    assert_eq!((&hours["business_hours_start"], &hours["business_hours_end"]), (&json!("22:00:00"), &json!("06:30:00")));

    change(&[]).refused(2, "--address");
    change(&["--opens", "9"]).refused(2, "must be like 07:30");
    change(&["--job-min", "500"]).refused(2, "estimated_job_max must be above estimated_job_min");
    change(&["--radius=-1"]).refused(2, "service_radius_miles must be at least 0");
    nmc.run(&["tenant", "change", "Nobody", "--address", "x"]).refused(2, "tenant not found");
}
