//! `nmc report`: made, listed, and opened in each form.

use crate::nmc::Nmc;
use nmc_core::testing::{Business, TestDb};
use serde_json::json;

const JOE: &str = "Joe's Plumbing";

#[test]
fn report_is_made_listed_and_opened_in_each_form() {
    let db = TestDb::new();
    let _joe = Business::onboard(&db.store, JOE);
    let _rival = Business::onboard(&db.store, "Rival Rooter");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let made = nmc.run(&["report", "make", "--type", "daily", "--format", "json"]).json();
    let fields: Vec<_> = made.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["expires_at", "from", "generated_at", "id", "type", "until"]);
    nmc.run(&["report", "make"]).ok();
    let listed = nmc.run(&["report", "list", "--type", "daily", "--format", "json"]).json();
    assert_eq!(listed["items"], json!([made]));
    let of = |days: &[&str]| {
        nmc.run(&[&["report", "list", "--type", "daily", "--format", "json"], days].concat()).json()["items"].clone()
    };
    let day = &made["from"].as_str().expect("an instant")[..10];
    assert_eq!(of(&["--from", day]), json!([made]));
    assert_eq!((of(&["--from", "2999-01-01"]), of(&["--to", "2000-01-01"])), (json!([]), json!([])));
    let id = made["id"].as_str().expect("an id");
    assert!(nmc.run(&["report", "open", id]).ok().out.starts_with("section,name,label"));
    assert_eq!(nmc.run(&["report", "open", &id[24..], "--as", "json"]).json()["kind"], "daily", "by the end of its id");
    assert!(nmc.run(&["report", "open", id, "--bom"]).ok().out.starts_with("\u{feff}section,name,label"));
    let folder = std::env::temp_dir().join(format!("nmc-report-{id}"));
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("day.pdf");
    let open = ["report", "open", id, "--as", "pdf", "--output", file.to_str().expect("a path")];
    nmc.run(&open).ok();
    assert!(std::fs::read(&file).expect("a file").starts_with(b"%PDF-"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600, "it names people, and what they cost");
    nmc.run(&open).refused(2, "day.pdf is there already, and is left as it is");
    std::fs::remove_dir_all(&folder).expect("a folder to remove");

    nmc.run(&["report", "open", "--tenant", "Rival Rooter", id]).refused(2, "report not found");
    for dates in [&[][..], &["--from", "2026-01-02"], &["--to", "2026-01-02"]] {
        let said = nmc.run(&[&["report", "make", "--type", "custom"], dates].concat());
        let said = said.refused(2, "a custom report needs its first and last day: --from DAY --to DAY");
        assert!(!said.err.contains("Usage"), "{said:?}");
    }
    let custom = ["report", "make", "--type", "custom", "--from", "2026-01-02"];
    nmc.run(&[&custom[..], &["--to", "2999-01-02"]].concat()).refused(2, "--to must");
    nmc.run(&["report", "make", "--type", "weekly", "--to", "2026-01-02"]).refused(2, "--to is for custom reports alone");
    nmc.run(&["report", "make", "--type", "daily", "--from", "1999-01-02"]).refused(2, "--from must lie within");
    nmc.run(&["report", "make", "--type", "yearly"]).refused(2, "weekly");
}

#[test]
fn report_waits_for_its_figures_and_says_so() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    // Nothing was computed yet of what has happened.
    let mark = "INSERT INTO analytics_marks (tenant_id, marked_at) VALUES";
    db.execute(&format!("{mark} ('{}', date_trunc('hour', now()) - interval '2 days')", joe.tenant.id()));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let waits = "are being computed: nmc tries again for 1 seconds (--wait)";
    let said = nmc.run(&["report", "make", "--wait", "1"]).refused(3, "are being computed; try again in a moment");
    assert!(said.err.contains(waits), "{said:?}");
    assert!(!nmc.run(&["report", "make", "--wait", "0"]).refused(3, "are being computed").err.contains("nmc tries again"));
    std::thread::scope(|scope| {
        let made = scope.spawn(|| nmc.run(&["report", "make", "--wait", "60"]));
        nmc.run(&["analytics", "rebuild", "--now"]).ok();
        made.join().expect("a command that ends").ok();
    });
}

#[test]
fn schedule_is_set_listed_and_removed() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    let rival = Business::onboard(&db.store, "Rival Rooter").user(&db.store);
    let operator = joe.user(&db.store);
    db.execute(&format!("UPDATE users SET email = 'ann@example.com', email_verified = false WHERE id = '{operator}'"));
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let set = |more: &[&str]| nmc.run(&[&["report", "schedule", "set", "--format", "json"], more].concat());
    let daily = set(&["daily"]).json();
    let fields: Vec<_> = daily.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["hour", "is_active", "kind", "last_period_start", "next_due_at", "to"]);
    assert_eq!((&daily["hour"], &daily["is_active"], &daily["to"]), (&json!(7), &json!(true), &json!("owners and admins")));
    let weekly = set(&["weekly", "--hour", "18", "--to", "ann@example.com", "--off"]).json();
    assert_eq!((&weekly["hour"], &weekly["is_active"], &weekly["to"]), (&json!(18), &json!(false), &json!(["ann@example.com"])));
    let warned = set(&["weekly", "--off"]).ok();
    assert!(
        warned.err.contains("warning: ann@example.com has not ") && warned.err.contains("gets none of these reports"),
        "{warned:?}"
    );
    db.execute("UPDATE users SET email_verified = true");
    assert!(!set(&["weekly", "--hour", "18", "--to", "ann@example.com", "--off"]).ok().err.contains("warning"));
    let list = || nmc.run(&["report", "schedule", "list", "--format", "json"]).json()["items"].clone();
    assert_eq!(list(), json!([daily, weekly]), "what is not said stays");
    let on = |row: &serde_json::Value| (row["hour"].clone(), row["is_active"].clone(), row["to"].clone());
    assert_eq!(on(&set(&["weekly"]).json()), (json!(18), json!(true), json!(["ann@example.com"])));
    let all = set(&["weekly", "--to-owners-and-admins", "--hour", "9"]).json();
    assert_eq!(on(&all), (json!(9), json!(true), json!("owners and admins")));
    assert_eq!(on(&set(&["weekly", "--off", "--hour", "18", "--to", "ann@example.com"]).json()), on(&weekly));
    set(&["daily", "--hour", "24"]).refused(2, "24 is not in 0..=23");
    set(&["yearly"]).refused(2, "possible values: daily, weekly, monthly");
    set(&["daily", "--to", &rival.to_string()]).refused(2, &format!("user {rival} not found"));
    db.execute(&format!("UPDATE users SET role = 'viewer' WHERE id = '{operator}'"));
    set(&["daily", "--to", "ann@example.com"]).refused(2, "--to must be users whose role may see reports");
    nmc.run(&["report", "schedule", "remove", "daily"]).ok();
    nmc.run(&["report", "schedule", "remove", "daily"]).refused(2, "schedule not found");
    assert_eq!(list(), json!([weekly]));
}

#[test]
fn mails_of_reports_are_listed_with_their_fate() {
    let db = TestDb::new();
    let joe = Business::onboard(&db.store, JOE);
    joe.user(&db.store);
    db.execute(
        "INSERT INTO analytics_reports (tenant_id, report_type, period_start, period_end, sections)
         SELECT id, 'daily', now(), now(), '[]' FROM tenants;
         INSERT INTO report_mails (tenant_id, report_id, user_id, recipient, status, error_message)
         SELECT u.tenant_id, r.id, u.id, 'ann@example.com', 'failed', 'it could not be sent in time' FROM users u, analytics_reports r",
    );
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let list = |more: &[&str]| nmc.run(&[&["report", "mails", "--format", "json"], more].concat()).json()["items"].clone();
    let mail = list(&[])[0].clone();
    let fields: Vec<_> = mail.as_object().expect("an object").keys().cloned().collect();
    let expected =
        ["attempts", "created_at", "error_message", "id", "next_attempt_at", "recipient", "report", "sent_at", "status"];
    assert_eq!(fields, expected);
    assert_eq!((&mail["recipient"], &mail["status"]), (&json!("ann@example.com"), &json!("failed")));
    let report = mail["report"].as_str().expect("an id");
    assert_eq!(list(&["--report", &report[24..], "--status", "failed"]), json!([mail]));
    assert_eq!(list(&["--status", "sent"]), json!([]));
    let waiting = nmc.run(&["queue", "reports", "--failed", "--format", "json"]).json();
    assert_eq!(waiting["items"][0]["reason"], "it could not be sent in time");
}

#[test]
fn report_is_removed_when_that_is_confirmed() {
    let db = TestDb::new();
    let _joe = Business::onboard(&db.store, JOE);
    let _rival = Business::onboard(&db.store, "Rival Rooter");
    let nmc = Nmc::on(db.url()).with("NMC_TENANT", JOE);
    let id = nmc.run(&["report", "make", "--format", "json"]).json()["id"].as_str().expect("an id").to_owned();
    let listed = || nmc.run(&["report", "list", "--format", "json"]).json()["items"].as_array().map(Vec::len);
    nmc.run(&["report", "remove", &id]).refused(2, "This removes the weekly report from ");
    nmc.run(&["report", "remove", "--yes", "--tenant", "Rival Rooter", &id]).refused(2, "report not found");
    assert_eq!(listed(), Some(1));
    assert_eq!(nmc.run(&["report", "remove", "--yes", &id[24..], "--format", "json"]).json()["id"], id.as_str());
    assert_eq!(listed(), Some(0));
    nmc.run(&["report", "remove", "--yes", &id]).refused(2, "report not found");
}
