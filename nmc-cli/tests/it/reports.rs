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
    let id = made["id"].as_str().expect("an id");
    assert!(nmc.run(&["report", "open", id]).ok().out.starts_with("section,name,label"));
    assert_eq!(nmc.run(&["report", "open", &id[24..], "--as", "json"]).json()["kind"], "daily", "by the end of its id");
    let folder = std::env::temp_dir().join(format!("nmc-report-{id}"));
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("day.pdf");
    let open = ["report", "open", id, "--as", "pdf", "--output", file.to_str().expect("a path")];
    nmc.run(&open).ok();
    assert!(std::fs::read(&file).expect("a file").starts_with(b"%PDF-"));
    nmc.run(&open).refused(1, "day.pdf: File exists");
    std::fs::remove_dir_all(&folder).expect("a folder to remove");

    nmc.run(&["report", "open", "--tenant", "Rival Rooter", id]).refused(2, "report not found");
    nmc.run(&["report", "make", "--type", "custom"]).refused(2, "--from");
    nmc.run(&["report", "make", "--type", "weekly", "--to", "2026-01-02"]).refused(2, "--to is for custom reports alone");
    nmc.run(&["report", "make", "--type", "daily", "--from", "1999-01-02"]).refused(2, "--from must lie within");
    nmc.run(&["report", "make", "--type", "yearly"]).refused(2, "weekly");
}
