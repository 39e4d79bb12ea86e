//! `nmc tenant approve`: a business that registered itself, from the terminal's side.

use crate::nmc::Nmc;
use crate::numbers::{CHICAGO, Scene};
use crate::onboard::authenticator;
use nmc_core::Secret;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::Registration;
use serde_json::{Value, json};

const ADA: &str = "Ada Air";

fn register(scene: &Scene) {
    let new = Registration {
        business: NewTenant { business_name: ADA.to_owned(), ..NewTenant::default() },
        email: "ada@example.com".parse().expect("an address"),
        password: Secret::new("under a sink all day"),
        first_name: "Ada".to_owned(),
        last_name: "Air".to_owned(),
        phone_number: None,
    };
    authenticator(&scene.db).register(&new, None).expect("a business");
}

fn waiting(nmc: &Nmc) -> Vec<Value> {
    let page = nmc.run(&["tenant", "list", "--awaiting-approval", "--format", "json"]).json();
    page["items"].as_array().expect("rows").iter().map(|row| row["business_name"].clone()).collect()
}

#[test]
fn stranger_waits_is_listed_is_approved_and_buys() {
    let scene = Scene::new();
    register(&scene);
    assert_eq!(waiting(&scene.nmc), [json!(ADA)]);
    let buy = ["number", "buy", CHICAGO, "--tenant", ADA, "--yes"];
    let requests = scene.twilio.number_requests();
    scene.nmc.run(&buy).refused(2, "until then it can't buy numbers (nmc tenant approve)");
    let add = ["number", "add", "--tenant", ADA, "+13125550177", "--sid", "PN00000000000000000000000000000077"];
    scene.nmc.clone().with("TWILIO_AUTH_TOKEN", "").run(&add).refused(2, "until then it can hold no numbers");
    assert_eq!((scene.twilio.number_requests(), scene.rows().len()), (requests, 0));

    scene.nmc.run(&["tenant", "approve", ADA]).refused(2, "say --yes");
    assert_eq!(waiting(&scene.nmc), [json!(ADA)]);
    let said = scene.nmc.run(&["tenant", "approve", ADA, "--yes", "--format", "json"]).ok();
    assert!(said.err.contains("may buy numbers") && said.err.contains("its owner is told"), "{said:?}");
    let row = said.json();
    assert!(row["approved_at"].is_string(), "{row}");
    assert_eq!(waiting(&scene.nmc), Vec::<Value>::new());
    assert_eq!(scene.nmc.run(&["tenant", "approve", ADA, "--format", "json"]).json()["approved_at"], row["approved_at"]);
    scene.nmc.run(&buy).ok();
    scene.nmc.run(&["tenant", "approve", "Nobody"]).refused(2, "tenant not found");
}

#[test]
fn onboarded_businesses_are_approved_and_dear_phones_refused() {
    let scene = Scene::new();
    let made = scene.nmc.run(&["tenant", "onboard", "--name", ADA, "--format", "json"]).json();
    assert!(made["approved_at"].is_string(), "{made}");
    for arguments in [["onboard", "--name", "Dear", "--phone"], ["change", ADA, "--trade=hvac", "--phone"]] {
        let all = [&["tenant"], &arguments[..], &["+19005550123"]].concat();
        scene.nmc.run(&all).refused(2, "business_phone must be a number that calls can be forwarded to");
    }
    scene.nmc.run(&["serve", "--registration", "ask"]).refused(2, "[possible values: open, approval, closed]");
}
