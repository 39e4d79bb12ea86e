//! Reports of a business: made, listed, opened and removed.

use crate::site::Site;
use nmc_core::analytics::NewJob;
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::{JobWorker, JobWorkerConfig, record_voice_status, roll_up_all};
use nmc_core::{JobType, UserRole};
use serde_json::{Value, json};

fn make(site: &Site, bearer: &str, body: &Value) -> crate::site::Answer {
    let call = site.call("POST", "/v1/reports").by(bearer).json(body);
    call.send()
}

#[test]
fn report_is_made_and_opened_in_each_form() {
    let site = Site::new();
    let owner = site.owner().access;
    roll_up_all(&site.db.store).unwrap();
    let answer = site.call("POST", "/v1/reports").by(&owner).json(&json!({ "type": "weekly" })).expect(201);
    let report = answer.document();
    assert_eq!(answer.header("Location"), Some(format!("/v1/reports/{}", report["id"].as_str().unwrap()).as_str()));
    assert_eq!(report["type"], "weekly");
    let path = |field: &str| report[field].as_str().unwrap().to_owned();
    let at = format!("/v1/reports/{}", report["id"].as_str().unwrap());
    assert_eq!(site.call("GET", &at).by(&owner).expect(200).document(), report);

    let all = site.call("GET", path("json")).by(&owner).expect(200);
    let first_day = all.document()["period"]["first_day"].as_str().unwrap().to_owned();
    for (field, media_type) in [("json", "application/json"), ("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")] {
        let file = site.call("GET", path(field)).by(&owner).expect(200);
        assert_eq!(file.header("Content-Type"), Some(media_type));
        let name = format!("attachment; filename=\"report-joes-plumbing-weekly-{first_day}.{field}\"");
        assert_eq!(file.header("Content-Disposition"), Some(name.as_str()));
        let again = site.call("GET", path(field)).by(&owner).expect(200);
        assert_eq!((file.header("ETag"), &file.body), (again.header("ETag"), &again.body));
        assert!(file.header("ETag").is_some());
    }
    assert!(site.call("GET", path("pdf")).by(&owner).expect(200).body.starts_with("%PDF-"));
    let csv = site.call("GET", format!("{}?bom=true&spreadsheet_safe=true", path("csv"))).by(&owner).expect(200);
    assert!(csv.body.starts_with('\u{feff}'));

    site.call("DELETE", &at).by(&owner).expect(204);
    for gone in [at, path("json"), path("csv"), path("pdf")] {
        site.call("GET", gone).by(&owner).expect(404);
    }
}

#[test]
fn file_that_the_client_has_is_not_sent_again() {
    let site = Site::new();
    let owner = site.owner().access;
    roll_up_all(&site.db.store).unwrap();
    let report = make(&site, &owner, &json!({ "type": "daily" })).document();
    for field in ["json", "csv", "pdf"] {
        let ask = |has: &str| {
            let call = site.call("GET", report[field].as_str().unwrap()).by(&owner).header("If-None-Match", has);
            call.send()
        };
        let tag = ask("\"other\"").header("ETag").unwrap().to_owned();
        for has in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let answer = ask(&has);
            assert_eq!((answer.status, answer.body.as_str(), answer.header("ETag")), (304, "", Some(tag.as_str())), "{has}");
        }
        for other in ["\"other\"", tag.trim_matches('"'), ""] {
            assert_eq!(ask(other).status, 200, "{other}");
        }
        let viewer = site.person(&site.joe, UserRole::Viewer).access;
        let call = site.call("GET", report[field].as_str().unwrap()).by(&viewer).header("If-None-Match", &tag);
        assert_eq!(call.send().status, 403, "who may not read learns nothing");
        let missing = format!("/v1/reports/{}.{field}", uuid::Uuid::nil());
        assert_eq!(site.call("GET", missing).by(&owner).header("If-None-Match", "*").send().status, 404);
    }
}

#[test]
fn file_of_a_business_in_another_script_has_both_names() {
    let site = Site::new();
    let owner = site.owner().access;
    site.db.execute("UPDATE tenants SET business_name = 'Зоя \"x\"' WHERE business_name LIKE 'Joe%'");
    roll_up_all(&site.db.store).unwrap();
    let body = json!({ "type": "daily", "first_day": "2026-11-14" });
    let report = make(&site, &owner, &body).document();
    let file = site.call("GET", report["csv"].as_str().unwrap()).by(&owner).expect(200);
    let names = "attachment; filename=\"report-x-daily-2026-11-14.csv\"; \
                 filename*=UTF-8''report-%D0%B7%D0%BE%D1%8F-x-daily-2026-11-14.csv";
    assert_eq!(file.header("Content-Disposition"), Some(names));
}

#[test]
fn reports_are_listed_by_type_newest_first() {
    let site = Site::new();
    let owner = site.owner().access;
    roll_up_all(&site.db.store).unwrap();
    let mut made = Vec::new();
    for kind in ["daily", "weekly", "monthly"] {
        made.insert(0, make(&site, &owner, &json!({ "type": kind })).document()["id"].clone());
    }
    let listed = |query: &str| -> Vec<Value> {
        let page = site.call("GET", format!("/v1/reports?{query}")).by(&owner).expect(200).document();
        page["items"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
    };
    assert_eq!(listed(""), made);
    assert_eq!(listed("type=weekly"), made[1..2]);
    assert_eq!(listed("limit=1"), made[..1]);
    site.call("GET", "/v1/reports?type=yearly").by(&owner).expect(400);
}

#[test]
fn report_of_no_period_is_refused_by_field() {
    let site = Site::new();
    let owner = site.owner().access;
    roll_up_all(&site.db.store).unwrap();
    let day = |ahead| (site.db.store.now() + chrono::TimeDelta::days(ahead)).date_naive();
    for (body, pointer) in [
        (json!({ "type": "yearly" }), "#/type"),
        (json!({ "type": "custom" }), "#/first_day"),
        (json!({ "type": "custom", "first_day": "2026-01-02" }), "#/last_day"),
        (json!({ "type": "daily", "last_day": "2026-01-02" }), "#/last_day"),
        (json!({ "type": "custom", "first_day": day(-14), "last_day": day(2) }), "#/last_day"),
        (json!({ "type": "daily", "first_day": "9999-01-02" }), "#/first_day"),
        (json!({ "type": "daily", "first_day": "1999-01-02" }), "#/first_day"),
        (json!({ "type": "daily", "first_day": null }), "#/first_day"),
    ] {
        let answer = make(&site, &owner, &body);
        assert_eq!((answer.status, answer.refusal().0.as_str()), (400, pointer), "{body}");
    }
    for no_day in ["2026-02-29", "2026-11-29T00:00:00Z", "soon"] {
        let answer = make(&site, &owner, &json!({ "type": "daily", "first_day": no_day }));
        assert_eq!(answer.refusal().1, "must be a day like 2026-11-22", "{no_day}");
    }
}

#[test]
fn report_is_to_be_had_later_while_figures_are_computed() {
    let site = Site::new();
    let owner = site.owner().access;
    let call = VoiceForm::missed(unique_phone().as_str(), &site.joe.number, &unique_sid("CA"));
    record_voice_status(&site.db.store, &call.parse()).unwrap();
    assert_eq!(make(&site, &owner, &json!({ "type": "daily" })).status, 503);
    roll_up_all(&site.db.store).unwrap();
    assert_eq!(make(&site, &owner, &json!({ "type": "daily" })).status, 201);
    let viewer = site.person(&site.joe, UserRole::Viewer).access;
    assert_eq!(make(&site, &viewer, &json!({ "type": "daily" })).status, 403);
}

#[test]
fn schedule_is_set_shown_and_removed() {
    let site = Site::new();
    let owner = site.owner().access;
    let list = || site.call("GET", "/v1/report-schedules").by(&owner).expect(200).document()["items"].clone();
    assert_eq!(list(), json!([]), "none unless somebody wants it");
    let set = |kind: &str, body: &Value| site.call("PUT", format!("/v1/report-schedules/{kind}")).by(&owner).json(body).send();
    let daily = set("daily", &json!({})).document();
    assert_eq!(
        (&daily["kind"], &daily["is_active"], &daily["hour"], &daily["user_ids"], &daily["last_period_start"]),
        (&json!("daily"), &json!(true), &json!(7), &json!([]), &Value::Null)
    );
    assert_eq!(daily["unreached"][0]["why"], "address_not_verified", "{daily}");
    let operator = site.person(&site.joe, UserRole::Operator).id;
    site.db.execute(&format!(
        "UPDATE users SET email_verified = true, email_verified_at = now(), is_active = false WHERE id = '{operator}'"
    ));
    let gone = set("weekly", &json!({ "user_ids": [operator] })).document();
    assert_eq!(gone["unreached"], json!([{ "user_id": operator, "why": "deactivated" }]));
    site.db.execute(&format!("UPDATE users SET is_active = true WHERE id = '{operator}'"));
    assert_eq!(list()[1]["unreached"], json!([]));
    let body = json!({ "hour": 18, "is_active": false, "user_ids": [operator] });
    let weekly = set("weekly", &body).document();
    assert_eq!((&weekly["hour"], &weekly["is_active"], &weekly["user_ids"]), (&json!(18), &json!(false), &json!([operator])));
    assert_eq!(list(), json!([daily, weekly]));

    let viewer = site.person(&site.joe, UserRole::Viewer);
    let stranger = site.person(&site.rival, UserRole::Owner);
    for (kind, body, status, pointer) in [
        ("daily", json!({ "hour": 24 }), 400, "#/hour"),
        ("daily", json!({ "hour": -1 }), 400, "#/hour"),
        ("daily", json!({ "minute": 5 }), 400, "#/minute"),
        ("daily", json!({ "user_ids": ["x"] }), 400, "#/user_ids/0"),
        ("daily", json!({ "user_ids": [viewer.id] }), 400, "#/user_ids"),
        ("daily", json!({ "user_ids": [stranger.id] }), 400, "#/user_ids"),
    ] {
        let answer = set(kind, &body);
        assert_eq!((answer.status, answer.refusal().0.as_str()), (status, pointer), "{body}");
    }
    assert_eq!(set("custom", &json!({})).status, 404);
    let by = |bearer: &str| site.call("PUT", "/v1/report-schedules/daily").by(bearer).json(&json!({})).send().status;
    assert_eq!((by(&viewer.access), by(&stranger.access)), (403, 200), "the stranger's own");
    assert_eq!(list(), json!([daily, weekly]));
    site.call("DELETE", "/v1/report-schedules/daily").by(&owner).expect(204);
    site.call("DELETE", "/v1/report-schedules/daily").by(&owner).expect(404);
    assert_eq!(list(), json!([weekly]));
}

#[test]
fn mails_of_reports_are_listed_by_report_and_status() {
    let site = Site::new();
    let owner = site.owner();
    site.db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
    roll_up_all(&site.db.store).unwrap();
    site.call("PUT", "/v1/report-schedules/daily").by(&owner.access).json(&json!({})).expect(200);
    let yesterday = (site.db.store.now() - chrono::TimeDelta::days(3)).date_naive();
    let job = NewJob::now(JobType::ReportGeneration, json!({ "type": "daily", "first_day": yesterday, "mail": true }));
    site.db.store.as_operator(&site.joe.tenant, |tx| tx.jobs().create(&job)).unwrap();
    assert_eq!(JobWorker::new(site.db.store.clone(), JobWorkerConfig::default()).pass().unwrap().worked, 1);
    let get = |path: &str| site.call("GET", path).by(&owner.access).expect(200).document()["items"].clone();
    let job = get("/v1/jobs")[0].clone();
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(100)));
    let report = job["result"]["report"].as_str().unwrap().to_owned();
    let mails = get("/v1/report-mails");
    assert_eq!(json!(mails.as_array().unwrap().len()), job["result"]["mails"]);
    assert_eq!(
        (&mails[0]["report_id"], &mails[0]["status"], &mails[0]["attempts"]),
        (&json!(report), &json!("waiting"), &json!(0))
    );
    assert!(mails.as_array().unwrap().iter().any(|mail| mail["user_id"] == json!(owner.id)), "{mails}");
    assert_eq!(get(&format!("/v1/report-mails?report={report}&status=waiting")), mails);
    assert_eq!(get("/v1/report-mails?status=sent"), json!([]));
    assert_eq!(get(&format!("/v1/report-mails?report={}", owner.id)), json!([]));
}
