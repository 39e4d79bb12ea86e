//! A business that no operator has approved of costs nothing: every way to spend money is tried.

use crate::people::authenticator;
use crate::support::{Scene, refused};
use chrono::TimeDelta;
use nmc_core::access::Acting;
use nmc_core::conversations::{ConversationEventFilter, Worker, WorkerConfig};
use nmc_core::numbers::{NewPhoneNumber, NumberOrder, Provisioner, ProvisioningConfig};
use nmc_core::store::{Reason, SystemTx};
use nmc_core::telephony::SmsSender;
use nmc_core::tenants::{NewTenant, TenantFilter, TenantPatch};
use nmc_core::testing::TwilioFault::{Pass, TooMany};
use nmc_core::testing::{Business, FakeSms, FakeTwilio, SmsForm, TestDb, VoiceForm, unique_phone, unique_sid};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::workflows::receive_text;
use nmc_core::workflows::{Registered, Registration, onboard};
use nmc_core::workflows::{forward_to, record_voice_status};
use nmc_core::{
    Confirmed, ConsentAction, ConversationEventType, Country, Error, NumberStatus, NumberType, PageRequest, Patch, PhoneNumber,
    Result, Secret,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const PREMIUM: &str = "+19005550123";

fn registration(name: &str, phone: Option<PhoneNumber>) -> Registration {
    Registration {
        business: NewTenant { business_name: name.to_owned(), business_phone: phone, ..NewTenant::default() },
        email: format!("{}@example.com", name.to_lowercase().replace(' ', ".")).parse().unwrap(),
        password: Secret::new("under a sink all day"),
        first_name: "Ada".to_owned(),
        last_name: "Smith".to_owned(),
        phone_number: None,
    }
}

/// A business that has just registered itself.
fn stranger(db: &TestDb) -> Registered {
    authenticator(&db.store).register(&registration("Stranger", Some(unique_phone())), None).unwrap()
}

fn order() -> NumberOrder {
    NumberOrder::of("+13125550100".parse().unwrap(), Country::US)
}

fn shop(db: &TestDb, twilio: &FakeTwilio) -> Provisioner {
    let provider = Arc::new(TwilioNumbers::new(&twilio.account()));
    Provisioner::new(
        db.store.clone(),
        provider,
        nmc_core::testing::webhook_urls("https://nmc.example.com"),
        ProvisioningConfig::default(),
    )
}

fn system<T>(db: &TestDb, work: impl Fn(&mut SystemTx<'_>) -> Result<T>) -> Result<T> {
    db.store.system(Reason::Operations, work)
}

fn worker(scene: &Scene, sms: &Arc<FakeSms>) -> Worker {
    let sms: Arc<dyn SmsSender> = sms.clone();
    Worker::new(scene.db.store.clone(), sms, WorkerConfig::default())
}

#[test]
fn stranger_sets_up_but_buys_and_holds_no_number() {
    let (db, twilio) = (TestDb::new(), FakeTwilio::start());
    let (joe, numbers) = (stranger(&db).tenant, shop(&db, &twilio));
    let operator = Acting::Operator(joe);
    let patch = TenantPatch { business_type: Patch::Set("plumbing".to_owned()), ..TenantPatch::default() };
    db.store.tenant(&joe, |tx| tx.tenants().update(&patch)).unwrap();
    let sid = unique_sid("PN");
    let new = NewPhoneNumber {
        phone_number: unique_phone(),
        twilio_phone_sid: Some(sid),
        locality: None,
        region: None,
        number_type: NumberType::Local,
        price: None,
    };
    let refusals = [
        numbers.buy(&operator, &order(), Duration::ZERO, &mut |_| {}).map(drop),
        numbers.rehearse(&operator, &order()).map(drop),
        db.store.tenant(&joe, |tx| tx.phone_numbers().create(&new)).map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(matches!(error, Error::AwaitingApproval(_)), "{error:?}");
        assert!(error.to_string().contains("approval of whoever operates the platform"), "{error}");
    }
    assert_eq!((db.query::<i64>("SELECT count(*) FROM phone_numbers"), twilio.number_requests()), (vec![0], 0));

    system(&db, |tx| tx.approve_tenant(joe.id())).unwrap();
    let bought = numbers.buy(&operator, &order(), Duration::ZERO, &mut |_| {}).unwrap();
    assert_eq!((bought.status, twilio.purchases().len()), (NumberStatus::Active, 1));
}

/// As one that a program from before has accepted.
#[test]
fn order_under_way_of_an_unapproved_business_is_not_carried_out() {
    let (scene, twilio) = (Scene::new(), FakeTwilio::start());
    let numbers = shop(&scene.db, &twilio);
    let operator = Acting::Operator(scene.business.tenant);
    twilio.fail_numbers_with([Pass, Pass, TooMany(5)]);
    let placed = numbers.buy(&operator, &order(), Duration::ZERO, &mut |_| {}).unwrap();
    assert_eq!(placed.status, NumberStatus::Provisioning);
    scene.business.disapprove(&scene.db, true);
    scene.clock.advance(TimeDelta::hours(1));
    numbers.pass().unwrap();
    let row = scene.tx(|tx| tx.phone_numbers().get(placed.id)).unwrap();
    assert_eq!((row.status, twilio.purchases().len()), (NumberStatus::Error, 0));
    assert!(row.status_reason.unwrap().contains("waits for approval"));
}

#[test]
fn missed_call_of_an_unapproved_business_is_told_and_not_texted() {
    let scene = Scene::new();
    scene.business.disapprove(&scene.db, true);
    let call = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).parse();
    let recorded = record_voice_status(&scene.db.store, &call).unwrap();
    assert_eq!(recorded.greeting, None);
    let filter = ConversationEventFilter::of(recorded.conversation.unwrap());
    let log = scene.tx(|tx| tx.conversation_events().list(&filter, PageRequest::first())).unwrap().items;
    let told = log.iter().find(|event| event.event_type == ConversationEventType::NotTexted).unwrap();
    assert_eq!(told.event_data["reason"], json!("awaiting_approval"));
    assert_eq!(scene.db.query::<i64>("SELECT count(*) FROM messages"), [0]);
}

#[test]
fn keyword_to_an_unapproved_business_counts_without_an_answer() {
    let scene = Scene::new();
    scene.business.disapprove(&scene.db, true);
    let customer = unique_phone();
    let text = |body: &str| SmsForm::text(customer.as_str(), &scene.business.number, body).parse();
    let help = receive_text(&scene.db.store, &text("HELP")).unwrap();
    let stop = receive_text(&scene.db.store, &text("STOP")).unwrap();
    assert_eq!((help.reply, stop.reply), (None, None));
    let consent = scene.db.query::<String>("SELECT action FROM consents");
    assert_eq!(consent, [ConsentAction::OptOut.to_string()]);
}

#[test]
fn staff_of_an_unapproved_business_can_send_no_text() {
    let scene = Scene::new();
    scene.business.disapprove(&scene.db, true);
    let refusal = scene.business.queue(&scene.db.store, &unique_phone(), "Hello").unwrap_err();
    assert!(matches!(refusal, Error::AwaitingApproval("can send no texts")), "{refusal:?}");
}

/// As those that a program from before has queued.
#[test]
fn queued_texts_of_an_unapproved_business_wait_for_its_approval() {
    let (scene, sms) = (Scene::new(), Arc::<FakeSms>::default());
    let text = scene.business.queue(&scene.db.store, &unique_phone(), "Hello").unwrap();
    scene.business.missed(&scene.db.store);
    scene.business.disapprove(&scene.db, true);
    let worker = worker(&scene, &sms);
    for _ in 0..3 {
        scene.clock.advance(TimeDelta::minutes(1));
        assert_eq!(worker.pass().unwrap().sent, 0);
    }
    assert_eq!(scene.business.message(&scene.db.store, text.id).attempts, 0);
    scene.business.disapprove(&scene.db, false);
    let mut sent = 0;
    for _ in 0..3 {
        scene.clock.advance(TimeDelta::seconds(2));
        sent += worker.pass().unwrap().sent;
    }
    assert_eq!(sent, 2);
}

#[test]
fn call_to_an_unapproved_business_is_not_forwarded() {
    let scene = Scene::new();
    let patch = TenantPatch { business_phone: Patch::Set(unique_phone()), ..TenantPatch::default() };
    scene.tx(|tx| tx.tenants().update(&patch)).unwrap();
    let ringing = VoiceForm::missed("+14155550123", &scene.business.number, &unique_sid("CA")).with("CallStatus", "ringing");
    let forwarded = || forward_to(&scene.db.store, &ringing.parse()).unwrap().is_some();
    assert!(forwarded());
    scene.business.disapprove(&scene.db, true);
    assert!(!forwarded());
}

/// Such as one from before that was written down unchecked.
#[test]
fn call_is_not_forwarded_to_a_phone_that_is_dear() {
    let scene = Scene::new();
    let ringing = VoiceForm::missed("+14155550123", &scene.business.number, &unique_sid("CA")).with("CallStatus", "ringing");
    for (phone, forwarded) in [("+13125550199", true), (PREMIUM, false), ("+18005550123", false), ("+88161234567", false)] {
        scene.db.execute(&format!("UPDATE tenants SET business_phone = '{phone}'"));
        assert_eq!(forward_to(&scene.db.store, &ringing.parse()).unwrap().is_some(), forwarded, "{phone}");
    }
}

#[test]
fn phones_that_are_dear_to_call_are_refused_at_every_door() {
    let scene = Scene::new();
    let auth = authenticator(&scene.db.store);
    for (phone, rule) in [
        (PREMIUM, "not a premium"),
        ("+15005550123", "not a premium"),
        ("+447012345678", "not a premium"),
        ("+18885550123", "not a premium"),
        ("+88161234567", "not a premium"),
        ("+448451234567", "not a premium"),
        ("+1312555019", "can be called"),
    ] {
        let phone: PhoneNumber = phone.parse().unwrap();
        let patch = TenantPatch { business_phone: Patch::Set(phone.clone()), ..TenantPatch::default() };
        let new = registration("Dear", Some(phone.clone()));
        let refusals = [
            refused(scene.tx(|tx| tx.tenants().update(&patch))),
            refused(system(&scene.db, |tx| tx.create_tenant(&new.business))),
            refused(onboard(&scene.db.store, &new.business)),
            refused(auth.register(&new, None)),
            refused(auth.register_approved(&new, None)),
        ];
        for (field, told) in refusals {
            assert!(field == "business_phone" && told.contains(rule), "{phone}: {field} {told}");
        }
    }
}

#[test]
fn numbers_bought_and_given_back_in_turn_end_at_twice_the_limit() {
    let scene = Scene::new();
    scene.db.execute("DELETE FROM phone_numbers");
    let twilio = FakeTwilio::with_clock(scene.clock.clone());
    let numbers = shop(&scene.db, &twilio);
    let joe = scene.business.tenant.id();
    let operator = Acting::Operator(scene.business.tenant);
    system(&scene.db, |tx| tx.set_phone_number_limit(joe, 2)).unwrap();
    let yes = Confirmed::irrevocably;
    // The same number again and again, and others.
    for last in [0, 0, 0, 1] {
        let order = NumberOrder::of(format!("+131255501{last:02}").parse().unwrap(), Country::US);
        let row = numbers.buy(&operator, &order, Duration::ZERO, &mut |_| {}).unwrap();
        numbers.release(&operator, row.id, yes(), Duration::ZERO, &mut |_| {}).unwrap();
    }
    let again = |last: u8| {
        let order = NumberOrder::of(format!("+131255501{last:02}").parse().unwrap(), Country::US);
        numbers.buy(&operator, &order, Duration::ZERO, &mut |_| {})
    };
    for last in [0, 2] {
        let (field, rule) = refused(again(last));
        assert!(field == "phone_number" && rule.contains("within 30 days"), "{field} {rule}");
    }
    assert_eq!(twilio.purchases().len(), 4);
    scene.clock.advance(TimeDelta::days(30));
    assert_eq!(again(0).unwrap().status, NumberStatus::Active);
}

#[test]
fn approval_keeps_its_first_time_and_shows_in_the_list() {
    let scene = Scene::new();
    let joe = authenticator(&scene.db.store).register(&registration("Stranger", None), None).unwrap();
    assert!(!joe.business.is_approved());
    let waiting = |is_waiting: bool| {
        let filter = TenantFilter { awaiting_approval: Some(is_waiting), ..TenantFilter::default() };
        let listed = system(&scene.db, |tx| tx.list_tenants(&filter, PageRequest::first())).unwrap().items;
        assert_eq!(system(&scene.db, |tx| tx.count_tenants(&filter)).unwrap(), i64::try_from(listed.len()).unwrap());
        listed.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!((waiting(true), waiting(false)), (vec![joe.business.id], vec![scene.business.tenant.id()]));
    let at = scene.tick();
    for _ in 0..2 {
        let row = system(&scene.db, |tx| tx.approve_tenant(joe.business.id)).unwrap();
        assert_eq!(row.approved_at, Some(at));
        scene.tick();
    }
    assert_eq!(waiting(true), []);
    let nobody = system(&scene.db, |tx| tx.approve_tenant(nmc_core::TenantId::new(uuid::Uuid::nil())));
    assert!(matches!(nobody, Err(Error::NotFound { entity: "tenant" })), "{nobody:?}");
}

#[test]
fn operators_and_open_registration_make_approved_businesses() {
    let db = TestDb::new();
    let (_, taken_in) = onboard(&db.store, &NewTenant { business_name: "Taken in".to_owned(), ..NewTenant::default() }).unwrap();
    let open = authenticator(&db.store).register_approved(&registration("Open", None), None).unwrap();
    assert!(taken_in.is_approved() && open.business.is_approved() && open.is_new);
}

/// The statements of a program from before don't name the column.
#[test]
fn businesses_from_before_are_approved_and_later_ones_wait() {
    let db = TestDb::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/2026-11-28-000013_approve_businesses");
    let sql = |name: &str| std::fs::read_to_string(format!("{folder}/{name}.sql")).unwrap();
    db.execute(&sql("down"));
    db.execute("INSERT INTO tenants (business_name) VALUES ('Before')");
    db.execute(&sql("up"));
    db.execute("INSERT INTO tenants (business_name) VALUES ('After')");
    let approved = "SELECT business_name FROM tenants WHERE approved_at IS NOT NULL";
    assert_eq!(db.query::<String>(approved), ["Before"]);
    let business = Business::onboard(&db.store, "Now");
    assert!(business.row.is_approved());
}
