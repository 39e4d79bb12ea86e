//! What Twilio reports of a number by itself is a hint to ask it.

use super::{Scene, chicago};
use nmc_core::numbers::note_number_status;
use nmc_core::telephony::NumberStatusCallback;
use nmc_core::telephony::ReportedNumber;
use nmc_core::testing::TwilioFault::{self, Pass};
use nmc_core::{Error, NumberStatus};

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_report_names_a_number_by_sid_or_by_itself() {
    let parse = |pairs: &[(&str, &str)]| NumberStatusCallback::parse(&form(pairs)).map(|callback| callback.number);
    assert!(matches!(parse(&[("PhoneNumberSid", "PN1")]), Ok(ReportedNumber::Sid(sid)) if sid == "PN1"));
    assert!(
        matches!(parse(&[("IncomingPhoneNumberSid", "PN2"), ("Status", "new")]), Ok(ReportedNumber::Sid(sid)) if sid == "PN2")
    );
    assert!(matches!(parse(&[("PhoneNumber", "+13125550100")]), Ok(ReportedNumber::Number(_))));
    for (pairs, at) in [
        (&[][..], "PhoneNumber"),
        (&[("PhoneNumber", "312")], "PhoneNumber"),
        (&[("PhoneNumberSid", "PN 1")], "PhoneNumberSid"),
        (&[("PhoneNumber", "+1312\0")], "PhoneNumber"),
    ] {
        assert!(matches!(parse(pairs), Err(Error::Invalid { field, .. }) if field == at), "{pairs:?}");
    }
}

#[test]
fn number_that_twilio_lost_is_in_error_after_the_next_look() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    let sid = row.twilio_phone_sid.unwrap();
    let note = |reported: ReportedNumber| note_number_status(&scene.db.store, &reported);
    note(ReportedNumber::Sid(sid.clone())).unwrap();
    assert_eq!(scene.numbers.pass().unwrap(), 1);
    let fine = scene.rows().remove(0);
    assert_eq!((fine.status, fine.next_attempt_at), (NumberStatus::Active, None), "it is still there: nothing has happened");

    scene.twilio.lose(&sid);
    note(ReportedNumber::Number(chicago(0))).unwrap();
    scene.twilio.fail_numbers_with([TwilioFault::ErrorBefore]);
    scene.numbers.pass().unwrap();
    assert_eq!(scene.statuses(), [NumberStatus::Active], "no answer is no proof");
    scene.an_hour_later();
    let lost = scene.rows().remove(0);
    assert_eq!(
        (lost.status, lost.status_reason.as_deref()),
        (NumberStatus::Error, Some("Twilio does not have the number any more"))
    );
    // What it has cost stays told: it is not bought again in the same row.
    assert!(crate::support::refused(scene.buy(&chicago(0))).1.contains("was lost at Twilio"));
    assert_eq!(scene.release(&lost).unwrap().status, NumberStatus::Released);
}

#[test]
fn a_report_of_a_purchase_that_is_open_ends_it_at_once() {
    let scene = Scene::new();
    scene.twilio.fail_numbers_with([Pass, Pass, TwilioFault::DropAfter, TwilioFault::TooMany(3_000)]);
    scene.buy(&chicago(0)).unwrap();
    assert_eq!(scene.numbers.pass().unwrap(), 0, "not due for an hour");
    note_number_status(&scene.db.store, &ReportedNumber::Number(chicago(0))).unwrap();
    assert_eq!((scene.numbers.pass().unwrap(), scene.statuses()), (1, vec![NumberStatus::Active]));
}

#[test]
fn a_report_of_nobodys_number_is_not_found() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    scene.release(&row).unwrap();
    for reported in [ReportedNumber::Number(chicago(0)), ReportedNumber::Sid(row.twilio_phone_sid.unwrap())] {
        assert!(matches!(note_number_status(&scene.db.store, &reported), Err(Error::NotFound { .. })));
    }
}
