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
