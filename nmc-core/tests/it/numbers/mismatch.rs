//! A SID that was written down wrong, and settings that somebody else made: what is a stranger's stays as it is.

use super::{Scene, chicago};
use crate::support::refused;
use nmc_core::numbers::{HeldNumber, Month, NewPhoneNumber, NumberOrder, Oddity, Outcome, note_number_status};
use nmc_core::telephony::{ProviderError, ReportedNumber};
use nmc_core::testing::TwilioFault;
use nmc_core::{Country, Error, NumberStatus, NumberType, Result};
use std::time::Duration;

impl Scene {
    /// Joe's number, added under this SID.
    fn add(&self, last: u8, sid: &str) -> Result<HeldNumber> {
        let new = NewPhoneNumber {
            phone_number: chicago(last),
            twilio_phone_sid: Some(sid.to_owned()),
            locality: None,
            region: None,
            number_type: NumberType::Local,
            price: None,
        };
        self.db.store.tenant(&self.joe.tenant, |tx| tx.phone_numbers().create(&new))
    }

    fn oddities(&self) -> Vec<(Oddity, Outcome)> {
        let found = self.numbers.reconcile(false).unwrap().findings.into_iter();
        found.map(|finding| (finding.oddity, finding.outcome)).collect()
    }

    fn row(&self) -> HeldNumber {
        self.rows().remove(0)
    }
}

#[track_caller]
fn mismatched(result: Result<HeldNumber>) {
    let result = result.map(|row| row.status);
    assert!(matches!(result, Err(Error::Provider(ProviderError::Mismatched))), "{result:?}");
}

#[test]
fn a_strangers_number_is_not_given_back() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&chicago(0), "the shop next door", None);
    let ours = scene.twilio.own(&chicago(1), "ours", None);
    let row = scene.add(1, &stranger).unwrap();
    assert_eq!(scene.oddities()[0], (Oddity::Mismatched, Outcome::Reported));

    mismatched(scene.release(&row));
    let row = scene.row();
    assert_eq!((row.status, row.release_requested_at, row.next_attempt_at), (NumberStatus::Error, None, None));
    assert!(row.status_reason.as_ref().unwrap().contains("the row has to be put right"), "{row:?}");
    mismatched(scene.release(&row));
    scene.to_rest();
    assert_eq!((scene.twilio.given_back(), scene.twilio.owned().len()), (vec![], 2), "whoever tries, however often");
    assert_eq!(scene.oddities()[0], (Oddity::Mismatched, Outcome::Reported));

    let mended = scene.numbers.repair(&scene.operator(), row.id).unwrap();
    assert_eq!((mended.status, mended.twilio_phone_sid.as_ref()), (NumberStatus::Active, Some(&ours)));
    assert_eq!(scene.numbers.repair(&scene.operator(), row.id).unwrap(), mended, "again changes nothing");
    assert_eq!(scene.release(&mended).unwrap().status, NumberStatus::Released);
    assert_eq!(scene.twilio.given_back(), [(chicago(1).to_string(), ours)]);
}

#[test]
fn release_of_an_unknown_sid_looks_for_the_number() {
    let scene = Scene::new();
    let ours = scene.twilio.own(&chicago(1), "ours", None);
    let row = scene.add(1, "PN66666666666666666666666666666666").unwrap();
    mismatched(scene.release(&row));
    assert_eq!((scene.row().status, scene.twilio.given_back()), (NumberStatus::Error, vec![]), "it is still paid for");
    let mended = scene.numbers.repair(&scene.operator(), row.id).unwrap();
    assert_eq!(scene.release(&mended).unwrap().status, NumberStatus::Released);
    assert_eq!(scene.twilio.given_back(), [(chicago(1).to_string(), ours)]);
}

impl Scene {
    /// Workers for a day.
    fn to_rest(&self) {
        for _ in 0..24 {
            self.an_hour_later();
        }
    }
}

#[test]
fn a_release_on_its_way_compares_before_each_attempt() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&chicago(0), "the shop next door", None);
    let row = scene.add(1, &stranger).unwrap();
    scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore, TwilioFault::TooMany(1), TwilioFault::DropBefore]);
    assert!(scene.release(&row).unwrap().is_releasing());
    scene.to_rest();
    assert_eq!((scene.row().status, scene.twilio.given_back()), (NumberStatus::Error, vec![]));
}

#[test]
fn a_released_row_with_a_strangers_sid_gives_nothing_back() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&chicago(0), "the shop next door", None);
    let row = scene.add(1, &stranger).unwrap();
    scene.db.store.tenant(&scene.joe.tenant, |tx| tx.phone_numbers().set_status(row.id, NumberStatus::Released)).unwrap();
    assert_eq!(scene.oddities(), [(Oddity::Mismatched, Outcome::Reported)]);
    assert_eq!(scene.twilio.given_back(), []);
}

#[test]
fn a_strangers_webhooks_are_not_taken_over() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&chicago(0), "the shop next door", None);
    let row = scene.add(1, &stranger).unwrap();
    let before = scene.twilio.owned();
    mismatched(scene.numbers.configure(&scene.operator(), row.id));
    assert_eq!((scene.twilio.owned(), scene.row().status), (before, NumberStatus::Active), "and it is still in use");
    assert!(!scene.numbers.reconcile(false).unwrap().findings[0].what().contains("configure"), "nor is that advised");

    note_number_status(&scene.db.store, &ReportedNumber::Sid(stranger)).unwrap();
    scene.numbers.pass().unwrap();
    let row = scene.row();
    assert_eq!((row.status, row.next_attempt_at), (NumberStatus::Active, None));
    assert!(row.status_reason.unwrap().contains("another number"));
}

#[test]
fn a_number_the_account_does_not_own_is_repaired_to_none() {
    let scene = Scene::new();
    let stranger = scene.twilio.own(&chicago(0), "the shop next door", None);
    let row = scene.add(1, &stranger).unwrap();
    scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore]);
    assert!(matches!(scene.numbers.repair(&scene.operator(), row.id), Err(Error::Unavailable { .. })));
    assert_eq!(scene.row(), row, "nothing is concluded from no answer");
    let mended = scene.numbers.repair(&scene.operator(), row.id).unwrap();
    assert_eq!((mended.status, mended.twilio_phone_sid.as_deref()), (NumberStatus::Error, None));
    assert_eq!(scene.release(&mended).unwrap().status, NumberStatus::Released);
    assert_eq!(scene.twilio.given_back(), []);
}

#[test]
fn what_is_no_sid_is_refused() {
    let scene = Scene::new();
    let hex = "0123456789abcdef0123456789abcdef";
    for sid in ["123", "PN1", &format!("CA{hex}"), &format!("PN{hex}0"), &format!("PN{}g", &hex[1..]), "PN"] {
        assert_eq!(refused(scene.add(1, sid)).0, "twilio_phone_sid", "{sid}");
    }
    assert_eq!(scene.add(1, &format!(" PN{hex} ")).unwrap().status, NumberStatus::Active);
}

#[test]
fn an_added_number_has_no_costs_unless_told() {
    let scene = Scene::new();
    let row = scene.add(1, "PN0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!((row.setup_cost_cents, row.monthly_cost_cents), (0, 0));
    let costs = scene.db.store.tenant(&scene.joe.tenant, |tx| {
        let now = Month::of(tx.now());
        tx.phone_numbers().costs(now, now)
    });
    assert_eq!(costs.unwrap().iter().map(nmc_core::numbers::MonthCosts::total_cents).sum::<i64>(), 0);
}

#[test]
fn a_number_that_can_not_text_is_bought_only_on_a_word() {
    let scene = Scene::new();
    // The stand-in's British numbers can't text.
    let number = "+442079460199".parse().unwrap();
    scene.twilio.sell(&number);
    let order = NumberOrder::of(number, "GB".parse::<Country>().unwrap());
    let buy = |order: &NumberOrder| scene.numbers.buy(&scene.operator(), order, Duration::ZERO, &mut |_| {});
    if scene.numbers.quote(&NumberOrder { without_sms: true, ..order.clone() }).unwrap().number.capabilities.sms {
        panic!("the fake sells it as one that texts");
    }
    assert_eq!(refused(buy(&order)).0, "without_sms");
    assert_eq!((scene.rows(), scene.twilio.purchases().len()), (vec![], 0));
    assert_eq!(buy(&NumberOrder { without_sms: true, ..order }).unwrap().status, NumberStatus::Active);
}

// ------------------------------------------------------------------------------------------- webhooks set by hand

#[test]
fn a_bought_number_asks_to_be_tried_again_and_has_a_fallback() {
    let scene = Scene::new();
    scene.buy(&chicago(0)).unwrap();
    let owned = scene.twilio.owned().remove(0);
    let voice = "https://nmc.example.com/webhooks/twilio/voice#rc=3&rp=ct,rt,5xx";
    assert_eq!((owned.voice_url.as_str(), owned.voice_fallback_url.as_str()), (voice, voice));
    assert_eq!(owned.sms_fallback_url, "https://nmc.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx");
}

#[test]
fn what_an_operator_set_at_twilio_is_accepted_and_kept() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    let sid = row.twilio_phone_sid.clone().unwrap();
    let by_hand = [
        ("VoiceUrl", "https://nmc.example.com/webhooks/twilio/voice#rc=5&rp=all"),
        ("VoiceFallbackUrl", "https://handler.twilio.com/twiml/EH1"),
        ("VoiceFallbackMethod", "GET"),
        ("SmsUrl", "https://nmc.example.com/webhooks/twilio/sms"),
        ("SmsFallbackUrl", ""),
    ];
    for (parameter, value) in by_hand {
        scene.twilio.set_by_hand(&sid, parameter, value);
    }
    assert_eq!(scene.oddities(), []);
    scene.numbers.configure(&scene.operator(), row.id).unwrap();
    let owned = scene.twilio.owned().remove(0);
    assert_eq!((owned.voice_url.as_str(), owned.voice_fallback_url.as_str()), (by_hand[0].1, by_hand[1].1));
    let filled = "https://nmc.example.com/webhooks/twilio/sms#rc=3&rp=ct,rt,5xx";
    assert_eq!((owned.sms_url.as_str(), owned.sms_fallback_url.as_str()), (filled, filled));
    assert_eq!(scene.row().webhook_urls["voice_fallback"], by_hand[1].1);
    // What calls go to is not theirs to choose.
    scene.twilio.set_by_hand(&sid, "VoiceUrl", "https://elsewhere.example.com/webhooks/twilio/voice");
    assert_eq!(scene.oddities(), [(Oddity::Webhooks, Outcome::Reported)]);
}
