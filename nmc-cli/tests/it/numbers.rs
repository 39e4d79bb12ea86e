//! `nmc number` against Twilio's API: what it says, what it costs, and how it ends.

mod added;
mod killed;
mod refused;

use crate::nmc::{Nmc, Said};
use nmc_core::testing::{Business, FakeTwilio, TestDb};
use serde_json::{Value, json};

pub(super) const JOE: &str = "Joe's Plumbing";
/// For sale at the fake, in Chicago.
pub(super) const CHICAGO: &str = "+13125550105";

/// A business, an account at Twilio, and nmc set up for both.
pub(super) struct Scene {
    pub(super) twilio: FakeTwilio,
    pub(super) db: TestDb,
    pub(super) joe: Business,
    pub(super) nmc: Nmc,
}

impl Scene {
    pub(super) fn new() -> Self {
        let (twilio, db) = (FakeTwilio::start(), TestDb::new());
        let joe = Business::onboard(&db.store, JOE);
        // What the kit gave it, Twilio has, too.
        let sids: Vec<String> = db.query("SELECT twilio_phone_sid::text FROM phone_numbers");
        let id: Vec<String> = db.query("SELECT id::text FROM phone_numbers");
        twilio.own(&joe.number, &format!("nmc:{}", id[0]), Some(sids[0].clone()));
        let account = twilio.account();
        let nmc = Nmc::on(db.url())
            .with("NMC_TENANT", JOE)
            .with("NMC_TWILIO_API_URL", twilio.url())
            .with("TWILIO_ACCOUNT_SID", account.account_sid)
            .with("TWILIO_AUTH_TOKEN", account.auth_token.expose())
            .with("NMC_PUBLIC_URL", "https://nmc.example.com");
        let scene = Self { twilio, db, joe, nmc };
        scene.nmc.run(&["number", "configure"]).ok();
        scene
    }

    pub(super) fn number(&self, arguments: &[&str]) -> Said {
        self.nmc.run(&[&["number"], arguments].concat())
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        self.number(&[arguments, &["--format", "json"]].concat()).json()
    }

    /// The rows of numbers that the kit did not make: number, status, SID.
    pub(super) fn rows(&self) -> Vec<(String, String, Option<String>)> {
        let rows: Vec<Value> = self.db.query(&format!(
            "SELECT to_jsonb(ARRAY[phone_number, status, twilio_phone_sid]) AS row FROM phone_numbers \
             WHERE phone_number <> '{}' ORDER BY created_at",
            self.joe.number
        ));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let row = |row: &Value| Some((text(&row[0])?, text(&row[1])?, text(&row[2])));
        rows.iter().filter_map(row).collect()
    }

    /// What Twilio bills is what we hold, number by number and SID by SID; and nothing was bought twice.
    #[track_caller]
    pub(super) fn is_balanced(&self) {
        let mut billed: Vec<(String, String)> =
            self.twilio.owned().into_iter().map(|number| (number.phone_number, number.sid)).collect();
        let mut held: Vec<(String, String)> = self
            .db
            .query::<Value>(
                "SELECT to_jsonb(ARRAY[phone_number, twilio_phone_sid]) AS row FROM phone_numbers WHERE status IN ('active', 'inactive')",
            )
            .iter()
            .filter_map(|row| Some((row[0].as_str()?.to_owned(), row[1].as_str()?.to_owned())))
            .collect();
        billed.sort();
        held.sort();
        assert_eq!(billed, held, "what Twilio bills is what we hold");
        let mut bought: Vec<String> = self.twilio.purchases().into_iter().map(|(number, _)| number).collect();
        let given_back: Vec<String> = self.twilio.given_back().into_iter().map(|(number, _)| number).collect();
        for number in given_back {
            if let Some(at) = bought.iter().position(|known| *known == number) {
                bought.remove(at);
            }
        }
        let count = bought.len();
        bought.sort();
        bought.dedup();
        assert_eq!(bought.len(), count, "bought twice: {:?}", self.twilio.purchases());
        assert_eq!(self.twilio.take_number_faults(), [], "a fault that never came to pass");
    }
}

#[test]
fn a_number_is_searched_bought_shown_configured_and_given_back() {
    let scene = Scene::new();
    let found = scene.json(&["search", "--area-code", "312", "--limit", "3"]);
    let numbers: Vec<&str> = found["items"].as_array().unwrap().iter().map(|row| row["phone_number"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["+13125550100", "+13125550101", "+13125550102"]);
    assert_eq!((&found["items"][0]["locality"], &found["items"][0]["region"]), (&json!("Chicago"), &json!("IL")));

    let bought = scene.number(&["buy", CHICAGO, "--yes", "--format", "json"]);
    assert!(bought.err.contains("asking Twilio for its price") && bought.err.contains("buying +13125550105 …"), "{bought:?}");
    let bought = bought.json();
    assert_eq!(
        (&bought["status"], &bought["locality"], &bought["monthly_cost"], &bought["setup_cost"], &bought["currency"]),
        (&json!("active"), &json!("Chicago"), &json!("1.15"), &json!("0.00"), &json!("USD"))
    );
    assert_eq!(bought["capabilities"], json!({"voice": true, "sms": true, "mms": true}));
    let sid = bought["twilio_phone_sid"].as_str().unwrap();
    let id = bought["id"].as_str().unwrap();
    let owned = scene.twilio.owned().into_iter().find(|owned| owned.sid == sid).unwrap();
    assert_eq!(owned.friendly_name, format!("nmc:{id}"));
    let webhooks = [owned.voice_url.as_str(), owned.status_callback.as_str(), owned.sms_url.as_str()];
    let at = |path: &str| format!("https://nmc.example.com/webhooks/twilio/{path}#rc=3&rp=ct,rt,5xx");
    assert_eq!(webhooks, [at("voice"), at("voice/status"), at("sms")]);
    assert_eq!(scene.json(&["show", id]), bought);
    assert_eq!(scene.json(&["show", CHICAGO]), bought);
    assert_eq!(scene.json(&["list", "--status", "active"])["items"].as_array().unwrap().len(), 2);
    scene.is_balanced();

    let moved = scene.nmc.clone().with("NMC_PUBLIC_URL", "https://calls.example.com");
    let drift = moved.run(&["number", "reconcile"]).code(1);
    assert!(drift.out.contains("its webhooks at Twilio are not ours"), "{drift:?}");
    let dry = moved.run(&["number", "configure", CHICAGO, "--dry-run"]).ok();
    assert!(dry.err.contains("nothing was set"), "{dry:?}");
    assert!(scene.twilio.owned().iter().all(|owned| owned.sms_url.contains("nmc.example.com")));
    moved.run(&["number", "configure"]).ok();
    assert!(scene.twilio.owned().iter().all(|owned| owned.sms_url.contains("calls.example.com")));
    assert_eq!(
        scene.json(&["show", id])["webhook_urls"]["sms"],
        json!("https://calls.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx")
    );

    let released = scene.json(&["release", CHICAGO, "--yes"]);
    assert_eq!(
        (&released["status"], &released["id"], &released["twilio_phone_sid"]),
        (&json!("released"), &json!(id), &json!(sid))
    );
    assert!(released["released_at"].is_string());
    scene.is_balanced();
    scene.number(&["release", CHICAGO, "--yes"]).refused(2, "phone number not found");
    assert!(scene.number(&["release", id, "--yes"]).ok().err.contains("released already"));

    // It keeps its history, and can be had again.
    let again = scene.json(&["buy", CHICAGO, "--yes"]);
    assert_ne!(again["id"], json!(id));
    assert_eq!(scene.rows().iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["released", "active"]);
    scene.is_balanced();
}

#[test]
fn without_a_number_the_first_that_meets_the_criteria_is_bought() {
    let scene = Scene::new();
    let bought = scene.json(&["buy", "--area-code", "415", "--contains", "0112", "--yes"]);
    assert_eq!((&bought["phone_number"], &bought["region"]), (&json!("+14155550112"), &json!("CA")));
    let bought = scene.json(&["buy", "--type", "toll-free", "--yes"]);
    assert_eq!((&bought["number_type"], &bought["monthly_cost"]), (&json!("toll-free"), &json!("2.15")));
    let bought = scene.json(&["buy", "+18005550195", "--yes"]);
    assert_eq!(bought["number_type"], json!("toll-free"), "told by the number itself");
    scene.number(&["buy", CHICAGO, "--area-code", "312", "--yes"]).refused(2, "criteria for a search have no meaning");
    scene.is_balanced();
}

#[test]
fn money_is_spent_and_numbers_are_given_back_only_after_a_yes() {
    let scene = Scene::new();
    let asked = scene.number(&["buy", CHICAGO]);
    let what = "This buys +13125550105 (Chicago, IL) for Joe's Plumbing: 1.15 USD a month, and 0.00 USD once: say --yes";
    asked.refused(2, what);
    let dry = scene.number(&["buy", CHICAGO, "--dry-run"]).ok();
    assert!(dry.err.contains("Nothing was bought: --dry-run") && dry.out.contains("1.15"), "{dry:?}");
    assert_eq!((scene.twilio.purchases(), scene.rows()), (vec![], vec![]));
    scene.number(&["buy", CHICAGO, "--yes"]).ok();
    scene.number(&["release", CHICAGO]).refused(2, "This gives back +13125550105 of Joe's Plumbing");
    let dry = scene.number(&["release", CHICAGO, "--dry-run"]).ok();
    assert!(dry.err.contains("Nothing was done: --dry-run"), "{dry:?}");
    assert_eq!(scene.rows()[0].1, "active");
    let dry = scene.number(&["buy", CHICAGO, "--dry-run"]);
    dry.refused(2, "phone_number is held by the business already");
    scene.is_balanced();
}

#[test]
fn the_token_may_stand_in_a_file_and_is_never_told() {
    let scene = Scene::new();
    let file = std::env::temp_dir().join(format!("nmc-token-{}", std::process::id()));
    let account = scene.twilio.account();
    std::fs::write(&file, format!("{}\nand more\n", account.auth_token.expose())).unwrap();
    let nmc = scene.nmc.clone().with("TWILIO_AUTH_TOKEN", "").with("TWILIO_AUTH_TOKEN_FILE", &file);
    let said = nmc.run(&["number", "search", "--log", "trace"]).ok();
    assert!(said.err.contains("each costs 1.15 USD a month, and 0.00 USD once"), "{said:?}");
    nmc.clone().with("TWILIO_AUTH_TOKEN", "x").run(&["number", "search"]).refused(2, "are both set: choose one");
    std::fs::write(&file, "\n").unwrap();
    nmc.run(&["number", "search"]).refused(2, "has an empty first line");
    std::fs::remove_file(&file).unwrap();
    nmc.run(&["number", "search"]).refused(2, "can't be read");
    let bought = scene.number(&["buy", CHICAGO, "--yes", "--log", "trace"]).ok();
    for text in [said.out, said.err, bought.out, bought.err] {
        assert!(!text.contains(account.auth_token.expose()), "{text}");
    }
}

#[test]
fn reconcile_reports_what_is_nobodys_and_mends_what_is_ours() {
    let scene = Scene::new();
    let clean = scene.number(&["reconcile"]).ok();
    assert!(clean.err.contains("1 number at Twilio, 1 held here; 0 paid for and not accounted for"), "{clean:?}");
    scene.number(&["buy", CHICAGO, "--yes"]).ok();
    let id = scene.json(&["show", CHICAGO])["id"].as_str().unwrap().to_owned();

    // Given back here, and alive there all the same: an answer that was a lie, or an account that was another.
    let sid = scene.rows()[0].2.clone().unwrap();
    scene.number(&["release", CHICAGO, "--yes"]).ok();
    let again = scene.twilio.own(&CHICAGO.parse().unwrap(), &format!("nmc:{id}"), Some(sid));
    let foreign = scene.twilio.own(&"+12125550150".parse().unwrap(), "(212) 555-0150", None);
    let elsewhere = "nmc:01993b6e-0000-7000-8000-000000000000";
    scene.twilio.own(&"+12125550151".parse().unwrap(), elsewhere, None);
    // Held here, and lost there.
    let lost: Vec<String> =
        scene.db.query(&format!("SELECT twilio_phone_sid::text FROM phone_numbers WHERE phone_number = '{}'", scene.joe.number));
    scene.twilio.lose(&lost[0]);

    let findings = |arguments: &[&str]| {
        let said = scene.number(&[&["reconcile", "--format", "json"], arguments].concat()).code(1);
        let document: Value = serde_json::from_str(&said.out).unwrap();
        let mut told: Vec<String> = document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                format!(
                    "{} {} {}",
                    finding["phone_number"].as_str().unwrap(),
                    finding["outcome"].as_str().unwrap(),
                    finding["unaccounted"]
                )
            })
            .collect();
        told.sort();
        (told, document["unaccounted"].as_i64().unwrap())
    };
    let reported = |number: &str, unaccounted: bool| format!("{number} reported {unaccounted}");
    let own = scene.joe.number.as_str();
    let (told, unaccounted) = findings(&["--dry-run"]);
    let mut expected =
        vec![reported("+12125550150", true), reported("+12125550151", true), reported(CHICAGO, true), reported(own, false)];
    expected.sort();
    assert_eq!((told, unaccounted), (expected, 3));
    assert!(scene.twilio.owned().iter().any(|owned| owned.sid == again), "--dry-run only looks");
    let (told, unaccounted) = findings(&[]);
    assert!(told.contains(&format!("{CHICAGO} given back false")), "{told:?}");
    assert_eq!(unaccounted, 2);
    assert!(scene.twilio.owned().iter().any(|owned| owned.sid == foreign), "others' numbers are not touched");

    // What people do about the rest ends the report.
    scene.number(&["add", "+12125550150", "--sid", &foreign]).ok();
    scene.number(&["configure", "+12125550150"]).ok();
    scene.twilio.lose(&scene.twilio.owned().into_iter().find(|owned| owned.friendly_name == elsewhere).unwrap().sid);
    scene.number(&["release", own, "--yes"]).ok();
    let clean = scene.number(&["reconcile"]).ok();
    assert!(clean.err.contains("1 number at Twilio, 1 held here; 0 paid for"), "{clean:?}");
    scene.is_balanced();
}

#[test]
fn costs_are_told_month_by_month() {
    let scene = Scene::new();
    scene.number(&["buy", CHICAGO, "--yes"]).ok();
    scene.db.execute(&format!(
        "UPDATE phone_numbers SET provisioned_at = now() - interval '40 days' WHERE phone_number = '{CHICAGO}'"
    ));
    scene.db.execute(&format!("DELETE FROM phone_numbers WHERE phone_number = '{}'", scene.joe.number));
    let costs = scene.json(&["costs"]);
    let months = costs["items"].as_array().unwrap();
    assert_eq!(months.last().unwrap()["total"], json!("1.15"));
    let all: f64 = months.iter().map(|month| month["total"].as_str().unwrap().parse::<f64>().unwrap()).sum();
    assert!((all - 2.3).abs() < 1e-9, "bought, and paid once more a month later: {costs}");
    scene.number(&["costs", "--from", "2026-13"]).refused(2, "must be like 2026-11");
    scene.number(&["costs", "--from", "2026-02", "--to", "2026-01"]).refused(2, "to must not be before from");
    scene.number(&["costs", "--from", "1990-02", "--to", "2026-01"]).refused(2, "at most 59 months");
}
