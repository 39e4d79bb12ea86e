//! `nmc queue`.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use serde_json::{Value, json};

fn miss_a_call(db: &TestDb, business: &Business) -> String {
    let call = VoiceForm::missed(unique_phone().as_str(), &business.number, &unique_sid("CA"));
    record_voice_status(&db.store, &call.parse()).expect("a call").greeting.expect("a text").to_string()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect()
}

#[test]
fn queues_are_counted_and_listed_for_one_business_or_all() {
    let db = TestDb::new();
    let (joe, rival) = (Business::onboard(&db.store, "Joe's Plumbing"), Business::onboard(&db.store, "Rival Rooter"));
    let (first, second, theirs) = (miss_a_call(&db, &joe), miss_a_call(&db, &joe), miss_a_call(&db, &rival));
    let nmc = Nmc::on(db.url());
    let queue = |more: &[&str]| nmc.run(&[&["queue", "--format", "json"], more].concat()).json();
    let counts = queue(&[]);
    let names: Vec<&Value> = counts["items"].as_array().expect("rows").iter().map(|row| &row["queue"]).collect();
    assert_eq!(names, ["texts", "pictures", "notifications", "mails", "reports", "jobs", "numbers"]);
    assert_eq!((&counts["items"][0]["waiting"], &counts["items"][1]["waiting"]), (&json!(3), &json!(0)));
    assert!(counts["items"][0]["oldest_age"].is_string() && counts["items"][1]["oldest_age"].is_null(), "{counts}");
    assert_eq!(queue(&["--tenant", "Rival Rooter"])["items"][0]["waiting"], 1);
    assert_eq!(
        nmc.clone().with("NMC_TENANT", "Rival Rooter").run(&["queue", "--format", "json"]).json()["items"][0]["waiting"],
        1
    );

    assert_eq!(ids(&queue(&["texts"])), [&theirs, &second, &first]);
    let page = queue(&["texts", "--tenant", "Joe's Plumbing", "--limit", "1"]);
    assert_eq!(ids(&page), [&second]);
    assert_eq!(ids(&queue(&["texts", "--tenant", "Joe's Plumbing", "--after", page["next"].as_str().expect("more")])), [&first]);
    assert_eq!(ids(&queue(&["texts", "--failed"])), Vec::<&str>::new());

    db.execute(&format!(
        "UPDATE messages SET message_status = 'failed', error_code = 30006, next_attempt_at = NULL WHERE id = '{first}'"
    ));
    let failed = queue(&["texts", "--failed"]);
    assert_eq!((ids(&failed), &failed["items"][0]["state"]), (vec![first.as_str()], &json!("failed")));
    assert!(failed["items"][0]["reason"].as_str().is_some_and(|why| why.contains("30006")), "{failed}");
    let counts = queue(&["--tenant", "Joe's Plumbing"]);
    assert_eq!((&counts["items"][0]["waiting"], &counts["items"][0]["failed_in_7_days"]), (&json!(1), &json!(1)));

    nmc.run(&["queue", "--failed"]).refused(2, "<QUEUE>");
    nmc.run(&["queue", "letters"]).refused(2, "possible values: texts, pictures, notifications, mails, reports, jobs, numbers");
    nmc.run(&["queue", "texts", "--tenant", "Nobody"]).refused(2, "tenant not found");
}
